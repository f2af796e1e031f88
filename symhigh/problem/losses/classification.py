"""Losses of binary labels: logistic, probit, hinge and squared hinge.

Part of the losses that symhigh knows by name. The golden answers follow from the arcsine law and conditioning.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from symhigh.checks import flag, parameter
from symhigh.entries import Parameter, loss
from symhigh.problem.model import LINEAR, Model
from symhigh.problem.problem import Problem
from symhigh.symbols import OwnedSymbol, x, x_star, y

FLIP = OwnedSymbol("p_flip", nonnegative=True)
_FLIP = Parameter("flip", "Probability of a wrong label, below 1/2.", 0.0)


def sigmoid(argument: sp.Expr) -> sp.Expr:
    """The logistic function ``1/(1 + e^{-argument})``."""
    return 1 / (1 + sp.exp(-argument))


def normal_distribution(argument: sp.Expr) -> sp.Expr:
    """``Φ``, the distribution function of N(0, 1)."""
    return (1 + sp.erf(argument / sp.sqrt(2))) / 2


@loss("logistic")
@loss("logistic-sampled", sampled=True)
def logistic_regression(sampled: bool = False, model: Model = LINEAR) -> Problem:
    """Binary logistic regression.

    With soft labels (the default) ``f = -x σ(x*) + log(1 + e^x)`` (High Line, (103)). With ``sampled=True`` the
    label is +1 with probability σ(x*), else -1, and ``f = log(1 + e^{-yx})``: the same risk up to labels'
    randomness, which adds to ``I = E f'²``.
    """
    if flag("logistic_regression", "sampled", sampled, meaning="whether labels are drawn"):
        plus = sigmoid(x_star)
        return Problem(
            sp.log(1 + sp.exp(-y * x)),
            labels={1: plus, -1: sigmoid(-x_star)},
            name="logistic regression, sampled labels", model=model)
    return Problem(-x * sigmoid(x_star) + sp.log(1 + sp.exp(x)), name="logistic regression", model=model)


@loss("probit")
@loss("probit-sampled", sampled=True)
def probit_regression(sampled: bool = False, model: Model = LINEAR) -> Problem:
    """Binary regression with the probit link Φ and its matching convex loss, ``f = xΦ(x) + φ(x) - x p``.

    ``p = Φ(x*)`` (soft labels), or with ``sampled=True`` p = 1 with probability Φ(x*), else 0. Then
    ``f' = Φ(x) - p``, as ``σ(x) - p`` in logistic regression, and the risk is least at X = X*. (It is not the
    probit likelihood.)
    Golden: ``c₁ = 1/√(2π(1 + B11))``, ``c₂ = -1/√(2π(1 + B22))``; soft labels
    ``I = (asin(B11/(1+B11)) + asin(B22/(1+B22)) - 2 asin(B12/√((1+B11)(1+B22))))/(2π)``.
    """
    matching = x * normal_distribution(x) + sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)
    if flag("probit_regression", "sampled", sampled, meaning="whether labels are drawn"):
        labels = {1: normal_distribution(x_star), -1: normal_distribution(-x_star)}
        return Problem(matching - x * (1 + y) / 2, labels=labels, name="probit regression, sampled labels", model=model)
    return Problem(matching - x * normal_distribution(x_star), name="probit regression", model=model)


@loss("hinge", _FLIP)
def hinge(flip: Any = 0, model: Model = LINEAR) -> Problem:
    """``f = max(0, 1 - yx)`` with label ``y = sign(x*)``, wrong with probability ``flip``; its slope jumps.

    Golden, at flip = 0: ``c₂ = -√(2/(π B22)) Φ(1/√(B11 - B12²/B22))``; flips multiply c₂ by ``1 - 2 flip``.
    """
    return Problem(_margin(), labels=_signs(), parameters={FLIP: _flip("hinge", flip)}, name="hinge loss", model=model)


@loss("squared-hinge", _FLIP)
def squared_hinge(flip: Any = 0, model: Model = LINEAR) -> Problem:
    """``f = max(0, 1 - yx)²/2`` with label ``y = sign(x*)``, wrong with probability ``flip``.

    Golden, at flip = 0: ``I = 2h``.
    """
    return Problem(
        _margin() ** 2 / 2,
        labels=_signs(),
        parameters={FLIP: _flip("squared_hinge", flip)},
        name="squared hinge loss", model=model)


def _margin() -> sp.Expr:
    return sp.Piecewise((1 - y * x, y * x < 1), (0, True))


def _signs() -> dict[int, sp.Expr]:
    return {side: (1 + side * (1 - 2 * FLIP) * sp.sign(x_star)) / 2 for side in (1, -1)}


def _flip(owner: str, flip: Any) -> sp.Expr:
    meaning = "the probability of a wrong label"
    return parameter(owner, "flip", flip, positive=False, meaning=meaning, below=sp.S.Half)
