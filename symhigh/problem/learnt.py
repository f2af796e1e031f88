"""Scalars of a loss that learn, such as second-layer weights, biases and scales.

First room of the pipeline. A scalar is one number beside the d entries of each direction. The rule moves it by the same
step as it moves an entry of X, so its change in one step is of order 1/d, and it follows an ODE on the time scale
steps/d. For second layers: Goldt, Advani, Saxe, Krzakala and Zdeborová (NeurIPS 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from symhigh.checks import instance, parameter, shown
from symhigh.symbols import OwnedSymbol


@dataclass(frozen=True)
class Learnt:
    """A symbol of a loss that learns: ``a⁺ = a - (g/d) speed ∂f/∂a`` under SGD, with ``a = start`` at first.

    Parameters
    ----------
    start
        The value before the first step, a number or a SymPy expression.
    speed
        What multiplies the slope ``∂f/∂a``, > 0: how much faster this scalar learns than the directions.

    Given to ``Problem(…, learnt={a: Learnt(start, speed)})``. Under any other rule the scalar takes the step of an
    entry of X, with ``speed ∂f/∂a`` for the gradient's entry and further vectors and cells of its own. What rules call
    ``gradient_square`` is that of the directions, beside which the slopes of scalars are 1/d smaller.
    """

    start: Any = 0
    speed: Any = 1

    def __post_init__(self) -> None:
        for name, positive, meaning in (
            ("start", None, "the value before the first step"),
            ("speed", True, "what multiplies the slope of the loss in the scalar"),
        ):
            value = parameter("Learnt", name, getattr(self, name), positive=positive, meaning=meaning)
            object.__setattr__(self, name, value)


REST = "whose place to rest no closed form here holds yet"
"""Why closed forms of the long time are refused."""


def start_of(scalar: sp.Symbol) -> OwnedSymbol:
    """The canonical symbol of a scalar's start."""
    return OwnedSymbol(f"{scalar.name}_start", "learnt", real=True)


def speed_of(scalar: sp.Symbol) -> OwnedSymbol:
    """The canonical symbol of a scalar's speed."""
    return OwnedSymbol(f"{scalar.name}_speed", "learnt", positive=True)


def slope_of(scalar: sp.Symbol) -> OwnedSymbol:
    """The slope ``∂f/∂a`` of a sample in a learnt scalar a."""
    return OwnedSymbol(f"slope_{scalar.name}", "learnt", real=True)


def refuse_learnt(owner: str, learnt: tuple[tuple[sp.Symbol, Learnt], ...], why: str, remedy: str) -> None:
    """Raise ``ValueError`` where scalars of the loss learn: ``why`` continues the sentence that names them."""
    if learnt:
        names = ", ".join(str(a) for a, _ in learnt)
        raise ValueError(f"{owner}: scalars of the loss learn ({names}), {why}; {remedy}")


def read_learnt(given: dict[Any, Any]) -> tuple[tuple[sp.Symbol, Learnt], ...]:
    """The learnt scalars of a loss, checked; a number stands for ``Learnt(number)``."""
    what = "{symbol of the loss: start or Learnt(start, speed)}"
    found = []
    for scalar, value in given.items():
        instance("Problem", "learnt", scalar, sp.Symbol, what)
        signed = scalar._assumptions_orig not in ({}, {"commutative": True}, {"real": True})
        if isinstance(scalar, OwnedSymbol) or signed:
            raise ValueError(
                f"Problem(learnt={{{shown(scalar)}: …}}): a scalar that learns may take any real value, so its symbol "
                f"must be one of your own, without a sign: sp.Symbol({str(scalar)!r}, real=True)"
            )
        found.append((scalar, value if isinstance(value, Learnt) else Learnt(value)))
    return tuple(found)
