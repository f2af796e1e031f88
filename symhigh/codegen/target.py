"""The targets of code generation: C, the first choice where it compiles; LLVM; Numba; NumPy, the readable reference.

NumPy and Numba differ only in how a loop over modes is written and in what decorates a function. Scalar expressions
print the same for both, with the ``math`` module. C and the language of LLVM, Numba's own compiler, are translated from
the loops (:mod:`symhigh.codegen.c`, :mod:`symhigh.codegen.llvm`).
"""

from __future__ import annotations

import keyword
import math
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import sympy as sp
from sympy.printing.numpy import NumPyPrinter

from symhigh.codegen.compiler import compiler
from symhigh.codegen.complement import complementary
from symhigh.codegen.printer import ScalarPrinter
from symhigh.telling import warn


@dataclass(frozen=True)
class Target:
    """``header`` opens the module and defines ``njit``; ``loops`` tells loops from array statements."""

    name: str
    header: str
    loops: bool


_MATH = "import math\nfrom math import *\n"

NUMPY = Target(
    "numpy", f"import numpy\n{_MATH}\n\ndef njit(function):\n    return function\n\n\nexact = njit\n", loops=False
)
NUMBA = Target(
    "numba",
    f"import numba\nimport numpy\n{_MATH}\n\n"
    "# reductions may be reordered; tests for NaN stay valid\n"
    "njit = numba.njit(cache=True, nogil=True, fastmath={'reassoc', 'contract', 'nsz'}, error_model='numpy')\n"
    "exact = numba.njit(cache=True, nogil=True, fastmath=False, error_model='numpy')\n",
    loops=True,
)
EXACT = Target("numba", f"{NUMBA.header}njit = exact\n", loops=True)
"""Numba with the bits of the reference: every sum in its order, every operation rounded."""
C = Target("c", "", loops=True)
LLVM = Target("llvm", "", loops=True)
TARGETS = {target.name: target for target in (C, LLVM, NUMBA, NUMPY)}


def chosen() -> Target:
    """The target named by ``$SYMHIGH_TARGET``; else C where there is a compiler, or what serves without one."""
    name = os.environ.get("SYMHIGH_TARGET")
    if not name:
        return C if compiler() is not None and not _refused else without_c()
    if name not in TARGETS:
        raise ValueError(f"SYMHIGH_TARGET={name}: not a target of generated code; choose from {', '.join(TARGETS)}")
    if name == LLVM.name and not llvm_is_usable():
        raise ValueError(f"SYMHIGH_TARGET={name}: needs an llvmlite of LLVM 16 or newer, not on Windows")
    return TARGETS[name]


def without_c() -> Target:
    """LLVM, which comes with Numba; Numba itself where the installed llvmlite has another interface."""
    return LLVM if llvm_is_usable() else NUMBA


def llvm_is_usable() -> bool:
    """Whether the installed llvmlite has the passes and the language that :mod:`symhigh.codegen.llvm` asks for."""
    if os.name != "posix":
        return False
    try:
        import llvmlite.binding as llvm
    except ImportError:
        return False
    return hasattr(llvm, "create_pass_builder") and llvm.llvm_version_info >= (16,)


_refused: list[str] = []
"""Why C is no longer tried in this process."""


def give_up_c(fault: str) -> None:
    """Go on without it, with one warning."""
    if not _refused:
        other = without_c()
        told = "LLVM compiles generated code" if other is LLVM else "Numba compiles generated code, in seconds"
        warn(f"{fault}; {told} instead. SYMHIGH_TARGET={other.name} chooses it without this warning")
    _refused.append(fault)


class _ScalarPrinter(ScalarPrinter):
    """Small whole powers as products: as fast as any, and far quicker to compile than a power."""

    def _print_Pow(self, expr: sp.Pow, rational: bool = False) -> str:
        base, power = expr.as_base_exp()
        if power.is_Integer and 2 <= abs(power) <= 4 and base.is_Symbol:
            product = " * ".join([str(self._print(base))] * abs(int(power)))
            return f"({product})" if power > 0 else f"(1.0 / ({product}))"
        return str(super()._print_Pow(expr, rational=rational))

    # safe from overflow, and defined at the kink
    def _print_Sigmoid(self, expr: sp.Expr) -> str:
        return f"(0.5 + 0.5 * tanh(0.5 * ({self._print(expr.args[0])})))"

    def _print_Softplus(self, expr: sp.Expr) -> str:
        u = self._print(expr.args[0])
        return f"(max({u}, 0.0) + log1p(exp(-abs({u}))))"

    def _print_Heaviside(self, expr: sp.Expr) -> str:
        u, at_zero = (self._print(a) for a in expr.args)
        return f"(1.0 if {u} > 0.0 else (0.0 if {u} < 0.0 else {at_zero}))"


class _ArrayPrinter(NumPyPrinter):  # type: ignore[misc]
    """Extremes entry by entry, in terms of NumPy alone: SymPy's own printer calls ``functools``."""

    def _print_Max(self, expr: sp.Max) -> str:
        return reduce("numpy.maximum({}, {})".format, map(self._print, expr.args))

    def _print_Min(self, expr: sp.Min) -> str:
        return reduce("numpy.minimum({}, {})".format, map(self._print, expr.args))


_scalar_printer = _ScalarPrinter({"fully_qualified_modules": False})
_array_printer = _ArrayPrinter({"fully_qualified_modules": True, "allow_unknown_functions": True})


class Names:
    """A Python identifier for every symbol, distinct and readable."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._taken = {*reserved, *keyword.kwlist, *dir(math), "math", "numpy", "numba", "njit"}
        self._name: dict[sp.Symbol, sp.Symbol] = {}

    def reserve(self, *names: str) -> None:
        """Keep ``names`` for the generated function itself; before any symbol is written."""
        self._taken.update(names)

    def __call__(self, symbol: sp.Symbol) -> str:
        if symbol not in self._name:
            name = re.sub(r"\W+", "_", symbol.name).strip("_") or "symbol"
            name = f"s_{name}" if name[0].isdigit() else name
            while name in self._taken:
                name += "_"
            self._taken.add(name)
            self._name[symbol] = sp.Symbol(name)
        return str(self._name[symbol].name)

    def code(self, expr: sp.Expr, arrays: bool = False) -> str:
        """``expr`` as Python source, elementwise on arrays where ``arrays`` is set."""
        renamed = expr.xreplace({s: sp.Symbol(self(s)) for s in expr.free_symbols})
        return str((_array_printer if arrays else _scalar_printer).doprint(renamed))


def statements(assignments: list[tuple[sp.Symbol, sp.Expr]]) -> list[tuple[sp.Symbol, sp.Expr]]:
    """The same assignments with common subexpressions shared, in an order in which each can be computed."""
    shared, reduced = sp.cse(
        [complementary(e) for _, e in assignments], symbols=sp.numbered_symbols("cse"), order="canonical"
    )
    pending = [*shared, *((name, e) for (name, _), e in zip(assignments, reduced, strict=True))]
    ordered: list[tuple[sp.Symbol, sp.Expr]] = []
    while pending:
        waiting = {name for name, _ in pending}
        ready = [(name, e) for name, e in pending if not e.free_symbols & (waiting - {name})]
        if not ready:
            raise ValueError(f"circular definition among {sorted(map(str, waiting))}")
        ordered += ready
        pending = [item for item in pending if item not in ready]
    return ordered
