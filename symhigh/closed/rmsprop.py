"""A memory that forgets, ``ds/dt = kI - αs`` with γ ~ s^{-1/2}: where rate and risk come to rest.

Read off the limit's structure, so both scalings of RMSprop-Norm are covered (*The High Line*, arXiv 2405.19585,
(18)-(19)). At rest ``s = kI/α``, so ``γ²I = c`` with c = η²α/k: the memory ties the noise to the rate. The modes
rest at ``D² = γI/p``, so ``I (1 - aγτ/p) = β`` (normal form of :mod:`symhigh.closed.linear`), and together

    βγ² + (acτ/p) γ - c = 0:   one positive root, below the threshold p/(aτ), and equal to it without noise.

So without noise SGD does not converge: γ climbs to the threshold, where gradient noise and forgetting balance. The rest
is the only one (away from the target) and stable (:mod:`symhigh.closed.slowest`); that every start reaches it is seen
on all curves, not proved. New.
"""

from __future__ import annotations

import sympy as sp

from symhigh.closed.formula import Formula, positive
from symhigh.closed.linear import LinearLimit
from symhigh.closed.modes import Modes
from symhigh.closed.nodes import MU
from symhigh.closed.slowest import SlowestMode
from symhigh.symbols import gradient_noise, tau


def forgetting_limits(limit: LinearLimit, modes: Modes) -> dict[str, Formula] | None:
    """Limits and rate under a forgetting memory; None where the memory is of another kind."""
    found = _tie(limit)
    if found is None:
        return None
    forgetting, tied = found
    critical = limit.pull / (limit.slope * tau)
    root = 1 + sp.sqrt(1 + sp.cancel(4 * limit.floor * critical**2 / tied))
    final = 2 * critical / root  # the quadratic's root in the form that has a limit at β = 0
    error = sp.cancel(tied * tau / (2 * limit.pull * critical)) * root
    where = positive(*(s for s in limit.system.rule.values if s.is_positive))
    rate, frequency = approach(final, forgetting, limit, modes)
    words = {
        "learning_rate": (final, "the limit of the learning rate"),
        "risk": (limit.least + limit.share * error, "the limiting risk"),
        "excess_risk": (limit.share * error, "the limiting excess risk"),
        "rate": (rate, "the exponential rate of the approach to rest, oscillations included"),
    }
    if frequency is not None:
        words["frequency"] = (frequency, "the angular frequency of the approach to rest; 0: none")
    formulas = {name: Formula(expr, where, "new", text) for name, (expr, text) in words.items()}
    if modes.edge.is_zero:  # no exponential rate
        return {name: formula for name, formula in formulas.items() if name not in ("rate", "frequency")}
    return {**formulas, "rate": Formula(rate, (*where, *positive(modes.edge)), "new", words["rate"][1])}


def forgets(limit: LinearLimit) -> bool:
    """Whether the limit has a forgetting memory and so comes to rest at a positive learning rate."""
    return _tie(limit) is not None


def _tie(limit: LinearLimit) -> tuple[sp.Expr, sp.Expr] | None:
    """``(α, c)`` of a memory at rest only where ``γ² I = c``, or None."""
    if len(limit.system.states) != 1:
        return None
    (memory,) = limit.system.states
    drift = sp.Poly(limit.system.unfolded(memory.rhs), memory.name)
    s = memory.name
    if drift.degree() != 1 or not limit.rate.has(s):
        return None
    forgetting = -drift.coeff_monomial(s)
    gains = sp.cancel(memory.rhs.subs(s, 0) / gradient_noise)
    tied = sp.cancel(limit.rate**2 * s * forgetting / gains)
    if gains.has(gradient_noise) or not forgetting.is_positive or not tied.free_symbols <= _constants(limit):
        return None
    return forgetting, tied


def _constants(limit: LinearLimit) -> set[sp.Symbol]:
    return {tau, *limit.system.parameters}


def approach(
    rate: sp.Expr, forgetting: sp.Expr, limit: LinearLimit, modes: Modes
) -> tuple[sp.Expr, sp.Expr | None]:
    """Real and imaginary part of the slowest eigenvalue of the limit linearised at rest; see :class:`SlowestMode`.

    With one eigenvalue λ the equation is quadratic: ``ρ² - 2mρ + n = 0``, 2m = α + γλ(p - aγτ), n = αγλ(p - aγτ/2),
    and both parts are explicit. Otherwise the real part is a node, and the imaginary part is not given.
    """
    if modes.isotropic:
        assert modes.values is not None
        pull = rate * modes.values[0]
        middle = (forgetting + pull * (limit.pull - limit.slope * rate * tau)) / 2
        square = middle**2 - forgetting * pull * (limit.pull - limit.slope * rate * tau / 2)
        return middle - sp.sqrt(sp.Max(square, 0)), sp.sqrt(sp.Max(-square, 0))
    measure = MU
    if modes.values is not None and modes.weights is not None:
        measure = sp.Tuple(sp.Tuple(*modes.values), sp.Tuple(*modes.weights))
    ratio = sp.S.Zero if modes.law is None else modes.law.ratio
    return SlowestMode(rate, forgetting, limit.pull, limit.slope, measure, ratio), None
