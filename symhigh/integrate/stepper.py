"""The two steppers that a limit can be integrated with, and when the one hands over to the other.

Stands between generated kernels and :func:`~symhigh.integrate.solve.solve`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from symhigh.codegen.explicit import dormand_prince_8, rows_needed
from symhigh.codegen.kernels import implicit_kernels, limit_kernels
from symhigh.codegen.rodas import rodas_5p
from symhigh.codegen.target import Target
from symhigh.system import LimitSystem


@dataclass(frozen=True)
class Stepper:
    """A way to integrate: where its kernels come from, and how many states' worth of memory ``advance`` needs."""

    name: str
    kernels: Callable[[LimitSystem, Target], ModuleType]
    stages: int
    work: int


EXPLICIT = Stepper("explicit", limit_kernels, stages=rows_needed(dormand_prince_8()), work=2)
"""Dormand-Prince 8(5,3): for smooth curves over times that are not long against the fastest mode."""

IMPLICIT = Stepper("implicit", implicit_kernels, stages=len(rodas_5p().c), work=4)
"""Rodas5P, order 5, L-stable: its steps grow with the time scale that still moves, whatever the spectrum."""


def outlasts(t: float, h: float, end: float, rtol: float) -> bool:
    """Whether at step h the explicit stepper would need more steps to the end than the implicit one needs in all.

    The implicit method's steps are set by accuracy: some hundreds at 1e-6, growing like ``rtol^(-1/5)``.
    """
    return bool((end - t) / h > 1500 * (1e-6 / rtol) ** 0.2)
