"""Averages that vanish by symmetry, with steps whose arguments SymPy leaves unevaluated at numbers."""

import pytest
import sympy as sp

from symhigh.derivation.gaussian.smooth import Sigmoid, Softplus
from symhigh.derivation.gaussian.symmetry import vanishes

X, Y = sp.symbols("x y", real=True)
COVARIANCE = ((sp.S.One, sp.S.Half), (sp.S.Half, sp.Integer(2)))
STEP = sp.Heaviside(Softplus(X) - Sigmoid(Y) / 2)
RATE = Softplus(Y) / (Sigmoid(Y) - Sigmoid(X)) ** 2


@pytest.mark.parametrize(
    ("expr", "zero"),
    [
        (STEP * (X - Y), False),  # odd but for the step
        (STEP - 1, False),
        (sp.Heaviside(1 - RATE) * Softplus(X) - sp.Rational(1, 3), False),
        (STEP * X + STEP.xreplace({X: -X, Y: -Y}) * X, True),  # an even factor times an odd one
        (sp.sign(Sigmoid(X) - sp.S.Half), True),
        (sp.sign(X) * sp.cos(Y), True),
    ],
)
def test_steps_of_smooth_functions_are_decided_without_an_error(expr: sp.Expr, zero: bool) -> None:
    assert vanishes(expr, (X, Y), COVARIANCE) is zero
