"""Which smaller runs stand beside a comparison, on populations made by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import symhigh as sh
from symhigh.ledger import companions as module
from symhigh.ledger.companions import _MANY, companions, effective_dimension, enough, plan, thinned


def runs(d: int, origin: tuple[Any, ...], values: list[float], diverged: bool = False) -> Any:
    weights = np.full(len(values), 1 / len(values))
    population = SimpleNamespace(origin=origin, eigenvalues=np.array(values), weights=weights)
    return SimpleNamespace(d=d, seeds=(3, 4), population=population, messages={3: "x"} if diverged else {})


@pytest.fixture
def levels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Companions are told and not run; those at an eighth of d = 999 999 diverge."""

    def told(given: Any, level: int, d: int, seeds: range) -> Any:
        return SimpleNamespace(level=level, d=d, seeds=seeds, messages={1: "x"} if d == 999_999 // 8 else {})

    monkeypatch.setattr(module, "_smaller", told)


def test_companions_have_as_many_more_runs_as_their_dimension_is_smaller() -> None:
    assert plan(800, 800.0, (3, 5)) == ((4, 200, range(6, 14)), (8, 100, range(14, 30)))
    gentle = ((2, 400, range(6, 10)), (4, 200, range(10, 18)))
    assert plan(800, 800.0, (3, 5), gentle=True) == gentle
    assert plan(800, 8 * _MANY - 0.5, (3, 5)) == gentle
    assert plan(800, 8.0 * _MANY, (3, 5)) != gentle
    assert [k for k, *_ in plan(64, 1e9, (0,))] == [4, 8]
    assert [k for k, *_ in plan(63, 1e9, (0,))] == [2, 4]
    enough(8)
    with pytest.raises(ValueError, match=r"compare\(runs at d=7\): d must be >= 8"):
        enough(7)


@pytest.mark.usefixtures("levels")
def test_classes_of_few_coordinates_have_gentle_companions() -> None:
    four = sh.NetworkClasses([1.0, 1.0, 1.0, 1.0], [1, -0.5, 1, -0.5], 1.2, 0.2)
    edge = 8 * _MANY * 4
    assert [r.level for r in companions(runs(edge, (four,), [1.0] * 4))] == [4, 8]
    assert [r.level for r in companions(runs(edge - 1, (four,), [1.0] * 4))] == [2, 4]
    assert [r.level for r in companions(runs(edge, (four,), [1.0] * 4), 1)] == [8]
    spectrum = (sh.Spectrum.isotropic(), sh.Start())
    assert [r.level for r in companions(runs(8 * _MANY, spectrum, [1.0]))] == [4, 8]
    assert [r.level for r in companions(runs(999_999, spectrum, [1.0]))] == [2, 4]  # those at d/8 diverged
    assert [r.level for r in companions(runs(999_999, spectrum, [1.0], diverged=True))] == [4, 8]


def test_the_effective_dimension_is_the_trace_over_the_largest_eigenvalue() -> None:
    assert effective_dimension(runs(100, (None,), [3.0, 1.0])) == pytest.approx(100 * 2 / 3)


def test_thinned_spectra_keep_one_of_each_pair_with_its_mode() -> None:
    values = np.array([4.0, 1.0, 3.0, 2.0, 6.0, 5.0])
    X0, X_star = np.arange(6.0) + 1, -np.arange(6.0) - 1
    half, start = thinned(sh.Spectrum.from_eigenvalues(values), sh.Start.from_vectors(X0, X_star), 6)
    kept = np.sort(half.eigenvalues(3))
    assert [k in pair for k, pair in zip(kept, ((1, 2), (3, 4), (5, 6)), strict=True)] == [True] * 3
    assert isinstance(start, sh.Start)
    first, second = start.vectors(half, 3)
    places = [int(np.flatnonzero(values == v)[0]) for v in half.eigenvalues(3)]
    np.testing.assert_allclose(first, np.sqrt(2) * X0[places])
    np.testing.assert_allclose(second, -np.sqrt(2) * X0[places])
    plain = sh.Start(0.5, 1, 0.2)
    assert thinned(sh.Spectrum.from_eigenvalues(values), plain, 6)[1] is plain
