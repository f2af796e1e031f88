"""Enclosures: an expression's value between two numbers, proved by ball arithmetic at rising precision.

Stands beside evaluation to many digits, which rests on two precisions agreeing; here the radius is a theorem, as far
as Arb (python-flint, an optional dependency) is right. Formulas and the ledger's numeric evidence use it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mpmath
import sympy as sp

import symhigh.closed.ball_means
import symhigh.closed.ball_nodes  # noqa: F401  both enter their rules
from symhigh.checks import shown
from symhigh.closed.balls import Evaluator, NotEnclosed

REMEDY = "pip install 'symhigh[enclosures]'"
_MOST_BITS = 16_000


@dataclass(frozen=True)
class Ball:
    """A real number known to lie between ``lower`` and ``upper``: ``middle`` ± ``radius``, both ``mpmath.mpf``, exact.

    >>> Ball(mpmath.mpf(2), mpmath.mpf("0.25")).contains(mpmath.mpf("2.1"))
    True
    """

    middle: Any
    radius: Any

    def __post_init__(self) -> None:
        for name in ("middle", "radius"):
            value = getattr(self, name)
            if not (isinstance(value, mpmath.mpf) and mpmath.isfinite(value)):
                raise ValueError(f"Ball({name}={shown(value)}): {name} must be a finite mpmath.mpf")
        if self.radius < 0:
            raise ValueError(f"Ball(radius={self.radius}): radius must be >= 0")

    @property
    def lower(self) -> Any:
        """No larger than the number."""
        return mpmath.fsub(self.middle, self.radius, exact=True)

    @property
    def upper(self) -> Any:
        """No smaller than the number."""
        return mpmath.fadd(self.middle, self.radius, exact=True)

    def contains(self, value: Any) -> bool:
        """Whether ``value``, a number, lies in the ball."""
        return bool(self.lower <= value <= self.upper)

    @property
    def digits(self) -> int:
        """The number of significant digits that are proved."""
        if not self.radius:
            return _MOST_BITS
        return max(0, int(mpmath.log10(abs(self.middle) / self.radius))) if self.middle else 0

    def __str__(self) -> str:
        with mpmath.workdps(30):
            return f"{mpmath.nstr(self.middle, min(50, max(3, self.digits)))} ± {mpmath.nstr(self.radius, 3)}"


def available() -> bool:
    """Whether python-flint is installed."""
    return importlib.util.find_spec("flint") is not None


def enclose(expr: sp.Expr, values: Mapping[sp.Symbol, sp.Expr], digits: int = 30) -> Ball:
    """The real value of ``expr`` at exact ``values``, within a radius of ``10^-digits`` of its size.

    A value of zero is enclosed to ``10^-digits`` absolutely. Raises ``ImportError`` without python-flint, and
    :class:`NotEnclosed` where a part has no enclosure here, or no precision up to a bound is enough.
    """
    if not available():
        raise ImportError(f"an enclosure needs python-flint: {REMEDY}")
    reason: NotEnclosed | None = None
    bits, close = 64 + int(3.33 * digits), mpmath.mpf(10) ** -digits
    while bits <= max(_MOST_BITS, 8 * digits):
        try:
            found = _at(expr, values, bits)
        except NotEnclosed as error:
            if not error.wide:
                raise
            reason = error
        else:
            if found is not None and found.radius <= close * (1 if found.contains(0) else abs(found.middle)):
                return found
        bits *= 2
    raise reason or NotEnclosed(f"{expr} is not enclosed to {digits} digits with {bits // 2} bits")


def _at(expr: sp.Expr, values: Mapping[sp.Symbol, sp.Expr], bits: int) -> Ball | None:
    """The ball at one precision; ``None`` where it is infinite."""
    import flint

    before = flint.ctx.prec
    flint.ctx.prec = bits
    try:
        start = Evaluator({})
        at = Evaluator({symbol: start(sp.sympify(value, strict=True)) for symbol, value in values.items()})
        try:
            real = at.real(expr)
        except NotEnclosed:
            raise
        except ValueError as reason:
            raise NotEnclosed(str(reason)) from None
        if not real.is_finite():
            return None
        return Ball(*(_exact(part) for part in (real.mid(), real.rad())))
    finally:
        flint.ctx.prec = before


def _exact(part: Any) -> Any:
    mantissa, exponent = part.man_exp()
    return mpmath.make_mpf(mpmath.libmp.from_man_exp(int(mantissa), int(exponent)))
