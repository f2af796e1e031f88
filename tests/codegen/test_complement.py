"""Error functions in generated code keep their digits where the expectation is small."""

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.complement import complementary

Q, c, u = sp.symbols("Q c u", positive=True)


def test_complement_is_taken_term_by_term() -> None:
    expr = Q * sp.erf(u) - c**2 * sp.erf(u) + c**2 - sp.sqrt(Q)
    found = complementary(expr)
    assert found == Q * sp.erf(u) + c**2 * sp.erfc(u) - sp.sqrt(Q)
    assert complementary(sp.exp(expr) * Q) == sp.exp(found) * Q
    assert complementary(1 + sp.erf(u)) == sp.erfc(-u)
    both = c - c * sp.erf(u) - c * sp.erf(Q)
    assert sp.simplify((complementary(both) - both).rewrite(sp.erf)) == 0
    half = sp.Rational(1, 2)
    assert complementary(half - sp.erf(u) / 2 + Q) == sp.erfc(u) / 2 + Q


@pytest.mark.parametrize("spectrum", [[0.5, 1.0, 1.5]])
def test_huber_follows_least_squares_down_to_nothing(spectrum: list[float]) -> None:
    """Once no residual is clipped the two are one: same decay, and as few steps."""
    late = np.array([150.0, 200.0])
    curve, square = (
        sh.derive(problem, sh.Constant(0.8)).solve(
            sh.Spectrum.from_eigenvalues(spectrum), sh.Start(x_star=0.01), 200.0, t=late, rtol=1e-9
        )
        for problem in (sh.huber(1), sh.least_squares())
    )
    assert curve.distance == pytest.approx(square.distance, rel=1e-6)
    assert curve.statistics["steps"] < 2 * square.statistics["steps"]
