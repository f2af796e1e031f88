"""GaussianMean: an expectation without closed form, as a SymPy expression of the lowest dimension found.

Last pass of a Gaussian expectation and what code generation lowers. Its derivative in the covariance is Price's
theorem, ``∂E g/∂S = (1/2) Σ_ij (∂S_ij) E ∂_i∂_j g`` over a symmetric S, so it stays within such nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import permutations
from typing import Any

import sympy as sp

from symhigh.derivation.gaussian.pieces import hidden, shown
from symhigh.derivation.gaussian.smooth import explicit, recognise

_FIRST_INDEX = 8_140_000
_PLACES = ("0.41", "0.73")
_STANDARD = ["B_{11}", "B_{12}", "B_{12}", "B_{22}"]


@lru_cache(maxsize=16)
def bound_variable(index: int) -> sp.Dummy:
    """The canonical bound variable z₁, z₂, …: the same object in every node and every process."""
    return sp.Dummy(f"z{index + 1}", dummy_index=_FIRST_INDEX + index, real=True)


class GaussianMean(sp.Expr):  # type: ignore[misc]
    """``E integrand`` over centred, jointly Gaussian ``variables`` with covariance ``cov``.

    Bound variables are canonical, so equal nodes are equal objects; directions of zero variance, variables that do
    not occur and odd summands are dropped, down to a plain expression. ``subs`` acts on the covariance and on
    parameters, ``diff`` is Price's theorem, ``evalf(n)`` gives n digits.

    Parameters
    ----------
    integrand
        Expression in ``variables`` and parameters.
    variables
        k distinct real symbols.
    cov
        k × k symmetric covariance; entries are expressions free of ``variables``.
    """

    is_commutative = True

    def __new__(cls, integrand: sp.Expr, variables: Sequence[sp.Symbol], cov: Any) -> sp.Expr:
        cov = sp.ImmutableDenseMatrix(cov)
        variables = tuple(variables)
        if cov.shape != (len(variables), len(variables)):
            raise ValueError(
                f"GaussianMean(cov of shape {cov.shape}): needs one row for each of {len(variables)} variables"
            )
        sure = {v: sp.S.Zero for i, v in enumerate(variables) if cov[i, i].is_zero}
        integrand = shown(sp.sympify(integrand, strict=True).xreplace(sure), evaluate=True)
        kept = [i for i, v in enumerate(variables) if v not in sure and v in integrand.free_symbols]
        if not kept:
            return explicit(integrand)
        constant, integrand = integrand.as_independent(*(variables[i] for i in kept), as_Add=False)
        if constant != 1:
            return explicit(constant) * cls(integrand, variables, cov)
        even, alone = _even(integrand, tuple(variables[i] for i in kept))
        if alone:
            return explicit(even)
        if even != integrand:
            return cls(even, variables, cov)
        integrand, cov = _canonical(integrand, [variables[i] for i in kept], cov.extract(kept, kept))
        bound = sp.Tuple(*(bound_variable(i) for i in range(len(kept))))
        return sp.Expr.__new__(cls, hidden(integrand), bound, sp.ImmutableDenseMatrix(cov))

    @property
    def integrand(self) -> sp.Expr:
        return shown(self.args[0])

    @property
    def variables(self) -> tuple[sp.Symbol, ...]:
        return tuple(self.args[1])

    @property
    def cov(self) -> sp.ImmutableDenseMatrix:
        return self.args[2]

    @property
    def dimension(self) -> int:
        """Number of integrals."""
        return len(self.args[1])

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        parameters: set[sp.Symbol] = self.args[0].free_symbols - set(self.variables)
        return parameters.union(self.cov.free_symbols)

    @property
    def bound_symbols(self) -> list[sp.Symbol]:
        return list(self.variables)

    def _eval_is_extended_real(self) -> bool | None:
        return None if self.integrand.is_extended_real is None else bool(self.integrand.is_extended_real)

    def _eval_is_finite(self) -> bool | None:
        return True

    def _eval_is_positive(self) -> bool | None:
        return True if self.integrand.is_positive else None

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.integrand.is_nonnegative else None

    def _eval_subs(self, old: sp.Basic, new: sp.Basic) -> sp.Expr:
        if old in self.variables or (old.is_Symbol and old not in self.free_symbols):
            return self
        return self.func(self.integrand._subs(old, new), self.variables, self.cov._subs(old, new))

    def _eval_derivative(self, symbol: sp.Symbol) -> sp.Expr:
        """In the covariance by second derivatives of the integrand (Price), or of the density where it has pieces."""
        from symhigh.derivation.gaussian.expectation import mean

        g, v, cov = self.integrand, self.variables, self.cov
        total, rates = mean(sp.diff(g, symbol), v, cov), sp.diff(cov, symbol)
        if all(rate == 0 for rate in rates):
            return total
        rooted = any(p.base.has(sp.Abs, sp.sign) for p in g.atoms(sp.Pow) if not p.exp.is_Integer or p.exp < 0)
        if rooted or g.has(sp.Piecewise, sp.Min, sp.Max):  # whose derivatives miss what happens where pieces meet
            inverse = cov.inv()  # the score of the density, whose moments with g are nodes as g's is
            turned, size = inverse * rates * inverse, range(self.dimension)
            score = sp.Add(*(turned[i, j] * self.func(v[i] * v[j] * g, v, cov) for i in size for j in size))
            return total + (score - (inverse * rates).trace() * self) / 2
        for i in range(self.dimension):
            for j in range(i + 1):
                if rates[i, j] != 0:
                    curvature = sp.diff(g, v[i], v[j])
                    total += rates[i, j] * mean(curvature / 2 if i == j else curvature, v, cov)
        return total

    def _eval_evalf(self, prec: int) -> sp.Expr:
        if self.free_symbols:
            return self
        return sp.Float(_integral(self, rounded_up(prec)), precision=prec)

    def _sympystr(self, printer: Any) -> str:
        names = ", ".join(printer._print(v) for v in self.variables)
        cov = (
            self.cov[0, 0]
            if self.dimension == 1
            else sp.Tuple(*(sp.Tuple(*row) for row in self.cov.tolist()))
        )
        return f"E[{printer._print(self.integrand)}; {names} ~ N(0, {printer._print(cov)})]"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        names = [printer._print(v) for v in self.variables]
        cov = printer._print(self.cov[0, 0] if self.dimension == 1 else self.cov)
        cells = [printer._print(e).removesuffix("(t)") for e in self.cov]
        if cells in (_STANDARD, _STANDARD[::-1]):  # the covariance of the predictions, in one order or the other
            names, cov = names if cells == _STANDARD else names[::-1], "B"
        below = rf"{', '.join(names)} \sim \mathcal{{N}}(0, {cov})"
        body = rf"\mathbb{{E}}_{{{below}}}\left[{printer._print(self.integrand)}\right]"
        return rf"\left({body}\right)^{{{exp}}}" if exp else body


def rounded_up(prec: int) -> int:
    """A multiple of 16 bits: SymPy asks for a few more or fewer, depending on what stands around a node."""
    return -(-prec // 16) * 16


@lru_cache(maxsize=4096)
def _integral(node: GaussianMean, prec: int) -> sp.Float:
    """The value of a node to ``prec`` bits: the equations of one system hold it many times."""
    from symhigh.derivation.gaussian.digits import integrate

    return integrate(node.integrand, node.variables, node.cov, prec)


@lru_cache(maxsize=8192)
def _even(integrand: sp.Expr, variables: tuple[sp.Symbol, ...]) -> tuple[sp.Expr, bool]:
    """The integrand without summands that are odd in the variables, and whether none of the variables is left then.

    No covariance matters, so nodes that differ in theirs share it.
    """
    flip = {v: -v for v in variables}
    first, second = (_even_part_at(integrand, variables, place) for place in _PLACES)
    if first is None or second is None or not _differ(first[0], second[0], first[1] + second[1]):
        even = sp.expand(integrand + recognise(integrand.xreplace(flip))) / 2
        if not even.free_symbols.intersection(variables):
            return even, True
    odd = [a for a in sp.Add.make_args(integrand) if a != integrand and _is_odd(a, flip)]
    return (integrand - sp.Add(*odd) if odd else integrand), False


def _is_odd(expr: sp.Expr, flip: dict[sp.Symbol, sp.Expr]) -> bool:
    """Whether ``expr`` changes its sign with all variables: then its mean is zero."""
    here = _even_part_at(expr, tuple(flip), _PLACES[0])
    if here is not None and _differ(here[0], 0, here[1]):
        return False
    return bool(sp.expand(expr + recognise(expr.xreplace(flip))) == 0)


def _even_part_at(expr: sp.Expr, variables: tuple[sp.Symbol, ...], place: str) -> tuple[complex, float] | None:
    """The even part at one point in 30 digits, doubled, and its size; None where SymPy has no number at once."""
    at = {s: sp.Float(37 + 12 * k, 30) / 31 for k, s in enumerate(sorted(expr.free_symbols, key=str))}
    at |= {v: sp.Float(place, 30) * (k + 2) for k, v in enumerate(variables)}
    try:
        there, back = (complex(expr.xreplace(at | signs)) for signs in ({}, {v: -at[v] for v in variables}))
    except (TypeError, ValueError, ArithmeticError):  # such as a comparison of what is not real there
        return None
    return there + back, abs(there) + abs(back)


def _differ(one: complex, other: complex, size: float) -> bool:
    """Whether numbers differ by more than rounding could make of them: algebra, which is slow, need not be asked."""
    return bool(1e-300 < size < 1e300 and abs(one - other) > 1e-6 * size)


def _canonical(integrand: sp.Expr, variables: list[sp.Symbol], cov: sp.Matrix) -> tuple[sp.Expr, sp.Matrix]:
    """Rename the variables to z₁, z₂, …, in the order that sorts first."""
    count = len(variables)
    choices = []
    for order in permutations(range(count)):
        names = {variables[k]: bound_variable(i) for i, k in enumerate(order)}
        choices.append((integrand.xreplace(names), cov.extract(list(order), list(order))))
    if count == 1:
        return choices[0]
    return min(choices, key=lambda c: (sp.default_sort_key(c[0]), [sp.default_sort_key(e) for e in c[1]]))
