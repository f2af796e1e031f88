"""Ready-to-call kernels of densities: the solver, once for all systems, and what couples the classes of one.

Beside :mod:`symhigh.codegen.kernels`, for :mod:`symhigh.codegen.density_kernel` and :mod:`symhigh.codegen.density`.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any, cast

import sympy as sp

from symhigh.codegen.density import PAIRS, density_source
from symhigh.codegen.density_kernel import AVERAGES, COUPLED, FORCES, KERNEL, SOLVER
from symhigh.codegen.first_class import first_class
from symhigh.codegen.kernels import Kernels, _begun, _kernels, _loaded, _once, _together
from symhigh.codegen.signatures import LIMIT
from symhigh.codegen.target import NUMBA, NUMPY, Target, chosen
from symhigh.system import MomentSystem

_COUPLING = {name: its for pair in (*PAIRS, ("squared_error", "risk_of_squares"))
             for name, its in zip(pair, (AVERAGES, FORCES), strict=True)}  # fmt: skip
Coupled: Any = namedtuple("Coupled", tuple(COUPLED.fields))  # type: ignore[misc]
"""What the solver is told of a system: a pair of functions, and arrays."""


def density_kernels(system: MomentSystem, channels: tuple[sp.Expr, ...]) -> Any:
    """The functions of :func:`~symhigh.codegen.density.density_source`, and the solver that is given them."""

    def made(target: Target) -> Kernels:
        source, pairs = density_source(system, channels, target)
        exports = {name: LIMIT[name] for name in ("prepare", "begin")}
        exports |= {name: _COUPLING[name][:-1] for pair in pairs for name in pair}
        solver, own = _together(lambda: _solver(target), lambda: _begun(source, exports, target, plain=True))
        return Kernels(target=target, **_addressed(own, target), **solver)

    return _kernels("density", (system.content, channels), _compiling(), made)


def solver_kernels() -> Any:
    """The solver, with the coupling by one squared error."""
    return _kernels("solver", (), _compiling(), lambda target: Kernels(target=target, **_solver(target)()))


def _compiling() -> Target:
    """The target of densities: Numba in the place of the reference, which takes hours."""
    return NUMBA if chosen() is NUMPY else chosen()


def _solver(target: Target) -> Callable[[], dict[str, Any]]:
    """Begin to make the solver; it is kept once it is made."""
    key = "functions of the solver", target
    if key in _loaded:
        return lambda: cast("dict[str, Any]", _loaded[key])
    begun = _begun(f"{target.header}\n\n{KERNEL}", SOLVER, target, (COUPLED,))
    return lambda: cast("dict[str, Any]", _once(key, lambda: _addressed(begun(), target)))


def _addressed(functions: dict[str, Any], target: Target) -> dict[str, Any]:
    """The functions, those that the solver calls as Numba passes them."""
    if target is not NUMBA:
        return functions
    called = {name: first_class(f, _COUPLING[name][:-1], "v") for name, f in functions.items() if name in _COUPLING}
    return functions | called
