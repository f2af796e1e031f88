"""Cells: where an expression in pieces changes its form, and the form that it has on each side.

Serves the splitting of Gaussian expectations and every quadrature of them. On a cell every boundary has one sign, so
|u|, Max, Heaviside and conditions are resolved there, and no branch is looked at where its condition excludes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sympy as sp
from sympy.core.relational import Equality, Relational, Unequality

from symhigh.derivation.gaussian.smooth import Sigmoid, Softplus, is_positive
from symhigh.derivation.gaussian.tails import Hazard, LogErfc
from symhigh.derivation.gaussian.terms import is_affine

KINKS = (sp.Abs, sp.sign, sp.Heaviside, sp.Max, sp.Min, sp.Piecewise)
STEPS = (sp.floor, sp.ceiling, sp.frac, sp.Mod)
"""Functions with infinitely many jumps."""
_MOST_BOUNDARIES = 8
_SMOOTH = (
    *(sp.exp, sp.sin, sp.cos, sp.sinh, sp.cosh, sp.tanh, sp.atan, sp.asinh, sp.erf, sp.erfc),
    *(Sigmoid, Softplus, Hazard, LogErfc),
)
_ODD = (sp.tanh, sp.erf, sp.atan, sp.sinh, sp.asinh)

Sides = tuple[tuple[sp.Expr, int], ...]
"""Boundaries and the sign that each has."""


class TooManyPieces(ValueError):
    """An expression has more boundaries than cells are made of."""


def cells(expr: sp.Expr, variables: Sequence[sp.Symbol], sides: Sides = ()) -> list[tuple[sp.Expr, Sides]]:
    """The forms of ``expr`` free of kinks, each with the signs of the boundaries of its cell."""
    boundary = next(_inner_boundaries(expr, variables), None)
    if boundary is None:
        return [(expr, sides)]
    if (sign := _implied(boundary, sides)) is not None:
        settled = on_side(expr, boundary, sign, variables)
        if settled == expr:
            raise ValueError(
                f"expectation of {expr}: the sign of {boundary} cannot be put in; write it as a Piecewise"
            )
        return cells(settled, variables, sides)
    if len(sides) >= _MOST_BOUNDARIES:
        raise TooManyPieces(
            f"expectation of {expr}: it has more than {_MOST_BOUNDARIES} boundaries between its pieces; "
            "average its summands one by one"
        )
    found = []
    for sign in (1, -1):
        found += cells(on_side(expr, boundary, sign, variables), variables, (*sides, (boundary, sign)))
    return found


def in_cells(expr: sp.Expr, variables: Sequence[sp.Symbol]) -> sp.Expr:
    """``expr`` as one ``Piecewise`` over its cells; neighbours of one form are one cell."""
    found = _merged([(branch, _needed(sides)) for branch, sides in cells(expr, variables)])
    if not found[0][1]:
        return found[0][0]
    branches = [
        (branch, sp.And(*(b > 0 if side == 1 else b < 0 for b, side in sides)))
        for branch, sides in found
        if branch != 0
    ]
    return sp.Piecewise(*branches, (0, True))


def _needed(sides: Sides) -> Sides:
    """The sides that do not follow from the others."""
    kept = list(sides)
    for boundary, side in sides:
        others = tuple(s for s in kept if s != (boundary, side))
        if _implied(boundary, others) == side:
            kept.remove((boundary, side))
    return tuple(kept)


def _merged(found: list[tuple[sp.Expr, Sides]]) -> list[tuple[sp.Expr, Sides]]:
    """Cells of one form joined across the boundaries that they share."""
    for i, (branch, sides) in enumerate(found):
        for other, beyond in found[:i]:
            if other == branch and (union := _union(sides, beyond)) is not None:
                rest = [c for c in found if c not in ((branch, sides), (other, beyond))]
                return _merged([*rest, (branch, union)])
    return found


def _union(first: Sides, second: Sides) -> Sides | None:
    for boundary, side in first:
        if (boundary, -side) not in second:
            continue
        one = tuple(s for s in first if s != (boundary, side))
        two = tuple(s for s in second if s != (boundary, -side))
        onward = all(s in two or _implied(s[0], ((boundary, -side),)) == s[1] for s in one)
        back = all(s in one or _implied(s[0], ((boundary, side),)) == s[1] for s in two)
        if onward and back:
            return (*one, *(s for s in two if s not in one))
    return None


def boundaries(expr: sp.Expr, variables: Sequence[sp.Symbol], soft: bool = False) -> list[sp.Expr]:
    """What changes its sign where ``expr`` has a kink, a jump or a pole; with ``soft``, also what is steep for a while.

    That are the steps of erf and the peaks of exp along the last variable, where its exponent has no slope: between
    variables that are almost the same they are as narrow as a jump. Polynomials come factor by factor.
    """
    found = set(edges(expr, variables)) | set(_singular(expr, variables))
    if soft:
        found |= {e.args[0] for e in expr.atoms(sp.erf)}
        found |= {_slope(e.args[0], variables) for e in expr.atoms(sp.exp)}
    factors: set[sp.Expr] = set()
    for boundary in found:
        factors |= set(_factors(boundary, variables))
    return sorted(factors, key=sp.default_sort_key)


def _slope(exponent: sp.Expr, variables: Sequence[sp.Symbol]) -> sp.Expr:
    """The numerator of the slope of a rational ``exponent`` along the last of its variables; zero of any other."""
    last = [v for v in variables if v in exponent.free_symbols]
    if not last or not exponent.is_rational_function(*last):
        return sp.S.Zero
    return sp.numer(sp.together(sp.diff(exponent, last[-1])))


def edges(expr: sp.Expr, variables: Sequence[sp.Symbol]) -> list[sp.Expr]:
    """The boundaries between the cells of ``expr``, whole."""
    try:
        merged = _merged([(branch, _needed(sides)) for branch, sides in cells(expr, variables)])
        found = {b for _, sides in merged for b, _ in sides}
    except TooManyPieces:
        found = {b for b in _written_boundaries(expr) if b.free_symbols.intersection(variables)}
    return sorted(found, key=sp.default_sort_key)


def _singular(expr: sp.Expr, variables: Sequence[sp.Symbol]) -> Iterator[sp.Expr]:
    """Denominators, radicands and arguments of logarithms that may be zero."""
    for part in expr.atoms(sp.Pow, sp.log):
        base = part.args[0]
        whole = part.is_Pow and part.exp.is_Integer and part.exp > 0
        if (
            not whole
            and base.free_symbols.intersection(variables)
            and not base.has(*KINKS)
            and not is_positive(base)
        ):
            yield base


def is_finite(expr: sp.Expr, variables: Sequence[sp.Symbol], integrable: bool = False) -> bool:
    """Whether ``expr`` is known, by its form, to be real and finite at all real ``variables``.

    With ``integrable`` a logarithm or a power above -1 of something nonnegative, such as ``log |u|``, counts as well.
    """
    if not expr.free_symbols.intersection(variables) or not expr.args:
        return True
    if isinstance(expr, sp.Piecewise):
        return all(is_finite(e, variables, integrable) for e, _ in expr.args)
    if isinstance(expr, sp.log) or (expr.is_Pow and not (expr.exp.is_Integer and expr.exp > 0)):
        base = expr.args[0]
        bounded = expr.is_Pow and bool(expr.exp.is_positive)
        allowed = integrable and (isinstance(expr, sp.log) or bool((expr.exp + 1).is_positive))
        known = is_positive(base) or ((bounded or allowed) and bool(base.is_nonnegative))
        return known and all(is_finite(a, variables, integrable) for a in expr.args)
    known_functions = (sp.Add, sp.Mul, sp.Pow, *_SMOOTH, *KINKS, *STEPS)
    return isinstance(expr, known_functions) and all(is_finite(a, variables, integrable) for a in expr.args)


def _inner_boundaries(expr: sp.Basic, variables: Sequence[sp.Symbol]) -> Iterator[sp.Expr]:
    """Boundaries of the kinks in ``expr`` that hold no kink themselves, normalised, innermost first."""
    if not expr.has(*KINKS) or not expr.free_symbols.intersection(variables):
        return
    for arg in expr.args:
        yield from _inner_boundaries(arg, variables)
    for written in boundaries_of(expr):
        if written.free_symbols.intersection(variables) and not kinked(written, variables):
            yield normalised(written, variables)[0]


def kinked(expr: sp.Expr, variables: Sequence[sp.Symbol]) -> bool:
    """Whether ``expr`` has a kink as ``variables`` vary."""
    return any(kink.free_symbols.intersection(variables) for kink in expr.atoms(*KINKS))


def boundaries_of(kink: sp.Basic) -> list[sp.Expr]:
    """What changes its sign where the outermost function of ``kink`` has its kink, as it is written."""
    if isinstance(kink, sp.Piecewise):
        return [r.gts - r.lts for r in kink.atoms(Relational) if not isinstance(r, Equality | Unequality)]
    if isinstance(kink, sp.Max | sp.Min):
        return [kink.args[0] - kink.args[1]]
    return [kink.args[0]] if isinstance(kink, sp.Abs | sp.sign | sp.Heaviside) else []


def _written_boundaries(expr: sp.Expr) -> Iterator[sp.Expr]:
    for kink in expr.atoms(*KINKS):
        yield from boundaries_of(kink)


def normalised(boundary: sp.Expr, variables: Sequence[sp.Symbol]) -> tuple[sp.Expr, int]:
    """``boundary`` up to a positive factor and its sign, such that equal boundaries look equal, and that sign."""
    flat = sp.expand(boundary)
    if is_affine(flat, variables):
        lead = next(c for c in (flat.coeff(v) for v in variables) if c != 0)
        if lead.is_positive or lead.is_negative:
            return sp.expand(flat / lead), 1 if lead.is_positive else -1
    _, primitive = flat.as_content_primitive()  # what is taken out is > 0
    sign = -1 if primitive.could_extract_minus_sign() else 1
    return sp.expand(sign * primitive), sign


def _implied(boundary: sp.Expr, sides: Sides) -> int | None:
    """The sign of a boundary that is known, by itself or from those of the cell."""
    if boundary.is_nonnegative or boundary.is_nonpositive:
        return 1 if boundary.is_nonnegative else -1
    for known, sign in sides:
        gap = sp.expand(boundary - known)
        if gap.is_nonnegative if sign == 1 else gap.is_nonpositive:
            return sign
    return None


def on_side(expr: sp.Basic, boundary: sp.Expr, sign: int, variables: Sequence[sp.Symbol]) -> sp.Basic:
    """``expr`` where the normalised ``boundary`` has this sign; what else has kinks keeps them."""
    if not expr.has(*KINKS, Relational):
        return expr
    if isinstance(expr, Equality):
        return sp.false if expr.free_symbols & boundary.free_symbols else expr
    if isinstance(expr, Unequality):
        return sp.true if expr.free_symbols & boundary.free_symbols else expr
    args = [on_side(a, boundary, sign, variables) for a in expr.args]
    if isinstance(expr, Relational):
        side = _side(expr.gts - expr.lts, boundary, sign, variables)
        return expr.func(*args) if side is None else sp.S(side == 1)
    if isinstance(expr, sp.Max | sp.Min):
        side = _side(args[0] - args[1], boundary, sign, variables)
        if side is not None:
            kept = args[0] if (side == 1) == isinstance(expr, sp.Max) else args[1]
            return expr.func(kept, *args[2:])
    elif isinstance(expr, sp.Abs | sp.sign | sp.Heaviside):
        side = _side(args[0], boundary, sign, variables)
        if side is not None:
            forms = {sp.Abs: side * args[0], sp.sign: sp.Integer(side), sp.Heaviside: sp.Integer(side == 1)}
            return forms[expr.func]
    elif isinstance(expr, sp.Piecewise):
        return sp.Piecewise(*args)
    return expr.func(*args)


def _side(written: sp.Expr, boundary: sp.Expr, sign: int, variables: Sequence[sp.Symbol]) -> int | None:
    if kinked(written, variables) or not written.free_symbols.intersection(variables):
        return None
    same, orientation = normalised(written, variables)
    return orientation * sign if same == boundary else None


def _factors(boundary: sp.Expr, variables: Sequence[sp.Symbol]) -> Iterator[sp.Expr]:
    """The factors of a boundary that vary."""
    if not boundary.free_symbols.intersection(variables) or boundary.is_positive or boundary.is_negative:
        return
    if isinstance(boundary, sp.Mul):
        for factor in boundary.args:
            yield from _factors(factor, variables)
    elif boundary.is_Pow and boundary.exp.is_positive:
        yield from _factors(boundary.base, variables)
    elif isinstance(boundary, _ODD):
        yield from _factors(boundary.args[0], variables)
    elif (below := sp.denom(sp.together(boundary))).free_symbols.intersection(variables):
        yield from _factors(sp.numer(sp.together(boundary)), variables)
        yield from _factors(below, variables)
    elif boundary.is_polynomial(*variables) and not is_affine(boundary, variables):
        every = sp.factor_list(sp.numer(sp.together(boundary)))[1]
        found = [f for f, _ in every if f.free_symbols.intersection(variables)]
        for factor in found:  # of a lower degree each, where there are several
            if len(found) > 1 or is_affine(factor, variables):
                yield from _factors(factor, variables)
            elif not (factor.is_positive or factor.is_negative):
                yield sp.expand(factor)
    else:
        yield normalised(boundary, variables)[0]
