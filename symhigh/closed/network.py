r"""Long time of a diagonal network: limits, threshold, secular rate, effective initialisation, noise floor.

Closed forms from the derived reduction (``derivation/close/density.py``), evaluated on classes. With ``e = θ − θ*``,
pull ``g_i = −∂_ξ b`` and slope ``S_i = ∂_ξ θ`` at θ = θ*, the linearised second moments are
``m_i' = −2 g_i m_i + 2 D_i S_i² R`` with ``R = (1/2) mean(λ m)``: rank one, hence a secular equation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from symhigh.derivation import derive
from symhigh.derivation.close.additive import alpha, side_w, side_z, xi
from symhigh.derivation.close.density import DensitySystem
from symhigh.population import NetworkClasses
from symhigh.problem.network import DiagonalNetwork, Parametrization, u, v
from symhigh.symbols import lam, risk

Array = np.ndarray[Any, Any]


@lru_cache(maxsize=256)
def numeric(arguments: tuple[sp.Symbol, ...], expr: sp.Expr) -> Callable[..., Any]:
    """``expr`` as a NumPy function of ``arguments``, made once."""
    return sp.lambdify(arguments, expr, "numpy")


@dataclass(frozen=True, eq=False)
class Starts:
    """Starts of the classes in the reduction's coordinates, each (K,): signs in {−1, 0, 1} of the two forms,
    α(0), ξ(0).

    ``log|w| = α + ξ`` and ``log|z| = α − ξ``; on the boundary one of the two is absent, and ξ starts from
    zero.
    """

    side_w: Array
    side_z: Array
    alpha: Array
    xi: Array


def starts(limit: DensitySystem, classes: NetworkClasses) -> Starts:
    """The coordinates of ``(u(0), v(0))`` of every class."""
    forms = [numeric((u, v), form)(classes.u, classes.v) for form in limit.reduction.forms]
    w, z = (np.sign(form) for form in forms)
    log_w, log_z = (np.log(np.where(form == 0, 1.0, np.abs(form))) for form in forms)
    both = (w != 0) & (z != 0)
    level = np.where(both, (log_w + log_z) / 2, np.where(w != 0, log_w, log_z))
    return Starts(w, z, level, np.where(both, (log_w - log_z) / 2, 0.0))


def reachable(limit: DensitySystem, classes: NetworkClasses) -> Array:
    """Whether θ can tend to θ* from the start of each class, (K,) booleans.

    On the boundary ``u = ± v`` θ keeps its sign for ever, so a target of the other sign is out of reach and
    θ → 0; from ``u = v = 0`` θ never moves. Off the boundary θ takes all real values.
    """
    begin, effective = starts(limit, classes), limit.reduction.effective
    side = numeric((side_w, side_z), effective.subs({alpha: 0, xi: 0}))(begin.side_w, begin.side_z)
    there = (side * classes.theta_star > 0) | (classes.theta_star == 0)
    return np.asarray((begin.side_w * begin.side_z != 0) | there)


@dataclass(frozen=True, eq=False)
class Linearisation:
    """At a minimiser, per class (K,): ``slope`` S = ∂_ξ θ, ``pull`` −∂_ξ b, ``kick`` D S²/R; all ≥ 0.

    S is ``sqrt(c² + 4 θ*²)`` for the product, c being the balance; ``share`` is ``w λ/2``.
    """

    slope: Array
    pull: Array
    kick: Array
    share: Array

    @property
    def load(self) -> float:
        """Locally stable iff < 1; for the product, ``η mean(λ S)/2``."""
        live = self.pull > 0
        return float(np.sum(self.share[live] * self.kick[live] / self.pull[live]))

    def rate(self) -> float:
        """Exponential rate of the risk: the root in ``(0, 2 min pull)`` of ``Σ share 2 kick/(2 pull − ρ) =
        1``.

        Negative where ``load > 1`` (growth). Classes without pull (λ = 0) take no part. Raises ``ValueError``
        where no class has any.
        """
        from scipy.optimize import brentq

        live = (self.pull > 0) & (self.share > 0)
        if not live.any():
            raise ValueError("rate: no class is pulled to its minimiser; every λ or every slope is zero")
        pull, weight = 2 * self.pull[live], 2 * self.share[live] * self.kick[live]

        def gap(rho: float) -> float:
            return float(np.sum(weight / (pull - rho)) - 1)

        top = pull.min()
        if not weight.any():
            return float(top)
        low, high = top - 2 * weight.sum() - 1e-12, top - 0.5 * weight[pull == top].sum()
        return float(brentq(gap, low, high, xtol=1e-15, rtol=1e-14))


def slope_square(limit: DensitySystem) -> tuple[sp.Expr, sp.Expr]:
    """``(∂θ/∂ξ)² = 4 θ² + invariant(α)``: returns the factor of θ² and the invariant, found by elimination
    of ξ."""
    return _slope_square(limit.reduction.effective)


@lru_cache(maxsize=64)
def _slope_square(effective: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    factor = sp.Rational(
        sp.limit(
            sp.diff(effective, xi, 2).subs({side_w: 1, side_z: 0}) / effective.subs({side_w: 1, side_z: 0}),
            xi,
            0,
        )
    )
    rest = sp.expand(sp.powsimp(sp.expand(sp.diff(effective, xi) ** 2 - factor * effective**2)))
    if rest.has(xi):
        raise ArithmeticError(f"slope_square: {rest} still depends on xi")
    return factor, rest


def pull_rate(limit: DensitySystem) -> sp.Expr:
    """The factor of −θ in the drift of ξ: ηλ for the product."""
    return _pull_rate(limit.reduction.effective, limit.reduction.sde.drift[1])


@lru_cache(maxsize=64)
def _pull_rate(effective: sp.Expr, drift: sp.Expr) -> sp.Expr:
    return sp.cancel(sp.together(-sp.diff(drift, xi) / sp.diff(effective, xi)))


def linearise(limit: DensitySystem, classes: NetworkClasses, integral: float = 0.0) -> Linearisation:
    """The linearisation at the minimiser ``θ = θ*`` whose balance is the start's after ``∫R = integral``.

    Raises ``ValueError`` where θ* of a class with λ > 0 is out of reach from the boundary, see
    :func:`reachable`.
    """
    lost = ~reachable(limit, classes) & (classes.lam > 0)
    if lost.any():
        k = int(np.argmax(lost))
        raise ValueError(
            f"linearise: class {k} starts on the boundary, (u, v) = ({classes.u[k]:g}, {classes.v[k]:g}), where θ "
            f"keeps its sign and cannot tend to theta_star = {classes.theta_star[k]:g}; start off u = ± v"
        )
    return _linearise(limit, classes, integral)


def _linearise(limit: DensitySystem, classes: NetworkClasses, integral: float = 0.0) -> Linearisation:
    limit.numbers()
    begin, reduced = starts(limit, classes), limit.reduction.sde
    level = begin.alpha + integral * numeric((lam,), reduced.drift[0] / risk)(classes.lam)
    factor, rest = slope_square(limit)
    invariant = numeric((alpha, side_w, side_z), rest)(level, begin.side_w, begin.side_z)
    slope = np.sqrt(float(factor) * classes.theta_star**2 + invariant)
    pull = numeric((lam,), pull_rate(limit))(classes.lam) * slope
    spread = numeric((lam,), reduced.covariance[1, 1] / (2 * risk))(classes.lam)
    return Linearisation(slope, pull, spread * slope**2, classes.weight * classes.lam / 2)


def least_threshold(parametrization: Parametrization, classes: NetworkClasses) -> float:
    """The largest step at which some minimiser ``θ = θ*`` is stable: the balance is zero there.

    Infinite if all θ* = 0. Classes whose θ* is out of reach, see :func:`reachable`, have θ → 0 and do not count.
    """
    unit = derive(DiagonalNetwork(1, 0, parametrization))
    assert isinstance(unit, DensitySystem)
    point = {alpha: 0, xi: 0, side_w: 1, side_z: 0}
    first, second = (float(unit.reduction.inverse[s].subs(point)) for s in (u, v))
    at = _linearise(unit, NetworkClasses(classes.lam, classes.theta_star, first, second, classes.weight))
    load = replace(at, share=at.share * reachable(unit, classes)).load
    return np.inf if load == 0 else 1 / load


def threshold(limit: DensitySystem, classes: NetworkClasses, integral: float = 0.0) -> float:
    """The step below which the minimiser reached after ``∫R = integral`` is stable: ``2/mean(λ S)`` for the
    product."""
    load = linearise(limit, classes, integral).load
    return np.inf if load == 0 else limit.numbers()[0] / load


def noise_floor(limit: DensitySystem, classes: NetworkClasses) -> float:
    r"""The risk at which a network with dead balance is stationary: the smallest root R ≥ noise²/2 of

    ``R = noise²/2 + (1/2) Σ w λ η R max(2|θ*| − η R, 0)``, η the product's step over the size of a batch (2 step for
    the squares).

    Stationarity of ``log w`` gives ``E(θ − θ*) = −η R``, that of ``w²`` gives ``E θ(θ − θ*) = η R E θ``; a
    class with ``|θ*| < η R`` has no stationary law and dies, θ → 0. Then its error is θ*²; so it is where θ* is
    out of reach (:func:`reachable`). Assumes θ* ≠ 0 on every class with λ > 0. Zero where there is no noise, no
    target out of reach, and the step is below the threshold.
    """
    from scipy.optimize import brentq

    offset = limit.numbers()[1] ** 2 / 2
    step = float(sp.cancel(-limit.reduction.sde.drift[0] / (risk * pull_rate(limit))))
    target, share = np.abs(classes.theta_star), classes.weight * classes.lam / 2
    near = reachable(limit, classes)
    offset += float(np.sum(share * np.where(near, 0, target**2)))
    share = share * near

    def gap(level: float) -> float:
        alive = step * level < target
        error = np.where(alive, step * level * (2 * target - step * level), target**2)
        return float(offset + np.sum(share * error) - level)

    unstable = float(np.sum(share * step * 2 * target)) > 1
    top = offset + float(np.sum(share * target**2))
    if offset == 0 and not unstable:
        return 0.0
    low = offset if offset > 0 else 1e-9 * top
    return float(brentq(gap, low, top * (1 + 1e-9) + 1e-300, xtol=1e-15))
