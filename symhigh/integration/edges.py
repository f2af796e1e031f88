"""Where a limit cannot start, said by name before it is integrated; and what its outputs cannot hold.

Serves :func:`~symhigh.integration.solve.solve`. A limit's equations may be singular where prediction or target have no
variance, or hold averages that are infinite; both show in the first right-hand side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symhigh.population import Population, Spectrum, Start
from symhigh.population.spectrum import Array
from symhigh.symbols import D2, V11, V12, V22, lam
from symhigh.system import MomentSystem

_APART = 1e-6
_UNDERFLOW = 1e-280
"""Parts of an output's largest value below which its sign is rounding: absolute tolerances end there."""
_LEAST = 1e-290
"""The same where the largest value is not among them: absolute tolerances are a part of ``1e-290``."""

Evaluation = Callable[[Array, Array], tuple[Array, Array]]
"""``(rates, outputs)`` at t = 0 for coefficients (C, N) and modes (S, N)."""


class SingularStart(ValueError):
    """The limit has no finite right-hand side at its start, or none that keeps a variance from turning negative."""


def at_start(kernels: Any, system: MomentSystem, par: Array, w: Array, memory: Array) -> Evaluation:
    """Right-hand sides of the modes, and outputs, at t = 0, by a system's kernels."""

    def at(coef: Array, states: Array) -> tuple[Array, Array]:
        y = np.concatenate([states.ravel(), memory])
        const, rates, out = np.zeros(len(system.reductions)), np.empty_like(y), np.zeros(len(system.outputs))
        kernels.prepare(par, coef, w, const)
        kernels.rhs(0.0, y, rates, par, coef, w, const)
        kernels.observe(0.0, y, out, par, coef, w, const)
        return rates[: states.size].reshape(states.shape), out

    return at


def check_start(
    system: MomentSystem, population: Population, coef: Array, states: Array, at: Evaluation
) -> None:
    """Raise :class:`SingularStart` where the limit is singular at its start, infinite there, or at rest by rounding."""
    rates, outputs = _evaluate(at, coef, states, len(system.outputs))
    place = list(system.outputs).index("risk")
    if np.isfinite(rates).all() and np.isfinite(outputs[place]):
        kept = np.array([s.is_nonnegative for s in system.family.states], dtype=bool)[:, None]
        if (kept & (states == 0) & (rates < 0)).any():
            raise SingularStart(
                "solve(start=…): SGD stays where it starts: the gradient vanishes for every sample, and what rounding "
                "leaves of it would make a variance negative; start with X0 or X* that is not 0"
            )
        return
    where = _degenerate(system, population, coef, states)
    moved = _evaluate(at, *_inside(system, coef, states), len(system.outputs))
    if where and np.isfinite(moved[0]).all() and np.isfinite(moved[1][place]):
        raise SingularStart(
            f"solve(start=…): the limit is singular at {where}: its equations have no finite value there, though next "
            "to it they have. SGD itself sees only the loss at that point, and stays where the slope is 0; start from "
            "beside it, as near as you like"
        )
    what = "E f'^2" if np.isfinite(outputs[place]) else "the risk"
    raise SingularStart(
        f"solve(start=…): {what} is infinite or undefined at the start: its average over Gaussian x and x* does not "
        f"exist for {system.problem.name}, or its quadrature cannot resolve how steep it is; use a loss that grows "
        "more slowly, or with smaller factors inside its functions, or a start with smaller variances"
    )


def settled_outputs(
    outputs: Mapping[str, Array], system: MomentSystem, spectrum: Any, start: Any
) -> dict[str, Array]:
    """Outputs without the signs of underflow, and with an infinite distance where the start has one."""
    found = dict(outputs)
    for name in {"risk", "distance", "norm"} & set(found):
        values = found[name]
        if values.size and values.min() < 0:
            found[name] = without_underflow(values)
    known = isinstance(spectrum, Spectrum) and isinstance(start, Start)
    if "distance" in found and known and start.distance_is_infinite(spectrum):
        found["distance"] = np.full_like(found["distance"], np.inf)
    return found


def without_underflow(values: Array) -> Array:
    """Values (…, times) with zero where a sign is rounding, of the largest of them or of what came before them."""
    largest = np.fmax.reduce(np.abs(values), axis=-1, keepdims=True)
    return np.where((values < 0) & (values >= -np.fmax(_UNDERFLOW * largest, _LEAST)), 0.0, values)


def _evaluate(at: Evaluation, coef: Array, states: Array, outputs: int) -> tuple[Array, Array]:
    try:
        with np.errstate(all="ignore"):
            return at(coef, states)
    except ArithmeticError:  # the reference implementation divides as Python does
        return np.full(states.shape, np.nan), np.full(outputs, np.nan)


def _degenerate(system: MomentSystem, population: Population, coef: Array, states: Array) -> str:
    """Which variance vanishes at the start, in words; empty for none."""
    values, weights = population.eigenvalues, population.weights
    known = dict(zip((*system.family.states, *system.family.coefficients), (*states, *coef), strict=True))
    if D2 in known:
        return "" if (weights * values) @ known[D2] > 0 else "the target, X0 = X*"
    if not {V11, V12, V22} <= set(known):
        return ""
    b11, b12, b22 = (float((weights * values) @ known[s]) for s in (V11, V12, V22))
    if b11 == 0 or b22 == 0:
        parts = [f"{v} = 0 (E {e} = 0)" for v, e, b in (("X0", "x²", b11), ("X*", "x*²", b22)) if b == 0]
        return " and ".join(parts)
    return "X0 and X* in one direction" if b11 * b22 - b12**2 <= 1e-12 * b11 * b22 else ""


def _inside(system: MomentSystem, coef: Array, states: Array) -> tuple[Array, Array]:
    """The start moved off the boundary a little: variances that vanish made small, correlations below one."""
    symbols = (*system.family.states, *system.family.coefficients)
    moved = np.concatenate([states, coef]).astype(float)
    size = max(1e-3, *(float(np.abs(row).max()) for row, s in zip(moved, symbols, strict=True) if s != lam))
    for row, symbol in zip(moved, symbols, strict=True):
        if symbol in (V11, V22, D2):
            row[:] = np.maximum(row, _APART * size)
        elif symbol == V12:
            row[:] *= 1 - _APART
    return moved[len(states) :], moved[: len(states)]
