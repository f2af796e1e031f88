"""Problems of finite dimension: their modes' moments, square roots of covariances, coefficients of a direct run."""

import numpy as np
import pytest

import symhigh as sh
from symhigh.simulation.direct import DirectWalk
from symhigh.simulation.finite import finite_problem
from symhigh.simulation.runner import _root_of, prepare
from symhigh.symbols import lam

SPREAD = sh.Start(0.5, 1, 0.3)


@pytest.mark.parametrize("spectrum", [
    sh.Spectrum.power_law(0.2), sh.Spectrum.from_eigenvalues([2.0, 0.5], [0.3, 0.7]), sh.Spectrum.isotropic(1.5),
], ids=["power law", "two", "one"])  # fmt: skip
def test_modes_have_the_averages_of_the_vectors(spectrum: sh.Spectrum) -> None:
    """``<X, K^k Y>`` of the vectors that a simulation starts from."""
    d = 60
    finite, start = finite_problem(spectrum, SPREAD, d)
    values, (X0, X_star) = spectrum.eigenvalues(d), SPREAD.vectors(spectrum, d)
    for k in (0, 1, 2):
        found = [(finite.weights * finite.values**k * m).sum() for m in start.modes(finite)]
        assert found == pytest.approx([a @ (values**k * b) for a, b in ((X0, X0), (X0, X_star), (X_star, X_star))])


def test_square_roots_of_covariances() -> None:
    root = np.random.default_rng(0).standard_normal((4, 3))
    singular = root @ root.T
    for K in (singular, singular + np.eye(4), np.diag([0.0, 1, 2, 3])):
        found = _root_of(K, 4)
        np.testing.assert_allclose(found @ found, K, atol=1e-12)
        np.testing.assert_allclose(found, found.T, atol=1e-14)
    with pytest.raises(ValueError, match=r"eigenvalue -0\.001; all must be >= 0"):
        _root_of(np.diag([-1e-3, 1.0]), 2)
    for wrong in (np.eye(3), np.array([[1.0, 0.5], [0.2, 1.0]])):
        with pytest.raises(ValueError, match="finite symmetric 2 x 2"):
            _root_of(wrong, 2)


def test_coordinates_of_correlated_data_have_the_diagonal_of_the_covariance() -> None:
    K = np.array([[1.0, 0.3, 0], [0.3, 0.5, 0.1], [0, 0.1, 2.0]])
    network, classes = sh.DiagonalNetwork(0.4, 0.1), sh.NetworkClasses([1, 0.5, 2], 1, 1.2, 0.2)
    _, experiment = prepare(network, None, (classes,), 3, 1.0, covariance=K)
    walk = DirectWalk(experiment, 0)
    place = experiment.system.field.coefficients.index(lam)
    np.testing.assert_allclose(walk.coef[place], [1.0, 0.5, 2.0], rtol=1e-12)
