"""Effective dimension and real rows: who is warned, and when SGD on the rows themselves is stable."""

import warnings

import numpy as np
import pytest
from scipy.optimize import brentq

import symhigh as sh
from symhigh.population.dimension import effective_dimension


def heavy_rows(n: int = 12, d: int = 4, seed: int = 0) -> np.ndarray:
    """Synthetic rows with one leading direction and heavy tails, as standardised images have."""
    rng = np.random.default_rng(seed)
    return rng.standard_t(3, (n, d)) * np.array([3.0, 1.0, 0.7, 0.2])[:d]


def radius_of_the_step(rows: np.ndarray, rate: float, batch: int = 1) -> float:
    """The spectral radius of the d² × d² matrix of one step of the second moments."""
    n, d = rows.shape
    eye, K = np.eye(d), rows.T @ rows / n
    step = -(rate / d) * (np.kron(K, eye) + np.kron(eye, K)) + np.eye(d * d)
    fourth = sum(np.kron(np.outer(a, a), np.outer(a, a)) for a in rows) / n
    step = step + (rate / d) ** 2 * (fourth / batch + (1 - 1 / batch) * np.kron(K, K))
    return float(np.abs(np.linalg.eigvals(step)).max())


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_stable_rate_is_where_the_step_ceases_to_contract(seed, batch):
    rows = heavy_rows(seed=seed)
    edge = brentq(lambda g: radius_of_the_step(rows, g, batch) - 1, 1e-3, 10.0, xtol=1e-12)
    assert sh.stable_rate(rows, batch) == pytest.approx(edge, rel=1e-7)


def test_stable_rate_of_gaussian_rows_tends_to_that_of_gaussian_moments():
    """For Gaussian samples Σ gλ/(1 - gλ) = 2 with g = γ/d; here the rows are many, d small, K = I: g = 2/(d + 2)."""
    rows = np.random.default_rng(4).standard_normal((40_000, 5))
    assert sh.stable_rate(rows) == pytest.approx(5 * 2 / 7, rel=0.03)


def test_directions_without_rows_do_not_matter():
    rows = heavy_rows(6, 3)
    wide = np.hstack([rows, np.zeros((6, 3))])
    assert sh.stable_rate(wide) == pytest.approx(2 * sh.stable_rate(rows), rel=1e-8)
    few = heavy_rows(3, 4)
    assert np.isfinite(sh.stable_rate(few))


def test_rows_with_few_dimensions_warn_with_their_stable_rate():
    rows = heavy_rows(50, 4)
    with pytest.warns(sh.EffectiveDimensionWarning, match="on the given rows is stable below the rate"):
        spectrum = sh.Spectrum.from_data(rows)
    assert spectrum.stable_rate == pytest.approx(sh.stable_rate(rows))
    assert spectrum.stable_rate < 2 / spectrum.moment(1)
    K = rows.T @ rows / 50
    assert effective_dimension(spectrum) == pytest.approx(np.trace(K) / np.linalg.eigvalsh(K)[-1])
    for use in (
        lambda: sh.derive(sh.least_squares(), sh.Constant(0.1)).solve(spectrum, sh.Start(), 1.0),
        lambda: sh.limits(sh.least_squares(), sh.Constant(0.1), spectrum),
    ):
        with pytest.warns(sh.EffectiveDimensionWarning, match=r"λ_max/d = .* γ"):
            use()


def test_rows_with_heavy_tails_are_told_of_in_any_dimension():
    """Rows of two lengths: E |a|⁴/(E |a|²)² = 1.64 divides the stable rate, K as before."""
    rng = np.random.default_rng(5)
    rows = rng.standard_normal((1000, 60)) * rng.choice([0.6, 1.8], (1000, 1))
    with pytest.warns(
        sh.EffectiveDimensionWarning, match="by their fourth moments, the limit below 2/τ"
    ) as seen:
        spectrum = sh.Spectrum.from_data(rows)
    assert "effective dimension" not in str(seen[0].message)
    assert spectrum.stable_rate == pytest.approx(2 / spectrum.moment(1) / 1.64, rel=0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain = sh.Spectrum.from_data(rng.standard_normal((1000, 60)))
    assert plain.stable_rate == pytest.approx(2 / plain.moment(1), rel=0.1)


def test_the_stable_rate_of_rows_is_left_out_where_it_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(5).standard_normal((40, 30))
    for most, is_given in ((40 * 30**2, True), (40 * 30**2 - 1, False)):
        monkeypatch.setattr("symhigh.population.spectrum.MOST_WORK", most)
        with pytest.warns(sh.EffectiveDimensionWarning):
            assert (sh.Spectrum.from_data(rows).stable_rate is not None) is is_given


def test_the_size_named_is_the_term_that_the_limit_drops():
    """One mode of the exact mean at finite d: its decay is 2γλ - 2γ²λ²/d - …; the limit keeps 2γλ."""
    with pytest.warns(sh.EffectiveDimensionWarning, match=r"d = 3.* = 0\.667 γ of the decay") as seen:
        sh.Spectrum.from_covariance(np.diag([2.0, 1.0, 0.5]))
    assert "0.57 of it at" in str(seen[0].message)


def test_measures_and_many_dimensions_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for spectrum in (
            sh.Spectrum.from_eigenvalues([0.5, 1, 2]),
            sh.Spectrum.isotropic(),
            sh.Spectrum.from_covariance(np.eye(40)),
            sh.Spectrum.from_eigenvalues(2.0 ** -np.arange(40)),
        ):
            sh.limits(sh.least_squares(), sh.Constant(0.1), spectrum)


def test_vectors_tell_the_dimension_of_a_list():
    spectrum, X = sh.Spectrum.from_eigenvalues(2.0 ** -np.arange(40)), np.ones(40) / np.sqrt(40)
    start = sh.Start.from_vectors(0 * X, X)
    with pytest.warns(sh.EffectiveDimensionWarning, match="limits: the effective dimension tr K/λ_max is 2 "):
        sh.limits(sh.least_squares(), sh.Constant(0.1), spectrum, start)
    with pytest.warns(sh.EffectiveDimensionWarning, match="solve: the effective"):
        sh.derive(sh.least_squares(), sh.Constant(0.1)).solve(spectrum, start, 1.0)


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (np.zeros((3, 2)), ValueError, "not all zero"),
        (np.ones(3), ValueError, "must be"),
        ([[1.0, np.nan]], ValueError, "finite"),
        ([[1 + 2j]], TypeError, "real numbers"),
        ([["1"]], TypeError, "real numbers"),
    ],
)
def test_bad_rows_are_refused(rows, error, message):
    with pytest.raises(error, match=message):
        sh.Spectrum.from_data(rows)


@pytest.mark.parametrize(("d", "said"), [(19, True), (20, False)])
def test_twenty_dimensions_are_enough(d: int, said: bool) -> None:
    with warnings.catch_warnings(record=True) as words:
        warnings.simplefilter("always")
        sh.Spectrum.from_covariance(np.eye(d))
    assert [w.category for w in words] == [sh.EffectiveDimensionWarning] * said
