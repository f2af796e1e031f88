"""Numbers that no elementary expression holds: averages over a spectrum, roots in an interval, and cases.

Used by the closed forms; they are SymPy expressions with free symbols, LaTeX and evaluation to any precision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from symhigh.closed.brackets import bracketed_root
from symhigh.closed.compiled import compiled, in_doubles
from symhigh.closed.sharing import exact, parts, replaced
from symhigh.symbols import OwnedSymbol, lam

_L = sp.Dummy("lambda", dummy_index=8_140_200, positive=True)
MU = OwnedSymbol("mu")
"""The spectrum left open: a probability measure on λ."""


class Average(sp.Expr):  # type: ignore[misc]
    """``∫ summand(λ) dμ(λ)``; ``measure`` is :data:`MU`, or ``Tuple(values, weights)`` of a discrete measure.

    ``summand`` is given in ``symhigh.symbols.lam``, which is bound.
    """

    def __new__(cls, summand: sp.Expr, measure: sp.Basic = MU) -> Average:
        return sp.Expr.__new__(cls, sp.sympify(summand, strict=True).xreplace({lam: _L}), measure)

    @property
    def summand(self) -> sp.Expr:
        return self.args[0].xreplace({_L: lam})

    @property
    def measure(self) -> sp.Basic:
        return self.args[1]

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        own = self.args[0].free_symbols - {_L}
        return own | ({MU} if self.measure == MU else set())

    def _xreplace(self, rule: Any) -> tuple[sp.Basic, bool]:
        """Symbols are sought in the summand alone where the measure holds numbers, which may be many."""
        symbols = isinstance(rule, Mapping) and all(isinstance(s, sp.Symbol) for s in rule)  # SymPy may give a function
        if not symbols or not _is_numeric(self.measure):
            return super()._xreplace(rule)
        summand, changed = self.args[0]._xreplace(rule)
        return (self.func(summand, self.measure), True) if changed else (self, False)

    def _eval_derivative(self, symbol: sp.Symbol) -> sp.Expr:
        return self.func(sp.diff(self.summand, symbol), self.measure)

    def _eval_evalf(self, prec: int) -> sp.Expr:
        if self.free_symbols:
            return self
        with mpmath.workprec(prec):
            return sp.Float._new(numeric(self, ())()._mpf_, prec)

    def _latex(self, printer: Any) -> str:
        name = r"\mu" if self.measure == MU else r"\hat\mu"
        return rf"\int {printer._print(self.summand)}\, d{name}(\lambda)"

    def _sympystr(self, printer: Any) -> str:
        name = "mu" if self.measure == MU else f"{len(self.measure.args[0])} modes"
        return f"Average({printer._print(self.summand)}, {name})"


class Root(sp.Expr):  # type: ignore[misc]
    """The only zero of ``equation`` as a function of ``unknown`` in the open interval ``(lower, upper)``.

    Whoever builds one has shown that the equation changes sign there once; evaluation brackets the sign change.
    An infinite ``upper`` is allowed.
    """

    def __new__(cls, equation: sp.Expr, unknown: sp.Symbol, lower: Any, upper: Any) -> Root:
        bound = unknown if isinstance(unknown, sp.Dummy) else sp.Dummy(unknown.name, positive=True)
        equation = replaced(sp.sympify(equation, strict=True), {unknown: bound})
        return sp.Expr.__new__(cls, equation, bound, *(sp.sympify(end, strict=True) for end in (lower, upper)))

    @property
    def equation(self) -> sp.Expr:
        return self.args[0]

    @property
    def unknown(self) -> sp.Symbol:
        return self.args[1]

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        return set(_free(self))

    def _eval_evalf(self, prec: int) -> sp.Expr:
        if self.free_symbols:
            return self
        return sp.Float._new(_value(self, 64 * (1 + prec // 64))._mpf_, prec)

    def _near(self, function: Callable[..., Any], ends: list[Any]) -> tuple[Any, Any] | None:
        """A narrow bracket from double precision, where it proves good."""
        try:
            with np.errstate(all="ignore"):
                low, high = map(float, ends)
                found = bracketed_root(_double(self.equation, self.unknown), low, high, bits=40)
        except (ArithmeticError, TypeError, ValueError, NameError):  # no double, or a function that has none
            return None
        low, high = sorted(mpmath.mpf(found) * (1 + side * mpmath.mpf(10) ** -9) for side in (-1, 1))
        inside = ends[0] < low < high < ends[1]
        return (low, high) if inside and (function(low) < 0) != (function(high) < 0) else None

    def _latex(self, printer: Any) -> str:
        return rf"\operatorname{{root}}\left({_latex_of_root(_named(self), printer)}\right)"

    def _sympystr(self, printer: Any) -> str:
        return f"Root({', '.join(map(printer._print, _named(self)))})"


class Choice(sp.Expr):  # type: ignore[misc]
    """``above`` where ``test > 0``, else ``below``; decided as soon as the test is a number.

    A ``Piecewise`` whose condition may hold Lambert's function: SymPy takes its branch -1 for not real, and so would
    refuse to compare it.
    """

    def __new__(cls, test: sp.Expr, above: Any, below: Any) -> sp.Expr:
        test, above, below = (sp.sympify(e, strict=True) for e in (test, above, below))
        if not test.free_symbols:
            return above if sp.N(test, 30) > sp.Float(10, 30) ** -25 else below
        return sp.Expr.__new__(cls, test, above, below)

    def _latex(self, printer: Any) -> str:
        test, above, below = map(printer._print, self.args)
        return rf"\begin{{cases}} {above} & {test} > 0 \\ {below} & \text{{otherwise}} \end{{cases}}"

    def _sympystr(self, printer: Any) -> str:
        test, above, below = map(printer._print, self.args)
        return f"({above} where {test} > 0, else {below})"


@lru_cache(maxsize=64)
def _is_numeric(measure: sp.Basic) -> bool:
    return not measure.free_symbols


@lru_cache(maxsize=256)
def _free(root: Root) -> frozenset[sp.Symbol]:
    """The free symbols of a root; kept, since roots stand in roots and are asked for theirs at every evaluation."""
    equation, unknown, lower, upper = root.args
    return frozenset((equation.free_symbols - {unknown}) | lower.free_symbols | upper.free_symbols)


@lru_cache(maxsize=256)
def _value(root: Root, bits: int) -> Any:
    """The root to so many bits; kept, since an expression asks for it wherever it stands in it."""
    with mpmath.workprec(bits + 20):
        function = numeric(root.equation, (root.unknown,))
        ends = [mpmath.inf if e is sp.oo else numeric(e, ())() for e in root.args[2:]]
        return bracketed_root(function, *(root._near(function, ends) or ends))


def roots_named(expr: sp.Expr) -> tuple[sp.Expr, list[tuple[sp.Symbol, Root]]]:
    """``expr`` with a letter for every root in it, and the roots by their letters, the inner ones first.

    A root goes by its own unknown, with a number where the letter is taken.
    """
    found: list[tuple[sp.Symbol, Root]] = []
    while inner := [r for r in expr.atoms(Root) if not any(a.has(Root) for a in r.args)]:
        taken = {s.name for s in expr.free_symbols} | {name.name for name, _ in found}
        root = min(inner, key=str)
        letter = root.unknown.name
        name = next(n for n in (letter, *(f"{letter}_{k}" for k in range(1, 99))) if n not in taken)
        found.append((sp.Symbol(name, positive=True), root))
        expr = expr.xreplace({root: found[-1][0]})
    return expr, found


def root_latex(name: sp.Symbol, root: Root, printer: Any) -> str:
    """The equation that ``name`` solves and the interval that it lies in, as LaTeX."""
    return _latex_of_root(tuple(a.xreplace({root.unknown: name}) for a in root.args), printer)


def _latex_of_root(root: tuple[sp.Basic, ...], printer: Any) -> str:
    equation, name, low, high = root
    number, rest = equation.as_coeff_Add()
    left, right = (rest, -number) if number.is_negative else (equation, sp.S.Zero)
    bounds = rf"{printer._print(low)} < {printer._print(name)}" + (
        "" if high is sp.oo else rf" < {printer._print(high)}"
    )
    return rf"{printer._print(left)} = {printer._print(right)},\ {bounds}"


def _named(root: Root) -> tuple[sp.Basic, ...]:
    """The arguments with the bound unknown under its plain name, for printing."""
    plain = sp.Symbol(root.unknown.name)
    return tuple(a.xreplace({root.unknown: plain}) for a in root.args)


def numeric(expr: sp.Expr, arguments: tuple[sp.Symbol, ...]) -> Callable[..., Any]:
    """``expr`` as a function of mpmath numbers at the working precision, discrete averages as loops."""
    expr = settled(expr)
    averages, names = _averages(expr)
    without = exact(expr.xreplace(dict(zip(averages, names, strict=True))))
    outer = compiled((*arguments, *names), without)
    loops = [_loop(a, arguments) for a in averages]
    return lambda *at: mpmath.mpmathify(outer(*at, *(loop(*at) for loop in loops)))


def _averages(expr: sp.Expr) -> tuple[list[Average], list[sp.Dummy]]:
    """The averages in an expression, and a name for each."""
    found = sorted(parts(expr, Average), key=sp.default_sort_key)
    return found, [_mean(k) for k in range(len(found))]


@lru_cache(maxsize=64)
def _mean(k: int) -> sp.Dummy:
    """The name of an average; kept, so that equal equations are compiled once."""
    return sp.Dummy(f"m{k}")


def _loop(average: Average, arguments: tuple[sp.Symbol, ...]) -> Callable[..., Any]:
    if average.measure == MU:
        raise ValueError("the spectrum is open; give limits(…, spectrum=…)")
    body = compiled((_L, *arguments), exact(average.args[0]))
    nodes = [(mpmath.mpf(v), mpmath.mpf(w)) for v, w in zip(*map(_floats, average.measure.args), strict=True)]
    return lambda *at: mpmath.fsum(w * body(v, *at) for v, w in nodes)


def _double(equation: sp.Expr, unknown: sp.Symbol) -> Callable[[float], float]:
    """The equation as a function of one float, averages as array sums."""
    equation = settled(equation)
    averages, names = _averages(equation)
    without = exact(equation.xreplace(dict(zip(averages, names, strict=True))))
    outer = in_doubles(compiled((unknown, *names), without))
    bodies = [sp.lambdify((_L, unknown), a.args[0], "numpy") for a in averages]
    arrays = [tuple(np.array(part.args, dtype=float) for part in a.measure.args) for a in averages]
    given = list(zip(bodies, arrays, strict=True))
    return lambda at: float(
        outer(at, *((w @ np.broadcast_to(body(v, at), v.shape) if v.size else 0.0) for body, (v, w) in given))
    )


def settled(expr: sp.Expr) -> sp.Expr:
    """Lambert's function and roots that depend on nothing, as numbers of the working precision."""
    digits = mpmath.mp.dps + 5
    closed = [a for a in parts(expr, Root, sp.LambertW) if not a.free_symbols]
    return replaced(expr, {a: a.evalf(digits, maxn=10 * digits) for a in closed})


def _floats(numbers: sp.Tuple) -> list[Any]:
    return [mpmath.mpf(n._mpf_) if n.is_Float else mpmath.mpf(n.p) / n.q for n in numbers]
