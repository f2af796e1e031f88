"""Step control, the same for every method: a method of which errors are dictated shows what becomes of steps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from symhigh.codegen.control import (
    CLOCK,
    COMBINE,
    DENSE_ROWS,
    DIVERGED,
    LOOK,
    NEGATIVE,
    REACHED,
    RUNNING,
    SPENT,
    STUCK,
    control_source,
    table_source,
)
from symhigh.codegen.dormand_prince import dormand_prince_8
from symhigh.codegen.explicit import explicit_source
from symhigh.codegen.implicit import implicit_source
from symhigh.codegen.rodas import rodas_5p
from symhigh.codegen.target import NUMPY


class Method:
    """``y' = -y`` solved exactly, with the errors and doubts that are dictated, in turn, the last for ever."""

    def __init__(self, errors: Sequence[float] = (0.5,), doubts: Sequence[float] = (0.0,), **changed: Any) -> None:
        given = {"order": 4, "growth": 3.0, "evaluations": 20, "extra": 7, "inside": 2, "factors": ("rest", "s")}
        self.space: dict[str, Any] = {}
        exec(f"{NUMPY.header}\n\n{control_source(**given | changed)}", self.space)  # generated here
        self.errors, self.doubts = self.turns(errors), self.turns(doubts)
        self.densified = 0
        self.space |= {name: getattr(self, name) for name in ("enter", "attempt", "densify", "doubt", "accept")}
        self.refused: Any = lambda *_: False
        self.start = np.array([2.0, -1.0])
        self.clock = np.zeros(CLOCK)

    @staticmethod
    def turns(values: Sequence[float]) -> Iterator[float]:
        return chain(values, repeat(values[-1]))

    def enter(self, *_: Any) -> None:
        """Nothing to prepare."""

    def attempt(self, t: float, h: float, y: Any, K: Any, work: Any, *_: Any) -> float:
        work[1] = y * np.exp(-h)
        return next(self.errors)

    def densify(self, t: float, h: float, y: Any, K: Any, work: Any, limit: Any) -> None:
        """``y + s (y⁺ - y + (1-s) (h (-y) - (y⁺ - y)))`` has the slope at the start."""
        self.densified += 1
        work[DENSE_ROWS:] = 0
        work[DENSE_ROWS] = -h * y - (work[1] - y)

    def doubt(self, *_: Any) -> float:
        return next(self.doubts)

    def accept(self, t: float, y: Any, K: Any, work: Any, limit: Any) -> None:
        y[:] = work[1]

    def run(self, end: float = 1.0, budget: int = 1, look: bool = False, h: float = 0.0, t: float = 0.0,
            times: Sequence[float] = (), bound: float = 1e9) -> SimpleNamespace:  # fmt: skip
        y, K, work = self.start.copy(), np.zeros((9, 2)), np.zeros((DENSE_ROWS + 2, 2))
        rows, clock, asked = np.full((len(times), 2), np.nan), self.clock, np.array(times)
        clock[0], clock[1] = t, h
        limit = SimpleNamespace(
            rhs=lambda t, y, out, *_: np.copyto(out, -y), observe=lambda t, y, out, *_: np.copyto(out, y),
            refused=self.refused, par=None, coef=None, w=None, const=None,
        )  # fmt: skip
        status, row = self.space["advance"](
            end, asked, 0, rows, y, K, work, clock, limit, 1e-6, np.zeros(2), np.full(2, bound), np.array([1.0, 3.0]),
            look, budget,
        )  # fmt: skip
        return SimpleNamespace(status=status, row=row, rows=rows, y=y, h=clock[1], following=clock[6], clock=clock)


def test_statuses_and_places_are_those_of_the_sources() -> None:
    assert list(range(7)) == [REACHED, RUNNING, DIVERGED, STUCK, NEGATIVE, LOOK, SPENT]
    for source in (explicit_source(dormand_prince_8()), implicit_source(rodas_5p())):
        assert max(map(int, re.findall(r"clock\[(\d+)\]", source))) + 1 == CLOCK
        assert max(map(int, re.findall(r"\bwork\[(\d+)\]", source))) + 1 == DENSE_ROWS
    assert eval(table_source([[1, -0.1], [1 / 3, 0]]), {"numpy": np}).tolist() == [[1.0, -0.1], [1 / 3, 0.0]]


def test_the_first_step_is_a_hundredth_of_the_quickest_motion() -> None:
    assert Method().run(look=True).h == pytest.approx(0.01 / (2 / 3))  # slopes 2, 1 over 2 + 1, 1 + 3
    assert Method().run(end=0.001, look=True).h == pytest.approx(0.001)
    still = Method()
    still.start[:] = 0
    assert still.run(end=7.0, look=True).h == 7.0


@pytest.mark.parametrize(
    ("error", "factor"),
    [(0.5, 0.9 * 0.5**-0.25), (0.0, 3.0), (1e-8, 3.0), (0.9**4 / 16, 2.0), (1 - 1e-6, 0.9), (0.01, 0.9 * 0.01**-0.25)],
)
def test_steps_grow_with_the_root_of_the_error_but_not_too_fast(error: float, factor: float) -> None:
    found = Method([error]).run(h=0.1, look=True)
    assert (found.status, found.h, found.clock[2], found.clock[3]) == (LOOK, 0.1, 1, 0)
    assert found.following == pytest.approx(0.1 * factor, rel=1e-6)
    assert found.clock[4] == 20


@pytest.mark.parametrize(
    ("error", "factor"), [(1.0, 0.9), (16.0, 0.45), (1e6, 0.2), (1e29, 0.2), (1e30, 0.1), (np.nan, 0.1), (np.inf, 0.1)]
)
def test_steps_of_too_large_an_error_are_made_again(error: float, factor: float) -> None:
    found = Method([error, 1e-8]).run(h=0.1)
    assert (found.status, found.clock[2], found.clock[3]) == (RUNNING, 0, 1)
    assert found.h == pytest.approx(0.1 * factor)
    again = Method([error, 1e-8]).run(h=0.1, budget=2, look=True)
    assert again.following == pytest.approx(0.1 * factor)  # growth by 1 after a refusal


@pytest.mark.parametrize(("doubt", "refused"), [(99.0, False), (101.0, True), (300.0, True), (4e4, True)])
def test_a_step_that_has_grown_and_errs_far_inside_is_refused(doubt: float, refused: bool) -> None:
    def tried(before: float) -> SimpleNamespace:
        method = Method([0.5], [doubt])
        method.clock[8] = before
        return method.run(h=0.2, look=True)

    assert tried(0.16).status == tried(0.0).status == LOOK
    found = tried(0.15)
    assert (found.status, found.clock[3], found.clock[4]) == (RUNNING if refused else LOOK, int(refused), 27)
    if refused:
        assert found.h == pytest.approx(0.2 * max(0.5, 0.9 * (100 / doubt) ** 0.5))


def test_ends() -> None:
    found = Method([1e-3]).run(end=0.1, h=0.06, budget=9)
    assert found.status == REACHED
    assert found.y == pytest.approx(np.exp(-0.1) * Method().start)
    assert Method().run(h=0.1, bound=1.5).status == DIVERGED
    assert Method([5.0]).run(t=1.0, end=2.0, h=1e-3, budget=999).status == STUCK
    negative = Method()
    negative.refused = lambda *_: True
    assert negative.run(t=1.0, end=2.0, h=1e-3, budget=999).status == NEGATIVE


@pytest.mark.parametrize("spare", [0, 2, 3, 8])
def test_outputs_inside_a_step_are_those_of_the_interpolant(spare: int) -> None:
    method = Method([0.5], spare=spare)
    h, times = 0.1, np.array([0.0, 0.02, 0.05, 0.09])
    found = method.run(h=h, times=times)
    s, step = (times / h)[:, None], np.expm1(-h) * method.start
    inside = method.start + s * (step + (1 - s) * (-h * method.start - step))
    np.testing.assert_allclose(found.rows, inside, rtol=1e-14)
    assert (found.row, method.densified) == (4, 1)
    assert found.clock[4] == 20 + 7


@pytest.mark.parametrize(("doubt", "parts"), [(1.9, 1), (2.1, 5), (9.9, 10), (1e3, 16), (1e30, 1)])
def test_where_the_inside_is_in_doubt_the_step_is_made_again_in_parts(doubt: float, parts: int) -> None:
    method = Method([0.5], [doubt])
    found = method.run(h=0.1, times=[0.05])
    assert method.densified == (1 if parts == 1 else 1 + parts)
    assert found.clock[4] == 27 * (1 if parts == 1 else 1 + parts)
    assert abs(found.rows[0, 0] - 2 * np.exp(-0.05)) < 2e-3 / parts**1.5
    end = Method([0.5], [doubt])
    assert end.run(h=0.1, times=[0.1]).row == 1
    assert end.densified == 1  # its end needs no interpolant


def test_a_combination_of_stages_in_blocks_is_that_of_few_entries() -> None:
    space: dict[str, Any] = {}
    exec(f"{NUMPY.header}\n\n{COMBINE}", space)  # generated here
    rng = np.random.default_rng(1)
    table = rng.standard_normal((2, 5)) * [1, 0, 1, 1, 0]
    for size in (1, 15, 16, 600):
        y, K, out = rng.standard_normal(size), rng.standard_normal((5, size)), np.zeros(size)
        for count in range(6):
            space["combine"](out, y, 0.3, table, 1, K, count)
            np.testing.assert_allclose(out, y + 0.3 * table[1, :count] @ K[:count], rtol=1e-12, atol=1e-12)
