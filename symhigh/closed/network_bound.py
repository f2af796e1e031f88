r"""An exponential bound with explicit constants for noiseless SGD on a diagonal network in finite dimension.

The Lyapunov function is the Bregman divergence of the mirror map that training follows. In the coordinates
of the reduction, with ``S = ∂_ξ θ``, ``U = S/4`` (so that ``∂_ξ U = θ``) and ``ξ*(α)`` where θ = θ*,

    𝔇 = (1/d) Σ_i [U(ξ_i) − U(ξ*_i) − θ*_i (ξ_i − ξ*_i)] ≥ 0,

and Itô's formula gives, for every K (c is the pull of the reduction, η for the product),

    d𝔇 = −2cR (1 − (c/4) mean_i K_ii (S_i + S*_i)) dt + dM,      d<M> = (4c²R²/d) dt.

At the minimiser S = S*, and the bracket is positive exactly below the stability threshold. Let τ be the
first time at which a run leaves the region ``(c/4) mean K_ii (S + S*) ≤ 1 − ε``, ``μ ≤ R/𝔇 ≤ Λ``. The
exponential martingale of ``∫dM/𝔇`` gives

    P(𝔇_t ≤ 𝔇_0 exp(x − cεμ t) for all t ≤ τ) ≥ 1 − exp(−ε d x/(2cΛ)),      and R ≤ Λ𝔇 there.

Always ``R/𝔇`` lies between ``λ_min(K) min_i |c_i|`` (c_i the balance, a lower bound of S_i) and ``λ_max(K)
max_i S_i``. The bound is for the SDE; for SGD it is checked on runs. symhigh's own;
``derivations/diagonal_networks`` proves it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symhigh.checks import real, whole
from symhigh.closed.network import numeric
from symhigh.derivation.close.additive import alpha, side_w, side_z, xi
from symhigh.derivation.close.density import DensitySystem
from symhigh.problem.network import u, v
from symhigh.symbols import lam

Array = np.ndarray[Any, Any]


def bregman(sde_slope: sp.Expr, target: sp.Expr) -> sp.Expr:
    """The divergence of one coordinate as an expression in (α, ξ); ``sde_slope`` is S there, both forms
    positive."""
    level = sp.exp(2 * alpha) * _scale(sde_slope)
    centre = sp.asinh(2 * target / level) / 2
    return sde_slope / 4 - sp.sqrt(level**2 + 4 * target**2) / 4 - target * (xi - centre)


def _scale(sde_slope: sp.Expr) -> sp.Expr:
    return sp.simplify(sde_slope.subs(xi, 0) / sp.exp(2 * alpha))


@dataclass(frozen=True, eq=False)
class Divergence:
    """Of iterates (…, d): ``divergence`` 𝔇_i, ``slope`` S_i and ``slope_there`` S*_i of every coordinate,
    same shape."""

    divergence: Array
    slope: Array
    slope_there: Array


def divergence(limit: DensitySystem, first: Array, second: Array, target: Array) -> Divergence:
    """Evaluate the Lyapunov function at (u, v); needs both forms of the reduction to be nonzero.

    Close to the minimiser the divergence is summed as ``S*(cosh Δ − 1)/4 + θ*(sinh Δ − Δ)/2``, Δ = 2(ξ −
    ξ*), without cancellation.
    """
    weight = limit.reduction.effective.subs({side_w: 1, side_z: 0, alpha: 0, xi: 0})
    forms = [np.abs(numeric((u, v), form)(first, second)) for form in limit.reduction.forms]
    if not all(np.all(form > 0) for form in forms):
        raise ValueError(
            "divergence: a coordinate sits on the boundary w z = 0, where no divergence is defined"
        )
    w, z = (2 * math.sqrt(float(weight)) * form for form in forms)
    level = w * z
    there = np.sqrt(level**2 + 4 * target**2)
    gap = np.log(w / z) - np.arcsinh(2 * target / level)
    small = np.abs(gap) < 0.1
    odd = np.where(small, gap**3 / 6 * (1 + gap**2 / 20 * (1 + gap**2 / 42)), np.sinh(gap) - gap)
    value = there * np.sinh(gap / 2) ** 2 / 2 + target * odd / 2
    return Divergence(value, (w**2 + z**2) / 2, there)


@dataclass(frozen=True)
class Region:
    """``margin`` ε in (0, 1): ``(c/4) mean K_ii (S + S*) ≤ 1 − ε``; ``least`` μ and ``most`` Λ: ``μ ≤ R/𝔇 ≤
    Λ``."""

    margin: float
    least: float
    most: float

    def __post_init__(self) -> None:
        real("Region", "margin", self.margin, above=0.0, below=1.0, meaning="1 minus the load")
        least = real("Region", "least", self.least, above=0.0, meaning="a lower bound of R/divergence")
        real(
            "Region",
            "most",
            self.most,
            least=least,
            meaning="an upper bound of R/divergence, not below least",
        )


@dataclass(frozen=True)
class ExponentialBound:
    """``𝔇_t ≤ factor 𝔇_0 e^{−rate t}`` for all t up to the exit from the region, with ``probability``."""

    rate: float
    factor: float
    probability: float


def exponential_bound(limit: DensitySystem, region: Region, d: int, probability: float) -> ExponentialBound:
    """The bound of this module's docstring at dimension ``d``, for a ``probability`` in (0, 1).

    Raises ``ValueError`` where the network has label noise: then the risk does not vanish.
    """
    size = whole("exponential_bound", "d", d, least=1, meaning="the dimension")
    chance = real(
        "exponential_bound", "probability", probability, above=0.0, below=1.0, meaning="of the bound"
    )
    if limit.numbers()[1] != 0:
        raise ValueError(f"exponential_bound(noise={limit.noise}): for noiseless networks only")
    pull = float(
        sp.cancel(-sp.diff(limit.reduction.sde.drift[1], xi) / sp.diff(limit.reduction.effective, xi) / lam)
    )
    slack = -2 * pull * region.most * math.log(1 - chance) / (region.margin * size)
    return ExponentialBound(pull * region.margin * region.least, math.exp(slack), chance)
