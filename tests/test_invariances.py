"""What must not matter does not: names of modes and units of space, time and loss, over random problems.

Each property holds for the exact SGD, so a limit, a closure or a generated kernel that breaks it is wrong, whatever its
formulas look like. The examples are the same in every run; ``-m slow`` draws many more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import symhigh as sh

TIMES = np.array([0.25, 1.0, 3.0])
positive = st.floats(0.2, 2.0).map(lambda v: round(v, 3))
shares = st.floats(0.05, 0.95).map(lambda v: round(v, 3))
FEW = settings(max_examples=6)
MANY = pytest.param(settings(max_examples=150), marks=pytest.mark.slow, id="many")
often = pytest.mark.parametrize("effort", [pytest.param(FEW, id="few"), MANY])

PROBLEMS = {
    "square": sh.least_squares(0.3),
    "Huber": sh.huber(0.7, 0.3),
    "logistic": sh.logistic_regression(),
    "quantile": sh.quantile(0.6, 0.3),
}
RULES: dict[str, Any] = {
    "SGD": lambda g: sh.Constant(g),
    "AdaGrad-Norm": lambda g: sh.AdaGradNorm(g, 1.3),
    "momentum": lambda g: sh.Momentum(g, 1, 0.2),
    "line search": lambda g: sh.LineSearch(),
}


def risk(problem: Any, rule: Any, *population: Any) -> np.ndarray:
    curve = sh.derive(problem, rule).solve(*population, t_end=TIMES[-1], t=TIMES, rtol=1e-9)
    assert curve.complete
    return np.asarray(curve.risk)


def same(left: np.ndarray, right: np.ndarray, factor: float = 1.0) -> None:
    np.testing.assert_allclose(left, factor * right, rtol=2e-6)


@often
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("loss", PROBLEMS)
def test_a_mode_may_be_split_and_modes_reordered(loss: str, rule: str, effort: settings) -> None:
    @effort
    @given(positive, positive, shares, shares, st.floats(0.1, 0.8))
    def holds(first: float, second: float, share: float, part: float, gamma: float) -> None:
        start = sh.Start(0.5, 1, 0.2)
        whole = sh.Spectrum.from_eigenvalues([first, second], [share, 1 - share])
        parts = sh.Spectrum.from_eigenvalues([second, first, first], [1 - share, part * share, (1 - part) * share])
        found = [risk(PROBLEMS[loss], RULES[rule](gamma), spectrum, start) for spectrum in (whole, parts)]
        same(*found)

    holds()


@often
@pytest.mark.parametrize("loss", PROBLEMS)
def test_a_unit_of_the_data_moves_into_the_rate(loss: str, effort: settings) -> None:
    """Rows times √c: the predictions stay with X/√c, and X/√c moves as X does at c times the rate."""

    @effort
    @given(positive, positive, positive, st.floats(0.1, 0.8))
    def holds(first: float, second: float, c: float, gamma: float) -> None:
        left = risk(
            PROBLEMS[loss], sh.Constant(gamma), sh.Spectrum.from_eigenvalues([first, second]), sh.Start(0.5, 1, 0.2)
        )
        scaled = sh.Spectrum.from_eigenvalues([c * first, c * second])
        same(left, risk(PROBLEMS[loss], sh.Constant(gamma / c), scaled, sh.Start(0.5 / c, 1 / c, 0.2 / c)))

    holds()


@often
@pytest.mark.parametrize("rule", ["SGD", "line search"])
def test_a_unit_of_the_labels_scales_a_quadratic_loss(rule: str, effort: settings) -> None:
    @effort
    @given(positive, positive, positive, st.floats(0.1, 0.8))
    def holds(first: float, second: float, s: float, gamma: float) -> None:
        spectrum = sh.Spectrum.from_eigenvalues([first, second])
        left = risk(sh.least_squares(0.3), RULES[rule](gamma), spectrum, sh.Start(0.5, 1, 0.2))
        start = sh.Start(0.5 * s**2, s**2, 0.2 * s**2)
        same(risk(sh.least_squares(0.3 * s), RULES[rule](gamma), spectrum, start), left, s**2)

    holds()


@often
def test_a_unit_of_the_loss_moves_into_the_rate(effort: settings) -> None:
    c = sp.Symbol("c", positive=True)
    loss = sp.sqrt(1 + (sh.x - sh.x_star - sh.eps) ** 2) - 1
    base = sh.Problem(loss, noise=0.3)

    @effort
    @given(positive, positive, st.floats(0.1, 0.8))
    def holds(first: float, size: float, gamma: float) -> None:
        population = sh.Spectrum.from_eigenvalues([first, 1]), sh.Start(0.5, 1, 0.2)
        scaled = sh.Problem(c * loss, noise=0.3, parameters={c: size})
        same(risk(scaled, sh.Constant(gamma / size), *population), risk(base, sh.Constant(gamma), *population), size)

    holds()


@often
def test_students_and_targets_may_be_permuted(effort: settings) -> None:
    x1, x2, y1, y2 = sp.symbols("x1 x2 y1 y2", real=True)
    first, second, third, fourth = (sp.erf(each / sp.sqrt(2)) for each in (x1, x2, y1, y2))
    problem = sh.MultiIndex((x1, x2), (y1, y2), (first + second - third - fourth) ** 2 / 2)
    system = sh.derive(problem, sh.Constant(0.7))

    @effort
    @given(st.lists(st.floats(-0.5, 0.5), min_size=16, max_size=16))
    def holds(entries: list[float]) -> None:
        root = np.eye(4) * 0.6 + 0.3 * np.reshape(entries, (4, 4))
        overlaps = root @ root.T
        order = [1, 0, 3, 2]
        found = [
            np.asarray(system.solve(sh.Spectrum.isotropic(), sh.Overlaps(matrix), 3, t=TIMES, rtol=1e-9).risk)
            for matrix in (overlaps, overlaps[np.ix_(order, order)])
        ]
        same(*found)

    holds()


@often
@pytest.mark.parametrize("loss", ["square", "logistic"])
def test_signs_and_places_of_the_factors_of_a_network_may_change(loss: str, effort: settings) -> None:
    problem = sh.least_squares(0.3, model=sh.PRODUCT) if loss == "square" else sh.logistic_regression(model=sh.PRODUCT)
    system = sh.derive(problem, sh.Constant(0.3))

    @effort
    @given(positive, positive, positive, positive)
    def holds(lam: float, target: float, u: float, v: float) -> None:
        def of(sign: float, swap: bool) -> np.ndarray:
            pair = [sign * u, 0.5], [sign * v, -0.4]
            pair = pair[::-1] if swap else pair
            classes = sh.NetworkClasses([lam, 1], [target, -0.5], *pair)
            return np.asarray(system.solve(classes, 1.0, t=[0.25, 1.0]).risk)

        plain = of(1, False)
        np.testing.assert_allclose(of(-1, False), plain, rtol=1e-4)
        np.testing.assert_allclose(of(1, True), plain, rtol=1e-4)

    holds()


@often
def test_no_schedule_beats_line_search_at_once_and_risk_falls_below_the_threshold(effort: settings) -> None:
    """Without noise, at half the threshold, the risk of least squares falls; line search falls fastest at the start."""

    @effort
    @given(positive, positive, shares)
    def holds(first: float, second: float, share: float) -> None:
        spectrum = sh.Spectrum.from_eigenvalues([first, second], [share, 1 - share])
        mean = share * first + (1 - share) * second
        times = np.array([0.0, 0.02, 0.5, 1.0, 3.0])
        problem, start = sh.least_squares(), sh.Start(0, 1)
        curves = [
            np.asarray(sh.derive(problem, rule).solve(spectrum, start, 3, t=times, rtol=1e-9).risk)
            for rule in (sh.LineSearch(), sh.Constant(1 / mean), sh.Constant(0.3 / mean))
        ]
        for curve in curves:
            assert np.all(np.diff(curve) < 0)
        assert curves[0][1] <= min(c[1] for c in curves[1:]) * (1 + 1e-6)

    holds()
