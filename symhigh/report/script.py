"""A limit as a Python script that needs NumPy and SciPy alone: equations, numbers, an integrator and a table.

Part of the reports. The functions are those that symhigh generates for its own reference integrator, and SciPy's
solver takes the place of symhigh's: so a colleague can run a limit without symhigh, and check symhigh with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symhigh import __version__
from symhigh.checks import instance, real
from symhigh.codegen.lower import Lowering
from symhigh.codegen.target import NUMPY
from symhigh.derivation.close import closed_by_moments
from symhigh.integration.modes import population_of, starting_modes
from symhigh.integration.schedules import check_schedule, parameter_values
from symhigh.report.equations import equations_text
from symhigh.system import MomentSystem

Array = np.ndarray[Any, Any]
_HEAD = '''"""{problem} under {rule}: its limit in high dimensions. Time is steps/d.

{equations}

Parameters: {parameters}
Written by symhigh {version}; needs NumPy and SciPy. Running it prints a table; ``solve(t)`` returns arrays.
"""

from scipy.integrate import solve_ivp

'''
_DRIVER = '''
PARAMETERS = numpy.array({values})
WEIGHTS = numpy.array({weights})
"""Fractions of the modes, (N,)."""
COEFFICIENTS = numpy.array({coefficients}).reshape({rows}, -1)
"""Row by row {names}, (rows, N)."""
START = numpy.array({start})
"""The states at t = 0: {states}, mode by mode."""
OUTPUTS = {outputs}


def solve(times, rtol=1e-9):
    """The outputs by name at increasing times from 0, each an array of their length."""
    const = numpy.zeros({constants})
    prepare(PARAMETERS, COEFFICIENTS, WEIGHTS, const)
    memory = numpy.zeros({memories})
    begin(PARAMETERS, const, memory)

    def slope(time, y):
        dy = numpy.empty_like(y)
        rhs(time, y, dy, PARAMETERS, COEFFICIENTS, WEIGHTS, const)
        return dy

    times = numpy.asarray(times, dtype=float)
    y0 = numpy.concatenate([START, memory])
    path = solve_ivp(slope, (0.0, times[-1]), y0, "LSODA", t_eval=times, rtol=rtol, atol=1e-12)
    if not path.success:
        raise ArithmeticError(path.message)
    table = numpy.empty((times.size, len(OUTPUTS)))
    for row, time, y in zip(table, times, path.y.T):
        observe(time, y, row, PARAMETERS, COEFFICIENTS, WEIGHTS, const)
    return {{"t": times, **dict(zip(OUTPUTS, table.T))}}


if __name__ == "__main__":
    table = solve(numpy.linspace(0.0, {end!r}, 11))
    print("  ".join(f"{{name:>13}}" for name in table))
    for row in zip(*table.values()):
        print("  ".join(f"{{value:13.7g}}" for value in row))
'''


@dataclass(frozen=True)
class Numbers:
    """A limit on a population in numbers: what a program of it needs beside its functions.

    ``coefficients`` has shape (rows, N), ``start`` the states mode by mode, shape (states · N,).
    """

    system: MomentSystem
    parameters: Array
    weights: Array
    coefficients: Array
    start: Array
    end: float

    @classmethod
    def of(cls, owner: str, system: MomentSystem, population: tuple[Any, ...], t_end: float) -> Numbers:
        """The numbers, or ``TypeError`` for limits that are no closed system of moments."""
        instance(owner, "system", system, MomentSystem, "a derived limit, derive(problem, rule)")
        if not closed_by_moments(system):
            raise TypeError(
                f"{owner}({type(system).__name__}): a program is written of limits closed by moments; "
                "this one is solved by a method of its own, see system.closure"
            )
        end = real(owner, "t_end", t_end, above=0.0, meaning="the end of the table, in steps/d")
        parameters = parameter_values(owner, system)
        check_schedule(system, parameters, end)
        table = population_of(system, *population, owner=owner)
        coefficients, states, _ = starting_modes(system, table)
        return cls(system, parameters, table.weights, coefficients, states.ravel(), end)

    @property
    def named(self) -> dict[str, str]:
        """What a header says: equations, names and shapes, version."""
        system = self.system
        return {
            "problem": system.problem.name,
            "rule": str(system.rule),
            "equations": equations_text(system),
            "parameters": ", ".join(f"{s} = {v}" for s, v in system.parameters.items()) or "none",
            "names": ", ".join(map(str, system.family.coefficients)),
            "states": ", ".join(map(str, system.family.states)),
            "memories": ", ".join(str(s.name) for s in system.states) or "none",
            "outputs": ", ".join(system.outputs),
            "modes": str(self.weights.size),
            "version": __version__,
        }


def python_script(system: MomentSystem, *population: Any, t_end: float) -> str:
    """Source of a self-contained Python script of ``system`` on a population, with a table to ``t_end`` (steps/d).

    ``population`` is what ``system.solve`` takes: a spectrum and a start, or a spectrum and overlaps. The script's
    ``solve(t)`` returns the outputs by name. Raises ``TypeError`` for limits that are no closed system of moments.
    """
    given = Numbers.of("python_script", system, population, t_end)
    lowered = Lowering(system, NUMPY)
    driver = _DRIVER.format(
        values=_array(given.parameters),
        weights=_array(given.weights),
        coefficients=_array(given.coefficients.ravel()),
        rows=len(given.coefficients),
        names=given.named["names"],
        start=_array(given.start),
        states=given.named["states"],
        outputs=tuple(system.outputs),
        constants=len(lowered.static),
        memories=len(system.states),
        end=given.end,
    )
    return _HEAD.format(**given.named) + NUMPY.header + "\n\n" + lowered.source() + "\n" + driver


def _array(values: Array) -> list[float]:
    return [float(v) for v in values]
