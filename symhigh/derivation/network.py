"""The limit of a diagonal linear network, from the SGD update to the Fokker-Planck equation.

A pass of the derivation: one step → conditional mean and covariance to order 1/d → Itô SDE of a coordinate →
balance law and additive-noise coordinate, both found by search → one-dimensional Fokker-Planck equation.
symhigh's own model (see ``problem/network.py``); the steps are written out in
``derivations/diagonal_networks``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

import sympy as sp

from symhigh.derivation.close.refusal import NotClosed, assembled, no_fluctuations, opened
from symhigh.derivation.ito import (
    Decay,
    ItoSDE,
    additive_coordinates,
    decays,
    fokker_planck,
    generator,
    ito_formula,
)
from symhigh.derivation.mean_field import mean_field
from symhigh.derivation.state import Statement, state
from symhigh.meanfield import MeanField
from symhigh.notation import latex
from symhigh.population import NetworkClasses
from symhigh.problem import Problem, least_squares
from symhigh.problem.model import Parametrization, theta_star, u, v
from symhigh.problem.network import eta
from symhigh.rule import Constant, Rule
from symhigh.rule.constant import RATE
from symhigh.symbols import OwnedSymbol, gamma, gradient_noise, lam, omega, risk, t
from symhigh.system import MomentSystem

if TYPE_CHECKING:
    from symhigh.integration.network import NetworkCurve
    from symhigh.integration.network_law import LawCurve

alpha = sp.Symbol("alpha", real=True)
xi = sp.Symbol("xi", real=True)
side_w = sp.Symbol("s_w", real=True)
side_z = sp.Symbol("s_z", real=True)
"""Signs in {−1, 0, 1} of the two linear forms that carry the coordinates; 0 is the boundary."""


class NoReduction(ArithmeticError):
    """Raised where the coordinate's law does not obey a one-dimensional Fokker-Planck equation."""


@dataclass(frozen=True)
class Reduction:
    """``(u, v) = inverse(α, ξ)``: α deterministic, ξ with noise that depends on R alone.

    ``sde`` has states (α, ξ); ``inverse`` holds u and v in terms of α, ξ and the two signs, ``forms`` the
    linear forms whose logarithms are ``α ± ξ``, ``effective`` is ``θ(α, ξ)``.
    """

    sde: ItoSDE
    forms: tuple[sp.Expr, sp.Expr]
    inverse: dict[sp.Symbol, sp.Expr]
    effective: sp.Expr


@lru_cache(maxsize=16)
def coordinate_sde(parametrization: Parametrization) -> ItoSDE:
    """The Itô SDE of one coordinate under least squares at the constant step η, diagonal K; R is a function of time."""
    statement, _ = state(least_squares(OwnedSymbol("omega", nonnegative=True), parametrization), Constant(eta))
    return sde_of(mean_field(statement)).subs({RATE: eta})


def sde_of(field: MeanField) -> ItoSDE:
    """The mean field of one coordinate as an Itô SDE driven by one Brownian motion, averages being functions of time.

    Averages that are numbers, a rate that is a parameter, and a gradient noise that is twice the risk are put in.
    """
    known = {x.name: x.expression for x in field.scalars}
    shown = {name: value for name, value in known.items() if value.is_number}
    if gradient_noise in known and sp.expand(known[gradient_noise] - 2 * known[risk]) == 0:
        shown[gradient_noise] = 2 * risk
    if known[gamma].is_Symbol:
        shown[gamma] = known[gamma]
    if field.noise is None or field.noise.cols != 1:
        raise NoReduction("the step draws more than one random number of its own for a coordinate")
    return ItoSDE(
        field.coordinates, tuple(b.subs(shown) for b in field.drift), sp.Matrix(field.noise.subs(shown))
    )


def reduce(parametrization: Parametrization) -> Reduction:
    """The reduction under least squares at the constant step η, see :func:`reduction_of`."""
    return reduction_of(coordinate_sde(parametrization), parametrization)


@lru_cache(maxsize=32)
def reduction_of(sde: ItoSDE, parametrization: Parametrization) -> Reduction:
    """Find ``(α, ξ)`` and check, by Itô's formula on the inverse, that they carry the coordinate on all
    sides.

    Raises :class:`NoReduction` where the noise-free combination of the additive coordinates is not
    deterministic.
    """
    try:
        first, second = additive_coordinates(sde)
    except ValueError as error:
        raise NoReduction(f"{parametrization}: {error}") from error
    if sp.simplify(first.noise + second.noise) != 0:
        raise NoReduction(f"the additive coordinates {first.expression}, {second.expression} have noises "
                          f"{first.noise}, {second.noise}: no equal and opposite pair")  # fmt: skip
    calm, noisy = (first.expression + second.expression) / 2, (first.expression - second.expression) / 2
    drift = [sp.cancel(sp.together(generator(sde, f))) for f in (calm, noisy)]
    if drift[0].has(u, v):
        raise NoReduction(
            f"{calm} carries no noise, but its drift {sp.factor(drift[0])} depends on the state: it is "
            "random, "
            "and the law of a coordinate stays two-dimensional; simulate it instead"
        )
    forms = (first.expression.args[0], second.expression.args[0])
    sides = (side_w * sp.exp(alpha + xi), side_z * sp.exp(alpha - xi))
    inverse = {
        s: sp.expand(e)
        for s, e in sp.solve([f - e for f, e in zip(forms, sides, strict=True)], (u, v)).items()
    }
    effective = sp.expand(sp.powsimp(sp.expand(parametrization.effective.subs(inverse))))
    pull = sp.expand(drift[1].subs(inverse))
    reduced = ItoSDE((alpha, xi), (drift[0], sp.powsimp(pull)), sp.Matrix([0, first.noise]))
    for entry, drift_there, noise_there in zip(sde.states, sde.drift, sde.diffusion, strict=True):
        image = ito_formula(reduced, inverse[entry])
        gaps = (image.drift - drift_there.subs(inverse), image.noise[0] - noise_there.subs(inverse))
        if any(sp.simplify(sp.expand(gap)) != 0 for gap in gaps):
            raise ArithmeticError(f"reduce: Itô's formula does not return the SDE of {entry}; gaps {gaps}")
    return Reduction(reduced, forms, inverse, effective)


@dataclass(frozen=True, eq=False)
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

    def numbers(self) -> tuple[float, float]:
        """``(step, noise)`` as floats; raises ``ValueError`` while one of them is still a symbol."""
        step = next(x.expression for x in self.scalars if x.name == gamma).subs(self.parameters)
        for name, value in (("step", step), ("noise", self.noise)):
            if value.free_symbols:
                raise ValueError(f"DiagonalNetwork({name}={value}): {name} must be a number to be solved or simulated")
        return float(step), float(self.noise)

    @property
    def noise(self) -> sp.Expr:
        """The standard deviation of the label noise."""
        return self.parameters.get(omega, self.problem.noise)

    @cached_property
    def _plain(self) -> ItoSDE:
        return sde_of(self.field)

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
        return sp.Eq(sp.Derivative(value, t), -self.balance.rate.subs(risk, sp.Function("R")(t)) * value)

    @cached_property
    def reduction(self) -> Reduction:
        """Coordinates (α, ξ): one deterministic, one with additive noise."""
        found = reduction_of(self._plain, self.parametrization)
        return Reduction(found.sde.subs(dict(self.parameters)), found.forms, found.inverse, found.effective)

    @property
    def fokker_planck(self) -> sp.Eq:
        """The equation of the density p(t, ξ) of one class, α(t) and R(t) being functions of time."""
        reduced = self.reduction.sde
        line = ItoSDE((xi,), reduced.drift[1:], reduced.diffusion[1, :])
        mean_field = {alpha: sp.Function("alpha")(t), risk: sp.Function("R")(t)}
        return fokker_planck(line).subs(mean_field)

    @property
    def risk_equation(self) -> sp.Eq:
        """``R(t) = (1/2) Σ_classes w λ ∫ (θ − θ*)² p dξ + noise²/2``."""
        share, p = sp.Symbol("w", positive=True), sp.Function("p")(t, xi)
        effective = self.reduction.effective.subs(alpha, sp.Function("alpha")(t))
        mean = sp.Integral((effective - theta_star) ** 2 * p, (xi, -sp.oo, sp.oo))
        classes = sp.Function("Sum_classes")(share * lam * mean)
        return sp.Eq(sp.Function("R")(t), classes / 2 + self.noise**2 / 2)

    def equations(self) -> list[sp.Eq]:
        """SDE, balance law, equation of α, Fokker-Planck equation and risk, in this order.

        The SDE alone where the parametrization has no one-dimensional reduction.
        """
        try:
            rate = self.reduction.sde.drift[0].subs(risk, sp.Function("R")(t))
            level = sp.Eq(sp.Derivative(sp.Function("alpha")(t), t), rate)
            return [*self.sde.equations(), self.balance_law, level, self.fokker_planck, self.risk_equation]
        except NoReduction:
            return self.sde.equations()

    def latex(self, averages: str = "sums", common: bool = False) -> str:
        """The equations as LaTeX lines of an ``aligned`` environment; the average over classes stays a sum."""
        lines = [f"{latex(e.lhs)} &= {latex(e.rhs)}" for e in self.equations()]
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def __str__(self) -> str:
        return "\n".join(f"{eq.lhs} = {eq.rhs}" for eq in self.equations())

    def solve(  # type: ignore[override]
        self, classes: NetworkClasses, t_end: float, t: Any = None, **options: Any
    ) -> NetworkCurve:
        """Integrate the Fokker-Planck system to ``t_end``; see
        :func:`symhigh.integration.network.solve_network`."""
        from symhigh.integration.network import solve_network

        return solve_network(self, classes, t_end, t, **options)

    def solve_law(self, t_end: float, t: Any = None, *, law: dict[str, Any], **options: Any) -> LawCurve:
        """Integrate with continuous laws of (λ, θ*, u, v), and estimate the error of their quadrature; see
        :func:`symhigh.integration.network_law.solve_law`."""
        from symhigh.integration.network_law import solve_law

        return solve_law(self, t_end, t, law=law, **options)

    def fluctuations(self, *population: Any, **options: Any) -> NoReturn:
        """Refused, with the reason: the covariance of one run is derived from second moments."""
        raise ValueError(no_fluctuations(self))


def close_by_density(
    s: Statement, field: MeanField, problem: Problem, rule: Rule, values: Mapping[sp.Symbol, sp.Expr], reduce: bool
) -> DensitySystem:
    """The closure of a network by the density of one coordinate; :class:`NotClosed` says why there is none."""
    if not isinstance(problem.model, Parametrization) or len(field.coordinates) != 2 or field.cells:
        raise NotClosed("a density of one coordinate is for networks whose step keeps no further vectors or cells")
    try:
        sde = sde_of(field)
        reduction_of(sde, problem.model)
    except NoReduction as error:
        raise NotClosed(str(error)) from error
    moving = {s for b in (*sde.drift, *sde.diffusion) for s in b.free_symbols}
    if more := moving - {*sde.states, *field.coefficients, risk, *values}:
        raise NotClosed(
            f"its density is coupled through {', '.join(sorted(map(str, more)))} beside the risk, for which the "
            "Fokker-Planck solver has no equations"
        )
    return assembled(DensitySystem, problem, rule, opened(field), values, field)
