"""Problems, spectra and starts: their moments by a second route, and what they refuse."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

import symhigh as sh
from symhigh.population.spectrum import apportion
from symhigh.symbols import eps, x, x_star


@pytest.mark.parametrize("beta", [-1.0, 0.0, 0.2, 0.9])
def test_power_law_moments(beta: float) -> None:
    """∫λ^k dμ = (1-β)/(1-β+k), for the quadrature rule and for d quantiles."""
    spectrum = sh.Spectrum.power_law(beta)
    for k in (0, 0.5, 1, 2, 7):
        assert spectrum.moment(k) == pytest.approx((1 - beta) / (1 - beta + k), rel=1e-12)
    assert spectrum.eigenvalues(4000).mean() == pytest.approx((1 - beta) / (2 - beta), rel=1e-4)


@pytest.mark.parametrize("ratio", [0.1, 0.5, 1.0, 3.0])
def test_marchenko_pastur_moments(ratio: float) -> None:
    """1, 1, 1 + r, 1 + 3r + r²."""
    spectrum = sh.Spectrum.marchenko_pastur(ratio)
    for k, moment in enumerate([1, 1, 1 + ratio, 1 + 3 * ratio + ratio**2]):
        assert spectrum.moment(k) == pytest.approx(moment, rel=1e-12)
    assert (spectrum.eigenvalues(3000) ** 2).mean() == pytest.approx(1 + ratio, rel=1e-3)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.integers(2, 500))
def test_shares_are_whole_and_close(parts: list[int], total: int) -> None:
    weights = np.array(parts) / sum(parts)
    counts = apportion(weights, total)
    assert counts.sum() == total
    assert np.abs(counts - weights * total).max() <= 1 + 1e-9
    assert (np.abs(np.cumsum(counts - weights * total)) <= 0.5 + 1e-9).all()


@given(st.floats(0, 3), st.floats(0.1, 3), st.floats(-1, 1), st.integers(1, 40))
def test_spread_start_has_its_moments(x0: float, x_star: float, cosine: float, pairs: int) -> None:
    start = sh.Start(x0, x_star, cosine * np.sqrt(x0 * x_star))
    X0, X_star = start.vectors(sh.Spectrum.isotropic(), 2 * pairs)
    assert pytest.approx(x0, abs=1e-12) == X0 @ X0
    assert X_star @ X_star == pytest.approx(x_star)
    assert X0 @ X_star == pytest.approx(float(start.overlap), abs=1e-12)


def test_random_start_has_its_moments_on_average() -> None:
    """Means over 4000 coordinates, within five standard errors."""
    start = sh.Start(2.0, 1.0, 0.5, random=True)
    X0, X_star = start.vectors(sh.Spectrum.isotropic(), 4000, np.random.default_rng(1))
    assert pytest.approx(2.0, abs=5 * 2 * np.sqrt(2 / 4000)) == X0 @ X0
    assert X0 @ X_star == pytest.approx(0.5, abs=5 * np.sqrt((2 + 0.25) / 4000))


@pytest.mark.filterwarnings("ignore::symhigh.EffectiveDimensionWarning")
def test_vectors_are_rotated_into_the_eigenbasis() -> None:
    rng = np.random.default_rng(2)
    root = rng.standard_normal((6, 6))
    K, X0, X_star = root @ root.T, rng.standard_normal(6), rng.standard_normal(6)
    spectrum, start = sh.Spectrum.from_covariance(K), sh.Start.from_vectors(X0, X_star)
    v11, v12, v22 = start.modes(spectrum)
    average = lambda v: (spectrum.weights * spectrum.values * v).sum()  # noqa: E731
    assert average(v11) == pytest.approx(X0 @ K @ X0)
    assert average(v12) == pytest.approx(X0 @ K @ X_star)
    assert average(v22) == pytest.approx(X_star @ K @ X_star)


def test_power_law_start() -> None:
    spectrum = sh.Spectrum.power_law(0.2)
    v11, _, v22 = sh.Start.power_law(0.5).modes(spectrum)
    assert not v11.any()
    assert v22 == pytest.approx(spectrum.values**-0.5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sh.least_squares(-1), r"noise=-1.*>= 0"),
        (lambda: sh.least_squares(np.inf), "must be finite"),
        (lambda: sh.huber(0), "c must be > 0"),
        (lambda: sh.Problem(x_star**2), "must depend on the prediction"),
        (lambda: sh.Problem((x - sp.Symbol("q")) ** 2), r"foreign symbols \['q'\]"),
        (lambda: sh.Problem((sp.Symbol("x") - x_star) ** 2), "symbols of the same name"),
        (lambda: sh.Problem((x - sh.y) ** 2, labels={1: 0.5, -1: 0.6}), "sum to one"),
        (lambda: sh.Problem((x - sh.y) ** 2, labels={1: eps, -1: 1 - eps}), "may depend on sh.x_star only"),
        (lambda: sh.Spectrum.isotropic(0), "lam must be > 0"),
        (lambda: sh.Spectrum.from_eigenvalues([1, -1]), "values=-1.0.*must be >= 0"),
        (lambda: sh.Spectrum.from_eigenvalues([0, 0]), "all eigenvalues are zero"),
        (lambda: sh.Spectrum.from_eigenvalues([1, 2], [0.5, 0.6]), "sum to one"),
        (lambda: sh.Spectrum.from_eigenvalues([1, 2], [1.0]), "must match"),
        (lambda: sh.Spectrum.from_eigenvalues([]), "non-empty"),
        (lambda: sh.Spectrum.from_eigenvalues([np.nan]), "values must be finite"),
        (lambda: sh.Spectrum.power_law(1), "beta must be < 1"),
        (lambda: sh.Spectrum.marchenko_pastur(0), "ratio must be finite and > 0"),
        (lambda: sh.Spectrum.from_covariance([[1, 2]]), "must be square"),
        (lambda: sh.Spectrum.from_covariance([[1, 2], [0, 1]]), "symmetric"),
        (lambda: sh.Spectrum.from_covariance([[1, 2], [2, 1]]), "eigenvalue -1"),
        (lambda: sh.Start(-1), "x0 must be >= 0"),
        (lambda: sh.Start(1, 1, 2), "Cauchy-Schwarz"),
        (lambda: sh.Start.from_vectors([1, 2], [1]), "one length d"),
        (
            lambda: sh.Start.from_vectors([1, 2], [1, 1]).modes(sh.Spectrum.isotropic()),
            "need a spectrum of 2",
        ),
    ],
)
def test_refusals(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        make()


def test_text_is_never_parsed() -> None:
    for make in (
        lambda: sh.Problem("x**2"),
        lambda: sh.Constant("1"),
        lambda: sh.Schedule("exp(-t)"),
        lambda: sh.least_squares("omega"),
    ):
        with pytest.raises(TypeError):
            make()


def test_a_network_has_one_student_and_one_target() -> None:
    p, q = sp.symbols("p q", real=True)
    for directions in ({"students": (p, q)}, {"targets": (q,)}):
        with pytest.raises(ValueError, match="a network has one student"):
            sh.Problem((sh.x - sh.x_star) ** 2, model=sh.SQUARES, **directions)
    with pytest.raises(ValueError, match="distinct symbols"):
        sh.Problem((p - q) ** 2, students=(p, p), targets=(q,))
    with pytest.raises(ValueError, match="at least one student"):
        sh.Problem(q**2, students=(), targets=(q,))


@pytest.mark.parametrize("given", [("ab",), ((sh.x, 1, 2),), (("k", 1), "cd"), 3])
def test_pairs_are_pairs(given: object) -> None:
    with pytest.raises(TypeError, match=r"Problem\(parameters=.*parameters must be a mapping"):
        sh.Problem((sh.x - sh.x_star) ** 2, parameters=given)
    k = sp.Symbol("k", positive=True)
    kept = sh.Problem(k * (sh.x - sh.x_star) ** 2, parameters=((k, 2),)).parameters
    assert kept == sh.Problem(k * (sh.x - sh.x_star) ** 2, parameters={k: 2}).parameters
