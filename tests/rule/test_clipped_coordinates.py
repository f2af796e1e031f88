"""Gradients clipped entry by entry: limits in c, two routes to drift and noise, the place of rest, what is refused."""

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.special import k0

import symhigh as sh

SPECTRUM, START, TIMES = sh.Spectrum.from_eigenvalues([1.5, 0.5]), sh.Start(), [1.0, 2.0, 5.0, 20.0]
SGD = sh.Constant(0.5)


def curve(rule: sh.Rule, noise: float = 0.3, t_end: float = 20.0, rtol: float = 1e-10) -> sh.Curve:
    times = [t for t in TIMES if t <= t_end] if t_end <= 20 else [t_end]
    return sh.derive(sh.least_squares(noise), rule).solve(SPECTRUM, START, t_end, t=times, rtol=rtol)


def test_a_bound_that_nothing_meets_is_sgd_and_a_small_one_sign_sgd() -> None:
    assert curve(sh.ClippedCoordinates(SGD, 200)).risk == pytest.approx(curve(SGD).risk, rel=1e-9)
    small = curve(sh.ClippedCoordinates(sh.Constant(0.5 / 1e-4), 1e-4)).risk
    assert small == pytest.approx(curve(sh.SignSGD(0.5)).risk, rel=2e-3)  # c ln c


def test_as_integrated_from_the_law_of_a_product_of_two_normals() -> None:
    """``w = rα`` has the density K₀(|w|/s)/(πs): drift and noise of a mode by SciPy, from no formula of the library."""
    gamma, c, noise, lam = 0.5, 0.5, 0.3, np.array([1.5, 0.5])

    def mean(power: int, h: float) -> float:
        """``E u^power min(u, h)^(2 - power)`` for u = |w|/s."""
        inside = quad(lambda u: u**2 * k0(u), 0, h, epsabs=1e-12)[0]
        beyond = quad(lambda u: u**power * h ** (2 - power) * k0(u), h, np.inf, epsabs=1e-12)[0]
        return float(2 / np.pi * (inside + beyond))

    def speed(t: float, D: np.ndarray) -> np.ndarray:
        P = (lam @ D) / 2 + noise**2
        h = c / np.sqrt(lam * P)
        A, B = (np.array([mean(power, each) for each in h]) for power in (1, 0))
        return -2 * gamma * lam * A * D + gamma**2 * lam * P * B

    found = solve_ivp(speed, (0, 5), [1.0, 1.0], t_eval=TIMES[:3], rtol=1e-9, atol=1e-12)
    expected = (lam @ found.y) / 4 + noise**2 / 2
    assert curve(sh.ClippedCoordinates(SGD, c), t_end=5).risk == pytest.approx(expected, rel=1e-8)


def test_it_rests_where_its_closed_form_says_and_comes_there_at_its_rate() -> None:
    rule = sh.ClippedCoordinates(SGD, 0.5)
    found = sh.limits(sh.least_squares(0.3), rule, SPECTRUM)
    late = curve(rule, t_end=120, rtol=1e-11).risk[-1]
    assert float(found["risk"].evaluate()) == pytest.approx(late, rel=1e-9)
    system = sh.derive(sh.least_squares(0.3), rule)
    gaps = system.solve(SPECTRUM, START, 30, t=[24, 30], rtol=1e-12).risk - late
    assert -np.log(gaps[1] / gaps[0]) / 6 == pytest.approx(float(found["rate"].evaluate()), rel=2e-3)


def test_it_never_diverges_and_keeps_the_threshold_of_sgd() -> None:
    """γ = 3 is beyond 2/τ = 2: without label noise the risk stays away from zero, where SGD's explodes."""
    found = sh.limits(sh.least_squares(), sh.ClippedCoordinates(sh.Constant(1), 0.5), SPECTRUM)
    assert found["threshold"].evaluate() == 2
    assert found["risk"].evaluate() == 0
    with pytest.raises(ValueError, match="broken"):
        sh.limits(sh.least_squares(), sh.ClippedCoordinates(sh.Constant(3), 0.5), SPECTRUM)["risk"].evaluate()
    late = curve(sh.ClippedCoordinates(sh.Constant(3), 0.5), noise=0, t_end=60, rtol=1e-8)
    assert late.complete
    assert 0.01 < late.risk[-1] < 10


@pytest.mark.parametrize("d", [500, 2000])
def test_its_own_simulator_agrees(d: int) -> None:
    problem, rule = sh.least_squares(0.3), sh.ClippedCoordinates(SGD, 0.5)
    runs = sh.simulate(problem, rule, SPECTRUM, START, d=d, t_end=3, seeds=12)
    assert sh.compare(sh.derive(problem, rule).solve(SPECTRUM, START, 3), runs).agrees


def test_an_inner_rule_sees_clipped_entries() -> None:
    """Adam's cells are averages of clipped squares: for a bound that is always met they are c²."""
    rule = sh.ClippedCoordinates(sh.RMSprop(0.3, 1, 3e-3), 3e-3)
    assert curve(rule, t_end=5, rtol=1e-6).risk == pytest.approx(curve(sh.SignSGD(0.3), t_end=5).risk, rel=2e-2)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: sh.ClippedCoordinates(sh.Polyak(), 1), "a greedy rule derives its rate"),
    (lambda: sh.ClippedCoordinates(sh.AdaGradNorm(1, 1), 1), "looks at the norm of the gradient"),
    (lambda: sh.ClippedCoordinates(sh.MiniBatch(SGD, 2), 1), "batches of one"),
    (lambda: sh.ClippedCoordinates(sh.ClippedCoordinates(SGD, 1), 1), "clipped already"),
    (lambda: sh.derive(sh.least_squares(), sh.MiniBatch(sh.ClippedCoordinates(SGD, 1), 2)), "batches of one"),
    (lambda: sh.derive(sh.least_squares(), sh.WeightDecay(sh.ClippedCoordinates(SGD, 1), 1)), "the coordinate's own X"),
    (lambda: sh.derive(sh.logistic_regression(), sh.ClippedCoordinates(SGD, 1)), "use a loss of x - x"),
    (lambda: sh.derive(sh.least_squares(model=sh.PRODUCT), sh.ClippedCoordinates(SGD, 1)), "the coordinate's own v"),
    (lambda: sh.derive(sh.least_squares(), sh.ClippedCoordinates(SGD, 1)).fluctuations(SPECTRUM, START, 1), "ensemble"),
])  # fmt: skip
def test_refusals(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        make()
