"""Continuous laws of coordinates: the estimated quadrature error covers the true one, known from moments."""

from functools import cache

import numpy as np
import pytest
from scipy.stats import norm

from symhigh import derive
from symhigh.population import NetworkClasses
from symhigh.problem.network import DiagonalNetwork

UNIFORM = {"lam": lambda p: 0.2 + 0.8 * p, "theta_star": lambda p: 2 * p - 1, "u": 0.9, "v": 0.1}


@cache
def limit():
    return derive(DiagonalNetwork(0.4, 0.2))


def test_estimate_covers_the_error_at_the_start_known_from_moments():
    """2 R(0) − noise² = E λ E(uv − θ*)² = E λ (u²v² + E θ*²); θ* Gaussian, λ = 1 + X/5 with X exponential."""
    law = {"lam": lambda p: 1 - np.log1p(-p) / 5, "theta_star": norm(0, 0.5).ppf, "u": 0.9, "v": 0.4}
    exact = 0.02 + 1.2 * (0.36**2 + 0.25) / 2
    found = limit().solve_law(0.01, [0.0], law=law, tolerance=5e-2)
    assert found.error[0] <= 5e-2 * found.curve.risk[0]
    assert 0 < abs(found.curve.risk[0] - exact) <= found.error[0]


def test_estimate_covers_the_error_along_the_curve():
    """Against 8 nodes a law, exact far below the estimates: the quantile functions are analytic."""
    times = [0.0, 0.5, 2.0]
    exact = limit().solve(NetworkClasses.from_law(8, **UNIFORM), 2, t=times, rtol=1e-6).risk
    for tolerance in (1e-1, 1e-2):
        found = limit().solve_law(2, times, law=UNIFORM, tolerance=tolerance, rtol=1e-6)
        assert found.curve.classes.size == found.nodes**2
        assert (found.error <= tolerance * exact.max()).all()
        assert (np.abs(found.curve.risk - exact) <= found.error + 1e-6).all()


def test_numbers_need_one_class_and_have_no_error():
    found = limit().solve_law(1, [1.0], law={"lam": 1, "theta_star": 0.5, "u": 0.9, "v": 0.1})
    assert found.nodes == found.curve.classes.size == 1
    assert found.error == pytest.approx([0.0], abs=0)


def test_a_tolerance_out_of_reach_is_named_with_what_was_reached():
    with pytest.warns(RuntimeWarning, match="4 nodes a law .16 classes. reach"):
        found = limit().solve_law(1, [1.0], law=UNIFORM, tolerance=1e-12, most_classes=20)
    assert found.nodes == 4


@pytest.mark.parametrize(("options", "message"), [
    ({"tolerance": 0.0}, "tolerance"),
    ({"least_nodes": 0}, "least_nodes"),
    ({"most_classes": 15, "least_nodes": 2}, "at least 16 classes"),
    ({"law": {"lam": 1.0}}, "give"),
    ({"law": {**UNIFORM, "theta_star": lambda p: p / 0.0 * np.inf}}, "finite"),
])  # fmt: skip
def test_bad_options(options, message):
    with np.errstate(divide="ignore"), pytest.raises(ValueError, match=message):
        limit().solve_law(1, **{"law": UNIFORM, **options})


def test_laws_are_given_by_name():
    with pytest.raises(TypeError, match="law must be a dictionary, lam, theta_star, u, v: a number or a quantile"):
        limit().solve_law(1, law=[1, 0.5, 0.9, 0.1])
