"""The factor of a covariance behind averages with many digits."""

import mpmath
import numpy as np
import pytest

from symhigh.derivation.gaussian.digits import _cholesky


@pytest.mark.parametrize(("size", "rank"), [(1, 1), (2, 2), (3, 3), (4, 4), (3, 2), (4, 2)])
def test_the_factor_times_its_transpose_is_the_covariance(size: int, rank: int) -> None:
    """To 50 digits, singular ones included: their factor has columns of zeros."""
    rng = np.random.default_rng(size + 10 * rank)
    with mpmath.workdps(50):
        root = [[mpmath.mpf(int(k)) / 7 for k in row] for row in rng.integers(-9, 9, (size, rank))]
        cov = [[mpmath.fsum(a * b for a, b in zip(p, q, strict=True)) for q in root] for p in root]
        factor = _cholesky(cov)
        for i in range(size):
            assert all(factor[i][j] == 0 for j in range(i + 1, size))
            for j in range(size):
                product = mpmath.fsum(factor[i][k] * factor[j][k] for k in range(size))
                assert abs(product - cov[i][j]) < mpmath.mpf(10) ** (-45 if size == rank else -20)
        assert sum(any(row[k] != 0 for row in factor) for k in range(size)) == rank


def test_what_is_no_covariance_is_refused() -> None:
    with mpmath.workdps(30), pytest.raises(ValueError, match="not positive semidefinite"):
        _cholesky([[mpmath.mpf(1), mpmath.mpf(2)], [mpmath.mpf(2), mpmath.mpf(1)]])
