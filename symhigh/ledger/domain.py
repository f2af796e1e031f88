"""Domains of symbols, and random points in them, near-degenerate ones included.

Stands below the evidence: identities are compared, and counterexamples sought, at the points drawn here.
Points are exact rationals of few digits wherever the bounds are, so that a counterexample can be read and
retyped.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import sympy as sp

from symhigh.checks import limit, shown
from symhigh.ledger.shown import pretty

Point = dict[sp.Symbol, sp.Expr]
_TRIES = 2000


@dataclass(frozen=True)
class Domain:
    """Where a statement is claimed to hold: ``ranges`` of symbols, and conditions ``where`` on several.

    A range is a pair ``(low, high)``, the open interval, whose ends may be infinite or depend on other
    symbols; or a SymPy ``Interval``, ``FiniteSet`` or ``Range``. A symbol without a range takes what its
    assumptions allow. ``where`` holds SymPy relations. Raises ``ValueError`` for a range against the
    symbol's assumptions.
    """

    ranges: Mapping[sp.Symbol, Any]
    where: tuple[sp.Basic, ...] = ()

    def __post_init__(self) -> None:
        sets = {}
        for symbol, given in self.ranges.items():
            if not isinstance(symbol, sp.Symbol):
                raise TypeError(
                    f"Domain({symbol!r}: {given!r}): a range belongs to a SymPy symbol, not to {symbol!r}"
                )
            sets[symbol] = _as_set(symbol, given)
        object.__setattr__(self, "ranges", sets)
        conditions = (self.where,) if isinstance(self.where, sp.Basic) else tuple(self.where)
        object.__setattr__(self, "where", conditions)

    def points(self, symbols: Iterable[sp.Symbol], count: int, seed: int) -> Iterator[Point]:
        """``count`` random points: values for ``symbols`` and for all that the domain names.

        The first third is ordinary, so that a counterexample is easy to read; then about half of the
        coordinates are close to an end of their range (down to 10^-8), very large or very small where it is
        unbounded, or on a closed end. Raises ``ValueError`` where no point satisfies the conditions.
        """
        wanted = self._all(symbols)
        random = Random(seed)
        for number in range(count):
            plain = 3 * number < count
            for _ in range(_TRIES):
                point = self._draw(wanted, random, plain)
                if all(c.xreplace(point) == True for c in self.where):  # noqa: E712 - SymPy's true
                    break
            else:
                raise ValueError(
                    f"Domain: {_TRIES} random points, none with {' and '.join(map(str, self.where))}; "
                    "narrow the ranges"
                )
            yield point

    def slack(self, expr: sp.Expr) -> sp.Expr:
        """``expr`` with each symbol of a bounded range written by a positive one: SymPy then knows the range.

        ``low < s < high`` becomes ``s = low + (high - low) p/(1 + p)`` and ``low < s`` becomes ``s = low +
        p`` with p > 0, or p >= 0 at closed ends; what holds for all p holds on the range.
        """
        order = self._all(())
        for symbol in reversed(order):
            expr = expr.subs(symbol, _slack(symbol, order[symbol]))
        return expr

    def assumed(self, symbols: Iterable[sp.Symbol]) -> tuple[str, ...]:
        """What the assumptions of those ``symbols`` say that have no range here: hypotheses as well."""
        free = {s for s in symbols if s not in self.ranges and not isinstance(s, sp.Dummy)}
        return tuple(text for _, text in sorted((s.name, _interval(s, _allowed(s))) for s in free))

    def __str__(self) -> str:
        ranges = [_interval(s, r) for s, r in self.ranges.items()]
        return ", ".join(ranges + [_pretty(c) for c in self.where])

    def _all(self, symbols: Iterable[sp.Symbol]) -> dict[sp.Symbol, sp.Set]:
        """Ranges of every symbol needed, each after those that its bounds refer to."""
        ranges = dict(self.ranges)
        named = {s.name: s for s in ranges}
        pending = list(symbols) + [s for c in self.where for s in c.free_symbols]
        pending += [s for r in ranges.values() for s in r.free_symbols]
        for s in sorted(set(pending) - set(ranges), key=lambda s: (s.name, str(s.assumptions0))):
            if s.name in named:
                raise ValueError(
                    f"Domain: the expression has another symbol called {s.name}, with other assumptions "
                    "than the one in the domain; use one symbol for both"
                )
            ranges[s] = _allowed(s)
        ordered: dict[sp.Symbol, sp.Set] = {}
        while len(ordered) < len(ranges):
            ready = [s for s in ranges if s not in ordered and ranges[s].free_symbols <= set(ordered)]
            if not ready:
                raise ValueError(
                    f"Domain: the ranges of {', '.join(str(s) for s in ranges if s not in ordered)} "
                    "refer to each other; write the condition in where="
                )
            ordered.update((s, ranges[s]) for s in ready)
        return ordered

    def _draw(self, ranges: Mapping[sp.Symbol, sp.Set], random: Random, plain: bool) -> Point:
        point: Point = {}
        for symbol, where in ranges.items():
            fixed = where.xreplace(point) if where.free_symbols else where
            if fixed is sp.S.EmptySet:
                raise ValueError(f"Domain: the range {where} of {symbol} is empty at {point}")
            point[symbol] = _value(fixed, random, plain)
        return {s: point[s] for s in (*self.ranges, *(s for s in point if s not in self.ranges))}


ANYWHERE = Domain({})


def _exact(end: Any) -> sp.Expr:
    """An end of a range; a float as the short decimal that it prints as."""
    if type(end) is float and math.isfinite(end):
        return sp.Rational(repr(end))
    return limit("Domain", "end", end, "an end of a range, a number or a SymPy expression")


def _as_set(symbol: sp.Symbol, given: Any) -> sp.Set:
    if isinstance(given, sp.Set):
        where = given
    elif isinstance(given, tuple) and len(given) == 2:
        low, high = map(_exact, given)
        if (low.is_real is False and low.is_finite) or (high.is_real is False and high.is_finite):
            raise ValueError(f"Domain({symbol}: {shown(given)}): the ends of a range must be real")
        where = sp.Interval.open(low, high)
    else:
        raise TypeError(f"Domain({symbol}: {shown(given)}): a range is a pair (low, high) or a SymPy set")
    if where is sp.S.EmptySet:
        raise ValueError(f"Domain({symbol}: {given!r}): the range is empty; low must be below high")
    if symbol.is_nonnegative and where.inf.is_number and where.inf < 0:
        raise ValueError(f"Domain({symbol}: {given!r}): the symbol is assumed nonnegative, its range is not")
    return where


def _allowed(symbol: sp.Symbol) -> sp.Set:
    """The range that a symbol's assumptions allow."""
    low, high = (0 if symbol.is_nonnegative else -sp.oo), (0 if symbol.is_nonpositive else sp.oo)
    if symbol.is_integer:
        return sp.Range(max(low, -30) + bool(symbol.is_positive), min(high, 30) + 1)
    return sp.Interval.open(low, high)


def _value(where: sp.Set, random: Random, plain: bool) -> sp.Expr:
    if isinstance(where, sp.FiniteSet | sp.Range):
        return random.choice(list(where))
    if not isinstance(where, sp.Interval):
        raise TypeError(f"Domain: cannot draw from {where}; use an Interval, a FiniteSet or a Range")
    low, high = where.start, where.end
    ends = [e for e, is_open in ((low, where.left_open), (high, where.right_open)) if not is_open]
    if ends and not plain and random.random() < 0.1:
        return random.choice(ends)
    if low.is_finite and high.is_finite:
        share = sp.Rational(random.randint(1, 999), 1000)
        if not plain and random.random() < 0.6:
            near = sp.Rational(random.randint(100, 999), 10 ** random.randint(5, 10))
            share = random.choice((near, 1 - near))
        return low + share * (high - low)
    size = sp.Rational(random.randint(1, 999), 100)
    if not plain and random.random() < 0.6:
        size = size * sp.Integer(10) ** random.choice((-6, -5, -4, -3, -2, 2, 3, 4, 5, 6))
    if low.is_finite:
        return low + size
    return high - size if high.is_finite else random.choice((-1, 1)) * size


def _slack(symbol: sp.Symbol, where: sp.Set) -> sp.Expr:
    if not isinstance(where, sp.Interval) or (where.start, where.end) == (-sp.oo, sp.oo):
        return symbol
    low, high = where.start, where.end
    if not (where.left_open or where.right_open):
        return symbol  # one p >= 0 cannot reach both ends
    closed = not (where.left_open and where.right_open)
    p = sp.Dummy(symbol.name, nonnegative=True) if closed else sp.Dummy(symbol.name, positive=True)
    if low == -sp.oo:
        return high - p
    if high == sp.oo:
        return low + p
    return low + (high - low) * p / (1 + p) if where.right_open else high - (high - low) * p / (1 + p)


def _interval(symbol: sp.Symbol, where: sp.Set) -> str:
    name = _pretty(symbol)
    if not isinstance(where, sp.Interval):
        return f"{name} ∈ {_pretty(where)}"
    low, high = where.start, where.end
    left = "" if low == -sp.oo else f"{_pretty(low)} {'<' if where.left_open else '≤'} "
    right = "" if high == sp.oo else f" {'<' if where.right_open else '≤'} {_pretty(high)}"
    return f"{left}{name}{right}" if left or right else f"{name} real"


def _pretty(expr: sp.Basic) -> str:
    return pretty(str(expr))
