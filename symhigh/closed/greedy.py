"""Greedy rules, whose rate is a ratio of averages over the modes: line search, Polyak's rate and their like.

Part of :func:`~symhigh.closed.limits.limits`. In the clock ``u = ∫γ dt`` such a limit is a linear Volterra equation,
whether or not there is label noise, which enters through ``dt = du/γ`` alone
(``derivations/high_line/line_search_clock.py``): so what dominates for large t is the mode that decays most slowly
in u, or, on a power-law spectrum, the forcing. New, but for two eigenvalues (*The High Line*, arXiv 2405.19585, (101)).
"""

from __future__ import annotations

import sympy as sp

from symhigh.closed.conserved import log_linear_solution
from symhigh.closed.formula import Formula, positive
from symhigh.closed.linear import LinearLimit
from symhigh.closed.modes import Modes
from symhigh.closed.power_law import PowerLaw, laplace_tail
from symhigh.closed.secular import self_similar, similar_rate, slow_decay
from symhigh.derivation.volterra import CLOCK
from symhigh.symbols import D2, error_square, gamma, lam, omega, t

_PAPER = "High Line (arXiv 2405.19585), "
Formulas = dict[str, Formula]


def greedy(limit: LinearLimit, modes: Modes) -> Formulas:
    """What is known of a greedy rule on a spectrum with a gap at 0, or on an open one."""
    if limit.floor != 0:
        return _isotropic_noisy(limit, modes) if modes.isotropic else _noisy(limit, modes)
    secular = self_similar(limit, modes)
    final = secular.root(modes)
    where = positive(modes.edge) if modes.edge != 0 else ()
    new = "new; two eigenvalues " + _PAPER + "(101)"
    found = {
        "learning_rate": Formula(final, where, new, "the limit of the learning rate"),
        "risk": Formula(sp.S.Zero, where, _PAPER + "Remark F.1", "the limiting risk"),
        "excess_risk": Formula(sp.S.Zero, where, _PAPER + "Remark F.1", "the limiting excess risk"),
    }
    if final != 0:
        rate, profile = similar_rate(limit).subs(gamma, final), secular.profile.subs(gamma, final)
        found["rate"] = Formula(rate, where, "new", "the exponential rate of the risk")
        found["profile"] = Formula(profile, where, "new", "D² over λ for large t, up to scale")
    return found


def _noisy(limit: LinearLimit, modes: Modes) -> Formulas:
    secular, level = slow_decay(limit, modes)
    a, where = secular.root(modes), positive(omega, t, modes.edge)
    level = level.subs(secular.unknown, a)
    return {
        **dead(limit, where),
        "learning_rate_asymptotic": Formula(
            a / t, where, "new", "the learning rate for large t, to leading order"
        ),
        "excess_risk_asymptotic": Formula(
            limit.share * level / t, where, "new", "the excess risk for large t, to leading order"
        ),
    }


def _isotropic_noisy(limit: LinearLimit, modes: Modes) -> Formulas:
    """One eigenvalue: Q obeys one separable equation, ``t = Φ(Q) - Φ(Q₀)``, inverted by Lambert's function."""
    q, y = sp.Dummy("Q", positive=True), sp.Dummy("y", positive=True)
    assert modes.values is not None
    (size,) = modes.values
    (rhs,) = limit.system.family.rhs
    alone = {r.name: r.summand.subs({lam: size, D2: error_square / size}) for r in limit.system.reductions}
    rate = sp.cancel(limit.rate.subs(alone))
    speed = size * limit.expanded(rhs.subs({lam: size, D2: error_square / size}).subs(gamma, rate))
    phi = sp.integrate(sp.expand(sp.cancel(1 / sp.cancel(speed)).subs(error_square, q)), q).subs(q, 1 / y)
    phi = sp.expand(sp.expand_log(phi))
    slope, logarithm = phi.coeff(y, 1), phi.coeff(sp.log(y), 1)
    begin = modes.mean(D2) * size
    total = t + phi.subs(y, 1 / begin)
    inverse = log_linear_solution(slope, -logarithm, total, 0)
    where = positive(omega, begin)
    return {
        **dead(limit, positive(omega)),
        "risk_curve": Formula(limit.least + limit.share / inverse, where, "new", "the risk at time t"),
        "learning_rate_asymptotic": Formula(
            1 / (size * t),
            positive(omega, t),
            "new",
            "the learning rate for large t, up to a relative error O(log t/t)",
        ),
        "excess_risk_asymptotic": Formula(
            limit.share * slope / t,
            positive(omega, t),
            "new",
            "the excess risk for large t, up to a relative error O(log t/t)",
        ),
    }


def greedy_power_law(limit: LinearLimit, law: PowerLaw) -> Formulas:
    """Leading behaviour in t on a power-law spectrum: powers, since modes as slow as one likes take over.

    In the clock an average H of D² obeys ``H = F_H + m K*H`` with a kernel of mass m < 1 that falls faster than the
    forcing, so ``H ~ F_H/(1 - m)``. Without noise ``-Q'/Q = kγ``, Q ~ F fixes γ = (2-s)/(ku). With noise γ ~ c H, H the
    average that the rate holds. The clock follows from ``dt = du/γ``.
    """
    where = positive(t) if limit.floor == 0 else positive(t, omega)
    forcing = law.forcing / limit.share
    if limit.floor == 0:
        speed = sp.cancel(law.measured(limit, similar_rate(limit)) / gamma**2)
        rate = (2 - law.s) / (speed * CLOCK)
    else:
        summands = {r.name: r.summand for r in limit.system.reductions if r.summand.has(D2)}
        zero = dict.fromkeys(summands, 0)
        (held,) = [name for name in summands if sp.diff(limit.rate, name).subs(zero) != 0]
        small = law.measured(limit, sp.diff(limit.rate, held).subs(zero))
        seen = summands[held] / D2
        mass = small * limit.floor * law.mean_of(seen) / limit.pull
        start = D2 * sp.exp(-limit.pull * lam * CLOCK)
        tail = laplace_tail((seen * start).subs(D2, law.start), law.density)
        rate = small * tail / (1 - mass)
        forcing = forcing / (1 - mass) if held == error_square else forcing
    power = sp.simplify(-CLOCK * sp.diff(sp.log(rate), CLOCK))
    scale = sp.simplify(rate * CLOCK**power)  # dt = u^power du/scale
    clock = ((1 + power) * scale * t) ** (1 / (1 + power))
    source, excess = "new", limit.share * forcing.subs(CLOCK, clock)
    # averages are off by 1/u, and with noise γ = c H misses the risk's own share, of order u^{s-2}
    lag = sp.S.One if limit.floor == 0 else sp.Min(1, 2 - law.s)
    words = f"for large t, up to a relative error O(t^({sp.simplify(-lag / (1 + power))}))"
    return {
        **dead(limit, where),
        "learning_rate_asymptotic": Formula(
            scale * clock ** (-power), where, source, f"the learning rate {words}"
        ),
        "excess_risk_asymptotic": Formula(excess, where, source, f"the excess risk {words}"),
    }


def dead(limit: LinearLimit, where: tuple[sp.Basic, ...]) -> Formulas:
    """What holds wherever the learning rate dies out while its integral diverges."""
    return {
        "learning_rate": Formula(sp.S.Zero, where, "derived here", "the limit of the learning rate"),
        "risk": Formula(limit.least, where, "derived here", "the limiting risk"),
        "excess_risk": Formula(sp.S.Zero, where, "derived here", "the limiting excess risk"),
    }
