"""Two erf units learning two: the target, the rate beyond which it is lost, and the symmetric plateau before it.

With g(u) = erf(u/√2), orthonormal targets, K = I and r_p = X_p - X*_p, one step near the target is linear in r. For
S_pq = <r_p, r_q> and E_pn = <r_p, X*_n>, with f_n(p, q, …) the number of times that n occurs among p, q, …,

    dE_pn/dt = -γ Σ_q E[g'(y_p) g'(y_q) y_n²] E_qn,
    dS_pr/dt = -γ Σ_q (G_pq S_qr + G_rq S_qp) + γ² Σ_kl F_prkl S_kl,

G_pq = E g'(y_p) g'(y_q) = (2/π) Π_n (1 + f_n)^{-1/2} and F_prkl = (4/π²) Π_n (1 + f_n)^{-1/2} the mean of four slopes.
The risk decays at the slowest rate of S or twice that of E, and the target is lost where S grows. At small rates the
students first meet at κ times the sum of the targets, κ² = 1/(K(2K - 1)) for K units (Saad and Solla, 1995).
"""

import itertools
from functools import cache

import mpmath
import sympy as sp

import symhigh as sh
from symhigh.ledger import Claim, equal, must_fail, numeric, symbolic

X, Y = sp.symbols("x_1 x_2", real=True), sp.symbols("y_1 y_2", real=True)
g = sp.Symbol("g", positive=True)
K = sp.Integer(2)
ERROR = sum(sp.erf(u / sp.sqrt(2)) for u in X) - sum(sp.erf(u / sp.sqrt(2)) for u in Y)


@cache
def found():
    """The formulas of limits."""
    return sh.limits(sh.MultiIndex(X, Y, ERROR**2 / 2), sh.Constant(g))


def mean_of_slopes(*units):
    """E of a product of slopes at the target."""
    product = (2 / mpmath.pi) ** (mpmath.mpf(len(units)) / 2)
    for n in range(2):
        product /= mpmath.sqrt(1 + units.count(n))
    return product


def second_moments(rate):
    """The flow of (S11, S12, S22)."""
    pairs, columns = [(0, 0), (0, 1), (1, 1)], []
    for k, q in pairs:
        S = {(k, q): 1, (q, k): 1}
        column = []
        for p, r in pairs:
            pull = sum(
                mean_of_slopes(p, m) * S.get((m, r), 0) + mean_of_slopes(r, m) * S.get((m, p), 0) for m in range(2)
            )
            kicks = sum(mean_of_slopes(p, r, a, b) * s for (a, b), s in S.items())
            column.append(-rate * pull + rate**2 * kicks)
        columns.append(column)
    return mpmath.matrix(columns).T


def overlaps(rate):
    """The flow of E11, E12, E21, E22: y_n² has the variance that the slopes leave it."""
    places = list(itertools.product(range(2), repeat=2))

    def entry(p, q, n):
        return -rate * mean_of_slopes(p, q) / (1 + (p, q).count(n))

    return mpmath.matrix([[entry(p, q, n) if n == m else 0 for q, m in places] for p, n in places])


def slowest(matrix):
    return -max(mpmath.re(e) for e in mpmath.eig(matrix, right=False))


def rate_by_hand(value):
    """min(slowest of S, twice the slowest of E)."""
    return min(slowest(second_moments(value)), 2 * slowest(overlaps(value)))


def rate_found(value):
    """The formula of limits."""
    return sp.lambdify(g, found()["rate"].expr, "mpmath")(value)


def threshold_found(value):
    """The threshold of limits over a rate."""
    return found()["threshold"].evaluate(40) / value


def threshold_by_hand(value):
    """Where S ceases to decay, over the same rate."""
    return mpmath.findroot(lambda rate: slowest(second_moments(rate)), (2.2, 2.4), solver="anderson") / value


DOMAIN = {g: (sp.Rational(1, 10), sp.Rational(11, 5))}
decay = numeric(rate_found, rate_by_hand, title="decay at the target", points=8, digits=25)
no_noise = must_fail(
    numeric(rate_found, lambda value: 2 * slowest(overlaps(value)), points=8), title="without the noise of SGD"
)
edge = numeric(threshold_found, threshold_by_hand, title="where the target is lost", points=1, digits=20)


@symbolic(title="risk and escape of the plateau at small rates")
def meeting():
    yield equal(found()["saddle_risk_small_rate"].expr, K / sp.pi * (sp.pi / 6 - K * sp.asin(1 / (2 * K))))
    growth = 2 * g * K / (sp.pi * sp.sqrt(2 * K - 1) * sp.sqrt(2 * K + 1) ** 3)
    yield equal(found()["escape_rate_small_rate"].expr, growth)



target = Claim(
    "A committee at its target",
    "Linearised by hand; the decay of the risk and the rate beyond which SGD leaves.",
    source="symhigh; the equations are those of Saad and Solla, Phys. Rev. Lett. 74 (1995)",
    id="algorithms/committee-target",
    domain=DOMAIN,
    evidence=[decay, edge],
    checks=[no_noise],
)
plateau = Claim(
    "The symmetric plateau of a committee",
    "As the learning rate vanishes.",
    source="Saad and Solla, Phys. Rev. Lett. 74 (1995)",
    id="algorithms/committee-plateau",
    evidence=[meeting],
)
