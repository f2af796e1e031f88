"""The normal generator: its bits against the published algorithm, its law against exact probabilities.

Seeds are fixed, so a test either always passes or always fails; each bound states how often a fresh seed would fail it.
"""

import mpmath
import numpy as np
import pytest
from scipy.stats import binomtest, chi2, chisquare, kstest, norm

import symhigh as sh
from symhigh.codegen.cache import load
from symhigh.codegen.normal import LANES, POOL, normal_source, stream
from symhigh.codegen.target import NUMBA
from symhigh.simulation.gram import GramWalk
from symhigh.simulation.runner import prepare

DRAWS = 4_000_000
FALSE_ALARM = 1e-5
MASK = 2**64 - 1

COUNT = """
@njit
def count_tails(rng, pools, edges, above, below):
    out = numpy.empty(4096)
    for _ in range(pools):
        normals(rng, out)
        for k in range(edges.shape[0]):
            over, under = 0, 0
            for i in range(4096):
                over += out[i] > edges[k]
                under += out[i] < -edges[k]
            above[k] += over
            below[k] += under
"""


@pytest.fixture(scope="module")
def kernels():
    return load(NUMBA.header + "\n\n" + normal_source(NUMBA) + "\n" + COUNT)


@pytest.fixture(scope="module")
def draws(kernels):
    out = np.empty(DRAWS)
    kernels.normals(stream(20240917), out)
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


def box_muller(a, b):
    """The two normals of two words, in 40 digits, as the module's docstring states them."""
    with mpmath.workdps(40):
        u, x = mpmath.mpf(float(a) + 0.5) / 2**64, mpmath.mpf(b >> 12) / 2**52 - mpmath.mpf(1) / 2
        r = mpmath.sqrt(-2 * mpmath.log(u))
        along, across = r * mpmath.cospi(x / 2) * (-1 if b & 1 else 1), r * mpmath.sinpi(x / 2)
        return (across, along) if b & 2 else (along, across)


def first_pool(rng):
    """The first POOL normals of a stream from the published algorithm, each lane's words in turn."""
    lanes = [xoshiro(rng[1][lane : 4 * LANES : LANES]) for lane in range(LANES)]
    words = [next(lane) for _ in range(POOL // LANES) for lane in lanes]
    pairs = [box_muller(a, b) for a, b in zip(words[: POOL // 2], words[POOL // 2 :], strict=True)]
    return [p[0] for p in pairs] + [p[1] for p in pairs]


def deviates(found, exact):
    """Largest error in units of the last place."""
    units = [
        (mpmath.mpf(float(f)) - e) / np.spacing(abs(float(e))) for f, e in zip(found, exact, strict=True)
    ]
    return max(abs(float(u)) for u in units)


@pytest.mark.parametrize("seed", [7])
def test_normals_are_the_exact_images_of_the_published_generators_bits(kernels, seed):
    out, rng = np.empty(POOL), stream(seed)
    exact = first_pool(rng)
    kernels.normals(rng, out)
    assert deviates(out, exact) < 4


def test_normals_at_the_ends_of_the_range_and_where_the_logarithm_turns(kernels):
    """A lane in the state (0, ·, ·, A turned back by 23 bits) has A as its next word."""
    turn = int(2**64 / np.sqrt(2))
    words = [0, 1, 2, 2**32, 2**52 + 1, turn - 10**9, turn, turn + 10**9, 2**63 - 1, 2**63, 2**63 + 2**11]
    words += [2**64 - 2**11, 2**64 - 2**12, 2**64 - 2**20, 2**64 - 2**40, 3 * 2**62]
    rng = stream(9)
    rng[1][:LANES] = 0
    rng[1][3 * LANES : 4 * LANES] = [((a >> 23) | (a << 41)) & MASK for a in words]
    exact, out = first_pool(rng), np.empty(POOL)
    kernels.normals(rng, out)
    assert deviates(out, exact) < 4
    assert np.hypot(out[0], out[POOL // 2]) == pytest.approx(np.sqrt(130 * np.log(2)))


@pytest.mark.parametrize("state", [[1, 2, 3, 4], [2**63, 5, 2**64 - 1, 77]])
def test_words_of_the_single_generator_are_those_of_the_published_algorithm(kernels, state):
    (_, words), expected = stream(0), xoshiro(state)
    words[4 * LANES : 4 * LANES + 4] = np.array(state, np.uint64)
    assert [int(kernels.next_bits(words)) for _ in range(500)] == [next(expected) for _ in range(500)]


def test_sequence_does_not_depend_on_how_it_is_cut(kernels):
    whole, rng = np.empty(5 * POOL), stream(4)
    kernels.normals(rng, whole)
    rng, sizes = stream(4), [1, 511, 512, 0, 1000, 3, 533]
    pieces = [np.empty(size) for size in sizes]
    for piece in pieces:
        kernels.normals(rng, piece)
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_numpys_bit_generators_give_their_own_normals_and_uniforms(kernels):
    for generator in (np.random.PCG64, np.random.Philox):
        out, rng = np.empty(700), stream(3, 0, generator=generator)
        kernels.normals(rng, out)
        reference = np.random.Generator(generator(np.random.SeedSequence([3, 0])))
        np.testing.assert_array_equal(out, reference.standard_normal(2 * POOL)[:700])
        assert kernels.uniform(*rng) == pytest.approx(reference.random(), abs=1e-15)


# --- law ---------------------------------------------------------------------------------------------------
def test_moments(draws):
    """Moments one to eight, each within 4.9 standard errors: one seed in 10⁵ would fail (eight normal tests)."""
    exact = {k: 0.0 if k % 2 else float(np.prod(np.arange(k - 1, 0, -2))) for k in range(1, 17)}
    power = np.ones_like(draws)
    for k in range(1, 9):
        power *= draws
        error = np.mean(power) - exact[k]
        assert abs(error) < 4.9 * np.sqrt((exact[2 * k] - exact[k] ** 2) / DRAWS)


def test_distribution_function(draws):
    """1000 bins of equal probability: no excess of χ², nor too good a fit; one seed in 10⁵ would fail."""
    counts = np.bincount((norm.cdf(draws) * 1000).astype(int), minlength=1000)
    assert FALSE_ALARM / 2 < chisquare(counts).pvalue < 1 - FALSE_ALARM / 2
    assert kstest(draws[:500_000], "norm").pvalue > FALSE_ALARM


def test_anderson_darling(draws):
    """A² of known parameters exceeds 3.857 once in a hundred and, at a rate above one beyond, 11 in less than 10⁻⁵."""
    x, n = np.sort(draws[:500_000]), 500_000
    odd = 2 * np.arange(1, n + 1) - 1
    assert -n - np.mean(odd * (norm.logcdf(x) + norm.logsf(x[::-1]))) < 11


def beyond(kernels, seed, pools, edges):
    """How many of 4096·pools draws lie beyond each edge, above and below; exact binomial tests, also of symmetry."""
    edges, above, below = np.array(edges), *np.zeros((2, len(edges)), np.int64)
    kernels.count_tails(stream(seed), pools, edges, above, below)
    for edge, *counts in zip(edges, above, below, strict=True):
        for count in counts:
            assert binomtest(int(count), 4096 * pools, norm.sf(edge)).pvalue > FALSE_ALARM
        if sum(counts):
            assert binomtest(int(counts[0]), int(sum(counts))).pvalue > FALSE_ALARM
    return above + below


def test_tails(kernels):
    """4·10⁸ draws: 25 000 beyond 4, 230 beyond 5, 15 beyond 5.5."""
    counts = beyond(kernels, 11, 100_000, [3.0, 4.0, 4.5, 5.0, 5.5])
    assert counts[-1] > 0


@pytest.mark.slow
def test_far_tails(kernels):
    """2·10¹⁰ draws: 40 beyond 6, none or few beyond 7."""
    counts = beyond(kernels, 12, 5_000_000, [5.0, 5.5, 6.0, 6.5, 7.0])
    assert counts[2] > 0


def test_given_a_draw_in_the_tail_its_law_is_exact(draws):
    tail = np.abs(draws[np.abs(draws) > 3.5])
    assert tail.size > 1500
    assert kstest(norm.sf(tail) / norm.sf(3.5), "uniform").pvalue > FALSE_ALARM


def test_uniforms_lie_inside_the_unit_interval(kernels):
    rng = stream(3)
    found = np.array([kernels.uniform(*rng) for _ in range(50_000)])
    assert found.min() > 0
    assert found.max() < 1
    assert kstest(found, "uniform").pvalue > FALSE_ALARM


# --- independence ------------------------------------------------------------------------------------------
# --- independence ------------------------------------------------------------------------------------------
def test_no_serial_correlation(draws):
    """Lags 1 to 8, a lane's (16), a pair's (256), a pool's (512), of z, z² and |z|: within 5 standard errors."""
    for series in (draws, draws**2, np.abs(draws)):
        centred = (series - series.mean()) / series.std()
        for lag in (*range(1, 9), LANES, POOL // 2, POOL):
            assert abs(np.mean(centred[lag:] * centred[:-lag])) < 5 / np.sqrt(DRAWS - lag)


def independent(columns):
    """All correlations of columns, of z and of z²: largest within 6.5 standard errors, all together normal."""
    count = len(columns)
    for values in (columns, columns**2):
        found = np.corrcoef(values, rowvar=False)[np.triu_indices(values.shape[1], 1)] * np.sqrt(count)
        assert np.abs(found).max() < 6.5
        assert kstest(found, "norm").pvalue > FALSE_ALARM


def test_places_of_the_pool_are_independent(draws):
    """All 130 816 pairs of places, those of one lane and of one Box-Muller pair among them."""
    independent(draws[: DRAWS // POOL * POOL].reshape(-1, POOL))


def test_pairs_have_no_preferred_direction(draws):
    """The angle of a pair in 64 sectors, eight of them where sign and exchange are decided by single bits."""
    pool = draws[: DRAWS // POOL * POOL].reshape(-1, 2, POOL // 2)
    angle = np.arctan2(pool[:, 1], pool[:, 0]).ravel()
    counts = np.bincount(((angle / (2 * np.pi) + 0.5) * 64).astype(int) % 64, minlength=64)
    assert FALSE_ALARM / 2 < chisquare(counts).pvalue < 1 - FALSE_ALARM / 2


def test_streams_of_neighbouring_seeds_are_independent(kernels):
    """All pairs of 64 streams."""
    out = np.empty((64, 20_000))
    for seed in range(64):
        kernels.normals(stream(seed, 0), out[seed])
    independent(out.T)
    heads = [stream(seed, sub)[1][: 4 * LANES + 4] for seed in range(300) for sub in range(3)]
    assert len(set(np.concatenate(heads).tolist())) == 900 * (4 * LANES + 4)


def test_chi_squares_of_the_gram_chain():
    """‖z‖² beyond the plane of (X, X*), in eigenspaces of 3, 4, 5, 30 and 10⁹ dimensions."""
    counts = np.array([3, 4, 5, 30, 10**9])
    d = int(counts.sum())
    spectrum = sh.Spectrum.from_eigenvalues([1.0, 2.0, 3.0, 4.0, 5.0], counts / d)
    problem, rule = sh.least_squares(1), sh.Constant(0.1)
    walk = GramWalk(prepare(problem, rule, (spectrum, sh.Start()), d, 1.0, "gram")[1], 5)
    found = np.empty((5, 20_000))
    for k in range(20_000):
        walk.run(k, 1)
        found[:, k] = walk.rest
    for n, values in zip(walk.count, found, strict=True):
        assert kstest(chi2(n - 2).cdf(values), "uniform").pvalue > FALSE_ALARM
