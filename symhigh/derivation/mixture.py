"""Averages over the label noise: Gaussian given its variance, then over the mixture that the law is.

A pass of the derivation, between Gaussian expectations and the loss's statistics. Monomials of the mixing variable have
closed moments; what else depends on it stays one integral, a :class:`MixtureMean`. Laws: :mod:`symhigh.problem.noise`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import mpmath
import sympy as sp
from sympy.printing.precedence import PRECEDENCE

from symhigh.derivation.gaussian import GaussianMean
from symhigh.derivation.gaussian.node import rounded_up
from symhigh.problem.noise import MIXING, Component


class MixtureMean(sp.Expr):  # type: ignore[misc]
    """``∫₀^∞ integrand · density ds`` over :data:`~symhigh.problem.noise.MIXING`, both functions of it.

    ``subs`` and ``diff`` act on the integrand's other symbols; ``evalf(n)`` integrates to n digits.
    """

    is_commutative = True
    precedence = PRECEDENCE["Mul"]
    """How tightly it binds where it is printed: powers of an integral need parentheses."""

    def __new__(cls, integrand: sp.Expr, density: sp.Expr) -> sp.Expr:
        constant, integrand = sp.sympify(integrand, strict=True).as_independent(MIXING, as_Add=False)
        if integrand == 1:
            return constant
        node = sp.Expr.__new__(cls, integrand, density)
        return constant * node

    @property
    def integrand(self) -> sp.Expr:
        return self.args[0]

    @property
    def density(self) -> sp.Expr:
        return self.args[1]

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        return set(self.integrand.free_symbols) - {MIXING}

    @property
    def bound_symbols(self) -> list[sp.Symbol]:
        return [MIXING]

    def _eval_is_extended_real(self) -> bool | None:
        return None if self.integrand.is_extended_real is None else bool(self.integrand.is_extended_real)

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.integrand.is_nonnegative else None

    def _eval_subs(self, old: sp.Basic, new: sp.Basic) -> sp.Expr:
        return self if old == MIXING else self.func(self.integrand._subs(old, new), self.density)

    def _eval_derivative(self, symbol: sp.Symbol) -> sp.Expr:
        return self.func(sp.diff(self.integrand, symbol), self.density)

    def _eval_evalf(self, prec: int) -> sp.Expr:
        if self.free_symbols:
            return self
        return sp.Float(_integral(self, rounded_up(prec)), precision=prec)

    def _sympystr(self, printer: Any) -> str:
        return f"E[{printer._print(self.integrand)}; s ~ {printer._print(self.density)}]"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        integrand, density = (printer.parenthesize(e, PRECEDENCE["Mul"]) for e in self.args)
        body = rf"\int_0^\infty {integrand}\, {density}\, ds"
        return rf"\left({body}\right)^{{{exp}}}" if exp else body


@lru_cache(maxsize=256)
def _integral(node: MixtureMean, prec: int) -> sp.Float:
    """The value of a node to ``prec`` bits."""
    digits = int(prec * 0.30103)
    weighted = sp.lambdify(MIXING, node.integrand.evalf(digits + 10) * node.density, "mpmath")
    with mpmath.workdps(digits + 10):
        value = mpmath.quad(weighted, [0, mpmath.mpf("1e-6"), mpmath.mpf("1e-2"), 1, 10, 1000, mpmath.inf])
    return sp.Float(value, digits)


def mixed(expr: sp.Expr, component: Component) -> sp.Expr:
    """The average of ``expr``, a Gaussian expectation at the component's variance, over that variance."""
    if not expr.has(MIXING):
        return expr
    closed, rest = sp.S.Zero, sp.S.Zero
    for part in sp.Add.make_args(expr):
        if not part.is_polynomial(MIXING):
            rest += part
            continue
        for (n,), coefficient in sp.Poly(part, MIXING).terms():
            moment = _moment(component, n)
            closed += coefficient * moment if moment is not None else 0
            rest += coefficient * MIXING**n if moment is None else 0
    return closed + (MixtureMean(rest, component.density) if rest != 0 else 0)


@lru_cache(maxsize=256)
def _moment(component: Component, n: int) -> sp.Expr | None:
    """``E s^n``, or None where it is infinite."""
    if 2 * n >= component.order:
        return None
    return sp.integrate(MIXING**n * component.density, (MIXING, 0, sp.oo))


def outermost_means(exprs: Iterable[sp.Expr]) -> list[sp.Expr]:
    """The averages in ``exprs``, Gaussian ones and those over mixing laws, that stand in no other one."""
    found = set().union(*(e.atoms(GaussianMean, MixtureMean) for e in exprs))
    inside = set().union(*(n.integrand.atoms(GaussianMean) for n in found if isinstance(n, MixtureMean)))
    return sorted(found - inside, key=sp.default_sort_key)
