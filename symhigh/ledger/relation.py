"""Relations between two expressions, checked at points with mpmath to any number of digits.

Stands below the symbolic and the numeric evidence. A difference counts only if it survives higher working
precision, so cancellation near degenerate points is never taken for a counterexample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import mpmath
import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.printing.codeprinter import PrintMethodNotImplementedError

from symhigh.checks import shown
from symhigh.closed.compiled import compiled
from symhigh.closed.enclosure import available
from symhigh.ledger.domain import Domain, Point
from symhigh.ledger.enclosed import gap_of, settled
from symhigh.ledger.shown import SIGNS, Shown, show, side_text
from symhigh.ledger.verdict import Finding, Verdict

Side = Any  # a SymPy expression or a function
_UNKNOWN = (AppliedUndef, sp.Indexed, sp.Derivative)
_STRICT = (sp.StrictGreaterThan, sp.StrictLessThan, sp.Ne)


@dataclass(frozen=True)
class Relation:
    """``left = right``, or an order between them as the SymPy class ``kind`` says.

    A side is a SymPy expression, or a function of ``arguments``, in their order, as mpmath numbers. Unknown
    functions of symbols, and their derivatives, take independent random values: at a point any values can
    occur.
    """

    left: Side
    right: Side
    kind: type = sp.Eq
    arguments: tuple[sp.Symbol, ...] = ()

    def __post_init__(self) -> None:
        for name in ("left", "right"):
            side = getattr(self, name)
            if isinstance(side, int):
                object.__setattr__(self, name, sp.Integer(side))
            elif not isinstance(side, sp.Expr) and not callable(side):
                raise TypeError(
                    f"Claim(evidence: {shown(side)}): a {type(side).__name__} cannot be a side of a relation; give a "
                    "SymPy expression, exact numbers included, or a function"
                )

    @cached_property
    def has_values(self) -> bool:
        """Whether both sides have values at a point.

        Not so with an unknown function under an integral or a sum, or at a compound argument.
        """
        sides = [s for s in (self.left, self.right) if isinstance(s, sp.Basic)]
        bound = [a for s in sides for a in s.atoms(sp.Integral, sp.Sum, sp.Product, sp.Limit, sp.Subs)]
        return self._is_plain and not any(b.has(*_UNKNOWN) for b in bound)

    @property
    def _is_plain(self) -> bool:
        """Whether unknown functions stand at symbols and numbers only."""
        return all(
            a.is_Symbol or a.is_number
            for u in self.names
            for f in u.atoms(*_UNKNOWN[:2])
            for a in f.args[_first(f) :]
        )

    @property
    def instance(self) -> Relation | None:
        """The relation with a quadratic for every unknown function: where it fails, the relation does.

        ``None`` where there is no unknown function.
        """
        sides = [s for s in (self.left, self.right) if isinstance(s, sp.Basic)]
        heads = sorted({f.func for s in sides for f in s.atoms(AppliedUndef)}, key=str)
        if len(sides) < 2 or not heads:
            return None
        for number, head in enumerate(heads, 2):
            sides = [
                s.replace(head, lambda *a, n=number: n + sum((k + n) * x + x**2 for k, x in enumerate(a, 1)))
                for s in sides
            ]
        return Relation(sides[0].doit(), sides[1].doit(), self.kind)

    @cached_property
    def names(self) -> dict[sp.Expr, sp.Dummy]:
        """Unknown functions and their derivatives, each with the symbol that stands for it at a point."""
        sides = [s for s in (self.left, self.right) if isinstance(s, sp.Basic)]
        unknown = set().union(*(s.atoms(*_UNKNOWN) for s in sides)) if sides else set()
        return {u: sp.Dummy(str(u), **_assumptions(u)) for u in sorted(unknown, key=str)}

    @cached_property
    def symbols(self) -> list[sp.Symbol]:
        """What needs a value, in a fixed order."""
        free = set(self.names.values())
        for side in self._sides:
            free |= side.free_symbols if isinstance(side, sp.Basic) else set()
        return sorted(free, key=lambda s: (s.name, str(s.assumptions0)))

    @property
    def _sides(self) -> tuple[Side, Side]:
        return tuple(
            s.xreplace(self.names) if isinstance(s, sp.Basic) else s for s in (self.left, self.right)
        )

    @cached_property
    def _functions(self) -> tuple[Callable[[Point], Any], Callable[[Point], Any]]:
        return tuple(_at_points(s, self.arguments) for s in self._sides)  # type: ignore[return-value]

    def values(self, point: Point, digits: int) -> tuple[Any, Any]:
        """Both sides at ``point``, computed with ``digits`` working digits."""
        with mpmath.workdps(digits):
            first, second = (_number(f(point)) for f in self._functions)
        return first, second

    def agreement(self, point: Point, digits: int) -> float | None:
        """Digits to which the relation holds at ``point``, ``inf`` if exactly; ``None`` where it fails.

        A difference refutes an equation when it is the same at two working precisions; one that falls with
        the precision is rounding. ``ArithmeticError`` where it does neither, because a side cannot be
        computed.
        """
        before = None
        for working in (digits + 15, 3 * (digits + 15), 9 * (digits + 15)):
            left, right = self.values(point, working)
            gap, size = _gap(left, right)
            equal = gap <= size * mpmath.mpf(10) ** -digits
            if self.kind is not sp.Eq and not equal:
                return mpmath.inf if self._ordered(left, right) else None
            if self.kind is sp.Eq and equal:
                return min(_digits(gap, size), float(working))
            if before is not None:
                if self.kind is not sp.Eq or gap <= before * mpmath.mpf(10) ** -digits:
                    return None if self.kind in _STRICT else float(digits)
                if abs(gap - before) <= before / 100:
                    return float(digits) if self._is_rounding(gap, point, working) else None
            before = gap
        raise ArithmeticError(f"{self}: the sides cannot be computed to {digits} digits")

    def _is_rounding(self, gap: Any, point: Point, digits: int) -> bool:
        """Whether a difference lies below what terms of the sums in the sides lose: e^{-8000} in 1 + e^{-8000}."""
        largest = mpmath.mpf(0)
        for side in (s for s in self._sides if isinstance(s, sp.Basic)):
            for total in side.atoms(sp.Add):
                values = (part.xreplace(point).evalf(5) for part in total.args)
                largest = max([largest, *(abs(_number(v)) for v in values if v.is_number and v.is_finite)])
        return bool(gap <= largest * mpmath.mpf(10) ** -digits)

    def _ordered(self, left: Any, right: Any) -> bool:
        """The order of two numbers that differ; complex numbers have none."""
        if self.kind is sp.Ne:
            return True
        if mpmath.im(left) or mpmath.im(right):
            return False
        return bool(left > right) is (self.kind in (sp.Gt, sp.Ge))

    @property
    def sides(self) -> tuple[Side, Side]:
        """Both sides."""
        return self.left, self.right

    @property
    def shown(self) -> Shown:
        """The relation as it is tested."""
        text, latex = SIGNS[self.kind]
        return show(self.left, text, self.right, latex)

    def __str__(self) -> str:
        return f"{side_text(self.left, 100)} {SIGNS[self.kind][0]} {side_text(self.right, 100)}"


def check_at_points(
    checked: Sequence[Relation], domain: Domain, count: int, digits: int, seed: int
) -> Finding:
    """Every relation at ``count`` random points: verified to so many digits, or refuted where one fails.

    Raises what evaluation raises, the point added as a note.
    """
    worst, radius = mpmath.inf, mpmath.mpf(0) if available() else None
    for relation in checked:
        number = count if relation.symbols or relation.arguments else 1
        for point in domain.points((*relation.symbols, *relation.arguments), number, seed):
            try:
                held = relation.agreement(point, digits)
            except Exception as error:
                error.add_note(f"at {_place(point)}")
                raise
            if held is None:
                return Finding(Verdict.REFUTED, f"{relation} fails", counterexample(relation, point, digits))
            worst = min(worst, held)
            gap = None if radius is None else gap_of(*relation._sides, point, digits)
            holds = None if gap is None else settled(relation.kind, gap)
            if holds is False:
                detail = f"{relation} fails: left - right is {gap}, proved by ball arithmetic"
                return Finding(Verdict.REFUTED, detail, counterexample(relation, point, digits))
            radius = max(radius, gap.radius) if holds and gap is not None else None
    measure = "" if worst == mpmath.inf else f" to {int(worst)} digits"
    proved = "" if radius is None else f", enclosed within {mpmath.nstr(radius, 2)}"
    return Finding(Verdict.VERIFIED, f"{count} points{measure}{proved}")


def counterexample(relation: Relation, point: Point, digits: int) -> tuple[tuple[str, str], ...]:
    """The point and both sides there, to as many digits as it takes to tell them apart."""
    left, right = relation.values(point, digits + 15)
    gap, size = _gap(left, right)
    shown = 8 if not gap else min(digits, 5 + max(0, int(_digits(gap, size))))
    values = [(s.name, _decimal(v)) for s, v in point.items()]
    with mpmath.workdps(digits):
        return (*values, ("left", mpmath.nstr(left, shown)), ("right", mpmath.nstr(right, shown)))


def _first(function: sp.Expr) -> int:
    """Where the arguments start: after the base of an indexed symbol."""
    return 1 if isinstance(function, sp.Indexed) else 0


def _assumptions(atom: sp.Expr) -> dict[str, bool]:
    return {"positive": True} if atom.is_positive or atom.is_nonnegative else {"real": True}


def _at_points(side: Side, arguments: tuple[sp.Symbol, ...]) -> Callable[[Point], Any]:
    """``side`` as a function of a point, at mpmath's current precision."""
    if not isinstance(side, sp.Basic):
        return lambda point: side(*(_mpf(point[s]) for s in arguments))
    if side.has(sp.Sum, sp.Product, sp.Limit):
        return lambda point: _by_sympy(side, point)
    if isinstance(side, sp.Rational):
        return lambda point: _mpf(side)
    symbols = tuple(sorted(side.free_symbols, key=lambda s: (s.name, str(s.assumptions0))))
    try:
        function = compiled(symbols, side)
    except PrintMethodNotImplementedError:  # a node of the library's own
        return lambda point: _by_sympy(side, point)

    def evaluate(point: Point) -> Any:
        try:
            return function(*(_mpf(point[s]) for s in symbols))
        except NameError:  # a function that only SymPy can evaluate
            return _by_sympy(side, point)

    return evaluate


def _by_sympy(side: sp.Expr, point: Point) -> Any:
    """The value of what only SymPy evaluates: sums, limits, functions without an mpmath name."""
    value = side.xreplace(point)
    if value.has(sp.Limit):
        value = value.doit()
    number = value.evalf(mpmath.mp.dps)
    if not number.is_number or number.has(sp.Sum, sp.Product, sp.Limit):
        raise ValueError(f"{side_text(side, 100)} has no number at a point: SymPy leaves {side_text(number, 100)}")
    return number._to_mpmath(mpmath.mp.prec)


def _mpf(value: sp.Expr) -> Any:
    if isinstance(value, sp.Rational):
        return mpmath.mpf(value.p) / value.q
    return value.evalf(mpmath.mp.dps)._to_mpmath(mpmath.mp.prec)


def _number(value: Any) -> Any:
    if isinstance(value, sp.Expr):
        value = value.evalf(mpmath.mp.dps)._to_mpmath(mpmath.mp.prec)
    if isinstance(value, float | complex):
        raise TypeError(
            f"a side evaluates to {value!r}, which has 16 digits; compute it with mpmath, or use "
            "integrated() evidence, which takes a tolerance"
        )
    number = mpmath.mpmathify(value)
    if not mpmath.isfinite(number):
        raise ValueError(f"a side is {number}; restrict the domain to where the statement makes sense")
    return number


def _gap(left: Any, right: Any) -> tuple[Any, Any]:
    """Distance of the two sides, and the larger of their sizes."""
    return abs(left - right), max(abs(left), abs(right))


def _digits(gap: Any, size: Any) -> float:
    return float(-mpmath.log10(gap / size)) if gap else mpmath.inf


def _place(point: Point) -> str:
    return ", ".join(f"{s} = {_decimal(v)}" for s, v in point.items())


def _decimal(value: sp.Expr) -> str:
    with mpmath.workdps(20):
        return str(mpmath.nstr(_mpf(value), 15)) if not value.is_Integer else str(value)
