"""Quadrature of mixing laws against SciPy, strips of analyticity, and which entries of tables are written."""

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import quad

import symhigh as sh
from symhigh.codegen.analyticity import Strip, strip
from symhigh.codegen.deviations import entries
from symhigh.codegen.mixture import mixing_rule
from symhigh.problem.noise import MIXING

z = sp.Symbol("z", real=True)
DENSITIES = {
    "Laplace": sh.Laplace(1).components[0], "Student": sh.StudentT(5, 1).components[0],
    "heavy": sh.StudentT(1.5, 1).components[0],
}  # fmt: skip


@pytest.mark.parametrize("name", DENSITIES)
def test_rules_of_mixing_laws_integrate_what_slopes_give(name: str) -> None:
    law = {**sh.Laplace(1).values, **sh.StudentT(1.5 if name == "heavy" else 5, 1).values}
    density = DENSITIES[name].density.xreplace(law)
    nodes, weights = mixing_rule(density)
    rate = sp.lambdify(MIXING, density)
    for g in (lambda s: 1 / (1 + s), lambda s: 1 / (0.1 + s) ** 0.5, lambda s: s / (1 + s) / (1 + s)):
        exact = quad(lambda u, g=g: 2 * u * g(u**2) * rate(u**2), 0, 1, limit=200)[0]
        exact += quad(lambda s, g=g: g(s) * rate(s), 1, np.inf, limit=200)[0]
        assert weights @ g(nodes) == pytest.approx(exact, rel=1e-6)
    assert weights.sum() == pytest.approx(1, abs=1e-14)
    assert nodes.size == {"Laplace": 80, "Student": 71, "heavy": 115}[name]  # as many as it takes, no more


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (sp.tanh(2 * z), Strip(sp.pi / 4, order=1)), (sp.atan(3 * z + 1), Strip(sp.Rational(1, 3), order=1)),
        (sp.asinh(-z / 2), Strip(sp.S(2), order=1)), (sp.erf(3 * z), Strip(growth=sp.S(9))),
    ],
    ids=str,
)  # fmt: skip
def test_strips_of_analyticity_reach_to_the_nearest_pole(expr: sp.Expr, expected: Strip) -> None:
    assert strip(expr, z) == expected


def test_entries_that_are_zero_are_not_written() -> None:
    assert entries((sp.S.Zero, z, sp.S.NegativeOne)) == [((1,), z), ((2,), -1)]
    assert entries(sp.ImmutableDenseNDimArray([[0, z], [-1, 0]])) == [((0, 1), z), ((1, 0), -1)]
