"""Mistakes of the kind that papers and scripts make, planted one at a time: evidence must refute them.

The limit is changed in one expression and confronted with direct simulation of the unchanged problem and
rule, whose generator knows nothing of the change. A change of order 1/d is no mistake, and must pass.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.ledger import REFUTED, VERIFIED, Claim, Domain, compare, integrated, numeric, simulation
from symhigh.rule.adagrad_norm import ETA
from symhigh.symbols import V12, V22, gamma, omega, tau

SPECTRUM = sh.Spectrum.from_eigenvalues([1.5, 0.3])
START = sh.Start(x0=0.5, x_star=1.0, overlap=0.3)
D, T_END, SEEDS = 8192, 4.0, 20
GRID = np.linspace(0.0, T_END, 17)
SQUARES, LOGISTIC = sh.least_squares(noise=0.5), sh.logistic_regression()
RULE = sh.AdaGradNorm(eta=2, b=1)


# --- plants: one switch a mistake, all in one system, so that it compiles once ---------------------------------
DROPPED, DOUBLED, PRODUCT, VARIANCE, SIGN, SECOND = SWITCHES = sp.symbols("plant_:6", real=True)
MISTAKES = {
    "noise term dropped": DROPPED,
    "noise term doubled": DOUBLED,
    "b*eta for b/eta": PRODUCT,
    "variance for deviation": VARIANCE,
    "overlap with the wrong sign": SIGN,
    "H2 doubled": SECOND,
}


def with_plants(problem):
    """The limit of ``problem`` in V11 and V12, with a switch for each mistake; at 0 they change nothing.

    The right-hand sides of V11 and V12 are linear in V11, V12, V22; c2, twice the paper's H2, stands with
    V12 in the first and with V22 in the second. The inverse rate sqrt((b/η)² + …) becomes sqrt((b η)² + …)
    by an accumulator that starts at (b η²)².
    """
    system = sh.derive(problem, RULE, reduce=False)
    first, second = map(sp.expand, system.family.rhs)
    first += gamma**2 * first.coeff(gamma, 2) * (DOUBLED - DROPPED) + SECOND * V12 * first.coeff(V12)
    second += (SECOND - 2 * SIGN) * V22 * second.coeff(V22)
    mixed = sp.sqrt((1 - VARIANCE) * omega**2 + VARIANCE * omega)
    scalars = tuple(replace(s, expression=s.expression.subs(omega, mixed)) for s in system.scalars)
    (memory,) = system.states
    begun = memory.initial * (1 + PRODUCT * (ETA**4 - 1))
    return replace(
        system,
        family=replace(system.family, rhs=(first, second)),
        scalars=scalars,
        states=(replace(memory, initial=begun),),
        parameters={**system.parameters, **dict.fromkeys(SWITCHES, sp.S.Zero)},
    )


PLANTED = with_plants(SQUARES)


def switched(system, **values):
    """The system with parameters, switches among them, set by name."""
    known = {str(s): s for s in system.parameters}
    return replace(
        system, parameters={**system.parameters, **{known[n]: sp.Float(v) for n, v in values.items()}}
    )


def solved(*mistakes, system=PLANTED):
    return switched(system, **{str(m): 1 for m in mistakes}).solve(SPECTRUM, START, T_END)


@pytest.fixture(scope="module")
def runs():
    return sh.simulate(SQUARES, RULE, SPECTRUM, START, D, T_END, SEEDS, t=GRID)


def test_the_limit_itself_stands(runs):
    found = compare(solved(), runs, ("risk", "learning_rate", "distance"))
    assert found.agrees, found.summary()


def test_switches_at_zero_change_nothing():
    plain, planted = sh.derive(SQUARES, RULE, reduce=False), PLANTED
    off = dict.fromkeys(SWITCHES, 0)
    for here, there in zip(planted.family.rhs, plain.family.rhs, strict=True):
        assert sp.expand(here.subs(off) - there) == 0
    for here, there in zip(planted.scalars, plain.scalars, strict=True):
        assert sp.expand(here.expression.subs(off) - there.expression) == 0
    assert planted.states[0].initial.subs(off) == plain.states[0].initial


@pytest.mark.filterwarnings("ignore:.*V11 of a mode would turn negative")  # with the wrong sign it does
@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_is_refuted(name, runs):
    curve = solved(MISTAKES[name])
    row = Claim(name, evidence=simulation(lambda trial: compare(curve, runs)), expect=REFUTED).examine()
    assert row.as_expected, row.support


@pytest.mark.slow
def test_logistic_regression_likewise():
    system = with_plants(LOGISTIC)
    runs = sh.simulate(LOGISTIC, RULE, SPECTRUM, START, D, T_END, SEEDS, t=GRID)
    found = compare(solved(system=system), runs)
    assert found.agrees, found.summary()
    for mistake in (SECOND, DROPPED, DOUBLED):
        assert not compare(solved(mistake, system=system), runs).agrees, mistake


# --- the rate without the current sample: a difference of order 1/d ------------------------------------------
class WithoutCurrentSample(sh.AdaGradNorm):
    """The rate is evaluated before the accumulator has seen the sample of the step."""

    @property
    def delayed(self):
        return True


class HalfOfEachSample(WithoutCurrentSample):
    """A difference of order one, planted the same way."""

    @property
    def memory(self):
        (accumulator,) = super().memory
        return (replace(accumulator, increment=accumulator.increment / 2),)


def test_the_rate_without_the_current_sample_is_accepted(runs):
    other = sh.simulate(
        SQUARES, WithoutCurrentSample(RULE.eta, RULE.b), SPECTRUM, START, D, T_END, SEEDS, t=GRID
    )
    shift = np.abs(other.learning_rate - runs.learning_rate).max()
    assert 0 < shift < 100 / D, "the same samples, another rate by O(1/d)"
    found = compare(solved(), other, ("risk", "learning_rate", "distance"))
    assert found.agrees, found.summary()


def test_the_rate_with_half_of_each_sample_is_not():
    other = sh.simulate(SQUARES, HalfOfEachSample(RULE.eta, RULE.b), SPECTRUM, START, D, T_END, SEEDS, t=GRID)
    assert not compare(solved(), other).agrees


# --- b/η in closed form ---------------------------------------------------------------------------------------
eta, b, distance = (sp.Symbol(n, positive=True) for n in ("eta", "b", "D2_0"))
BELOW = Domain({tau: (sp.Rational(1, 10), 1), eta: (sp.Rational(1, 2), 2), b: (2, 4), distance: (0, 4)})


def limiting_rate(first):
    """AdaGrad-Norm's noiseless limit, ``first`` being the inverse of the initial rate (lower branch of W)."""
    inside = tau * distance / eta**2 + 4 * first - 2 * tau * sp.log(first)
    return -2 / (tau * sp.LambertW(-2 / tau * sp.exp(-inside / (2 * tau)), -1))


def law(rate):
    """``4(1/γ - 1/γ₀) - 2τ ln(γ₀/γ) - τ D²(0)/η²`` with γ₀ = η/b, which vanishes at the limit."""
    start = eta / b
    return 4 * (1 / rate - 1 / start) - 2 * tau * sp.log(start / rate) - tau * distance / eta**2


@pytest.mark.filterwarnings("ignore:from t = ")  # of the distance, which is not looked at
@pytest.mark.parametrize(
    ("first", "verdict"), [(b / eta, VERIFIED), (b * eta, REFUTED)], ids=["b/eta", "b*eta"]
)
def test_b_times_eta_in_the_closed_limit(first, verdict):
    """Against the conservation law to 30 digits, and against the integrated limit at t = 150, at η ≠ 1."""
    rate = limiting_rate(first)

    @integrated(tolerance=1e-7)
    def at_the_end(trial):
        """The integrated limit at t = 150."""
        for _ in range(3):
            low, high, far = trial.rng.uniform(0.5, 0.9), trial.rng.uniform(1, 2), trial.rng.uniform(0.5, 3)
            system = switched(PLANTED, omega=0, eta=low, b=high)
            curve = system.solve(SPECTRUM, sh.Start(x_star=far), 150.0, rtol=1e-10)
            point = {eta: low, b: high, distance: far, tau: float(SPECTRUM.moment(1))}
            yield float(rate.subs(point)), curve.learning_rate[-1], point

    for evidence in (numeric(law(rate), 0), at_the_end):
        row = Claim("AdaGrad-Norm's limit", domain=BELOW, evidence=evidence, expect=verdict).examine()
        assert row.as_expected, row.lines
        assert bool(row.lines[0].counterexample) is (verdict is REFUTED)
