"""The implicit method as data: its orders, its stability, and the conditions that its tables meet."""

import numpy as np
import pytest

from symhigh.codegen.rodas import rodas_5p

RODAS = rodas_5p()


def step(f, J, ft, t, y, h):
    """One step written from the formula of the method, with a dense Jacobian; returns y⁺, error, stages."""
    W = np.eye(y.size) / (h * RODAS.diagonal) - J(t, y)
    u = np.zeros((8, y.size))
    for j in range(8):
        right = f(t + RODAS.c[j] * h, y + RODAS.a[j] @ u) + RODAS.C[j] @ u / h + h * RODAS.d[j] * ft(t, y)
        u[j] = np.linalg.solve(W, right)
    return y + RODAS.a[7] @ u + u[7], u[7], u


def test_orders_of_the_method_its_embedded_solution_and_its_dense_output():
    """On y' = -2ty², which does depend on time: local errors fall like h^6, h^5 and h^5."""

    def f(t, y):
        return -2 * t * y**2

    def exact(t):
        return 1 / (1 + t**2)

    errors = []
    for h in (0.1, 0.05, 0.025):
        y = np.array([exact(0.7)])
        new, gap, u = step(f, lambda t, y: np.diag(-4 * t * y), lambda t, y: -2 * y**2, 0.7, y, h)
        k, s = RODAS.dense @ u, np.linspace(0.05, 0.95, 19)
        between = (1 - s) * y + s * (new + (1 - s) * (k[0] + s * (k[1] + s * k[2])))
        ends = np.abs([new - exact(0.7 + h), new - gap - exact(0.7 + h)])[:, 0]
        errors.append([*ends, np.abs(between - exact(0.7 + s * h)).max()])
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    np.testing.assert_allclose(orders[-1], [6, 5, 5], atol=0.35)


def test_fast_modes_are_damped_at_infinity():
    """Stability function of a step at y' = qy: bounded by one on the left half plane's sample, zero at infinity."""
    rng = np.random.default_rng(0)
    for q in [*(-(10.0 ** rng.uniform(-2, 9, 40))), -1e14]:
        new, _, _ = step(
            lambda t, y, q=q: q * y,
            lambda t, y, q=q: np.array([[q]]),
            lambda t, y: 0 * y,
            0.0,
            np.ones(1),
            1.0,
        )
        assert abs(new[0]) <= 1 + 1e-12
    assert abs(new[0]) < 1e-10


def test_tables_meet_the_conditions_of_a_stiffly_accurate_method():
    """``c`` and ``d`` are sums of the stages' own coefficients; the last stages end at t + h, and their rows nest."""
    gamma = RODAS.diagonal
    assert RODAS.order == 5
    assert (RODAS.a.shape, RODAS.C.shape, RODAS.dense.shape) == ((8, 8), (8, 8), (3, 8))
    coupling = np.linalg.inv(np.eye(8) / gamma - RODAS.C)  # the rule's own table, Hairer and Wanner, IV.7
    np.testing.assert_allclose(RODAS.a @ coupling @ np.ones(8), RODAS.c, atol=1e-13)
    np.testing.assert_allclose(coupling @ np.ones(8), RODAS.d, atol=1e-13)
    for table in (RODAS.a, RODAS.C):
        np.testing.assert_array_equal(table, np.tril(table, -1))
    np.testing.assert_array_equal(RODAS.a[5, :5], RODAS.a[6, :5])
    np.testing.assert_array_equal(RODAS.a[6, :6], RODAS.a[7, :6])
    assert RODAS.a[6, 5] == RODAS.a[7, 6] == 1.0
    weights = (RODAS.a[7] + np.eye(8)[7]) @ coupling
    for k in range(1, 6):
        assert weights @ RODAS.c ** (k - 1) == pytest.approx(1 / k, rel=1e-13)
    assert weights @ RODAS.c**5 != pytest.approx(1 / 6, rel=1e-3)
