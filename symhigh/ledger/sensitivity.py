"""What a relative error in a parameter does to a curve: the shifts that a comparison looks for.

Stands below the comparison. The curve is solved once more for each parameter, at a value larger by 1 %. Where the rule
has no parameter to which its learning rate is proportional, the learning rate itself is made larger. That is another
system, which is not worth compiling for one curve unless the reference implementation takes seconds.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import replace

import numpy as np
import sympy as sp

from symhigh.codegen.target import NUMPY
from symhigh.derivation.close import closed_by_moments
from symhigh.ledger.reference import Given, Reference, Solution
from symhigh.population.spectrum import Array
from symhigh.symbols import OwnedSymbol, batch_size, gamma
from symhigh.system import MomentSystem

STEP = 0.01
"""The relative change of a parameter; what is not linear in it is of no concern."""
PATIENCE = 3.0
"""Seconds after which a new system is compiled."""
LEARNING_RATE = OwnedSymbol("learning rate", positive=True)
"""A factor of the learning rate, for rules without a parameter to which it is proportional."""


def sensitivities(reference: Reference, given: Given, solved: Solution) -> dict[str, dict[str, Array]]:
    """By parameter and output: the change (T,) for a relative error of one, to first order.

    ``solved`` is the solution on the population ``given`` at the parameters as they are.
    A parameter at which the limit cannot be solved is left out, and so are parameters that are zero. Particles have the
    same random numbers at both values, so that a derivative is sharper than their standard error.
    """
    base, found = solved.outputs, {}
    changes = _changed(reference.system) if solved.t.size else {}
    for name, changed in changes.items():
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)
            try:
                moved = _solved(reference, changed, given, solved.t).outputs
            except (ValueError, ArithmeticError):
                continue
        if all(moved[output].size >= values.size for output, values in base.items()):
            found[name] = {
                output: (moved[output][: values.size] - values) / STEP for output, values in base.items()
            }
    return found


class _TooSlow(Exception):
    """The reference implementation has used up its time."""


def _solved(reference: Reference, system: MomentSystem, given: Given, t: Array) -> Solution:
    """The curve at times ``t``, by the reference implementation first where the system is a new one."""
    if LEARNING_RATE not in system.parameters or not closed_by_moments(system):
        return reference.solve(given, t, system)
    limit = time.monotonic() + PATIENCE

    def look(done: float) -> None:
        if time.monotonic() > limit:
            raise _TooSlow

    try:
        return reference.solve(given, t, system, target=NUMPY, progress=look)
    except _TooSlow:
        return reference.solve(given, t, system)


def _changed(system: MomentSystem) -> dict[str, MomentSystem]:
    """The system with one parameter after the other larger by ``STEP``, by the parameter's name."""
    known = {s: v for s, v in system.parameters.items() if s != batch_size and v.is_number and not v.is_zero}
    systems = {
        str(s): replace(system, parameters={**system.parameters, s: v * (1 + STEP)}) for s, v in known.items()
    }
    if not any(_is_factor(system, s) for s in known):
        scaled = [
            replace(s, expression=LEARNING_RATE * s.expression) if s.name == gamma else s
            for s in system.scalars
        ]
        values = {**system.parameters, LEARNING_RATE: sp.Float(1 + STEP)}
        systems[str(LEARNING_RATE)] = replace(system, scalars=tuple(scaled), parameters=values)
    return systems


def _is_factor(system: MomentSystem, symbol: sp.Symbol) -> bool:
    """Whether the learning rate is ``symbol`` times what does not hold it."""
    rate = system.scalar("gamma")
    return bool(rate.has(symbol)) and not (rate / symbol).has(symbol)
