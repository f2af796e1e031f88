"""The scale at which errors of products with further vectors are measured."""

import numpy as np
import pytest

import symhigh as sh
from symhigh.codegen.scales import scale_source
from symhigh.codegen.target import NUMPY
from symhigh.integration.stepper import EXPLICIT, IMPLICIT

TWO = sh.Spectrum.from_eigenvalues([1.5, 0.5])


@pytest.mark.parametrize("stepper", [EXPLICIT, IMPLICIT], ids=lambda s: s.name)
def test_heavy_ball_to_many_digits(stepper) -> None:  # type: ignore[no-untyped-def]
    """Its cross moments pass through zero; values by an independent integration at 1e-12."""
    system = sh.derive(sh.least_squares(0.5), sh.Momentum(0.8, 2))
    rtol = 1e-11 if stepper is EXPLICIT else 1e-9
    curve = system.solve(TWO, sh.Start(), 20, t=[1, 2, 5, 20], rtol=rtol, stepper=stepper, target=NUMPY)
    expected = [0.437818776967, 0.297006457789, 0.186832648226, 0.156315456770]
    np.testing.assert_allclose(curve.risk, expected, rtol=30 * rtol)


def test_only_products_with_further_vectors_are_measured_by_their_squares() -> None:
    assert "sqrt" not in scale_source(sh.derive(sh.phase_retrieval(), sh.Constant(1)))
    assert "sqrt" in scale_source(sh.derive(sh.least_squares(0.5), sh.Momentum(0.8, 2)))


@pytest.mark.parametrize("size", [1e-14, 1e-40, 0.0])
def test_a_small_start_beside_the_noise_is_no_divergence(size: float) -> None:
    """From X = X* = 0, D² = ω²γ/(2 - γ) (1 - e^{-γ(2 - γ)t}) with γ = 1/2, ω = 1; a start of 1e-14 changes nothing."""
    system = sh.derive(sh.least_squares(1), sh.Constant(0.5))
    curve = system.solve(sh.Spectrum.isotropic(), sh.Start(0, size, 0), 5, t=[0, 1, 5], target=NUMPY)
    assert curve.complete
    assert curve.distance[1:] == pytest.approx((1 - np.exp(-0.75 * np.array([1, 5]))) / 3, rel=1e-6)
