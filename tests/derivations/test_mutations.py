"""Wrong variants of true formulas are refuted: a factor, a sign, an exponent, a branch, an assumption lost."""

import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.linear import linear_limit, total_derivative
from symhigh.closed.modes import Modes
from symhigh.closed.power_law import PowerLaw
from symhigh.closed.secular import exponential_rate, self_similar, similar_rate, threshold
from symhigh.derivation.volterra import CLOCK, volterra
from symhigh.ledger import PROVED, REFUTED, Claim, greater, symbolic
from symhigh.symbols import D2, distance, error_square, gamma, gradient_noise, kappa2, lam, t, tau

eta, b, g, w, start, p = sp.symbols("eta b g omega D_0 p", positive=True)
BETA = sp.Rational(1, 5)
DOMAIN = {
    **{eta: (sp.Rational(1, 2), 3), b: (sp.Rational(1, 2), 3), tau: (sp.Rational(1, 2), 2), start: (1, 5)},
    **{g: (0, sp.Rational(1, 2)), w: (sp.Rational(1, 2), 2), p: (sp.Rational(1, 10), sp.Rational(4, 5))},
}


def lambert(total, front=2, branch=-1, depth=2):
    return -front / (tau * sp.LambertW(-(2 / tau) * sp.exp(-total / (depth * tau)), branch))


def right_total(b_term=4 * b / eta, log_sign=1, far=tau * start / eta**2):
    return far + b_term + log_sign * 2 * tau * sp.log(eta / b)


SQUARES, ADAGRAD, STEADY = sh.least_squares(w), sh.AdaGradNorm(eta, b), sh.Constant(g)
CLOSED = sh.limits(sh.least_squares(), ADAGRAD)["learning_rate"].expr.subs(distance, start)
FLOOR = sh.limits(SQUARES, STEADY)
NOISY = sh.limits(SQUARES, ADAGRAD)
SYSTEM = sh.derive(SQUARES, STEADY)
LIMIT = linear_limit(SYSTEM).noiseless
SEARCH = linear_limit(sh.derive(sh.least_squares(), sh.LineSearch())).noiseless
POWER = PowerLaw(linear_limit(sh.derive(sh.least_squares(), ADAGRAD)).noiseless, BETA, 1 + p - BETA)
FORM = volterra(SYSTEM)
(MODE,) = SYSTEM.family.rhs
DISTANCE = total_derivative(SYSTEM, SYSTEM.outputs["distance"])
RHO = exponential_rate(LIMIT, gamma)
SIMILAR = self_similar(SEARCH, Modes())
C = sp.Rational(2, 5) * sp.gamma(1 - p) * (2 * CLOCK) ** (p - 1)

ISOTROPIC = sh.limits(SQUARES, STEADY, sh.Spectrum.isotropic())["rate"].expr

FORGETS = sh.limits(sh.least_squares(), sh.RMSpropNorm(eta, b, p))
HELD = sh.renewal_equation(sh.least_squares(), STEADY, sh.Spectrum.from_eigenvalues([1, tau]))


def noisy_excess(second=16, sign=-1):
    logarithm = eta * w * sp.sqrt(tau) * sp.log(t) / (64 * t * sp.sqrt(t))
    return eta * w * sp.sqrt(tau / t) / 4 + w**2 / (second * t) + sign * logarithm


def slow_root(side=-1):
    """Of γ²(1/(2γ - ρ) + τ²/(2γτ - ρ))/2 = 1, eigenvalues 1 and τ."""
    half = (2 * g + 2 * g * tau - g**2 / 2 - g**2 * tau**2 / 2) / 2
    product = 4 * g**2 * tau - g**3 * tau - g**3 * tau**2
    return half + side * sp.sqrt(half**2 - product)


TRUE = {
    "Lambert": (CLOSED, lambert(right_total())),
    "floor": (FLOOR["risk"].expr, w**2 / (2 - g * tau)),
    "modes": (MODE, -2 * lam * gamma * D2 + lam * gamma**2 * gradient_noise),
    "distance": (DISTANCE, -2 * gamma * error_square + gamma**2 * tau * gradient_noise),
    "noise": (NOISY["excess_risk_asymptotic"].expr, noisy_excess()),
    "RMSprop": (FORGETS["risk"].expr, p * eta**2 * tau / 8),
    "renewal": (HELD.exponent().expr, slow_root()),
    "power law": (POWER.forcing, C),
}
WRONG = {
    "Lambert, factor 2 lost": (CLOSED, lambert(right_total(), front=1)),
    "Lambert, the other branch": (CLOSED, lambert(right_total(), branch=0)),
    "Lambert, exponent C/τ": (CLOSED, lambert(right_total(), depth=1)),
    "Lambert, 2b/η for 4b/η": (CLOSED, lambert(right_total(b_term=2 * b / eta))),
    "Lambert, η/b for b/η": (CLOSED, lambert(right_total(b_term=4 * eta / b))),
    "Lambert, sign of the logarithm": (CLOSED, lambert(right_total(log_sign=-1))),
    "Lambert, η for η²": (CLOSED, lambert(right_total(far=tau * start / eta))),
    "Lambert, τ lost before D²": (CLOSED, lambert(right_total(far=start / eta**2))),
    "large distance taken for all": (CLOSED, 4 * eta**2 / (tau * start)),
    "floor, sign": (FLOOR["risk"].expr, w**2 / (2 + g * tau)),
    "floor, factor 2": (FLOOR["risk"].expr, w**2 / (1 - g * tau)),
    "floor, variance for deviation": (FLOOR["risk"].expr, w / (2 - g * tau)),
    "excess, half lost": (FLOOR["excess_risk"].expr, g * tau * w**2 / (2 - g * tau)),
    "threshold 1/τ": (threshold(LIMIT, Modes()), 1 / tau),
    "modes, noise doubled": (MODE, -2 * lam * gamma * D2 + 2 * lam * gamma**2 * gradient_noise),
    "modes, sign of the drift": (MODE, 2 * lam * gamma * D2 + lam * gamma**2 * gradient_noise),
    "modes, γ for γ²": (MODE, -2 * lam * gamma * D2 + lam * gamma * gradient_noise),
    "distance, τ lost": (DISTANCE, -2 * gamma * error_square + gamma**2 * gradient_noise),
    "kernel, λ for λ²": (FORM.kernel.summand, lam * sp.exp(-2 * lam * CLOCK)),
    "kernel, decay halved": (FORM.kernel.summand, lam**2 * sp.exp(-lam * CLOCK)),
    "rate, γ for γ²": (RHO.summand, gamma * lam**2 / (2 * gamma * lam - sp.Symbol("rho", positive=True))),
    "line search, γκ₂ for γ²κ₂": (similar_rate(SEARCH), gamma * kappa2),
    "line search, 2 lost": (SIMILAR.summand, gamma * lam**2 / (lam - gamma * kappa2)),
    "noise, second order doubled": (TRUE["noise"][0], noisy_excess(second=8)),
    "noise, logarithm's sign": (TRUE["noise"][0], noisy_excess(sign=1)),
    "RMSprop, average for sum": (TRUE["RMSprop"][0], eta**2 * tau / 8),
    "renewal, the other root": (TRUE["renewal"][0], slow_root(side=1)),
    "power law, exponent": (POWER.forcing, C.subs(CLOCK, CLOCK**2)),
    "power law, 2^-s for 2^(s-2)": (POWER.forcing, C * 4 / 2 ** (2 * p + 2)),
}
BEYOND = {  # true statements that lose the assumption they need
    "rate of K = I above the threshold": greater(ISOTROPIC.subs(g, 2 + p), 0),
    "fixed point above 2/τ": greater(FLOOR["risk"].expr.subs(g, (2 + p) / tau), 0),
}


@pytest.mark.parametrize("name", TRUE)
def test_true_formulas_are_proved(name: str) -> None:
    left, right = TRUE[name]
    assert (
        Claim(name, domain=DOMAIN, evidence=symbolic(left, right)).examine(quick=True).verdict
        is PROVED
    )


@pytest.mark.parametrize("name", [*WRONG, *BEYOND])
def test_wrong_variants_are_refuted_with_a_counterexample(name: str) -> None:
    statement = sp.Eq(*WRONG[name], evaluate=False) if name in WRONG else BEYOND[name]
    row = Claim(name, domain=DOMAIN, evidence=symbolic(statement), expect=REFUTED).examine()
    assert row.verdict is REFUTED
    shown = dict(row.lines[0].counterexample)
    assert shown["left"] != shown["right"]
