"""Coordinates in which closed forms come out short: the arguments of the signs are variables of their own.

Serves the moments of a Gaussian expectation. In a clipped residual ``r = x - x* - ε`` everything is a function of r, so
with r as a variable and a name for Var r nothing has to be simplified afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from symhigh.derivation.gaussian.terms import Polynomial

Form = tuple[sp.Expr, ...]
Sign = tuple[Form, sp.Expr]
"""``sign(l·v - a)``, as (l, a)."""


@dataclass(frozen=True)
class Basis:
    """New variables ``u = forward v`` and back, ``v = backward u``."""

    forward: tuple[Form, ...]
    backward: tuple[Form, ...]

    def adapt(
        self, polynomial: Polynomial, signs: Sequence[Sign], cov: Sequence[Form]
    ) -> tuple[Polynomial, list[Sign], tuple[Form, ...], dict[sp.Symbol, sp.Expr]]:
        """The problem in the new variables; variances that are sums get names, returned with their meaning."""
        size = len(cov)
        entries = [[bilinear(f, cov, g) for g in self.forward] for f in self.forward]
        meaning: dict[sp.Symbol, sp.Expr] = {}
        for i in range(size):
            if isinstance(entries[i][i], sp.Add) and not entries[i][i].is_number:
                name = sp.Dummy(f"s{i}", positive=True)
                meaning[name] = entries[i][i]
                entries[i][i] = name
        moved = [
            (
                tuple(
                    sp.expand(sp.Add(*(c * row[j] for c, row in zip(form, self.backward, strict=True))))
                    for j in range(size)
                ),
                a,
            )
            for form, a in signs
        ]
        return _compose(polynomial, self.backward), moved, tuple(map(tuple, entries)), meaning


def sign_basis(forms: Sequence[Form], size: int) -> Basis:
    """The basis whose members are, as far as independent, ``forms``; each takes the place of one variable.

    A form takes the place of the last variable it holds: the auxiliary normal of an error function where there is one,
    so that polynomials in the given variables stay as they are.
    """
    rows = [list(_unit(i, size)) for i in range(size)]
    taken: set[int] = set()
    for form in forms:
        if sum(c != 0 for c in form) == 1:
            taken.add(next(i for i, c in enumerate(form) if c != 0))
    for form in forms:
        if sum(c != 0 for c in form) == 1:
            continue
        for place in [i for i in reversed(range(size)) if form[i] != 0 and i not in taken]:
            trial = [list(form) if i == place else row for i, row in enumerate(rows)]
            if sp.expand(sp.Matrix(trial).det(method="berkowitz")) != 0:
                rows = trial
                taken.add(place)
                break
    matrix = sp.Matrix(rows)
    inverse = matrix if matrix == sp.eye(size) else matrix.inv()
    return Basis(tuple(map(tuple, rows)), tuple(tuple(row) for row in inverse.tolist()))


def bilinear(form: Form, cov: Sequence[Form], other: Form) -> sp.Expr:
    """``formᵀ cov other``, expanded."""
    return sp.expand(
        sp.Add(
            *(a * b * cov[i][j] for i, a in enumerate(form) if a != 0 for j, b in enumerate(other) if b != 0)
        )
    )


def gathered(expr: sp.Expr, meaning: dict[sp.Symbol, sp.Expr]) -> sp.Expr:
    """``expr`` with names replaced by their meaning, one term for each transcendental factor."""
    groups: dict[sp.Expr, sp.Expr] = {}
    for term in sp.Add.make_args(distributed(expr)):
        rational, rest = sp.S.One, sp.S.One
        for factor in sp.Mul.make_args(term):
            base, power = factor.as_base_exp()
            if factor.is_Rational or (base.is_Symbol and power.is_Integer and power > 0):
                rational *= factor
            else:
                rest *= factor
        groups[rest] = groups.get(rest, sp.S.Zero) + rational
    return sp.Add(
        *(_plain(rest.xreplace(meaning)) * sp.expand(c.xreplace(meaning)) for rest, c in groups.items())
    )


def distributed(expr: sp.Expr) -> sp.Expr:
    """Products multiplied out on the top level only: arguments of functions stay as they are."""
    return sp.Add(*(sp.expand_mul(a, deep=False) for a in sp.Add.make_args(expr)))


def _plain(expr: sp.Expr) -> sp.Expr:
    """``expr`` with the radicands of roots multiplied out."""
    return expr.replace(
        lambda e: e.is_Pow and isinstance(e.base, sp.Mul | sp.Add) and not e.exp.is_Integer,
        lambda e: sp.Pow(sp.expand(e.base), e.exp),
    )


def _compose(polynomial: Polynomial, rows: tuple[Form, ...]) -> Polynomial:
    """The polynomial at ``v = rows u``."""
    size = len(rows)
    if all(rows[i] == _unit(i, size) for i in range(size)):
        return polynomial
    u = [sp.Dummy(f"u{i}") for i in range(size)]
    v = [sp.Add(*(c * b for c, b in zip(row, u, strict=True))) for row in rows]
    total = sp.Add(
        *(c * sp.prod(a**n for a, n in zip(v, powers, strict=True)) for powers, c in polynomial.items())
    )
    result: Polynomial = {}
    for term in sp.Add.make_args(sp.expand(total)):
        coefficient, rest = term.as_independent(*u, as_Add=False)
        powers_of = rest.as_powers_dict()
        key = tuple(int(powers_of.get(b, 0)) for b in u)
        result[key] = result.get(key, sp.S.Zero) + coefficient
    return {key: c for key, c in result.items() if c != 0}


def _unit(index: int, size: int) -> Form:
    return tuple(sp.Integer(k == index) for k in range(size))
