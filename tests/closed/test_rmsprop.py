"""Where RMSprop-Norm comes to rest, and how fast: against integration, hand-written roots, random Jacobians."""

from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.modes import read_modes
from symhigh.closed.nodes import MU
from symhigh.closed.rmsprop import approach
from symhigh.closed.slowest import SlowestMode
from symhigh.symbols import tau
from tests.closed.test_slowest import dense

eta, b, alpha, omega = sp.symbols("eta b alpha omega", positive=True)
SCALINGS = [sh.Forgetting.SUM, sh.Forgetting.AVERAGE]


def settle(problem, rule, spectrum, start, found):
    """γ and R of the integrated limit when the slowest mode has lost e^{-30}."""
    late = 30.0 / float(found["rate"].evaluate())
    curve = sh.derive(problem, rule).solve(spectrum, start, late, t=[late], rtol=1e-12)
    return curve.learning_rate[0], curve.risk[0]


@pytest.mark.parametrize("forgetting", SCALINGS)
@pytest.mark.parametrize("noise", [0, 0.6])
@pytest.mark.parametrize("forgets", [0.4, 3.0])
def test_rest_against_integration(forgetting, noise: float, forgets: float) -> None:
    problem, start = sh.least_squares(noise), sh.Start(x0=0.5)
    spectrum = sh.Spectrum.from_eigenvalues([0.5, 1.0, 1.7], [0.3, 0.3, 0.4])
    rule = sh.RMSpropNorm(0.5, 1.0, forgets, forgetting)
    found = sh.limits(problem, rule, spectrum, start)
    rate, risk = settle(problem, rule, spectrum, start, found)
    assert rate == pytest.approx(float(found["learning_rate"].evaluate()), rel=1e-9)
    assert risk == pytest.approx(float(found["risk"].evaluate()), rel=1e-9)
    assert float(found["excess_risk"].evaluate()) == pytest.approx(risk - noise**2 / 2, rel=1e-8)


def test_without_noise_it_stays_at_the_threshold() -> None:
    """γ → 2/τ and the risk does not vanish: αη²τ/8 for the sum, η²τ/8 for the average."""
    for forgetting, floor in zip(SCALINGS, (alpha * eta**2 * tau / 8, eta**2 * tau / 8), strict=True):
        found = sh.limits(sh.least_squares(), sh.RMSpropNorm(eta, b, alpha, forgetting))
        assert sp.simplify(found["learning_rate"].expr - found["threshold"].expr) == 0
        assert sp.simplify(found["risk"].expr - floor) == 0


@pytest.mark.parametrize("forgetting", SCALINGS)
def test_quadratic_by_hand(forgetting) -> None:
    g = sh.limits(sh.least_squares(omega), sh.RMSpropNorm(eta, b, alpha, forgetting))["learning_rate"].expr
    c = eta**2 * (alpha if forgetting is sh.Forgetting.SUM else 1)
    assert sp.simplify(2 * tau * omega**2 * g**2 + c * tau * g - 2 * c) == 0


@pytest.mark.parametrize("values", [[0.5, 1.0, 1.7], list(np.linspace(0.2, 2.0, 12))])
@pytest.mark.parametrize(("noise", "forgets"), [(0, 0.3), (0.6, 5.0)])
def test_rate_is_measured_on_curves(values, noise: float, forgets: float) -> None:
    """The gap to rest falls like e^{-ρt}, an oscillation taken out by a running maximum; complex and real ρ."""
    problem, rule = sh.least_squares(noise), sh.RMSpropNorm(0.5, 1.0, forgets)
    spectrum = sh.Spectrum.from_eigenvalues(values)
    found = sh.limits(problem, rule, spectrum, sh.Start())
    rate, rest = (float(found[k].evaluate()) for k in ("rate", "learning_rate"))
    times = np.linspace(0.0, 22 / rate, 4000)
    curve = sh.derive(problem, rule).solve(spectrum, sh.Start(), times[-1], t=times, rtol=1e-13)
    gap, span = np.abs(curve.learning_rate - rest), int(3.0 / rate / times[1])
    top = np.array([gap[max(0, k - span) : k + span + 1].max() for k in range(3400)])
    keep = (times[:3400] > 10 / rate) & (times[:3400] < 17 / rate)
    assert keep.sum() > 100
    assert -np.polyfit(times[:3400][keep], np.log(top[keep]), 1)[0] == pytest.approx(rate, rel=0.04)


def test_one_eigenvalue_is_explicit_and_the_same() -> None:
    problem, rule = sh.least_squares(0.6), sh.RMSpropNorm(0.5, 1.0, 0.7)
    found = sh.limits(problem, rule, sh.Spectrum.isotropic(1.3))
    rate, g = found["rate"].evaluate(30), found["learning_rate"].expr
    node = SlowestMode(g, sp.Rational(7, 10), 2, 1, sp.Tuple(sp.Tuple(sp.Rational(13, 10)), sp.Tuple(1)))
    with mpmath.workdps(30):
        assert abs(rate - mpmath.mpf(node.evalf(30)._mpf_)) < 1e-28


def test_slowest_mode_solves_its_equation_and_is_positive() -> None:
    """Random rates below the threshold, random α: the node's value is an eigenvalue of the drift's Jacobian."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        size = int(rng.integers(1, 7))
        lam, w = rng.uniform(0.05, 3.0, size), rng.dirichlet(np.ones(size))
        g, a = float(rng.uniform(0.05, 1.0) * 2 / (w @ lam)), float(np.exp(rng.uniform(-3, 3)))
        measure = sp.Tuple(sp.Tuple(*map(sp.Float, lam)), sp.Tuple(*map(sp.Float, w)))
        node = float(SlowestMode(sp.Float(g), sp.Float(a), 2, 1, measure).evalf(20))

        def drift(y, lam=lam, w=w, a=a, g=g):  # floor and η chosen so that the rest is I = 1, s = 1/α, γ = g
            error, s = y[:-1], y[-1]
            level = w @ (lam * error) + 1 - g / 2 * (w @ lam)
            rate = g / np.sqrt(a * s)
            return np.append(lam * (-2 * rate * error + rate**2 * level), level - a * s)

        rest = np.append(np.full(size, g / 2), 1 / a)
        assert np.abs(drift(rest)).max() < 1e-14
        steps = 1e-6 * np.maximum(rest, 1e-3)
        jacobian = np.array([(drift(rest + h) - drift(rest - h)) / (2 * h.max()) for h in np.diag(steps)]).T
        assert node == pytest.approx(-np.linalg.eigvals(jacobian).real.max(), rel=1e-5)
        assert node > 0


def test_open_spectrum_keeps_the_equation_and_power_laws_have_no_rate() -> None:
    open_ = sh.limits(sh.least_squares(1), sh.RMSpropNorm(1, 1, 1))["rate"]
    assert MU in open_.expr.free_symbols
    assert "operatorname{Re}" in open_.latex()
    found = sh.limits(
        sh.least_squares(), sh.RMSpropNorm(1, 1, 1), sh.Spectrum.power_law(0.2), sh.Start.power_law(0.4)
    )
    assert "rate" not in found
    assert float(found["learning_rate"].evaluate()) == pytest.approx(4.5)


def test_too_many_modes_are_refused() -> None:
    spectrum = sh.Spectrum.from_eigenvalues(np.linspace(1, 2, 2001))
    rate = sh.limits(sh.least_squares(1), sh.RMSpropNorm(1, 1, 1), spectrum)["rate"]
    with pytest.raises(ValueError, match="compressed"):
        rate.evaluate()


@pytest.mark.parametrize(("g", "forgets"), [(0.1, 0.2), (0.7, 1.5), (1.2, 0.4), (1.4, 3.0)])
def test_one_eigenvalue_against_linear_algebra(g: float, forgets: float) -> None:
    """Real and imaginary part of the slowest of the two eigenvalues, where they are real and where they are a pair."""
    limit = SimpleNamespace(pull=sp.Integer(2), slope=sp.Integer(1))
    modes = read_modes(sh.Spectrum.isotropic(1.3), None)
    rate, frequency = approach(sp.Float(g), sp.Float(forgets), limit, modes)  # type: ignore[arg-type]
    slowest = dense(g, forgets, np.array([1.3]), np.array([1.0]))[0]
    assert float(rate.subs(tau, 1.3)) == pytest.approx(slowest.real, rel=1e-12)
    assert frequency is not None
    assert float(frequency.subs(tau, 1.3)) == pytest.approx(abs(slowest.imag), rel=1e-9, abs=1e-9)
    node, nothing = approach(sp.Float(g), sp.Float(forgets), limit, read_modes(None, None))  # type: ignore[arg-type]
    assert (node.args[4], node.args[5], nothing) == (MU, 0, None)
    law, nothing = approach(sp.Float(g), sp.Float(forgets), limit, read_modes(sh.Spectrum.marchenko_pastur(0.5), None))  # type: ignore[arg-type]
    assert (law.args[5], nothing) == (sp.S.Half, None)
