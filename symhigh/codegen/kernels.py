"""Ready-to-call kernels: a system lowered, joined with its stepper or step, compiled or loaded from the cache."""

from __future__ import annotations

import sys
import threading
from collections import namedtuple
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from sympy import ImmutableMatrix

from symhigh.codegen.announce import listen
from symhigh.codegen.c_types import Record, Signature
from symhigh.codegen.cache import LOCK, load
from symhigh.codegen.compiler import NoCompiler
from symhigh.codegen.control import FIELDS
from symhigh.codegen.course import COURSE_FIELDS, COURSES, course_source
from symhigh.codegen.explicit import dormand_prince_8, explicit_source
from symhigh.codegen.first_class import first_class
from symhigh.codegen.implicit import IMPLICIT_FIELDS, implicit_source
from symhigh.codegen.jacobian import jacobian
from symhigh.codegen.llvm_objects import load_llvm
from symhigh.codegen.lower import Lowering, averages
from symhigh.codegen.objects import begin_object
from symhigh.codegen.particles import particle_source
from symhigh.codegen.rodas import rodas_5p
from symhigh.codegen.scales import scale_source
from symhigh.codegen.signatures import ALGEBRA, LIMIT, STEPPER, record
from symhigh.codegen.target import LLVM, NUMBA, C, Target, chosen, give_up_c, without_c
from symhigh.codegen.woodbury import linear_algebra
from symhigh.derivation.gaussian import GaussianMean
from symhigh.derivation.mixture import MixtureMean
from symhigh.system import MomentSystem
from symhigh.telling import WATCHER, long_stage

_loaded: dict[object, Any] = {}
_FEW = 512
"""Modes up to which the reference draws a short curve in less than a second."""


class Kernels(SimpleNamespace):
    """The functions of one limit and one stepper; ``record(data)`` is what the stepper is told of the limit."""

    target: Target
    fields: tuple[str, ...]
    room: tuple[int, ...] = ()
    """How many slopes linear algebra keeps, and the order of its matrix; empty where there is none."""

    def record(self, data: tuple[Any, ...]) -> Any:
        """The record of the functions with ``data`` = (par, coef, w, const), and room for the linear algebra."""
        given = dict(zip(("par", "coef", "w", "const"), data, strict=True))
        if self.room:
            slopes, size = self.room
            given |= {"slope": np.zeros(slopes), "A": np.zeros((size, size)), "z": np.zeros(size)}
        found = [given[name] if name in given else getattr(self, name) for name in self.fields]
        if self.fields == COURSE_FIELDS and self.target in (C, LLVM):
            return (*found, self.advance)
        return _RECORDS[self.fields](*found)

    def held(self, name: str, *given: Any) -> Callable[[dict[int, Any]], Any]:
        """A function with its arguments; called with those numbers that change, by place."""
        function = getattr(self, name)
        if (packed := getattr(function, "held", None)) is not None and (call := packed(*given)) is not None:
            return cast("Callable[[dict[int, Any]], Any]", call)
        arguments = list(given)

        def call_again(changed: dict[int, Any]) -> Any:
            for place, value in changed.items():
                arguments[place] = value
            return function(*arguments)

        return call_again


Limit = namedtuple("Limit", FIELDS)  # type: ignore[misc]
ImplicitLimit = namedtuple("ImplicitLimit", IMPLICIT_FIELDS)  # type: ignore[misc]
CourseLimit = namedtuple("CourseLimit", COURSE_FIELDS)  # type: ignore[misc]
_RECORDS: dict[tuple[str, ...], Any] = {made._fields: made for made in (Limit, ImplicitLimit, CourseLimit)}


def limit_source(system: MomentSystem, target: Target = NUMBA) -> str:
    """Source of the module for ``system``: ``prepare``, ``begin``, ``rhs``, ``observe``, ``doubt``, …"""
    return "\n\n".join([target.header, Lowering(system, target).source(), scale_source(system)])


def limit_kernels(system: MomentSystem, target: Target | None = None) -> Any:
    """The functions of :func:`limit_source` and the explicit stepper; equal systems share them."""
    return _explicit_kernels(system, target or chosen())


@lru_cache(maxsize=256)
def _explicit_kernels(system: MomentSystem, target: Target) -> Any:
    return _kernels("explicit", system.content, target, lambda target: _explicit(system, target))


def _explicit(system: MomentSystem, target: Target) -> Kernels:
    stepper, functions = _together(
        lambda: _stepper("explicit", target), lambda: _begun(limit_source(system, target), LIMIT, target)
    )
    return Kernels(target=target, fields=FIELDS, **functions, **stepper)


@lru_cache(maxsize=256)
def course_kernels(system: MomentSystem, target: Target, many: bool = False) -> Any:
    """``courses`` of :mod:`symhigh.codegen.course` for a system, with the functions that it calls.

    For ``many`` curves C and LLVM have a stepper that takes longer to compile and less to step.
    """
    limit = _explicit_kernels(system, target)
    own = {name: getattr(limit, name) for name in LIMIT}
    if limit.target is NUMBA:
        own |= {name: first_class(own[name], LIMIT[name], "v") for name in ("prepare", "begin")}
    courses = _once(("courses", limit.target), lambda: _courses(limit.target))
    packed = limit.target in (C, LLVM)
    stepper = _stepper("many", limit.target)() if many and packed else vars(limit)
    own |= {"advance": stepper["advance"], "courses": courses}
    return Kernels(target=limit.target, fields=COURSE_FIELDS, **own)


def _courses(target: Target) -> Any:
    """One function for all limits; in C and by LLVM it calls the stepper's own ``advance``, and so has its bits."""
    if target in (C, LLVM):
        fields = {**record(COURSE_FIELDS).fields, "advance": (*STEPPER["advance"], "(i,i)")}
        source = course_source("limit.advance")
        return _begun(source, {"courses": COURSES}, target, (Record("limit", fields),))()["courses"]
    source = "\n\n".join([target.header, explicit_source(dormand_prince_8()), course_source("advance")])
    return _begun(source, {"courses": COURSES}, target, plain=True)()["courses"]


def implicit_kernels(system: MomentSystem, target: Target | None = None) -> Any:
    """The limit with its linear algebra (:mod:`symhigh.codegen.woodbury`) and the implicit stepper."""
    return _kernels("implicit", system.content, target, lambda target: _implicit(system, target))


def _implicit(system: MomentSystem, target: Target) -> Kernels:
    algebra = linear_algebra(jacobian(system), system, target)
    limit = limit_kernels(system, target)
    if limit.target is not target:
        raise NoCompiler("the right-hand side was not compiled")
    stepper, functions = _together(
        lambda: _stepper("implicit", target), lambda: _begun(algebra.source(), ALGEBRA, target)
    )
    own = {name: getattr(limit, name) for name in LIMIT}
    return Kernels(target=target, fields=IMPLICIT_FIELDS, room=algebra.room, **own, **functions, **stepper)


def _kernels(name: str, content: Any, target: Target | None, made: Callable[[Target], Kernels]) -> Any:
    """Kernels made once; where C was wanted and does not compile, by LLVM, at last by Numba."""
    wanted = target or chosen()

    def first() -> Kernels:
        with long_stage(f"writing and compiling the equations of the {name} method"):
            try:
                return made(wanted)
            except NoCompiler as fault:  # which Numba never raises
                if wanted is C:
                    give_up_c(str(fault))
                return _kernels(name, content, without_c() if wanted is C else NUMBA, made)

    return _once((name, content, wanted), first)


_Functions = dict[str, Any]


def _together(*starts: Callable[[], Callable[[], _Functions]]) -> list[_Functions]:
    """The functions of several modules whose compilers work at the same time; none is left running where one fails."""
    waiting: list[Callable[[], _Functions]] = []
    made: list[_Functions] = []
    faults: list[Exception] = []
    for start in starts:
        try:
            waiting.append(start())
        except Exception as fault:
            faults.append(fault)
    for wait in waiting:
        try:
            made.append(wait())
        except Exception as fault:
            faults.append(fault)
    if faults:
        raise faults[0]
    return made


def _stepper(name: str, target: Target) -> Callable[[], _Functions]:
    """The functions of a stepper, made once for all limits, once they are compiled."""
    if (name, target) in _loaded:
        return lambda: cast("_Functions", _loaded[name, target])
    implicit = name == "implicit"
    fields = IMPLICIT_FIELDS if implicit else FIELDS
    text = implicit_source(rodas_5p()) if implicit else explicit_source(dormand_prince_8(), name == "many")
    begun = _begun(f"{target.header}\n\n{text}", STEPPER, target, (record(fields),))
    return lambda: cast("_Functions", _once((name, target), begun))


def _begun(
    source: str,
    exports: Mapping[str, Signature],
    target: Target,
    records: tuple[Record, ...] = (),
    plain: bool = False,
    level: int = 2,
    fused: bool = False,
) -> Callable[[], _Functions]:
    """Begin to make the functions ``exports`` of a module on one target; the function returned waits for them.

    ``plain`` where no stepper is given them; for C the level of optimisation, and ``fused`` where it may round a
    product and a sum once.
    """
    if target is LLVM:
        made = load_llvm(source, exports, records, fused)
        return lambda: vars(made)
    if target is C:
        begun = begin_object(source, exports, records, 1 if records else level, fused)  # a stepper gains nothing by 2
        return lambda: vars(begun())
    module = load(source)
    functions = {name: getattr(module, name) for name in exports}
    if target is NUMBA and not records and not plain:
        fields = record(IMPLICIT_FIELDS).fields
        for name in fields.keys() & functions.keys():
            kinds = fields[name]
            functions[name] = first_class(functions[name], tuple(kinds[:-1]), kinds[-1])
    return lambda: functions


def reference_is_quicker(system: MomentSystem, modes: int) -> bool:
    """Whether the reference draws a curve of so few modes sooner than Numba is loaded and compiles.

    Among several threads the order is chance, so there all curves are compiled, with the same bits for all.
    """
    alone = all(t is threading.main_thread() or t.name == WATCHER for t in threading.enumerate())
    return alone and modes <= _FEW and "numba" not in sys.modules and not is_slow(system)


@lru_cache(maxsize=256)
def is_slow(system: MomentSystem) -> bool:
    """Whether averages are taken one within another, or by nested rules: far too slow where not compiled."""
    exprs = (*(s.expression for s in system.scalars), *system.outputs.values())
    return bool(averages(system)) or any(m.has(GaussianMean) for e in exprs for m in e.atoms(MixtureMean))


def particle_kernels(system: MomentSystem, noise: ImmutableMatrix) -> Any:
    """The module of :func:`~symhigh.codegen.particles.particle_source`, compiled."""
    exports = {name: LIMIT[name] for name in ("prepare", "begin", "rhs", "observe", "doubt")}
    exports["kick"] = ("d", "a1", "a2", "a1", "a2", "a1", "a1")
    key = system.content, noise
    return module_kernels("particles", key, None, lambda target: particle_source(system, noise, target), exports)


def module_kernels(
    name: str,
    content: Any,
    target: Target | None,
    source: Callable[[Target], str],
    exports: Mapping[str, Signature],
    level: int = 2,
    fused: bool = False,
) -> Any:
    """The functions ``exports`` of one module that needs no stepper."""

    def made(target: Target) -> Kernels:
        begun = _begun(source(target), exports, target, plain=True, level=level, fused=fused)
        return Kernels(target=target, **begun())

    return _kernels(name, content, target, made)


def _once(key: object, made: Callable[[], Any]) -> Any:
    """Lower and load once per process; what is kept is a pure function of the key."""
    with LOCK:
        if key not in _loaded:
            _loaded[key] = made()
            if "numba" in sys.modules:
                listen()
        return _loaded[key]
