"""Eigenvalues as they are computed: what is rounding, what is refused, and whole numbers that keep a measure."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.population.eigenvalues import apportion, precision, rounding, settled, without_rounding

EPS = 2.0**-52


def test_precision_is_that_of_the_type_given() -> None:
    assert precision(np.ones(2, np.float32)) == 2.0**-23
    assert precision(np.ones(2)) == precision([1, 2]) == precision(np.ones(2, int)) == EPS


def test_rounding_of_a_matrix() -> None:
    assert rounding(np.array([3.0, -7.0, 1.0]), EPS) == 3 * EPS * 7
    assert rounding(np.array([3.0, 1.0]), 2.0**-23) == 2 * 2.0**-23 * 3
    assert rounding(np.array([3.0, 1.0]), 0.0) == 2 * EPS * 3


def test_what_rounding_leaves_of_zero() -> None:
    values = np.array([-1e-11, 2e-11, 0.5, 1.0])
    assert without_rounding("f", values, EPS).tolist() == [0, 2e-11, 0.5, 1.0]
    assert without_rounding("f", np.array([-1e-11, 1e-11, 0.5, 1.0]), EPS).tolist() == [0, 0, 0.5, 1.0]
    assert without_rounding("f", np.array([3 * EPS, 4.1 * EPS, 0.5, 1.0]), EPS).tolist() == [0, 4.1 * EPS, 0.5, 1.0]
    with pytest.raises(ValueError, match="f: K has the eigenvalue -2e-10, all must be >= 0"):
        without_rounding("f", np.array([-2e-10, 0.5, 1.0]), EPS)
    with pytest.raises(ValueError, match="f: K has eigenvalues beyond the range of doubles"):
        without_rounding("f", np.array([np.inf, 1.0]), EPS)
    with pytest.raises(ValueError, match="f: all eigenvalues of K are zero; at least one must be > 0"):
        without_rounding("f", np.zeros(3), EPS)
    assert without_rounding("f", np.array([-2e-7, 0.5, 1.0]), 2.0**-20).tolist() == [0, 0.5, 1.0]


def test_listed_eigenvalues_are_settled() -> None:
    assert settled("f", np.array([0.0, 1.0]), EPS, True).tolist() == [0, 1]
    assert settled("f", np.array([-EPS, 1.0]), EPS, False).tolist() == [0, 1]  # weighed: the small is kept
    assert settled("f", np.array([EPS, 1.0]), EPS, False).tolist() == [EPS, 1]
    assert settled("f", np.array([-EPS, EPS, 1.0]), EPS, True).tolist() == [0, 0, 1]
    assert settled("f", np.array([3 * EPS, 100 * EPS, 1.0]), EPS, True).tolist() == [3 * EPS, 100 * EPS, 1]  # no gap
    with pytest.warns(RuntimeWarning, match="f: 2 eigenvalues, up to 6.66e-16, are within rounding of zero"):
        assert settled("f", np.array([EPS, 3 * EPS, 1.0]), EPS, True).tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1.0, np.inf], "eigenvalue inf is not allowed"),
        ([np.nan, 1.0], "eigenvalue nan is not allowed"),
        ([-0.5, 1.0], r"f\(values=-0.5\): values must be >= 0, up to rounding, 4.4e-16"),
        ([0.0, 0.0], "all eigenvalues are zero"),
    ],
)
def test_refusals(values: list[float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        settled("f", np.array(values), EPS, True)


def test_shares_may_be_symbols_where_eigenvalues_are_numbers() -> None:
    share = sp.Symbol("a", positive=True)
    spectrum = sh.Spectrum.from_eigenvalues([1, 2.0], [share, 1 - share])
    assert spectrum.is_symbolic
    assert sp.expand(spectrum.moment(1) - (2 - share)) == 0
    with pytest.raises(ValueError, match=r"solve\(spectrum=…\): the spectrum still has symbols"):
        spectrum.numeric("solve")


def test_shares_keep_the_measure_from_end_to_end() -> None:
    assert apportion(np.array([0.5, 0.3, 0.2]), 10).tolist() == [5, 3, 2]
    assert apportion(np.array([2.5, 1.5, 1.0]), 10).tolist() == [5, 3, 2]  # weights need not sum to one
    assert apportion(np.full(8, 1 / 8), 4).tolist() == [0, 1, 1, 0, 0, 1, 1, 0]  # halves go to even totals
