"""Closed limits against integration of the same limit, against hand-written equations, and at their edges."""

import numpy as np
import pytest
import sympy as sp
from scipy.optimize import brentq

import symhigh as sh
from symhigh.closed.conserved import conservation_law, limiting_rate
from symhigh.closed.linear import linear_limit
from symhigh.closed.long_time import _slow
from symhigh.symbols import distance, gamma, t, tau

eta, b, omega, g, l1, l2 = sp.symbols("eta b omega g lambda_1 lambda_2", positive=True)


def spectra(count: int, size: int = 4) -> list[sh.Spectrum]:
    """Random eigenvalues and weights; neighbours differ enough for profiles to settle before the risk underflows."""
    rng = np.random.default_rng(5)
    return [
        sh.Spectrum.from_eigenvalues(
            0.2 * np.exp(np.cumsum(rng.uniform(0.2, 0.6, size))), rng.dirichlet(np.ones(size))
        )
        for _ in range(count)
    ]


def test_adagrad_limit_is_the_lambert_form() -> None:
    found = sh.limits(sh.least_squares(), sh.AdaGradNorm(eta, b))["learning_rate"]
    total = tau * distance / eta**2 + 4 * b / eta + 2 * tau * sp.log(eta / b)
    hand = -2 / (tau * sp.LambertW(-(2 / tau) * sp.exp(-total / (2 * tau)), -1))
    values = {
        eta: sp.Rational(7, 5),
        b: sp.Rational(1, 3),
        tau: sp.Rational(9, 8),
        distance: sp.Rational(5, 3),
    }
    assert abs((found.expr - hand).subs(values).evalf(40)) < 1e-38
    assert found.evaluate(eta=1, b=1, tau=1, distance=1) == pytest.approx(0.7001764, abs=1e-7)


@pytest.mark.parametrize(("e", "first"), [(1.0, 1.0), (0.3, 2.0), (5.0, 0.4), (3.0, 0.7)])
def test_adagrad_limit_against_integration(e: float, first: float) -> None:
    problem, rule, start = sh.least_squares(), sh.AdaGradNorm(e, first), sh.Start(x0=0.5, x_star=1)
    for spectrum in spectra(3):
        found = sh.limits(problem, rule, spectrum, start)
        speed = float(found["rate"].evaluate())
        curve = sh.derive(problem, rule).solve(spectrum, start, 40 / speed, rtol=1e-11)
        assert curve.learning_rate[-1] == pytest.approx(float(found["learning_rate"].evaluate()), rel=1e-9)
        late = np.log(curve.risk[100] / curve.risk[120]) / (curve.t[120] - curve.t[100])
        assert late == pytest.approx(speed, rel=2e-2)


def test_line_search_limit_against_integration() -> None:
    problem, rule, start = sh.least_squares(), sh.LineSearch(), sh.Start()
    for spectrum in (*spectra(2, 2), *spectra(2, 3), *spectra(1, 9)):
        found = sh.limits(problem, rule, spectrum, start)
        speed = float(found["rate"].evaluate())
        curve = sh.derive(problem, rule).solve(
            spectrum, start, 300 / speed, t=[300 / speed], rtol=1e-11, atol=1e-290
        )
        assert curve.learning_rate[-1] == pytest.approx(float(found["learning_rate"].evaluate()), rel=1e-7)


@pytest.mark.parametrize(("second", "value"), [(2, 1.16775006), (4, 0.86983422), (8, 0.48367675)])
def test_line_search_reference_values(second: int, value: float) -> None:
    spectrum = sh.Spectrum.from_eigenvalues([1, sp.Rational(1, second)])
    expr = sh.limits(sh.least_squares(), sh.LineSearch(), spectrum)["learning_rate"].expr
    assert expr.is_algebraic
    assert float(expr) == pytest.approx(value, abs=1e-8)


def test_two_eigenvalues_in_radicals_solve_the_secular_equation() -> None:
    spectrum = sh.Spectrum.from_eigenvalues([l1, l2])
    root = sh.limits(sh.least_squares(), sh.LineSearch(), spectrum)["learning_rate"].expr
    k2 = (l1**2 + l2**2) / 2
    residual = sum(root * v**2 / (2 * v - root * k2) for v in (l1, l2)) / 2 - 1
    assert sp.simplify(residual) == 0
    below = {l1: sp.Rational(2), l2: sp.Rational(1, 3)}
    assert 0 < root.subs(below) < (2 * l2 / k2).subs(below)


def test_constant_rate_floor_threshold_and_rate() -> None:
    problem, rule = sh.least_squares(0.5), sh.Constant(0.6)
    spectrum, start = spectra(1)[0], sh.Start(x0=2.0, x_star=1.0, overlap=-0.5)
    found = sh.limits(problem, rule, spectrum, start)
    speed = float(found["rate"].evaluate())
    curve = sh.derive(problem, rule).solve(spectrum, start, 40 / speed, rtol=1e-11)
    assert curve.risk[-1] == pytest.approx(float(found["risk"].evaluate()), rel=1e-9)
    excess = curve.risk - curve.risk[-1]
    assert np.log(excess[80] / excess[100]) / (curve.t[100] - curve.t[80]) == pytest.approx(speed, rel=3e-3)
    assert (
        sp.simplify(
            sh.limits(sh.least_squares(omega), sh.Constant(g))["risk"].expr - omega**2 / (2 - g * tau)
        )
        == 0
    )


def test_unstable_rate_refuses_to_be_evaluated() -> None:
    found = sh.limits(sh.least_squares(0.1), sh.Constant(3), sh.Spectrum.isotropic(), sh.Start())
    for name in ("risk", "excess_risk", "rate"):
        with pytest.raises(ValueError, match="3 < 2 is broken"):
            found[name].evaluate()


@pytest.mark.parametrize("rule", [sh.Constant(0.7), sh.Polyak(), sh.LineSearch()])
def test_isotropic_risk_curve_is_the_integrated_one(rule) -> None:
    problem, spectrum, start = sh.least_squares(0.4), sh.Spectrum.isotropic(1.5), sh.Start(x0=0.2, x_star=1.0)
    times = np.array([0.0, 0.3, 1.0, 4.0, 30.0])
    curve = sh.derive(problem, rule).solve(spectrum, start, 30.0, t=times, rtol=1e-11)
    exact = sh.limits(problem, rule, spectrum, start)["risk_curve"]
    assert [float(exact.evaluate(t=float(s))) for s in times] == pytest.approx(curve.risk.tolist(), rel=1e-9)


@pytest.mark.parametrize("rule", [sh.Polyak(), sh.LineSearch()])
@pytest.mark.parametrize("spectrum", [spectra(1, 3)[0], sh.Spectrum.isotropic(1.5)], ids=["three", "one"])
def test_slow_decay_under_noise(rule, spectrum) -> None:
    problem, start = sh.least_squares(0.8), sh.Start()
    found = sh.limits(problem, rule, spectrum, start)
    curve = sh.derive(problem, rule).solve(spectrum, start, 1e7, t=[1e5, 1e7], rtol=1e-10)
    gaps = [
        abs(curve.outputs[key][k] - (0.32 if key == "risk" else 0) - value) / value
        for key, name in (("learning_rate", "learning_rate_asymptotic"), ("risk", "excess_risk_asymptotic"))
        for k, value in enumerate(float(found[name].evaluate(t=s)) for s in (1e5, 1e7))
    ]
    for early, late in (gaps[:2], gaps[2:]):
        assert late < max(early / 5, 1e-5)  # the next order, or the tolerance of the integration


def test_noisy_adagrad_to_second_order() -> None:
    problem, rule = sh.least_squares(0.7), sh.AdaGradNorm(1.3, 0.6)
    spectrum, start = spectra(1, 3)[0], sh.Start()
    found = sh.limits(problem, rule, spectrum, start)
    curve = sh.derive(problem, rule).solve(spectrum, start, 1e8, t=[1e4, 1e8], rtol=1e-11)
    for key, least in (("learning_rate", 0.0), ("risk", 0.245)):
        name = "learning_rate_asymptotic" if least == 0 else "excess_risk_asymptotic"
        gaps = [
            abs(curve.outputs[key][k] - least - float(found[name].evaluate(t=s)))
            for k, s in enumerate((1e4, 1e8))
        ]
        # the next order is log t / t^(3/2): ratio (log 1e8/log 1e4) 10^-6, whereas second-order terms go as 10^-4
        assert gaps[1] < gaps[0] * 1e-5


def test_law_and_turning_point() -> None:
    limit = linear_limit(sh.derive(sh.least_squares(), sh.AdaGradNorm(eta, b))).noiseless
    law = conservation_law(limit, limit.system.outputs["distance"])
    assert sp.simplify(law.turning_point - 2 / tau) == 0
    assert sp.diff(law.potential, gamma, 2).subs(gamma, law.turning_point).is_positive
    with pytest.raises(ValueError, match="is not A/gamma"):
        limiting_rate(type(law)(law.moment, gamma**2, law.initial), distance)


def test_zero_modes_are_left_out() -> None:
    rule = sh.AdaGradNorm(1, 1)
    spectrum = sh.Spectrum.from_eigenvalues([0, 1, 2], [0.5, 0.25, 0.25])
    value = float(sh.limits(sh.least_squares(), rule, spectrum, sh.Start())["learning_rate"].evaluate())
    curve = sh.derive(sh.least_squares(), rule).solve(spectrum, sh.Start(), 200.0, rtol=1e-11)
    assert curve.learning_rate[-1] == pytest.approx(value, rel=1e-9)


def test_no_closed_form_is_said() -> None:
    with pytest.raises(ValueError, match=r"integrate system\.solve"):
        sh.limits(sh.logistic_regression(), sh.Constant(1))
    with pytest.raises(ValueError, match="give spectrum"):
        sh.limits(sh.least_squares(), sh.Polyak(), start=sh.Start())


def test_two_eigenvalues_pick_the_root_below_the_edge() -> None:
    spectrum = sh.Spectrum.from_eigenvalues([0.25, 0.35], [0.4, 0.6])
    found = sh.limits(sh.least_squares(), sh.AdaGradNorm(5, 0.5), spectrum, sh.Start(x_star=0.2))
    end, rate = (float(found[k].evaluate()) for k in ("learning_rate", "rate"))
    assert end > 2
    assert 0 < rate < 2 * end * 0.25
    terms = (w * end**2 * v**2 / (2 * end * v - rate) for v, w in ((0.25, 0.4), (0.35, 0.6)))
    assert sum(terms) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("delta", [0.2, 1.6])
def test_power_laws_in_time(delta: float) -> None:
    problem, rule = sh.least_squares(), sh.AdaGradNorm(1.5, 0.7)
    spectrum, start, late = sh.Spectrum.power_law(0.2), sh.Start.power_law(delta), 1e9
    found = sh.limits(problem, rule, spectrum, start)
    assert "rate" not in found
    curve = sh.derive(problem, rule).solve(spectrum, start, late, t=[late], rtol=1e-9)
    assert curve.learning_rate[0] == pytest.approx(
        float(found["learning_rate_asymptotic"].evaluate(t=late)), rel=3e-3
    )
    assert curve.risk[0] == pytest.approx(float(found["excess_risk_asymptotic"].evaluate(t=late)), rel=3e-3, abs=0)
    assert (found["learning_rate"].evaluate() == 0) == (delta > 0.8)


@pytest.mark.parametrize("noise", [0, 0.6])
@pytest.mark.parametrize(
    "rule", [sh.Constant(0.5), sh.AdaGradNorm(0.5, 1), sh.RMSpropNorm(0.5, 1, 0.7)], ids=str
)
def test_mini_batches_divide_the_noise(rule, noise: float) -> None:
    """Against integrated curves of batches of three; the threshold is 2m/τ."""
    problem, batch, start = sh.least_squares(noise), sh.MiniBatch(rule, 3), sh.Start(x0=0.5)
    spectrum = sh.Spectrum.from_eigenvalues([0.5, 1.0, 1.5])
    found = sh.limits(problem, batch, spectrum, start)
    assert float(found["threshold"].evaluate()) == pytest.approx(6.0)
    dies = "learning_rate_asymptotic" in found
    late = 1e4 if dies else 60.0 / float(found["rate"].evaluate())
    curve = sh.derive(problem, batch).solve(spectrum, start, late, t=[late], rtol=1e-11)
    at = {"t": late} if dies else {}
    name = "learning_rate_asymptotic" if dies else "learning_rate"
    assert curve.learning_rate[0] == pytest.approx(
        float(found[name].evaluate(**at)), rel=1e-3 if dies else 1e-8
    )
    if dies:
        excess = float(found["excess_risk_asymptotic"].evaluate(**at))
        assert curve.risk[0] - noise**2 / 2 == pytest.approx(excess, rel=1e-2)
    else:
        assert curve.risk[0] == pytest.approx(float(found["risk"].evaluate()), rel=1e-8, abs=1e-15)


@pytest.mark.parametrize("rule", [sh.Constant(0.5), sh.AdaGradNorm(1, 0.5), sh.LineSearch()])
def test_power_laws_from_a_start_of_any_size(rule) -> None:
    problem, spectrum, start, late = sh.least_squares(), sh.Spectrum.power_law(0.2), sh.Start(x_star=4), 1e9
    found = sh.limits(problem, rule, spectrum, start)
    curve = sh.derive(problem, rule).solve(spectrum, start, late, t=[late], rtol=1e-9)
    assert curve.risk[0] == pytest.approx(float(found["excess_risk_asymptotic"].evaluate(t=late)), rel=1e-6, abs=0)
    name = "learning_rate" if "learning_rate_asymptotic" not in found else "learning_rate_asymptotic"
    at = {"t": late} if found[name].symbols else {}
    assert curve.learning_rate[0] == pytest.approx(float(found[name].evaluate(**at)), rel=1e-6)


def test_power_law_without_a_start() -> None:
    spectrum = sh.Spectrum.power_law(0.2)
    assert sh.limits(sh.least_squares(), sh.LineSearch(), spectrum)["learning_rate"].evaluate() == 0
    open_start = sh.limits(sh.least_squares(), sh.AdaGradNorm(1, 0.5), spectrum)
    even = sh.limits(sh.least_squares(), sh.AdaGradNorm(1, 0.5), spectrum, sh.Start(x_star=4))
    assert "rate" not in open_start
    assert float(open_start["learning_rate"].evaluate(distance=4)) == pytest.approx(
        float(even["learning_rate"].evaluate()), rel=1e-12
    )


@pytest.mark.parametrize("rule", [sh.DistanceThreshold(), sh.RiskThreshold()], ids=["distance", "risk"])
@pytest.mark.parametrize("noise", [0, 0.7])
def test_at_the_threshold_itself_the_modes_level_out(rule: sh.Rule, noise: float) -> None:
    """The objective stays for ever, the risk does not fall to its least; against integrated curves."""
    rng = np.random.default_rng(11)
    for size in (1, 2, 5):
        spectrum = sh.Spectrum.from_eigenvalues(rng.uniform(0.4, 2, size), rng.dirichlet(np.ones(size)))
        start = sh.Start(x0=0.3, x_star=1.2)
        found = sh.limits(sh.least_squares(noise), rule, spectrum, start)
        curve = sh.derive(sh.least_squares(noise), rule).solve(spectrum, start, 400, rtol=1e-11)
        assert curve.learning_rate[-1] == pytest.approx(float(found["learning_rate"].evaluate()), rel=1e-8)
        assert curve.risk[-1] == pytest.approx(float(found["risk"].evaluate()), rel=1e-8)


def test_fractions_of_a_threshold() -> None:
    """Below one the objective falls; above it grows, and there is no limit; a symbol carries the bound along."""
    with pytest.raises(ValueError, match=r"at 5/4 times the rate at which the objective distance stays"):
        sh.limits(sh.least_squares(1), sh.DistanceThreshold(1.25))
    share = sp.Symbol("c", positive=True)
    formula = sh.limits(sh.least_squares(1), sh.RiskThreshold(share), sh.Spectrum.isotropic())["risk"]
    assert formula.evaluate(c=0.5) == 0.5
    with pytest.raises(ValueError, match="c < 1"):
        formula.evaluate(c=1.5)


def test_schedules_without_a_limit_are_refused() -> None:
    with pytest.raises(ValueError, match="no finite limit as t -> oo"):
        sh.limits(sh.least_squares(), sh.WarmUp(sh.Constant(1), 2))


def test_a_delayed_sum_has_the_limits_of_the_sum_itself() -> None:
    eta, b, noise = sp.symbols("eta b omega", positive=True)
    for level in (0, noise):
        delayed, plain = (
            sh.limits(sh.least_squares(level), rule)
            for rule in (sh.DelayedAdaGradNorm(eta, b), sh.AdaGradNorm(eta, b))
        )
        same = [name for name in plain if name != "rate"]  # whose unknown is a dummy
        assert [delayed[name] for name in same] == [plain[name] for name in same]
        with pytest.raises(ValueError, match=r"limits: .* integrate system.solve"):
            sh.limits(sh.least_squares(level), sh.DelayedAdaGradNorm(eta, b, sp.Rational(1, 4)))
        with pytest.raises(ValueError, match=r"limits: .* integrate system.solve"):
            sh.limits(sh.least_squares(level), sh.DelayedAdaGradNorm(eta, b, 0.3))


def test_stochastic_polyak_on_a_square_is_a_constant_rate() -> None:
    """f/f'² = 1/2 for every sample; against the integrated limit and the formulas of the rate that it comes to."""
    for cap, rate in ((2.0, 0.5), (0.3, 0.3)):
        rule = sh.StochasticPolyak(cap, damping=1)
        found = sh.limits(sh.least_squares(0.6), rule, sh.Spectrum.isotropic())
        plain = sh.limits(sh.least_squares(0.6), sh.Constant(rate), sh.Spectrum.isotropic())
        for name in ("learning_rate", "risk", "rate", "threshold"):
            assert float(found[name].evaluate()) == pytest.approx(float(plain[name].evaluate()), rel=1e-12)
        curve = sh.derive(sh.least_squares(0.6), rule).solve(sh.Spectrum.isotropic(), sh.Start(), 100)
        assert curve.risk[-1] == pytest.approx(float(found["risk"].evaluate()), rel=1e-7)


@pytest.mark.parametrize("rule", [sh.AdaGradNorm(1, 1), sh.AdaGradNorm(1.5, 0.4)], ids=str)
def test_the_logarithmic_power_law_is_sharp_in_time_and_in_the_clock(rule) -> None:
    """β + δ = 1, where the leading order 1/log t alone is off by factors: against the integrated limit."""
    spectrum, start, times = sh.Spectrum.power_law(0.2), sh.Start.power_law(0.8), [1e2, 1e4, 1e8]
    found = sh.limits(sh.least_squares(), rule, spectrum, start)
    curve = sh.derive(sh.least_squares(), rule).solve(spectrum, start, times[-1], t=times, rtol=1e-10)
    for name, values in (("learning_rate", curve.learning_rate), ("excess_risk", curve.risk)):
        formula = found[f"{name}_asymptotic"]
        assert "up to a relative error O(1/log(t)^3)" in formula.statement
        gaps = np.abs(values / formula.evaluate(t=times) - 1)
        assert gaps[0] < 5e-3
        assert gaps[2] < gaps[0] / 8
        assert found[f"{name}_in_clock"].symbols
    rates, risks = (found[f"{name}_in_clock"] for name in ("learning_rate", "excess_risk"))
    level = curve.learning_rate[-1]  # γ falls, so its level tells the curve's own clock
    clock = np.exp(brentq(lambda v: float(rates.evaluate(u=np.exp(v))) - level, 5, 30, xtol=1e-10))
    assert float(risks.evaluate(u=clock)) == pytest.approx(curve.risk[-1], rel=1e-6)


@pytest.mark.parametrize(("delta", "power", "logs"), [(0.2, -0.6, 0), (1.2, -2 / 7, 1), (1.6, -4 / 9, 1)])
def test_power_laws_say_the_order_of_their_error(delta, power, logs) -> None:
    spectrum, start, times = sh.Spectrum.power_law(0.2), sh.Start.power_law(delta), [1e4, 1e8]
    rule = sh.AdaGradNorm(1, 1)
    formula = sh.limits(sh.least_squares(), rule, spectrum, start)["learning_rate_asymptotic"]
    said = f"O(t^({sp.nsimplify(power, rational=True, tolerance=1e-9)}){' log t' * logs})"
    assert said in formula.statement
    curve = sh.derive(sh.least_squares(), rule).solve(spectrum, start, 1e8, t=times, rtol=1e-10)
    gaps = np.abs(curve.learning_rate / formula.evaluate(t=times) - 1)
    orders = np.array([t**power * np.log(t) ** logs for t in times])
    assert 0.4 < (gaps[1] / gaps[0]) / (orders[1] / orders[0]) < 2.0


def test_only_a_slow_schedule_carries_the_modes_along() -> None:
    """γ'/γ² must vanish: it is -1 for 1/(1 + t), and swings for (1 + t)^{-1/2}(2 + sin t)/2, where the excess over
    γτω²/4 lies between .84 and 2.27 for ever."""
    root = (1 + t) ** sp.Rational(-1, 2)
    assert _slow(root)
    assert not _slow(2 / (1 + t))
    assert not _slow(root * (2 + sp.sin(t)) / 2)
    name = "excess_risk_asymptotic"
    assert name in sh.limits(sh.least_squares(1), sh.Schedule(root))
    assert name not in sh.limits(sh.least_squares(1), sh.Schedule(2 / (1 + t)))


def test_limits_are_equal_where_their_equations_are() -> None:
    one, same = (linear_limit(sh.derive(sh.least_squares(noise), sh.Constant(0.3))) for noise in (0.5, 0.5))
    other = linear_limit(sh.derive(sh.least_squares(0.5), sh.LineSearch()))
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != 3
