"""What the learnt coordinates predict with: ``x = <a, θ(coordinates)>``, entry by entry.

First room of the pipeline. A linear model learns θ itself; a diagonal network learns ``u`` and ``v`` with
``θ = θ(u, v)``. Coordinates are of order one: the prediction is ``<a, θ>/√d``, so that a linear model's coordinate is
``√d X_i``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import sympy as sp

from symhigh.checks import expression, shown, whole
from symhigh.symbols import OwnedSymbol, X

u = OwnedSymbol("u", real=True)
v = OwnedSymbol("v", real=True)
theta_star = OwnedSymbol("theta_star", real=True)
"""An entry of the target weights of a network."""


@dataclass(frozen=True)
class Model:
    """The ``coordinates`` that are learnt, and the polynomial ``effective`` of them that the data see."""

    coordinates: tuple[sp.Symbol, ...]
    effective: sp.Expr

    @property
    def linear(self) -> bool:
        """Whether the effective weight is the one learnt coordinate itself."""
        return self.coordinates == (self.effective,)


LINEAR = Model((X,), X)
"""``θ = X``: a generalised linear model."""


@dataclass(frozen=True, init=False)
class Parametrization(Model):
    """Effective weight of one coordinate of a diagonal network, a polynomial ``effective`` in ``u`` and ``v``."""

    coordinates: tuple[sp.Symbol, ...] = field(init=False)

    def __init__(self, effective: sp.Expr) -> None:
        effective = expression("Parametrization", "effective", effective, "a polynomial in u and v")
        if not effective.is_polynomial(u, v):
            raise TypeError(
                f"Parametrization(effective={shown(effective)}): effective must be a polynomial in u and v"
            )
        if foreign := effective.free_symbols - {u, v}:
            raise ValueError(
                f"Parametrization(effective={effective}): foreign symbols {foreign}; use u and v only"
            )
        if not {u, v} <= effective.free_symbols:
            raise ValueError(
                f"Parametrization(effective={effective}): effective must depend on both u and v"
            )
        super().__init__((u, v), effective)

    def __reduce__(self) -> tuple[type, tuple[sp.Expr]]:
        return Parametrization, (self.effective,)


PRODUCT = Parametrization(u * v)
"""``θ = u v``, depth two."""
SQUARES = Parametrization(u**2 - v**2)
"""``θ = u² − v²``: the product rotated by 45° and scaled; step η here is step 2η there."""


def powers(depth: int) -> Parametrization:
    """``θ = u^depth − v^depth``, ``depth`` ≥ 2; from depth 3 on the limit has no one-dimensional form."""
    exponent = whole("powers", "depth", depth, least=2, most=64, meaning="the number of layers")
    return Parametrization(u**exponent - v**exponent)
