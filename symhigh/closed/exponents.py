"""Compute-optimal exponents of power-law random features: a tropical program over the monomials of the risk.

A finder of closed forms for exponents alone. Features ``x_j = j^{-α} z_j``, a target ``Σ j^{-β} x_j``, d random
features of them, and r steps of SGD at a small constant rate, at the cost of ``f = d r`` flops. By the Volterra form of
least squares (:mod:`symhigh.derivation.volterra`) the risk is a forcing and a kernel, whose tails over the modes
``λ = j^{-2α}`` are monomials in r; that d features leak a share 1/d of each mode into all, and that modes beyond d are
not learnt, are taken from arXiv 2405.15074. The risk is of the order of the largest of the monomials, so with
``d = f^x`` its exponent is the least over x of the largest of linear functions. Solved in rational numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any

import sympy as sp

from symhigh.checks import real
from symhigh.closed.power_law import laplace_tail
from symhigh.derivation import derive
from symhigh.derivation.volterra import CLOCK, volterra
from symhigh.problem import least_squares
from symhigh.rule import Constant
from symhigh.symbols import D2, lam

ALPHA, BETA = sp.symbols("alpha beta", positive=True)
_PHASES = {
    frozenset({"target", "capacity"}): "I",
    frozenset({"target", "leakage"}): "II",
    frozenset({"noise", "leakage"}): "III",
}


@dataclass(frozen=True)
class Monomial:
    """A term of the risk, of the order ``d^parameters r^steps``; exponents in α and β."""

    name: str
    parameters: sp.Expr
    steps: sp.Expr


@dataclass(frozen=True)
class ComputeOptimal:
    """The best split of f flops at α = ``alpha``, β = ``beta``: ``d ~ f^parameters``, ``r ~ f^steps``, risk
    ``~ f^risk``.

    ``balance`` names the terms of the risk that are equal there, ``phase`` is I, II or III, or "boundary" where more
    than two are, or 2β = 1, where logarithms come in. ``formulas`` holds the three exponents in α and β in this phase.
    """

    alpha: sp.Rational
    beta: sp.Rational
    parameters: sp.Rational
    steps: sp.Rational
    risk: sp.Rational
    phase: str
    balance: tuple[str, ...]
    formulas: dict[str, sp.Expr]


def compute_optimal(alpha: Any, beta: Any) -> ComputeOptimal:
    """How to split compute between parameters d and steps r of one-pass SGD on power-law random features.

    The features are ``x_j = j^{-alpha} z_j`` with normal z, the target ``Σ j^{-beta} x_j`` without noise; a model of d
    random features takes r steps of batch one at a small constant rate, ``f = d r`` flops. ``alpha`` > 1/2, so that the
    trace of the covariance is finite and the rate need not fall with d, and ``alpha + beta`` > 1/2, so that the target
    is. Numbers are taken as the decimals that they show, and exponents are exact fractions.

    Assumes what d random features do to a power law (arXiv 2405.15074): a leakage of 1/d, and nothing learnt beyond d.
    The rest is derived. Raises ``ValueError`` out of that range.
    """
    owner = "compute_optimal"
    meaning = "the exponent of the features; at most 1/2, the trace grows with d and a constant rate must fall with it"
    real(owner, "alpha", alpha, above=0.5, below=1e6, meaning=meaning)
    real(owner, "beta", beta, above=0.5 - float(alpha), below=1e6, meaning="the exponent of the target, > 1/2 - alpha")
    at = {ALPHA: _exact(alpha), BETA: _exact(beta)}
    rows = [(m, sp.Rational(m.parameters.subs(at)), sp.Rational(m.steps.subs(at))) for m in monomials(at[BETA] > 0.5)]
    share, risk, balance = least([(a, b) for _, a, b in rows])
    names = tuple(rows[i][0].name for i in balance)
    by_slope = sorted((rows[i] for i in balance), key=lambda row: row[1] - row[2])
    phase = "boundary" if at[BETA] == sp.S.Half else _PHASES.get(frozenset(names), "boundary")
    formulas = _formulas((by_slope[0][0], by_slope[-1][0]))
    return ComputeOptimal(at[ALPHA], at[BETA], share, 1 - share, risk, phase, names, formulas)


def _exact(value: Any) -> sp.Rational:
    """The number as the decimals that it shows."""
    return value if isinstance(value, sp.Rational) else sp.Rational(str(value))


@lru_cache
def monomials(summable: bool) -> tuple[Monomial, ...]:
    """The terms of the risk; ``summable`` says whether ``Σ j^{-2β}`` is finite, 2β > 1, so that there is leakage.

    target: what is not learnt yet of the modes below d; noise: the kernel, what the noise of SGD adds; leakage: of the
    target into all modes, 1/d of it; capacity: what d features cannot express.
    """
    form = volterra(derive(least_squares(), Constant(1)))
    density = lam ** (-1 / (2 * ALPHA) - 1)  # of the modes j in λ = j^{-2α}, up to a constant
    forcing = form.forcing.summand.subs(D2, lam ** (BETA / ALPHA))  # D² = j^{-2β}
    leaking = form.forcing.summand.subs(D2, sp.S.One)
    found = [
        Monomial("target", sp.S.Zero, _power(forcing, density)),
        Monomial("noise", sp.S.Zero, _power(form.kernel.summand, density)),
        Monomial("capacity", -2 * ALPHA + (0 if summable else 1 - 2 * BETA), sp.S.Zero),
    ]
    if summable:
        found.append(Monomial("leakage", -sp.S.One, _power(leaking, density)))
    return tuple(found)


def _power(summand: sp.Expr, density: sp.Expr) -> sp.Expr:
    """The exponent of the clock in the tail of an average over the modes."""
    tail = laplace_tail(summand, density)
    return sp.cancel(sp.simplify(CLOCK * sp.diff(tail, CLOCK) / tail))


def least(terms: list[tuple[sp.Rational, sp.Rational]]) -> tuple[sp.Rational, sp.Rational, tuple[int, ...]]:
    """The x in [0, 1] at which the largest of ``a x + b (1 - x)`` is least, that value, and the terms that reach it.

    A linear program in x and the value; the largest of linear functions is convex, so it is least at an end or where
    two cross. Of several x the middle one is taken.
    """
    places = {sp.S.Zero, sp.S.One}
    for (a, b), (c, e) in combinations(terms, 2):
        if (a - b) != (c - e):
            x = (e - b) / ((a - b) - (c - e))
            if 0 <= x <= 1:
                places.add(x)
    heights = {x: max(a * x + b * (1 - x) for a, b in terms) for x in places}
    value = min(heights.values())
    best = [x for x, height in heights.items() if height == value]
    x = (min(best) + max(best)) / 2
    return x, value, tuple(i for i, (a, b) in enumerate(terms) if a * x + b * (1 - x) == value)


def _formulas(pair: tuple[Monomial, ...]) -> dict[str, sp.Expr]:
    """The exponents where two terms are equal, one that falls with d and one that grows, in α and β."""
    one, other = pair
    slopes = [m.parameters - m.steps for m in pair]
    x = sp.factor(sp.cancel((other.steps - one.steps) / (slopes[0] - slopes[1])))
    risk = sp.factor(sp.cancel(one.parameters * x + one.steps * (1 - x)))
    return {"parameters": x, "steps": sp.factor(1 - x), "risk": risk}
