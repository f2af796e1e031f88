"""Parts of the integration on inputs made by hand: matrix equations, jumps, starts, saddles, doubts, axes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp
from scipy.stats import norm

import symhigh as sh
from symhigh.codegen.target import C
from symhigh.derivation.close.additive import xi
from symhigh.derivation.ito.sde import ItoSDE
from symhigh.integration import doubts, edges, frames, optimal, phase, plain, repeat, timetable
from symhigh.integration.escape import Escape, NoSaddle, _Saddle
from symhigh.integration.lyapunov import _seen, march
from symhigh.integration.many import COMPLETE, IMPRECISE, ManyCurves
from symhigh.integration.network_sde import strengths
from symhigh.problem.network import theta_star
from symhigh.symbols import D2, V11, V12, V22, lam, risk

t = sh.t


# --- covariance and mean along a path -----------------------------------------------------------------------
@dataclass(frozen=True)
class Known:
    """Coefficients at one time: J turns, the noise grows, the mean is bent by C and pushed."""

    time: float

    @property
    def J(self) -> np.ndarray:
        s = np.sin(self.time)
        return np.array([[-1.0 + 0.3 * s, 0.4, 0.0], [-0.2, -2.0, 0.1 * s], [0.0, 0.3, -30.0]])

    @property
    def sigma(self) -> np.ndarray:
        root = np.array([[1.0, 0, 0], [0.5, 0.3 + 0.1 * self.time, 0], [0.2, 0.1, 2.0]])
        return root @ root.T

    weights = np.array([[1.0, 1.0, 0.0]])
    force = np.array([0.1, 0.0, -0.2])

    def bend(self, C: np.ndarray) -> np.ndarray:
        return np.array([C[0, 0], C[0, 1] - C[2, 2], 0.5 * C[1, 1]])


def test_a_stiff_matrix_equation_with_its_mean_and_its_memory() -> None:
    """Against an explicit method at tight tolerance: C, m, and the covariance with what was seen at a mark."""
    end, mark = 1.5, 0.4
    start = np.diag([0.5, 0.0, 0.1])

    def slope(time: float, y: np.ndarray) -> np.ndarray:
        now, C, m = Known(time), y[:9].reshape(3, 3), y[9:12]
        half = now.J @ C
        rates = (half + half.T + now.sigma).ravel(), now.J @ m + now.bend(C) + now.force, now.J @ y[12:]
        return np.concatenate(rates)

    def solve(y: np.ndarray, begin: float, stop: float) -> np.ndarray:
        return solve_ivp(slope, (begin, stop), y, "DOP853", rtol=1e-11, atol=1e-13).y[:, -1]

    y = solve(np.concatenate([start.ravel(), np.zeros(6)]), 0, mark)
    seen = y[:9].reshape(3, 3) @ Known.weights[0]
    y[12:] = seen / np.sqrt(Known.weights[0] @ seen)
    y = solve(y, mark, end)
    for rtol, steps in ((1e-4, 16), (1e-8, 73)):
        *before, last = march(Known, start, end, rtol, (mark,))
        assert abs(len(before) + 1 - steps) <= 1
        assert last.t + last.h == pytest.approx(end, rel=1e-15)
        C, m = last.at(1.0)
        for found, exact in ((C.ravel(), y[:9]), (m[:, 0], y[9:12]), (m[:, 1], y[12:])):
            np.testing.assert_allclose(found, exact, rtol=0, atol=3 * rtol * np.abs(exact).max())


def test_the_middle_of_a_step_is_known_as_well() -> None:
    pieces = list(march(Known, np.zeros((3, 3)), 1.0, 1e-8))
    at = [(p.t + s * p.h, p.at(s)[0][0, 0]) for p in pieces for s in (0.0, 0.3, 0.7)]
    times = np.array([time for time, _ in at])

    def slope(time: float, y: np.ndarray) -> np.ndarray:
        half = Known(time).J @ y.reshape(3, 3)
        return (half + half.T + Known(time).sigma).ravel()

    exact = solve_ivp(slope, (0, 1), np.zeros(9), "DOP853", rtol=1e-11, atol=1e-13, t_eval=times).y[0]
    np.testing.assert_allclose([v for _, v in at], exact, atol=3e-7)


def test_coefficients_without_a_value_end_the_march() -> None:
    def broken(time: float) -> Any:
        now = Known(time)
        return now if time < 0.5 else SimpleNamespace(J=now.J, sigma=np.nan * now.sigma, weights=now.weights,
                                                      force=now.force, bend=now.bend)  # fmt: skip

    with pytest.raises(ArithmeticError, match=r"fluctuations: no step is small enough at t = 0\.[45].*; loosen rtol"):
        list(march(broken, np.eye(3), 1.0, 1e-4))


def test_what_does_not_fluctuate_is_seen_with_nothing() -> None:
    C = np.diag([4.0, 0.0, 1.0])
    found = _seen(C, np.array([[1.0, 0, 0], [0, 1.0, 0], [1.0, 0, 1.0]]))
    np.testing.assert_allclose(found, np.array([[2, 0, 4 / 5**0.5], [0, 0, 0], [0, 0, 1 / 5**0.5]]))


# --- jumps of schedules -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("inner", "whole", "known", "expected"),
    [
        (2 * t - 1, False, [], [0.5]),
        (1 - 2 * t, False, [], [0.5]),
        (t / 2 + sp.Rational(1, 4), True, [], [1.5, 3.5]),
        (-t / 2 - sp.Rational(1, 4), True, [], [1.5, 3.5]),
        (t, True, [], [0, 1, 2, 3, 4]),
        ((t - 1) * (t - 3), False, [], [1, 3]),
        (t**2 / 4, True, [], [2, 8**0.5, 12**0.5]),
        (sp.cos(sp.pi * t), False, [2.0], [0.5, 1.5, 2.5, 3.5]),
        (sp.Piecewise((-1, t < 2), (t - 3, True)), False, [2.0], [3]),
        (sp.exp(-t) + 1, False, [], []),
        (sp.sin(60 * sp.pi * t), False, [], [k / 60 for k in range(1, 240)]),
        (sp.sin(400 * sp.pi * t), False, [3.9], [k / 400 for k in range(1, 1600) if k != 1560]),
    ],
)
def test_jumps_are_where_the_inner_function_crosses(inner: sp.Expr, whole: bool, known: list, expected: list) -> None:
    switch = timetable.Switch(sp.Symbol("s"), inner, sp.floor(inner) if whole else sp.sign(inner), whole)
    found = timetable._jumps(switch, {}, np.array(known), 4.0)
    assert sorted(found) == pytest.approx(expected, abs=1e-9)


def test_remainders_are_written_by_floor() -> None:
    a = sp.Symbol("a", positive=True)
    found = timetable.without_remainders(sp.Mod(t, a) + sp.frac(t / 3))
    assert found == t - a * sp.floor(t / a) + t / 3 - sp.floor(t / 3)


# --- starts -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((1.0, 0.5, 1.0), ""),
        ((0.0, 0.0, 1.0), "X0 = 0 (E x² = 0)"),
        ((1.0, 0.0, 0.0), "X* = 0 (E x*² = 0)"),
        ((0.0, 0.0, 0.0), "X0 = 0 (E x² = 0) and X* = 0 (E x*² = 0)"),
        ((1.0, 2.0, 4.0), "X0 and X* in one direction"),
        ((1.0, -2.0, 4.0), "X0 and X* in one direction"),
        ((1.0, 1.999, 4.0), ""),
    ],
)
def test_degenerate_starts_are_named(rows: tuple[float, ...], words: str) -> None:
    population = SimpleNamespace(eigenvalues=np.array([1.0, 3.0]), weights=np.array([0.5, 0.5]))
    states = np.array([[v, v] for v in rows])

    def named(states_of: tuple, coefficients: tuple, coef: np.ndarray, states: np.ndarray) -> str:
        system: Any = SimpleNamespace(family=SimpleNamespace(states=states_of, coefficients=coefficients))
        return edges._degenerate(system, population, coef, states)  # type: ignore[arg-type]

    lams = population.eigenvalues[None]
    assert named((V11, V12), (lam, V22), np.vstack([lams, states[2:]]), states[:2]) == words
    assert named((V11, V12, V22), (lam,), lams, states) == words
    assert named((V11, V12), (lam,), lams, states[:2]) == ""
    gone = "the target, X0 = X*" if rows[0] == 0 else ""
    assert named((D2,), (lam,), lams, states[:1]) == gone


def test_infinite_distances_are_known_from_the_start() -> None:
    system: Any = None
    spectrum = sh.Spectrum.power_law(0.5)
    assert repeat.Repeat(system, C, spectrum, sh.Start.power_law(0.9)).infinite
    assert not repeat.Repeat(system, C, spectrum, sh.Start.power_law(0.2)).infinite
    assert not repeat.Repeat(system, C, spectrum, sh.Start()).infinite
    assert not repeat.Repeat(system, C, spectrum, sh.Overlaps([[1, 0], [0, 1]])).infinite


def test_a_budget_is_spent_only_beyond_its_slack() -> None:
    marks = np.zeros((3, 6))
    marks[:, 3], marks[:, 4] = (5, 6, 7), plain.SPARE
    assert plain.spent(marks, 6).tolist() == [False, False, True]


def test_escapes_are_told_for_levels_on_the_way_out() -> None:
    """The times of levels are a spline in their logarithm; the law is that of a Gaussian overlap that grows at μ."""
    levels = np.array([0.01, 0.1, 0.3, 0.9])
    law = Escape(rate=0.7, spread=1.3, levels=levels, times=2 * np.log(levels) + 1, offset=0.25)
    at = 2 * np.log(0.2) + 1 + 0.25 + (np.log(500) / 2 - np.log(1.3)) / 0.7
    assert law.mean(500, 0.2) == pytest.approx(at + (np.euler_gamma + np.log(2)) / 2 / 0.7)
    assert law.std == pytest.approx(np.pi / (2 * np.sqrt(2) * 0.7))
    for p in (0.1, 0.5, 0.9):  # |Z| exceeds z with probability p
        assert law.quantile(p, 500, 0.2) == pytest.approx(at - np.log(norm.isf(p / 2)) / 0.7)
    for level in (0.01, 0.9, 0.95, 0.001):
        with pytest.raises(ValueError, match=rf"Escape\.mean\(level={level}\): level must lie between 0.01 and 0.9"):
            law.mean(500, level)
    with pytest.raises(ValueError, match=r"Escape.quantile\(p=1\): p must be below one"):
        law.quantile(1, 500, 0.2)


# --- saddles and reductions ---------------------------------------------------------------------------------
def saddle(J: np.ndarray) -> Any:
    return SimpleNamespace(end=1.0, at=slice(None), e=lambda time: SimpleNamespace(J=J))


def test_the_growing_direction_of_a_saddle() -> None:
    J = np.array([[0.5, 0.2], [0.1, -1.0]])
    rate, left, right = _Saddle.growth(saddle(J))
    assert rate == pytest.approx(np.linalg.eigvals(J).max())
    np.testing.assert_allclose(J @ right, rate * right)
    np.testing.assert_allclose(left @ J, rate * left)
    assert left @ right == pytest.approx(1)
    assert right.sum() > 0
    np.testing.assert_allclose(_Saddle.growth(saddle(-np.eye(2) + 2 * np.outer([-0.6, -0.8], [-0.6, -0.8])))[2],
                               [0.6, 0.8])  # fmt: skip


@pytest.mark.parametrize("J", [-np.eye(2), np.zeros((2, 2)), np.array([[0.1, -1.0], [1.0, 0.1]])], ids=str)
def test_what_does_not_grow_or_turns_is_no_saddle(J: np.ndarray) -> None:
    with pytest.raises(NoSaddle, match=r"escape: overlaps do not grow at rest \(rate .*, so SGD does not leave"):
        _Saddle.growth(saddle(J))


def test_the_strengths_of_a_reduction_are_read_off_and_checked() -> None:
    alpha = sp.Symbol("alpha", real=True)
    theta = sp.exp(xi)
    calm = -6 * lam * risk

    def reduction(drift: sp.Expr) -> Any:
        sde = ItoSDE((alpha, xi), (calm, drift), sp.diag(0, 2 * sp.sqrt(lam * risk)))
        return SimpleNamespace(reduction=SimpleNamespace(sde=sde, effective=theta))

    found = strengths(reduction(-3 * lam * (theta - theta_star)))
    assert found == pytest.approx((3, 2, 6))
    for drift in (-3 * lam * (theta - theta_star) + 1, -3 * lam * (theta - 2 * theta_star),
                  -3 * xi * lam * (theta - theta_star)):  # fmt: skip
        with pytest.raises(ArithmeticError, match=r"strengths: the drift .* is not a multiple of λ\(θ − θ\*\)"):
            strengths(reduction(drift))


# --- doubts -------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Node:
    variables: tuple[sp.Symbol, ...]
    integrand: sp.Expr


def doubt(error: float, rtol: float = 1e-6) -> doubts.Doubts:
    node: Any = Node((sh.x,), sh.x**2)
    return doubts.Doubts(rtol, worst={node: (error, 0.5)})


def test_doubts_warn_above_what_was_asked_and_refuse_what_is_no_curve() -> None:
    assert doubts.Doubts(1e-6).warning() == doubts.Doubts(1e-6).refusal() == ""
    edge = max(1e-6, doubts._LEAST)
    assert doubt(edge).warning() == ""
    assert "known to" in doubt(2 * edge).warning()
    assert "though rtol=1e-06; " in doubt(2 * edge).warning()
    assert doubt(1e-3, 1e-3).warning() == ""
    assert doubt(0.1 * doubts.REFUSED).refusal() == ""
    text = doubt(0.2 * doubts.REFUSED).refusal()
    assert text.startswith("at t = 0.5 the average of x**2 over Gaussian x is known to ")
    assert "infinite" not in text
    assert "it may be infinite" in doubt(2 * doubts._ENDLESS).refusal()
    assert "is not found" in doubt(np.inf).refusal()


# --- phase diagrams -----------------------------------------------------------------------------------------
AXES: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "text": (lambda: phase._axis("x", "g"), TypeError, r"phase_diagram\(x='g'\): x must be \(parameter, values\) or"),
    "three": (lambda: phase._axis("x", (1, 2, 3)), TypeError, "one axis of the diagram"),
    "two axes": (lambda: phase._axis("y", {"a": [1], "b": [2]}), ValueError, "y must be one parameter with its values"),
    "none": (lambda: phase._axis("y", {}), ValueError, "y must be one parameter with its values"),
    "shape": (lambda: phase._called(lambda end: np.zeros(3), phase.Ends({}), (3, 1)), ValueError, r"of shape \(3,\)"),
    "complex": (lambda: phase._called(lambda end: np.zeros((3, 1), complex), phase.Ends({}), (3, 1)), ValueError,
                "it returned an array of complex128"),
}  # fmt: skip


@pytest.mark.parametrize("name", AXES)
def test_axes_and_quantities_that_are_none(name: str) -> None:
    make, kind, words = AXES[name]
    with pytest.raises(kind, match=words):
        make()


def test_points_without_a_value_are_marked() -> None:
    status = np.array([[COMPLETE, "diverged"], [IMPRECISE, COMPLETE]])
    values = np.array([[1.0, 2.0], [3.0, np.inf]])
    errors: dict[tuple[int, ...], str] = {(0, 1): "it diverged", (1, 0): "imprecise"}
    axes = [np.array([0.1, 0.2]), np.array([5.0, 6.0])]
    with pytest.warns(RuntimeWarning, match=r"of 4 points .* At a = 0.1, b = 6: it diverged"):
        found = phase._marked(["a", "b"], "risk", axes, values, status, errors, np.inf)
    np.testing.assert_array_equal(found.values, [[1.0, np.nan], [3.0, np.nan]])
    assert found.status.tolist() == [[COMPLETE, "diverged"], [IMPRECISE, "undefined"]]
    assert found.errors[1, 1] == "risk is inf here"
    assert repr(found).startswith("PhaseDiagram(risk as t -> oo; 2 a x 2 b; 1 complete, 1 diverged, ")
    assert phase._axis("x", ("a", [1])) == phase._axis("x", {"a": [1]}) == {"a": [1]}


# --- schedules ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("slope", "square", "bounds", "rate"),
    [
        (-1.0, 0.5, (0.0, np.inf), 1.0), (-1.0, 0.5, (0.0, 0.4), 0.4), (1.0, 0.5, (0.1, 2.0), 0.1),
        (-1.0, -1.0, (0.0, 2.0), 2.0), (3.0, -1.0, (0.0, 2.0), 0.0), (3.0, -1.0, (0.0, 4.0), 4.0),
        (2.5, -1.0, (1.0, 2.0), 2.0), (3.5, -1.0, (1.0, 2.0), 1.0),
    ],
)  # fmt: skip
def test_the_best_rate_is_the_least_of_a_parabola_on_its_interval(
    slope: float, square: float, bounds: tuple[float, float], rate: float
) -> None:
    flow: Any = SimpleNamespace(
        e=SimpleNamespace(scale=np.ones(1)), bounds=bounds, speed=lambda y, g: np.array([slope * g + square * g**2])
    )
    assert optimal._Flow.best(flow, np.zeros(1), np.ones(1)) == pytest.approx(rate)
    flow.bounds = (0.0, np.inf)
    if square < 0:
        with pytest.raises(ValueError, match="lower the risk without bound here; give most, a largest rate"):
            optimal._Flow.best(flow, np.zeros(1), np.ones(1))


# --- frames and tables --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("v11", "v12", "near"),
    [(1.0, 1.0, True), (1.0, -1.0, True), (1.0, 0.0, False), (0.0, 0.0, False), (1.0, 0.7, False)],
)
def test_a_target_is_near_where_the_difference_is_small_against_the_sum(v11: float, v12: float, near: bool) -> None:
    weights = np.array([0.25, 0.75])
    system: Any = SimpleNamespace(family=SimpleNamespace(states=(V11, V12), coefficients=(lam, V22)))
    states, coef = np.array([[v11] * 2, [v12] * 2]), np.array([[1.0, 2.0], [1.0, 1.0]])
    assert frames.nears_target(system, coef, states, weights) is near
    assert not frames.nears_target(system, coef * [[1], [0]], 0 * states, weights)
    for other in ({"states": (D2,)}, {"coefficients": (lam,)}):
        less: Any = SimpleNamespace(family=SimpleNamespace(**vars(system.family) | other))
        assert not frames.nears_target(less, coef, states, weights)


def test_digits_are_lost_near_the_target_by_what_is_no_polynomial() -> None:
    for problem, reduce, may in (
        (sh.phase_retrieval(), True, False), (sh.relu_student(), True, True), (sh.erf_student(), True, True),
        (sh.least_squares(), True, False), (sh.least_squares(), False, False), (sh.logistic_regression(), True, True),
    ):  # fmt: skip
        assert frames.may_cancel(sh.derive(problem, sh.Constant(0.5), reduce=reduce)) is may, problem.name


def test_a_table_of_many_curves_has_a_row_for_every_point_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=dict))
    values = np.arange(12.0).reshape(2, 3, 2)
    status = np.array([["a", "b", "c"], ["d", "e", "f"]])
    many: Any = SimpleNamespace(t=np.array([0.5, 1.0]), shape=(2, 3), axes={"g": [0.1, 0.2], "start": [sh.t, 1, 2]},
                                values={"risk": values}, status=status)  # fmt: skip
    found = ManyCurves.to_dataframe(many)
    assert found["g"].tolist() == [0.1] * 6 + [0.2] * 6
    assert found["start"].tolist() == ["t", "t", "1", "1", "2", "2"] * 2
    assert found["t"].tolist() == [0.5, 1.0] * 6
    assert found["risk"].tolist() == list(range(12))
    assert found["status"].tolist() == [w for w in "abcdef" for _ in range(2)]
