"""Linear forms: the fewest directions that a set of factors depends on, and coordinates along them.

Serves the passes of a Gaussian expectation. Linear algebra only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sympy as sp

from symhigh.derivation.gaussian.basis import Form, Sign, bilinear
from symhigh.derivation.gaussian.terms import is_affine


@dataclass(frozen=True)
class Span:
    """Independent linear forms of ``variables``; coordinate k is the value of form k.

    ``solved`` expresses a pivot variable by the coordinates and the other variables.
    """

    variables: tuple[sp.Symbol, ...]
    forms: tuple[Form, ...]
    coordinates: tuple[sp.Symbol, ...]
    solved: dict[sp.Symbol, sp.Expr]

    @property
    def size(self) -> int:
        return len(self.forms)

    def holds(self, expr: sp.Expr) -> bool:
        """Whether ``expr`` is a function of the forms alone."""
        return not self.express(expr).free_symbols.intersection(self.variables)

    def express(self, expr: sp.Expr) -> sp.Expr:
        """``expr`` in the coordinates."""
        if not self.forms:
            return expr
        places = {u: sp.expand(u.xreplace(self.solved)) for u in affine_parts(expr, self.variables)}
        moved = expr.xreplace(places)
        if moved.free_symbols.intersection(self.variables) and moved.is_polynomial(*self.variables):
            moved = sp.expand(moved)
        return moved

    def covariance(self, cov: Sequence[Form]) -> list[list[sp.Expr]]:
        return [[bilinear(f, cov, g) for g in self.forms] for f in self.forms]

    def padded(self, size: int) -> tuple[Form, ...]:
        return tuple((*f, *[sp.S.Zero] * (size - len(f))) for f in self.forms)

    def widened(self, signs: Iterable[Sign], variables: Sequence[sp.Symbol]) -> Span:
        """The span with one more form: the first of the signs' that is new."""
        count = len(variables)
        for form, _ in signs:
            head = sp.Add(*(c * v for c, v in zip(form[:count], variables, strict=True)))
            if head != 0 and not self.holds(head):
                return _span([*(self._expression(f) for f in self.forms), head], tuple(variables))
        raise ValueError("no sign leaves the span")

    def _expression(self, form: Form) -> sp.Expr:
        return sp.Add(*(c * v for c, v in zip(form, self.variables, strict=True)))


def spanned(factors: Iterable[sp.Expr], variables: Sequence[sp.Symbol]) -> Span:
    """The span of every maximal affine subexpression of ``factors``."""
    parts = [u for f in factors for u in affine_parts(f, variables)]
    return _span(sorted(parts, key=lambda u: (len(u.free_symbols), sp.default_sort_key(u))), tuple(variables))


def affine_parts(expr: sp.Basic, variables: Sequence[sp.Symbol]) -> list[sp.Expr]:
    """Maximal subexpressions of ``expr`` that are affine in ``variables`` and not constant.

    Branches of a ``Piecewise`` count with their conditions, which are no expressions themselves.
    """
    if not expr.free_symbols.intersection(variables):
        return []
    if isinstance(expr, sp.Expr) and is_affine(expr, variables):
        return [expr]
    if isinstance(expr, sp.Add):
        affine = [a for a in expr.args if is_affine(a, variables)]
        others = [a for a in expr.args if not is_affine(a, variables)]
        parts = [a for a in affine if a.free_symbols.intersection(variables)]
        return parts + [u for a in others for u in affine_parts(a, variables)]
    return [u for a in expr.args for u in affine_parts(a, variables)]


def _span(parts: Sequence[sp.Expr], variables: tuple[sp.Symbol, ...]) -> Span:
    """Gaussian elimination on the linear parts, keeping the forms as they are written (monic)."""
    forms: list[Form] = []
    coordinates: list[sp.Symbol] = []
    solved: dict[sp.Symbol, sp.Expr] = {}
    for part in parts:
        poly = sp.Poly(part, *variables)
        coefficients = [poly.coeff_monomial(v) for v in variables]
        lead = next(c for c in coefficients if c != 0)
        form = tuple(sp.cancel(c / lead) for c in coefficients)
        linear = sp.Add(*(c * v for c, v in zip(form, variables, strict=True)))
        rest = sp.expand(linear.xreplace(solved))
        pivot = next((v for v in variables if v in rest.free_symbols), None)
        if pivot is None:
            continue
        z = sp.Dummy(f"z{len(forms)}", real=True)
        slope = rest.coeff(pivot)
        value = sp.expand((z - rest.coeff(pivot, 0)) / slope)
        solved = {v: sp.expand(e.xreplace({pivot: value})) for v, e in solved.items()} | {pivot: value}
        forms.append(form)
        coordinates.append(z)
    return Span(variables, tuple(forms), tuple(coordinates), solved)
