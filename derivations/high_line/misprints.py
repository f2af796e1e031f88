"""Misprints of the paper and of its public script: each as printed, refuted, next to the corrected statement.

- Prop. 4.2's limit is printed with ``b/η`` where the algebra gives ``bη``: ``γ∞ = η²/(bη + τ∫R dΓ)``. They agree at
  η = 1 only.
- The public script's equations take the noise parameter as a variance, its SGD takes it as a standard deviation. They
  agree at 0 and 1 only.
"""

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.closed.linear import linear_limit
from symhigh.ledger import (
    REFUTED,
    Claim,
    Measured,
    compare,
    equal,
    integrated,
    must_fail,
    simulation,
    symbolic,
)
from symhigh.rule.adagrad_norm import B0 as b
from symhigh.rule.adagrad_norm import ETA as eta
from symhigh.symbols import error_square, gamma, gradient_noise, omega, tau

area = sp.Symbol("A", positive=True)
LIMIT = linear_limit(sh.derive(sh.least_squares(), sh.AdaGradNorm(eta, b))).noiseless


# --- b/η for bη --------------------------------------------------------------------------------------------------
def derived_limit():
    """γ from d(1/γ)/dΓ = τR/η² and γ₀ = η/b, with A = ∫R dΓ."""
    per_clock = sp.powdenest(
        LIMIT.drift(1 / gamma).subs(LIMIT.system.states[0].name, eta**2 / gamma**2) / gamma, force=True
    )
    per_risk = sp.cancel(per_clock / (LIMIT.share * error_square))
    return 1 / (b / eta + per_risk * area)


def with_area(formula):
    """Pairs (formula with the integrated ∫R dΓ, integrated γ∞) on random problems with K = I."""

    def pairs(trial):
        for _ in range(4):
            e, first = (float(v) for v in np.exp(trial.rng.uniform(-0.9, 0.9, 2)))
            curve = sh.derive(sh.least_squares(), sh.AdaGradNorm(e, first)).solve(
                sh.Spectrum.isotropic(), sh.Start(), 120.0, t=np.linspace(0, 120, 60001), rtol=1e-11
            )
            flow, h = curve.risk * curve.learning_rate, curve.t[1]
            total = h / 3 * (flow[0] + flow[-1] + 4 * flow[1:-1:2].sum() + 2 * flow[2:-1:2].sum())
            yield Measured("γ(∞)", curve.learning_rate[-1]), formula, {eta: e, b: first, tau: 1, area: total}

    return pairs


as_printed = eta**2 / (b / eta + tau * area)
corrected = eta**2 / (b * eta + tau * area)

printed_limit = Claim(
    "Prop. 4.2 as printed",
    id="high-line/prop-4.2-printed",
    source="High Line, Prop. 4.2, as printed",
    evidence=[
        symbolic(lambda: equal(as_printed, derived_limit()), title="against the derived limit"),
        integrated(with_area(as_printed), tolerance=1e-6, title="against integrated limits"),
    ],
    expect=REFUTED,
)
true_limit = Claim(
    "Prop. 4.2 corrected",
    id="high-line/prop-4.2-corrected",
    source="High Line, Prop. 4.2, corrected",
    evidence=[
        symbolic(lambda: equal(corrected, derived_limit()), title="against the derived limit"),
        integrated(with_area(corrected), tolerance=1e-6, title="against integrated limits"),
    ],
)
def at_unit_scale():
    """The printed formula against the derived limit, at η = 1."""
    return equal(as_printed.subs(eta, 1), derived_limit().subs(eta, 1))


def elsewhere():
    """The same at other η."""
    return equal(as_printed, derived_limit())


agree_at_one = Claim(
    "The printed limit is right at a unit scale, and there alone",
    id="high-line/prop-4.2-at-one",
    evidence=symbolic(at_unit_scale),
    checks=must_fail(symbolic(elsewhere), {eta: (2, 3)}),
)


# --- variance for deviation --------------------------------------------------------------------------------------
SYSTEM = sh.derive(sh.least_squares(sp.Symbol("omega", positive=True)), sh.AdaGradNorm(eta, b))


def runs(trial):
    """SGD with label noise of standard deviation 0.4."""
    spectrum, rule = sh.Spectrum.isotropic(), sh.AdaGradNorm(1.0, 0.3)
    return (
        rule,
        spectrum,
        sh.simulate(
            sh.least_squares(0.4), rule, spectrum, sh.Start(), 256, 4.0, range(trial.seed, trial.seed + 30)
        ),
    )


@simulation(title="SGD with the deviation against the limit with the variance")
def as_variance(trial):
    rule, spectrum, found = runs(trial)
    return compare(sh.derive(sh.least_squares(np.sqrt(0.4)), rule).solve(spectrum, sh.Start(), 4.0), found)


@simulation(title="SGD with the deviation against the limit with the deviation")
def as_deviation(trial):
    rule, spectrum, found = runs(trial)
    return compare(sh.derive(sh.least_squares(0.4), rule).solve(spectrum, sh.Start(), 4.0), found)


variance = Claim(
    "The script's noise as a variance",
    id="high-line/script-variance",
    source="public script of High Line, its equations",
    domain={omega: (0, 3)},
    evidence=[
        symbolic(lambda: equal(SYSTEM.unfolded(gradient_noise), error_square + omega), title="with a variance"),
        as_variance,
    ],
    expect=REFUTED,
)
deviation = Claim(
    "Noise as a standard deviation",
    id="high-line/script-deviation",
    source="High Line, section 3; SGD of its public script",
    domain={omega: (0, 3)},
    evidence=[
        symbolic(
            lambda: equal(SYSTEM.unfolded(gradient_noise), error_square + omega**2), title="with a deviation"
        ),
        as_deviation,
    ],
)
