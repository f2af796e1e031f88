"""What rounding leaves of a zero eigenvalue is zero: rank-deficient matrices have the limits of their range."""

import warnings

import numpy as np
import pytest

import symhigh as sh
from symhigh.population.eigenvalues import apportion


def deficient(n: int, d: int, seed: int = 1) -> np.ndarray:
    A = np.random.default_rng(seed).standard_normal((n, d))
    return A.T @ A / n


def on_its_range(K: np.ndarray, rank: int) -> sh.Spectrum:
    """The second route: the other Gram matrix has the same positive eigenvalues, and none that is zero."""
    values, weights = np.linalg.eigvalsh(K)[-rank:], np.full(rank, 1 / len(K))
    return sh.Spectrum.from_eigenvalues([0.0, *values], [1 - rank / len(K), *weights])


@pytest.mark.filterwarnings("ignore::symhigh.EffectiveDimensionWarning")
def test_line_search_on_a_rank_deficient_covariance():
    spectrum = sh.Spectrum.from_covariance(deficient(3, 4))
    assert (spectrum.values == 0).sum() == 1
    found = sh.limits(sh.least_squares(), sh.LineSearch(), spectrum)
    assert float(found["learning_rate"].evaluate()) == pytest.approx(0.253363399, abs=5e-10)


@pytest.mark.filterwarnings("ignore::symhigh.EffectiveDimensionWarning")
@pytest.mark.parametrize(("n", "d"), [(2, 5), (6, 7), (40, 60)])
@pytest.mark.parametrize("rule", [sh.LineSearch(), sh.Constant(0.2)])
def test_limits_are_those_of_the_range(n, d, rule):
    K = deficient(n, d, seed=n)
    exact = sh.limits(sh.least_squares(), rule, on_its_range(K, n))
    for spectrum in (sh.Spectrum.from_covariance(K), sh.Spectrum.from_eigenvalues(np.linalg.eigvalsh(K))):
        found = sh.limits(sh.least_squares(), rule, spectrum)
        for name in ("learning_rate", "rate"):
            assert float(found[name].evaluate()) == pytest.approx(float(exact[name].evaluate()), rel=1e-9)


@pytest.mark.filterwarnings("ignore::symhigh.EffectiveDimensionWarning")
def test_single_precision_rounds_to_its_own_precision():
    K = deficient(20, 30, seed=3).astype(np.float32)
    for spectrum in (sh.Spectrum.from_covariance(K), sh.Spectrum.from_eigenvalues(np.linalg.eigvalsh(K))):
        assert np.isclose(spectrum.weights[spectrum.values == 0].sum(), 10 / 30)


@pytest.mark.filterwarnings("ignore::symhigh.EffectiveDimensionWarning")
def test_a_negative_eigenvalue_tells_how_large_the_rounding_was():
    """A matrix off by 1e-12, as a long sum is: its smallest positive eigenvalue is of that size, too."""
    Q = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))[0]
    K = Q @ np.diag([1.0, 0.5, 8e-13, -1e-12]) @ Q.T
    assert sorted(sh.Spectrum.from_covariance(K).values)[0] == 0
    assert (sh.Spectrum.from_covariance(K).values > 0).sum() == 2
    with pytest.raises(ValueError, match="K has the eigenvalue -1e-08"):
        sh.Spectrum.from_covariance(Q @ np.diag([1.0, 0.5, 0.2, -1e-8]) @ Q.T)


def test_a_gap_tells_rounding_from_small_eigenvalues():
    tail = np.arange(1, 200_001) ** -2.0
    assert sh.Spectrum.from_eigenvalues(tail).values.min() == tail[-1]
    kept = sh.Spectrum.from_eigenvalues([1e-20, 1.0], [0.5, 0.5])
    assert kept.values.tolist() == [1e-20, 1]
    with pytest.warns(RuntimeWarning, match=r"1 eigenvalues, up to 1e-20, .* give weights"):
        assert sh.Spectrum.from_eigenvalues([1e-20, 1.0]).values.tolist() == [0, 1]
    assert sh.Spectrum.from_eigenvalues([-2e-16, 3e-17, 1.0]).values.tolist() == [0, 1]
    assert sh.Spectrum.from_eigenvalues([-1e-16, 1.0], [0.5, 0.5]).values.tolist() == [0, 1]


@pytest.mark.parametrize("values", [[-1e-12, 1], [-2e-15, 1], [1.0, np.inf]])
def test_what_rounding_does_not_explain_is_refused(values):
    with pytest.raises(ValueError, match=r"is not allowed|must be finite"):
        sh.Spectrum.from_eigenvalues(values)


def test_shares_are_whole_and_within_one():
    weights = np.array([0.31, 0.02, 0.47, 0.2])
    for total in (3, 10, 1000):
        found = apportion(weights, total)
        assert found.sum() == total
        assert np.abs(found - total * weights).max() < 1


def test_nothing_is_said_of_a_full_rank_list():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sh.Spectrum.from_eigenvalues(np.linspace(0.1, 1, 50))
