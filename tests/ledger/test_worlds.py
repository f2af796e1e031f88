"""What every comparison refuses and says, whatever the world: linear problems and diagonal networks alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import symhigh as sh

RATE = 0.4


class Linear:
    problem, rule = sh.least_squares(0.5), sh.Constant(RATE)
    where = sh.Spectrum.from_eigenvalues([1, 0.4]), sh.Start(0.5, 1, 0.3)
    compare = staticmethod(sh.compare)
    outputs = ("risk", "distance")

    def curve(self, t_end=2.1, factor=1.0):
        return sh.derive(self.problem, sh.Constant(RATE * factor)).solve(*self.where, t_end)

    def runs(self, d=256, t_end=2.0, seeds=12, t=None):
        return sh.simulate(self.problem, self.rule, *self.where, d, t_end, seeds, t=t)


class Network:
    network = sh.DiagonalNetwork(RATE, 0.5)
    classes = sh.NetworkClasses([1, 0.4], [1, -0.5], 1.2, 0.2)
    compare = staticmethod(sh.compare)
    outputs = ("risk", "l1")

    def curve(self, t_end=2.1, factor=1.0):
        return sh.derive(sh.DiagonalNetwork(RATE * factor, 0.5)).solve(self.classes, t_end)

    def runs(self, d=256, t_end=2.0, seeds=12, t=None):
        return sh.simulate(self.network, None, self.classes, None, d, t_end, seeds, t=t)


@pytest.fixture(scope="module", params=[Linear, Network], ids=lambda world: world.__name__)
def world(request):
    found = request.param()
    found.solved, found.simulated = found.curve(), found.runs(t=np.linspace(0, 2, 9))
    return found


def test_the_summary_says_what_would_have_been_found(world):
    found = world.compare(world.solved, world.simulated, world.outputs)
    assert found.agrees, found.summary()
    text = found.summary()
    for output in world.outputs:
        assert f"{output} deviates by" in text
    assert "would find with probability .99 an error of" in text
    assert "false alarms at most 0.01" in text
    assert "bias removed by" in text
    rate = next(p for p in found.responses if p in ("gamma_0", "step"))
    assert 0 < found.finds(rate) < 0.5
    noise = next(p for p in found.responses if p in ("omega", "noise"))
    assert found.finds(noise) < 0.5


def test_an_error_twice_as_large_as_what_is_found_is_found(world):
    found = world.compare(world.solved, world.simulated, world.outputs)
    rate = next(p for p in found.responses if p in ("gamma_0", "step"))
    wrong = world.curve(factor=1 + 2 * found.finds(rate))
    assert not world.compare(wrong, world.simulated, world.outputs).agrees


def test_error_and_band_belong_to_the_same_output(world):
    found = world.compare(world.curve(factor=1.6), world.simulated, world.outputs)
    name, time, ratio = found.worst
    deviation, k = found.deviations[name], int(np.argmin(np.abs(found.t - time)))
    assert not found.agrees
    assert found.sup_error == abs(deviation.error[k])
    assert found.band == deviation.band[k]
    assert found.sup_error / found.band == pytest.approx(ratio)
    assert ratio > 1


@pytest.mark.parametrize("alarm", [0, 1, 2, -0.1, float("nan"), float("inf")])
def test_false_alarm_rates_outside_zero_to_one_are_refused(world, alarm):
    with pytest.raises(ValueError, match="alarm must be"):
        world.compare(world.solved, world.simulated, alarm=alarm)


@pytest.mark.parametrize("what", ["rsik", ("risk", "temperature"), ["Risk"]])
def test_unknown_outputs_are_refused_with_those_there_are(world, what):
    with pytest.raises(ValueError, match="no such output; both have risk"):
        world.compare(world.solved, world.simulated, what)


@pytest.mark.parametrize(
    ("what", "error"), [((), ValueError), ([], ValueError), (7, TypeError), ([7], TypeError)]
)
def test_what_is_no_list_of_names_is_refused(world, what, error):
    with pytest.raises(error, match="what="):
        world.compare(world.solved, world.simulated, what)


def test_an_output_named_twice_is_refused(world):
    with pytest.raises(ValueError, match="risk stands there twice"):
        world.compare(world.solved, world.simulated, ("risk", "risk"))


def test_repeated_seeds_are_refused(world):
    with pytest.raises(ValueError, match="seeds repeat"):
        world.runs(seeds=[7] * 8)
    repeated = replace(world.simulated, seeds=(7,) * 12)
    with pytest.raises(ValueError, match="seed 7 repeats"):
        world.compare(world.solved, repeated)


def test_companions_need_seeds_of_their_own(world):
    shared = [world.runs(d, seeds=12, t=np.linspace(0, 2, 9)) for d in (128, 64)]
    with pytest.raises(ValueError, match="seed 0 has been used at a larger dimension"):
        world.compare(world.solved, world.simulated, companions=shared)
    own = [world.runs(d, seeds=range(k, k + 30), t=np.linspace(0, 2, 9)) for d, k in ((128, 100), (64, 200))]
    assert world.compare(world.solved, world.simulated, companions=own).agrees
    with pytest.raises(ValueError, match="larger one first"):
        world.compare(world.solved, world.simulated, companions=own[::-1])
    with pytest.raises(ValueError, match=r"give (two|one or two), at different"):
        world.compare(world.solved, world.simulated, companions=[])


def test_default_times_never_repeat(world):
    """Fewer steps than the 101 default times: each step is recorded once, and compared."""
    runs = world.runs(d=16, seeds=6)
    assert (np.diff(runs.t) > 0).all()
    assert runs.t.size == 33
    assert world.compare(world.solved, runs).agrees


def test_too_few_runs_and_too_short_curves_are_refused(world):
    with pytest.raises(ValueError, match="at least 3 seeds"):
        world.compare(world.solved, world.runs(d=64, seeds=2))
    with pytest.raises(ValueError, match="solve it"):
        world.compare(world.curve(t_end=1.0), world.simulated)
    with pytest.raises(ValueError, match="d must be >= 8"):
        world.compare(world.solved, world.runs(d=4, seeds=3))


def test_other_things_than_curves_and_runs_are_refused(world):
    with pytest.raises(TypeError, match="curve="):
        world.compare(world.simulated, world.simulated)
    with pytest.raises(TypeError, match="runs="):
        world.compare(world.solved, world.solved)
