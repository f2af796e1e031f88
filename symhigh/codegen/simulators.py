"""Ready-to-call simulators: a step or a chain, or outputs alone, compiled or loaded from the cache.

Beside :mod:`symhigh.codegen.kernels`, whose steppers nothing here needs: so LLVM compiles it where there is no C
compiler (:mod:`symhigh.codegen.llvm`), and a first run waits for it no longer than for one.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from symhigh.codegen.allowance import is_free
from symhigh.codegen.gram import gram_source
from symhigh.codegen.kernels import limit_source, module_kernels
from symhigh.codegen.llvm_objects import is_usable
from symhigh.codegen.signatures import GIVEN_STEP, GRAM, RECORDED, STEP
from symhigh.codegen.step import step_source
from symhigh.codegen.target import LLVM, NUMBA, Target, chosen
from symhigh.derivation.state import Statement
from symhigh.system import MomentSystem


def simulated() -> Target:
    """What simulators are generated for: LLVM in the place of Numba, unless that is named, or llvmlite too old."""
    return _without_c() if chosen() is NUMBA else chosen()


def _without_c() -> Target:
    return LLVM if is_free(NUMBA) and is_usable() else NUMBA


def step_kernels(
    system: MomentSystem, statement: Statement, given: bool = False, target: Target | None = None
) -> Any:
    """The simulator of :func:`~symhigh.codegen.step.step_source`, compiled; equal ones are shared."""
    exports = GIVEN_STEP if given else STEP
    key = given, system.content, statement
    source = partial(step_source, system, statement, given)
    return module_kernels("step", key, target or simulated(), source, exports, fused=True, instead=_without_c)


def gram_kernels(system: MomentSystem, statement: Statement, target: Target | None = None) -> Any:
    """The simulator of :func:`~symhigh.codegen.gram.gram_source`, compiled; shared likewise."""
    key, source = (system.content, statement), partial(gram_source, system, statement)
    return module_kernels("gram", key, target or simulated(), source, GRAM, level=1, instead=_without_c)


def record_kernels(system: MomentSystem) -> Any:
    """The functions of a limit that records are made with, without a stepper."""
    source = partial(limit_source, system)
    return module_kernels("record", system.content, simulated(), source, RECORDED, instead=_without_c)
