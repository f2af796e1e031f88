"""Closure by the density of one coordinate: the noise of a network is additive in one coordinate, the other is known.

Second of the closures. Mean field → Itô SDE of a coordinate → balance law and additive-noise coordinate, both found by
search for rates, slopes and noise that are any functions of time → one-dimensional Fokker-Planck equation, coupled to
the averages, scalars and memories of loss and rule. Steps in ``derivations/diagonal_networks``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import sympy as sp

from symhigh.derivation.close.additive import (
    NoReduction,
    Reduction,
    alpha,
    reduction_of,
    sde_of,
    xi,
)
from symhigh.derivation.close.channels import Channels, channels, joined
from symhigh.derivation.close.refusal import NotClosed, assembled, opened
from symhigh.derivation.close.registry import closure
from symhigh.derivation.ito import Decay, ItoSDE, decays, fokker_planck
from symhigh.derivation.state import Statement
from symhigh.meanfield import MeanField, Scalar
from symhigh.problem import Problem
from symhigh.problem.model import Parametrization, theta_star, u, v
from symhigh.rule import Rule
from symhigh.symbols import gamma, gradient_noise, lam, risk, t
from symhigh.system import MomentSystem


@dataclass(frozen=True, eq=False, repr=False)
class DensitySystem(MomentSystem):
    """A mean field closed by the density of one coordinate.

    Symbols: λ, θ* of a coordinate, R(t) the risk, averages where they change in time, step and noise as given. The
    modes of the system itself are single coordinates (u, v), their noise apart.
    """

    @property
    def network(self) -> Problem:
        """The problem."""
        return self.problem

    @property
    def parametrization(self) -> Parametrization:
        """``θ(u, v)``."""
        assert isinstance(self.problem.model, Parametrization)
        return self.problem.model

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the derivation assumed, the coordinate in which the noise is additive, and how the system closed."""
        first, second = self.reduction.forms
        found = (
            f"the law of a coordinate is one-dimensional: α = log|({first}) ({second})|/2 moves without noise, and the "
            f"noise of ξ = log|({first})/({second})|/2 depends on time alone"
        )
        return (*self.field.assumptions, found, *((self.closure,) if self.closure else ()))

    @property
    def plain(self) -> bool:
        """Whether it is least squares at a constant rate, without weight decay: coupled through the risk alone."""
        moving = set().union(*(c.free_symbols for c in self.channels.names))
        decay = sp.S.One in self.channels.level
        return moving == {risk} and not decay and gradient_noise_is_twice_the_risk(self.field)

    def numbers(self) -> tuple[float, float]:
        """``(step, noise)`` as floats, of least squares at a constant rate; ``ValueError`` for anything else."""
        if not self.plain:
            raise ValueError(
                f"{self.problem.name} under {type(self.rule).__name__} is not least squares at a constant rate, "
                "for which alone this is known; integrate system.solve(classes, t_end)"
            )
        step = next(x.expression for x in self.scalars if x.name == gamma).subs(self.parameters)
        for name, value in (("step", step), ("noise", self.noise)):
            if value.free_symbols:
                raise ValueError(f"DiagonalNetwork({name}={value}): {name} must be a number to be solved or simulated")
        return float(step), float(self.noise)

    @property
    def noise(self) -> sp.Expr:
        """The standard deviation of the label noise of least squares."""
        return sp.sqrt(self.noise_square.subs(self.parameters))

    @property
    def noise_square(self) -> sp.Expr:
        """``ω²``, twice the risk of least squares at its target, parameters as symbols; of any law of the noise."""
        if not gradient_noise_is_twice_the_risk(self.field):
            raise ValueError(f"{self.problem.name} is no square of the residual, whose noise has a risk of its own")
        return sp.expand(2 * self.scalar(risk.name).subs({r.name: 0 for r in self.reductions}))

    @cached_property
    def _plain(self) -> ItoSDE:
        return sde_of(self.field)

    @cached_property
    def channels(self) -> Channels:
        """The functions of time by which the coordinate moves, and what they multiply; parameters as symbols."""
        return _channels(self.field, self.parametrization, tuple(self.parameters))

    @cached_property
    def sde(self) -> ItoSDE:
        """The Itô SDE of one coordinate (u, v), diagonal K; ``risk`` stands for R(t)."""
        return self._plain.subs(dict(self.parameters))

    @cached_property
    def balance(self) -> Decay | None:
        """The noise-free function of (u, v) that decays deterministically, of lowest degree ≤ 4; None if
        there is none."""
        found = decays(self._plain, degree=4)
        return Decay(found[0].function, found[0].rate.subs(self.parameters)) if found else None

    @property
    def balance_law(self) -> sp.Eq:
        """``d c(u, v)/dt = −rate(t) c(u, v)``. Raises :class:`NoReduction` where no polynomial of degree ≤ 4
        decays."""
        if self.balance is None:
            raise NoReduction(
                f"no polynomial of degree <= 4 in u, v is deterministic for {self.parametrization}"
            )
        paths = {u: sp.Function("u")(t), v: sp.Function("v")(t)}
        value = self.balance.function.subs(paths)
        return sp.Eq(sp.Derivative(value, t), -self.balance.rate.subs(self._in_time) * value)

    @cached_property
    def reduction(self) -> Reduction:
        """Coordinates (α, ξ): one deterministic, one with additive noise."""
        found = reduction_of(self._plain, self.parametrization)
        return Reduction(found.sde.subs(dict(self.parameters)), found.forms, found.inverse, found.effective)

    @property
    def _in_time(self) -> dict[sp.Expr, sp.Expr]:
        """Scalars and memories as functions of time."""
        names = {*(x.name for x in self.scalars), *(x.name for x in self.states)}
        shown = {name: sp.Function(name.name)(t) for name in names}
        return {**shown, alpha: sp.Function("alpha")(t), risk: sp.Function("R")(t)}

    @property
    def fokker_planck(self) -> sp.Eq:
        """The equation of the density p(t, ξ) of one class, α(t) and what couples it being functions of time."""
        reduced = self.reduction.sde
        line = ItoSDE((xi,), reduced.drift[1:], reduced.diffusion[1, :])
        return fokker_planck(line).subs(self._in_time)

    @property
    def risk_equation(self) -> sp.Eq:
        """``R(t)``: for least squares ``(1/2) Σ_classes w λ ∫ (θ − θ*)² p dξ + noise²/2``."""
        if not gradient_noise_is_twice_the_risk(self.field):
            return sp.Eq(sp.Function("R")(t), self.scalar(risk.name).subs(dict(self.parameters)))
        effective = self.reduction.effective.subs(alpha, sp.Function("alpha")(t))
        return sp.Eq(
            sp.Function("R")(t), _over_classes(lam * (effective - theta_star) ** 2) / 2 + self.noise**2 / 2
        )


def density_equations(system: DensitySystem) -> list[sp.Eq]:
    """SDE, balance law, equation of α, Fokker-Planck equation and risk, in this order.

    Then, but for least squares at a constant rate, the scalars and memories that these hold, and their averages.
    """
    level = sp.Eq(sp.Derivative(sp.Function("alpha")(t), t), system.reduction.sde.drift[0].subs(system._in_time))
    first = [*system.sde.equations(), system.balance_law, level, system.fokker_planck, system.risk_equation]
    return first if system.plain else [*first, *_coupling(system)]


def _coupling(system: DensitySystem) -> list[sp.Eq]:
    """The scalars, memories and averages by which a coordinate is coupled to the others."""
    values = dict(system.parameters)
    moving = {c for e in system.channels.names for c in e.free_symbols} | {gamma}
    wanted = {x.name for x in system.states} | moving
    kept: list[Scalar] = []
    for scalar in reversed(system.scalars):
        if scalar.name in wanted | set().union(*(s.rhs.free_symbols for s in system.states)):
            kept.insert(0, scalar)
            wanted |= scalar.expression.free_symbols
    named = [sp.Eq(s.name, s.expression.subs(values), evaluate=False) for s in kept if s.name != risk]
    evolve = [sp.Eq(sp.Derivative(sp.Function(s.name.name)(t), t), s.rhs.subs(values)) for s in system.states]
    used = set().union(*(e.free_symbols for e in (*(s.expression for s in kept), *(s.rhs for s in system.states))))
    inverse = {s: e.subs(alpha, sp.Function("alpha")(t)) for s, e in system.reduction.inverse.items()}
    means = [
        sp.Eq(r.name, _over_classes(sp.powsimp(sp.expand(r.summand.subs(inverse)))))
        for r in system.reductions
        if r.name in used
    ]
    return [*named, *evolve, *means]


def gradient_noise_is_twice_the_risk(field: MeanField) -> bool:
    """Whether ``E f'² = 2 R``, as for the square of the residual."""
    known = {x.name: x.expression for x in field.scalars}
    return gradient_noise in known and sp.expand(known[gradient_noise] - 2 * known[risk]) == 0


def _over_classes(summand: sp.Expr) -> sp.Expr:
    """``Σ_classes w ∫ summand p dξ``, unevaluated."""
    share, p = sp.Symbol("w", positive=True), sp.Function("p")(t, xi)
    return sp.Function("Sum_classes")(share * sp.Integral(summand * p, (xi, -sp.oo, sp.oo)))


@lru_cache(maxsize=512)
def _channels(field: MeanField, parametrization: Parametrization, parameters: tuple[sp.Symbol, ...]) -> Channels:
    return channels(reduction_of(sde_of(field), parametrization), (*field.coefficients, *parameters))


@lru_cache(maxsize=512)
def _joined(field: MeanField) -> Any:
    return joined(opened(field))


@closure("density", place=2)
def close_by_density(
    s: Statement, field: MeanField, problem: Problem, rule: Rule, values: Mapping[sp.Symbol, sp.Expr], reduce: bool
) -> DensitySystem:
    """The closure of a network by the density of one coordinate; :class:`NotClosed` says why there is none."""
    if not isinstance(problem.model, Parametrization):
        raise NotClosed("a density of one coordinate is for networks, whose model is a polynomial in u and v")
    if more := [*(c for c in field.coordinates if c not in (u, v)), *field.cells]:
        names = ", ".join(map(str, more))
        raise NotClosed(f"beside u and v the rule keeps {names} of every coordinate, so its law has more dimensions")
    try:
        _channels(field, problem.model, tuple(values))
    except (NoReduction, ValueError) as error:
        raise NotClosed(str(error)) from error
    return assembled(DensitySystem, problem, rule, _joined(field), values, field)
