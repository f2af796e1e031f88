"""The limit of several directions as a flow in finitely many overlaps, one set a mode, in layers of closed forms.

Part of the room of closed forms: what fixed points and their linearisation are read off. For K with few eigenvalues the
states ``V_pq`` of its modes and the rule's memories are finitely many unknowns; averages ``B_pq = Σ_i w_i λ_i V_pq,i``
are linear in them, and the expectations are functions of B (Saad and Solla, Phys. Rev. Lett. 74, 1995, for committees).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import sympy as sp

from symhigh.closed.finder import DoesNotApply
from symhigh.closed.modes import rational
from symhigh.closed.noise import has_noise
from symhigh.derivation.gaussian import GaussianMean
from symhigh.derivation.mixture import MixtureMean
from symhigh.population import Overlaps, Spectrum
from symhigh.symbols import gamma, inverse_time, lam, risk, t
from symhigh.system import MomentSystem

MOST_MODES = 8
Layer = tuple[sp.Symbol, sp.Expr]


@dataclass(frozen=True, eq=False)
class Flow:
    """``du/dt = velocity(u, scalars)`` for the ``unknowns`` u: the states of every mode in turn, then memories.

    ``layers`` are the averages over modes and the scalars, each a function of the unknowns and of layers before it;
    ``risk`` is one of them. ``pairs`` gives the two directions that each state is the product of, and ``targets`` the
    overlaps of the fixed directions. Numbers of spectrum and targets are put in, parameters of the system are not.
    """

    system: MomentSystem
    values: tuple[sp.Expr, ...]
    weights: tuple[sp.Expr, ...]
    targets: sp.ImmutableMatrix
    unknowns: tuple[sp.Symbol, ...]
    layers: tuple[Layer, ...]
    velocity: tuple[sp.Expr, ...]

    @property
    def pairs(self) -> tuple[tuple[sp.Symbol, sp.Symbol], ...]:
        """The directions whose product a state of a mode is, in the order of the family."""
        return tuple(pair_of(self.system.family.definitions[s]) for s in self.system.family.states)

    @cached_property
    def numbers(self) -> dict[sp.Symbol, sp.Expr]:
        """What the user gave for parameters, as exact numbers."""
        return {s: rational(v) for s, v in self.system.parameters.items() if v.is_number}

    @property
    def noiseless(self) -> bool:
        """Whether labels are functions of the data: their noise is zero, or the loss does not see it."""
        return not self.system.problem.labels and not has_noise(self.system)

    def at(self, entry: Mapping[sp.Symbol, Mapping[sp.Symbol, sp.Expr]]) -> dict[sp.Symbol, sp.Expr]:
        """The unknowns where every vector is a combination of targets: ``{vector: {target: coefficient}}``."""
        aims = self.system.field.targets
        rows = {v: sp.Matrix([[entry.get(v, {}).get(a, sp.S.Zero) for a in aims]]) for v in self._vectors}
        rows |= {a: sp.eye(len(aims))[k, :] for k, a in enumerate(aims)}
        products = [value for v, w in self.pairs for value in rows[v] * self.targets * rows[w].T]
        return dict(zip(self.unknowns, products * len(self.values), strict=False))

    @property
    def _vectors(self) -> tuple[sp.Symbol, ...]:
        return self.system.field.coordinates

    def layered(self, point: Mapping[sp.Symbol, sp.Expr]) -> dict[sp.Symbol, sp.Expr]:
        """Unknowns and layers at a point, exactly."""
        known = dict(point)
        for name, expr in self.layers:
            known[name] = expr.xreplace(known)
        return known


def pair_of(product: sp.Expr) -> tuple[sp.Symbol, sp.Symbol]:
    """``(v, w)`` of the product ``v w``."""
    factors = [f for f in sp.Mul.make_args(product) for _ in range(2 if f.is_Pow else 1)]
    first, second = (f.base if f.is_Pow else f for f in factors)
    return first, second


def flow_of(system: MomentSystem, spectrum: Spectrum | None, start: Overlaps | None) -> Flow:
    """The flow of a system of several directions; :class:`DoesNotApply` with the reason where it has none here."""
    if system.problem.model.linear is False or len(system.field.learnt) == len(system.field.targets) == 1:
        raise DoesNotApply("it has one direction")
    family = system.family
    if system.field.cells or system.diffusion is not None:
        raise DoesNotApply("its modes hold more than second moments")
    values, weights = _modes(spectrum)
    targets = _targets(system, start)
    unknowns, modes = [], []
    for i, value in enumerate(values):
        names = [sp.Dummy(f"{s.name}[{i + 1}]", **s.assumptions0) for s in family.states]
        unknowns += names
        modes.append(dict(zip(family.states, names, strict=True)) | {lam: value} | _fixed(system, targets))
    layers = [
        (r.name, sp.Add(*(w * r.summand.xreplace(m) for w, m in zip(weights, modes, strict=True))))
        for r in system.reductions
    ]
    for scalar in system.scalars:
        layers.append((scalar.name, _closed(system, scalar.expression)))
    velocity = [f.xreplace(m) for m in modes for f in family.rhs] + [s.rhs for s in system.states]
    if any(e.has(inverse_time, t) for e in velocity):
        raise DoesNotApply("its modes see the time itself, as averages from the start do; average with a decay")
    used = _used(layers, [*velocity, risk, gamma])
    return Flow(
        system, values, weights, targets, (*unknowns, *(s.name for s in system.states)), used, tuple(velocity)
    )


def _modes(spectrum: Spectrum | None) -> tuple[tuple[sp.Expr, ...], tuple[sp.Expr, ...]]:
    """Eigenvalues above zero and their weights."""
    given = Spectrum.isotropic() if spectrum is None else spectrum
    if given.is_symbolic:
        raise DoesNotApply("its spectrum holds symbols; give numbers")
    merged: dict[sp.Expr, sp.Expr] = {}
    for v, w in zip(given.values, given.weights, strict=True):
        merged[rational(v)] = merged.get(rational(v), sp.S.Zero) + rational(w)
    kept = {v: w for v, w in merged.items() if v != 0}
    if len(kept) > MOST_MODES:
        raise DoesNotApply(
            f"the spectrum has {len(kept)} eigenvalues; fixed points of several directions are known for at most "
            f"{MOST_MODES}"
        )
    return tuple(kept), tuple(kept.values())


def _targets(system: MomentSystem, start: Overlaps | None) -> sp.ImmutableMatrix:
    """The overlaps of the targets: those of the start, else of orthonormal ones."""
    count, size = len(system.field.targets), len(system.field.learnt) + len(system.field.targets)
    if start is None:
        return sp.ImmutableMatrix(sp.eye(count))
    if start.values.shape != (size, size):
        raise ValueError(
            f"limits(Overlaps of {start.values.shape[0]} directions): {system.problem.name} has {size}, students first"
        )
    first = size - count
    return sp.ImmutableMatrix(count, count, lambda p, q: rational(start.values[first + p, first + q]))


def _fixed(system: MomentSystem, targets: sp.ImmutableMatrix) -> dict[sp.Symbol, sp.Expr]:
    """The coefficients of a mode, which are products of targets; others start with the run, so no rest is known."""
    place = {a: k for k, a in enumerate(system.field.targets)}
    found = {}
    for c in system.family.coefficients:
        if c == lam:
            continue
        first, second = pair_of(system.family.definitions[c])
        if first not in place or second not in place:
            raise DoesNotApply(f"its modes see {c}, which depends on the start")
        found[c] = targets[place[first], place[second]]
    return found


def _closed(system: MomentSystem, expr: sp.Expr) -> sp.Expr:
    """The expression of a scalar without the branches that no covariance reaches."""
    if expr.has(GaussianMean, MixtureMean):
        raise DoesNotApply(f"{system.problem.name} has expectations without closed form")
    return expr.replace(
        lambda e: isinstance(e, sp.Piecewise) and len(e.args) == 2 and e.args[1] == (sp.nan, sp.true),
        lambda e: e.args[0][0],
    )


def _used(layers: list[Layer], wanted: list[sp.Expr]) -> tuple[Layer, ...]:
    """The layers that something wanted is computed from."""
    needed: set[sp.Symbol] = set().union(*(e.free_symbols for e in wanted))
    kept = []
    for name, expr in reversed(layers):
        if name in needed:
            kept.append((name, expr))
            needed |= expr.free_symbols
    return tuple(reversed(kept))
