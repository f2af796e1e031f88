"""Enclosures of Gaussian averages over one and two variables: Arb's rigorous quadrature inside, proven bounds outside.

Serves :mod:`symhigh.closed.balls`. ``E f`` is an integral over independent standard normals, cut off at ±R; what is
left is bounded by the growth of f. Over two variables the inner integral is a function of the outer variable that Arb's
quadrature integrates again: it is analytic where the integrand is so on all tiles of the inner interval.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import sympy as sp

from symhigh.closed.balls import Evaluator, NotEnclosed, encloses
from symhigh.closed.growth import growth
from symhigh.derivation.gaussian.node import GaussianMean
from symhigh.derivation.gaussian.smooth import explicit

_PIECES = (sp.Abs, sp.sign, sp.Heaviside, sp.Max, sp.Min, sp.Piecewise)
_TILES = 48
"""Into how many tiles the inner interval is cut where the outer variable is a wide ball."""
_EFFORT = 20_000
"""How many values of an integrand are taken at most for each bit of precision, over two variables."""
_SPARE = 40
"""Bits that two nested integrals leave to what enters the formula beside them."""


@encloses(GaussianMean)
def _gaussian(at: Evaluator, expr: GaussianMean) -> Any:
    """``E f`` over one or two variables, cut off at ±R in each normal, with the bound of what is left."""
    if expr.dimension > 2:
        raise NotEnclosed("averages over three and more variables are not enclosed, only over one or two")
    if at.analytic:
        raise NotEnclosed("an average under an integral is not enclosed")
    variables, rows = _standard(at, expr)
    size, power, rate = growth(expr.integrand, variables, lambda e: abs(at(e)).upper())
    reach, tail = _reach(at, expr, rows, (size, int(power), rate))
    average = _line if expr.dimension == 1 else _square
    numbers = explicit(expr.integrand).atoms(sp.Number, sp.NumberSymbol)
    at = Evaluator({**at.values, **{number: at(number) for number in numbers}})  # once, and not at every point
    return average(at, expr.integrand, variables, rows, reach) + at.flint.acb(at.flint.arb(0, tail))


def _standard(at: Evaluator, expr: GaussianMean) -> tuple[tuple[sp.Symbol, ...], list[Any]]:
    """The variables as combinations of standard normals: ``x₁ = l₁₁ z₁`` and ``x₂ = l₂₁ z₁ + l₂₂ z₂``.

    The first is the one on which the integrand's pieces depend, so that the inner integral is analytic.
    """
    variables, cov = expr.variables, expr.cov
    first = at.real(cov[0, 0]).sqrt()
    if expr.dimension == 1:
        return variables, [first]
    pieces = [e for e in sp.preorder_traversal(expr.integrand) if isinstance(e, _PIECES)]
    touched = {v for e in pieces for v in e.free_symbols.intersection(variables)}
    order = (1, 0) if variables[1] in touched else (0, 1)
    if len(touched) > 1:
        raise NotEnclosed("averages over two variables are not enclosed where the integrand has pieces in both")
    i, j = order
    first = at.real(cov[i, i]).sqrt()
    across = at.real(cov[0, 1]) / first
    rest = at.real(cov[j, j]) - across * across
    if not rest > 0:
        raise NotEnclosed("the covariance of an average is not proved to be positive definite", wide=True)
    return (variables[i], variables[j]), [first, across, rest.sqrt()]


def _reach(at: Evaluator, expr: GaussianMean, rows: list[Any], bound: tuple[Any, int, Any]) -> tuple[Any, Any]:
    """R, and a bound of the average beyond ±R, where ``|f| <= C Π (1 + w_i|z_i|)^k e^{a w_i|z_i|}``.

    One factor's tails have the bound of :func:`tail_of`, and over the whole line it is at most
    ``2 (1 + wR)^k e^{(aw)²/2}`` besides.
    """
    arb = at.flint.arb
    size, power, rate = arb(bound[0]), bound[1], arb(bound[2])
    weights = rows if len(rows) == 1 else [rows[0] + abs(rows[1]), rows[2]]
    slopes = [rate * weight for weight in weights]
    if not all(slope.is_finite() for slope in slopes):
        raise NotEnclosed(f"the tails of {expr} are not bounded", wide=True)
    reach = arb(reach_of(at.flint.ctx.prec, max(float(slope.upper()) for slope in slopes), power))
    beyond = [tail_of(power, slope, weight, reach) for weight, slope in zip(weights, slopes, strict=True)]
    if len(weights) == 1:
        return reach, (size * beyond[0]).upper()
    whole = [
        2 * (1 + weight * reach) ** power * (slope * slope / 2).exp() + far
        for weight, slope, far in zip(weights, slopes, beyond, strict=True)
    ]
    return reach, (size * (beyond[0] * whole[1] + whole[0] * beyond[1])).upper()


def reach_of(bits: int, slope: float, power: int) -> int:
    """A whole R with ``R/2 >= slope + power/R`` and ``e^{-R²/2} < 2^{-bits}``: where a Gaussian average is cut off.

    Beyond it ``(1 + z)^power e^{slope z - z²/2}`` falls faster than ``e^{-Rz/2}``.
    """
    return math.ceil(math.sqrt(2 * math.log(2) * bits) + 2 * slope + 2 * math.sqrt(power)) + 1


def tail_of(power: int, slope: Any, deviation: Any, reach: Any) -> Any:
    """A bound of ``∫ (1 + deviation |z|)^power e^{slope |z|} φ(z) dz`` over ``|z| > reach``, for a reach as above.

    The logarithm of the integrand falls at least at the rate ``reach/2`` there, so each side is at most its value at
    the end times ``2/reach``.
    """
    density = (reach.pi() * 2).sqrt()
    return 4 * (1 + deviation * reach) ** power * (slope * reach - reach**2 / 2).exp() / (reach * density)


def _line(at: Evaluator, body: sp.Expr, variables: tuple[sp.Symbol, ...], rows: list[Any], reach: Any) -> Any:
    acb, density = at.flint.acb, (2 * at.flint.arb.pi()).sqrt()

    def integrand(z: Any, analytic: bool) -> Any:
        inner = Evaluator({**at.values, variables[0]: rows[0] * z}, analytic)
        return inner(body) * (-z * z / 2).exp() / density

    return acb.integral(integrand, acb(-reach), acb(reach))


def _square(at: Evaluator, body: sp.Expr, variables: tuple[sp.Symbol, ...], rows: list[Any], reach: Any) -> Any:
    acb, arb = at.flint.acb, at.flint.arb
    bits = at.flint.ctx.prec
    close, point, left = arb(2) ** (_SPARE - bits), arb(2) ** (_SPARE // 2 - bits), [_EFFORT * bits]
    edges = [reach * (2 * k - _TILES) / _TILES for k in range(_TILES + 1)]
    tiles = [acb(low.union(high)) for low, high in pairwise(edges)]

    def outer(first: Any, analytic: bool) -> Any:
        def inner(second: Any, analytic_there: bool) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise NotEnclosed(f"an average over two variables needs more than {_EFFORT * bits} values of {body}")
            values = {variables[0]: rows[0] * first, variables[1]: rows[1] * first + rows[2] * second}
            found = Evaluator({**at.values, **values}, analytic or analytic_there)(body)
            return found * (-(first * first + second * second) / 2).exp()

        if first.rad() > point:  # any bound serves, and an exact integral has no meaning
            return sum((inner(tile, False) for tile in tiles), acb(0)) * (2 * reach / _TILES)
        return acb.integral(inner, acb(-reach), acb(reach), rel_tol=close, abs_tol=close)

    return acb.integral(outer, acb(-reach), acb(reach), rel_tol=close, abs_tol=close) / (2 * arb.pi())
