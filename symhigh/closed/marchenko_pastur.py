"""Marchenko-Pastur averages in closed form, and least squares at a constant rate on such a spectrum.

Serves the secular equations and the limits. With ``r = d/n`` the law is that of ``Z Z^T/n``: ends ``(1 ± √r)²``, mean
1, mean square 1 + r, and a Stieltjes transform m that solves ``r s m² + (s + r - 1) m + 1 = 0``. Averages of rational
functions of λ need nothing else. The derivation, step by step, is ``derivations/neighbours/marchenko_pastur.py``; the
subject is that of arXiv 2102.04396.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import mpmath
import sympy as sp

from symhigh.closed.nodes import Choice
from symhigh.symbols import OwnedSymbol, lam

ANGLE = OwnedSymbol("theta", real=True)
"""λ = 1 + r + 2 √r cos θ runs over the bulk as θ runs over (0, π)."""


@dataclass(frozen=True)
class MarchenkoPastur:
    """The law with ``ratio = d/n > 0``, a number or a positive symbol."""

    ratio: sp.Expr

    @property
    def edge(self) -> sp.Expr:
        """The left end of the bulk; 0 at ratio 1."""
        return (1 - sp.sqrt(self.ratio)) ** 2

    def stieltjes(self, s: sp.Expr, above: bool = False) -> sp.Expr:
        """``m(s) = ∫ dμ/(λ - s)`` for s below or ``above`` the bulk; the atom at 0 of ratios above one included."""
        r = self.ratio
        spread = sp.sqrt((self.edge - s) * ((1 + sp.sqrt(r)) ** 2 - s))
        return (1 - r - s + (spread if above else -spread)) / (2 * r * s)

    def moment(self, power: int) -> sp.Expr:
        """``∫ λ^power dμ`` over λ > 0, a Narayana polynomial in r; at power 0 the mass of the bulk, min(1, 1/r)."""
        if power == 0:
            return sp.Min(1, 1 / self.ratio)
        terms = (sp.binomial(power, j) * sp.binomial(power - 1, j) / (j + 1) for j in range(power))
        return sp.Add(*(c * self.ratio**j for j, c in enumerate(terms)))

    def mean(self, summand: sp.Expr, above: bool = False) -> sp.Expr:
        """``∫ summand dμ`` over λ > 0, for a rational function of λ with at most one pole, simple, below the bulk.

        With ``above`` the pole lies there.
        """
        top, bottom = (sp.Poly(part, lam, domain="EX") for part in sp.fraction(sp.cancel(summand)))
        if bottom.degree() > 1:
            raise ValueError(f"MarchenkoPastur.mean: {summand} has more than one pole in lambda")
        if bottom.degree() == 0:
            return sp.Add(*(c / bottom.LC() * self.moment(k) for (k,), c in top.terms()))
        regular, rest = sp.div(top, bottom)
        slope, constant = bottom.all_coeffs()
        polar = sp.cancel(rest.as_expr() / slope)
        pole = sp.cancel(-constant / slope)
        at_zero = sp.cancel(regular.eval(0) - polar / pole)  # what the atom at 0, if any, has added
        whole = sp.Add(*(c * (self.moment(k) if k else 1) for (k,), c in regular.terms()))
        return whole + polar * self.stieltjes(pole, above) - (1 - self.moment(0)) * at_zero

    def isolated(self, strength: sp.Expr) -> sp.Expr:
        """The root s below the bulk of ``strength ∫ λ²/(λ - s) dμ = 1``, where there is one.

        Eliminating m leaves ``s² - (1 + r)(1 - k) s + r (1 - k)²/k = 0`` for strength k, of which this is the larger
        root; it lies on the sheet of m iff k is above :attr:`critical`, and below the bulk's end then.
        """
        r, k = self.ratio, strength
        return (1 - k) * (1 + r + sp.sqrt((1 + r) ** 2 - 4 * r / k)) / 2

    @property
    def critical(self) -> sp.Expr:
        """The strength at which the isolated root meets the bulk: ``√r/(1 - √r + r)``."""
        q = sp.sqrt(self.ratio)
        return q / (1 - q + self.ratio)

    def relaxation(self, strength: sp.Expr, clock: sp.Expr) -> sp.Expr:
        """``Ψ = ∫ λδ_λ dμ`` as a function of the clock, where ``dδ_λ/du = λ(-δ_λ + k∫λδ dμ)`` and δ_λ = 1 at u = 0.

        One exponential where the strength k is above :attr:`critical`, and an integral over the bulk:
        ``(1 - k) ∫ λ e^{-λu}/Δ(λ) dμ``, ``Δ = |1 - k(1 + λ + λ²m)|² = (1-k)² - (1+r)k(1-k)λ/r + kλ²/r``; k below 1.
        """
        r, k = self.ratio, strength
        size = 1 + r + 2 * sp.sqrt(r) * sp.cos(ANGLE)
        square = (1 - k) ** 2 - (1 + r) * k * (1 - k) * size / r + k * size**2 / r
        bulk = HalfTurn(sp.sin(ANGLE) ** 2 * sp.exp(-size * clock) / square)
        root = sp.sqrt((1 + r) ** 2 - 4 * r / k)
        amplitude = ((1 + k) * root - (1 - k) * (1 + r)) / (2 * k * root)
        alone = Choice(k - self.critical, amplitude * sp.exp(-self.isolated(k) * clock), 0)
        return 2 * (1 - k) * bulk + alone


class HalfTurn(sp.Expr):  # type: ignore[misc]
    """The mean over (0, π) of an expression in cos θ and sin² θ, θ being :data:`ANGLE`, which is bound.

    Evaluated by the midpoint rule, which converges geometrically for analytic even functions of period 2π; tripled
    until two agree.
    """

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        (integrand,) = self.args
        return integrand.free_symbols - {ANGLE}

    def _eval_evalf(self, prec: int) -> sp.Expr:
        if self.free_symbols:
            return self
        return sp.Float._new(_half_turn(*self.args, 64 * (1 + prec // 64))._mpf_, prec)

    def _latex(self, printer: Any) -> str:
        (integrand,) = map(printer._print, self.args)
        return rf"\frac1\pi \int_0^\pi {integrand}\, d\theta"


@lru_cache(maxsize=256)
def _half_turn(integrand: sp.Expr, bits: int) -> mpmath.mpf:
    """The mean over (0, π), to so many bits; kept, since evaluation asks for it again with a few bits more.

    The error of n points is the Fourier coefficient of order 2n, so that of 3n points is about its third power: two
    rules that agree to half the bits leave an error far below the last.
    """
    with mpmath.workprec(bits + 20):
        cosine, sine = sp.Dummy("c"), sp.Dummy("s")
        plain = integrand.evalf(mpmath.mp.dps).xreplace({sp.cos(ANGLE): cosine, sp.sin(ANGLE): sine})
        function = sp.lambdify((cosine, sine, ANGLE), plain, "mpmath", cse=True, docstring_limit=0)
        total, last, points = mpmath.mpf(0), None, 16
        while points <= 2**16:
            total += mpmath.fsum(function(*node) for node in _nodes(points, last is None, mpmath.mp.prec))
            value = total / points
            if last is not None and abs(value - last) <= abs(value) * mpmath.mpf(2) ** (-bits // 2):
                return value
            last, points = value, 3 * points
    raise ValueError(f"not resolved by {points // 3} points: {integrand}; it has poles too close to the bulk")


@lru_cache(maxsize=16)
def _nodes(points: int, first: bool, bits: int) -> tuple[tuple[Any, Any, Any], ...]:
    """Cosine, sine and angle of the nodes of the midpoint rule; of later rules those that no third has."""
    with mpmath.workprec(bits):
        angles = [mpmath.pi * (2 * i + 1) / (2 * points) for i in range(points) if first or i % 3 != 1]
        return tuple((*mpmath.cos_sin(angle), angle) for angle in angles)
