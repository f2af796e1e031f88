"""Bickley's function against quadrature and its recurrences; clipped entries against averages over the two normals."""

from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy.optimize import brentq
from scipy.special import k0

import symhigh as sh
from symhigh.closed.entrywise import Bickley, _bound, entrywise_limits, pull_and_push
from symhigh.closed.finder import DoesNotApply, Question
from symhigh.symbols import G, X, d, g

h = sp.Symbol("h", positive=True)


@pytest.mark.parametrize("order", [-1, 0, 1, 2, sp.Rational(11, 10), sp.Rational(-1, 3)])
@pytest.mark.parametrize("at", [sp.Rational(3, 10), sp.Rational(17, 5)])
def test_against_quadrature(order: sp.Expr, at: sp.Expr) -> None:
    with mpmath.workdps(40):
        k, x = mpmath.mpmathify(order), mpmath.mpmathify(at)
        reach = mpmath.acosh(120 / x + 1)
        expected = mpmath.quad(
            lambda t: mpmath.exp(-x * mpmath.cosh(t)) * mpmath.cosh(t) ** -k, mpmath.linspace(0, reach, 9)
        )
        found = Bickley(order, at).evalf(30)._mpf_
        assert abs(mpmath.mpf(found) - expected) < mpmath.mpf(10) ** -28 * expected
        assert Bickley._imp_(order, float(at)) == pytest.approx(float(expected), rel=1e-14)


def test_whole_orders_are_those_of_the_functions_of_macdonald() -> None:
    at = sp.Rational(7, 5)
    for order, of in ((0, 0), (-1, 1)):
        assert abs(Bickley(order, at).evalf(30) - sp.besselk(of, at).evalf(30)) < sp.Float(10) ** -28
    assert sp.diff(Bickley(2, h), h) == -Bickley(1, h)
    assert Bickley(2, h).evalf() == Bickley(2, h)
    assert Bickley(2, h).is_positive
    assert sp.latex(Bickley(2, h)) == r"\operatorname{Ki}_{2}\left(h\right)"
    assert sp.latex(Bickley(2, h) ** 3) == r"\operatorname{Ki}_{2}^{3}\left(h\right)"


# --- clipped entries ----------------------------------------------------------------------------------------
def averages(size: float) -> tuple[float, float]:
    """``E w φ(w)/s²`` and ``E φ(w)²/s²`` of a product w of normals, clipped at 1, with E w² = s² = ``size``."""
    s, found = size**0.5, np.zeros(2)
    nodes, weights = np.polynomial.legendre.leggauss(80)
    for low, high in ((-30.0, 0.0), (0.0, max(4.0, np.log(50 * s)))):  # of log w; the kink is at an end
        w = np.exp(low + (high - low) * (nodes + 1) / 2)
        mass = (high - low) / 2 * weights * w * k0(w / s) * 2 / (np.pi * s)
        found += [mass @ (w * np.minimum(w, 1)), mass @ np.minimum(w, 1) ** 2]
    return float(found[0] / size), float(found[1] / size)


@pytest.mark.parametrize("size", [0.01, 0.3, 1.0, 40.0])
def test_pull_and_push_are_averages_over_products_of_normals(size: float) -> None:
    found = [float(e.evalf(20)) for e in pull_and_push(1 / sp.sqrt(sp.Rational(size)))]
    assert found == pytest.approx(averages(size), rel=1e-10)


VALUES, WEIGHTS = np.array([1.5, 0.5]), np.array([0.25, 0.75])
MODES = sh.Spectrum.from_eigenvalues(VALUES, WEIGHTS)
RATE, BOUND, NOISE = 0.8, 0.6, 0.5


def velocity(errors: np.ndarray) -> np.ndarray:
    """``dD²/dt`` of the two modes, from the averages by quadrature."""
    level = float(WEIGHTS @ (VALUES * errors)) + NOISE**2
    means = np.array([averages(v * level / BOUND**2) for v in VALUES])
    return -2 * RATE * VALUES * means[:, 0] * errors + RATE**2 * VALUES * level * means[:, 1]


def test_rest_and_approach_of_clipped_entries_against_linear_algebra() -> None:
    rule = sh.ClippedCoordinates(sh.Constant(RATE), BOUND)
    found = entrywise_limits(Question(sh.derive(sh.least_squares(NOISE), rule), MODES))
    level = 2 * float(found["risk"].evaluate())

    def still(size: float) -> np.ndarray:
        means = np.array([averages(v * size / BOUND**2) for v in VALUES])
        return RATE * size * means[:, 1] / (2 * means[:, 0])

    rest = brentq(lambda p: float(WEIGHTS @ (VALUES * still(p))) + NOISE**2 - p, NOISE**2, 5, xtol=1e-13)
    assert level == pytest.approx(rest, rel=1e-11)
    assert float(found["excess_risk"].evaluate()) == pytest.approx((rest - NOISE**2) / 2, rel=1e-10)
    assert float(found["threshold"].evaluate()) == pytest.approx(2 / (WEIGHTS @ VALUES), rel=1e-15)
    assert float(found["learning_rate"].evaluate()) == RATE
    at, slopes = still(rest), np.empty((2, 2))
    for k, h in enumerate(1e-5 * np.eye(2)):
        slopes[:, k] = (velocity(at + h) - velocity(at - h)) / 2e-5
    assert float(found["rate"].evaluate()) == pytest.approx(-np.linalg.eigvals(slopes).real.max(), rel=1e-8)


def test_clipped_entries_without_noise_come_to_the_target_below_the_threshold() -> None:
    step = sp.Symbol("h", positive=True)
    system = sh.derive(sh.least_squares(), sh.ClippedCoordinates(sh.Constant(step), 0.6))
    found = entrywise_limits(Question(system, MODES))
    assert set(found) == {"learning_rate", "threshold", "risk", "excess_risk"}
    critical = float(found["threshold"].evaluate())
    for name in ("risk", "excess_risk"):
        assert found[name].evaluate(h=0.999 * critical) == 0
        with pytest.raises(ValueError, match="is broken"):
            found[name].evaluate(h=1.001 * critical)
    assert "rate" not in entrywise_limits(
        Question(sh.derive(sh.least_squares(0.5), sh.ClippedCoordinates(sh.Constant(step), 0.6)))
    )


@pytest.mark.parametrize(("problem", "inner", "words"), [
    (sh.least_squares(0.5), sh.Schedule(1 / (1 + sh.t)), "is not constant"),
    (sh.huber(0.4, 0.5), sh.Constant(0.3), "is shown for the squared residual of one direction"),
])  # fmt: skip
def test_clipped_entries_without_a_closed_form(problem: sh.Problem, inner: sh.Rule, words: str) -> None:
    with pytest.raises((DoesNotApply, ValueError), match=words):
        entrywise_limits(Question(sh.derive(problem, sh.ClippedCoordinates(inner, 0.6)), MODES))


def test_the_bound_is_read_off_the_step() -> None:
    c, other = sp.symbols("c c_2", positive=True)
    clip = X - g / d * sp.Max(-c, sp.Min(c, G))

    def bound(step: dict[sp.Symbol, sp.Expr]) -> sp.Expr:
        return _bound(SimpleNamespace(rule=SimpleNamespace(step=step, values={c: sp.Integer(7)})))  # type: ignore[arg-type]

    assert bound({X: clip}) == 7
    assert bound({X: clip.xreplace({c: other})}) == other
    for step in (
        {X: X - g / d * G}, {X: clip, sp.Symbol("m"): G}, {}, {X: X - g / d * sp.Max(-other, sp.Min(c, G))},
        {X: X - 2 * g / d * sp.Max(-c, sp.Min(c, G))}, {X: X - g / d * sp.Min(c, G)},
    ):  # fmt: skip
        with pytest.raises(DoesNotApply, match="with its entries clipped"):
            bound(step)
