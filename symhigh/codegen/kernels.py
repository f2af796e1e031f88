"""Ready-to-call kernels: a system lowered, joined with its stepper or step, compiled or loaded from the cache."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import ModuleType

import sympy as sp
from sympy import ImmutableMatrix

from symhigh.codegen.announce import listen
from symhigh.codegen.cache import LOCK, load
from symhigh.codegen.density import density_source
from symhigh.codegen.explicit import dormand_prince_8, stepper_source
from symhigh.codegen.gram import gram_source
from symhigh.codegen.implicit import implicit_source
from symhigh.codegen.lower import Lowering
from symhigh.codegen.particles import particle_source
from symhigh.codegen.rodas import rodas_5p
from symhigh.codegen.step import step_source
from symhigh.codegen.target import NUMBA, NUMPY, Target
from symhigh.derivation.gaussian import GaussianMean
from symhigh.derivation.mixture import MixtureMean
from symhigh.derivation.state import Statement
from symhigh.system import MomentSystem

_loaded: dict[object, ModuleType] = {}


def limit_source(system: MomentSystem, target: Target = NUMBA) -> str:
    """Source of the module for ``system``: ``prepare``, ``begin``, ``rhs``, ``observe`` and ``advance``."""
    stepper = stepper_source(system, dormand_prince_8())
    return "\n\n".join([target.header, Lowering(system, target).source(), stepper])


def limit_kernels(system: MomentSystem, target: Target = NUMBA) -> ModuleType:
    """The module of :func:`limit_source`, compiled; equal systems share it, whatever their parameters."""
    return _once((system.content, target), lambda: limit_source(system, target))


def reference_is_quicker(system: MomentSystem, modes: int) -> bool:
    """Whether a curve of so few modes is drawn by the reference sooner than a compiler is loaded.

    Not where an average takes two integrals or one within another, which are far too slow uncompiled.

    Once a system: whoever asks for a second curve is served by compiled code from then on. Among several threads the
    order is chance, so there all curves are compiled, with the same bits for all.
    """
    alone = threading.current_thread() is threading.main_thread() and threading.active_count() == 1
    first = alone and modes <= 16 and "numba" not in sys.modules and (system.content, NUMPY) not in _loaded
    return first and not any(_is_slow(s.expression) for s in system.scalars)


def _is_slow(expr: sp.Expr) -> bool:
    nodes = expr.atoms(GaussianMean)
    return any(n.dimension > 1 for n in nodes) or any(m.has(GaussianMean) for m in expr.atoms(MixtureMean))


def implicit_kernels(system: MomentSystem, target: Target = NUMBA) -> ModuleType:
    """The module of :func:`~symhigh.codegen.implicit.implicit_source`: the limit with its implicit stepper."""
    return _once(("implicit", system.content, target), lambda: implicit_source(system, target, rodas_5p()))


def step_kernels(system: MomentSystem, statement: Statement, given: bool = False) -> ModuleType:
    """The simulator of :func:`~symhigh.codegen.step.step_source`, compiled; shared likewise."""
    return _once(("step", given, system.content, statement), lambda: step_source(system, statement, given))


def gram_kernels(system: MomentSystem, statement: Statement) -> ModuleType:
    """The simulator of :func:`~symhigh.codegen.gram.gram_source`, compiled; shared likewise."""
    return _once(("gram", system.content, statement), lambda: gram_source(system, statement))


def particle_kernels(system: MomentSystem, noise: ImmutableMatrix) -> ModuleType:
    """The module of :func:`~symhigh.codegen.particles.particle_source`, compiled."""
    return _once(("particles", system.content, noise), lambda: particle_source(system, noise))


def density_kernels(system: MomentSystem, channels: tuple[sp.Expr, ...]) -> ModuleType:
    """The module of :func:`~symhigh.codegen.density.density_source`, compiled."""
    return _once(("density", system.content, channels), lambda: density_source(system, channels))


def _once(key: object, source: Callable[[], str]) -> ModuleType:
    """Lower and load once per process; what is kept is a pure function of the key."""
    with LOCK:
        if key not in _loaded:
            _loaded[key] = load(source())
            if "numba" in sys.modules:
                listen()
        return _loaded[key]
