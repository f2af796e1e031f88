"""The linear theory around a limit lowered to source: J, Σ and B₁ at one time, as tables over the modes.

Between :mod:`symhigh.derivation.fluctuations` and :mod:`symhigh.integration.fluctuations`. Beside the limit's functions
(:mod:`symhigh.codegen.lower`) the module has two, which fill the nonzero entries of the tables they are given:

``linearise(t_, y, par, coef, w, const, block, border, reading, memory, spread, features, core, gradients, in_time,
memory_in_time)`` and ``bend(t_, y, par, coef, w, const, inner, mixed, outer, memory, outputs, shift, memory_shift)``,

with the axes of :class:`~symhigh.derivation.fluctuations.Deviations`; tables of modes have one more axis, the modes.
Where averages are taken at nodes, ``place(t_, y, par, coef, w, const, law, given)`` says where.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import sympy as sp

from symhigh.codegen.kernels import module_kernels
from symhigh.codegen.lower import Lowering, function_source, needed
from symhigh.codegen.signatures import LIMIT
from symhigh.codegen.target import Target, statements
from symhigh.derivation.fluctuations import Deviations

LINEAR = (
    ("block", "border", "reading", "spread", "features", "in_time"),
    (
        "memory",
        "core",
        "gradients",
        "memory_in_time",
    ),
)
"""Tables of the modes, and tables that all modes share, in the order of the arguments of ``linearise``."""
BENT = ("inner", "mixed", "outer", "shift"), ("memory", "outputs", "memory_shift")
"""Likewise of ``bend``."""
PLACE = (), ("law", "given")
"""Likewise of ``place``, which says where averages are to be taken at nodes."""


def deviation_source(theory: Deviations, target: Target) -> str:
    """Source of the limit's functions, ``linearise`` and, where the bias is known, ``bend``."""
    lowering = Lowering(theory.system, target, more=[e for _, e in shares(theory)])
    tables = [name for both in (LINEAR, BENT, PLACE) for names in both for name in names]
    lowering.names.reserve("linearise", "bend", "place", *tables)
    parts = [target.header, lowering.source(), _filling("linearise", lowering, theory, theory, LINEAR)]
    if theory.mean is not None:
        parts.append(_filling("bend", lowering, theory, theory.mean, BENT))
    if theory.nodes is not None:
        parts.append(_filling("place", lowering, theory, theory.nodes, PLACE))
    return "\n\n".join(parts)


def deviation_kernels(theory: Deviations, target: Target | None) -> Any:
    """The functions of :func:`deviation_source`, compiled."""
    exports = {name: LIMIT[name] for name in ("prepare", "begin", "rhs", "observe", "doubt")}
    exports["linearise"] = (*_HERE, *_ranks(theory, LINEAR))
    if theory.mean is not None:
        exports["bend"] = (*_HERE, *_ranks(theory.mean, BENT))
    if theory.nodes is not None:
        exports["place"] = (*_HERE, *_ranks(theory.nodes, PLACE))
    return module_kernels("deviations", theory, target, lambda target: deviation_source(theory, target), exports)


_HERE = ("d", "a1", "a1", "a2", "a1", "a1")


def _ranks(source: Any, tables: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    return tuple(f"a{len(size)}" for size in Tables(source, tables, 1).shapes.values())


def _filling(
    called: str, lowering: Lowering, theory: Deviations, source: Any, tables: tuple[tuple[str, ...], ...]
) -> str:
    of_modes = [(name, *entry) for name in tables[0] for entry in entries(getattr(source, name))]
    shared = [(name, *entry) for name in tables[1] for entry in entries(getattr(source, name))]
    names, exprs = lowering.names, [e for *_, e in (*of_modes, *shared)]
    lowered = {name: e for (name, _), e in zip(shares(theory), lowering.more, strict=True)}
    slopes = [(name, lowered[name]) for name, _ in _wanted(theory, exprs)]
    used = [*exprs, *(e for _, e in slopes)]
    scalars = needed(lowering.scalars, used)
    body = lowering.base_part([*used, *(s.expression for s in scalars)])
    ordered = [*((s.name, s.expression) for s in scalars), *slopes]
    body += [f"{names(name)} = {names.code(e)}" for name, e in statements(ordered)] if ordered else []
    body += [f"{name}[{_place(at)}] = {names.code(e)}" for name, at, e in shared]
    if of_modes:
        body += lowering._modes(
            [(f"{name}[{_place(at)}, i]", f"{name}[{_place(at)}, :]", e) for name, at, e in of_modes]
        )
    arguments = ", ".join((*tables[0], *tables[1]))
    return function_source(f"{called}(t_, y, par, coef, w, const, {arguments})", body)


@lru_cache(maxsize=64)
def shares(theory: Deviations) -> tuple[tuple[sp.Symbol, sp.Expr], ...]:
    """What tables have in common, as far as those that are made hold it."""
    sources = [(theory, LINEAR), *([] if theory.mean is None else [(theory.mean, BENT)])]
    return _wanted(
        theory,
        [e for source, names in sources for name in (*names[0], *names[1]) for _, e in entries(getattr(source, name))],
    )


def _wanted(theory: Deviations, exprs: Sequence[sp.Expr]) -> tuple[tuple[sp.Symbol, sp.Expr], ...]:
    """The entries of ``shared`` that expressions hold, directly or through others; scalars of the system are there."""
    scalars = {s.name for s in theory.system.scalars}
    shared = [(name, e) for name, e in theory.shared if name not in scalars]
    wanted, known = set().union(*(e.free_symbols for e in exprs)), dict(shared)
    while more := {s for name in wanted & set(known) for s in known[name].free_symbols} - wanted:
        wanted |= more
    return tuple((name, e) for name, e in shared if name in wanted)


def entries(table: Any) -> list[tuple[tuple[int, ...], sp.Expr]]:
    """The entries of a table that are not identically zero, with their places."""
    if isinstance(table, tuple):
        return [((i,), e) for i, e in enumerate(table) if e != 0]
    if 0 in table.shape:
        return []
    places: Callable[..., Any] = product
    return [(at, table[at]) for at in places(*(range(n) for n in table.shape)) if table[at] != 0]


def shape(table: Any) -> tuple[int, ...]:
    """The shape of a table."""
    return (len(table),) if isinstance(table, tuple) else tuple(int(n) for n in table.shape)


class Tables:
    """Room for the tables that a generated function fills, in the order of its arguments; a shared one may be empty."""

    def __init__(self, source: Any, tables: tuple[tuple[str, ...], ...], modes: int) -> None:
        self.shapes = {name: (*shape(getattr(source, name)), modes) for name in tables[0]}
        self.shapes |= {name: shape(getattr(source, name)) for name in tables[1]}

    def copies(self) -> dict[str, np.ndarray[Any, Any]]:
        """Fresh arrays of zeros."""
        return {name: np.zeros(size) for name, size in self.shapes.items()}


def _place(at: tuple[int, ...]) -> str:
    return ", ".join(map(str, at))
