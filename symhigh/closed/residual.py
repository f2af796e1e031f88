"""Losses of the residual at a constant rate: where SGD comes to rest, and how fast.

Part of :func:`~symhigh.closed.limits.limits`, for limits ``dD²/dt = λ(-γ p(Q) D² + γ² i(Q))`` that see Q alone, such as
clipped SGD. At rest ``D² = γi/p`` in every mode, so ``Q = γτ i(Q)/p(Q)``; a perturbation of a rest point decays at the
root ρ of ``κγ²∫λ²/(γpλ - ρ)dμ = 1``, ``κ = i' - i p'/p``.

One rest point. With f' = ψ, Gaussian residuals r of variance s² = Q + ω², p ∝ E ψ' = E rψ/s² and i ∝ E ψ². Let
``w = (ψ(r)² + ψ(-r)²)/(r(ψ(r) - ψ(-r)))`` not rise in r > 0: the loss grows no faster than its square. Then
``i/(p s²) ∝ E_ν w`` under the density ``ν ∝ rψ(r)e^{-r²/2s²}``, whose likelihood ratio makes it larger in |r| as s
grows; so i/(ps²) does not rise in Q, nor does ``i/(pQ) = (i/(ps²))(1 + ω²/Q)``, which falls strictly where ω > 0. New;
clipped SGD: arXiv 2406.11733.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import sympy as sp

from symhigh.closed.finder import DoesNotApply, Formulas, Question
from symhigh.closed.formula import Formula
from symhigh.closed.modes import Modes, read_modes
from symhigh.closed.nodes import Choice, Root
from symhigh.closed.noise import has_noise
from symhigh.closed.secular import RHO, Secular
from symhigh.derivation.gaussian.node import GaussianMean
from symhigh.problem import Problem
from symhigh.symbols import (
    D2,
    OwnedSymbol,
    d,
    eps,
    error_square,
    gamma,
    gradient_square,
    lam,
    omega,
    risk,
    t,
    tau,
    x,
    x_star,
)

_R = OwnedSymbol("r", positive=True)
_SOURCE = "new; clipped SGD arXiv 2406.11733"


def residual_limits(question: Question) -> Formulas:
    """Limits, threshold and rate at a constant learning rate, for closed expectations of a loss of the residual."""
    system = question.system
    sampled = any(e.has(gradient_square) for e in (system.rule.rate,) if e is not None)
    rate = sp.S.One if sampled else system.unfolded(gamma)  # a rate of the sample stands inside c1 and I
    seen = {r.name for r in system.reductions} - {tau} | {s.name for s in system.states} | {t}
    if system.family.states != (D2,):
        raise DoesNotApply("the loss sees more than the residual x - x* - eps")
    if rate.free_symbols & seen:
        raise DoesNotApply(f"the learning rate {rate} is not constant")
    if not grows_slower(system.problem, system.rule.rate if sampled else sp.S.One):
        raise DoesNotApply(
            "one rest point is shown for losses that grow no faster than a square, Gaussian noise only"
        )
    (rhs,) = system.family.rhs
    factor = sp.S.One if sampled else gamma
    pull = system.unfolded(sp.cancel(-sp.diff(rhs, D2) / (lam * factor)))
    push = system.unfolded(sp.cancel(rhs.subs(D2, 0) / (lam * factor**2)))
    level = system.unfolded(risk)
    if push.has(lam):
        raise DoesNotApply("its noise is not in proportion to the eigenvalues")
    if any(e.has(GaussianMean) for e in (pull, push, level)):
        raise DoesNotApply("its expectations have no closed form")
    modes = read_modes(question.spectrum, question.start)
    quiet = {omega: sp.S.Zero}
    pull, push = (e.subs(tau, modes.mean(lam)) for e in (pull, push))
    critical = _at_target((pull * error_square / push).subs(quiet)) / modes.mean(lam)
    noisy = has_noise(system)
    if not noisy:
        pull, push, level = (e.subs(quiet) for e in (pull, push, level))
    at_rest = Root(rate * modes.mean(lam) * push / (pull * error_square) - 1, error_square, 0, sp.oo)
    slope = sp.diff(push, error_square) - push * sp.diff(pull, error_square) / pull
    found = {
        "learning_rate": rate,
        "risk": level.subs(error_square, at_rest),
        "rate": _approach(rate, pull, slope, modes).subs(error_square, at_rest),
    }
    least = _at_target(level)
    if not noisy and critical != 0:
        first = _approach(rate, _at_target(pull), _at_target(push / error_square), modes)
        found |= {
            name: Choice(rate / critical - 1, found[name], value)
            for name, value in (("risk", least), ("rate", first))
        }
    found |= {"excess_risk": found["risk"] - least, "threshold": critical}
    if sampled:  # its mean is no closed form, and it has no constant to compare
        found = {key: found[key] for key in ("risk", "rate", "excess_risk")}
    words = {
        "learning_rate": "the learning rate",
        "risk": "the risk at rest",
        "excess_risk": "the excess risk at rest",
        "rate": "the exponential rate of the approach to rest",
        "threshold": "the constant rate above which SGD rests away from the target even without label noise",
    }
    return {name: Formula(found[name], (), _SOURCE, text) for name, text in words.items() if name in found}


def grows_slower(problem: Problem, rate: sp.Expr = sp.S.One) -> bool:
    """Whether the loss is one of the residual ``x - x* - ε`` with Gaussian ε, and w falls in r: see the module.

    A ``rate`` that sees ``‖∇f‖² → dτf'²`` multiplies the slope.
    """
    if not isinstance(problem.noise, sp.Expr) or problem.labels:
        return False
    return _falls(problem.loss, rate)


@lru_cache(maxsize=64)
def _falls(loss: sp.Expr, rate: sp.Expr) -> bool:
    """Whether w falls, at all values of the loss's parameters."""
    moved = loss.subs(x, x + x_star + eps)
    if moved.has(x_star, eps):
        return False
    slope = sp.diff(moved, x)
    slope *= rate.subs(gradient_square, d * tau * slope**2)
    here, there = (slope.subs(x, side) for side in (_R, -_R))
    w = sp.piecewise_fold(((here**2 + there**2) / (_R * (here - there))).rewrite(sp.Piecewise))
    w = sp.piecewise_fold(sp.simplify(w))
    pieces = list(w.args) if isinstance(w, sp.Piecewise) else [(w, sp.true)]
    for (first, where), (second, _) in pairwise(pieces):
        if not isinstance(where, sp.core.relational.Relational):
            return False
        ends = sp.solve(where.lhs - where.rhs, _R)
        if len(ends) != 1 or any(sp.simplify((first - second).subs(_R, end)) != 0 for end in ends):
            return False
    return all(sp.simplify(sp.diff(piece, _R)).is_nonpositive for piece, _ in pieces)


def _approach(rate: sp.Expr, pull: sp.Expr, slope: sp.Expr, modes: Modes) -> sp.Expr:
    """The root ρ of ``slope γ² ∫ λ²/(γ pull λ - ρ) dμ = 1``."""
    p, k = sp.Dummy("p", positive=True), sp.Dummy("k", positive=True)  # signs tell which root is which
    profile = k * lam / (p * lam - RHO)
    root = Secular(RHO, lam * profile, profile, p * lam).root(modes)
    return root.xreplace({p: rate * pull, k: rate**2 * slope})


@lru_cache(maxsize=64)
def _at_target(expr: sp.Expr) -> sp.Expr:
    """The limit Q → 0 of powers of Q times ``erf`` and ``exp``; where these saturate, they do so beyond all powers."""
    there = expr.xreplace({error_square: sp.S.Zero})
    if not there.has(sp.nan, sp.zoo, sp.oo, -sp.oo):
        return there  # continuous at 0
    small = sp.Dummy("z", positive=True)
    expr = expr.subs(error_square, small**2)
    for function in expr.atoms(sp.erf, sp.exp):
        end = sp.limit(function.args[0], small, 0)
        if end.is_infinite:
            expr = expr.subs(function, function.func(end))
    return sp.limit(sp.cancel(expr), small, 0)
