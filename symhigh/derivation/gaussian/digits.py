"""Gaussian means as numbers: the reference that fast code is measured against.

Behind ``GaussianMean.evalf``. Nested integrals in whitened coordinates, each line cut where the integrand has a
boundary: affine ones exactly, curved ones where they are found along the line. On the line outside, cuts lie where the
order of the cuts inside changes, so that every piece is smooth inside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import mpmath as mp
import sympy as sp

from symhigh.derivation.gaussian.cells import STEPS, boundaries
from symhigh.derivation.gaussian.crossings import changes, crossings
from symhigh.derivation.gaussian.lazy import lazy_cse
from symhigh.derivation.gaussian.rules import Arithmetic, NotConverged, doubles, many_digits
from symhigh.derivation.gaussian.terms import is_affine, joined

__all__ = ["NotConverged", "integrate"]

_GUARD_BITS = 24
_DOUBLE_BITS = 80
"""Up to here integrals in several variables are done in doubles; they have about 14 digits."""
_MOST_STEPS = 400


def integrate(integrand: sp.Expr, variables: Sequence[sp.Symbol], cov: sp.Matrix, prec: int) -> sp.Expr:
    """``E integrand`` to ``prec`` bits, relative to the integral of |integrand|; in several variables at most 14 digits
    are given unless more than 24 are asked for.

    Raises :class:`NotConverged` once a budget of evaluations is spent (some seconds).
    """
    what = f"{integrand} over N(0, {cov.tolist()})"
    plain = joined(integrand.replace(sp.Heaviside, lambda u, *_: (1 + sp.sign(u)) / 2))
    with mp.workprec(prec + _GUARD_BITS):
        entries = [[mp.mpf(sp.N(e, mp.mp.dps)) for e in row] for row in cov.tolist()]
        factor = _cholesky(entries)
        if len(variables) > 1 and prec <= _DOUBLE_BITS:
            arithmetic, modules, number = doubles(what), [_FLOATS, "mpmath"], float
            factor = [[float(c) for c in row] for row in factor]
        else:
            arithmetic, modules, number = many_digits(what, prec), [_NAMED, "mpmath"], mp.mpf
        f = sp.lambdify(list(variables), plain, modules, cse=lazy_cse, docstring_limit=0)
        edges = [_edge(b, variables, factor, modules, number) for b in boundaries(plain, variables, soft=True)]
        steps = [_edge(u, variables, factor, modules, number) for u in _stepped(plain)]
        value = _Nested(f, edges, steps, factor, arithmetic).over([])
    return sp.Float(value, precision=prec)


def _stepped(expr: sp.Expr) -> list[sp.Expr]:
    """What has a jump of ``expr`` wherever it is an integer."""
    found = {a.args[0] / a.args[1] if isinstance(a, sp.Mod) else a.args[0] for a in expr.atoms(*STEPS)}
    return sorted(found, key=sp.default_sort_key)


@dataclass(frozen=True)
class _Edge:
    """A boundary in whitened coordinates: ``offset + slopes·z`` where affine, else a function of the variables."""

    last: int
    slopes: tuple[Any, ...] | None
    offset: Any
    at: Callable[..., Any]


def _edge(
    u: sp.Expr,
    variables: Sequence[sp.Symbol],
    factor: list[list[Any]],
    modules: list[Any],
    number: Callable[[Any], Any],
) -> _Edge:
    size = len(variables)
    held = [i for i, v in enumerate(variables) if v in u.free_symbols]
    last = max((k for i in held for k in range(i + 1) if factor[i][k] != 0), default=-1)
    at = sp.lambdify(list(variables), u, modules, docstring_limit=0)
    if not is_affine(u, variables):
        return _Edge(last, None, number(0), at)
    poly = sp.Poly(u, *variables)
    a = [number(sp.N(poly.coeff_monomial(v), mp.mp.dps)) for v in variables]
    slopes = tuple(sum((a[i] * factor[i][k] for i in range(k, size)), number(0)) for k in range(size))
    known = max((k for k in range(size) if slopes[k] != 0), default=-1)
    return _Edge(known, slopes, number(sp.N(poly.coeff_monomial(1), mp.mp.dps)), at)


class _Nested:
    """The integral over whitened coordinates, level by level."""

    def __init__(
        self,
        f: Callable[..., Any],
        edges: Sequence[_Edge],
        steps: Sequence[_Edge],
        factor: list[list[Any]],
        arithmetic: Arithmetic,
    ) -> None:
        self.f, self.edges, self.steps, self.factor, self.arithmetic = f, edges, steps, factor, arithmetic
        self.size = len(factor)
        self.most = [0 * arithmetic.tolerance] * self.size
        self.end = arithmetic.sqrt(-2 * math.log(arithmetic.tolerance)) + 3
        self.flat = [all(factor[i][k] == 0 for i in range(k, self.size)) for k in range(self.size)]

    def over(self, outer: list[Any]) -> Any:
        """The integral over the coordinates after those in ``outer``."""
        level = len(outer)
        if level == self.size:
            return self.f(*self.point(outer))
        if self.flat[level]:
            return self.over([*outer, 0 * self.end])
        weight = self.arithmetic.exp(-sum(z * z for z in outer) / 2)
        floor = self.arithmetic.tolerance * self.most[level] / weight
        value, size = self.arithmetic.line(lambda z: self.over([*outer, z]), self.cuts(level, outer), floor)
        self.most[level] = max(self.most[level], weight * size)
        return value

    def point(self, z: Sequence[Any]) -> list[Any]:
        """The variables at whitened coordinates, zeros after those given."""
        return [sum(c * w for c, w in zip(row, z, strict=False)) for row in self.factor]

    def cuts(self, level: int, outer: list[Any]) -> list[Any]:
        found: list[Any] = []
        for edge in self.edges:
            if edge.last == level:
                found += self.on_line(edge, level, outer)
        for edge in self.steps:
            if edge.last == level:
                found += self.on_steps(edge, level, outer)
        inside = [e for e in (*self.edges, *self.steps) if e.last == level + 1]
        for edge in inside:
            # Near a singular covariance an inner boundary makes a steep layer where it crosses zero.
            found += self.on_line(edge, level, outer)
        if inside and level == self.size - 2:
            found += self.meetings(inside, level, outer)
        return found

    def on_line(self, edge: _Edge, level: int, outer: list[Any]) -> list[Any]:
        """Where the boundary cuts the line of this level, later coordinates being zero."""
        if edge.slopes is None:
            self.arithmetic.count(60)
            return crossings(
                lambda t: self.value(edge, [*outer, t]),
                -self.end,
                self.end,
                self.end * self.arithmetic.tolerance,
            )
        if edge.slopes[level] == 0:
            return []
        before = sum((s * z for s, z in zip(edge.slopes, outer, strict=False)), edge.offset)
        return [-before / edge.slopes[level]]

    def on_steps(self, edge: _Edge, level: int, outer: list[Any]) -> list[Any]:
        """Where an affine argument of floor or its like is an integer."""
        if edge.slopes is None:
            raise NotConverged(
                f"Gaussian mean of {self.arithmetic.what}: floor, ceiling, frac and Mod are averaged for "
                "affine arguments only; write the step as a Piecewise"
            )
        slope = edge.slopes[level]
        before = sum((s * z for s, z in zip(edge.slopes, outer, strict=False)), edge.offset)
        low, high = sorted((before - slope * self.end, before + slope * self.end))
        if high - low > _MOST_STEPS:
            raise NotConverged(
                f"Gaussian mean of {self.arithmetic.what}: it jumps more than {_MOST_STEPS} times within reach; use a "
                "smooth function, or its average over a period"
            )
        return [(k - before) / slope for k in range(int(mp.ceil(low)), int(mp.floor(high)) + 1)]

    def value(self, edge: _Edge, z: Sequence[Any]) -> Any:
        """The boundary's function where it is real, else one."""
        try:
            at = edge.at(*self.point(z))
        except (ValueError, ZeroDivisionError):
            return 1
        return 1 if isinstance(at, complex | mp.mpc) else at

    def meetings(self, inside: Sequence[_Edge], level: int, outer: list[Any]) -> list[Any]:
        """Where the order of the boundaries along the next coordinate changes."""
        if all(e.slopes is not None for e in inside):
            return [
                z
                for p, q in combinations(inside, 2)
                if (z := self.meeting(p.slopes, p.offset, q.slopes, q.offset, level, outer)) is not None
            ]

        def order(z: Any) -> tuple[int, ...]:
            places = [(t, i) for i, e in enumerate(inside) for t in self.on_line(e, level + 1, [*outer, z])]
            return tuple(i for t, i in sorted(places) if -self.end < t < self.end)

        return changes(order, -self.end, self.end, 4 * self.end * self.arithmetic.tolerance)

    @staticmethod
    def meeting(a: Any, b: Any, c: Any, d: Any, level: int, outer: list[Any]) -> Any | None:
        """Where two affine boundaries cross, on the line of ``level``."""
        slopes = [
            s * c[level + 1] - t * a[level + 1] for s, t in zip(a[: level + 1], c[: level + 1], strict=True)
        ]
        if slopes[level] == 0:
            return None
        offset = b * c[level + 1] - d * a[level + 1]
        return -sum((s * z for s, z in zip(slopes, outer, strict=False)), offset) / slopes[level]


def _sigmoid(u: Any) -> Any:
    return 1 / (1 + mp.exp(-u))


def _softplus(u: Any) -> Any:
    """To full relative accuracy on both sides."""
    return mp.log1p(mp.exp(u)) if u < 0 else u + mp.log1p(mp.exp(-u))


def _hazard(u: Any) -> Any:
    return mp.exp(-u * u) / mp.erfc(u)


_NAMED = {
    "Sigmoid": _sigmoid,
    "Softplus": _softplus,
    "Hazard": _hazard,
    "LogErfc": lambda u: mp.log(mp.erfc(u)),
}


def _float_sigmoid(u: float) -> float:
    e = math.exp(-abs(u))
    return (1.0 if u >= 0 else e) / (1 + e)


def _float_log_erfc(u: float) -> float:
    return math.log(math.erfc(u)) if u < 5 else float(mp.log(mp.erfc(u)))


_FLOATS = {
    **{
        name: getattr(mp.fp, name) for name in dir(mp.fp) if callable(getattr(mp.fp, name)) and name[0] != "_"
    },
    "mpf": lambda value: float(mp.mpf(value)),
    "pi": math.pi,
    "exp": math.exp,
    "sqrt": lambda u: math.sqrt(u) if u >= 0 else complex(0, math.sqrt(-u)),
    "tanh": math.tanh,
    "erf": math.erf,
    "erfc": math.erfc,
    "atan": math.atan,
    "sign": lambda u: (u > 0) - (u < 0),
    "Sigmoid": _float_sigmoid,
    "Softplus": lambda u: max(u, 0.0) + math.log1p(math.exp(-abs(u))),
    "Hazard": lambda u: math.exp(-u * u - _float_log_erfc(u)),
    "LogErfc": _float_log_erfc,
}
"""Functions of doubles for the names that the mpmath printer writes."""


def _cholesky(entries: list[list[Any]]) -> list[list[Any]]:
    """Lower-triangular C with C Cᵀ = cov, columns of zeros where the covariance is singular."""
    size = len(entries)
    c = [[mp.mpf(0)] * size for _ in range(size)]
    for j in range(size):
        left = entries[j][j] - mp.fsum(c[j][k] ** 2 for k in range(j))
        if left < -entries[j][j] * mp.mpf(2) ** (_GUARD_BITS - mp.mp.prec):
            raise ValueError(f"GaussianMean: the covariance {entries} is not positive semidefinite")
        if left <= entries[j][j] * mp.mpf(2) ** (_GUARD_BITS - mp.mp.prec):
            continue
        c[j][j] = mp.sqrt(left)
        for i in range(j + 1, size):
            c[i][j] = (entries[i][j] - mp.fsum(c[i][k] * c[j][k] for k in range(j))) / c[j][j]
    return c
