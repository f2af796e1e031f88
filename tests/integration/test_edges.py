"""Starts at which a limit is singular or infinite are named, and what underflow leaves of an output has no sign."""

import warnings

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.target import NUMPY
from symhigh.integration.edges import SingularStart, settled_outputs

ISO, HALVES = sh.Spectrum.isotropic(), sh.Spectrum.from_eigenvalues([1.0, 0.5])
GAP = sh.x - sh.x_star


def solve(problem: sh.Problem, start: sh.Start, spectrum: sh.Spectrum = ISO) -> sh.Curve:
    return sh.derive(problem, sh.Constant(0.1)).solve(spectrum, start, 1.0, t=[0, 1.0], target=NUMPY)


@pytest.mark.parametrize("spectrum", [ISO, HALVES])
@pytest.mark.parametrize(
    ("problem", "start", "where"),
    [
        (sh.relu_student(), sh.Start(), r"X0 = 0 \(E x² = 0\)"),
        (sh.absolute_phase_retrieval(), sh.Start(), r"X0 = 0 \(E x² = 0\)"),
        (sh.Problem((sp.Abs(sh.x) - sp.Abs(sh.x_star)) ** 2 / 2), sh.Start(0, 2, 0), "X0 = 0"),
        (sh.sign_regression(), sh.Start(1, 0, 0), r"X\* = 0 \(E x\*² = 0\)"),
        (sh.sign_regression(), sh.Start(0, 0, 0), r"X0 = 0 .* and X\* = 0"),
    ],
)
def test_singular_starts_are_named(problem, start, where, spectrum):
    with pytest.raises(SingularStart, match=f"the limit is singular at {where}"):
        solve(problem, start, spectrum)


def test_what_next_to_it_solves():
    assert solve(sh.relu_student(), sh.Start(1e-6, 1, 0)).complete
    assert solve(sh.sign_regression(), sh.Start(1, 1e-6, 0)).complete


def test_rest_by_rounding_is_named():
    with pytest.raises(SingularStart, match="SGD stays where it starts"):
        solve(sh.logistic_regression(), sh.Start(0, 0, 0))
    assert solve(sh.logistic_regression(), sh.Start(0, 1, 0)).complete


@pytest.mark.parametrize(
    ("loss", "start", "what"),
    [
        (sp.exp(GAP**2), sh.Start(0, 1, 0), "the risk is infinite"),
        (sp.exp(GAP**2), sh.Start(0, 0.3, 0), "E f'\\^2 is infinite"),
        (GAP**2 * sp.exp(GAP**2), sh.Start(0.5, 1, 0.1), "the risk is infinite"),
        (sp.exp(sh.x * sh.x_star), sh.Start(1, 2, 0), "the risk is infinite"),
    ],
)
def test_infinite_averages_are_named(loss, start, what):
    with pytest.raises(SingularStart, match=what):
        solve(sh.Problem(loss), start)


def test_a_finite_average_of_the_same_loss_solves():
    """E e^{r²} = (1 - 2s²)^{-1/2} at s² = 0.05, and E f'² exists below s² = 1/4."""
    assert solve(sh.Problem(sp.exp(GAP**2)), sh.Start(0, 0.05, 0)).risk[0] == pytest.approx(0.9**-0.5)


def test_underflow_has_no_sign():
    outputs = {"risk": np.array([1.0, -1.9e-302]), "distance": np.array([2.0, -5e-324])}
    system = sh.derive(sh.least_squares(), sh.Constant(1))
    found = settled_outputs(outputs, system, ISO, sh.Start())
    assert found["risk"].tolist() == [1, 0]
    assert found["distance"].tolist() == [2, 0]
    kept = settled_outputs({"risk": np.array([1.0, -1e-9])}, system, ISO, sh.Start())
    assert kept["risk"][1] == -1e-9
    late = system.solve(ISO, sh.Start(), 2000.0, t=[700, 800, 1000, 2000])
    assert min(late.risk.min(), late.distance.min()) >= 0
    curve = system.solve(ISO, sh.Start(), 3000.0, target=NUMPY)
    assert curve.risk.min() >= 0
    assert curve.distance.min() >= 0


def test_a_curve_that_underflows_is_not_said_to_diverge():
    system = sh.derive(sh.huber(0.4), sh.Constant(1.4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        curve = system.solve(HALVES, sh.Start(), 4000.0)
    assert "diverged" not in curve.message
    assert 0 <= curve.risk[-1] < 1e-150
