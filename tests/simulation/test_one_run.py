"""One run from record to record, on a walk made by hand: what is recorded, looked at, batched and given up."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from symhigh.simulation import one_run as module
from symhigh.simulation import walk
from symhigh.simulation.one_run import Result, _why, one_run

D = 10


class Walk(walk.Walk):
    """Counts its steps; its size grows by a factor each."""

    def __init__(self, e: Any, seed: int) -> None:
        super().__init__(e)
        self.target, self.steps = 0.5 + seed, 0
        self.root = np.empty(e.width)
        self.calls: list[tuple[int, int]] = []
        self.looked: list[float] = []
        e.walks.append(self)

    def run(self, first: int, steps: int) -> None:
        assert first == self.steps
        self.calls.append((first, steps))
        self.steps += steps

    def record(self, time: float, out: Any) -> None:
        out[:] = (time, self.steps)[: len(out)]

    def doubt(self, time: float, doubts: Any) -> None:
        self.looked.append(time)

    def size(self) -> float:
        return float(self.e.begun * self.e.growth**self.steps)


@pytest.fixture(autouse=True)
def an_average_to_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "averages", lambda system: ("one",) if len(system.outputs) == 2 else ())


def run(steps: list[int], width: int = 4, growth: float = 1.0, begun: float = 1.0, outputs: Any = None) -> Any:
    system = SimpleNamespace(outputs=dict.fromkeys(outputs or ("a", "b")))
    e: Any = SimpleNamespace(d=D, width=width, growth=growth, begun=begun, walks=[], system=system)
    result = Result(len(steps), len(system.outputs))
    one_run(Walk, e, 3, np.array(steps), result, threading.Event(), {})  # type: ignore[arg-type]
    return result, e.walks[0]


def test_outputs_are_recorded_at_their_steps() -> None:
    result, walk = run([0, 3, 7, 20])
    assert result.outputs.tolist() == [[0, 0], [0.3, 3], [0.7, 7], [2, 20]]
    assert walk.calls == [(0, 3), (3, 4), (7, 13)]
    assert (result.rows, result.target, result.message, result.last) == (4, 3.5, "", None)
    empty = Result(2, 3)
    assert (empty.rows, empty.message) == (0, "")
    assert np.isnan(empty.outputs).all()
    assert empty.outputs.shape == (2, 3)


@pytest.mark.parametrize(("width", "batch"), [(2_000_000, 10), (6_000_000, 3), (30_000_000, 1)])
def test_steps_are_made_in_batches_of_a_bounded_size(width: int, batch: int) -> None:
    _, walk = run([20], width)
    assert [count for _, count in walk.calls] == [batch] * (20 // batch) + [20 % batch] * bool(20 % batch)


def test_averages_are_looked_at_about_twenty_times_and_at_the_end() -> None:
    _, walk = run([*range(0, 100)])
    assert walk.looked == [*(np.arange(0, 100, 5) / D), 9.9]
    _, walk = run([0, 1, 5])
    assert walk.looked == [0, 0.1, 0.5]
    _, walk = run([*range(0, 100)], outputs=("a",))
    assert walk.looked == [0, 9.9]  # where no average can be doubted


@pytest.mark.parametrize(("begun", "last"), [(1.0, 12), (1e-3, 15), (100.0, 12)])
def test_a_run_that_leaves_all_bounds_ends(begun: float, last: int) -> None:
    """Beyond 1e12 times its first size, and beyond 1e12 where it began smaller than one."""
    result, walk = run([*range(0, 30)], growth=10.0, begun=begun)
    assert walk.steps == last
    assert result.rows == last + 1
    assert np.isnan(result.outputs[last:]).all()
    assert np.isfinite(result.outputs[:last]).all()
    assert result.message == f"diverged by t = {last / D:.6g}: the iterate left all bounds"


def test_a_divergence_names_the_rate_that_was_too_large() -> None:
    system: Any = SimpleNamespace(outputs=dict.fromkeys(("learning_rate", "distance_threshold")))
    result = Result(3, 2)
    result.outputs[:] = [[5.0, 1.0], [2.0, 1.5], [0.5, 1.5]]
    for rows, cause in ((3, "; the learning rate 2 was above 1.5, beyond which the distance grows"),
                        (1, "; the learning rate 5 was above 1, beyond which the distance grows"),
                        (4, "")):  # fmt: skip
        result.rows = rows
        assert _why(system, result, 0.25) == "diverged by t = 0.25: the iterate left all bounds" + cause


def test_a_run_that_is_stopped_keeps_what_it_has() -> None:
    stop = threading.Event()
    stop.set()
    system = SimpleNamespace(outputs={"a": 0, "b": 0})
    e: Any = SimpleNamespace(d=D, width=4, growth=1.0, begun=1.0, walks=[], system=system)
    result = Result(2, 2)
    one_run(Walk, e, 0, np.array([3, 5]), result, stop, {})  # type: ignore[arg-type]
    assert result.rows == 0
    assert e.walks[0].steps == 0
