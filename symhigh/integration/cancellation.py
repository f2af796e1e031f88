"""Scalars of a limit near its target, in small averages, so that what cancels there cancels before it is computed.

Serves :mod:`symhigh.integration.frames`. With ``u = x ∓ x*`` the averages are ``Q = E u²``, ``P = E u x*`` and ``B22``,
and determinants such as ``B11 B22 - B12² = Q B22 - P²`` have all their digits. Arcsines of correlations near one are
written ``π/2 - atan2(√(1 - ρ²), ρ)``, sums of others as arctangents of their differences, and sums of averages as one
average over (u, x*), its integrand factorised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy as sp

from symhigh.derivation.gaussian import GaussianMean, Sigmoid
from symhigh.symbols import B11, B12, B22

_SEEDS = (sp.Rational(17, 13), sp.Rational(29, 11))
"""Values of what stays at the target, to see which arcsines meet there."""


_KNOWN = (sp.asin, sp.exp, sp.sinh, sp.Piecewise, sp.Abs)


def is_open(expr: sp.Expr, averages: set[sp.Symbol]) -> bool:
    """Whether ``expr`` holds an average of a function whose differences are not known, so that nothing resolves it."""
    nodes = (node for node in expr.atoms(GaussianMean) if node.free_symbols & averages)
    return any(not _is_known(node.integrand, node.variables) for node in nodes)


def _is_known(integrand: sp.Expr, variables: Sequence[sp.Symbol]) -> bool:
    names = {a: sp.Dummy() for kind in _DIFFERENCES for a in integrand.atoms(kind)}
    return bool(integrand.xreplace(names).is_polynomial(*variables, *names.values()))


def resolved(
    expr: sp.Expr, averages: Mapping[sp.Symbol, sp.Expr], small: Sequence[sp.Symbol], side: int
) -> sp.Expr | None:
    """``expr`` in framed averages, for ``side`` ±1 of the target; None where nothing is known of it.

    ``averages`` are the system's own in those of the frame, of which ``small`` vanish at the target.
    """
    if expr.has(GaussianMean):
        return _one_average(expr, averages, side)
    found = _exponentials(_roots(expr.xreplace(dict(averages))), small)
    if found is None or any(not isinstance(f, _KNOWN) for f in found.atoms(sp.Function)):
        return None
    to_one, others = {}, []
    for a in sorted(found.atoms(sp.asin), key=sp.default_sort_key):
        ends = [_at_target(a.args[0], small, seed) for seed in _SEEDS]
        if all(abs(abs(end) - 1) < 1e-12 for end in ends):
            to_one[a] = _from_one(a.args[0], 1 if ends[0] > 0 else -1)
        else:
            others.append((a, ends[0]))
    if others:
        return _differences(sp.expand(found.xreplace(to_one)) if to_one else found, others)
    return sp.expand(found.xreplace(to_one)) if to_one else found


def _at_target(expr: sp.Expr, small: Sequence[sp.Symbol], seed: sp.Expr) -> float:
    return _at(expr.xreplace(dict.fromkeys(small, sp.S.Zero)), seed)


def _at(expr: sp.Expr, seed: sp.Expr) -> float:
    """The value where every symbol has another value near ``seed``."""
    names = sorted(expr.free_symbols, key=str)
    return float(expr.xreplace({s: seed + sp.Rational(k, 7) for k, s in enumerate(names)}))


def _quotient(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Numerator, expanded, and denominator of a rational function."""
    top, bottom = sp.fraction(sp.together(expr))
    return sp.expand(top), sp.factor_terms(bottom)


def _roots(expr: sp.Expr) -> sp.Expr:
    """Radicands over one denominator, each root apart."""

    def root(e: sp.Pow) -> sp.Expr:
        top, bottom = _quotient(e.base)
        return top**e.exp / bottom**e.exp

    return expr.replace(lambda e: e.is_Pow and e.base.is_Add and e.exp.is_Rational and e.exp.q == 2, root)


def _exponentials(expr: sp.Expr, small: Sequence[sp.Symbol]) -> sp.Expr | None:
    """Exponentials that are equal at the target, as what they are there times ``e^δ - 1 = 2 sinh(δ/2) e^{δ/2}``."""
    if not expr.has(sp.exp):
        return expr
    parts: dict[sp.Expr, list[tuple[sp.Expr, sp.Expr]]] = {}
    for term in sp.Add.make_args(sp.expand(expr)):
        factor, exponential = term.as_independent(sp.exp)
        exponent = sp.log(exponential) if exponential == 1 else sp.powsimp(exponential).as_base_exp()[1]
        if exponential != 1 and sp.powsimp(exponential) != sp.exp(exponent):
            return None
        there = sp.expand(exponent).xreplace(dict.fromkeys(small, sp.S.Zero))
        parts.setdefault(there, []).append((factor, sp.expand(exponent - there)))
    total = sp.S.Zero
    for there, group in parts.items():
        whole = sp.Add(*(factor for factor, _ in group))
        over = sp.Add(*(2 * factor * sp.sinh(gap / 2) * sp.exp(gap / 2) for factor, gap in group))
        gone = all(abs(_at(whole, seed)) < 1e-12 for seed in _SEEDS)
        total += sp.exp(there) * (over if gone else over + whole)
    return total


def _lack(w: sp.Expr) -> sp.Expr:
    """``√(1 - w²)``."""
    top, bottom = _quotient(1 - w**2)
    return sp.sqrt(top) / sp.sqrt(bottom)


def _from_one(w: sp.Expr, sign: int) -> sp.Expr:
    return sign * (sp.pi / 2 - sp.atan2(_lack(w), sign * w))


def _differences(expr: sp.Expr, others: Sequence[tuple[sp.Expr, float]]) -> sp.Expr | None:
    """Arcsines that are equal at the target and whose factors sum to zero, as differences from the last of them."""
    names = {a: sp.Dummy(f"a{k}", real=True) for k, (a, _) in enumerate(others)}
    named, (last, end) = expr.xreplace(names), others[-1]
    factors = {a: sp.diff(named, name) for a, name in names.items()}
    rest, total = named.xreplace(dict.fromkeys(names.values(), sp.S.Zero)), sp.Add(*factors.values())
    if any(f.has(*names.values()) for f in factors.values()) or any(abs(there - end) > 1e-12 for _, there in others):
        return None
    if any(abs(_at(total, seed)) > 1e-12 for seed in _SEEDS):
        return None
    return rest + sp.Add(*(factors[a] * _difference(a.args[0], last.args[0]) for a, _ in others[:-1]))


def _difference(v: sp.Expr, w: sp.Expr) -> sp.Expr:
    """``asin v - asin w`` for v, w of one sign."""
    top, bottom = _quotient(v**2 - w**2)
    across = v * _lack(w) + w * _lack(v)
    return sp.atan2(top / (bottom * across), _lack(v) * _lack(w) + v * w)


def _one_average(expr: sp.Expr, averages: Mapping[sp.Symbol, sp.Expr], side: int) -> sp.Expr | None:
    """A sum of averages over predictions x, x* as one over ``u = x ∓ x*`` and x*."""
    x, u, target = (sp.Dummy(name, real=True) for name in ("x", "u", "x_star"))
    size = {B11: x**2, B12: x * target, B22: target**2}
    total = sp.S.Zero
    for term in sp.Add.make_args(sp.expand(expr)):
        nodes = term.atoms(GaussianMean)
        if not nodes:
            if term.has(*size) and not _linear(term, tuple(size)):
                return None
            total += term.xreplace(size)
            continue
        node = next(iter(nodes))
        factor = term / node
        own = {v: _prediction(node.cov[i, i], x, target) for i, v in enumerate(node.variables)}
        linked = node.dimension == 1 or (node.dimension == 2 and node.cov[0, 1] == B12)
        if factor.has(GaussianMean, *size) or None in own.values() or not linked or len({*own.values()}) < len(own):
            return None
        total += factor * node.integrand.xreplace(own)
    if (integrand := _by_differences(total.xreplace({target: side * target}), x, target, u)) is None:
        return None
    integrand = integrand.xreplace({target: side * target})
    square, cross = sp.expand(B11 - 2 * side * B12 + B22), B12 - side * B22
    law = [[square, cross], [cross, B22]]
    return GaussianMean(integrand, (u, target), [[sp.expand(e.xreplace(dict(averages))) for e in row] for row in law])


def _by_differences(expr: sp.Expr, x: sp.Symbol, y: sp.Symbol, u: sp.Symbol) -> sp.Expr | None:
    """A polynomial in functions of x and of y at ``x = u + y``, functions of x being those of y plus differences."""
    held = {a for kind in _DIFFERENCES for a in expr.atoms(kind)}
    by_y = {a: a.xreplace({x: y}) for a in held}
    names = {a: sp.Dummy(real=True) for a in {*held, *by_y.values()} if not a.has(x)}
    steps = {a: sp.Dummy(real=True) for a in held if a.has(x)}
    if any(a.args[0].has(x) == a.args[0].has(y) or a.args[0] != a.args[0].coeff(s) * s
           for a in held for s in ([x] if a.has(x) else [y])):  # fmt: skip
        return None
    small = expr.xreplace({**names, **{a: names[by_y[a]] + step for a, step in steps.items()}}).xreplace({x: u + y})
    symbols = {u, y, *names.values(), *steps.values()}
    if not small.is_polynomial(*symbols):
        return None
    known = {step: _DIFFERENCES[a.func](a.args[0].coeff(x), u, y) for a, step in steps.items()}
    return sp.factor(small).xreplace({**known, **{name: a for a, name in names.items()}})


def _tanh(k: sp.Expr, u: sp.Symbol, y: sp.Symbol) -> sp.Expr:
    return sp.tanh(k * u) * (1 - sp.tanh(k * y) * sp.tanh(k * (u + y)))


_DIFFERENCES: Mapping[Any, Callable[[sp.Expr, sp.Symbol, sp.Symbol], sp.Expr]] = {
    sp.tanh: _tanh,
    Sigmoid: lambda k, u, y: _tanh(k / 2, u, y) / 2,
    sp.sin: lambda k, u, y: 2 * sp.sin(k * u / 2) * sp.cos(k * (u / 2 + y)),
    sp.cos: lambda k, u, y: -2 * sp.sin(k * u / 2) * sp.sin(k * (u / 2 + y)),
}
"""``f(k (u + y)) - f(k y)`` without cancellation."""


def _prediction(variance: sp.Expr, x: sp.Symbol, target: sp.Symbol) -> sp.Symbol | None:
    return x if variance == B11 else target if variance == B22 else None


def _linear(term: sp.Expr, symbols: Sequence[sp.Symbol]) -> bool:
    return bool(term.is_polynomial(*symbols)) and sp.Poly(term, *symbols).homogeneous_order() == 1
