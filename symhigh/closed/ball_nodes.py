"""Enclosures of what takes more than one call: pieces, sums, roots, integrals, averages over a spectrum.

Serves :mod:`symhigh.closed.balls`. A root is enclosed by a proven change of sign, an integral by Arb's rigorous
quadrature; Gaussian averages stand in :mod:`symhigh.closed.ball_means`.
"""

from __future__ import annotations

from functools import lru_cache, reduce
from typing import Any

import sympy as sp

from symhigh.closed.balls import Evaluator, NotEnclosed, encloses
from symhigh.closed.nodes import Average, Choice, Root
from symhigh.derivation.gaussian.smooth import Sigmoid, Softplus, explicit
from symhigh.derivation.gaussian.tails import Hazard, LogErfc
from symhigh.symbols import lam


@encloses(sp.log)
def _log(at: Evaluator, expr: sp.Expr) -> Any:
    (inner,) = expr.args
    return at(inner).log(analytic=at.analytic)


@encloses(Sigmoid, Softplus, LogErfc, Hazard)
def _named(at: Evaluator, expr: sp.Expr) -> Any:
    return at(_written_out(expr))


@lru_cache(maxsize=256)
def _written_out(expr: sp.Expr) -> sp.Expr:
    """The same without the names: a quadrature asks at thousands of points."""
    return explicit(expr)


@encloses(sp.Abs)
def _absolute(at: Evaluator, expr: sp.Expr) -> Any:
    (inner,) = map(at, expr.args)
    return inner.real_abs(analytic=True) if at.analytic else at.flint.acb(abs(inner))


@encloses(sp.sign)
def _sign(at: Evaluator, expr: sp.Expr) -> Any:
    (inner,) = expr.args
    return at(inner).real_sgn(analytic=at.analytic)


@encloses(sp.Heaviside)
def _heaviside(at: Evaluator, expr: sp.Expr) -> Any:
    inner, middle = map(at, expr.args)
    if inner.real.contains(0) and not at.analytic:
        return inner.real_heaviside().union(middle)
    return inner.real_heaviside(analytic=at.analytic)


@encloses(sp.Max, sp.Min)
def _largest(at: Evaluator, expr: sp.Expr) -> Any:
    name = "real_max" if isinstance(expr, sp.Max) else "real_min"
    return reduce(lambda a, b: getattr(a, name)(b, analytic=at.analytic), map(at, expr.args))


@encloses(sp.Piecewise)
def _piecewise(at: Evaluator, expr: sp.Expr) -> Any:
    possible: list[sp.Expr] = []
    for value, condition in expr.args:
        true = at.holds(condition)
        if true is not False:
            possible.append(value)
        if true:
            break
    else:
        raise NotEnclosed(f"no case of {expr} is proved to hold", wide=True)
    return at.any_of(possible)


@encloses(Choice)
def _choice(at: Evaluator, expr: sp.Expr) -> Any:
    test, above, below = expr.args
    true = at.holds(sp.StrictGreaterThan(test, 0, evaluate=False))
    return at.any_of([above, below] if true is None else [above if true else below])


@encloses(sp.factorial)
def _factorial(at: Evaluator, expr: sp.Expr) -> Any:
    (inner,) = expr.args
    return (at(inner) + 1).gamma()


@encloses(sp.polygamma)
def _polygamma(at: Evaluator, expr: sp.Expr) -> Any:
    order, inner = map(at, expr.args)
    return inner.polygamma(order)


@encloses(sp.Sum)
def _sum(at: Evaluator, expr: sp.Expr) -> Any:
    match [tuple(limit) for limit in expr.limits]:
        case [(index, sp.Integer() as low, sp.Integer() as high)]:
            terms = (expr.function.xreplace({index: sp.Integer(k)}) for k in range(int(low), int(high) + 1))
            return sum(map(at, terms), at.flint.acb(0))
    raise NotEnclosed(f"{expr} is no finite sum")


@encloses(sp.Integral)
def _integral(at: Evaluator, expr: sp.Expr) -> Any:
    match [tuple(limit) for limit in expr.limits]:
        case [(variable, low, high)] if not (low.is_infinite or high.is_infinite):
            return _quadrature(at, expr.function, variable, at(low), at(high))
    raise NotEnclosed(f"{expr} is no integral between two numbers")


@encloses(Average)
def _average(at: Evaluator, expr: Average) -> Any:
    if not isinstance(expr.measure, sp.Tuple):
        raise NotEnclosed("the spectrum is open; give limits(…, spectrum=…)")
    total = at.flint.acb(0)
    for value, weight in zip(*expr.measure.args, strict=True):
        total += at(weight) * Evaluator({**at.values, lam: at(value)}, at.analytic)(expr.summand)
    return total


@encloses(Root)
def _root(at: Evaluator, expr: Root) -> Any:
    """A proven change of sign between two points near the root, across which the equation is finite."""
    if at.analytic:
        raise NotEnclosed("a root under an integral is not enclosed")
    arb, acb, bits = at.flint.arb, at.flint.acb, at.flint.ctx.prec
    function, unknown, *interval = expr.args
    put = {s: _middle(at(s)) for s in expr.free_symbols}
    guess = sp.Rational(expr.xreplace(put).evalf(int(bits * 0.302)))
    low, high = (arb.pos_inf() if e is sp.oo else at.real(e) for e in interval)

    def equation(where: Any) -> Any:
        return Evaluator({**at.values, unknown: acb(where)}).real(function)

    for power in range(bits, 8, -(bits // 20)):
        reach = abs(guess) / 2**power
        left, right = (arb(at.flint.fmpq(int(e.p), int(e.q))) for e in (guess - reach, guess + reach))
        if equation(left) * equation(right) < 0:
            if not (left > low and right < high):
                raise NotEnclosed(f"the root of {expr} is not proved to lie in its interval", wide=True)
            between = left.union(right)
            if equation(between).is_finite():
                return acb(between)
    raise NotEnclosed(f"no change of sign of {expr} is proved", wide=True)


def _middle(ball: Any) -> sp.Rational:
    mantissa, exponent = ball.real.mid().man_exp()
    return sp.Rational(int(mantissa)) * sp.Integer(2) ** int(exponent)


def _quadrature(at: Evaluator, body: sp.Expr, variable: sp.Symbol, low: Any, high: Any) -> Any:
    def integrand(z: Any, analytic: bool) -> Any:
        return Evaluator({**at.values, variable: z}, analytic)(body)

    return at.flint.acb.integral(integrand, low, high)
