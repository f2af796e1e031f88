"""Direct SGD against exact recursions and the limit; reproducibility; refusals and early ends."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from scipy.stats import ks_2samp

import symhigh as sh
from symhigh.codegen.cache import load
from symhigh.codegen.normal import normal_source, stream
from symhigh.codegen.target import NUMPY
from symhigh.simulation.direct import DirectWalk
from symhigh.simulation.one_run import _kept
from symhigh.simulation.runner import prepare
from tests.scenarios import ISOTROPIC, SCENARIOS, START, TWO_HALVES


def test_mean_distance_obeys_the_exact_recursion() -> None:
    """K = I, constant γ: E D²_{k+1} = (1 - 2γ/d + γ²(d+2)/d²) D²_k + γ²ω²/d, at finite d with no limit taken.

    E D² over 400 runs at d = 20, within 4.5 standard errors at each of 10 times (false alarm below 10⁻⁴).
    """
    d, g, omega, n = 20, 0.8, 0.6, 400
    runs = sh.simulate(
        sh.least_squares(omega), sh.Constant(g), ISOTROPIC, sh.Start(), d, 5, n, t=np.arange(1, 11) / 2
    )
    factor = 1 - 2 * g / d + g**2 * (d + 2) / d**2
    k = np.rint(runs.t * d)
    exact = factor**k + g**2 * omega**2 / d * (1 - factor**k) / (1 - factor)
    error = (runs.distance.mean(axis=0) - exact) / (runs.distance.std(axis=0, ddof=1) / np.sqrt(n))
    assert np.abs(error).max() < 4.5


@pytest.mark.parametrize("name", SCENARIOS)
def test_runs_follow_the_limit(name: str) -> None:
    """Mean of 12 runs at d = 400: within 6 standard errors plus 4/d of the limit's scale at every time."""
    s = SCENARIOS[name]
    runs = sh.simulate(s.problem, s.rule, s.spectrum, s.start, 400, s.t_end, 12, t=np.linspace(0, s.t_end, 9))
    curve = sh.derive(s.problem, s.rule).solve(s.spectrum, s.start, s.t_end, t=runs.t)
    for output in ("risk", "learning_rate", "distance"):
        sample, limit = getattr(runs, output), getattr(curve, output)
        allowed = 6 * sample.std(axis=0, ddof=1) / np.sqrt(12) + 4 / 400 * np.abs(limit).max()
        assert (np.abs(sample.mean(axis=0) - limit) < allowed).all(), output


def test_same_seed_same_bits_whatever_the_threads() -> None:
    s = SCENARIOS["logistic, AdaGrad-Norm"]
    make = lambda seeds, threads: sh.simulate(  # noqa: E731
        s.problem, s.rule, s.spectrum, sh.Start(0.5, 1, 0.3, random=True), 50, 2, seeds, threads=threads
    )
    one, many, alone = make([3, 8, 5], 1), make([3, 8, 5], 3), make([8], 2)
    for output, values in one.outputs.items():
        assert (values == many.outputs[output]).all()
        assert (values[1] == alone.outputs[output][0]).all()
    assert not (one.risk[0] == one.risk[1]).all()


def test_steps_are_those_of_a_plain_loop_over_the_same_normals() -> None:
    """d = 700 straddles the generator's pools of 512; d normals a step, then the one of the label noise."""
    d, steps, eta, b, omega, seed = 700, 40, 1.3, 0.7, 0.4, 6
    root = np.sqrt(TWO_HALVES.eigenvalues(d))
    X, X_star = START.vectors(TWO_HALVES, d)
    draws, b2 = np.empty((steps, d + 1)), b**2
    load(NUMPY.header + "\n\n" + normal_source(NUMPY)).normals(stream(seed, 0), draws.reshape(-1))
    for row in draws:
        a = root * row[:d]
        slope = a @ (X - X_star) - omega * row[d]
        b2 += slope**2 * (a @ a) / d**2
        X = X - eta / np.sqrt(b2) / d * slope * a
    runs = sh.simulate(
        sh.least_squares(omega), sh.AdaGradNorm(eta, b), TWO_HALVES, START, d, steps / d, [seed], "direct"
    )
    np.testing.assert_allclose(runs.norm[0, -1], X @ X, rtol=1e-12)
    np.testing.assert_allclose(runs.learning_rate[0, -1], eta / np.sqrt(b2), rtol=1e-12)


@pytest.mark.parametrize(
    "rule",
    [
        sh.AdaGradNorm(1, 0.3),
        sh.LineSearch(),
        sh.DoG(0.1, 1),
        sh.MiniBatch(sh.WeightDecay(sh.Constant(0.5), 0.2), 3),
    ],
    ids=str,
)
def test_what_is_recorded_changes_no_step(rule: sh.Rule) -> None:
    """A step's subtraction waits for the next pass over the coordinates, or for the record."""
    args = (sh.least_squares(0.5), rule, TWO_HALVES, START, 300, 1.0, [4], "direct")
    few, many = sh.simulate(*args, t=[0, 1.0]), sh.simulate(*args)
    np.testing.assert_array_equal(few.risk[:, -1], many.risk[:, -1])
    np.testing.assert_array_equal(few.norm[:, -1], many.norm[:, -1])


@pytest.mark.parametrize("method", ["direct", "gram"])
def test_numpys_generators_draw_from_the_same_law(method: str) -> None:
    """Philox against the package's own lanes: risk and rate at three times, one test in 10⁴ would fail."""
    args = (sh.least_squares(0.5), sh.AdaGradNorm(1, 0.3), TWO_HALVES, START, 40, 2.0, 500, method)
    ours = sh.simulate(*args, t=[0.5, 1.0, 2.0])
    theirs = sh.simulate(*args, t=[0.5, 1.0, 2.0], generator=np.random.Philox)
    p = [
        ks_2samp(getattr(ours, name)[:, k], getattr(theirs, name)[:, k]).pvalue
        for name in ("risk", "learning_rate")
        for k in range(3)
    ]
    assert min(p) > 1e-4 / 6
    assert not (ours.risk == theirs.risk).any()


def test_a_generator_that_is_none_of_numpys_is_refused() -> None:
    with pytest.raises(TypeError, match="bit generators"):
        sh.simulate(sh.least_squares(), sh.Constant(1), ISOTROPIC, sh.Start(), 10, 1, 1, generator=7)


def test_recorded_values_are_those_of_the_iterate() -> None:
    runs = sh.simulate(sh.least_squares(0.5), sh.Constant(0.5), ISOTROPIC, START, 100, 1, 2)
    assert runs.t == pytest.approx(np.arange(101) / 100)
    assert runs.norm - 2 * runs.overlap + 1 == pytest.approx(runs.distance)
    assert runs.risk == pytest.approx((runs.distance + 0.25) / 2)
    assert runs.excess_risk == pytest.approx(runs.distance / 2)


def test_steps_leave_the_interpreter_to_other_threads() -> None:
    """A kernel that held the interpreter's lock would let the loop below turn once or twice."""
    problem, rule = sh.least_squares(0.5), sh.AdaGradNorm(1, 0.3)
    walk = DirectWalk(prepare(problem, rule, (ISOTROPIC, START), 4096, 1.0, "direct")[1], 0)
    walk.run(0, 1)
    thread, turns = threading.Thread(target=walk.run, args=(1, 40_000)), 0
    thread.start()
    while thread.is_alive():
        time.sleep(0.001)
        turns += 1
    assert turns > 20


def test_vectors_as_start() -> None:
    rng = np.random.default_rng(0)
    X0, X_star = rng.standard_normal((2, 60)) / np.sqrt(60)
    spectrum = sh.Spectrum.from_eigenvalues(np.linspace(0.2, 1.8, 60))
    runs = sh.simulate(sh.least_squares(), sh.Polyak(), spectrum, sh.Start.from_vectors(X0, X_star), 60, 1, 1)
    assert runs.distance[0, 0] == pytest.approx(((X0 - X_star) ** 2).sum())


def test_diverging_runs_end_with_what_they_have() -> None:
    with pytest.warns(RuntimeWarning, match=r"2 of 2 runs diverged; seed 0 diverged by t = .* above"):
        runs = sh.simulate(sh.least_squares(), sh.Constant(4), ISOTROPIC, sh.Start(), 50, 100, 2)
    assert set(runs.messages) == {0, 1}
    assert np.isfinite(runs.risk[:, 0]).all()
    assert np.isnan(runs.risk[:, -1]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"d": 1}, "d must be >= 2"),
        ({"t_end": -1}, "t_end must be finite and > 0"),
        ({"seeds": 0}, "seeds must be >= 1"),
        ({"seeds": []}, "at least one seed"),
        ({"seeds": [1, 1]}, "seeds repeat"),
        ({"method": "magic"}, "method must be"),
        ({"t": [3, 2]}, "must increase"),
        ({"rule": sh.Constant(sp.Symbol("g", positive=True))}, "no value"),
        (
            {"spectrum": TWO_HALVES, "start": sh.Start.from_vectors([1, 0, 0], [0, 1, 0])},
            "need a spectrum of 3",
        ),
    ],
)
def test_refusals(change: dict, message: str) -> None:
    arguments = {
        "problem": sh.least_squares(),
        "rule": sh.Constant(1),
        "spectrum": ISOTROPIC,
        "start": sh.Start(),
        "d": 10,
        "t_end": 1,
        "seeds": 1,
    } | change
    with pytest.raises(ValueError, match=message):
        sh.simulate(**arguments)


def test_fractional_dimension_is_refused() -> None:
    with pytest.raises(TypeError, match="d must be a whole number"):
        sh.simulate(sh.least_squares(), sh.Constant(1), ISOTROPIC, sh.Start(), 10.5, 1, 1)


@pytest.mark.parametrize(
    ("rows", "kept"), [([3, 4], 3), ([0, 4], 4), ([0, 0], 0), ([101] * 50 + [7, 0], 101), ([2, 2, 2, 5], 2)]
)
def test_what_is_kept_of_interrupted_runs_is_the_most(rows: list[int], kept: int) -> None:
    assert _kept(rows) == kept


@pytest.mark.filterwarnings("ignore:simulate was interrupted")
def test_interrupted_runs_keep_what_they_had() -> None:
    """A keyboard interrupt ends all runs at a time that those kept had reached, whichever of them had begun."""
    calls = []

    def stop(fraction: float) -> None:
        calls.append(fraction)
        if fraction > 0:
            raise KeyboardInterrupt

    runs = sh.simulate(
        sh.least_squares(1), sh.Constant(1), TWO_HALVES, sh.Start(), 2000, 400, 2, "direct", progress=stop
    )
    assert not runs.complete
    assert 1 <= runs.t.size < 101
    assert runs.risk.shape == (len(runs.seeds), runs.t.size)
    assert np.isfinite(runs.risk).all()


def test_quantiles_are_numpys_and_empty_without_times() -> None:
    runs = sh.simulate(sh.least_squares(0.5), sh.Constant(0.3), sh.Spectrum.isotropic(), sh.Start(), 16, 1.0, 5)
    low, high = runs.quantiles("distance", 0.25, 0.75)
    np.testing.assert_allclose([low, high], np.quantile(runs.distance, [0.25, 0.75], axis=0))
    none = replace(runs, t=np.empty(0), outputs={n: v[:, :0] for n, v in runs.outputs.items()})
    assert [q.size for q in none.quantiles()] == [0, 0]
    for wrong in (-0.1, 1.1):
        with pytest.raises(ValueError, match=r"low must be .*, a level between 0 and 1"):
            runs.quantiles("risk", wrong)
    assert (runs.quantiles("risk", 0.0, 1.0)[1] == runs.risk.max(axis=0)).all()
