"""Events of curves: crossings against closed solutions and root finding on SciPy's curve; steady states; refusals."""

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp

import symhigh as sh
from symhigh.codegen.kernels import limit_source
from symhigh.codegen.target import NUMPY
from symhigh.integration.events import watch
from symhigh.integration.stepper import EXPLICIT, IMPLICIT
from symhigh.symbols import distance, risk
from tests.scenarios import ISOTROPIC

RATE, NOISE = 0.6, 0.7
FLOOR = NOISE**2 / (2 - RATE)
SYSTEM = sh.derive(sh.least_squares(NOISE), sh.Constant(RATE))
rate = sp.Symbol("learning_rate")


def crossing(level: float) -> float:
    """When the risk, ``(R(0) - R∞) e^{-γ(2-γ)t} + R∞`` with R∞ = ω²/(2-γ), passes the level."""
    return float(-np.log((level - FLOOR) / ((1 + NOISE**2) / 2 - FLOOR)) / (RATE * (2 - RATE)))


@pytest.mark.parametrize("stepper", [EXPLICIT, IMPLICIT], ids=lambda s: s.name)
def test_crossings_are_those_of_the_closed_solution(stepper):
    events = {
        "first": risk - 0.6,
        "second": sp.Symbol("risk") - 0.4,
        "waves": sp.sin(sh.t),
        "never": risk + 1,
    }
    curve = SYSTEM.solve(
        ISOTROPIC, sh.Start(), 40, rtol=1e-9, stepper=stepper, target=NUMPY, events=events, until="steady"
    )
    np.testing.assert_allclose(curve.events["first"], crossing(0.6), rtol=3e-8)
    np.testing.assert_allclose(curve.events["second"], crossing(0.4), rtol=3e-8)
    assert curve.events["never"].size == 0
    # steady where the slope of D2 has fallen to 1e-8 of what D2 was at the start
    decay = RATE * (2 - RATE)
    steady = np.log(decay * 2 * ((1 + NOISE**2) / 2 - FLOOR) / 1e-8) / decay
    np.testing.assert_allclose(curve.events["steady"], steady, rtol=1e-2)
    waves = np.pi * np.arange(1, steady // np.pi + 1)
    np.testing.assert_allclose(curve.events["waves"], waves[: curve.events["waves"].size], rtol=1e-13)
    assert curve.events["waves"].size >= waves.size - 1
    assert curve.complete
    assert curve.t[-1] == curve.events["steady"][0]
    assert curve.risk[-1] == pytest.approx(FLOOR, rel=1e-7)


def test_watching_changes_no_digit_of_the_curve():
    plain = SYSTEM.solve(ISOTROPIC, sh.Start(), 10, target=NUMPY)
    watched = SYSTEM.solve(ISOTROPIC, sh.Start(), 10, target=NUMPY, events={"half": risk - 0.5})
    np.testing.assert_array_equal(plain.t, watched.t)
    np.testing.assert_array_equal(plain.risk, watched.risk)


def test_an_event_that_ends_the_curve_is_its_last_time_and_hides_later_ones():
    events = {"early": risk - 0.6, "late": risk - 0.4}
    curve = SYSTEM.solve(
        ISOTROPIC, sh.Start(), 40, t=[0.0, 0.1, 30.0], target=NUMPY, events=events, until="early"
    )
    np.testing.assert_array_equal(curve.t[:2], [0.0, 0.1])
    assert curve.t.size == 3
    assert curve.risk[-1] == pytest.approx(0.6, abs=1e-9)
    assert curve.events["late"].size == 0


def test_a_small_rate_from_zero_is_no_steady_state():
    """A rate that starts at zero stands still at t = 0 and moves on; it comes to rest at the end only."""
    system = sh.derive(sh.least_squares(), sh.WarmUp(sh.Constant(0.5), 1.0))
    curve = system.solve(ISOTROPIC, sh.Start(), 200, target=NUMPY, until="steady", steady=1e-6)
    assert 10 < curve.t[-1] < 40


def test_crossings_after_the_hand_over_agree_with_root_finding_on_bdf():
    """AdaGrad-Norm on 40 modes to t = 10⁶: the rate, an average and the distance cross levels far out."""
    lam = (np.arange(1, 41) / 41) ** 2.0
    w = np.full(40, 1 / 40)
    system = sh.derive(sh.least_squares(0.1), sh.AdaGradNorm(1, 1))
    events = {"rate": rate - 0.05, "distance": distance - 0.3, "risk": risk - 0.01, "clock": sh.t - 12345.5}
    curve = system.solve(
        sh.Spectrum.from_eigenvalues(lam), sh.Start(), 1e6, rtol=1e-8, events=events
    )
    assert curve.statistics["steps"] < 2000  # the explicit stepper alone would need 10⁵ or more

    def rhs(t, y):
        gamma, noise = y[-1] ** -0.5, w @ (lam * y[:-1]) + 0.01
        return np.append(-2 * gamma * lam * y[:-1] + gamma**2 * lam * noise, lam.mean() * noise)

    levels = [
        lambda t, y: y[-1] ** -0.5 - 0.05,
        lambda t, y: w @ y[:-1] - 0.3,
        lambda t, y: (w @ (lam * y[:-1]) + 0.01) / 2 - 0.01,
    ]
    found = solve_ivp(
        rhs, (0, 1e6), np.append(np.ones(40), 1.0), method="BDF", rtol=1e-9, atol=1e-13, events=levels
    )
    for name, times in zip(("rate", "distance", "risk"), found.t_events, strict=True):
        assert times.size == 1
        np.testing.assert_allclose(curve.events[name], times, rtol=1e-5)
    np.testing.assert_allclose(curve.events["clock"], 12345.5, rtol=1e-13)


def test_another_level_compiles_nothing():
    sources = [
        limit_source(watch(SYSTEM, {"level": risk - level}, (), 1e-8).system) for level in (0.5, sp.pi / 8)
    ]
    assert sources[0] == sources[1]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"events": {"half": "risk - 0.5"}}, TypeError, "text is not read"),
        ({"events": {"half": sp.Symbol("rsik") - 1}}, ValueError, "rsik is not a quantity of this limit"),
        ({"events": {"mode": sh.symbols.D2 - 1}}, ValueError, "D2 belongs to one mode"),
        ({"events": {"lap": sh.symbols.overlap - 1}}, ValueError, "reduce=False"),
        ({"events": {"steady": risk - 1}}, ValueError, "another name"),
        ({"events": {"one": sp.Integer(1)}}, ValueError, "a number crosses nothing"),
        ({"until": "halved"}, ValueError, "not an event"),
        ({"until": "steady", "steady": 0}, ValueError, "steady must be finite and > 0"),
        ({"until": np.array([])}, TypeError, "until must be the name of an event"),
        ({"steady": np.array([1.0, 2.0])}, TypeError, "steady must be a number"),
    ],
)
def test_refusals(arguments, error, message):
    with pytest.raises(error, match=message):
        SYSTEM.solve(ISOTROPIC, sh.Start(), 1, target=NUMPY, **arguments)


def test_a_name_that_two_quantities_bear_is_refused_with_both_owners_named():
    k = sp.Symbol("risk", positive=True)
    loss = k * (sh.x - sh.x_star - sh.eps) ** 2 / 2
    system = sh.derive(sh.Problem(loss, noise=0.5, parameters={k: 3}), sh.AdaGradNorm(1, 1))

    def crossings(event):
        return system.solve(ISOTROPIC, sh.Start(), 2, target=NUMPY, events={"one": event}).events["one"]

    with pytest.raises(ValueError, match="risk is a parameter of the loss and a quantity of the limit; rename"):
        crossings(sp.Symbol("risk") - 1)
    assert crossings(sh.symbols.risk - 1) == pytest.approx(crossings(sp.Symbol("Q") - (2 / 3 - 0.25)), rel=1e-9)
