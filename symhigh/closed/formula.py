"""A closed form that carries its assumptions, its source and its code.

Opens the room of closed forms: everything here returns formulas, and claims, reports and the command line read them.
One file, since a formula and what it refuses are one thing.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import mpmath
import numpy as np
import sympy as sp
from sympy.logic.boolalg import BooleanAtom

from symhigh.checks import expression, instance, mapping, refuse_type, shown, whole
from symhigh.closed.enclosure import Ball, enclose
from symhigh.closed.nodes import MU, root_latex, roots_named, settled
from symhigh.closed.sharing import exact, replaced
from symhigh.notation import FieldLatexPrinter, latex

_MAX_DIGITS = 4000
_TAKEN = {
    "auto",
    "char",
    "const",
    "digits",
    "double",
    "float",
    "int",
    "long",
    "math",
    "register",
    "short",
    "static",
    "void",
}


@dataclass(frozen=True)
class Formula:
    """An exact expression, valid where its assumptions hold.

    ``expr`` is a SymPy expression, ``assumptions`` are SymPy relations in its symbols (the signs that the symbols
    themselves are declared with are added), ``source`` says where the statement stands or that it is new, and
    ``statement`` in words what the expression is.

    >>> import sympy as sp
    >>> a = sp.Symbol("a", positive=True)
    >>> Formula(sp.sqrt(a), source="elementary").evaluate(a=4)
    mpf('2.0')
    """

    expr: sp.Expr
    assumptions: tuple[sp.Basic, ...] = ()
    source: str = "derived here"
    statement: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "expr", expression("Formula", "expr", self.expr, "a SymPy expression"))
        if not isinstance(self.assumptions, (tuple, list)):
            refuse_type(
                "Formula", "assumptions", self.assumptions, "a tuple of SymPy relations", "where it holds"
            )
        for relation in self.assumptions:
            what = "a tuple of SymPy relations, such as (gamma < 2/tau,)"
            kinds = (sp.core.relational.Relational, BooleanAtom, bool)
            instance("Formula", "assumptions", relation, kinds, what)
        for name in ("source", "statement"):
            instance("Formula", name, getattr(self, name), str, "a string")
        relations = [r for r in map(unevaluated, self.assumptions) if not _settled(r)]
        known = dict.fromkeys([*relations, *_signs(self.expr)])
        weaker = {
            sp.GreaterThan(r.lhs, 0, evaluate=False)
            for r in known
            if isinstance(r, sp.StrictGreaterThan) and r.rhs == 0
        }
        object.__setattr__(self, "assumptions", tuple(r for r in known if r not in weaker))

    def __reduce__(self) -> tuple[Any, ...]:
        """Relations in parts, since SymPy evaluates a relation that it unpickles: 1 > 0 would come back as True."""
        parts = [
            (r.func, *r.args) if isinstance(r, sp.core.relational.Relational) else (r,)
            for r in self.assumptions
        ]
        return _restored, (self.expr, parts, self.source, self.statement)

    @property
    def symbols(self) -> tuple[sp.Symbol, ...]:
        """What :meth:`evaluate` needs values for, in order of name."""
        used = set(self.expr.free_symbols).union(*(r.free_symbols for r in self.assumptions))
        return tuple(sorted(used, key=str))

    def subs(self, values: Mapping[sp.Symbol, Any]) -> Formula:
        """The same formula with expressions put for symbols, all at once; assumptions follow."""
        put = {
            instance("Formula.subs", "values", s, sp.Basic, "{symbol: expression}"): expression(
                "Formula.subs", f"values[{s}]", v, "a number or a SymPy expression"
            )
            for s, v in mapping("Formula.subs", "values", values, "{symbol: expression}").items()
        }
        if all(isinstance(s, sp.Symbol) for s in put) and put.keys().isdisjoint(self.symbols):
            return self
        follow = tuple(
            r.func(r.lhs.xreplace(put), r.rhs.xreplace(put), evaluate=False) for r in self.assumptions
        )
        return Formula(replaced(self.expr, put), follow, self.source, self.statement)

    def evaluate(self, digits: int = 15, **values: Any) -> Any:
        """The value to ``digits`` correct significant digits, an ``mpmath.mpf``; an array where a value is one.

        ``values`` gives every symbol of the formula by its name, or by that of its argument in :meth:`python`
        (``lambda_`` for λ): numbers, exact where they are integers or ``sympy.Rational``, floats taken as the binary
        number that they are. Arrays and lists are broadcast against each other, and the result has their shape: floats,
        or ``mpmath.mpf`` objects for more than 15 digits. Precision is raised until two evaluations agree.

        Raises ``ValueError`` for a missing or unknown name, for a broken assumption (which it names, with the
        values), where the expression is not real, and where the spectrum is open.
        """
        wanted = whole(
            "Formula.evaluate", "digits", digits, least=1, most=100_000, meaning="significant digits"
        )
        if MU in self.symbols:
            raise ValueError(
                f"Formula.evaluate: {self.statement or 'this formula'} is an average over a spectrum, which is open; "
                "give limits(…, spectrum=…), with start=… where the start matters"
            )
        if any(isinstance(v, (list, tuple)) or (isinstance(v, np.ndarray) and v.ndim) for v in values.values()):
            return self._evaluate_arrays(wanted, values)
        numbers = self._numbers("Formula.evaluate", values)
        self._enforce("Formula.evaluate", numbers)
        held, precision, last = exact(self.expr), wanted + 10, None
        while precision < _MAX_DIGITS + 4 * wanted:
            expr = replaced(held, {s: v if v.is_Integer else v.evalf(precision + 5) for s, v in numbers.items()})
            most = _MAX_DIGITS + 4 * wanted
            with mpmath.workdps(precision + 10):  # a zero may be all that rounding left
                value = settled(expr).evalf(precision, maxn=most) or expr.evalf(precision, maxn=most)
            real, imaginary = value.as_real_imag()
            if not (real.is_Float or real.is_Rational):
                raise ValueError(
                    f"Formula.evaluate: {self.expr} has no numeric value at {_shown(numbers)}; {_open(expr)}"
                )
            if abs(imaginary) > abs(real) * sp.Float(10) ** (-wanted):
                raise ValueError(f"Formula.evaluate: {self.expr} is not real at {_shown(numbers)}")
            if last is not None and abs(real - last) <= abs(real) * sp.Float(10, precision) ** (-wanted - 1):
                with mpmath.workdps(wanted):
                    return +mpmath.mpf(sp.Float(real, wanted + 5)._mpf_)
            last, precision = real, 2 * precision
        raise ValueError(f"Formula.evaluate: no {wanted} stable digits at {_shown(numbers)}")

    def enclose(self, digits: int = 30, **values: Any) -> Ball:
        """The value between two proved bounds, by ball arithmetic: a :class:`Ball` of relative radius ``10^-digits``.

        ``values`` as in :meth:`evaluate`, numbers only. Needs python-flint (``pip install 'symhigh[enclosures]'``) and
        raises ``ImportError`` without; ``ValueError`` as :meth:`evaluate` does, and where a part of the expression
        has no enclosure, named: Gaussian averages over three variables, spectra left open.
        """
        wanted = whole("Formula.enclose", "digits", digits, least=1, most=4_000, meaning="significant digits")
        numbers = self._numbers("Formula.enclose", values)
        self._enforce("Formula.enclose", numbers)
        return enclose(self.expr, numbers, wanted)

    def latex(self, assumptions: bool = False) -> str:
        """The expression as LaTeX, the equations of its roots, and behind it with ``assumptions`` what it assumes."""
        expr, roots = roots_named(self.expr)
        where = r",\quad ".join(root_latex(name, root, FieldLatexPrinter()) for name, root in roots)
        conditions = r",\ ".join(map(latex, self.assumptions))
        return (
            latex(expr)
            + (rf" \quad\text{{where }} {where}" if where else "")
            + (rf" \qquad \left({conditions}\right)" if assumptions and conditions else "")
        )

    def python(self, name: str = "formula") -> str:
        """Source of a Python function of the formula's symbols, in double precision; needs SciPy for W and erf."""
        from symhigh.closed.code import python_source

        return python_source(self, name)

    def c(self, name: str = "formula") -> str:
        """Source of a self-contained C99 function of the formula's symbols, in double precision."""
        from symhigh.closed.code import c_source

        return c_source(self, name)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex(assumptions=True)}$"

    def __str__(self) -> str:
        where = "; ".join(f"{r.lhs} {r.rel_op} {r.rhs}" for r in self.assumptions)
        return str(self.expr) + (f"   where {where}" if where else "")

    # --- parts ------------------------------------------------------------------------------------------------
    def _evaluate_arrays(self, digits: int, values: dict[str, Any]) -> Any:
        if empty := [name for name, v in values.items() if np.size(np.asarray(v, dtype=object)) == 0]:
            raise ValueError(f"Formula.evaluate({empty[0]}={values[empty[0]]!r}): give at least one value")
        if masked := [name for name, v in values.items() if np.ma.is_masked(v)]:
            raise ValueError(f"Formula.evaluate({masked[0]}=…): values must be without masked entries; fill them")
        try:
            arrays = np.broadcast_arrays(*(np.asarray(v, dtype=object) for v in values.values()))
            if any(isinstance(entry, (list, tuple)) for a in arrays for entry in a.flat):
                raise ValueError
        except ValueError:
            names = ", ".join(values)
            raise ValueError(
                f"Formula.evaluate({names}): the values must be numbers, or arrays of shapes that broadcast"
            ) from None
        found = np.empty(arrays[0].shape, dtype=object)
        for place in np.ndindex(found.shape):
            found[place] = self.evaluate(digits, **{k: a[place] for k, a in zip(values, arrays, strict=True)})
        return found.astype(float) if digits <= 15 else found

    def _numbers(self, owner: str, values: dict[str, Any]) -> dict[sp.Symbol, sp.Expr]:
        by_name = {s.name: s for s in self.symbols}
        if len(by_name) < len(self.symbols):
            raise ValueError(
                f"{owner}: two symbols have one name; rename yours, or put numbers in with subs"
            )
        plain = {name: s.name for s, name in identifiers(self.symbols).items()}
        if unknown := sorted(set(values) - set(by_name) - set(plain)):
            raise ValueError(
                f"{owner}({unknown[0]}=…): the formula has {', '.join(by_name) or 'no symbols'}"
            )
        if twice := [name for name, own in plain.items() if name != own and {name, own} <= set(values)]:
            raise ValueError(f"{owner}: {plain[twice[0]]} is given twice, also as {twice[0]}")
        values = {key if key in by_name else plain[key]: v for key, v in values.items()}
        if missing := sorted(set(by_name) - set(values)):
            raise ValueError(f"{owner}: give a value for {', '.join(missing)}")
        numbers = {}
        for key, value in values.items():
            number = expression(owner, key, value, "a number")
            if not (number.is_number and number.is_real and number.is_finite):
                raise ValueError(
                    f"{owner}({key}={shown(value)}): {key} must be a finite real number"
                )
            numbers[by_name[key]] = exact(number)
        return numbers

    def _enforce(self, owner: str, numbers: dict[sp.Symbol, sp.Expr]) -> None:
        for relation in self.assumptions:
            left, right = (exact(side.subs(numbers)).evalf(30) for side in (relation.lhs, relation.rhs))
            if not _holds(relation, left, right):
                values = _shown({s: v for s, v in numbers.items() if s in relation.free_symbols})
                raise ValueError(
                    f"{owner}: the assumption {relation.lhs} {relation.rel_op} {relation.rhs} is broken"
                    + (f" at {values}" if values else "")
                    + f": {sp.N(left, 8)} {relation.rel_op} {sp.N(right, 8)} is false; "
                    "the formula does not hold there"
                )


def _holds(relation: Any, left: sp.Expr, right: sp.Expr) -> bool:
    """Whether the relation is true of two numbers; what has no value or is not real keeps to none."""
    try:
        return bool(relation.func(left, right) == sp.true)
    except TypeError:
        return False


def _restored(expr: sp.Expr, parts: list[tuple[Any, ...]], source: str, statement: str) -> Formula:
    """The formula that :meth:`Formula.__reduce__` took apart."""
    relations = (p[0](*p[1:], evaluate=False) if len(p) > 1 else p[0] for p in parts)
    return Formula(expr, tuple(relations), source, statement)


def identifiers(symbols: tuple[sp.Symbol, ...]) -> dict[sp.Symbol, str]:
    """A Python and C identifier of each symbol, all different: ``lambda_`` for λ."""
    found: dict[sp.Symbol, str] = {}
    for symbol in symbols:
        name = "".join(c if c.isascii() and c.isalnum() else "_" for c in symbol.name)
        name = f"_{name}" if name[:1].isdigit() else name
        while keyword.iskeyword(name) or name in _TAKEN or name in found.values():
            name += "_"
        found[symbol] = name
    return found


def unevaluated(relation: sp.Basic) -> sp.Basic:
    """The relation as written, so that it can still be named when it is known to be false."""
    if relation in (sp.true, sp.false) or not isinstance(relation, sp.core.relational.Relational):
        return relation
    return relation.func(relation.lhs, relation.rhs, evaluate=False)


def _settled(relation: sp.Basic) -> bool:
    """Whether nothing is left to check: true for all values, and of numbers or of symbols declared so."""
    if not isinstance(relation, sp.core.relational.Relational):
        return relation == sp.true
    return not relation.free_symbols and relation.func(relation.lhs, relation.rhs) == sp.true


def positive(*exprs: sp.Expr) -> tuple[sp.Basic, ...]:
    """The assumptions ``expr > 0``."""
    return tuple(sp.StrictGreaterThan(e, 0, evaluate=False) for e in exprs)


def _signs(expr: sp.Expr) -> list[sp.Basic]:
    """What the symbols themselves are declared with, as relations."""
    ordered = sorted(expr.free_symbols, key=str)
    signs = [sp.StrictGreaterThan(s, 0, evaluate=False) for s in ordered if s.is_positive]
    return signs + [
        sp.GreaterThan(s, 0, evaluate=False) for s in ordered if s.is_nonnegative and not s.is_positive
    ]


def _shown(numbers: dict[sp.Symbol, sp.Expr]) -> str:
    return ", ".join(f"{s} = {sp.N(v, 8)}" for s, v in sorted(numbers.items(), key=lambda p: str(p[0])))


def _open(expr: sp.Expr) -> str:
    left = ", ".join(sorted(map(str, expr.free_symbols)))
    return f"{left} is open; give limits(…, spectrum=…, start=…)" if left else "it holds an unknown function"
