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
from symhigh.ledger import REFUTED, Claim, compare, equal, integrated, simulation, symbolic
from symhigh.symbols import error_square, gamma, gradient_noise, omega, tau

eta, b, area = sp.symbols("eta b A", positive=True)
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
            value = float(formula.subs({eta: e, b: first, tau: 1, area: total}))
            yield value, curve.learning_rate[-1], {"eta": e, "b": first}

    return pairs


as_printed = eta**2 / (b / eta + tau * area)
corrected = eta**2 / (b * eta + tau * area)

printed_limit = Claim(
    "Prop. 4.2 as printed, b/η",
    "γ∞ = η²/(b/η + τ∫R dΓ).",
    formula=as_printed,
    source="High Line, Prop. 4.2, as printed",
    evidence=[
        symbolic(lambda: equal(as_printed, derived_limit()), title="against the derived limit"),
        integrated(with_area(as_printed), tolerance=1e-6, title="against integrated limits"),
    ],
    expect=REFUTED,
)
true_limit = Claim(
    "Prop. 4.2 corrected, bη",
    "γ∞ = η²/(bη + τ∫R dΓ).",
    formula=corrected,
    source="High Line, Prop. 4.2, corrected",
    evidence=[
        symbolic(lambda: equal(corrected, derived_limit()), title="against the derived limit"),
        integrated(with_area(corrected), tolerance=1e-6, title="against integrated limits"),
    ],
)
agree_at_one = Claim(
    "The two agree at η = 1",
    "At η = 1 the printed and the corrected limit are the same.",
    evidence=[symbolic(lambda: equal(as_printed.subs(eta, 1), corrected.subs(eta, 1)))],
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


@simulation(title="SGD with deviation 0.4 against the limit with variance 0.4")
def as_variance(trial):
    rule, spectrum, found = runs(trial)
    return compare(sh.derive(sh.least_squares(np.sqrt(0.4)), rule).solve(spectrum, sh.Start(), 4.0), found)


@simulation(title="SGD with deviation 0.4 against the limit with deviation 0.4")
def as_deviation(trial):
    rule, spectrum, found = runs(trial)
    return compare(sh.derive(sh.least_squares(0.4), rule).solve(spectrum, sh.Start(), 4.0), found)


variance = Claim(
    "The script's noise as a variance",
    "With noise parameter ω, E f'² = Q + ω.",
    source="public script of High Line, its equations",
    domain={omega: (0, 3)},
    evidence=[
        symbolic(lambda: equal(SYSTEM.expanded(gradient_noise), error_square + omega), title="E f'² = Q + ω"),
        as_variance,
    ],
    expect=REFUTED,
)
deviation = Claim(
    "Noise as a standard deviation",
    "With label noise of standard deviation ω, E f'² = Q + ω².",
    source="High Line, section 3; SGD of its public script",
    domain={omega: (0, 3)},
    evidence=[
        symbolic(
            lambda: equal(SYSTEM.expanded(gradient_noise), error_square + omega**2), title="E f'² = Q + ω²"
        ),
        as_deviation,
    ],
)
