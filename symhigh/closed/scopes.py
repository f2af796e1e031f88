"""Users' symbols and the library's own kept apart in closed forms, where both may have one name.

Serves :func:`~symhigh.closed.limits.limits`. A formula may hold τ = Tr(K)/d of an open spectrum beside a user's symbol
``tau``: the library's is then written ``tau_K``. A user's symbols in spectrum and start that have a name of the
library's pass through the search under names of nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import sympy as sp

import symhigh.symbols as library
from symhigh.closed.formula import Formula
from symhigh.closed.modes import LAMBDA_MAX, LAMBDA_MIN
from symhigh.derivation.volterra import CLOCK
from symhigh.population import Spectrum, Start
from symhigh.symbols import B22, d, distance, kappa2, lam, t, tau
from symhigh.system import MomentSystem

_SHOWN = (tau, kappa2, distance, LAMBDA_MIN, LAMBDA_MAX, B22, lam, t, d, CLOCK)
"""The library's symbols that formulas may show."""
_LIBRARY = {s.name for s in vars(library).values() if isinstance(s, sp.Symbol)} | {s.name for s in _SHOWN}


@dataclass(frozen=True, eq=False)
class Scope:
    """``spectrum`` and ``start`` for the search; ``restored`` brings a formula's symbols back to what users gave."""

    spectrum: Spectrum | None
    start: Start | None
    back: Mapping[sp.Symbol, sp.Symbol] = field(default_factory=dict)
    renamed: Mapping[sp.Symbol, sp.Symbol] = field(default_factory=dict)

    def restored(self, formula: Formula, values: Mapping[sp.Symbol, Any]) -> Formula:
        """The formula with the users' values put in, and the library's symbols renamed where theirs have the name."""
        return formula.subs({**self.renamed, **values}).subs(self.back)


def scope(system: MomentSystem, spectrum: Spectrum | None, start: Start | None) -> Scope:
    """The scope of a question: users' symbols are those of parameters' values, spectrum and start."""
    posed = _symbols_of(spectrum, start)
    given = set().union(*(v.free_symbols for v in system.parameters.values())) - {t}
    held = {s.name for s in system.parameters} | {s.name.name for s in system.states}
    there = {s: sp.Dummy(s.name, **s.assumptions0) for s in posed if s.name in _LIBRARY | held}
    names = {s.name for s in posed | given}
    renamed = {s: _apart(s, names) for s in _SHOWN if s.name in names}
    return Scope(*_put(spectrum, start, there), {v: k for k, v in there.items()}, renamed)


def _apart(symbol: sp.Symbol, names: Iterable[str]) -> sp.Symbol:
    name = f"{symbol.name}_K"
    while name in names:
        name += "_K"
    return sp.Symbol(name, **symbol.assumptions0)


def _symbols_of(spectrum: Spectrum | None, start: Start | None) -> set[sp.Symbol]:
    entries: list[Any] = []
    if spectrum is not None and spectrum.is_symbolic:
        entries += [*spectrum.values, *spectrum.weights]
    if start is not None:
        entries += [start.x0, start.x_star, start.overlap]
    found: set[sp.Symbol] = set()
    return found.union(*(sp.sympify(e, strict=True).free_symbols for e in entries))


def _put(
    spectrum: Spectrum | None, start: Start | None, there: Mapping[sp.Symbol, sp.Symbol]
) -> tuple[Spectrum | None, Start | None]:
    if there and spectrum is not None and spectrum.is_symbolic:
        values, weights = (
            np.array([sp.sympify(e, strict=True).xreplace(there) for e in part], dtype=object)
            for part in (spectrum.values, spectrum.weights)
        )
        spectrum = replace(spectrum, values=values, weights=weights)
    if there and start is not None:
        x0, x_star, overlap = (e.xreplace(there) for e in (start.x0, start.x_star, start.overlap))
        start = replace(start, x0=x0, x_star=x_star, overlap=overlap)
    return spectrum, start
