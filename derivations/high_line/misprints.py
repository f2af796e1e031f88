"""Misprints of the paper and of its public script: each as printed, refuted, next to the corrected statement.

- Prop. 4.2's limit is printed with ``b/η`` where the algebra gives ``bη``: ``γ∞ = η²/(bη + τ∫R dΓ)``. They agree at
  η = 1 only.
- The public script's equations take the noise parameter as a variance, its SGD takes it as a standard deviation. They
  agree at 0 and 1 only.
- The caption of figure 1 says b = η = 1 for least squares, the script used b = 0.3. The figure shows the risk rise at
  first, which with η = ω = ‖X₀ - X*‖ = 1 and K = I it does iff b < 1.
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
    greater,
    iff,
    integrated,
    less,
    must_fail,
    simulation,
    symbolic,
)
from symhigh.rule.adagrad_norm import B0 as b
from symhigh.rule.adagrad_norm import ETA as eta
from symhigh.symbols import D2, error_square, gamma, gradient_noise, lam, omega, tau

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
    """The reciprocals of printed and derived limit differ by b(1 - η)(1 + η)/η³, which vanishes at η = 1 alone."""
    yield equal(as_printed.subs(eta, 1), derived_limit().subs(eta, 1))
    yield equal(1 / as_printed - 1 / derived_limit(), b * (1 - eta) * (1 + eta) / eta**3)


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
    return compare(sh.derive(sh.least_squares(np.sqrt(0.4)), rule).solve(spectrum, sh.Start(), 4.0), found, alarm=1e-3)


@simulation(title="SGD with the deviation against the limit with the deviation")
def as_deviation(trial):
    rule, spectrum, found = runs(trial)
    return compare(sh.derive(sh.least_squares(0.4), rule).solve(spectrum, sh.Start(), 4.0), found, alarm=1e-3)


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


# --- figure 1 --------------------------------------------------------------------------------------------------------
first_rate = sp.Symbol("b_", positive=True)


@symbolic
def rises_at_first():
    """K = I, η = ω = D²(0) = 1: dR/dt = (1 - b)/b² at t = 0, positive iff b < 1."""
    limit = linear_limit(sh.derive(sh.least_squares(sp.Symbol("omega", positive=True)), sh.AdaGradNorm(eta, b)))
    (rhs,) = limit.system.family.rhs
    values = {lam: 1, D2: 1, gradient_noise: 2, gamma: 1 / first_rate}  # I = D² + ω²
    drift = limit.share * rhs.subs(values)
    yield equal(drift, (1 - first_rate) / first_rate**2)
    yield iff(greater(drift, 0), less(first_rate, 1))


@simulation(title="SGD with b of the script against the limit with b of the script")
def figure_of_the_script(trial):
    return figure(trial, 0.3)


@simulation(title="SGD with b of the script against the limit with b of the caption")
def figure_of_the_caption(trial):
    return figure(trial, 1.0)


def figure(trial, start):
    """SGD at b = 0.3 against the limit at another b, ω = η = 1."""
    problem, spectrum = sh.least_squares(1.0), sh.Spectrum.isotropic()
    seeds = range(trial.seed, trial.seed + 30)
    found = sh.simulate(problem, sh.AdaGradNorm(1.0, 0.3), spectrum, sh.Start(), 256, 4.0, seeds)
    return compare(sh.derive(problem, sh.AdaGradNorm(1.0, start)).solve(spectrum, sh.Start(), 4.0), found, alarm=1e-3)


initial_rise = Claim(
    "The figure's rise of the risk",
    "With the starting accumulator of the script, and not with that of the caption.",
    id="high-line/figure-1",
    source="High Line, figure 1, its curve",
    domain={first_rate: (0, 3)},
    evidence=rises_at_first,
    checks=[figure_of_the_script],
)
caption = Claim(
    "The figure's starting accumulator as in its caption",
    id="high-line/figure-1-caption",
    source="caption of High Line's figure, against its public script",
    evidence=figure_of_the_caption,
    expect=REFUTED,
)
