"""The steps to the symmetric plateau on a committee of two: orbits, deviations, slopes through the layers."""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.finder import DoesNotApply
from symhigh.closed.fixed_points import RATE
from symhigh.closed.flow import Flow, flow_of
from symhigh.closed.linearised import at_rate
from symhigh.closed.plateau import (
    _along,
    _leading_growth,
    alike,
    apart,
    check_symmetric,
    coincidence,
    doubly_centred,
    plateau_limits,
)
from symhigh.symbols import risk
from tests.closed.test_linearised import STEP, near, numeric

R = sp.Rational
TWO = sh.Spectrum.from_eigenvalues([1.5, 0.5])


@lru_cache(maxsize=2)
def flow(modes: int) -> Flow:
    """The committee of the other tests with orthonormal targets."""
    return flow_of(near(0).flow.system, TWO if modes == 2 else sh.Spectrum.isotropic(), None)


def kinds() -> tuple[list[int], list[int], list[int], dict[Any, int]]:
    """Places of ``<v, v>``, ``<v, w>`` and ``<v, n>`` in a mode, and every place by its pair."""
    learnt, aims = flow(1).system.field.learnt, flow(1).system.field.targets
    place = {frozenset(pair): k for k, pair in enumerate(flow(1).pairs)}
    own = [place[frozenset((v,))] for v in learnt]
    return own, [place[frozenset(learnt)]], [place[frozenset((v, n))] for v in learnt for n in aims], place


@pytest.mark.parametrize("modes", [1, 2])
def test_students_start_apart_and_unknowns_are_kept_equal(modes: int) -> None:
    own, across, aims, _ = kinds()
    at = flow(modes)
    meeting = {u: sp.Integer(k + 1) for k, u in enumerate(at.unknowns)}
    start, fold = apart(at, meeting)
    wanted = [sp.Integer(k + 1) * (R(3, 2) if k % 7 in own else 1) for k in range(7 * modes)]
    assert start == wanted
    columns = {tuple(k for k in range(7 * modes) if fold[k, c] == 1) for c in range(fold.cols)}
    groups = [tuple(sorted(i * 7 + k for k in group)) for i in range(modes) for group in (own, across, aims)]
    assert columns == set(groups)
    assert fold.shape == (7 * modes, 3 * modes)
    assert sum(fold) == 7 * modes


@pytest.mark.parametrize("modes", [1, 2])
def test_deviations_with_zero_sums(modes: int) -> None:
    _, _, _, place = kinds()
    (one, two), (first, second) = flow(1).system.field.learnt, flow(1).system.field.targets
    found = doubly_centred(flow(modes))
    assert found.shape == (7 * modes, modes)
    for mode in range(modes):
        column = {k: v for k, v in enumerate(found[:, mode]) if v != 0}
        assert column == {
            7 * mode + place[frozenset((v, n))]: sign
            for v, n, sign in ((one, first, 1), (one, second, -1), (two, first, -1), (two, second, 1))
        }


def test_where_students_coincide() -> None:
    """``κ² = 1/(K (2K - 1))`` of Saad and Solla, K = 2; the flow without noise stands still there."""
    kappa = coincidence(flow(1))
    assert kappa == 1 / sp.sqrt(6)
    vectors = alike(flow(1), kappa)
    assert set(vectors) == set(flow(1).system.field.learnt)
    assert all(list(row.values()) == [kappa, kappa] for row in vectors.values())
    meeting = flow(1).at(vectors)
    assert sorted(map(float, (meeting[u] for u in flow(1).unknowns))) == pytest.approx([1 / 3] * 3 + [6**-0.5] * 4)


def test_slopes_through_the_layers_are_differences() -> None:
    at, function = flow(1), numeric(flow(1))
    point = at.at(alike(at, R(2, 5)))
    point = {u: e + R(k, 50) for k, (u, e) in enumerate(point.items())}
    known = at_rate(at, point)
    middle = np.array([float(point[u]) for u in at.unknowns])
    for k, unknown in list(enumerate(at.unknowns))[::3]:
        h = 1e-5 * np.eye(7)[k]
        (up, above), (down, below) = function(middle + h), function(middle - h)
        for row in (0, 3):
            found = float(_along(at, known, at.velocity[row], unknown).subs(RATE, STEP))
            assert found == pytest.approx((up[row] - down[row]) / 2e-5, abs=1e-8)
        value = dict(at.layers)[risk]
        assert float(_along(at, known, value, unknown).subs(RATE, STEP)) == pytest.approx(
            (above - below) / 2e-5, abs=1e-8
        )
    assert _along(at, known, sp.Integer(3), at.unknowns[0]) == 0


def test_the_leading_growth_is_that_of_saad_and_solla() -> None:
    at = flow(1)
    point = at.at(alike(at, coincidence(at)))
    known = at_rate(at, point)
    span = sp.ImmutableMatrix(doubly_centred(at))
    growth = _leading_growth(at, known, span)
    assert growth is not None
    exact = 2 / np.pi * 2 / (np.sqrt(3) * np.sqrt(5) ** 3)
    assert float(growth) == pytest.approx(exact, rel=1e-12)
    two = flow(2)
    assert _leading_growth(two, {}, sp.ImmutableMatrix(doubly_centred(two))) is None
    more: Any = SimpleNamespace(system=SimpleNamespace(field=SimpleNamespace(coordinates=(1, 2, 3, 4), learnt=(1, 2))))
    assert _leading_growth(more, {}, span) is None


def test_problems_without_a_symmetric_plateau() -> None:
    check_symmetric(flow(1))
    with pytest.raises(DoesNotApply, match="exchanging two targets changes the problem"):
        check_symmetric(near(0).flow)  # one target is longer than the other
    memory: Any = SimpleNamespace(system=SimpleNamespace(states=(1,)))
    with pytest.raises(DoesNotApply, match="this one comes from a memory"):
        plateau_limits(memory, ())
