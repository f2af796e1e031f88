"""The curve of a diagonal linear network: its Fokker-Planck system put in numbers, solved, and read out.

Takes the derived reduction (``derivation/network.py``) term by term; no drift or noise is written here.
Model and equations: ``derivations/diagonal_networks/README.md``.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from symhigh.checks import instance, output_times, real
from symhigh.closed.network import least_threshold, numeric, starts
from symhigh.integration.fokker_planck import Densities, MeanFieldModel, solve_fokker_planck
from symhigh.integration.network_values import Statistic, statistic
from symhigh.population import NetworkClasses
from symhigh.problem.network import theta_star, u, v
from symhigh.symbols import lam, risk

if TYPE_CHECKING:
    from symhigh.derivation.network import NetworkLimit

Array = np.ndarray[Any, Any]


@lru_cache(maxsize=256)
def exponential_terms(
    expr: sp.Expr, xi: sp.Symbol, alpha: sp.Symbol
) -> tuple[sp.Expr, sp.Expr, dict[tuple[sp.Expr, sp.Expr], sp.Expr]]:
    """Split ``expr`` into ``c0 + c1 ξ + Σ C exp(κ ξ + ℓ α)``; returns ``c0, c1, {(κ, ℓ): C}`` (not to
    be changed: remembered) or raises ``ValueError``."""
    constant, slope = sp.S.Zero, sp.S.Zero
    table: dict[tuple[sp.Expr, sp.Expr], sp.Expr] = {}
    for term in sp.Add.make_args(sp.expand(sp.powsimp(sp.expand(expr)))):
        factor, rest = term.as_independent(xi, alpha, as_Add=False)
        power = sp.expand(sp.log(rest)) if rest.has(sp.exp) else None
        exponent = sp.expand(sp.expand_log(power, force=True)) if power is not None else None
        if rest == 1:
            constant += factor
        elif rest == xi:
            slope += factor
        elif (
            exponent is not None
            and exponent.is_polynomial(xi, alpha)
            and sp.Poly(exponent, xi, alpha).total_degree() == 1
        ):
            key = (exponent.coeff(xi), exponent.coeff(alpha))
            table[key] = table.get(key, sp.S.Zero) + factor
        else:
            raise ValueError(
                f"exponential_terms: {term} is neither constant, linear in {xi}, nor an exponential"
            )
    return constant, slope, table


def model_of(limit: NetworkLimit, classes: NetworkClasses) -> tuple[MeanFieldModel, Array]:
    """The numbers of the mean-field system of ``limit`` on ``classes``, and the start ξ(0) of shape
    (classes,)."""
    from symhigh.derivation.network import alpha, side_w, side_z, xi

    limit.numbers()
    reduction, begin = limit.reduction, starts(limit, classes)
    parameters = (lam, theta_star, side_w, side_z)
    values = (classes.lam, classes.theta_star, begin.side_w, begin.side_z)

    def column(expr: sp.Expr) -> Array:
        number = numeric(parameters, expr)(*values)
        return np.broadcast_to(np.asarray(number, dtype=float), (classes.size,))

    drift = exponential_terms(reduction.sde.drift[1], xi, alpha)
    error = exponential_terms(reduction.effective - theta_star, xi, alpha)
    spread = sp.Poly(reduction.sde.covariance[1, 1] / 2, risk)
    exponents = sorted(set(drift[2]) | set(error[2]), key=sp.default_sort_key)
    stack = [
        np.stack([column(part[2].get(key, sp.S.Zero)) for key in exponents], axis=1)
        for part in (drift, error)
    ]
    model = MeanFieldModel(
        in_xi=np.array([float(key[0]) for key in exponents]),
        in_alpha=np.array([float(key[1]) for key in exponents]),
        drift_constant=column(drift[0]), drift_slope=column(drift[1]), drift_terms=stack[0],
        spread_constant=column(spread.coeff_monomial(1)), spread_rate=column(spread.coeff_monomial(risk)),
        error_constant=column(error[0]), error_slope=column(error[1]), error_terms=stack[1],
        share=classes.weight * classes.lam / 2, alpha=begin.alpha,
        alpha_rate=column(sp.expand(reduction.sde.drift[0] / risk)),
        offset=limit.numbers()[1] ** 2 / 2,
    )  # fmt: skip
    return model, begin.xi


@dataclass(frozen=True, eq=False)
class NetworkCurve:
    """The limit of a diagonal network at times ``t`` (T,), in steps/d; ``risk`` (T,) includes ``noise²/2``.

    Sums over coordinates are per coordinate: ``distance`` is ``‖θ − θ*‖²/d``, ``l1`` is ``‖θ‖₁/d``,
    ``curvature`` is ``Tr ∇²R``. ``densities`` holds the laws of ξ; ``u``, ``v`` (T, classes, n) the
    parameters at the nodes.
    """

    limit: NetworkLimit
    classes: NetworkClasses
    t: Array
    risk: Array
    densities: Densities
    u: Array
    v: Array

    def __repr__(self) -> str:
        span = f"t = {self.t[0]:g} … {self.t[-1]:g}, {self.t.size} times"
        ends = f"risk {self.risk[0]:.6g} → {self.risk[-1]:.6g}"
        return f"NetworkCurve({self.classes.size} classes; {span}; {ends})"

    @property
    def excess_risk(self) -> Array:
        """``risk − noise²/2``, ≥ 0."""
        return self.risk - self.limit.numbers()[1] ** 2 / 2

    @cached_property
    def theta(self) -> Array:
        """Effective weights at the nodes, (T, classes, n)."""
        return np.asarray(numeric((u, v), self.limit.parametrization.effective)(self.u, self.v))

    def observable(self, phi: Statistic | sp.Expr) -> Array:
        """``Σ_classes w E φ(u, v, θ*, λ)`` at the times ``t``, shape (T,).

        ``phi`` is a function of four arrays that broadcast, or a SymPy expression in ``u, v, theta_star,
        lam``.
        """
        function = statistic("NetworkCurve.observable", "phi", phi)
        values = function(
            self.u, self.v, self.classes.theta_star[None, :, None], self.classes.lam[None, :, None]
        )
        mean = np.sum(
            np.broadcast_to(np.asarray(values, dtype=float), self.u.shape) * self.densities.mass, axis=2
        )
        return np.asarray(mean @ self.classes.weight)

    @cached_property
    def curvature(self) -> Array:
        """``Tr ∇²R`` with respect to (u, v), (T,)."""
        return self.observable(curvature_of(self.limit.parametrization.effective))

    @property
    def distance(self) -> Array:
        """``‖θ − θ*‖²/d``, (T,)."""
        effective = self.limit.parametrization.effective
        return self.observable((effective - theta_star) ** 2)

    @property
    def l1(self) -> Array:
        """``‖θ‖₁/d``, (T,)."""
        return self.observable(sp.Abs(self.limit.parametrization.effective))

    @property
    def l2(self) -> Array:
        """``‖θ‖²/d``, (T,)."""
        return self.observable(self.limit.parametrization.effective**2)

    @property
    def balance(self) -> Array:
        """The deterministic balance of every class, ``c(0) exp(−rate ∫R)``, (T, classes)."""
        law = self.limit.balance
        if law is None:
            raise ArithmeticError("this parametrization has no balance law")
        rate = numeric((lam,), law.rate / risk)(self.classes.lam)
        start = numeric((u, v), law.function)(self.classes.u, self.classes.v)
        return np.asarray(start * np.exp(-np.asarray(rate) * self.densities.integral[:, None]))

    def support(self, threshold: float) -> Array:
        """Fraction of coordinates with ``|θ| > threshold``, (T,); resolved to a cell of the grid."""
        level = real(
            "NetworkCurve.support", "threshold", threshold, least=0.0, meaning="the size that counts as 0"
        )
        return np.asarray(
            np.sum((np.abs(self.theta) > level) * self.densities.mass, axis=2) @ self.classes.weight
        )


def curvature_of(effective: sp.Expr) -> sp.Expr:
    """``Tr ∇²R`` per coordinate for diagonal K: ``λ (|∇θ|² + (θ − θ*) Δθ)``, R carrying 1/(2d)."""
    loss = lam * (effective - theta_star) ** 2 / 2
    return sp.expand(sp.diff(loss, u, 2) + sp.diff(loss, v, 2))


def solve_network(
    limit: NetworkLimit, classes: NetworkClasses, t_end: float, t: Any = None, *,
    nodes: int = 161, rtol: float = 1e-5, step: float | None = None,
) -> NetworkCurve:  # fmt: skip
    """Solve the Fokker-Planck system of ``classes`` to ``t_end``; results at ``t`` (default 201 equal times).

    Options as in :func:`~symhigh.integration.fokker_planck.solve_fokker_planck`. Warns where the step exceeds
    the stability threshold of every minimiser that the start can lead to. Starts on the boundary ``u = ± v``
    stay there: θ keeps its sign, and tends to 0 where θ* has the other one. Raises ``ValueError`` on symbols
    without numbers and times outside ``[0, t_end]``.
    """
    from symhigh.derivation.network import alpha, side_w, side_z, xi

    instance("solve", "classes", classes, NetworkClasses, "symhigh.NetworkClasses")
    end = real("solve", "t_end", t_end, above=0.0, meaning="the end of the time interval, in steps/d")
    times = output_times("solve", t, end)
    _warn_above_threshold(limit, classes)
    model, start = model_of(limit, classes)
    padded = times if times[0] == 0 else np.concatenate([[0.0], times])
    full = solve_fokker_planck(model, start, padded, nodes=nodes, rtol=rtol, step=step)
    skip = padded.size - times.size
    found = full.after(skip)
    level = (model.alpha + model.alpha_rate * found.integral[:, None])[:, :, None]
    begin = starts(limit, classes)
    signs = [side[None, :, None] for side in (begin.side_w, begin.side_z)]
    points = found.points()
    inverse = limit.reduction.inverse
    first, second = (
        np.broadcast_to(numeric((alpha, xi, side_w, side_z), inverse[s])(level, points, *signs), points.shape)
        for s in (u, v)
    )
    return NetworkCurve(limit, classes, times, found.risk, found, first, second)


def _warn_above_threshold(limit: NetworkLimit, classes: NetworkClasses) -> None:
    step, bound = limit.numbers()[0], least_threshold(limit.parametrization, classes)
    if step >= bound:
        warnings.warn(
            f"step {step:g} is not below {bound:.6g}, the largest step at which a minimiser of these "
            "classes can be stable: "
            "the risk will not tend to its minimum",
            RuntimeWarning,
            stacklevel=3,
        )
