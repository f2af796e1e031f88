"""Wrong variants of true formulas are refuted: a factor, a sign, an exponent, a branch, an assumption lost."""

from collections.abc import Callable
from functools import cache
from typing import Any

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
PAIR = sh.Spectrum.from_eigenvalues([1, tau])
DOMAIN = {
    **{eta: (sp.Rational(1, 2), 3), b: (sp.Rational(1, 2), 3), tau: (sp.Rational(1, 2), 2), start: (1, 5)},
    **{g: (0, sp.Rational(1, 2)), w: (sp.Rational(1, 2), 2), p: (sp.Rational(1, 10), sp.Rational(4, 5))},
}


def lambert(total, front=2, branch=-1, depth=2):
    return -front / (tau * sp.LambertW(-(2 / tau) * sp.exp(-total / (depth * tau)), branch))


def right_total(b_term=4 * b / eta, log_sign=1, far=tau * start / eta**2):
    return far + b_term + log_sign * 2 * tau * sp.log(eta / b)


SQUARES, ADAGRAD, STEADY = sh.least_squares(w), sh.AdaGradNorm(eta, b), sh.Constant(g)
C = sp.Rational(2, 5) * sp.gamma(1 - p) * (2 * CLOCK) ** (p - 1)
DERIVED: dict[str, Callable[[], Any]] = {
    "system": lambda: sh.derive(SQUARES, STEADY),
    "limit": lambda: linear_limit(derived("system")).noiseless,
    "adagrad": lambda: linear_limit(sh.derive(sh.least_squares(), ADAGRAD)).noiseless,
    "line search": lambda: linear_limit(sh.derive(sh.least_squares(), sh.LineSearch())).noiseless,
    "limits": lambda: sh.limits(SQUARES, STEADY),
    "learning rate": lambda: sh.limits(sh.least_squares(), ADAGRAD)["learning_rate"].expr.subs(distance, start),
    "floor": lambda: derived("limits")["risk"].expr,
    "excess": lambda: derived("limits")["excess_risk"].expr,
    "late": lambda: sh.limits(SQUARES, ADAGRAD)["excess_risk_asymptotic"].expr,
    "isotropic": lambda: sh.limits(SQUARES, STEADY, sh.Spectrum.isotropic())["rate"].expr,
    "forgets": lambda: sh.limits(sh.least_squares(), sh.RMSpropNorm(eta, b, p))["risk"].expr,
    "mode": lambda: derived("system").family.rhs[0],
    "distance": lambda: total_derivative(derived("system"), derived("system").outputs["distance"]),
    "threshold": lambda: threshold(derived("limit"), Modes()),
    "rate": lambda: exponential_rate(derived("limit"), gamma).summand,
    "similar": lambda: self_similar(derived("line search"), Modes()).summand,
    "similar rate": lambda: similar_rate(derived("line search")),
    "kernel": lambda: volterra(derived("system")).kernel.summand,
    "forcing": lambda: PowerLaw(derived("adagrad"), BETA, 1 + p - BETA).forcing,
    "renewal": lambda: sh.renewal_equation(sh.least_squares(), STEADY, PAIR).exponent().expr,
}


@cache
def derived(name: str) -> Any:
    """What the library derives, under its name in the tables below."""
    return DERIVED[name]()


def noisy_excess(second=16, sign=-1):
    logarithm = eta * w * sp.sqrt(tau) * sp.log(t) / (64 * t * sp.sqrt(t))
    return eta * w * sp.sqrt(tau / t) / 4 + w**2 / (second * t) + sign * logarithm


def slow_root(side=-1):
    """Of γ²(1/(2γ - ρ) + τ²/(2γτ - ρ))/2 = 1, eigenvalues 1 and τ."""
    half = (2 * g + 2 * g * tau - g**2 / 2 - g**2 * tau**2 / 2) / 2
    product = 4 * g**2 * tau - g**3 * tau - g**3 * tau**2
    return half + side * sp.sqrt(half**2 - product)


TRUE = {
    "Lambert": ("learning rate", lambert(right_total())),
    "floor": ("floor", w**2 / (2 - g * tau)),
    "modes": ("mode", -2 * lam * gamma * D2 + lam * gamma**2 * gradient_noise),
    "distance": ("distance", -2 * gamma * error_square + gamma**2 * tau * gradient_noise),
    "noise": ("late", noisy_excess()),
    "RMSprop": ("forgets", p * eta**2 * tau / 8),
    "renewal": ("renewal", slow_root()),
    "power law": ("forcing", C),
}
WRONG = {
    "Lambert, factor 2 lost": ("learning rate", lambert(right_total(), front=1)),
    "Lambert, the other branch": ("learning rate", lambert(right_total(), branch=0)),
    "Lambert, exponent C/τ": ("learning rate", lambert(right_total(), depth=1)),
    "Lambert, 2b/η for 4b/η": ("learning rate", lambert(right_total(b_term=2 * b / eta))),
    "Lambert, η/b for b/η": ("learning rate", lambert(right_total(b_term=4 * eta / b))),
    "Lambert, sign of the logarithm": ("learning rate", lambert(right_total(log_sign=-1))),
    "Lambert, η for η²": ("learning rate", lambert(right_total(far=tau * start / eta))),
    "Lambert, τ lost before D²": ("learning rate", lambert(right_total(far=start / eta**2))),
    "large distance taken for all": ("learning rate", 4 * eta**2 / (tau * start)),
    "floor, sign": ("floor", w**2 / (2 + g * tau)),
    "floor, factor 2": ("floor", w**2 / (1 - g * tau)),
    "floor, variance for deviation": ("floor", w / (2 - g * tau)),
    "excess, half lost": ("excess", g * tau * w**2 / (2 - g * tau)),
    "threshold 1/τ": ("threshold", 1 / tau),
    "modes, noise doubled": ("mode", -2 * lam * gamma * D2 + 2 * lam * gamma**2 * gradient_noise),
    "modes, sign of the drift": ("mode", 2 * lam * gamma * D2 + lam * gamma**2 * gradient_noise),
    "modes, γ for γ²": ("mode", -2 * lam * gamma * D2 + lam * gamma * gradient_noise),
    "distance, τ lost": ("distance", -2 * gamma * error_square + gamma**2 * gradient_noise),
    "kernel, λ for λ²": ("kernel", lam * sp.exp(-2 * lam * CLOCK)),
    "kernel, decay halved": ("kernel", lam**2 * sp.exp(-lam * CLOCK)),
    "rate, γ for γ²": ("rate", gamma * lam**2 / (2 * gamma * lam - sp.Symbol("rho", positive=True))),
    "line search, γκ₂ for γ²κ₂": ("similar rate", gamma * kappa2),
    "line search, 2 lost": ("similar", gamma * lam**2 / (lam - gamma * kappa2)),
    "noise, second order doubled": ("late", noisy_excess(second=8)),
    "noise, logarithm's sign": ("late", noisy_excess(sign=1)),
    "RMSprop, average for sum": ("forgets", eta**2 * tau / 8),
    "renewal, the other root": ("renewal", slow_root(side=1)),
    "power law, exponent": ("forcing", C.subs(CLOCK, CLOCK**2)),
    "power law, 2^-s for 2^(s-2)": ("forcing", C * 4 / 2 ** (2 * p + 2)),
}
BEYOND = {  # what is positive below a rate loses that assumption
    "rate of K = I above the threshold": ("isotropic", 2 + p),
    "fixed point above 2/τ": ("floor", (2 + p) / tau),
}


@pytest.mark.parametrize("name", TRUE)
def test_true_formulas_are_proved(name: str) -> None:
    left, right = TRUE[name]
    claim = Claim(name, domain=DOMAIN, evidence=symbolic(derived(left), right))
    assert claim.examine(quick=True).verdict is PROVED


@pytest.mark.parametrize("name", [*WRONG, *BEYOND])
def test_wrong_variants_are_refuted_with_a_counterexample(name: str) -> None:
    left, right = WRONG.get(name) or BEYOND[name]
    found = derived(left)
    statement = sp.Eq(found, right, evaluate=False) if name in WRONG else greater(found.subs(g, right), 0)
    row = Claim(name, domain=DOMAIN, evidence=symbolic(statement), expect=REFUTED).examine()
    assert row.verdict is REFUTED
    shown = dict(row.lines[0].counterexample)
    assert shown["left"] != shown["right"]
