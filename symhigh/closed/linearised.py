"""A flow of overlaps linearised at a point where every student stands at a target, exactly, in relative coordinates.

Serves :mod:`symhigh.closed.several`. With ``r_v = v - its target`` the coordinates are ``S_vw = <r_v, r_w>`` and
``E_vn = <r_v, X*_n>``. S is of second order in r, so that its own linear flow does not see E: the Jacobian is block
triangular. Derivatives go through the layers of the flow by the chain rule. Elementary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import sympy as sp

from symhigh.closed.finder import DoesNotApply
from symhigh.closed.fixed_points import RATE
from symhigh.closed.flow import Flow
from symhigh.closed.symmetry import Swap, assignments, exchanges, joint_swaps, orbits
from symhigh.derivation.slopes import slope_in
from symhigh.symbols import gamma

_NOTHING = sp.Float(10, 30) ** -25


def is_zero(expr: sp.Expr) -> bool:
    """Whether an exact expression vanishes: of numbers to 25 digits, else after expansion."""
    if not expr.free_symbols:
        return bool(abs(sp.N(expr, 30)) < _NOTHING)
    expanded = sp.expand(expr)
    free = expanded.free_symbols
    if free and expanded.is_polynomial(*free):
        return all(is_zero(c) for c in sp.Poly(expanded, *free).coeffs())
    return expanded == 0 or sp.simplify(expanded) == 0


@dataclass(frozen=True, eq=False)
class Linearised:
    """The flow at the target that ``assigned`` gives each student, the learning rate being ``RATE``."""

    flow: Flow
    assigned: dict[sp.Symbol, tuple[sp.Symbol, int]]
    point: dict[sp.Symbol, sp.Expr]
    known: dict[sp.Symbol, sp.Expr]

    @cached_property
    def still(self) -> tuple[sp.Expr, ...]:
        """The velocity of the states there, exactly; memories apart."""
        return tuple(tidied(sp.expand(f.xreplace(self.known))) for f in self.flow.velocity[: self.states])

    def relative_still(self) -> sp.Matrix:
        """The velocity there, of the relative coordinates."""
        return (self._relative(-1) * sp.Matrix(self.still)).applyfunc(lambda e: tidied(sp.expand(e)))

    @property
    def states(self) -> int:
        """How many of the unknowns are states of modes."""
        return len(self.flow.values) * len(self.flow.pairs)

    @property
    def rests(self) -> bool:
        """Whether the limit itself rests there: no label noise reaches the states."""
        return all(f == 0 for f in self.still)

    @cached_property
    def jacobian(self) -> sp.ImmutableMatrix:
        """Of the states of all modes in relative coordinates."""
        rows = sp.Matrix.vstack(*(self._slope(f, self._slopes) for f in self.flow.velocity[: self.states]))
        outward = self._relative(1)
        return sp.ImmutableMatrix((self._relative(-1) * rows * outward).applyfunc(lambda e: tidied(sp.expand(e))))

    def _slope(self, expr: sp.Expr, slopes: Mapping[sp.Symbol, sp.Matrix]) -> sp.Matrix:
        """The gradient of an expression at the point, in the unknowns."""
        unknowns = self.flow.unknowns[: self.states]
        row = sp.zeros(1, len(unknowns))
        for s in expr.free_symbols:
            if s in unknowns:
                row[unknowns.index(s)] += slope_at(expr, s, self.known)
            elif s in slopes and not slopes[s].is_zero_matrix:
                row += slope_at(expr, s, self.known) * slopes[s]
        if row.has(sp.nan, sp.zoo, sp.oo):
            raise DoesNotApply("its expectations are not smooth in the overlaps at the target")
        return row.applyfunc(tidied)

    @cached_property
    def _slopes(self) -> dict[sp.Symbol, sp.Matrix]:
        """The gradients of all layers but the rate, in the unknowns."""
        found: dict[sp.Symbol, sp.Matrix] = {}
        for name, expr in self.flow.layers:
            if name != gamma:
                found[name] = self._slope(expr, found)
        return found

    def gradient(self, name: sp.Symbol) -> sp.Matrix:
        """Of a layer, in relative coordinates."""
        return (self._slopes[name] * self._relative(1)).applyfunc(tidied)

    def _relative(self, side: int) -> sp.Matrix:
        """States in terms of relative coordinates, and back with ``side = -1``, constants apart."""
        pairs, aims = self.flow.pairs, self.flow.system.field.targets
        place = {frozenset(pair): k for k, pair in enumerate(pairs)}
        block = sp.eye(len(pairs))
        for k, (v, w) in enumerate(pairs):
            if v in aims or w in aims:
                continue
            for one, other in ((v, w), (w, v)):
                if one in self.shift:
                    target, sign = self.shift[one]
                    block[k, place[frozenset((other, target))]] += side * sign
        return sp.Matrix(sp.BlockDiagMatrix(*[block] * len(self.flow.values)).as_explicit())

    @cached_property
    def shift(self) -> dict[sp.Symbol, tuple[sp.Symbol, int]]:
        """The target of every vector that has one."""
        return aimed(self.flow, self.assigned)

    @cached_property
    def swaps(self) -> list[Swap]:
        """Exchanges that leave the point where it is."""
        return exchanges(self.flow, joint_swaps(self.flow, self.assigned))

    def places(self, second: bool) -> list[int]:
        """The relative coordinates S, or E, of all modes."""
        aims, size = self.flow.system.field.targets, len(self.flow.pairs)
        chosen = [k for k, pair in enumerate(self.flow.pairs) if (set(pair) & set(aims) == set()) == second]
        return [i * size + k for i in range(len(self.flow.values)) for k in chosen]

    @cached_property
    def second(self) -> sp.Matrix:
        """The flow of S; with label noise to first order in the rate, where E does not enter it."""
        S, E = self.places(True), self.places(False)
        if any((e if self.rests else e.coeff(RATE, 1)) != 0 for e in self.jacobian.extract(S, E)):
            raise DoesNotApply("second moments relative to the target see the overlaps to first order")
        return self.jacobian.extract(S, S)

    @cached_property
    def first(self) -> sp.Matrix:
        """The flow of E where S = 0."""
        E = self.places(False)
        return self.jacobian.extract(E, E)

    def symmetric(self, second: bool) -> sp.Matrix:
        """The flow of what has every symmetry of the point, one variable an orbit and mode."""
        folded, _ = self._folded(self.places(second))
        return folded

    def blocks(self, second: bool) -> list[sp.Matrix]:
        """Blocks whose eigenvalues are all those of the flow: even and odd where there is one exchange."""
        places = self.places(second)
        if len(self.swaps) != 1:
            return [self.second if second else self.first]
        even, odd = self._folded(places)
        return [even, odd] if odd.rows else [even]

    def _folded(self, places: list[int]) -> tuple[sp.Matrix, sp.Matrix]:
        """Sums over orbits, and differences over those of two."""
        size = len(self.flow.pairs)
        groups = [
            [i * size + k for k in orbit]
            for i in range(len(self.flow.values))
            for orbit in orbits(self.flow, self.swaps)
            if i * size + orbit[0] in places
        ]
        J, two = self.jacobian, [o for o in groups if len(o) == 2]
        even = sp.Matrix(len(groups), len(groups), lambda r, c: sp.Add(*(J[groups[r][0], k] for k in groups[c])))
        odd = sp.Matrix(len(two), len(two), lambda r, c: J[two[r][0], two[c][0]] - J[two[r][0], two[c][1]])
        return even.applyfunc(tidied), odd.applyfunc(tidied)


def linearised(flow: Flow) -> Linearised:
    """The flow at the first assignment of targets to students where gradient flow rests."""
    count = len(flow.system.field.learnt), len(flow.system.field.targets)
    if count[0] != count[1]:
        more = "more" if count[0] > count[1] else "fewer"
        raise DoesNotApply(
            f"it has {more} students ({count[0]}) than targets ({count[1]}), so that no run comes to one isolated "
            "target; fixed_points searches for where it rests, in numbers"
        )
    for assigned in assignments(flow):
        rows = {v: {a: sp.Integer(sign)} for v, (a, sign) in aimed(flow, assigned).items()}
        point = flow.at(rows)
        known = at_rate(flow, point)
        if _gradient_rests(flow, known, assigned):
            return Linearised(flow, assigned, point, known)
    raise DoesNotApply("gradient flow rests at no assignment of targets to students")


def check_rests(near: Linearised) -> None:
    """Refuses targets where gradient flow does not rest, and those that are not isolated."""
    if any(near.still[k] != 0 for k in near.places(second=False)):  # overlaps with targets, which no noise reaches
        raise DoesNotApply("its modes do not rest at the target, not even as the learning rate vanishes")
    if is_zero(near.first.subs(RATE, sp.Rational(1, 7)).det()):
        raise DoesNotApply("the target is not isolated: the loss sees the students through fewer directions")


def aimed(flow: Flow, assigned: Mapping[sp.Symbol, tuple[sp.Symbol, int]]) -> dict[sp.Symbol, tuple[sp.Symbol, int]]:
    """The target of every vector: that of its student for iterates and their averages, none for momenta."""
    begins = flow.system.field.begins
    each = len(flow.system.field.coordinates) // len(flow.system.field.learnt)
    found = dict(assigned)
    for k, v in enumerate(flow.system.field.coordinates):
        if v not in found and begins.get(v, sp.S.Zero) != 0:
            found[v] = assigned[flow.system.field.learnt[k // each]]
    return found


def at_rate(flow: Flow, point: Mapping[sp.Symbol, sp.Expr]) -> dict[sp.Symbol, sp.Expr]:
    """Unknowns, layers and parameters at a point, exactly, at the learning rate ``RATE``; memories are left open."""
    known: dict[sp.Symbol, sp.Expr] = {**flow.numbers, **point}
    for name, expr in flow.layers:
        value = RATE if name == gamma else expr.xreplace(known)
        if value.has(sp.nan, sp.zoo, sp.oo):
            raise DoesNotApply("its expectations have no value where predictions coincide")
        known[name] = tidied(value)
    return known


def _gradient_rests(
    flow: Flow, known: Mapping[sp.Symbol, sp.Expr], assigned: Mapping[sp.Symbol, tuple[sp.Symbol, int]]
) -> bool:
    """Whether ``Σ_r C_pr W_r = 0`` for every student p, with the Stein coefficients at the point."""
    directions = (*flow.system.field.learnt, *flow.system.field.targets)
    coefficient = {name.name: value for name, value in known.items()}
    for p in range(len(flow.system.field.learnt)):
        total: dict[sp.Symbol, sp.Expr] = dict.fromkeys(flow.system.field.targets, sp.S.Zero)
        for r, w in enumerate(directions):
            target, sign = assigned.get(w, (w, 1))
            total[target] += sign * coefficient.get(f"C_{p + 1}_{r + 1}", sp.S.Zero)
        if not all(is_zero(e) for e in total.values()):
            return False
    return True


def slope_at(expr: sp.Expr, symbol: sp.Symbol, point: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
    """The derivative in one symbol at a point; what stands there for the others is put in before it is taken."""
    others = {s: value for s, value in point.items() if s != symbol}
    return slope_in(expr.xreplace(others), symbol).xreplace({symbol: point[symbol]})


def tidied(expr: sp.Expr) -> sp.Expr:
    """A polynomial in parameters with short coefficients, and none that is zero."""
    free = expr.free_symbols
    if not free:
        return sp.S.Zero if is_zero(expr) else sp.radsimp(expr)
    if not expr.is_polynomial(*free):
        return expr
    terms = sp.Poly(sp.expand(expr), *sorted(free, key=str)).terms()
    names = sorted(free, key=str)
    return sp.Add(*(
        tidied(sp.expand(c)) * sp.Mul(*(s**n for s, n in zip(names, powers, strict=True))) for powers, c in terms
    ))
