"""The slowest eigenvalue of a limit linearised at rest under a forgetting memory, complex pairs included.

Serves :mod:`symhigh.closed.rmsprop`. With poles ``P_i = pγλ_i`` and ``h(z) = Σ aγ²w_iλ_i²/(P_i - z)`` the eigenvalues
are the zeros of ``c(z) = h(z)(α - 2z) - 2(α - z)``. Between two poles h rises from -∞ to +∞, so c changes
sign in every gap but that of α/2, and below the first pole iff α/2 is above it: all zeros but two are bracketed.
Divided by them, ``(c/2)∏(z - P_i)`` is the monic quadratic of the last two, read at two points of the negative axis,
where all factors are positive and nothing cancels. The slowest zero is then refined to any precision and verified. New.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from symhigh.closed.brackets import bracketed_root
from symhigh.closed.nodes import Average
from symhigh.symbols import lam

Array = np.ndarray[Any, Any]

_RHO = sp.Dummy("rho", dummy_index=8_140_204)
_MOST = 2000
_NEAR = 1e-5
"""How far, relative to itself, the zero may lie from what double precision found."""


class SlowestMode(sp.Expr):  # type: ignore[misc]
    """The smallest real part of the ρ for which ``γ²∫ aλ²/(pγλ - ρ) dμ = 2(α - ρ)/(α - 2ρ)``, complex ρ included.

    Perturb the rest by ``D²_λ + δ_λ e^{-ρt}``, ``s + σ e^{-ρt}``; q = ∫λδ. As γ ~ s^{-1/2} and s = kI/α, with
    y = (γ²I/2s)σ,

        ρ δ_λ = pγλ δ_λ - λγ²a q + λ y,        ρ y = α y - (αγ²a/2) q,

    for ``∂/∂γ (-pγD² + γ²I) = γI`` at rest; eliminating δ and y leaves the equation. With z = -ρ and Re z ≥ 0 its left
    side is at most aγτ/p ≤ 1 in size and ``|α + 2z| < 2|α + z|``: no root, the rest is stable for all spectra and α.

    ``measure`` is open, or discrete; with ``ratio`` > 0 it stands for the Marchenko-Pastur law of that ratio, whose
    bulk is a continuum of rates: the least of the rates below the bulk, or its end.
    """

    def __new__(
        cls, rate: Any, forgetting: Any, pull: Any, slope: Any, measure: sp.Basic, ratio: Any = 0
    ) -> SlowestMode:
        numbers = [sp.sympify(a, strict=True) for a in (rate, forgetting, pull, slope, ratio)]
        return sp.Expr.__new__(cls, *numbers[:4], measure, numbers[4])

    @property
    def equation(self) -> sp.Expr:
        """Left minus right side, over the measure, in the unknown ``_rho``."""
        rate, forgetting, pull, slope, measure, _ = self.args
        summand = slope * rate**2 * lam**2 / (pull * rate * lam - _RHO)
        return Average(summand, measure) - 2 * (forgetting - _RHO) / (forgetting - 2 * _RHO)

    def _eval_evalf(self, prec: int) -> sp.Expr:
        if self.free_symbols:
            return self
        with mpmath.workprec(2 * prec + 40):
            held = [mpmath.mpf(sp.Float(a.evalf(mpmath.mp.dps), mpmath.mp.dps)._mpf_) for a in self.args[:4]]
            values, weights = (
                [mpmath.mpf(sp.Float(v, mpmath.mp.dps)._mpf_) for v in part.args]
                for part in self.args[4].args
            )
            ratio = mpmath.mpf(sp.Float(self.args[5], mpmath.mp.dps)._mpf_)
            return sp.Float._new(_slowest(held, values, weights, ratio)._mpf_, prec)

    def _latex(self, printer: Any) -> str:
        return rf"\min\left\{{\operatorname{{Re}}\rho : {printer._print(self.equation)} = 0\right\}}"

    def _pythoncode(self, printer: Any) -> str:
        raise ValueError("Formula: an eigenvalue of many modes has no Python or C form; use Formula.evaluate")

    _ccode = _pythoncode

    def _sympystr(self, printer: Any) -> str:
        return f"SlowestMode({printer._print(self.equation)}, rho)"


def _slowest(held: list[Any], values: list[Any], weights: list[Any], ratio: Any) -> Any:
    """The real part, at mpmath's precision."""
    if len(values) > _MOST:
        raise ValueError(
            f"limits: the rate of {len(values)} modes is the eigenvalue of a matrix too large; "
            "use Spectrum.compressed or fewer nodes"
        )
    rate, forgetting, pull, slope = held
    found = zeros(*map(float, held), tuple(map(float, values)), tuple(map(float, weights)))
    if ratio:
        return _beside_bulk(held, ratio, found)
    poles = [(pull * rate * v, slope * rate**2 * w * v**2) for v, w in zip(values, weights, strict=True)]

    def cleared(z: Any) -> Any:
        return mpmath.fsum(k / (p - z) for p, k in poles) * (forgetting - 2 * z) - 2 * (forgetting - z)

    first = min(found, key=lambda z: z.real)
    zero = _refined(cleared, first)
    if zero is None and first.imag == 0:
        zero = _between_poles(cleared, [p for p, _ in poles], first.real)
    if zero is None:
        raise ArithmeticError(
            "limits: the slowest rate is not verified: two rates all but coincide; change a parameter a little"
        )
    return mpmath.re(zero)


def _beside_bulk(held: list[Any], ratio: Any, found: list[complex]) -> Any:
    """The least real part of zeros below the bulk of a Marchenko-Pastur law, or the bulk's end."""
    rate, forgetting, pull, slope = held
    unit, low, high = pull * rate, (1 - mpmath.sqrt(ratio)) ** 2, (1 + mpmath.sqrt(ratio)) ** 2
    end = unit * low

    def cleared(z: Any) -> Any:
        s = z / unit
        spread = mpmath.sqrt(low - s) * mpmath.sqrt(high - s) if z != end else 0  # no rounding across the branch
        average = 1 + s + s * (1 - ratio - s - spread) / (2 * ratio)  # ∫ λ²/(λ - s) = 1 + s + s² m(s)
        return slope * rate / pull * average * (forgetting - 2 * z) - 2 * (forgetting - z)

    below = [_refined(cleared, z, end) for z in found if z.real < float(end) * (1 - 1e-12)]
    if low > 0 and cleared(end) > 0:
        below.append(bracketed_root(cleared, mpmath.mpf(0), end))
    return min([end, *(mpmath.re(z) for z in below if z is not None)])


def _refined(function: Any, guess: complex, end: Any = mpmath.inf) -> Any | None:
    """The zero next to ``guess`` at the working precision, or None where it is not verified to be one.

    A real one is looked for below ``end``, beyond which the function is not real.
    """
    for digits in (8, 12) if guess.imag == 0 else ():
        near = [min(end, mpmath.mpf(guess.real) * (1 + side * mpmath.mpf(10) ** -digits)) for side in (-1, 1)]
        if (function(near[0]) < 0) != (function(near[1]) < 0):
            try:
                return bracketed_root(function, *near)
            except (ValueError, ZeroDivisionError):  # a pole changes sign too
                return None
    start = mpmath.mpc(guess.real, guess.imag) if guess.imag else mpmath.mpf(guess.real)
    try:
        zero = mpmath.findroot(function, start, tol=mpmath.mpf(10) ** (-mpmath.mp.dps), verify=False)
    except (ValueError, ZeroDivisionError):
        return None
    small = abs(zero) * mpmath.mpf(2) ** (-mpmath.mp.prec // 3)
    residual = abs(function(zero)) * small / max(abs(function(zero + small)), mpmath.mpf(2) ** -9999)
    return zero if abs(zero - start) <= _NEAR * abs(start) and residual <= small * abs(zero) else None


def _between_poles(function: Any, poles: list[Any], guess: float) -> Any | None:
    """The zero in a gap that reaches ``guess``, which doubles cannot tell from a pole; None where there is none."""
    for side in (-1, 1):
        at = mpmath.mpf(guess) * (1 + side * mpmath.mpf(10) ** -14)
        low = max((p for p in poles if p < at), default=mpmath.mpf(0))
        high = min((p for p in poles if p > at), default=None)
        with suppress(ValueError):
            if (
                high is not None
                and abs((zero := bracketed_root(function, low, high)) - guess) <= 1e-10 * guess
            ):
                return zero
    return None


@lru_cache(maxsize=64)
def zeros(
    rate: float,
    forgetting: float,
    pull: float,
    slope: float,
    values: tuple[float, ...],
    weights: tuple[float, ...],
) -> list[complex]:
    """Zeros of c in double precision, among them the one of smallest real part: the lowest bracketed, and the pair."""
    poles, place = np.unique(pull * rate * np.array(values), return_inverse=True)
    strengths = np.bincount(place, weights=slope * rate**2 * np.array(weights) * np.array(values) ** 2)
    half = forgetting / 2
    level = 2 * strengths[poles == half].sum()  # a pole at α/2 cancels, and is a zero itself
    own = [complex(half)] if (poles == half).any() else []
    poles, strengths = poles[poles != half], strengths[poles != half]

    def cleared(z: Array) -> Array:
        average = (strengths / (poles - z[:, None])).sum(axis=1)
        return np.asarray(average * (forgetting - 2 * z) - 2 * (forgetting - z) + level)

    below = int((poles < half).sum())
    ends = np.concatenate([[0.0], poles])
    gaps = [j for j in range(bool(below) ^ 1, poles.size) if j != below]
    single = _bisected(cleared, ends[gaps], ends[1:][gaps], ends[gaps] < half)
    if below == poles.size:  # α/2 above all poles: a zero in every gap, and one beyond
        return [*own, *map(complex, single[:1])]
    product = -cleared(np.zeros(1))[0] / 2 * np.exp(np.log(poles).sum() - np.log(single).sum())
    far = np.sqrt(product)
    value = -cleared(-far[None])[0] / 2 * np.exp(np.log(far + poles).sum() - np.log(far + single).sum())
    middle = (value - far**2 - product) / far / 2
    square = middle**2 - product
    pair = (
        [complex(product / (middle + np.sqrt(square))), complex(middle + np.sqrt(square))]
        if square >= 0
        else [complex(middle, np.sqrt(-square))]
    )
    return [*own, *map(complex, single[:1]), *pair]


def _bisected(function: Any, low: Array, high: Array, rises: Array) -> Array:
    """A sign change in each of the intervals, all at once; the ends are poles and are not looked at."""
    for _ in range(120):
        middle = (low + high) / 2
        with np.errstate(all="ignore"):  # gaps may be as narrow as doubles are
            beyond = (function(middle) > 0) == rises
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    return np.asarray((low + high) / 2)
