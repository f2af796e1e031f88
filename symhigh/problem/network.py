"""Diagonal linear networks by their short name: least squares on ``θ(u, v)`` under a constant step.

First room of the pipeline. symhigh states its own model: prediction ``<a, θ>/√d`` with ``θ = θ(u, v)`` entrywise,
``a ~ N(0, K)``, label ``<a, θ*>/√d + ε``; loss ``r²/2``; time is steps/d.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symhigh.checks import instance, parameter
from symhigh.problem.learnt import Learnt
from symhigh.problem.mixture import Mixture
from symhigh.problem.model import PRODUCT, SQUARES, Model, Parametrization, powers, theta_star, u, v
from symhigh.problem.problem import Problem
from symhigh.symbols import OwnedSymbol, eps, x, x_star

eta = OwnedSymbol("eta", positive=True)
"""The constant step of SGD."""


@dataclass(frozen=True, init=False)
class DiagonalNetwork(Problem):
    """One-pass SGD ``(u, v)⁺ = (u, v) − step ∇ r²/2`` with ``r = <a, θ − θ*>/√d − ε``, ``ε ~ N(0, noise²)``.

    ``step`` > 0 and ``noise`` ≥ 0 are numbers or SymPy expressions, both of order one as d grows; a step in
    ``symhigh.t`` is a schedule. For another loss or rule state ``Problem(loss, noise, model=PRODUCT)`` and give the
    rule to ``derive``.
    """

    step: sp.Expr = sp.S.One
    parametrization: Parametrization = PRODUCT
    """``θ(u, v)``."""
    loss: sp.Expr = field(init=False, default=(x - x_star - eps) ** 2 / 2)
    labels: tuple[tuple[sp.Expr, sp.Expr], ...] = field(init=False, default=())
    parameters: tuple[tuple[sp.Symbol, sp.Expr], ...] = field(init=False, default=())
    name: str = field(init=False, default="diagonal network", compare=False)
    model: Model = field(init=False, default=PRODUCT)
    students: tuple[sp.Symbol, ...] = field(init=False, default=(x,))
    targets: tuple[sp.Symbol, ...] = field(init=False, default=(x_star,))
    data: Mixture | None = field(init=False, default=None)
    learnt: tuple[tuple[sp.Symbol, Learnt], ...] = field(init=False, default=())

    def __init__(self, step: Any, noise: Any = 0, parametrization: Parametrization = PRODUCT) -> None:
        owner, what = (
            "DiagonalNetwork",
            "PRODUCT, SQUARES, powers(depth) or Parametrization(a polynomial in u and v)",
        )
        instance(owner, "parametrization", parametrization, Parametrization, what)
        sigma = parameter(owner, "noise", noise, positive=False, meaning="the standard deviation of the label noise")
        super().__init__(self.loss, sigma, name=self.name, model=parametrization)
        value = parameter(owner, "step", step, positive=True, meaning="the step of SGD")
        object.__setattr__(self, "step", value)
        object.__setattr__(self, "parametrization", parametrization)

    def bound(self, values: Mapping[sp.Basic, sp.Expr]) -> DiagonalNetwork:
        """The same network with ``values`` put into its step and its noise, checked as a new one is."""
        assert isinstance(self.noise, sp.Expr)
        return DiagonalNetwork(self.step.xreplace(values), self.noise.xreplace(values), self.parametrization)

    def numbers(self) -> tuple[float, float]:
        """``(step, noise)`` as floats; raises ``ValueError`` while one of them is still a symbol."""
        assert isinstance(self.noise, sp.Expr)
        for name, value in (("step", self.step), ("noise", self.noise)):
            if value.free_symbols:
                raise ValueError(
                    f"DiagonalNetwork({name}={value}): {name} must be a number to be solved or simulated"
                )
        return float(self.step), float(self.noise)


__all__ = ["PRODUCT", "SQUARES", "DiagonalNetwork", "Parametrization", "eta", "powers", "theta_star", "u", "v"]
