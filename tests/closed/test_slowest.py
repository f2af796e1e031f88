"""The slowest rate under a forgetting memory, against dense eigenvalues of the linearised limit and known values."""

import mpmath
import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed import slowest
from symhigh.closed.slowest import SlowestMode, zeros

RULE = sh.RMSpropNorm(0.9, 0.7, 0.8)


def dense(g: float, a: float, lam: np.ndarray, w: np.ndarray) -> np.ndarray:
    """All eigenvalues of the limit linearised at rest (p = 2, I = Q + ω²), by LAPACK, in order of their real parts."""
    matrix = np.diag(np.append(2 * g * lam, a))
    matrix[:-1, :-1] -= np.outer(lam, g**2 * w * lam)
    matrix[:-1, -1], matrix[-1, :-1] = lam, -a / 2 * g**2 * w * lam
    values = np.linalg.eigvals(matrix)
    return values[np.argsort(values.real)]


def dense_in_digits(g: float, a: float, lam: np.ndarray, w: np.ndarray) -> float:
    """The least real part of these eigenvalues, by mpmath: LAPACK loses it beside the largest where it is small."""
    with mpmath.workdps(40):
        size, (g, a), (lam, w) = len(lam), map(mpmath.mpf, (g, a)), (list(map(mpmath.mpf, part)) for part in (lam, w))
        matrix = mpmath.diag([2 * g * each for each in lam] + [a])
        for i in range(size):
            for j in range(size):
                matrix[i, j] -= lam[i] * g**2 * w[j] * lam[j]
            matrix[i, size], matrix[size, i] = lam[i], -a / 2 * g**2 * w[i] * lam[i]
        return float(min(mpmath.re(e) for e in mpmath.eig(matrix, left=False, right=False)))


def test_the_slowest_zero_is_the_slowest_eigenvalue_of_random_limits():
    rng, complex_ones = np.random.default_rng(0), 0
    for _ in range(400):
        n = int(rng.integers(2, 9))
        lam, w = np.exp(rng.uniform(-3, 1, n)), rng.dirichlet(np.ones(n))
        g, a = rng.uniform(0.02, 1) * 2 / (w @ lam), np.exp(rng.uniform(-4, 3))
        first = min(zeros(g, a, 2.0, 1.0, tuple(lam), tuple(w)), key=lambda z: z.real)
        exact = dense(g, a, lam, w)[0]
        assert first.real == pytest.approx(exact.real, rel=1e-8)
        complex_ones += abs(exact.imag) > 0
    assert 20 < complex_ones < 380


def test_all_zeros_that_are_given_are_eigenvalues():
    """The lowest of the bracketed ones and the last two, for any number of modes, equal ones and α on either side."""
    rng = np.random.default_rng(4)
    for case in range(60):
        n = int(rng.integers(1, 7))
        lam, w = np.exp(rng.uniform(-2, 1, n)), rng.dirichlet(np.ones(n))
        if case % 5 == 0:
            lam[-1] = lam[0]
        g = rng.uniform(0.05, 0.95) * 2 / (w @ lam)
        poles = np.unique(2 * g * lam)
        a = 2 * float(rng.choice([0.3 * poles[0], 0.5 * (poles[0] + poles[-1]), 3 * poles[-1]])) * rng.uniform(0.9, 1.1)
        found = zeros(g, a, 2.0, 1.0, tuple(lam), tuple(w))
        exact = dense(g, a, lam, w)
        assert all(np.abs(exact - z).min() < 1e-7 * abs(z) for z in found)
        above = a / 2 > poles[-1]
        pair = 0 if above else 1 if found[-1].imag else 2  # of two complex ones the upper
        assert len(found) == pair + min(1, len(poles) - (not above))
        if len(poles) <= 2 and not above:
            total = sum(z.real * (2 if z.imag else 1) for z in found)
            shared = 0 if len(lam) == len(poles) else 2 * g * lam[0]
            assert total == pytest.approx(exact.real.sum() - shared, rel=1e-8)


def test_a_pole_at_half_the_forgetting_is_a_zero_or_not_in_the_way():
    lam, w, g = np.array([0.25, 1.0, 2.0]), np.full(3, 1 / 3), 0.5
    for a in (0.5, 2.0, 4.0):  # α/2 = 2γλ_1, 2γλ_2, 2γλ_3
        first = min(zeros(g, a, 2.0, 1.0, tuple(lam), tuple(w)), key=lambda z: z.real)
        assert first.real == pytest.approx(dense(g, a, lam, w)[0].real, rel=1e-10)


def rate_and_limit(spectrum: sh.Spectrum, rule: sh.RMSpropNorm = RULE) -> tuple[float, float]:
    found = sh.limits(sh.least_squares(0.7), rule, spectrum)
    return float(found["rate"].evaluate()), float(found["learning_rate"].evaluate())


@pytest.mark.parametrize(
    ("smallest", "value"), [(1e-3, 0.001539754381196), (1e-9, None), (1e-14, None), (0.4, None)]
)
def test_rate_at_small_eigenvalues(smallest, value):
    lam, w = np.array([smallest, 1.0, 2.0]), np.array([0.2, 0.4, 0.4])
    rate, g = rate_and_limit(sh.Spectrum.from_eigenvalues(lam, w))
    assert rate == pytest.approx(dense_in_digits(g, 0.8, lam, w), rel=1e-11, abs=0)
    if value is not None:
        assert rate == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.9, 0.99, 1.5, 2.0])
def test_on_marchenko_pastur_the_end_of_the_bulk_decays_most_slowly(ratio):
    rate, g = rate_and_limit(sh.Spectrum.marchenko_pastur(ratio))
    assert rate == pytest.approx(2 * g * (1 - np.sqrt(ratio)) ** 2, rel=1e-12)
    if ratio == 0.5:
        assert rate == pytest.approx(0.148572974273, rel=1e-11)


@pytest.mark.parametrize(("ratio", "forgets"), [(0.01, 0.5), (0.01, 2.0), (0.01, 0.1), (5.0, 0.8)])
def test_on_marchenko_pastur_isolated_rates_and_pairs_are_found(ratio, forgets):
    """Below the bulk the resolvent is analytic, and a rule of nodes finds the same zeros."""
    law = sh.Spectrum.marchenko_pastur(ratio)
    rate, g = rate_and_limit(law, sh.RMSpropNorm(0.9, 0.7, forgets))
    inside = law.values > 0
    assert rate == pytest.approx(dense(g, forgets, law.values[inside], law.weights[inside])[0].real, rel=1e-8)
    assert rate < 0.99 * 2 * g * (1 - np.sqrt(ratio)) ** 2


@pytest.mark.parametrize("ratio", [0.01, 0.1, 0.3, 0.9, 1.5, 4.0])
def test_on_marchenko_pastur_at_every_rate_below_the_threshold(ratio):
    """Isolated zeros and pairs against the matrix of a rule of nodes; else the end of the bulk, free of rounding."""
    law = sh.Spectrum.marchenko_pastur(ratio)
    inside = law.values > 0
    lam, w = law.values[inside], law.weights[inside]
    measure = sp.Tuple(sp.Tuple(*map(sp.Float, lam)), sp.Tuple(*map(sp.Float, w)))
    for g in (0.1, 0.6, 1.4, 1.9):
        for a in (0.02, 0.1, 0.6, 3.0, 15.0):
            rate = float(SlowestMode(sp.Float(g), sp.Float(a), 2, 1, measure, sp.Float(ratio)).evalf(20))
            end = 2 * g * (1 - np.sqrt(ratio)) ** 2
            values = dense(g, a, lam, w).real
            assert rate == pytest.approx(min(end, values.min()), rel=1e-7), (g, a)


def test_no_rate_where_the_spectrum_reaches_zero():
    found = sh.limits(sh.least_squares(0.7), RULE, sh.Spectrum.marchenko_pastur(1))
    with pytest.raises(KeyError, match="'rate' is no formula of this limit"):
        found["rate"]


def test_up_to_two_thousand_modes(monkeypatch: pytest.MonkeyPatch) -> None:
    def reached(*given: object) -> None:
        raise RuntimeError("the zeros are looked for")

    monkeypatch.setattr(slowest, "zeros", reached)
    for count, kind, words in ((2000, RuntimeError, "looked for"), (2001, ValueError, "the rate of 2001 modes")):
        with pytest.raises(kind, match=words):
            slowest._slowest([1, 1, 2, 1], [1] * count, [1] * count, 0)
