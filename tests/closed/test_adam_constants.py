"""Adam's two constants against a Monte Carlo average of its own, and at their ends."""

import mpmath
import numpy as np
import pytest
from scipy.special import k0e, k1e

import symhigh as sh
from symhigh.closed.adam_constants import (
    _CHI,
    _LOG_PHI,
    _chi,
    _fitted,
    _log_phi,
    _Memory,
    _ratio_of_bessel_functions,
)


def by_chance(first: float, second: float, count: int = 400_000) -> list[tuple[float, float]]:
    """C₁ and C₂ with their standard errors, from a long path of squares alone: given them the signs are independent."""
    from scipy.signal import lfilter  # slow to import, and for this alone

    rng = np.random.default_rng(1)
    square = (rng.standard_normal(count) * rng.standard_normal(count)) ** 2
    cells = lfilter([1 - second], [1, -second], square)
    future = lfilter([1 - first], [1, -first], (1 / np.sqrt(cells))[::-1])[::-1]
    kept = slice(2000, -2000)
    blocks = [(square * future**n)[kept].reshape(-1, 2000).mean(axis=1) for n in (1, 2)]
    return [(b.mean(), b.std() / np.sqrt(b.size)) for b in blocks]


@pytest.mark.parametrize(("first", "second"), [(0, 0.9), (0.5, 0.9), (0.9, 0.99), (0.6, 0.3)])
def test_against_a_long_path(first: float, second: float) -> None:
    for value, (mean, error) in zip(sh.adam_constants(first, second), by_chance(first, second), strict=True):
        assert abs(value - mean) < 5 * error


def test_ends() -> None:
    assert sh.adam_constants(0, 0) == pytest.approx((2 / np.pi, 1), rel=1e-15)
    assert sh.adam_constants(0, 1e-9) == pytest.approx((2 / np.pi, 1), abs=2e-3)
    gaps = [1 - np.array(sh.adam_constants(0, 1 - h)) for h in (5e-4, 1e-3)]
    assert gaps[1] / gaps[0] == pytest.approx([2, 2], rel=0.02)  # → 1, RMSprop that forgets slowly


@pytest.mark.parametrize(("first", "second", "words"), [
    (1, 0.5, r"beta1.*< 1"), (-0.1, 0.5, r"beta1.*>= 0"), (0.5, 1.2, r"beta2.*< 1"), (0.5, 0, "has no variance"),
    (0.5, 0.99999, r"beta2 must be <= 0.9995.*rule Adam"), (0.999, 0.9, r"beta1 must be <= 0.995"),
])  # fmt: skip
def test_refusals(first: float, second: float, words: str) -> None:
    with pytest.raises(ValueError, match=rf"adam_constants.*{words}"):
        sh.adam_constants(first, second)


NODES = np.arange(0.0, 9.0, 0.01)
DENSITY = np.exp(-(NODES**2) / 2) * 0.01 * np.sqrt(2 / np.pi) * np.where(NODES == 0, 0.5, 1)


def averages(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``φ`` and ``χ`` from their definition: given one factor of g the average over the other is ``1/√(1 + 2a x²)``."""
    inner = 1 / (1 + 2 * a[..., None] * NODES**2)
    phi, slope = np.sqrt(inner) @ DENSITY, (NODES**2 * inner**1.5) @ DENSITY
    return phi, slope / phi


@pytest.mark.parametrize(("first", "second"), [(0, 0.4), (0.3, 0.4)])
def test_the_integrals_to_nine_digits(first: float, second: float) -> None:
    """C₁, and C₂ of gradients without momentum, by sums over all lags at every node."""
    lags = np.arange(48)
    u, w = (1 - second) * second**lags, (1 - first) * first**lags
    s = np.exp(np.arange(-25.0, 8.0, 0.1))
    a = u * (s**2)[:, None]
    y = 1 / (8 * np.maximum(a, 1))
    large = np.sqrt(2 * y / np.pi) * k0e(y), 8 * y**2 * (0.5 / y + 1 - k1e(y) / k0e(y))
    phi, chi = averages(np.minimum(a, 1))
    phi, chi = (np.where(a > 1, *pair) for pair in zip(large, (phi, chi), strict=True))
    B = phi.prod(axis=1)
    drift, noise = sh.adam_constants(first, second)
    assert drift == pytest.approx(2 / np.sqrt(np.pi) * 0.1 * (s * B * (chi @ w)).sum(), rel=2e-8)
    if first == 0:
        assert noise == pytest.approx(2 * 0.1 * (s**2 * B * (chi @ w**2)).sum(), rel=2e-8)


def test_averages_of_one_lag() -> None:
    a = np.array([1e-5, 3e-4, 1.9e-3, 2.1e-3, 0.03, 0.7, 5.0])
    phi, chi = averages(a)
    assert _log_phi(a) == pytest.approx(np.log(phi), rel=1e-9)
    assert _chi(a) == pytest.approx(chi, rel=1e-10)
    small = np.array([1e-5])
    for function, exact in ((_LOG_PHI, _log_phi(small)), (_CHI, _chi(small))):
        assert np.polynomial.polynomial.polyval(small, function.series) == pytest.approx(exact, rel=4e-10, abs=0)


def test_the_ratio_of_bessel_functions() -> None:
    y = 80.0
    found = sum(c * y**-n for n, c in enumerate(_ratio_of_bessel_functions(12)))
    assert found == pytest.approx(float(mpmath.besselk(1, y) / mpmath.besselk(0, y)), rel=1e-15)
    assert _ratio_of_bessel_functions(5) == [1, 0.5, -0.125, 0.125, -25 / 128]


@pytest.mark.parametrize(("first", "second"), [(0.5, 0.9), (0.0, 0.3), (0.95, 0.99)])
def test_sums_over_lags_are_those_of_all_of_them(first: float, second: float) -> None:
    """The head one by one and the tail by its series, against many lags; and where B ends."""
    memory = _Memory.__new__(_Memory)
    memory.first, memory.second = first, second
    x = np.array([1e-9, 2e-5, 1e-3, 0.4, 30.0])
    lags = np.arange(6000)
    places = (1 - second) * second**lags * x[:, None]
    for function, exact in ((_LOG_PHI, _log_phi), (_CHI, _chi)):
        values = exact(np.maximum(places, 1e-12))
        if function is _LOG_PHI:
            values = np.where(places < 1e-6, 4 * places**2 - places, values)  # where the logarithm loses digits
        for scale, ratio in ((1.0, 1.0), (1 - first, first), ((1 - first) ** 2, first**2)):
            if function is _CHI and ratio == 1:
                continue
            (found,) = memory._sums(function, x, (scale, ratio)).T
            assert found == pytest.approx(values @ (scale * ratio**lags), rel=1e-9, abs=0)
    both = memory._sums(_CHI, x, (1 - first, first), ((1 - first) ** 2, first**2))
    assert both.shape == (5, 2)
    assert (both[:, 1] == memory._sums(_CHI, x, ((1 - first) ** 2, first**2))[:, 0]).all()
    for level in (-3.0, -42.0):
        end = memory._end(level)
        at, before = (memory._sums(_LOG_PHI, np.exp([e]), (1, 1))[0, 0] for e in (end, end - 0.25))
        assert at <= level < before or end == 1.0


def test_averages_and_slopes_of_a_memory() -> None:
    """B is a product over lags, M its slope with the squares of the momentum's weights; both from their definitions."""
    memory, lags = _Memory(0.6, 0.8), np.arange(400)
    u, w = 0.2 * 0.8**lags, 0.4 * 0.6**lags
    for x in (1e-3, 0.2, 5.0, 60.0):
        B = np.exp(_log_phi(u * x).sum())
        assert memory.B(np.array([x]))[0] == pytest.approx(B, rel=1e-9)
        assert memory.M(np.array([x]))[0] == pytest.approx(B * (w**2 @ _chi(u * x)), rel=1e-9)
        assert memory.drift(np.array([x]))[0] == pytest.approx(w @ _chi(u * x), rel=1e-9)
    assert memory.M(np.exp([memory.far + 1]))[0] == 0
    assert memory.B(np.array([0.0]))[0] == 1


def test_functions_of_a_logarithm_are_fitted() -> None:
    first, second = _fitted(lambda x: np.stack([1 / (1 + x), np.log1p(x) ** 2], axis=1), 3.0)
    x = np.exp(np.array([-30.0, -5.0, 0.0, 2.9, 3.0]))
    assert first(x) == pytest.approx(1 / (1 + x), rel=1e-11)
    assert second(x) == pytest.approx(np.log1p(x) ** 2, rel=1e-11, abs=1e-12)
    assert first(np.exp([3.5, 9.0])) == pytest.approx(1 / (1 + np.exp(3.0)), rel=1e-11)
    assert first(np.array([0.0, 1e-200])) == pytest.approx(1, rel=1e-11)
