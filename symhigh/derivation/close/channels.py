"""What moves in time and what differs from class to class, told apart: the form that a density is integrated in.

Serves the closure by a density. ``dα`` and the drift and diffusion of ξ are sums of products (function of the class) ×
(function of time); every function of time that occurs is a channel. Averages that stand together are joined, so that
``B11 − 2 B12 + B22`` is the average of a square and keeps its digits where it is small.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import sympy as sp

from symhigh.derivation.close.additive import Reduction, alpha, side_w, side_z, xi
from symhigh.meanfield import Reduction as Average
from symhigh.meanfield import Scalar
from symhigh.symbols import OwnedSymbol

Table = dict[sp.Expr, sp.Expr]
"""Function of time → what it multiplies."""
Exponents = tuple[sp.Expr, sp.Expr]
"""The factors of ξ and of α in an exponential."""


def exponential_terms(
    expr: sp.Expr, place: sp.Symbol, level: sp.Symbol
) -> tuple[sp.Expr, sp.Expr, dict[Exponents, sp.Expr]]:
    """Split ``expr`` into ``c0 + c1 ξ + Σ C exp(κ ξ + ℓ α)``; returns ``c0, c1, {(κ, ℓ): C}``, or raises
    ``ValueError``; ξ is ``place``, α is ``level``."""
    constant, slope = sp.S.Zero, sp.S.Zero
    table: dict[Exponents, sp.Expr] = {}
    for term in sp.Add.make_args(sp.expand(sp.powsimp(sp.expand(expr)))):
        factor, rest = term.as_independent(place, level, as_Add=False)
        power = sp.expand(sp.log(rest)) if rest.has(sp.exp) else None
        exponent = sp.expand(sp.expand_log(power, force=True)) if power is not None else None
        if not rest.has(place, level):
            constant += term
        elif rest == place:
            slope += factor
        elif (
            exponent is not None
            and exponent.is_polynomial(place, level)
            and sp.Poly(exponent, place, level).total_degree() == 1
        ):
            key = (exponent.coeff(place), exponent.coeff(level))
            table[key] = table.get(key, sp.S.Zero) + factor
        else:
            raise ValueError(
                f"exponential_terms: {term} is neither constant, linear in {place}, nor an exponential"
            )
    return constant, slope, table


@dataclass(frozen=True, eq=False)
class Channels:
    """``dα = Σ_c level[c] c dt``, ``dξ = Σ_c (constant[c] + slope[c] ξ + Σ terms[c][κ, ℓ] e^{κξ + ℓα}) c dt + …``.

    Half the rate of quadratic variation of ξ is ``Σ_c spread[c] c``. ``names`` are the channels c, functions of time
    of which the first is 1; what they multiply holds the class's λ and θ*, signs, and parameters.
    """

    names: tuple[sp.Expr, ...]
    level: Table
    constant: Table
    slope: Table
    spread: Table
    terms: dict[sp.Expr, dict[Exponents, sp.Expr]]


def channels(reduction: Reduction, fixed: Iterable[sp.Symbol]) -> Channels:
    """The channels of a reduced coordinate; ``fixed`` are the symbols that do not move in time.

    Raises ``ValueError`` where the drift of ξ is no sum of exponentials.
    """
    sde, still = reduction.sde, {alpha, xi, side_w, side_z, *fixed}
    moving = sorted(set().union(*(e.free_symbols for e in (*sde.drift, sde.covariance[1, 1]))) - still, key=str)

    def split(expr: sp.Expr) -> Table:
        table: Table = {}
        for term in sp.Add.make_args(sp.expand(expr)):
            factor, in_time = term.as_independent(*moving, as_Add=False)
            table[in_time] = table.get(in_time, sp.S.Zero) + factor
        return {name: factor for name, factor in table.items() if factor != 0}

    at_zero, incline, exponentials = exponential_terms(sde.drift[1], xi, alpha)
    level, constant, slope, spread = (split(e) for e in (sde.drift[0], at_zero, incline, sde.covariance[1, 1] / 2))
    terms: dict[sp.Expr, dict[Exponents, sp.Expr]] = {}
    for key, coefficient in exponentials.items():
        for name, factor in split(coefficient).items():
            terms.setdefault(name, {})[key] = factor
    used = {*level, *constant, *slope, *spread, *terms} - {sp.S.One}
    names = (sp.S.One, *sorted(used, key=sp.default_sort_key))
    return Channels(names, level, constant, slope, spread, terms)


def joined(parts: Any) -> Any:
    """Parts of a system in which averages that are added with one factor, numbers apart, are one average.

    The summands are factored: what is small near the target is then a product of what is small there.
    """
    family, reductions, scalars, states, outputs = parts
    summands = {r.name: r.summand for r in reductions}
    names: dict[sp.Expr, sp.Symbol] = {}

    def join(expr: sp.Expr) -> sp.Expr:
        if not expr.has(*summands):
            return expr
        if isinstance(expr, sp.Mul | sp.Pow):
            return expr.func(*map(join, expr.args))
        if not isinstance(expr, sp.Add):
            return expr
        rest, found = sp.S.Zero, dict[sp.Expr, dict[sp.Symbol, sp.Expr]]()
        for term in sp.Add.make_args(sp.expand(expr)):
            factor, average = term.as_independent(*summands, as_Add=False)
            if average in summands:
                number, factor = factor.as_coeff_Mul()
                found.setdefault(factor, {})[average] = number
            else:
                rest += join(term)
        return rest + sp.Add(*(factor * average_of(group) for factor, group in found.items()))

    def average_of(group: dict[sp.Symbol, sp.Expr]) -> sp.Expr:
        if len(group) == 1:
            ((name, number),) = group.items()
            return number * name
        whole = sp.expand(sp.Add(*(number * summands[name] for name, number in group.items())))
        number, primitive = whole.as_content_primitive()
        if primitive.could_extract_minus_sign():
            number, primitive = -number, -primitive
        same = next((name for name, summand in summands.items() if sp.expand(summand - primitive) == 0), None)
        name = same or names.setdefault(primitive, OwnedSymbol(f"E_{len(names) + 1}", real=True))
        return number * name

    scalars = tuple(Scalar(s.name, join(s.expression)) for s in scalars)
    states = tuple(replace(s, rhs=join(s.rhs)) for s in states)
    outputs = MappingProxyType({key: join(e) for key, e in outputs.items()})
    shown = set().union(
        *(x.free_symbols for x in (*(s.expression for s in scalars), *outputs.values())),
        *(x.free_symbols for s in states for x in (s.rhs, s.initial)),
    )
    every = {**summands, **{name: summand for summand, name in names.items()}}
    kept = tuple(Average(name, sp.factor(summand)) for name, summand in every.items() if name in shown)
    return family, kept, scalars, states, outputs
