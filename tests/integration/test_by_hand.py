"""Parts of the integrators driven by hand: what they are given, where they stop, and what they say, by value."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp
from scipy.optimize import minimize_scalar

import symhigh as sh
from symhigh.derivation.gaussian import GaussianMean, Sigmoid
from symhigh.integration import cancellation, edges, fluctuations, network, phase, plain, timetable, volterra
from symhigh.integration.doubts import Doubts
from symhigh.integration.fokker_planck import MeanFieldModel
from symhigh.integration.minimum import minimal_risk_at
from symhigh.integration.network_values import Record, coordinates
from symhigh.integration.nodes import Averages
from symhigh.integration.optimal import _Flow, _settled
from symhigh.integration.particles import solve_particles
from symhigh.integration.stepper import March, most_steps, outlasts
from symhigh.problem.network import PRODUCT, DiagonalNetwork
from symhigh.symbols import B11, B12, B22, V11, V12, V22, eps, t
from tests.combinations import NOISY, TWO

R = sp.Rational


# --- what is asked of fluctuations ------------------------------------------------------------------------------
def test_times_between_which_covariances_are_kept() -> None:
    times = np.array([0.0, 0.5, 1.0, 2.0])
    for nothing in (None, False):
        assert fluctuations._marks(nothing, times).size == 0
    assert fluctuations._marks(True, times) is times
    np.testing.assert_array_equal(fluctuations._marks([0.5, 2.0], times), [0.5, 2.0])
    assert fluctuations._marks([], times).size == 0
    for wrong in ([0.4], [1.0, 0.5], [0.5, 0.5], [[0.5, 1.0]], 0.5, [0.5, 3.0]):
        with pytest.raises(ValueError, match="joint must be increasing times out of t, or True for all"):
            fluctuations._marks(wrong, times)
    for near in ([0.0, 5e-324, 0.5], [0.5, 0.5 + 1e-14, 1.0]):
        with pytest.raises(ValueError, match=r"its times .* must be at least .* apart, so that a step fits"):
            fluctuations._marks(True, np.array(near))


def test_an_interval_that_holds_no_step_is_refused() -> None:
    for end in (5e-324, 1e-300):
        with pytest.raises(ValueError, match=r"fluctuations\(t_end=.*\): t_end must be >= 1e-250"):
            sh.derive(NOISY, sh.Constant(0.5)).fluctuations(*TWO, end)


def test_the_rest_is_asked_for_alone() -> None:
    assert not fluctuations._at_rest(1.0, None, None, None)
    assert not fluctuations._at_rest(None, [1.0], True, None)
    for infinite in (np.inf, sp.oo):
        assert fluctuations._at_rest(infinite, None, None, sh.Start())
        for more in (([1.0], None), (None, [1.0])):
            with pytest.raises(ValueError, match="at rest there is one time; leave out t and joint"):
                fluctuations._at_rest(infinite, *more, sh.Start())
        with pytest.raises(ValueError, match="a random start keeps the variance of its target for ever"):
            fluctuations._at_rest(infinite, None, None, sh.Start(0.5, 1, 0.2, random=True))


@pytest.mark.parametrize("states", [1, 3])
def test_spectra_of_many_modes_are_compressed_and_no_others(states: int) -> None:
    theory: Any = SimpleNamespace(block=SimpleNamespace(rows=states))
    most = 120 // states
    at_edge, beyond = (sh.Spectrum.from_eigenvalues(np.linspace(0.01, 2, n)) for n in (most, most + 1))
    assert fluctuations.few(theory, at_edge, sh.Start(), 1e-5, 10.0) is at_edge
    small = fluctuations.few(theory, beyond, sh.Start(), 1e-5, 10.0)
    assert small.values.size < beyond.values.size / 2
    assert small.weights.sum() == pytest.approx(1)
    for u in (0.0, 0.3, 3.0, 10.0, 300.0):
        for k in (1, 2):
            one, other = (s.weights @ (s.values**k * np.exp(-2 * u * s.values)) for s in (beyond, small))
            assert other == pytest.approx(one, rel=2e-5)
    law = sh.Spectrum.power_law(0.4)
    late, early = (fluctuations.few(theory, law, sh.Start(), 1e-5, end).values.size for end in (1e6, 1.0))
    assert late > early  # what hardly moves is a few nodes
    given = sh.Start.from_vectors(np.ones(most + 1), np.ones(most + 1))
    assert fluctuations.few(theory, beyond, given, 1e-5, 10.0) is beyond
    five = sh.Spectrum(np.linspace(0.01, 2, 5 * most), np.full(5 * most, 1 / (5 * most)))
    assert fluctuations.few(theory, five, given, 1e-5, 10.0) is five
    more = sh.Spectrum(np.linspace(0.01, 2, 5 * most + 1), np.full(5 * most + 1, 1 / (5 * most + 1)))
    with pytest.raises(ValueError, match=rf"with a start given by vectors at most {600 // states} modes are practical"):
        fluctuations.few(theory, more, given, 1e-5, 10.0)


# --- the least risk -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("tilt", [R(1, 10), R(-1, 10)])
def test_the_deeper_of_two_wells_is_the_least_risk(tilt: sp.Expr) -> None:
    """``E (x² - x*²)²/4 + a x x*`` at ``x = α x* + s ζ`` by Isserlis, over both."""
    b = 1.3
    problem = sh.Problem((sh.x**2 - sh.x_star**2) ** 2 / 4 + tilt * sh.x * sh.x_star)

    def at(alpha: float, s: float) -> float:
        q = alpha**2 * b + s**2
        return (3 * q**2 - 2 * (b * q + 2 * (alpha * b) ** 2) + 3 * b**2) / 4 + float(tilt) * alpha * b

    wells = [minimize_scalar(lambda c: at(c, 0.0), bounds=ends, method="bounded", options={"xatol": 1e-12}).fun
             for ends in ((-2, 0), (0, 2))]  # fmt: skip
    assert abs(wells[0] - wells[1]) > 0.1
    assert min(wells) < min(at(c, s) for c in np.linspace(-2, 2, 41) for s in np.linspace(0.1, 1.5, 15))
    assert minimal_risk_at(problem, b) == pytest.approx(min(wells), abs=1e-9)


# --- a march that ends early ------------------------------------------------------------------------------------
def test_steps_that_the_explicit_stepper_takes_on() -> None:
    assert most_steps(1e-6) == 1500
    assert most_steps(1e-11) == pytest.approx(15000)
    assert most_steps(1e-1) == pytest.approx(150)
    assert not outlasts(0.0, 1.0, 1500.0, 1e-6)
    assert outlasts(0.0, 1.0, 1500.1, 1e-6)
    assert not outlasts(1000.0, 1.0, 2500.0, 1e-6)
    assert outlasts(0.0, 0.5, 751.0, 1e-6)


def halted(times: list[float], written: int, at: float) -> Any:
    march: Any = SimpleNamespace(
        times=np.array(times), rows=np.arange(2.0 * len(times)).reshape(-1, 2), row=written,
        clock=np.zeros(12), y=np.zeros(1), write=lambda step, until: None,
    )  # fmt: skip
    step = SimpleNamespace(t=1.0, h=2.0, at=lambda s: np.array([10 * s]), observe=lambda now, y: np.array([now, y[0]]))
    March.halt(march, step, at)  # type: ignore[arg-type]
    return march


def test_a_march_that_halts_has_one_more_row() -> None:
    found = halted([0.5, 1.5, 4.0], 2, 2.0)
    np.testing.assert_array_equal(found.times, [0.5, 1.5, 2.0])
    np.testing.assert_array_equal(found.rows, [[0, 1], [2, 3], [2, 5]])
    assert (found.row, found.clock[0], found.y[0]) == (3, 2.0, 5.0)
    at_output = halted([0.5, 2.0, 4.0], 2, 2.0)
    np.testing.assert_array_equal(at_output.times, [0.5, 2.0])
    assert (at_output.row, len(at_output.rows)) == (2, 2)
    first = halted([4.0], 0, 2.0)
    np.testing.assert_array_equal(first.times, [2.0])
    np.testing.assert_array_equal(first.rows, [[2, 5]])
    assert first.row == 1


def test_the_step_just_made_becomes_the_state() -> None:
    march: Any = SimpleNamespace(clock=np.arange(12.0), y=np.zeros(2), work=np.array([[0.0, 0.0], [3.0, 4.0]]))
    March.settle(march)
    assert march.clock[[0, 1, 5]].tolist() == [5, 6, 0]
    assert march.y.tolist() == [3, 4]
    march.work[1] = 7
    assert march.y.tolist() == [3, 4]
    March.settle(march)  # nothing was made since
    assert march.clock[[0, 1, 5]].tolist() == [5, 6, 0]


@pytest.mark.parametrize(("seconds", "most"), [(1.0, 100), (0.002, 1000), (1e-7, 2000), (0.0004, 2000), (0.0133, 150)])
def test_a_lane_attempts_as_many_steps_as_fit_in_its_patience(
    seconds: float, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane: Any = SimpleNamespace(_most=100, batch=SimpleNamespace(marks=np.zeros((3, 8))))
    lane.batch.marks[1, 3:5] = 4, 1
    calls: list[dict[int, Any]] = []
    lane._call = calls.append
    clock = iter([10.0, 10.0 + seconds])
    monkeypatch.setattr(plain.time, "perf_counter", lambda: next(clock))
    plain.Lane.run(lane, 0, 2, 5.0, 1e-6, None, 20)
    assert calls == [{0: 0, 1: 2, 2: 5.0, 3: 1e-6, 4: -1.0, 5: 70, 6: 1500.0}]
    assert lane._most == pytest.approx(most, abs=1 + most // 100)
    clock = iter([0.0, 1.0])
    plain.Lane.run(lane, 0, 1, 5.0, 1e-6, 1e-9, 10**6)
    assert calls[1][4] == 1e-9
    assert calls[1][5] == lane._most if most == 100 else calls[1][5] <= 2000


# --- schedules that jump ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rate", "breaks"),
    [
        (1 + sp.Heaviside(3 - t), []), (1 + sp.Heaviside(t + 1), []), (1 + sp.Heaviside(2 - t), []),
        (1 + sp.Heaviside(1 - t), [1]), (2 + sp.sign(t), []), (1 + sp.floor(2 * t), [0.5, 1.0, 1.5]),
        (1 + sp.floor(t) + sp.Heaviside(t - 1), [1.0]),
        (2 + sp.sign(sp.sin(sp.pi * t - 1)), [1 / np.pi, 1 + 1 / np.pi]),
        (sp.Piecewise((1, t < R(1, 2)), (2, t < R(3, 2)), (3, True)), [0.5, 1.5]), (2 + sp.frac(t / 2), []),
        (1 + sp.Mod(t, R(3, 4)), [0.75, 1.5]), (1 + sp.floor(sp.floor(2 * t) / 2), [0.5, 1.0, 1.5]),
        (2 + sp.floor(-sp.Max(0, t - R(1, 3))), [1 / 3, 4 / 3]), (1 + sp.floor(sp.Min(1, 3 * t / 4)), [4 / 3]),
        (2 - sp.Heaviside(sp.Max(0, t - R(1, 3))), [1 / 3]),
    ],
    ids=str,
)  # fmt: skip
def test_breaks_lie_inside_the_interval_and_are_told_once(rate: sp.Expr, breaks: list[float]) -> None:
    table = timetable.timetable(sh.derive(NOISY, sh.Schedule(rate)))
    par = np.array([float(v) for v in table.system.parameters.values()])
    found = table.breaks(par, 2.0)
    assert found.tolist() == pytest.approx(breaks, abs=1e-9)
    for now in (0.1, 0.6, 1.1, 1.7):
        switches = dict(zip((s.symbol for s in table.switches), table.at(par, now), strict=True))
        scalar = next(s.expression for s in table.system.scalars if s.name.name == "gamma")
        put = {**{k: sp.Float(v) for k, v in switches.items()}, t: sp.Float(now)}
        put |= {k: v for k, v in table.system.parameters.items() if k not in switches}
        assert float(scalar.subs(put)) == pytest.approx(float(rate.subs(t, sp.Float(now))), rel=1e-12)


def test_close_times_are_one_and_ends_are_none() -> None:
    parts = [np.array([1.0, 0.0, 2.0, 1.5]), np.array([1.0 + 1e-13, 0.5, -1.0, 2.5, 1e-14]), np.zeros(0)]
    assert timetable._merged(parts, 2.0).tolist() == pytest.approx([0.5, 1.0, 1.5])
    assert timetable._merged([np.zeros(0)], 2.0).size == 0


def test_at_a_jump_itself_a_whole_number_is_met() -> None:
    table = timetable.timetable(sh.derive(NOISY, sh.Schedule(1 + sp.floor(10 * t) + sp.ceiling(10 * t) / 7)))
    par = np.array([float(v) for v in table.system.parameters.values()])
    values = {type(s.value): k for k, s in enumerate(table.switches)}
    for jump in (0.3, 0.7):  # 10 · 0.3 is 3 only to rounding
        at = table.at(par, jump, snap=True)
        assert at[values[sp.floor]] == at[values[sp.ceiling]] == round(10 * jump)
        near = table.at(par, jump + 1e-9, snap=True)
        assert (near[values[sp.floor]], near[values[sp.ceiling]]) == (round(10 * jump), round(10 * jump) + 1)


def test_too_many_jumps_are_refused() -> None:
    """Counted over the whole interval, before any is looked for."""
    for rate in (1 + sp.floor(200_001 * t), 1 + sp.floor(210_000 * t**2), 1 + sp.floor(110_000 * sp.cos(sp.pi * t))):
        table = timetable.timetable(sh.derive(NOISY, sh.Schedule(rate)))
        par = np.array([float(v) for v in table.system.parameters.values()])
        with pytest.raises(ValueError, match="more than the 200000 that are integrated one by one"):
            table.breaks(par, 2.0 if rate.has(sp.cos) else 1.0)


# --- digits near a target -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("f", [sp.tanh, Sigmoid, sp.sin, sp.cos], ids=lambda f: f.__name__)
def test_differences_of_functions_are_differences(f: Any) -> None:
    u, y = sp.symbols("u y", real=True)
    for k in (sp.S.One, R(3, 2), R(-2, 5)):
        form = cancellation._DIFFERENCES[f](k, u, y)
        for at in ({u: R(1, 3), y: R(-4, 5)}, {u: R(-7, 5), y: R(2, 7)}):
            exact = f(k * (u + y)) - f(k * y)
            assert abs((form - exact).subs(at).evalf(25)) < 1e-20
        assert form.subs(u, 0) == 0


def test_which_terms_are_linear_in_averages() -> None:
    three = (B11, B12, B22)
    for term, linear in ((B11, True), (3 * eps * B12, True), (B11 * B12, False), (B22**2, False), (sp.sqrt(B11), False),
                         (eps, False), (B11 + B12, True), (B11 / B22, False)):  # fmt: skip
        assert cancellation._linear(term, three) is linear
    x, y = (sp.Dummy(n, real=True) for n in "xy")
    assert [cancellation._prediction(e, x, y) for e in (B11, B22, B12)] == [x, y, None]


@pytest.mark.parametrize("side", [1, -1])
def test_one_average_is_the_sum_of_averages(side: int) -> None:
    """``E (tanh x - tanh x*)² + B11 - 2 B12 + B22`` for side 1, at a law where nothing cancels."""
    z = sp.Symbol("z", real=True)
    v = sp.symbols("v1 v2", real=True)
    cov = [[B11, B12], [B12, B22]]
    whole = (
        GaussianMean(sp.tanh(z) ** 2, (z,), [[B11]]) + GaussianMean(sp.tanh(z) ** 2, (z,), [[B22]])
        - 2 * side * GaussianMean(sp.tanh(v[0]) * sp.tanh(v[1]), v, cov) + 3 * (B11 - 2 * side * B12 + B22)
    )  # fmt: skip
    found = cancellation._one_average(whole, {}, side)
    assert found is not None
    at = {B11: R(7, 5), B12: R(2, 5), B22: R(4, 5)}
    assert float(found.subs(at).evalf(10)) == pytest.approx(float(whole.subs(at).evalf(10)), rel=1e-8)
    for beyond in (whole + B11**2, whole + sp.sqrt(B12), whole * B11, whole**2):
        assert cancellation._one_average(sp.expand(beyond), {}, side) is None


# --- doubts -------------------------------------------------------------------------------------------------------
def test_the_first_of_equal_errors_is_told() -> None:
    node: Any = SimpleNamespace(variables=(sh.x,), integrand=sh.x)
    node = sp.Symbol("node")
    doubts = Doubts(1e-9)
    for error, now in ((1e-5, 0.0), (1e-5, 1.0), (3e-5, 2.0), (3e-5, 3.0), (2e-5, 4.0)):
        doubts.take([node], np.array([error]), now)  # type: ignore[list-item]
    assert doubts.worst[node] == (3e-5, 2.0)  # type: ignore[index]


def test_starts_are_named_where_nothing_else_is_known() -> None:
    population: Any = SimpleNamespace(eigenvalues=np.array([1.0, 3.0]), weights=np.array([0.5, 0.5]))
    system: Any = SimpleNamespace(family=SimpleNamespace(states=(V11, V12), coefficients=(V22,)))
    zeros = np.zeros((2, 2))
    assert edges._degenerate(system, population, np.ones((1, 2)), zeros) == "X0 = 0 (E x² = 0)"


# --- networks ---------------------------------------------------------------------------------------------------
def test_records_of_any_shape_average_over_the_last_axis() -> None:
    classes = sh.NetworkClasses([1, 0.4, 0.7], [1, -0.5, 0.2], 1.2, 0.2)
    record = Record(coordinates(classes, 3), DiagonalNetwork(0.4, 0.3, PRODUCT), {"u": lambda u, *_: u})
    first, second = np.random.default_rng(1).uniform(0.2, 1.5, (2, 4, 2, 3))
    whole = record(first, second)
    for name, values in whole.items():
        assert values.shape == (4, 2), name
        alone = record(first[2, 1], second[2, 1])[name]
        assert alone == pytest.approx(values[2, 1])
    assert whole["u"] == pytest.approx(first.mean(axis=-1))


@dataclass(frozen=True)
class Coarse:
    """A curve of a network by its resolution alone."""

    resolution: network.Resolution
    steps: int = 10
    message: str = ""
    complete: bool = True
    t: Any = field(default_factory=lambda: np.zeros(3))
    observables: Any = None

    @property
    def limit(self) -> Any:
        return SimpleNamespace(field=None, plain=True)

    @property
    def classes(self) -> Any:
        return SimpleNamespace(size=2)

    @property
    def densities(self) -> Any:
        return SimpleNamespace(steps=self.steps)


@pytest.mark.parametrize(
    ("changes", "finer"),
    [((0.5, 0.5), []), ((0.9, 0.0), [(101, 1e-5)]), ((0.34, 0.7), [(201, 1e-5)]), ((0.1, 1.0), [(201, 1e-4)])],
)
def test_what_is_refined_is_what_is_wrong(
    changes: tuple[float, float], finer: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = network.Resolution(101, 1e-4)
    made: list[Any] = []

    def at(limit: Any, classes: Any, times: Any, resolution: Any, observables: Any) -> Coarse:
        made.append((resolution.nodes, pytest.approx(resolution.rtol)))
        return Coarse(resolution)

    goal = 1.0 if changes == (0.5, 0.5) else 0.95 if changes[0] > 0.5 else 1.0
    scale = goal * 1.2 if finer else goal
    monkeypatch.setattr(network, "gradient_noise_is_twice_the_risk", lambda _: True)
    monkeypatch.setattr(network, "_at", at)
    monkeypatch.setattr(
        network, "_relative_changes",
        lambda curve, name: tuple(scale * c for c in changes) if curve.resolution == first else (0.0, 0.0),
    )  # fmt: skip
    found = network._refined(Coarse(first), goal)  # type: ignore[arg-type]
    assert made == finer
    assert found.message == ""


@pytest.mark.parametrize(
    ("nodes", "steps", "changes", "within"),
    [(1000, 1600, (2.0, 0.0), True), (1000, 1700, (2.0, 0.0), False), (1000, 2400, (0.0, 2.0), True),
     (1000, 2600, (0.0, 2.0), False), (6_600_001, 1, (0.0, 2.0), False)],
)  # fmt: skip
def test_refinement_ends_where_it_would_be_long(
    nodes: int, steps: int, changes: tuple[float, float], within: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps × nodes × classes up to 1e7, three times as many steps where these are refined."""
    first = network.Resolution(nodes, 1e-4)
    monkeypatch.setattr(network, "gradient_noise_is_twice_the_risk", lambda _: True)
    monkeypatch.setattr(network, "_at", lambda *given: Coarse(given[3]))
    monkeypatch.setattr(
        network, "_relative_changes", lambda curve, name: changes if curve.resolution == first else (0.0, 0.0)
    )
    found = network._refined(Coarse(first, steps), 1.0)  # type: ignore[arg-type]
    assert (found.message == "") is within
    if not within:
        assert f"the estimated error of excess_risk is 2 of it with {nodes} nodes and rtol=0.0001" in found.message


def test_coarser_resolutions() -> None:
    assert network.Resolution(101, 1e-6).longer_steps() == network.Resolution(101, pytest.approx(1e-5))  # type: ignore[arg-type]
    assert network.Resolution(101, 1e-6, 0.1).longer_steps().step == pytest.approx(0.2)
    assert [network.Resolution(n, 1e-6).half_the_nodes().nodes for n in (201, 101, 41, 21)] == [101, 51, 21, 21]


# --- averages at nodes ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("difference", "halvings"), [(1e-5, 0), (3e-3, 0), (2.5e-2, 3)])
def test_small_averages_need_a_thousandth_of_the_largest(difference: float, halvings: int) -> None:
    averages: Any = SimpleNamespace(_order=np.array([2, 0]), _known={}, rtol=1.0, _step=1.0, _widest=0.0)
    left = [halvings]

    def at(shift: float, wide: Any, given: Any) -> Any:
        gap = 0.0 if shift == 0 else difference if left[0] else 1e-3
        left[0] -= shift != 0
        return np.array([8.0, 1e-4 + gap])

    averages._at = at
    Averages._settle(averages, np.eye(2), np.zeros(1), 3.0)
    assert averages._step == pytest.approx(0.85 ** (halvings if difference > 1.6e-2 else 0))
    assert averages._widest == 3.0


# --- particles ----------------------------------------------------------------------------------------------------
def test_particles_without_noise_follow_their_drift_from_mark_to_mark() -> None:
    """``dξ = 4/5 - e^{ξ + α}``, ``α = 1/5 - 3/10 ∫R``, ``R = 1/10 + 2 (ξ/2 + e^{ξ + α})²``, by SciPy."""
    one = np.ones(1)
    model = MeanFieldModel(
        in_xi=one, in_alpha=one, drift_constant=0.8 * one, drift_slope=0 * one, drift_terms=-np.ones((1, 1)),
        spread_constant=0 * one, spread_rate=0 * one, error_constant=0 * one, error_slope=0.5 * one,
        error_terms=np.ones((1, 1)), share=2 * one, alpha=0.2 * one, alpha_rate=-0.3 * one, offset=0.1,
    )  # fmt: skip

    def risk(y: Any) -> Any:
        return 0.1 + 2 * (y[0] / 2 + np.exp(y[0] + 0.2 - 0.3 * y[1])) ** 2

    def slope(now: float, y: Any) -> Any:
        return [0.8 - np.exp(y[0] + 0.2 - 0.3 * y[1]), risk(y)]

    marks = [0.0, 0.3, 1.0, 1.7, 2.0]
    exact = solve_ivp(slope, (0, 2), [-0.5, 0.0], t_eval=marks, rtol=1e-11, atol=1e-12).y
    gaps = []
    for step in (0.02, 0.01):
        found = solve_particles(model, np.array([-0.5]), marks, particles=2, seed=1, step=step)
        gaps.append([np.abs(found.integral - exact[1]).max(), np.abs(found.risk - risk(exact)).max()])
        assert found.xi[0] == pytest.approx(exact[0, -1], abs=1e-4)
        assert found.error == pytest.approx(np.zeros(5), abs=1e-7)
    assert np.max(gaps) < 1e-3
    assert np.array(gaps[0]) / gaps[1] == pytest.approx([4, 4], rel=0.15)  # of order two in the step


def test_how_many_particles_there_must_be() -> None:
    system: Any = sh.derive(sh.least_squares(0.3, sh.powers(3)), sh.Constant(0.1))
    classes = sh.NetworkClasses([1, 0.4], [1, -0.5], 1.2, 0.2)
    with pytest.raises(ValueError, match=r"solve\(particles=15\): particles must be"):
        system.solve(classes, 0.1, t=[0.1], particles=15)
    assert system.solve(classes, 0.1, t=[0.1], particles=16, step=0.1).statistics == {"particles": 16}


# --- Volterra -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("blocks", [1, 2, 3, 4, 6, 8])
def test_blocks_are_passed_on_to_where_they_are_next_needed(blocks: int) -> None:
    """Each call adds to the next p blocks what the last p give, p the largest power of two in the number."""
    n, size = 64 * blocks, 64 * 9
    rng = np.random.default_rng(blocks)
    source, kernel, history = rng.standard_normal((3, size + 1))
    before = history.copy()
    volterra._pass_on(source, kernel, history, n)
    length = (blocks & -blocks) * 64
    for i in range(size + 1):
        inside = n <= i < n + length
        added = sum(source[j] * kernel[i - j] for j in range(n - length, n)) if inside else 0.0
        assert history[i] - before[i] == pytest.approx(added, abs=1e-10)


def test_a_volterra_equation_of_one_mode_by_hand() -> None:
    """``dQ/du = -2λQ + λ²γ(Q + ω²)`` at a constant rate, and time ``u/γ``: errors fall as the square of the step."""
    lam, rate, noise, begin = 1.5, 0.4, 0.09, 2.0

    def rates(Q: float, now: float) -> tuple[float, float]:
        return rate, Q + noise

    equation: Any = volterra._Equation(
        lambda Q: Q / 2, rates, np.array([lam]), np.array([1.0]), np.array([begin]), ()
    )
    assert equation.kernel(np.array([0.0, 1.0])) == pytest.approx([lam**2, lam**2 * math.exp(-2 * lam)])
    assert equation.forcing(np.array([0.0, 1.0])) == pytest.approx([lam * begin, lam * begin * math.exp(-2 * lam)])
    slope = lam * (lam * rate - 2)
    rest = -(lam**2) * rate * noise / slope

    def exact(u: np.ndarray) -> np.ndarray:
        return rest + (lam * begin - rest) * np.exp(slope * u)

    errors = []
    for steps in (100, 200, 400):
        Q, found_rate, now = volterra._march(equation, 2.0, steps)
        u = np.linspace(0, 2.0, steps + 1)
        errors.append(np.abs(Q - exact(u)).max())
        assert found_rate == pytest.approx(np.full(steps + 1, rate))
        assert now == pytest.approx(u / rate)
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.05)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.05)
    reach = volterra._reach(equation, 3.0)
    assert reach == pytest.approx(3.0 * rate * 1.02)
    best = volterra._romberg(lambda k: volterra._march(equation, reach, k), reach, 64, np.array([0.0, 1.1, 3.0]))
    assert best[0] == pytest.approx(exact(rate * np.array([0.0, 1.1, 3.0])), rel=1e-9)
    with pytest.raises(ArithmeticError, match=r"the grid ends at t = 3\.06; the clock is not resolved"):
        volterra._romberg(lambda k: volterra._march(equation, reach, k), reach, 64, np.array([3.1]))
    wild: Any = replace(equation, rates=lambda Q, now: (10.0, Q + noise))
    with pytest.raises(ArithmeticError, match="the risk or the learning rate leave all bounds at t = "):
        volterra._march(wild, 100.0, 20000)


# --- phase diagrams -----------------------------------------------------------------------------------------------
def test_a_diagram_of_limits_tells_of_every_sixty_fourth_point(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []

    class Heard:
        def __init__(self, owner: str, size: int, progress: Any) -> None:
            self.size, self.done = size, 0

        def tell(self) -> None:
            told.append(self.done)

        def end(self, whole: bool) -> None:
            told.append(-self.size)

    monkeypatch.setattr(phase, "Teller", Heard)
    rate, noise = sp.symbols("g w", positive=True)
    system = sh.derive(sh.least_squares(noise), sh.Constant(rate))
    axes = (rate, np.linspace(0.1, 0.8, 13)), (noise, np.linspace(0.1, 1, 10))
    found = sh.phase_diagram(system, *axes, "risk", *TWO)
    assert told == [0, 64, 128, -130]
    lam, w = np.array([1.5, 0.5]), np.array([0.4, 0.6])
    for i, j in ((0, 0), (12, 9), (5, 4)):
        a = sum(w * lam * found.x[i] / (2 * lam) * lam)  # R = (ω²/2)/(1 - γ Tr K/2)
        assert found.values[i, j] == pytest.approx(found.y[j] ** 2 / 2 / (1 - a))


# --- the best schedule --------------------------------------------------------------------------------------------
def test_sweeps_settle_at_their_fixed_point() -> None:
    """A linear map that a plain iteration leaves behind: Anderson's method needs a few sweeps."""
    A = np.array([[-1.5, 0.3], [0.2, 0.6]])
    fixed = np.array([0.7, 0.4])
    flow: Any = SimpleNamespace(
        greedy=lambda: np.array([0.72, 0.41]), sweep=lambda x: fixed + A @ (x - fixed), bounds=(0.0, np.inf)
    )
    found, sweeps, residual = _settled(flow)
    assert found == pytest.approx(fixed, abs=1e-8)
    assert residual <= 1e-9
    assert 2 < sweeps < 15
    bad = [True]

    def fails_once(x: np.ndarray) -> np.ndarray:
        if bad.pop() if bad else False:
            raise ArithmeticError
        return fixed + A @ (x - fixed)

    flow.sweep = fails_once
    assert _settled(flow)[0] == pytest.approx(fixed, abs=1e-8)


def test_a_runge_kutta_step_of_a_changing_rate() -> None:
    """``dy/dt = γ(t) y`` with γ a parabola through its three values: of order four."""
    flow: Any = SimpleNamespace(speed=lambda y, rate: rate * y)
    first, middle, last, h = 0.3, 0.5, 0.8, 0.6
    c = 2 * (first - 2 * middle + last)
    integral = h * (first + (last - first - c) / 2 + c / 3)
    exact = 2.0 * math.exp(integral)
    gaps = [abs(_Flow._step(flow, np.array([2.0]), h, (first, middle, last), n)[0] - exact) for n in (2, 4, 8)]
    assert gaps[0] < 1e-3
    assert gaps[0] / gaps[1] > 13
    assert gaps[1] / gaps[2] > 13
