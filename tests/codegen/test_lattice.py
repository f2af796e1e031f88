"""Smooth averages over three and four variables on a lattice: against products, exact moments and a degenerate law."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import sympy as sp

from symhigh.codegen.quadrature import lower_nodes
from symhigh.derivation.gaussian import GaussianMean

Z = sp.symbols("z1:5", real=True)
LAW = sp.Matrix(4, 4, lambda p, q: sp.Symbol(f"v{min(p, q)}{max(p, q)}", real=True))


@lru_cache(maxsize=4)
def known(expr: sp.Expr, size: int) -> Callable[..., tuple[float, float]]:
    """The generated average of ``expr`` and its error, called with the upper triangle of the covariance."""
    node = GaussianMean(expr, Z[:size], LAW[:size, :size])
    source, _ = lower_nodes([node])
    scope: dict[str, Any] = {}
    exec("import math, numpy\nfrom numba import njit\n" + source, scope)
    found: Callable[..., tuple[float, float]] = scope["node_0_known"]
    return found


def triangle(law: np.ndarray[Any, Any]) -> list[float]:
    return [law[i, j] for i in range(len(law)) for j in range(i, len(law))]


SOFTMAX = sp.exp(Z[0] + Z[2]) / (1 + sp.exp(Z[0]) + sp.exp(Z[1])) / (1 + sp.exp(Z[2]) + sp.exp(Z[3]))


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.0])
def test_four_variables_by_gauss_and_hermite(scale: float) -> None:
    root = np.random.default_rng(1).standard_normal((4, 4)) * scale / 2
    law = root @ root.T
    z, w = np.polynomial.hermite_e.hermegauss(32 if scale > 1 else 20)
    grid = np.array(np.meshgrid(*[z] * 4, indexing="ij")).reshape(4, -1)
    weight = np.prod(np.array(np.meshgrid(*[w / w.sum()] * 4, indexing="ij")).reshape(4, -1), axis=0)
    right = weight @ sp.lambdify(Z, SOFTMAX, "numpy")(*(np.linalg.cholesky(law) @ grid))
    value, error = known(SOFTMAX, 4)(*triangle(law))
    assert error < 1e-9
    assert value == pytest.approx(right, abs=max(1e-10, error * right))


def test_a_singular_law() -> None:
    """Where z3 = z1 and z4 = z2 the average is one over two variables, ``E σ(z)²``; where all vanish, the value."""
    small = np.array([[1.0, 0.3], [0.3, 0.5]])
    value, error = known(SOFTMAX, 4)(*triangle(np.kron(np.ones((2, 2)), small)))
    z, w = np.polynomial.hermite_e.hermegauss(60)
    x = np.linalg.cholesky(small) @ np.array(np.meshgrid(z, z)).reshape(2, -1)
    square = (np.exp(x[0]) / (1 + np.exp(x).sum(axis=0))) ** 2
    assert value == pytest.approx(np.outer(w, w).ravel() @ square / w.sum() ** 2, abs=1e-10)
    assert error < 1e-9
    assert known(SOFTMAX, 4)(*[0.0] * 10)[0] == pytest.approx(1 / 9, rel=1e-10)


@pytest.mark.slow
def test_three_variables_fall_back_to_nested_rules_where_they_are_steep() -> None:
    """``E 1/(1 + e^{z1} + e^{z2} + e^{z3})``, two of standard deviation 40 and one at 0, or all three.

    The first is nearly half the chance that both are below 0; the second takes more evaluations than it is given.
    """
    average = known(1 / (1 + sp.exp(Z[0]) + sp.exp(Z[1]) + sp.exp(Z[2])), 3)
    value, error = average(*triangle(np.diag([1600.0, 1600.0, 1e-6])))
    assert error < 1e-4
    assert value == pytest.approx(0.125, abs=0.02)
    value, error = average(*triangle(1600.0 * np.eye(3)))
    assert np.isnan(value)
    assert error == np.inf
