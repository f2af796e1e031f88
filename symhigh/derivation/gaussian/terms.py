"""A smooth integrand as a sum of polynomial × e^{quadratic} × other factors.

Third pass of a Gaussian expectation: what is polynomial goes to Isserlis and Stein, exponentials of quadratic forms are
absorbed into the law, trigonometric functions are exponentials, and the other factors decide the dimension of what
is left to quadrature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

Monomial = tuple[int, ...]
Polynomial = dict[Monomial, sp.Expr]
TRIGONOMETRIC = (sp.sin, sp.cos)


@dataclass(frozen=True)
class Term:
    """``polynomial · e^exponent · Π factor``; polynomial in the variables, by exponents."""

    polynomial: Polynomial
    exponent: sp.Expr
    factors: tuple[sp.Expr, ...]


def collect_terms(expr: sp.Expr, variables: Sequence[sp.Symbol]) -> list[Term]:
    """The terms of a smooth ``expr``, one for each product of non-polynomial factors."""
    atoms = _Atoms(variables)
    flat = sp.expand(
        atoms.replace(expr), power_exp=False, power_base=False, log=False, basic=False, complex=False
    )
    grouped: dict[tuple[sp.Expr, tuple[sp.Expr, ...]], Polynomial] = {}
    for summand in sp.Add.make_args(flat):
        coefficient, dependent = summand.as_independent(*variables, *atoms.meaning, as_Add=False)
        powers = dependent.as_powers_dict() if dependent != 1 else {}
        monomial = tuple(int(powers.get(v, 0)) for v in variables)
        exponent = sum(
            (n * atoms.meaning[s].args[0] for s, n in powers.items() if s in atoms.exponentials), sp.S.Zero
        )
        factors = tuple(
            sorted(
                (
                    atoms.meaning[s] ** n
                    for s, n in powers.items()
                    if s in atoms.meaning and s not in atoms.exponentials
                ),
                key=sp.default_sort_key,
            )
        )
        polynomial = grouped.setdefault((sp.expand(exponent), factors), {})
        polynomial[monomial] = polynomial.get(monomial, sp.S.Zero) + coefficient
    return [Term(p, q, f) for (q, f), p in grouped.items()]


def is_affine(expr: sp.Expr, variables: Sequence[sp.Symbol]) -> bool:
    """Whether ``expr`` is polynomial of degree at most one in ``variables``."""
    return _degree(expr, variables, 1)


def joined(expr: sp.Expr) -> sp.Expr:
    """``expr`` with products of exponentials as one, its exponent factored, so that large parts cancel beforehand."""

    def one(*args: sp.Expr) -> sp.Expr:
        exponents = [a.args[0] for a in args if isinstance(a, sp.exp)]
        if len(exponents) < 2:
            return sp.Mul(*args)
        return sp.Mul(*(a for a in args if not isinstance(a, sp.exp)), sp.exp(sp.factor(sp.Add(*exponents))))

    return expr.replace(sp.Mul, one)


def _degree(expr: sp.Expr, variables: Sequence[sp.Symbol], most: int) -> bool:
    if not expr.free_symbols.intersection(variables):
        return True
    return bool(expr.is_polynomial(*variables)) and sp.Poly(expr, *variables).total_degree() <= most


class _Atoms:
    """Non-polynomial factors under names, so that products can be expanded around them."""

    def __init__(self, variables: Sequence[sp.Symbol]) -> None:
        self.variables = tuple(variables)
        self.among = set(variables)
        self.name: dict[sp.Expr, sp.Dummy] = {}
        self.meaning: dict[sp.Dummy, sp.Expr] = {}
        self.exponentials: set[sp.Dummy] = set()

    def replace(self, expr: sp.Expr) -> sp.Expr:
        if not expr.free_symbols & self.among or expr in self.among:
            return expr
        if isinstance(expr, sp.Add | sp.Mul):
            return expr.func(*(self.replace(a) for a in expr.args))
        if isinstance(expr, sp.exp):
            return self._exponential(expr.exp)
        if isinstance(expr, sp.Pow):
            return self._power(expr)
        if isinstance(expr, sp.sinh | sp.cosh) and _degree(expr.args[0], self.variables, 2):
            return self.replace(expr.rewrite(sp.exp))
        return self._named(expr)

    def _power(self, expr: sp.Pow) -> sp.Expr:
        base, exponent = expr.base, expr.exp
        if exponent.is_Integer and exponent > 0:
            return self.replace(base) ** exponent
        if not base.free_symbols & self.among and base.is_positive:
            return self._exponential(exponent * sp.log(base))
        if exponent.is_Integer:
            return self._named(1 / base) ** (-exponent)
        return self._named(expr)

    def _exponential(self, exponent: sp.Expr) -> sp.Expr:
        total = sp.S.One
        rest = sp.S.Zero
        for part in sp.Add.make_args(sp.expand(exponent)):
            if _degree(part, self.variables, 2):
                total = total * (
                    self._named(sp.exp(part)) if part.free_symbols & self.among else sp.exp(part)
                )
            else:
                rest += part
        for name in total.free_symbols & self.meaning.keys():
            self.exponentials.add(name)
        return total * (self._named(sp.exp(rest)) if rest != 0 else 1)

    def _named(self, factor: sp.Expr) -> sp.Dummy:
        if factor not in self.name:
            name = sp.Dummy(f"g{len(self.name)}", positive=True)
            self.name[factor] = name
            self.meaning[name] = factor
        return self.name[factor]
