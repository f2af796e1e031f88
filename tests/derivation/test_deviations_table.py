"""The linear theory around a limit for many rules, as numbers at one point: regression values.

That they are right is seen by ensembles and by formulas in ``tests/integration/test_fluctuations*.py``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sympy as sp

import symhigh as sh
from symhigh.derivation.fluctuations import Deviations, deviations
from symhigh.symbols import G, X, d, g, gradient_square, sample_loss
from tests.combinations import somewhere
from tests.tables import Entry, check

SQUARE = sh.least_squares(sp.Rational(3, 10))
S, HALF = sp.Symbol("s", positive=True), sp.S.Half


@dataclass(frozen=True)
class Stated(sh.Rule):
    """A rule of any step, rate and memory."""

    moves: sp.Expr = X - g / d * G
    speed: sp.Expr = HALF
    grows: sp.Expr | None = None

    @property
    def step(self) -> dict[sp.Symbol, sp.Expr]:
        return {X: self.moves}

    @property
    def memory(self) -> tuple[sh.Memory, ...]:
        return () if self.grows is None else (sh.Memory(S, self.grows, 1),)

    @property
    def rate(self) -> sp.Expr:
        return self.speed


TANH_LIKE = sp.Max(-1, sp.Min(1, 2 * G))
CASES: dict[str, tuple[sh.Problem, sh.Rule, dict[str, Any]]] = {
    "SGD": (SQUARE, sh.Constant(0.4), {}),
    "SGD, phase, a random start": (sh.phase_retrieval(), sh.Constant(0.4), {"random_start": True}),
    "AdaGrad-Norm, batches, decay": (SQUARE, sh.MiniBatch(sh.WeightDecay(sh.AdaGradNorm(0.8, 0.9), 0.2), 3), {}),
    "AdaGrad-Norm, phase": (sh.phase_retrieval(), sh.AdaGradNorm(0.8, 0.9), {}),
    "averaged momentum": (SQUARE, sh.Averaged(sh.Momentum(0.4, 1, 0.2), 0.7), {}),
    "RMSprop-Norm, delayed": (SQUARE, sh.DelayedAdaGradNorm(0.9, 0.7, 0.8), {}),
    "Polyak": (SQUARE, sh.Polyak(), {}),
    "a rate of the sample": (SQUARE, Stated(speed=1 / (1 + gradient_square / d)), {}),
    "a rate of the sample's loss, and a memory": (
        SQUARE, Stated(speed=1 / (1 + sample_loss), grows=(gradient_square / d) ** 2 / d), {},
    ),
    "a memory that bends": (SQUARE, Stated(speed=1 / S, grows=(gradient_square / d) ** 2 / d), {}),
    "a memory of losses": (SQUARE, Stated(speed=1 / S, grows=(sample_loss + sh.x**2) / d), {}),
    "capped Polyak": (SQUARE, sh.StochasticPolyak(0.8, 0.7), {}),
    "signs": (SQUARE, sh.SignSGD(0.4), {}),
    "signs, phase": (sh.phase_retrieval(), sh.SignSGD(0.4), {}),
    "AdaGrad": (SQUARE, sh.AdaGrad(0.7, 0.5), {}),
    "Adam": (SQUARE, sh.Adam(0.7, 2, 1, 0.5), {}),
    "batches of AdaGrad": (SQUARE, sh.MiniBatch(sh.AdaGrad(0.7, 0.5), 2), {}),
    "noise of its own": (SQUARE, sh.NoisyGradient(sh.Constant(0.5), 0.7), {}),
    "a target that drifts": (SQUARE, sh.Drifting(sh.Constant(0.5), 0.7), {}),
    "a committee": (sh.committee(2, 1, "linear", 0.3), sh.AdaGradNorm(0.8, 0.9), {}),
    "a committee at nodes": (sh.committee(2, 2, "erf", 0.3), sh.Constant(0.4), {"numeric": True}),
    "clipped": (SQUARE, Stated(X - g / d * TANH_LIKE), {}),
    "classes": (
        sh.Problem(sp.log(1 + sp.exp(-sh.y * sh.x)), data=sh.Mixture([0.5, 0.5], [S, -S], [1, -1])), sh.Constant(1), {},
    ),
    "a maximum": (SQUARE, sh.DoG(0.2, 0.7), {}),
    "an average over all of time": (SQUARE, sh.Averaged(sh.Constant(0.4)), {}),
    "slopes without a fourth moment": (sh.least_squares(sh.StudentT(4)), sh.Constant(0.4), {}),
    "slopes of a committee without one": (sh.committee(2, 1, "linear", sh.StudentT(4)), sh.Constant(0.4), {}),
    "a network": (sh.least_squares(0.3, sh.PRODUCT), sh.Constant(0.4), {}),
}  # fmt: skip


def summed(exprs: Iterable[Any]) -> list[float]:
    """How many are not zero, and the sum of all, each with a weight of its own."""
    count, total = 0, 0.0
    for k, expr in enumerate(map(sp.sympify, exprs)):
        if expr != 0:
            count += 1
            value = complex(expr.xreplace({s: somewhere(s) for s in expr.free_symbols}).evalf(12))
            total += math.cos(k + 1) * value.real + math.sin(k + 1) * value.imag
    return [count, total]


def at_a_point(found: Deviations) -> Entry:
    """Every part of the theory, names of shared parts standing for numbers as symbols do."""
    parts: dict[str, Any] = {
        name: getattr(found, name)
        for name in ("block", "border", "reading", "memory", "spread", "features", "core", "gradients", "in_time",
                     "memory_in_time")
    }  # fmt: skip
    parts |= {"rhs": found.system.family.rhs, "reductions": [r.summand for r in found.system.reductions]}
    if found.mean is not None:
        names = ("inner", "mixed", "outer", "memory", "outputs", "shift", "memory_shift")
        parts |= {f"mean {name}": sp.flatten(getattr(found.mean, name)) for name in names}
    values: Entry = {name: summed(exprs) for name, exprs in parts.items()}
    values |= {
        "shared": {name.name: summed([expr])[1] for name, expr in found.shared},
        "states": [str(s) for s in found.system.family.states],
        "starts": {str(s): str(e) for s, e in sorted(found.system.family.definitions.items(), key=str)},
        "sizes": {str(s): str(e) for s, e in sorted((found.system.family.sizes or {}).items(), key=str)},
        "coupling": [str(z) for z in found.coupling],
        "why": found.why,
        "counts": [found.averages, found.beside, *found.bent],
    }
    if found.nodes is not None:
        n = found.nodes
        values["nodes"] = [summed(n.law), summed(n.exprs), str(n.given), str(n.variables), str(n.asked)]
    return values


LONG = ("a rate of the sample", "a committee at nodes")  # two seconds each; their values are held by ensembles, too


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] if n in LONG else []) for n in CASES])
def test_linear_theories_have_not_changed(name: str) -> None:
    problem, rule, given = CASES[name]
    try:
        found: Entry = at_a_point(deviations(sh.derive(problem, rule), **given))
    except (ValueError, NotImplementedError) as refusal:
        found = f"{type(refusal).__name__}: {refusal}"
    check(Path(__file__).with_suffix(".json"), name, found)
