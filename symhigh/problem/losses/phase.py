"""Phase retrieval: the sign of the target is lost.

Part of the losses that symhigh knows by name. Golden answers by Isserlis and the arcsine law.
"""

from __future__ import annotations

import sympy as sp

from symhigh.entries import loss
from symhigh.problem.model import LINEAR, Model
from symhigh.problem.problem import Problem
from symhigh.symbols import x, x_star


@loss("phase-retrieval")
def phase_retrieval(model: Model = LINEAR) -> Problem:
    """``f = (x² - x*²)²/4``.

    Golden: ``h = (3 B11² - 2 B11 B22 - 4 B12² + 3 B22²)/4``.
    """
    return Problem((x**2 - x_star**2) ** 2 / 4, name="phase retrieval", model=model)


@loss("absolute-phase-retrieval")
def absolute_phase_retrieval(model: Model = LINEAR) -> Problem:
    """``f = (|x| - |x*|)²/2``; its slope jumps at x = 0.

    Golden: ``h = (B11 + B22)/2 - (2/π)(√(B11 B22 - B12²) + B12 asin ρ)``, ``I = 2h``, with ``ρ = B12/√(B11 B22)``.
    ``X₀ = 0`` is a point that SGD does not leave (there f' = 0), though not a fixed point of the limit beside it:
    start with ``x0 > 0``.
    """
    return Problem((sp.Abs(x) - sp.Abs(x_star)) ** 2 / 2, name="absolute-value phase retrieval", model=model)
