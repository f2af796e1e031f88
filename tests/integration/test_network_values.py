"""What a run of a diagonal network records, against the sums written out, and the root of a covariance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symhigh.integration.network_values import Record, coordinates, square_root, statistic
from symhigh.population import NetworkClasses
from symhigh.problem.network import PRODUCT, SQUARES, DiagonalNetwork, powers, theta_star, u, v
from symhigh.symbols import lam

FOUR = NetworkClasses([1, 0.7, 0.4, 0.3], [1, -0.5, 0.8, -0.2], 1.2, 0.2)
K = np.diag([1.0, 0.7, 0.4, 0.3]) + 0.1
MODELS: dict[str, tuple[Any, Any, Any, Any]] = {
    "product": (PRODUCT, lambda a, b: a * b, lambda a, b: a**2 + b**2, lambda a, b: 0 * a),
    "squares": (SQUARES, lambda a, b: a**2 - b**2, lambda a, b: 4 * (a**2 + b**2), lambda a, b: 0 * a),
    "cubes": (powers(3), lambda a, b: a**3 - b**3, lambda a, b: 9 * (a**4 + b**4), lambda a, b: 6 * (a - b)),
}
"""θ, the square of its gradient, and its Laplacian."""


@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_records_are_averages_over_coordinates(name: str, dense: bool) -> None:
    parametrization, theta, square, bent = MODELS[name]
    at = coordinates(FOUR, 4, K if dense else None)
    first, second = np.random.default_rng(3).uniform(0.2, 1.5, (2, 3, 4))
    extra = {"own": statistic("f", "own", u * v - theta_star * lam), "one": lambda *_: 1.0}
    found = Record(at, DiagonalNetwork(0.4, 0.3, parametrization), extra)(first, second)
    matrix = K if dense else np.diag(FOUR.lam)
    error = theta(first, second) - FOUR.theta_star
    pull = error @ matrix
    curvature = (np.diag(matrix) * square(first, second) + pull * bent(first, second)).mean(axis=1)
    np.testing.assert_allclose(found["risk"], (error * pull).mean(axis=1) / 2 + 0.3**2 / 2, rtol=1e-13)
    np.testing.assert_allclose(found["curvature"], curvature, rtol=1e-13)
    np.testing.assert_allclose(found["distance"], (error**2).mean(axis=1), rtol=1e-13)
    np.testing.assert_allclose(found["l1"], abs(theta(first, second)).mean(axis=1), rtol=1e-13)
    own = (first * second - FOUR.theta_star * np.diag(matrix)).mean(axis=1)
    np.testing.assert_allclose(found["own"], own, rtol=1e-12)
    np.testing.assert_array_equal(found["one"], np.ones(3))


def test_the_root_of_a_covariance() -> None:
    root = square_root("f", K)
    np.testing.assert_allclose(root @ root, K, rtol=1e-12)
    np.testing.assert_allclose(root, root.T, atol=1e-15)
    nearly = np.diag([1.0, -0.9e-10])
    np.testing.assert_allclose(square_root("f", nearly), np.diag([1.0, 0.0]), atol=1e-15)
    np.testing.assert_allclose(square_root("f", np.diag([0.1, -0.9e-10]))[1, 1], 0, atol=1e-15)
    for wrong in (np.diag([1.0, -1.1e-10]), np.diag([0.1, -1.1e-10]), np.diag([100.0, -1.1e-8])):
        with pytest.raises(ValueError, match=r"f\(covariance\): it has the eigenvalue -1\.1e-"):
            square_root("f", wrong)


def test_coordinates_and_statistics_that_are_none() -> None:
    for wrong in (np.eye(3), np.array([[1.0, 0.2, 0, 0], [0.1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])):
        with pytest.raises(ValueError, match="covariance must be a finite symmetric 4 x 4 matrix"):
            coordinates(FOUR, 4, wrong)
    with pytest.raises(ValueError, match=r"f\(own=.*\): foreign symbols \['nonsense'\]"):
        statistic("f", "own", u * type(u)("nonsense"))
