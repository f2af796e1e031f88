"""The losses that symhigh knows by name, each a statement of one line.

First room of the pipeline. Sources stand with each loss.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from symhigh.checks import parameter
from symhigh.problem.problem import Problem
from symhigh.symbols import eps, x, x_star, y

HUBER_THRESHOLD = sp.Symbol("c", positive=True)


def sigmoid(argument: sp.Expr) -> sp.Expr:
    """The logistic function ``1/(1 + e^{-argument})``."""
    return 1 / (1 + sp.exp(-argument))


def least_squares(noise: Any = 0) -> Problem:
    """``f = (x - x* - ε)²/2`` with ε ~ N(0, noise²) (High Line, section 3)."""
    return Problem((x - x_star - eps) ** 2 / 2, noise, name="least squares")


def logistic_regression(sampled: bool = False) -> Problem:
    """Binary logistic regression.

    With soft labels (the default) ``f = -x σ(x*) + log(1 + e^x)`` (High Line, (103)). With ``sampled=True`` the
    label is +1 with probability σ(x*), else -1, and ``f = log(1 + e^{-yx})``: the same risk up to labels'
    randomness, which adds to ``I = E f'²``.
    """
    if sampled:
        plus = sigmoid(x_star)
        return Problem(
            sp.log(1 + sp.exp(-y * x)),
            labels={1: plus, -1: sigmoid(-x_star)},
            name="logistic regression, sampled labels",
        )
    return Problem(-x * sigmoid(x_star) + sp.log(1 + sp.exp(x)), name="logistic regression")


def phase_retrieval() -> Problem:
    """``f = (x² - x*²)²/4``: the sign of the target is lost."""
    return Problem((x**2 - x_star**2) ** 2 / 4, name="phase retrieval")


def huber(c: Any, noise: Any = 0) -> Problem:
    """Huber's loss of the residual ``r = x - x* - ε``: quadratic for |r| ≤ c, linear beyond.

    ``f' = clip(r, -c, c)``, so SGD on it is SGD on least squares with every residual clipped at c > 0
    (arXiv 2406.11733).
    """
    value = parameter("huber", "c", c, positive=True, meaning="the residual at which the loss turns linear")
    r = x - x_star - eps
    c_ = HUBER_THRESHOLD
    loss = sp.Piecewise((-c_ * r - c_**2 / 2, r < -c_), (c_ * r - c_**2 / 2, r > c_), (r**2 / 2, True))
    return Problem(loss, noise, parameters={c_: value}, name="Huber loss")
