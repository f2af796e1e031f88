"""Fixed points of a limit in the plane of overlaps, and their linear stability: phase retrieval and its like.

Part of the room of closed forms. For K = λI, a constant rate γ and one learnt direction the limit is a flow in
``(B11, B12) = (E x², E x x*)`` at fixed ``B22 = E x*²``:

    dB11/dt = -2γλ (c₁ B11 + c₂ B12) + γ²λ² I,    dB12/dt = -γλ (c₁ B12 + c₂ B22),

with c₁, c₂, I functions of B (*The High Line*, arXiv 2405.19585, section 2). Its zeros and the eigenvalues of its
Jacobian there are exact: for polynomials by elimination, for other closed forms along the lines of symmetry.
One file: points, their list, and the plane in which they are found, which name each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from typing import Any

import sympy as sp

from symhigh.checks import instance
from symhigh.clock import OutOfTime, time_limit
from symhigh.closed.finder import DoesNotApply
from symhigh.closed.formula import Formula, positive
from symhigh.closed.modes import check_population, rational
from symhigh.closed.planar import beside, polynomial_zeros, symmetric_zeros, tidy
from symhigh.closed.searched import STARTS, searched_zeros
from symhigh.derivation import derive
from symhigh.derivation.gaussian import GaussianMean
from symhigh.derivation.mixture import MixtureMean
from symhigh.notation import html_table, latex
from symhigh.population import Overlaps, Spectrum, Start
from symhigh.problem import Problem
from symhigh.problem.learnt import REST, refuse_learnt
from symhigh.rule import Rule
from symhigh.symbols import B11, B12, B22, V11, V12, V22, OwnedSymbol, gamma, lam, risk, t
from symhigh.system import MomentSystem
from symhigh.telling import stage, telling

SECONDS = 120.0
"""The time of work after which a list of points ends with those that are found."""
SOURCE = "new; the flow is High Line (arXiv 2405.19585), section 2"
TARGET = OwnedSymbol("B22", positive=True)
RATE = OwnedSymbol("rate", positive=True)


@dataclass(frozen=True)
class FixedPoint:
    """A point where the limit stands still, and its linearisation there.

    ``name`` is ``"origin"``, ``"no overlap"`` (B12 = 0), ``"aligned"`` (B12 > 0) or ``"opposed"`` (B12 < 0). All
    formulas hold where their assumptions do: radicands and variances are not negative.
    """

    name: str
    B11: Formula
    B12: Formula
    risk: Formula
    eigenvalues: tuple[Formula, Formula]
    """Of the Jacobian, per unit of time; along B11 and along B12 where it is triangular."""
    trace: Formula
    determinant: Formula

    def subs(self, values: Mapping[sp.Symbol, sp.Expr]) -> FixedPoint:
        """The same point with expressions put for symbols."""
        first, second = self.eigenvalues
        return FixedPoint(
            self.name,
            self.B11.subs(values),
            self.B12.subs(values),
            self.risk.subs(values),
            (first.subs(values), second.subs(values)),
            self.trace.subs(values),
            self.determinant.subs(values),
        )

    def mirrored(self) -> FixedPoint:
        """The point with all signs of the target turned, of a flow that does not see them."""
        other = replace(self.B12, expr=-self.B12.expr)
        return replace(self, name=_name(self.B11.expr, other.expr), B12=other)

    def stable(self, **values: Any) -> bool:
        """Whether small deviations decay: the Jacobian's trace is negative and its determinant positive."""
        trace, determinant = (f.evaluate(**_for(f, values)) for f in (self.trace, self.determinant))
        return bool(trace < 0 < determinant)


    @property
    def place(self) -> str:
        """What a list of points shows."""
        return f"({_short(self.B11.expr)}, {_short(self.B12.expr)})"

    @property
    def row(self) -> tuple[sp.Expr, ...]:
        """The cells of a table of points."""
        return tuple(f.expr for f in (self.B11, self.B12, self.risk, *self.eigenvalues))


class FixedPoints(tuple[Any, ...]):
    """Fixed points, and whether they are all: ``complete``, and a ``message`` that says which may be missing."""

    complete: bool
    message: str

    def __new__(cls, points: Iterable[Any], message: str = "") -> FixedPoints:
        found = super().__new__(cls, tuple(points))
        found.complete, found.message = not message, message
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return FixedPoints, (tuple(self), self.message)

    def __repr__(self) -> str:
        places = ", ".join(f"{q.name} at {q.place}" for q in self)
        return f"FixedPoints({places or 'none'}{'; partial: ' + self.message if self.message else ''})"

    def _repr_html_(self) -> str:
        rows = [
            (q.name, *(e if isinstance(e, str) else f"${latex(e)}$" for e in q.row)) for q in self
        ]
        header = ("fixed point", "B11", "B12", "risk", "eigenvalue", "eigenvalue")
        return html_table(header, rows) + escape(self.message)


@telling
def fixed_points(
    problem: Problem, rule: Rule, spectrum: Spectrum | None = None, start: Start | Overlaps | None = None
) -> FixedPoints:
    """The fixed points of the limit of SGD at a constant rate, for K = λI.

    ``spectrum`` has one eigenvalue, 1 by default; of ``start`` only ``‖X*‖²`` matters, and without it the formulas are
    in ``B22 = E x*²``. Parameters of problem and rule may be symbols.

    For losses whose expectations are polynomials these are all fixed points that are explicit for the parameters given
    (roots of higher degree need numbers for all parameters); for losses with arcsines and roots, those without
    overlap, the target and its mirror and, where all is in numbers, what a search finds, to 25 digits. Points whose
    assumptions the numbers break are left out. The tuple's ``complete`` tells whether these are all; where not, its
    ``message`` says what may be missing. After two minutes of work the list ends, partial, with what is found.

    Several directions, with an ``Overlaps`` as ``start``, have an
    :class:`~symhigh.closed.several_points.OverlapPoint` for the target and one for the symmetric plateau of a
    committee, on spectra of up to eight eigenvalues.

    Raises ``ValueError`` for a rate that is not constant, expectations without closed form, and several eigenvalues of
    one direction.
    """
    if isinstance(problem, Problem):
        refuse_learnt("fixed_points", problem.learnt, REST, "integrate system.solve(…)")
    if isinstance(problem, Problem) and len(problem.directions) > 2 and not isinstance(start, Start):
        from symhigh.closed.several_points import several_points

        check_population("fixed_points", spectrum, None)
        overlaps = start if start is None else instance("fixed_points", "start", start, Overlaps, "Overlaps, or None")
        return several_points(derive(problem, rule), spectrum, overlaps)
    check_population("fixed_points", spectrum, start)
    assert not isinstance(start, Overlaps)
    plane = Plane(derive(problem, rule, reduce=False), spectrum, start)
    points: list[FixedPoint] = []
    try:
        with time_limit(SECONDS, working=True):
            for point in plane.points():
                points.append(point.subs(plane.values))
    except OutOfTime:
        plane.missing = f"stopped after {SECONDS:g} s of work; {plane.missing or 'others may exist'}"
    return FixedPoints((q for q in points if not _broken(q)), plane.missing)


class Plane:
    """The flow of one system, in canonical symbols: ``RATE`` for the learning rate, ``TARGET`` for B22."""

    def __init__(self, system: MomentSystem, spectrum: Spectrum | None, start: Start | None) -> None:
        if len(system.problem.directions) > 2:
            raise DoesNotApply("fixed_points: it has several directions, which overlap in more than a plane")
        rate = system.unfolded(gamma)
        averages = {r.name for r in system.reductions} | {s.name for s in system.states} | {t}
        if rate.free_symbols & averages:
            raise DoesNotApply(f"fixed_points: {type(system.rule).__name__}'s learning rate moves; use Constant(gamma)")
        if tuple(system.family.states) != (V11, V12):
            more = ", ".join(str(s) for s in system.family.states if s not in (V11, V12))
            raise DoesNotApply(f"fixed_points: a mode of it has {more} too; use Constant(gamma), or system.solve(…)")
        values = Spectrum.isotropic().values if spectrum is None else spectrum.values
        if len(set(values.tolist())) != 1:
            raise DoesNotApply(
                f"fixed_points(spectrum with {len(set(values.tolist()))} eigenvalues): K must be λI; integrate "
                "system.solve(…)"
            )
        size = rational(values[0])
        known = {s: rational(v) for s, v in system.parameters.items()}
        self.values: dict[sp.Symbol, sp.Expr] = {RATE: rate.subs(known)}
        if start is None:
            self.values[TARGET] = B22
        else:
            self.values[TARGET] = size * rational(start.modes(spectrum or Spectrum.isotropic())[2][0])
        put = {V11: B11 / size, V12: B12 / size, V22: TARGET / size, B22: TARGET, lam: size}
        self._put = {**put, gamma: RATE, **known}
        self.flow = tuple(sp.expand(size * self._closed(system, rhs)) for rhs in system.family.rhs)
        self.risk = self._closed(system, risk)
        self.polynomial = all(f.is_polynomial(B11, B12) for f in self.flow)
        self.missing = ""

    def _closed(self, system: MomentSystem, expr: sp.Expr) -> sp.Expr:
        moving = [s for s in system.scalars if s.name != gamma]
        for s in reversed(moving):
            expr = expr.subs(s.name, s.expression)
        closed = expr.subs(self._put, simultaneous=True)
        if closed.has(GaussianMean, MixtureMean):
            raise DoesNotApply(
                f"fixed_points: {system.problem.name} has expectations without closed form; integrate "
                "system.solve(…)"
            )
        return closed

    def points(self) -> Iterator[FixedPoint]:
        """All of them, in canonical symbols; :attr:`values` holds what the user gave for these."""
        stage("the zeros of the flow")
        known: dict[tuple[sp.Expr, sp.Expr], FixedPoint] = {}
        for p, m in self.zeros():
            stage("the flow's Jacobian at", (p, m))
            twin = known.get((p, -m)) if self.mirrored else None
            known[p, m] = self.point(p, m) if twin is None else twin.mirrored()
            yield known[p, m]

    @cached_property
    def mirrored(self) -> bool:
        """Whether the flow is the same with all signs of the target turned: B12 → -B12."""
        sides = ((self.flow[0], 1), (self.flow[1], -1), (self.risk, 1))
        return all(sp.expand(e.subs(B12, -B12) - side * e) == 0 for e, side in sides)

    def zeros(self) -> list[tuple[sp.Expr, sp.Expr]]:
        """Zeros of the flow that may be overlaps: real, ``B11 ≥ 0`` and ``B12² ≤ B11 B22``."""
        if not self.polynomial:
            found = symmetric_zeros(self.flow, B11, B12, TARGET) + self._searched()
        else:
            found, left = polynomial_zeros(self.flow, B11, B12)
            if left:
                numbers = {s: v for s, v in self.values.items() if v.is_number}
                self.flow = tuple(f.subs(numbers) for f in self.flow)
                found, left = polynomial_zeros(self.flow, B11, B12)
            if left:
                open_ = ", ".join(map(str, left))
                self.missing = (
                    f"roots of {open_} are not explicit; give numbers for all parameters and start=…"
                )
        return [point for point in found if self._may_be(point)]

    def _searched(self) -> list[tuple[sp.Expr, sp.Expr]]:
        """Points off the lines of symmetry, where rate, target and parameters are numbers."""
        flow = [f.subs(self.values) for f in self.flow]
        if any(f.free_symbols - {B11, B12} for f in flow):
            self.missing = (
                "only points on lines of symmetry are known in symbols; give numbers and start=… to search"
            )
            return []
        self.missing = f"found on lines of symmetry, and by a search from {STARTS} starts; others may exist"
        return searched_zeros(flow, B11, B12, self.values[TARGET])

    def _may_be(self, point: tuple[sp.Expr, sp.Expr]) -> bool:
        p, m = (e.subs(self.values) for e in point)
        target = self.values[TARGET]
        numbers = [sp.N(e, 30) for e in (p, p * target - m**2) if e.is_number]
        return all(e.is_real and e > -(sp.Float(10, 30) ** -25) for e in numbers)

    # --- one point ------------------------------------------------------------------------------------------------
    def at(self, expr: sp.Expr, p: sp.Expr, m: sp.Expr) -> sp.Expr:
        """The value at a zero; its variance ``n r²`` is a square where it comes from a line of symmetry."""
        if p.is_Float:
            return sp.N(expr.subs(self.values).subs({B11: p, B12: m}, simultaneous=True), 30)
        if self.polynomial:
            return tidy(sp.expand(expr).subs({B11: p, B12: m}, simultaneous=True))
        if m != 0:
            return sp.factor(beside(expr, B11, B12, TARGET, 1 if m == TARGET else -1))
        root = sp.Dummy("r", positive=True)
        value = sp.simplify(expr.subs({B11: TARGET * root**2, B12: m}, simultaneous=True))
        return sp.factor(value.subs(root, _radius(p)))

    def jacobian(self, p: sp.Expr, m: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr | None, sp.Expr | None]:
        """Trace and determinant, and the eigenvalues along B11 and B12 where the matrix is triangular."""
        entries = sp.Matrix(2, 2, lambda i, j: sp.diff(self.flow[i], (B11, B12)[j]))
        if self.polynomial:  # combined first: roots then enter squared
            trace, determinant = self.at(entries.trace(), p, m), self.at(entries.det(), p, m)
            across = self.at(entries[0, 1], p, m) == 0 or self.at(entries[1, 0], p, m) == 0
            return trace, determinant, *((self.at(entries[i, i], p, m) if across else None) for i in (0, 1))
        here = entries.applyfunc(lambda e: self.at(e, p, m))
        if p.is_Float:
            return here.trace(), here.det(), None, None
        own = here[0, 1] == 0 or here[1, 0] == 0
        return tidy(here.trace()), tidy(here.det()), *((here[i, i] if own else None) for i in (0, 1))

    def point(self, p: sp.Expr, m: sp.Expr) -> FixedPoint:
        trace, determinant, first, second = self.jacobian(p, m)
        if first is None or second is None:
            square = trace**2 - 4 * determinant
            root = sp.sqrt(square if p.is_Float else tidy(square))
            first, second = ((trace + side * root) / 2 for side in (-1, 1))
            if not root.has(sp.CRootOf) and root.is_rational_function():
                first, second = sp.factor(first), sp.factor(second)
        where = self._assumptions(p, m)

        def formula(expr: sp.Expr, what: str) -> Formula:
            return Formula(expr, where, SOURCE, what)

        return FixedPoint(
            _name(p, m),
            formula(p, "E x² at the fixed point"),
            formula(m, "E x x* at the fixed point"),
            formula(self.at(self.risk, p, m), "the risk at the fixed point"),
            (formula(first, "an eigenvalue of the flow"), formula(second, "an eigenvalue of the flow")),
            formula(trace, "the trace of the flow's Jacobian"),
            formula(determinant, "the determinant of the flow's Jacobian"),
        )

    def _assumptions(self, p: sp.Expr, m: sp.Expr) -> tuple[sp.Basic, ...]:
        """The point is real and may be a pair of overlaps."""
        if p.is_Float:
            return ()
        radicands = {r.base for e in (p, m) for r in e.atoms(sp.Pow) if r.exp == sp.S.Half}
        size = p if self.polynomial else _radius(p)
        sides = [*sorted(radicands, key=str), size, *([tidy(p * TARGET - m**2)] if m != 0 else [])]
        doubtful = [e for e in sides if not e.is_nonnegative and e.free_symbols]
        return (*positive(TARGET), *(sp.GreaterThan(e, 0, evaluate=False) for e in doubtful))


def _broken(point: FixedPoint) -> bool:
    """Whether the numbers given break an assumption, so that there is no such point."""
    closed = [r for r in point.B11.assumptions if not r.free_symbols]
    return any(r.func(r.lhs.evalf(30), r.rhs.evalf(30)) == sp.false for r in closed)


def _short(expr: sp.Expr) -> str:
    text = f"{float(expr):.6g}" if expr.is_number else str(expr)
    return text if len(text) < 40 else text[:37] + "…"


def _radius(p: sp.Expr) -> sp.Expr:
    """r where ``p = n r²``, for a product of powers: halves of their exponents, without a choice of sign."""
    factors = (factor.as_base_exp() for factor in sp.Mul.make_args(p / TARGET))
    return sp.Mul(*(base ** (exponent / 2) for base, exponent in factors))


def _name(p: sp.Expr, m: sp.Expr) -> str:
    if m == 0:
        return "origin" if p == 0 else "no overlap"
    return (
        "opposed" if m.is_negative or (m.is_positive is None and m.could_extract_minus_sign()) else "aligned"
    )


def _for(formula: Formula, values: dict[str, Any]) -> dict[str, Any]:
    """Those of the values that the formula has symbols for."""
    names = {s.name for s in formula.symbols}
    return {name: value for name, value in values.items() if name in names}
