"""The explicit pair as data: an independent implementation, the conditions of its orders, its interpolant."""

import numpy as np
import pytest
from scipy.integrate import DOP853

from symhigh.codegen.dormand_prince import dormand_prince_8
from symhigh.codegen.explicit import dense_rows, rows_needed


def test_tableau_is_that_of_an_independent_implementation():
    ours = dormand_prince_8()
    pairs = [
        (ours.a, DOP853.A), (ours.b, DOP853.B), (ours.c, DOP853.C), (ours.error_high, DOP853.E5),
        (ours.error_low, DOP853.E3), (ours.a_dense, DOP853.A_EXTRA), (ours.c_dense, DOP853.C_EXTRA),
        (ours.dense, DOP853.D),
    ]  # fmt: skip
    for mine, theirs in pairs:
        np.testing.assert_array_equal(mine, theirs)


def test_shapes_and_orders_of_the_pair():
    ours = dormand_prince_8()
    assert ours.order == 8
    assert (ours.a.shape, ours.b.shape, ours.c.shape) == ((12, 12), (12,), (12,))
    assert (ours.error_high.shape, ours.error_low.shape) == ((13,), (13,))
    assert (ours.a_dense.shape, ours.c_dense.shape, ours.dense.shape) == ((3, 16), (3,), (4, 16))
    assert (rows_needed(ours), dense_rows(ours)) == (16, 6)


@pytest.mark.parametrize("order", range(1, 9))
def test_weights_integrate_powers_of_time(order: int):
    """``Σ b c^{k-1} = 1/k`` up to order 8 and not at 9; the stages are at the times their rows add up to."""
    ours = dormand_prince_8()
    assert ours.b @ ours.c ** (order - 1) == pytest.approx(1 / order, rel=1e-14)
    assert abs(ours.b @ ours.c**8 - 1 / 9) > 1e-9
    np.testing.assert_allclose(ours.a.sum(axis=1), ours.c, atol=2e-14)
    np.testing.assert_allclose(ours.a_dense.sum(axis=1), ours.c_dense, atol=2e-14)
    assert ours.error_high.sum() == pytest.approx(0, abs=1e-14)
    assert ours.error_low.sum() == pytest.approx(0, abs=1e-14)
