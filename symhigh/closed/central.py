"""The central limit at rest: how far one run strays at a constant rate, and its exact mean at any finite dimension.

Part of :func:`~symhigh.closed.limits.limits`, for linear modes ``dD²/dt = λ (-pγ D² + γ² I)``. At rest every mode has
the same D², and the covariance of two modes solves the Lyapunov equation of :mod:`symhigh.derivation.fluctuations`,
whose coefficients are read off the derived theory: ``-a λ_i δ_ij + b λ_i w_jλ_j`` for J, ``s λ_i/w_i`` within a mode
and ``σ λ_i λ_j`` between all for Σ. With ``Cov(D²_i, Q) = λ_i f(λ_i)`` it reads

    f(λ) = s/(2a) + ∫ λ'² (b f(λ) + b f(λ') + σ)/(a (λ + λ')) dμ(λ').

Where ``σ = -b s/a``, as for least squares with Gaussian noise, f is the constant s/(2a): different modes are
independent, each as the squared norm of a Gaussian vector. Else it is a linear system for a few modes.

The mean at finite d is that of the recursion of second moments of one step, no limit taken: at rest
``Q = S/(1 - S) · (I - αQ)/α`` with ``S = αγ ∫ λ/(p - (p²/4 + α) γλ/d) dμ``. Both derived here.
"""

from __future__ import annotations

import sympy as sp

from symhigh.closed.finder import Formulas, factored
from symhigh.closed.formula import Formula
from symhigh.closed.linear import LinearLimit
from symhigh.closed.modes import Modes
from symhigh.closed.nodes import Root
from symhigh.closed.secular import fixed_point
from symhigh.derivation.fluctuations import Deviations, deviations
from symhigh.derivation.gaussian import GaussianMean
from symhigh.derivation.mixture import MixtureMean
from symhigh.symbols import D2, d, error_square, gamma, lam, x
from symhigh.system import MomentSystem

_RATE = sp.Dummy("gamma", dummy_index=8_140_202, positive=True)
_MODES = 4
"""Modes up to which the linear system for f is solved in closed form."""


def central_limit(limit: LinearLimit, modes: Modes, rate: sp.Expr, stable: tuple[sp.Basic, ...]) -> Formulas:
    """``risk_variance``, ``distance_variance``, ``risk_distance_covariance`` and ``risk_bias``, all times d."""
    try:
        theory = _theory(limit.system)
    except ValueError:  # f' has no fourth moment: one step has no variance
        return {}
    read = _Reader(theory, limit)
    place = theory.coupling.index(error_square)
    D = gamma * (limit.slope * error_square + limit.floor) / limit.pull
    (block,), (spread,) = theory.block, theory.spread
    a, s = -read(block) / lam, read(spread).subs(D2, D) / lam
    b = read(theory.border[place]).subs(D2, D) / lam
    features = theory.features.applyfunc(read).subs(D2, D) / lam
    between = sp.cancel((features * theory.core.applyfunc(read) * features.T).trace())
    parts = [sp.cancel(e) for e in (a, s, b)]
    if any(e.has(lam, D2, GaussianMean, MixtureMean) for e in (*parts, between)):
        return {}
    a, s, b = parts
    rest = fixed_point(limit, modes, rate)
    found = _variances(modes, a, s, b, between)
    (shift,) = (None,) if theory.mean is None else theory.mean.shift
    shift = None if shift is None else sp.cancel(read(shift).subs(D2, D) / lam**2)
    if shift is not None and not shift.has(lam, GaussianMean, MixtureMean):
        found["risk_bias"] = (limit.share * shift * modes.mean(lam**2) / (a - b * modes.mean(lam)), _BIAS)
    share = {"risk_variance": limit.share**2, "risk_distance_covariance": limit.share}
    return {
        name: Formula(
            factored((share.get(name, 1) * value).subs(error_square, rest).subs(gamma, rate)), stable, "new", words
        )
        for name, (value, words) in found.items()
    }


_BIAS = "d times the mean risk over runs at dimension d minus the limiting risk, as d → ∞"
_WORDS = {
    "risk_variance": "d times the variance of the risk of one run that has come to rest, as d → ∞",
    "distance_variance": "d times the variance of the squared distance of one run at rest, as d → ∞",
    "risk_distance_covariance": "d times the covariance of risk and squared distance of one run at rest, as d → ∞",
}


def _variances(
    modes: Modes, a: sp.Expr, s: sp.Expr, b: sp.Expr, between: sp.Expr
) -> dict[str, tuple[sp.Expr, str]]:
    """Of Q and the squared distance; empty where f has no closed form."""
    base = sp.cancel(s / (2 * a))
    if sp.cancel(between + 2 * b * base) == 0:
        values = base * modes.mean(lam**2), base * modes.mean(sp.S.One), base * modes.mean(lam)
        return dict(zip(_WORDS, zip(values, _WORDS.values(), strict=True), strict=True))
    if not modes.few or modes.values is None or modes.weights is None or len(modes.values) > _MODES:
        return {}
    lams, w = modes.values, modes.weights
    f = sp.symbols(f"f:{len(lams)}", cls=sp.Dummy)

    def joint(i: int, j: int) -> sp.Expr:
        """The covariance of D²_i and D²_j over λ_i λ_j, their common part."""
        return (b * (f[i] + f[j]) + between) / (a * (lams[i] + lams[j]))

    n = range(len(lams))
    equations = [f[i] - base - sp.Add(*(w[j] * lams[j] ** 2 * joint(i, j) for j in n)) for i in n]
    (solved,) = sp.linsolve(equations, *f)
    put = dict(zip(f, solved, strict=True))
    error = sp.Add(*(w[i] * lams[i] ** 2 * f[i] for i in n))
    distance = base * sp.Add(*w) + sp.Add(*(w[i] * w[j] * lams[i] * lams[j] * joint(i, j) for i in n for j in n))
    both = sp.Add(*(w[i] * lams[i] * f[i] for i in n))
    solution = [sp.cancel(e.subs(put)) for e in (error, distance, both)]
    return dict(zip(_WORDS, zip(solution, _WORDS.values(), strict=True), strict=True))


class _Reader:
    """Expressions of a theory in γ, D², Q, λ and parameters."""

    def __init__(self, theory: Deviations, limit: LinearLimit) -> None:
        self.named = tuple(reversed(theory.shared))
        self.scalars = {s.name: s.expression for s in limit.system.scalars if s.name != gamma}

    def __call__(self, expr: sp.Expr) -> sp.Expr:
        for name, value in self.named:
            expr = expr.subs(name, value)
        for name, value in reversed(self.scalars.items()):
            expr = expr.subs(name, value)
        return expr


_known: dict[object, Deviations] = {}


def _theory(system: MomentSystem) -> Deviations:
    if system.content not in _known:
        _known[system.content] = deviations(system)
    return _known[system.content]


def at_dimension(limit: LinearLimit, modes: Modes, rate: sp.Expr) -> Formulas:
    """``risk_at_d``, ``excess_risk_at_d`` and ``threshold_at_d``: exact at every d, for losses that are squares."""
    loss = limit.system.problem.loss
    if not loss.is_polynomial(x) or sp.degree(loss, x) != 2 or limit.system.problem.labels:
        return {}
    pull, square = limit.pull, limit.pull**2 / 4 + limit.slope
    total = _share(limit, modes)
    error = total * limit.floor / (limit.slope * (1 - total))
    reached = square * gamma * modes.end / d
    where = tuple(
        sp.StrictLessThan(e.subs(gamma, rate), bound, evaluate=False) for e, bound in ((reached, pull), (total, 1))
    )
    source = "derived here"
    top = pull * d / (square * modes.end)
    values = {
        "risk_at_d": (limit.least + limit.share * error, where, "the exact mean risk at rest, at dimension d"),
        "excess_risk_at_d": (limit.share * error, where, "the exact mean excess risk at rest, at dimension d"),
        "threshold_at_d": (
            Root((total - 1).subs(gamma, _RATE), _RATE, 0, top),
            (),
            "the constant learning rate at which the mean risk ceases to converge, at dimension d",
        ),
    }
    return {
        name: Formula(value.subs(gamma, rate), bound, source, words) for name, (value, bound, words) in values.items()
    }


def _share(limit: LinearLimit, modes: Modes) -> sp.Expr:
    """S, the part of the mean square of the residual that comes of the modes' own fluctuations."""
    p, slope = limit.pull, limit.slope
    return modes.mean(slope * gamma * lam / (p - (p**2 / 4 + slope) * gamma * lam / d), above=True)
