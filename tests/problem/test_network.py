"""Statement of diagonal networks: bad input is named, laws become classes, classes become coordinates."""

import numpy as np
import pytest
import sympy as sp

from symhigh.population import NetworkClasses
from symhigh.problem.network import DiagonalNetwork, Parametrization, powers, u, v


@pytest.mark.parametrize(("arguments", "message"), [
    ({"step": 0}, "step"),
    ({"step": -0.1}, "step"),
    ({"step": float("nan")}, "finite"),
    ({"step": 1, "noise": -1}, "noise"),
])  # fmt: skip
def test_bad_networks(arguments, message):
    with pytest.raises(ValueError, match=message):
        DiagonalNetwork(**arguments)


def test_networks_need_types_not_text():
    with pytest.raises(TypeError, match="step"):
        DiagonalNetwork("0.4")
    with pytest.raises(TypeError, match="powers"):
        DiagonalNetwork(0.4, parametrization="u*v")
    with pytest.raises(TypeError, match="polynomial"):
        Parametrization(sp.sin(u) * v)
    with pytest.raises(ValueError, match="both"):
        Parametrization(u**2)
    with pytest.raises(ValueError, match="depth"):
        powers(1)
    with pytest.raises(ValueError, match="must be a number"):
        DiagonalNetwork(sp.Symbol("h", positive=True)).numbers()
    with pytest.raises(ValueError, match=r"foreign symbols \{w\}; use u and v only"):
        Parametrization(u * v + sp.Symbol("w"))


@pytest.mark.parametrize(("arguments", "message"), [
    (([], [], [], []), "non-empty list of numbers"),
    (([1, np.nan], 1, 1, 1), "finite"),
    (([1, np.inf], 1, 1, 1), "finite"),
    (([1, 2], [1, 2, 3], 1, 1), "must have 1 or 3"),
    (([-1.0], 1, 1, 1), "eigenvalue"),
    (([[1, 2]], 1, 1, 1), "lam has shape"),
    (([1, 2], 1, 1, 1, [1]), "2 entries"),
    (([1, 2], 1, 1, 1, [0.5, 0.6]), "sum to one"),
    (([1, 2], 1, 1, 1, [1.5, -0.5]), "> 0"),
])  # fmt: skip
def test_bad_classes(arguments, message):
    with pytest.raises(ValueError, match=message):
        NetworkClasses(*arguments)
    with pytest.raises(TypeError, match="numbers"):
        NetworkClasses("one", 1, 1, 1)


def test_quadrature_of_a_law_reproduces_its_moments():
    """Gauss-Legendre on an analytic quantile function: moments of a uniform law exact to rounding."""
    classes = NetworkClasses.from_law(6, lam=lambda p: 0.5 + p, theta_star=lambda p: 2 * p - 1, u=1.0, v=0.2)
    assert classes.size == 36
    assert np.isclose(classes.weight.sum(), 1)
    for power in range(1, 8):
        exact = (1.5 ** (power + 1) - 0.5 ** (power + 1)) / (power + 1)
        assert np.isclose(classes.weight @ classes.lam**power, exact, rtol=1e-13)
    assert np.isclose(classes.weight @ (classes.lam * classes.theta_star**2), 1 / 3)
    with pytest.raises(ValueError, match="give"):
        NetworkClasses.from_law(3, lam=1.0)


@pytest.mark.parametrize("d", [3, 7, 100, 1001])
def test_coordinates_share_d_by_largest_remainder(d):
    classes = NetworkClasses([1, 2, 3], 0.5, 1, 0, [0.2, 0.3, 0.5])
    counts = classes.counts(d)
    assert counts.sum() == d
    assert (np.abs(counts - d * classes.weight) < 1).all()
    lam, target, first, second = classes.coordinates(d)
    assert lam.shape == target.shape == first.shape == second.shape == (d,)
