"""Ready-to-call kernels of a limit: lowered, joined with a stepper, compiled or loaded from the cache."""

from __future__ import annotations

from functools import lru_cache
from types import ModuleType

from symhigh.codegen.cache import load
from symhigh.codegen.explicit import dormand_prince_8, stepper_source
from symhigh.codegen.lower import Lowering
from symhigh.codegen.target import NUMBA, Target
from symhigh.system import LimitSystem


def limit_source(system: LimitSystem, target: Target = NUMBA) -> str:
    """Source of the module for ``system``: ``prepare``, ``begin``, ``rhs``, ``observe`` and ``advance``."""
    return "\n\n".join([target.header, Lowering(system, target).source(), stepper_source(dormand_prince_8())])


def limit_kernels(system: LimitSystem, target: Target = NUMBA) -> ModuleType:
    """The module of :func:`limit_source`, compiled; equal systems share it, whatever their parameters."""
    key = (system.family, system.reductions, system.scalars, system.states, tuple(system.parameters),
           tuple(system.outputs.items()))
    return _kernels(key, _Held(system), target)


class _Held:
    """Carries a system past the cache, whose key is the system's content."""

    def __init__(self, system: LimitSystem) -> None:
        self.system = system

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=128)
def _kernels(key: object, held: _Held, target: Target) -> ModuleType:
    return load(limit_source(held.system, target))
