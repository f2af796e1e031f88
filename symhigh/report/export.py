"""A limit as a program in another language, by its name.

Part of the reports; one function for the programs of the files beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from symhigh.checks import choice
from symhigh.report.c_program import c_program
from symhigh.report.julia import julia_script
from symhigh.report.script import python_script
from symhigh.system import MomentSystem

LANGUAGES: Mapping[str, Callable[..., str]] = {"python": python_script, "c": c_program, "julia": julia_script}


def export(system: MomentSystem, *population: Any, t_end: float, language: str = "python") -> str:
    """Source of a program that solves ``system`` on a population without symhigh, and prints its outputs to ``t_end``.

    ``language`` is ``"python"``, a script that needs NumPy and SciPy, ``"c"``, a program that needs a compiler alone,
    or ``"julia"``, an ``ODEProblem`` of OrdinaryDiffEq. ``population`` is what ``system.solve`` takes: a spectrum and a
    start, or a spectrum and overlaps. The header has the equations, the names of states and outputs, and the version.

    Raises ``TypeError`` for limits not closed by moments, and ``NotImplementedError`` for Julia where averages have no
    closed form.
    """
    return LANGUAGES[choice("export", "language", language, LANGUAGES)](system, *population, t_end=t_end)
