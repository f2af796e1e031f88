"""Losses of the residual ``r = x - x* - ε`` that grow slower than its square.

Part of the losses that symhigh knows by name. In all of them the limit sees B through ``Q = B11 - 2 B12 + B22`` only.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from symhigh.checks import parameter
from symhigh.entries import Parameter, loss
from symhigh.problem.model import LINEAR, Model
from symhigh.problem.problem import Problem
from symhigh.symbols import OwnedSymbol, eps, x, x_star

HUBER_THRESHOLD = OwnedSymbol("c", positive=True)
LEVEL = OwnedSymbol("q", positive=True)
_RESIDUAL = x - x_star - eps
_C = Parameter("c", "Residual at which the loss turns linear.", 1.0, option="threshold")


@loss("huber", _C, noisy=True)
def huber(c: Any, noise: Any = 0, model: Model = LINEAR) -> Problem:
    """Huber's loss: quadratic for |r| ≤ c, linear beyond.

    ``f' = clip(r, -c, c)``, so SGD on it is SGD on least squares with every residual clipped at c > 0
    (arXiv 2406.11733). Golden, with ``P = (Q + ω²)/2``: ``c₁ = -c₂ = erf(c/(2√P))``,
    ``I = 2P F(c/√(2P)) + c² erfc(c/(2√P))``, ``F(z) = erf(z/√2) - √(2/π) z e^{-z²/2}``.
    """
    value = parameter("huber", "c", c, positive=True, meaning="the residual at which the loss turns linear")
    r, c_ = _RESIDUAL, HUBER_THRESHOLD
    loss = sp.Piecewise((-c_ * r - c_**2 / 2, r < -c_), (c_ * r - c_**2 / 2, r > c_), (r**2 / 2, True))
    return Problem(loss, noise, parameters={c_: value}, name="Huber loss", model=model)


@loss("pseudo-huber", _C, noisy=True)
def pseudo_huber(c: Any, noise: Any = 0, model: Model = LINEAR) -> Problem:
    """``f = c² (√(1 + (r/c)²) - 1)``: smooth, quadratic for |r| ≪ c, linear beyond; c > 0.

    Golden: ``I = c² (1 - √(π/2) z e^{z²/2} erfc(z/√2))`` with ``z = c/√(Q + ω²)``; least squares as c → ∞.
    """
    value = parameter(
        "pseudo_huber", "c", c, positive=True, meaning="the residual at which the loss turns linear"
    )
    c_ = HUBER_THRESHOLD
    loss = c_**2 * (sp.sqrt(1 + (_RESIDUAL / c_) ** 2) - 1)
    return Problem(loss, noise, parameters={c_: value}, name="pseudo-Huber loss", model=model)


@loss("quantile", Parameter("q", "Level of the quantile, in (0, 1).", 0.5), noisy=True)
def quantile(q: Any, noise: Any = 0, model: Model = LINEAR) -> Problem:
    """The pinball loss of the q-quantile of the label, ``f = max(q(-r), (q - 1)(-r))``, 0 < q < 1; its slope jumps.

    Golden: ``h = √((Q + ω²)/(2π))``, ``c₁ = -c₂ = 1/√(2π (Q + ω²))``, ``I = q² - q + 1/2``, for Gaussian noise.
    """
    value = parameter("quantile", "q", q, positive=True, meaning="the level of the quantile", below=1)
    r = _RESIDUAL
    loss = sp.Piecewise(((1 - LEVEL) * r, r > 0), (-LEVEL * r, True))
    return Problem(loss, noise, parameters={LEVEL: value}, name="quantile loss", model=model)
