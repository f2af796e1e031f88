"""Ready-to-call simulators: a step or a chain, or outputs alone, compiled or loaded from the cache.

Beside :mod:`symhigh.codegen.kernels`, whose steppers nothing here needs.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from symhigh.codegen.gram import gram_source
from symhigh.codegen.kernels import limit_source, module_kernels
from symhigh.codegen.signatures import GIVEN_STEP, GRAM, RECORDED, STEP
from symhigh.codegen.step import step_source
from symhigh.codegen.target import Target
from symhigh.derivation.state import Statement
from symhigh.system import MomentSystem


def step_kernels(
    system: MomentSystem, statement: Statement, given: bool = False, target: Target | None = None
) -> Any:
    """The simulator of :func:`~symhigh.codegen.step.step_source`, compiled; equal ones are shared."""
    exports = GIVEN_STEP if given else STEP
    key = given, system.content, statement
    source = partial(step_source, system, statement, given)
    return module_kernels("step", key, target, source, exports, fused=True)


def gram_kernels(system: MomentSystem, statement: Statement, target: Target | None = None) -> Any:
    """The simulator of :func:`~symhigh.codegen.gram.gram_source`, compiled; shared likewise."""
    key, source = (system.content, statement), partial(gram_source, system, statement)
    return module_kernels("gram", key, target, source, GRAM, level=1)


def record_kernels(system: MomentSystem) -> Any:
    """The functions of a limit that records are made with, without a stepper."""
    source = partial(limit_source, system)
    return module_kernels("record", system.content, None, source, RECORDED)
