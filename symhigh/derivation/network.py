"""The limit of a diagonal linear network, from the SGD update to the Fokker-Planck equation.

A pass of the derivation: one step → conditional mean and covariance to order 1/d → Itô SDE of a coordinate →
balance law and additive-noise coordinate, both found by search → one-dimensional Fokker-Planck equation.
symhigh's own model (see ``problem/network.py``); the steps are written out in
``derivations/diagonal_networks``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import sympy as sp

from symhigh.derivation.ito import (
    Decay,
    ItoSDE,
    additive_coordinates,
    decays,
    fokker_planck,
    generator,
    ito_formula,
)
from symhigh.problem.network import DiagonalNetwork, NetworkClasses, Parametrization, eta, theta_star, u, v
from symhigh.symbols import d, lam, risk, t

if TYPE_CHECKING:
    from symhigh.integration.network import NetworkCurve
    from symhigh.integration.network_law import LawCurve

residual = sp.Symbol("r", real=True)
feature = sp.Symbol("a", real=True)
"""The entry of the sample a that belongs to the coordinate."""
other_feature = sp.Symbol("a_j", real=True)
projection = sp.Symbol("q", real=True)
"""``(K(θ − θ*))_i``."""
alpha = sp.Symbol("alpha", real=True)
xi = sp.Symbol("xi", real=True)
side_w = sp.Symbol("s_w", real=True)
side_z = sp.Symbol("s_z", real=True)
"""Signs in {−1, 0, 1} of the two linear forms that carry the coordinates; 0 is the boundary."""


class NoReduction(ArithmeticError):
    """Raised where the coordinate's law does not obey a one-dimensional Fokker-Planck equation."""


@dataclass(frozen=True)
class OneStep:
    """Per unit of time, to leading order in 1/d: mean of the increments of (u, v) and their covariances.

    ``covariance`` (2 × 2) is within a coordinate i, ``cross`` (2 × 2) between coordinates i and j, with K_ij
    the symbol ``K_ij``; ``noise`` (2) is the coefficient of the one Brownian motion that drives the
    coordinate.
    """

    mean: tuple[sp.Expr, ...]
    covariance: sp.ImmutableMatrix
    cross: sp.ImmutableMatrix
    noise: tuple[sp.Expr, ...]


def increments(parametrization: Parametrization) -> tuple[sp.Expr, sp.Expr]:
    """The SGD update of one coordinate, ``−η ∂(r²/2)/∂(u, v)``, in the residual r and the sample's entry a.

    ``r`` depends on the coordinate through ``a θ(u, v)/√d`` alone. The simulator's step is generated from
    this.
    """
    chain = [
        sp.diff(residual**2 / 2, residual) * feature / sp.sqrt(d) * sp.diff(parametrization.effective, s)
        for s in (u, v)
    ]
    return -eta * chain[0], -eta * chain[1]


def gaussian_moment(expr: sp.Expr, variables: tuple[sp.Symbol, ...], covariance: sp.Matrix) -> sp.Expr:
    """``E expr`` of a polynomial in centred Gaussian ``variables``, by Stein's lemma ``E[x_i g] = Σ_j C_ij
    E[∂_j g]``."""
    total = sp.S.Zero
    for powers, coefficient in sp.Poly(expr, *variables).terms():
        lead = next((i for i, n in enumerate(powers) if n), None)
        if lead is None:
            total += coefficient
            continue
        rest = sp.prod(x**n for x, n in zip(variables, powers, strict=True)) / variables[lead]
        slopes = [covariance[lead, j] * sp.diff(rest, x) for j, x in enumerate(variables)]
        inner = sum(slopes, sp.S.Zero)
        total += coefficient * (gaussian_moment(inner, variables, covariance) if inner != 0 else 0)
    return total


def one_step(parametrization: Parametrization) -> OneStep:
    """Conditional mean and covariance of one update, times d, as d → ∞.

    ``(a_i, a_j, r)`` is centred Gaussian given (u, v): ``r = Σ_k a_k (θ − θ*)_k/√d − ε`` has variance ``2
    R`` and covariance ``q_i/√d`` with ``a_i``, ``q = K(θ − θ*)``. The mean is ``O(1/d)``, so products of
    means drop out.
    """
    k_ii, k_ij, k_jj = lam, sp.Symbol("K_ij", real=True), sp.Symbol("K_jj", nonnegative=True)
    q_j = sp.Symbol("q_j", real=True)
    variables = (feature, other_feature, residual)
    covariance = sp.Matrix(
        [[k_ii, k_ij, projection / sp.sqrt(d)], [k_ij, k_jj, q_j / sp.sqrt(d)],
         [projection / sp.sqrt(d), q_j / sp.sqrt(d), 2 * risk]]
    )  # fmt: skip

    def rate(expr: sp.Expr) -> sp.Expr:
        return sp.limit(sp.expand(d * gaussian_moment(sp.expand(expr), variables, covariance)), d, sp.oo)

    own = increments(parametrization)
    there = {u: sp.Symbol("u_j", real=True), v: sp.Symbol("v_j", real=True), feature: other_feature}
    other = [step.subs(there) for step in own]
    within = sp.ImmutableMatrix(2, 2, lambda i, j: rate(own[i] * own[j]))
    between = sp.ImmutableMatrix(2, 2, lambda i, j: rate(own[i] * other[j]))
    # every increment is the same random factor r a times a function of (u, v): one Brownian motion a
    # coordinate
    strength = sp.sqrt(sp.limit(gaussian_moment(residual**2 * feature**2, variables, covariance), d, sp.oo))
    noise = tuple(sp.cancel(-step * sp.sqrt(d) / (residual * feature)) * strength for step in own)
    if sp.simplify(sp.Matrix(noise) * sp.Matrix(noise).T - within) != sp.zeros(2, 2):
        raise ArithmeticError(f"one_step: the covariance {within} is not of rank one")
    return OneStep(tuple(rate(step) for step in own), within, between, noise)


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
    """The Itô SDE of one coordinate for diagonal K, where ``q = λ(θ − θ*)``; R is a function of time."""
    step = one_step(parametrization)
    pull = lam * (parametrization.effective - theta_star)
    return ItoSDE((u, v), tuple(b.subs(projection, pull) for b in step.mean), sp.Matrix(step.noise))


@lru_cache(maxsize=16)
def reduce(parametrization: Parametrization) -> Reduction:
    """Find ``(α, ξ)`` and check, by Itô's formula on the inverse, that they carry the coordinate on all
    sides.

    Raises :class:`NoReduction` where the noise-free combination of the additive coordinates is not
    deterministic.
    """
    sde = coordinate_sde(parametrization)
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
    for state, drift_there, noise_there in zip(sde.states, sde.drift, sde.diffusion, strict=True):
        image = ito_formula(reduced, inverse[state])
        gaps = (image.drift - drift_there.subs(inverse), image.noise[0] - noise_there.subs(inverse))
        if any(sp.simplify(sp.expand(gap)) != 0 for gap in gaps):
            raise ArithmeticError(f"reduce: Itô's formula does not return the SDE of {state}; gaps {gaps}")
    return Reduction(reduced, forms, inverse, effective)


@dataclass(frozen=True)
class NetworkLimit:
    """What :func:`derive_network` found. Symbols: λ, θ* of a coordinate, R(t) the risk, step and noise as
    given."""

    network: DiagonalNetwork

    @cached_property
    def sde(self) -> ItoSDE:
        """The Itô SDE of one coordinate (u, v), diagonal K; ``risk`` stands for R(t)."""
        return coordinate_sde(self.network.parametrization).subs({eta: self.network.step})

    @cached_property
    def balance(self) -> Decay | None:
        """The noise-free function of (u, v) that decays deterministically, of lowest degree ≤ 4; None if
        there is none."""
        found = decays(coordinate_sde(self.network.parametrization), degree=4)
        return Decay(found[0].function, found[0].rate.subs(eta, self.network.step)) if found else None

    @property
    def balance_law(self) -> sp.Eq:
        """``d c(u, v)/dt = −rate(t) c(u, v)``. Raises :class:`NoReduction` where no polynomial of degree ≤ 4
        decays."""
        if self.balance is None:
            raise NoReduction(
                f"no polynomial of degree <= 4 in u, v is deterministic for {self.network.parametrization}"
            )
        paths = {u: sp.Function("u")(t), v: sp.Function("v")(t)}
        value = self.balance.function.subs(paths)
        return sp.Eq(sp.Derivative(value, t), -self.balance.rate.subs(risk, sp.Function("R")(t)) * value)

    @cached_property
    def reduction(self) -> Reduction:
        """Coordinates (α, ξ): one deterministic, one with additive noise."""
        found, step = reduce(self.network.parametrization), {eta: self.network.step}
        return Reduction(found.sde.subs(step), found.forms, found.inverse, found.effective)

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
        return sp.Eq(sp.Function("R")(t), classes / 2 + self.network.noise**2 / 2)

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

    def latex(self) -> str:
        """The equations as LaTeX lines of an ``aligned`` environment."""
        return (
            "\\begin{aligned}"
            + r" \\ ".join(sp.latex(eq).replace("=", "&=", 1) for eq in self.equations())
            + "\\end{aligned}"
        )

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def solve(self, classes: NetworkClasses, t_end: float, t: Any = None, **options: Any) -> NetworkCurve:
        """Integrate the Fokker-Planck system to ``t_end``; see
        :func:`symhigh.integration.network.solve_network`."""
        from symhigh.integration.network import solve_network

        return solve_network(self, classes, t_end, t, **options)

    def solve_law(self, t_end: float, t: Any = None, *, law: dict[str, Any], **options: Any) -> LawCurve:
        """Integrate with continuous laws of (λ, θ*, u, v), and estimate the error of their quadrature; see
        :func:`symhigh.integration.network_law.solve_law`."""
        from symhigh.integration.network_law import solve_law

        return solve_law(self, t_end, t, law=law, **options)


@lru_cache(maxsize=64)
def derive_network(network: DiagonalNetwork) -> NetworkLimit:
    """Return the limit of ``network`` as an object whose parts are derived when first asked for."""
    return NetworkLimit(network)
