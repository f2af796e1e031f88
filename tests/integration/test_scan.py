"""Scans: every curve has the bits of ``solve``, every point that is not complete says why, axes have names."""

from __future__ import annotations

import pickle
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.kernels import course_kernels
from symhigh.codegen.target import NUMBA, NUMPY, C, Target
from symhigh.integration import scan, waiting
from tests.codegen.test_c import COMPILED, needs_compiler

g, n = sp.symbols("g n", positive=True)
ATOMS = sh.Spectrum.from_eigenvalues([0.3, 1.0, 2.5], [0.5, 0.3, 0.2])
PAIR = [sh.Spectrum.isotropic(), ATOMS]
START = sh.Start()
LEAST_SQUARES = sh.derive(sh.least_squares(noise=n), sh.Constant(g))
TARGETS = [NUMPY, *COMPILED]


def same(many: sh.ManyCurves, place: tuple[int, ...], curve: sh.Curve) -> bool:
    """Whether a point holds a curve bit by bit, and nothing beyond its end."""
    held = [many.values[name][place] for name in curve.outputs]
    whole = all(a[: curve.t.size].tobytes() == b.tobytes() for a, b in zip(held, curve.outputs.values(), strict=True))
    return whole and all(np.isnan(a[curve.t.size :]).all() for a in held)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("threads", [1, 3])
def test_every_curve_has_the_bits_of_solve(target: Target, threads: int) -> None:
    times = [0.0, 0.5, 3.0]
    starts = [START, sh.Start(x0=0.5, overlap=0.3)]
    many = LEAST_SQUARES.solve_many(
        {"g": [0.1, 0.5, 0.9], n: [0.2, 1]}, PAIR, starts, 3.0, times, threads=threads, target=target
    )
    assert many.shape == (3, 2, 2, 2)
    assert many.complete
    assert not many.errors
    assert many.axes["g"] == (0.1, 0.5, 0.9)
    assert many.axes["spectrum"] == tuple(PAIR)
    for place in np.ndindex(many.shape):
        at = many.where(place)
        bound = LEAST_SQUARES.bind({"g": at["g"], "n": at["n"]})
        assert same(many, place, bound.solve(at["spectrum"], at["start"], 3.0, times, target=target))


@needs_compiler
def test_many_curves_have_those_bits_by_a_stepper_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "_WORTH", 1)
    few = course_kernels(LEAST_SQUARES, C)
    many = LEAST_SQUARES.solve_many({"g": [0.1, 0.9], n: [0.2, 1]}, PAIR, START, 3.0, [0.5, 3.0], target=C)
    assert course_kernels(LEAST_SQUARES, C, many=True).advance is not few.advance
    for place in np.ndindex(many.shape):
        at = many.where(place)
        bound = LEAST_SQUARES.bind({"g": at["g"], "n": at["n"]})
        assert same(many, place, bound.solve(at["spectrum"], START, 3.0, [0.5, 3.0], target=C))


@pytest.mark.slow
def test_numba_gives_the_bits_of_solve_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "_WORTH", 1)
    system = sh.derive(sh.logistic_regression(), sh.AdaGradNorm(g, n))
    many = system.solve_many({g: [0.1, 0.5], n: [0.2, 0.7]}, ATOMS, START, 5.0, target=NUMBA)
    assert many.complete
    for place in np.ndindex(2, 2):
        assert same(many, place, system.bind(many.where(place)).solve(ATOMS, START, 5.0, target=NUMBA))


OTHERS: dict[str, tuple[sh.Problem, sh.Rule, sh.Start]] = {
    "adaptive": (sh.least_squares(noise=0.3), sh.AdaGradNorm(eta=g, b=sp.sqrt(n)), START),
    "logistic": (sh.logistic_regression(), sh.Constant(g * n), START),
    "other moments": (sh.logistic_regression(), sh.Constant(g / n), sh.Start(x0=1, overlap=0.9)),
    "schedule": (sh.least_squares(noise=n), sh.Schedule(g / (1 + sh.t)), START),
    "jumps": (sh.least_squares(noise=n), sh.Schedule(g / (1 + sp.floor(sh.t))), START),
    "momentum": (sh.least_squares(noise=0.1), sh.Momentum(g, n), START),
    "maximum": (sh.least_squares(noise=n), sh.DoG(g, n), START),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_plain_has_the_bits_of_solve_too(name: str) -> None:
    problem, rule, start = OTHERS[name]
    system = sh.derive(problem, rule)
    many = system.solve_many({g: [0.1, 0.4], n: [0.5, 1.5]}, ATOMS, start, 2.0, [1.0, 2.0], threads=2)
    assert many.complete
    for place in np.ndindex(2, 2):
        bound = system.bind(many.where(place))
        assert same(many, place, bound.solve(ATOMS, start, 2.0, [1.0, 2.0]))


def test_committees_are_scanned_over_their_overlaps() -> None:
    p, q = sp.symbols("p q")
    system = sh.derive(sh.MultiIndex((p, q), (sh.x_star,), (p + q - sh.x_star) ** 2 / 2, noise=0.5), sh.Constant(g))
    starts = [sh.Overlaps(np.diag([size, 1.0, 1.0])) for size in (0.5, 2.0)]
    many = system.solve_many({g: [0.1, 0.3]}, ATOMS, starts, 2.0, [1.0, 2.0])
    assert many.complete
    for place in np.ndindex(2, 2):
        bound = system.bind({g: many.axes["g"][place[0]]})
        for _ in range(2):
            assert same(many, place, bound.solve(ATOMS, starts[place[1]], 2.0, [1.0, 2.0]))


def test_more_than_memory_holds_is_refused_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "memory", lambda: 1e6)
    over = {g: np.linspace(0.1, 1, 50), n: [0.1, 0.2]}
    assert LEAST_SQUARES.solve_many(over, ATOMS, START, 1.0, keep="risk").complete
    with pytest.raises(ValueError, match=r"solve_many\(over=…\): memory holds the results of 155 curves, not of 200"):
        LEAST_SQUARES.solve_many(over, PAIR, START, 1.0)


def test_stiff_curves_go_to_the_other_stepper_as_they_do_alone() -> None:
    spectrum = sh.Spectrum.from_eigenvalues([1e-5, 1.0])
    many = LEAST_SQUARES.solve_many({g: [0.5, 1.0], n: [0.1]}, spectrum, START, 1e6, [1e3, 1e6])
    for k, rate in enumerate((0.5, 1.0)):
        curve = LEAST_SQUARES.bind({g: rate, n: 0.1}).solve(spectrum, START, 1e6, [1e3, 1e6])
        assert curve.statistics["steps"] < 3000
        assert same(many, (k, 0), curve)


def test_points_that_fail_are_marked_and_said() -> None:
    with pytest.warns(RuntimeWarning, match="solve_many: of 4 curves 1 complete.*1 diverged.*2 refused") as said:
        many = LEAST_SQUARES.solve_many({g: [-1.0, 0.5, 1e3, 0.0], n: [0.1]}, ATOMS, START, 500.0, [0.0, 1.0, 500.0])
    assert len(said) == 1
    assert many.status.ravel().tolist() == ["refused", "complete", "diverged", "refused"]
    assert set(many.errors) == {(0, 0), (2, 0), (3, 0)}
    assert "g must be" in many.errors[0, 0] or "gamma must be" in many.errors[0, 0]
    with pytest.warns(RuntimeWarning, match="diverged"):
        curve = LEAST_SQUARES.bind({g: 1e3, n: 0.1}).solve(ATOMS, START, 500.0, [0.0, 1.0, 500.0])
    assert many.errors[2, 0] == curve.message
    assert same(many, (2, 0), curve)
    assert np.isnan(many.values["risk"][0]).all()


def test_starts_without_a_limit_are_refused_where_they_stand() -> None:
    law, steep = sh.Spectrum.power_law(0.5), sh.Start.power_law(2.0)
    with pytest.warns(RuntimeWarning, match="3 complete, 1 refused"):
        many = LEAST_SQUARES.solve_many({g: [0.1], n: [0.1]}, [ATOMS, law], [START, steep], 1.0, [1.0])
    assert many.status.ravel().tolist() == ["complete", "complete", "complete", "refused"]
    with pytest.raises(ValueError, match="infinite") as alone:
        LEAST_SQUARES.bind({g: 0.1, n: 0.1}).solve(law, steep, 1.0)
    assert many.errors == {(0, 0, 1, 1): str(alone.value)}


def test_an_infinite_distance_stays_infinite() -> None:
    law, start = sh.Spectrum.power_law(0.5), sh.Start.power_law(0.75)
    many = LEAST_SQUARES.solve_many({g: [0.1], n: [0.1]}, [law, ATOMS], start, 1.0, [1.0])
    curve = LEAST_SQUARES.bind({g: 0.1, n: 0.1}).solve(law, start, 1.0, [1.0])
    assert np.isinf(many.values["distance"][0, 0, 0]).all()
    assert np.isfinite(many.values["distance"][0, 0, 1]).all()
    assert same(many, (0, 0, 0), curve)


def test_digits_that_are_lost_are_said() -> None:
    system, start = sh.derive(sh.absolute_phase_retrieval(), sh.Constant(g)), sh.Start(x0=1, x_star=1, overlap=1)
    with pytest.warns(RuntimeWarning, match="have no digits left"):
        curve = system.bind({g: 0.01}).solve(ATOMS, start, 1.0)
    with pytest.warns(RuntimeWarning, match="1 imprecise"):
        many = system.solve_many({g: [0.01]}, ATOMS, start, 1.0)
    assert same(many, (0,), curve)
    assert "have no digits left" in many.errors[0,]


def test_joint_conditions_are_checked_at_every_point() -> None:
    system = sh.derive(sh.least_squares(noise=0.1), sh.Constant(g - n))
    with pytest.warns(RuntimeWarning, match="2 refused"):
        many = system.solve_many({g: [0.1, 0.2], n: [0.05, 0.2]}, ATOMS, START, 1.0)
    assert many.status.tolist() == [["complete", "refused"], ["complete", "refused"]]
    for place, reason in many.errors.items():
        with pytest.raises(ValueError, match="must be > 0") as alone:
            system.bind(many.where(place))
        assert reason == str(alone.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"over": {"h": [1.0]}}, r"solve_many\(over={'h': …}\): not a parameter of this system"),
        ({"over": {g: [0.1]}}, "the parameters n have no value"),
        ({"over": {g: [], n: [1]}}, "not empty"),
        ({"over": {g: "0.1", n: [1]}}, "must be a list"),
        ({"over": {g: 0.1, n: [1]}}, "must be a list"),
        ({"over": {g: [np.nan], n: [1]}}, "must be finite"),
        ({"over": {g: ["0.1"], n: [1]}}, "must be a number"),
        ({"over": {g: [n], n: [1]}}, "must be a number"),
        ({"over": {g: [0.1], "g": [0.2], n: [1]}}, "two axes"),
        ({"over": [0.1]}, "must be a mapping"),
        ({"over": {g: [-1.0, -2.0], n: [1]}}, "must be > 0.*all 2 points are refused"),
        ({"spectrum": []}, "at least one"),
        ({"spectrum": "isotropic"}, "give a Spectrum"),
        ({"start": [START, None]}, "give a Spectrum"),
        ({"t_end": 0.0}, "t_end must be"),
        ({"t": [2.0, 1.0]}, "must increase"),
        ({"rtol": 2.0}, "rtol must be"),
        ({"keep": "loss"}, "not an output; choose from risk"),
        ({"threads": 0}, "threads must be"),
        ({"executor": 2}, "executor must be"),
        ({"progress": 2}, "progress must be"),
        ({"target": "C"}, "target must be"),
        ({"keep": []}, "keep names no output; choose from risk"),
    ],
)
def test_wrong_arguments_are_refused_by_name(given: dict[str, Any], words: str) -> None:
    arguments = {"over": {g: [0.1], n: [1.0]}, "spectrum": ATOMS, "start": START, "t_end": 1.0} | given
    with pytest.raises((ValueError, TypeError), match=words):
        LEAST_SQUARES.solve_many(**arguments)


def test_an_axis_called_like_a_population_is_refused() -> None:
    rate = sp.Symbol("spectrum", positive=True)
    system = sh.derive(sh.least_squares(), sh.Constant(rate))
    assert system.solve_many({rate: [0.1, 0.2]}, ATOMS, START, 1.0).values["risk"].shape[0] == 2
    with pytest.raises(ValueError, match=r"over={'spectrum': …}\): two axes are called spectrum; rename the symbol"):
        system.solve_many({rate: [0.1, 0.2]}, PAIR, START, 1.0)


def test_outputs_can_be_chosen_and_results_pickle() -> None:
    many = LEAST_SQUARES.solve_many({g: np.linspace(0.1, 1, 5), n: np.array([1, 2])}, ATOMS, START, 1.0, keep="risk")
    assert list(many.values) == ["risk"]
    again = pickle.loads(pickle.dumps(many))
    assert again.values["risk"].tobytes() == many.values["risk"].tobytes()
    assert again.axes["g"] == many.axes["g"]
    assert "5 g x 2 n; 201 times; 10 complete" in repr(many)


def test_an_interruption_keeps_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_PIECE", 1e-6)  # one curve at a time
    seen = []

    def progress(fraction: float) -> None:
        seen.append(fraction)
        raise KeyboardInterrupt

    wait = waiting.wait
    monkeypatch.setattr(waiting, "wait", lambda jobs, timeout: wait(jobs, timeout=1e-4))
    with pytest.warns(RuntimeWarning, match="interrupted; of 4000 curves"):
        many = LEAST_SQUARES.solve_many(
            {g: np.linspace(0.1, 1, 2000), n: [1, 2]}, ATOMS, START, 50.0, rtol=1e-12, progress=progress
        )
    done = many.status == "complete"
    assert seen
    assert (~done).sum() > 0
    assert set(many.status.ravel()) <= {"complete", "not run"}
    assert np.isfinite(many.values["risk"][done]).all()
    assert np.isnan(many.values["risk"][~done]).all()
    assert len(many.errors) == (~done).sum()


def test_executors_solve_what_is_not_plain() -> None:
    system = sh.derive(sh.least_squares(noise=n), sh.Schedule(g / (1 + sh.t)))
    over = {g: [0.1, -0.4, 0.4], n: [0.5]}
    fractions: list[float] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone = system.solve_many(over, ATOMS, START, 2.0, [1.0, 2.0])
        with ThreadPoolExecutor(2) as pool:
            many = system.solve_many(over, ATOMS, START, 2.0, [1.0, 2.0], executor=pool, progress=fractions.append)
    assert many.values["risk"].tobytes() == alone.values["risk"].tobytes()
    assert many.status.ravel().tolist() == ["complete", "refused", "complete"]
    assert fractions[-1] == 1.0


@pytest.mark.slow
def test_networks_are_solved_on_processes() -> None:
    system = sh.derive(sh.DiagonalNetwork(g))
    classes = sh.NetworkClasses(1.0, 1.0, 0.5, 0.5)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        many = system.solve_many({g: [0.05, 0.1]}, classes, 1.0, [0.5, 1.0], executor=pool)
    for k, rate in enumerate((0.05, 0.1)):
        curve = system.bind({g: rate}).solve(classes, 1.0, [0.5, 1.0])
        assert many.values["risk"][k].tobytes() == curve.risk.tobytes()


def test_a_table_has_a_row_for_every_point_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    many = LEAST_SQUARES.solve_many({g: [0.1, 0.2], n: [1, 2, 3]}, PAIR, START, 1.0, [0.5, 1.0])
    try:
        table = many.to_dataframe()
    except ImportError as error:
        assert "symhigh[pandas]" in str(error)  # noqa: PT017
        return
    assert len(table) == 2 * 3 * 2 * 2
    row = table.iloc[2 * (2 * (3 * 1 + 2) + 1) + 1]
    assert (row["g"], row["n"], row["t"]) == (0.2, 3.0, 1.0)
    assert row["risk"] == many.values["risk"][1, 2, 1, 1]


def test_what_takes_long_is_told(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", 0.0)
    monkeypatch.setattr(waiting, "_AGAIN", 0.0)
    wait = waiting.wait
    monkeypatch.setattr(waiting, "wait", lambda jobs, timeout: wait(jobs, timeout=1e-4))
    LEAST_SQUARES.solve_many({g: np.linspace(0.1, 1, 1000), n: [1]}, ATOMS, START, 50.0, rtol=1e-12)
    assert " of 1000 curves" in capfd.readouterr().err
    fractions: list[float] = []
    LEAST_SQUARES.solve_many({g: [0.1, 0.2], n: [1]}, ATOMS, START, 1.0, progress=fractions.append)
    assert fractions[-1] == 1.0
    assert "curves" not in capfd.readouterr().err
