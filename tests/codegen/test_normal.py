"""The normal generator: its bits against the published algorithm, its law against exact probabilities.

Seeds are fixed, so a test either always passes or always fails; each bound states how often a fresh seed would fail it.
"""

import numpy as np
import pytest
from scipy.stats import binomtest, chi2, chisquare, kstest, norm

import symhigh as sh
from symhigh.codegen.cache import load
from symhigh.codegen.normal import LAYERS, TAIL, normal_source, stream, ziggurat
from symhigh.codegen.target import NUMBA
from symhigh.derive import derive
from symhigh.simulate.gram import GramWalk
from symhigh.simulate.walk import prepare

DRAWS = 4_000_000
FALSE_ALARM = 1e-5
MASK = 2**64 - 1


@pytest.fixture(scope="module")
def kernels():
    return load(NUMBA.header + "\n\n" + normal_source())


@pytest.fixture(scope="module")
def draws(kernels):
    out = np.empty(DRAWS)
    kernels.normals(stream(20240917), out, *ziggurat())
    return out


# --- bits --------------------------------------------------------------------------------------------------
def xoshiro(state):
    """xoshiro256++ 1.0 in whole numbers, as published."""
    s = [int(v) for v in state]
    while True:
        total = (s[0] + s[3]) & MASK
        yield ((((total << 23) | (total >> 41)) & MASK) + s[0]) & MASK
        shifted = (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= shifted
        s[3] = ((s[3] << 45) | (s[3] >> 19)) & MASK


@pytest.mark.parametrize("state", [np.array([1, 2, 3, 4], np.uint64), stream(7)], ids=["small", "seeded"])
def test_bits_are_those_of_the_published_algorithm(kernels, state):
    expected, rng = xoshiro(state), state.copy()
    assert [int(kernels.next_bits(rng)) for _ in range(500)] == [next(expected) for _ in range(500)]


def test_layers_have_equal_area_and_close_at_the_top():
    x, f, scale = ziggurat()
    area = TAIL * np.exp(-(TAIL**2) / 2) + np.sqrt(np.pi / 2) * 2 * norm.sf(TAIL)
    np.testing.assert_allclose(x[1:LAYERS] * np.diff(f)[1:], area, rtol=1e-10)  # the topmost one included
    np.testing.assert_allclose(x[0] * f[1], area, rtol=1e-13)
    assert f[LAYERS] == 1
    np.testing.assert_array_equal(scale * 2.0**52, x[:LAYERS])


# --- law ---------------------------------------------------------------------------------------------------
def test_moments(draws):
    """Moments one to eight, each within 4.9 standard errors: one seed in 10⁵ would fail (eight normal tests)."""
    exact = {k: 0.0 if k % 2 else float(np.prod(np.arange(k - 1, 0, -2))) for k in range(1, 17)}
    for k in range(1, 9):
        error = np.mean(draws**k) - exact[k]
        assert abs(error) < 4.9 * np.sqrt((exact[2 * k] - exact[k] ** 2) / DRAWS)


def test_distribution_function(draws):
    """1000 bins of equal probability: no excess of χ², nor too good a fit; one seed in 10⁵ would fail."""
    counts = np.bincount((norm.cdf(draws) * 1000).astype(int), minlength=1000)
    assert FALSE_ALARM / 2 < chisquare(counts).pvalue < 1 - FALSE_ALARM / 2
    assert kstest(draws[:500_000], "norm").pvalue > FALSE_ALARM


@pytest.mark.parametrize("edge", [3.0, TAIL, 4.0, 4.5, 5.0])
def test_tails(kernels, edge):
    """How many of 2·10⁷ draws lie beyond each edge, either side: exact binomial tests."""
    out, rng, above, below = np.empty(1_000_000), stream(11), 0, 0
    for _ in range(20):
        kernels.normals(rng, out, *ziggurat())
        above, below = above + int((out > edge).sum()), below + int((out < -edge).sum())
    for count in (above, below):
        assert binomtest(count, 20_000_000, norm.sf(edge)).pvalue > FALSE_ALARM
    assert binomtest(above, above + below).pvalue > FALSE_ALARM


def test_beyond_the_ziggurat_the_law_is_exact(kernels):
    """Given a draw in the tail, its conditional distribution."""
    out, rng, tail = np.empty(1_000_000), stream(12), []
    for _ in range(20):
        kernels.normals(rng, out, *ziggurat())
        tail.append(np.abs(out[np.abs(out) > TAIL]))
    beyond = np.concatenate(tail)
    assert beyond.size > 4000
    assert kstest(norm.sf(beyond) / norm.sf(TAIL), "uniform").pvalue > FALSE_ALARM


def test_uniforms_lie_inside_the_unit_interval(kernels):
    rng = stream(3)
    found = np.array([kernels.uniform(rng) for _ in range(50_000)])
    assert found.min() > 0
    assert found.max() < 1
    assert kstest(found, "uniform").pvalue > FALSE_ALARM


# --- independence ------------------------------------------------------------------------------------------
def test_no_serial_correlation(draws):
    """Lags one to eight of z, z² and |z|: 24 correlations within 5 standard errors (10⁻⁵ together)."""
    for series in (draws, draws**2, np.abs(draws)):
        centred = (series - series.mean()) / series.std()
        for lag in range(1, 9):
            assert abs(np.mean(centred[lag:] * centred[:-lag])) < 5 / np.sqrt(DRAWS - lag)


def test_streams_of_neighbouring_seeds_are_independent(kernels):
    """All pairs of 64 streams, of z and of z²: the largest of 4032 correlations stays within 6 standard errors."""
    out = np.empty((64, 20_000))
    for seed in range(64):
        kernels.normals(stream(seed, 0), out[seed], *ziggurat())
    for values in (out, out**2):
        found = np.corrcoef(values)[np.triu_indices(64, 1)] * np.sqrt(20_000)
        assert np.abs(found).max() < 6
        assert kstest(found, "norm").pvalue > FALSE_ALARM
    assert len({tuple(stream(seed, sub)) for seed in range(500) for sub in range(3)}) == 1500


def test_chi_squares_of_the_gram_chain():
    """‖z‖² beyond the plane of (X, X*), in eigenspaces of 3, 4, 5, 30 and 10⁹ dimensions."""
    counts = np.array([3, 4, 5, 30, 10**9])
    d = int(counts.sum())
    spectrum = sh.Spectrum.from_eigenvalues([1.0, 2.0, 3.0, 4.0, 5.0], counts / d)
    system = derive(sh.least_squares(1), sh.Constant(0.1))
    walk = GramWalk(prepare(system, spectrum, sh.Start(), d, 1.0), 5)
    found = np.empty((5, 20_000))
    for k in range(20_000):
        walk.run(k, 1)
        found[:, k] = walk.rest
    for n, values in zip(walk.count, found, strict=True):
        assert kstest(chi2(n - 2).cdf(values), "uniform").pvalue > FALSE_ALARM
