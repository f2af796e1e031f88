"""DoG and a D-Adaptation: rates set by how far the iterate has moved from its start.

*The High Line* (arXiv 2405.19585) says that W⁺ = [X, X*, X0] covers them; where each is from stands with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp

from symhigh.checks import parameter, power_in_range
from symhigh.entries import Parameter, rule
from symhigh.rule import parameters as given
from symhigh.rule.rule import Memory, Rule
from symhigh.symbols import X0, OwnedSymbol, X, d, gradient_square, moved

RADIUS = OwnedSymbol("r_0", positive=True)
GRADIENTS = OwnedSymbol("G_k", positive=True)
GRADIENTS_0 = OwnedSymbol("G_0", positive=True)
FARTHEST = OwnedSymbol("r_k^2", positive=True)
SPENT = OwnedSymbol("N_k", nonnegative=True)
ESTIMATE = OwnedSymbol("D_k", positive=True)
ESTIMATE_0 = OwnedSymbol("D_0", positive=True)
SPEED = OwnedSymbol("gamma_D", positive=True)


@lru_cache(maxsize=1)
def _farthest() -> sp.Expr:
    """How much farther the iterate is than it has been, squared."""
    return sp.Max(0, moved - FARTHEST)


@lru_cache(maxsize=1)
def _larger() -> sp.Expr:
    """How much the lower bound of the distance is above its estimate."""
    bound = sp.Piecewise(((moved - SPENT) / (2 * sp.sqrt(moved)), moved > 0), (0, True))
    return sp.Max(0, bound - ESTIMATE)


@rule("dog", Parameter("r0", "Starting distance.", 0.1), given.B)
@dataclass(frozen=True)
class DoG(Rule):
    """Distance over gradients: ``g_k = max(r0, max_{j≤k} ‖X_j - X₀‖)/√G_k``, ``G_k = G_{k-1} + ‖∇f_k‖²/d²``.

    Starting values ``r0 > 0`` and ``G_0 = b² > 0``. Assumptions of its limit: r0 and b stay fixed as d → ∞, and
    ``‖X_k - X₀‖`` concentrates on its limit, hence so does its running maximum, which is continuous in the path. The
    limit has one more direction, X₀. Source: Ivgi, Hinder, Carmon (arXiv 2302.12022).
    """

    r0: Any
    b: Any

    def __post_init__(self) -> None:
        _positive(
            self, ("r0", "the starting distance"), ("b", "the square root of the starting sum of gradients")
        )
        for name in ("r0", "b"):
            power_in_range("DoG", name, getattr(self, name), sp.Integer(2))

    @property
    def fixed(self) -> dict[sp.Symbol, sp.Expr]:
        return {X0: X}

    @property
    def memory(self) -> tuple[Memory, ...]:
        return (
            Memory(FARTHEST, _farthest(), initial=RADIUS**2),
            Memory(GRADIENTS, gradient_square / d**2, initial=GRADIENTS_0**2),
        )

    @property
    def rate(self) -> sp.Expr:
        return sp.sqrt(FARTHEST) / sp.sqrt(GRADIENTS)

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {RADIUS: self.r0, GRADIENTS_0: self.b}


@rule(
    "d-adaptation",
    Parameter("speed", "Rate per estimated distance.", 1.0),
    Parameter("d0", "Starting estimate of the distance.", 0.1),
)
@dataclass(frozen=True)
class DAdaptation(Rule):
    """``g_k = speed · D_k``, D_k the largest lower bound of ``‖X₀ - X*‖`` so far, and ``D_0 = d0 > 0``.

    With ``s = X₀ - X_k`` the bound is ``(‖s‖² - Σ_{j<k} (g_j/d)² ‖∇f_j‖²)/(2‖s‖)``, that is
    ``Σ_j (g_j/d) <∇f_j, X₀ - X_j>`` over ‖s‖; by convexity it is at most the distance, up to noise that vanishes as
    d → ∞. Assumptions of its limit: d0 and speed stay fixed as d → ∞, and both terms concentrate, as quadratic
    functionals of the path do. Source: after Defazio and Mishchenko (arXiv 2301.07733), stated as a rule of SGD.
    """

    speed: Any
    d0: Any

    def __post_init__(self) -> None:
        _positive(
            self,
            ("speed", "the rate per estimated distance"),
            ("d0", "the starting estimate of the distance"),
        )

    @property
    def fixed(self) -> dict[sp.Symbol, sp.Expr]:
        return {X0: X}

    @property
    def memory(self) -> tuple[Memory, ...]:
        return (
            Memory(ESTIMATE, _larger(), initial=ESTIMATE_0),
            Memory(SPENT, self.rate**2 * gradient_square / d**2, initial=sp.S.Zero),
        )

    @property
    def rate(self) -> sp.Expr:
        return SPEED * ESTIMATE

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {SPEED: self.speed, ESTIMATE_0: self.d0}


def _positive(rule: Rule, *fields: tuple[str, str]) -> None:
    for name, meaning in fields:
        value = parameter(type(rule).__name__, name, getattr(rule, name), positive=True, meaning=meaning)
        object.__setattr__(rule, name, value)
