"""Noise of the algorithm's own: noisy (private) gradients, and targets that drift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from symhigh.checks import parameter
from symhigh.entries import Parameter, rule
from symhigh.rule.clipping import BOUND
from symhigh.rule.wrapped import Wrapped
from symhigh.symbols import X_STAR, G, OwnedSymbol, d, xi, xi_star

SIGMA = OwnedSymbol("sigma", nonnegative=True)
SPEED = OwnedSymbol("speed", nonnegative=True)


@rule(
    "noisy-gradient",
    Parameter("sigma", "Standard deviation of noise added to the gradient.", option="gradient_noise"),
    wraps=True,
)
@dataclass(frozen=True)
class NoisyGradient(Wrapped):
    """The inner rule with ``∇f + sigma ξ`` in place of ∇f, ξ ~ N(0, I) drawn at every step; ``sigma`` ≥ 0.

    Memories of ‖∇f‖ look at the gradient without that noise.
    """

    sigma: Any = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if BOUND in self.inner.values:
            raise ValueError(
                "NoisyGradient(inner=…): the inner rule clips the gradient by its norm, noise included, which has no "
                "limit here; to add noise to the clipped gradient write ClippedGradient(NoisyGradient(rule, sigma), c)"
            )
        meaning = "the standard deviation of the noise in every entry of the gradient"
        value = parameter("NoisyGradient", "sigma", self.sigma, positive=False, meaning=meaning)
        object.__setattr__(self, "sigma", value)

    @property
    def step(self) -> dict[sp.Symbol, sp.Expr]:
        return {vector: new.xreplace({G: G + SIGMA * xi}) for vector, new in self.inner.step.items()}

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {**self.inner.values, SIGMA: self.sigma}


@rule(
    "drifting",
    Parameter("speed", "Standard deviation of the target's drift in d steps.", option="drift"),
    wraps=True,
)
@dataclass(frozen=True)
class Drifting(Wrapped):
    """The inner rule while the target moves, ``X*⁺ = X* + (speed/d) ξ``, ξ ~ N(0, I); ``speed`` ≥ 0."""

    speed: Any = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        meaning = "the standard deviation of the target's move in d steps, an entry times √d"
        value = parameter("Drifting", "speed", self.speed, positive=False, meaning=meaning)
        object.__setattr__(self, "speed", value)

    @property
    def step(self) -> dict[sp.Symbol, sp.Expr]:
        return {**self.inner.step, X_STAR: X_STAR + SPEED / d * xi_star}

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {**self.inner.values, SPEED: self.speed}
