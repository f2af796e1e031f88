"""Committees by their short name: two-layer students of two-layer teachers, whose second layer may learn.

First room of the pipeline. Saad and Solla (Phys. Rev. Lett. 74, 1995) for a fixed second layer; Goldt, Advani, Saxe,
Krzakala and Zdeborová (NeurIPS 2019) for one that learns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from symhigh.checks import choice, flag, instance, parameter, whole
from symhigh.entries import Parameter, loss
from symhigh.problem.learnt import Learnt
from symhigh.problem.losses.squares import Link, normal_erf, relu
from symhigh.problem.several import MultiIndex
from symhigh.symbols import eps

ACTIVATIONS: dict[str, Link] = {
    "erf": normal_erf,
    "relu": relu,
    "linear": lambda u: u,
    "quadratic": lambda u: u**2,
}
"""Functions of a unit: ``erf(u/√2)``, ``max(u, 0)``, u and u²."""


_UNITS = (
    Parameter("students", "Units of the student.", 2, kind=int, option="units"),
    Parameter("targets", "Units of the teacher.", 2, kind=int, option="teacher_units"),
    Parameter("activation", "Function of a unit.", "erf", kind=tuple(ACTIVATIONS)),
    Parameter("second_layer", "Weight of every unit, at the start where it learns.", 1, symbolic=False),
    Parameter("teacher", "Weight of every unit of the teacher.", 1, symbolic=False, option="teacher_weight"),
)


@loss("committee", *_UNITS, noisy=True)
@loss(
    "learning-committee",
    *_UNITS,
    Parameter("speed", "How much faster the second layer learns than the first.", 1.0, symbolic=False),
    noisy=True,
    learns=True,
)
def committee(
    students: int,
    targets: int,
    activation: str = "erf",
    noise: Any = 0,
    second_layer: Any = 1,
    teacher: Any = 1,
    learns: bool = False,
    speed: Any = 1,
) -> MultiIndex:
    """``f = (Σ_p a_p φ(x_p) - Σ_q b_q φ(x*_q) - ε)²/2``: a two-layer student of a two-layer teacher.

    Parameters
    ----------
    students, targets
        How many units the student and the teacher have.
    activation
        φ: ``"erf"`` for erf(u/√2), ``"relu"``, ``"linear"`` or ``"quadratic"`` for u².
    noise
        Standard deviation of ε, a number or an expression, or a law.
    second_layer
        The weights a_p, one number for all or one a unit; where they begin if the second layer learns.
    teacher
        The weights b_q, likewise.
    learns
        Whether the a_p learn, by ``a_p⁺ = a_p - (g/d) speed ∂f/∂a_p``; a curve then carries them as ``a_1`` ….
    speed
        How much faster they learn than the directions.
    """
    own = "committee"
    units = whole(own, "students", students, least=1, most=64, meaning="the number of the student's units")
    aims = whole(own, "targets", targets, least=1, most=64, meaning="the number of the teacher's units")
    phi = ACTIVATIONS[choice(own, "activation", activation, tuple(ACTIVATIONS))]
    begin = _weights("second_layer", second_layer, units)
    fixed = _weights("teacher", teacher, aims)
    pace = parameter(own, "speed", speed, positive=True, meaning="how much faster the second layer learns")
    x, x_star, a = (_numbered(name, n) for name, n in (("x", units), ("y", aims), ("a", units)))
    learning = flag(own, "learns", learns, meaning="whether the second layer learns")
    weights = a if learning else begin
    made = sp.Add(*(w * phi(u) for w, u in zip(weights, x, strict=True)))
    wanted = sp.Add(*(w * phi(u) for w, u in zip(fixed, x_star, strict=True)))
    return MultiIndex(
        x, x_star, (made - wanted - eps) ** 2 / 2, noise, name=f"{activation} committee",
        learnt={s: Learnt(w, pace) for s, w in zip(a, begin, strict=True)} if learning else None,
    )  # fmt: skip


def _numbered(name: str, count: int) -> tuple[sp.Symbol, ...]:
    return tuple(sp.Symbol(f"{name}_{k + 1}", real=True) for k in range(count))


def _weights(name: str, given: Any, count: int) -> tuple[sp.Expr, ...]:
    """One weight a unit, of one number for all or a list."""
    listed = isinstance(given, (tuple, list))
    values: Sequence[Any] = instance("committee", name, given, (tuple, list), "a list") if listed else [given] * count
    if len(values) != count:
        raise ValueError(f"committee({name}={list(values)}): give one number, or one a unit, {count}")
    read = (parameter("committee", name, v, positive=None, meaning="a weight of the second layer") for v in values)
    return tuple(sp.nsimplify(w, rational=True) for w in read)
