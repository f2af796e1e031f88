"""Zeros of two functions of the plane of overlaps, exactly: elimination, or roots along lines of symmetry.

Serves the fixed points of limits. Polynomials are eliminated by resultants and factorised; other closed forms are
solved where symmetry leaves one unknown. Textbook algebra.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import sympy as sp

from symhigh.closed.finder import DoesNotApply

Point = tuple[sp.Expr, sp.Expr]


def polynomial_zeros(
    equations: Sequence[sp.Expr], p: sp.Symbol, m: sp.Symbol
) -> tuple[list[Point], list[sp.Expr]]:
    """Common zeros (p, m) of two polynomials, and the polynomials whose roots are not explicit.

    Roots of degree two (in a power of the unknown) are radicals; others are exact real algebraic numbers where the
    coefficients are numbers, and are returned as polynomials where they hold symbols.

    Raises ``ValueError`` where the zeros form a curve.
    """
    points: dict[Point, None] = {}
    left: list[sp.Expr] = []
    for f in _factors(equations[1], p, m):
        for h in _factors(equations[0], p, m):
            if sp.gcd(f, h).has(p, m):
                raise DoesNotApply(f"fixed points: they fill the curve {f} = 0, so none is isolated")
            for point in _pair(f, h, p, m, left):
                points.setdefault(point)
    return list(points), list(dict.fromkeys(left))


def _pair(f: sp.Expr, h: sp.Expr, p: sp.Symbol, m: sp.Symbol, left: list[sp.Expr]) -> Iterator[Point]:
    """Common zeros of two coprime irreducible polynomials: roots of a resultant, the other unknown from them."""
    for known, other in ((p, m), (m, p)):
        single = next((e for e in (f, h) if not e.has(other)), None)
        if single is not None:
            second = h if single is f else f
            for root in _roots(single, known, left):
                rest = tidy(second.subs(known, root))
                for mate in _roots(rest, other, left):
                    yield (root, mate) if known is p else (mate, root)
            return
    chain = sp.subresultants(f, h, m)
    if (line := next((s for s in reversed(chain) if sp.degree(s, m) == 1), None)) is None:
        left += [f, h]
        return
    a, b = sp.Poly(line, m).all_coeffs()
    for factor in _factors(sp.resultant(f, h, m), p):
        for root in _roots(factor, p, left):
            slope = tidy(a.subs(p, root))
            if slope == 0:
                left.append(factor)
            else:
                yield root, tidy(-b.subs(p, root) / slope)


def _roots(expr: sp.Expr, x: sp.Symbol, left: list[sp.Expr]) -> list[sp.Expr]:
    """Roots in x, factor by factor; what has none that is explicit goes to ``left``."""
    found: list[sp.Expr] = []
    for factor in _factors(expr, x):
        poly = sp.Poly(factor, x)
        explicit = sp.roots(poly, cubics=False, quartics=False, quintics=False)
        if sum(explicit.values()) == poly.degree():
            found += [tidy(r) for r in explicit]
        elif not poly.free_symbols - {x} and all(c.is_Rational for c in poly.all_coeffs()):
            found += [root for root, _ in poly.real_roots(multiple=False)]
        else:
            left.append(factor)
    return found


def _factors(expr: sp.Expr, *unknowns: sp.Symbol) -> list[sp.Expr]:
    """Irreducible factors that hold an unknown."""
    present = [s for s in unknowns if expr.has(s)]  # of others, SymPy takes the whole for a coefficient
    if not present:
        return []
    try:
        _, parts = sp.factor_list(sp.numer(sp.together(expr)), *present)
    except sp.PolynomialError:
        return [expr]
    return [f for f, _ in parts if f.has(*unknowns)]


@lru_cache(maxsize=256)
def tidy(expr: sp.Expr) -> sp.Expr:
    """Radicals of rational functions in one form, so that what is zero is seen to be; other roots are left alone."""
    if expr.has(sp.CRootOf):
        return expr
    radical = any(e.exp == sp.S.Half or e.exp == -sp.S.Half for e in expr.atoms(sp.Pow))
    return sp.factor(sp.radsimp(sp.simplify(expr)) if radical else expr)


def symmetric_zeros(equations: Sequence[sp.Expr], p: sp.Symbol, m: sp.Symbol, n: sp.Symbol) -> list[Point]:
    """Zeros at m = 0, where symmetry makes the second function vanish, and at ``(n, ±n)``, the target and its mirror.

    For functions with square roots and arcsines of the overlaps, n their value at the target; there may be others.
    """
    found: list[Point] = []
    if sp.simplify(equations[1].subs(m, 0)) == 0:
        s = sp.Dummy("s", positive=True)
        radial = sp.numer(sp.together(sp.expand(equations[0].subs(m, 0).subs(p, n * s**2))))
        if radial.is_polynomial(s):
            roots = sp.roots(sp.Poly(radial, s), cubics=False, quartics=False, quintics=False)
            found += [(n * r**2, sp.S.Zero) for r in roots if not r.is_nonpositive]
    for side in (1, -1):
        if all(beside(e, p, m, n, side) == 0 for e in equations):
            found.append((n, side * n))
    return found


def beside(expr: sp.Expr, p: sp.Symbol, m: sp.Symbol, n: sp.Symbol, side: int) -> sp.Expr:
    """The value of ``expr`` at ``(n, ±n)``, as the angle between prediction and target vanishes.

    A derivative of a closed form is often ``0/0`` there, the edge of its domain.
    """
    direct = expr.subs({p: n, m: side * n}, simultaneous=True)
    if not direct.has(sp.nan, sp.zoo, sp.oo):
        return sp.simplify(direct)
    angle = sp.Dummy("theta", positive=True)
    cosine = sp.Dummy("c", positive=True)
    at = expr.subs({p: n, m: side * n * cosine}, simultaneous=True)
    at = at.replace(sp.asin, lambda u: sp.asin(sp.simplify(u)))
    at = at.replace(lambda e: e.is_Pow and not e.exp.is_Integer, lambda e: sp.Pow(sp.factor(e.base), e.exp))
    at = at.subs({sp.asin(cosine): sp.pi / 2 - angle})
    at = at.subs(1 - cosine, 2 * sp.sin(angle / 2) ** 2).subs(cosine, sp.cos(angle))
    return sp.limit(sp.simplify(at), angle, 0, "+")
