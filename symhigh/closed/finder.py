"""What every finder of closed forms is given, and how it says that it does not apply.

Opens the search of :func:`~symhigh.closed.limits.limits`: a finder is a function of a :class:`Question` that returns
formulas by name, or raises :class:`DoesNotApply` with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp

from symhigh.closed.formula import Formula
from symhigh.derivation import derive
from symhigh.population import NetworkClasses, Overlaps, Spectrum, Start
from symhigh.symbols import V11, V12
from symhigh.system import MomentSystem

Formulas = dict[str, Formula]
_LONG = 512
"""Bits of an integer up to which polynomials are factored."""


class Found(dict[str, Formula]):
    """Formulas, and for names that a limit of this kind may have and this one has not, ``missing``, the reasons."""

    def __init__(self, formulas: Mapping[str, Formula], missing: Mapping[str, str]) -> None:
        super().__init__(formulas)
        self.missing = dict(missing)


class DoesNotApply(ValueError):
    """A finder has no closed form for this limit; the message says why, as the end of a sentence."""


def factored(expr: sp.Expr) -> sp.Expr:
    """``expr`` factored, or as it is where its integers are so long that a factorisation may not end."""
    longest = max((max(abs(n.p), n.q).bit_length() for n in expr.atoms(sp.Rational)), default=0)
    return sp.factor(expr) if longest <= _LONG else expr


@dataclass(frozen=True, eq=False)
class Question:
    """A limit whose long time is asked for, on a spectrum and from a start, or on a network's classes, if not open.

    Several directions start from ``overlaps``.
    """

    system: MomentSystem
    spectrum: Spectrum | None = None
    start: Start | None = None
    classes: NetworkClasses | None = None
    overlaps: Overlaps | None = None

    @cached_property
    def unreduced(self) -> MomentSystem:
        """The same limit in both overlaps of a mode, V11 and V12."""
        if self.system.family.states == (V11, V12):
            return self.system
        whole = derive(self.system.problem, self.system.rule, reduce=False)
        known = {s: v for s, v in self.system.parameters.items() if s in whole.parameters}
        return replace(whole, parameters={**whole.parameters, **known})


Finder = Callable[[Question], Formulas]
