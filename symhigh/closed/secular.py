"""Secular equations: exponential rates, self-similar profiles and slow decay, all as ``∫ g(λ; s) dμ(λ) = 1``.

The coupling of the modes has rank one, so an eigenmode solves one scalar equation in an average over the spectrum.
As a function of the unknown s the average is monotone up to the edge of the spectrum, so the root is unique. Where
eigenvalues sit at the edge it is a pole, and the root exists; where a density vanishes there, the average may stay
below 1. Then no eigenmode is isolated, the edge itself decays most slowly, and its value takes the place of the root
(``derivations/high_line/line_search_clock.py``, ``derivations/neighbours/marchenko_pastur.py``).
Sources: *The High Line* (arXiv 2405.19585), section 3 and Remark F.1; beyond two eigenvalues, and with noise, new.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from symhigh.closed.linear import LinearLimit
from symhigh.closed.marchenko_pastur import MarchenkoPastur
from symhigh.closed.modes import Modes
from symhigh.closed.nodes import Choice, Root
from symhigh.symbols import D2, OwnedSymbol, error_square, gamma, gradient_noise, lam

RHO = OwnedSymbol("rho", positive=True)
"""The exponential rate of the risk, a unit of time."""


@dataclass(frozen=True)
class Secular:
    """``∫ summand dμ = 1`` for ``unknown`` in ``(lower, upper)``, with the mode ``profile`` that it belongs to.

    ``edge`` is the pole as a function of λ: ``upper`` (or ``lower``) is its value at the smallest eigenvalue.
    """

    unknown: sp.Symbol
    summand: sp.Expr
    profile: sp.Expr
    edge: sp.Expr
    from_below: bool = True

    def equation(self, modes: Modes) -> sp.Expr:
        """``∫ summand dμ - 1``."""
        return modes.mean(self.summand) - 1

    def polynomial(self, modes: Modes) -> sp.Expr:
        """For few modes, the equation without denominators: a polynomial of degree N in the unknown."""
        assert modes.values is not None
        assert modes.weights is not None
        whole, rest = sp.Poly(1, self.unknown), sp.Poly(0, self.unknown)
        for value, w in zip(modes.values, modes.weights, strict=True):
            top, bottom = (
                sp.Poly(part, self.unknown) for part in sp.fraction(sp.cancel(self.summand.subs(lam, value)))
            )
            rest = rest * bottom + whole * top * w
            whole = whole * bottom
        return sp.Poly(rest - whole).primitive()[1].as_expr()

    def root(self, modes: Modes) -> sp.Expr:
        """The root next to the edge: explicit for one or two modes, of a polynomial for few, else of the average.

        For a continuous law the edge itself, where the average stays below 1 up to it.
        """
        return _root(self, modes)

    def _beside(self, law: MarchenkoPastur, end: sp.Expr) -> sp.Expr:
        """The root below the bulk or, where the average stays below 1 up to it, the edge."""
        if law.edge == 0:
            return sp.S.Zero if self.from_below else sp.oo
        pole = sp.Dummy("s", positive=True)
        strength = sp.cancel(
            (self.summand * (lam - pole) / lam**2).subs(self.unknown, self.edge.subs(lam, pole))
        )
        if strength.has(pole, lam):
            mean = law.mean(self.summand) - 1
            ends = (0, end) if self.from_below else (end, sp.oo)
            return Choice(mean.subs(self.unknown, end), Root(mean, self.unknown, *ends), end)
        return Choice(strength - law.critical, self.edge.subs(lam, law.isolated(strength)), end)


@lru_cache(maxsize=64)
def _root(secular: Secular, modes: Modes) -> sp.Expr:
    unknown, below = secular.unknown, secular.from_below
    end = secular.edge.subs(lam, modes.edge)
    if modes.law is not None:
        return secular._beside(modes.law, end)
    if modes.values is not None and len(modes.values) <= 2:
        explicit = _extreme_root(sp.Poly(secular.polynomial(modes), unknown), smallest=below)
        if explicit is not None:
            return explicit
    equation = secular.polynomial(modes) if modes.few else secular.equation(modes)
    return Root(equation, unknown, 0, end) if below else Root(equation, unknown, end, sp.oo)


@lru_cache(maxsize=64)
def exponential_rate(limit: LinearLimit, rate: sp.Expr) -> Secular:
    """The rate ρ of a noiseless limit whose learning rate is ``rate``: ``D²_λ = p_λ e^{-ρt}``.

    ``p_λ = λγ²αQ/(pγλ - ρ)`` and ``Q = ∫ λ p`` give ``∫ αγ²λ²/(pγλ - ρ) dμ = 1``, ρ in (0, pγ λ_min). The average
    increases in ρ from ``αγτ/p`` at 0: a root exists iff γ is below the threshold p/(ατ).
    """
    profile = _mode(limit, -RHO * D2, error_square)
    summand = sp.cancel(lam * profile / error_square).subs(gamma, rate)
    return Secular(RHO, summand, (profile / error_square).subs(gamma, rate), limit.pull * rate * lam)


@lru_cache(maxsize=64)
def threshold(limit: LinearLimit, modes: Modes) -> sp.Expr:
    """The constant rate at which the exponential rate of the noiseless limit is zero."""
    at_zero = exponential_rate(limit, gamma).summand.subs(RHO, 0)
    (critical,) = sp.solve(modes.mean(sp.cancel(at_zero)) - 1, gamma)
    return critical


@lru_cache(maxsize=64)
def fixed_point(limit: LinearLimit, modes: Modes, rate: sp.Expr) -> sp.Expr:
    """``Q∞`` of a limit whose learning rate is ``rate``: the modes stand still, ``Q = ∫ λ D²_λ``."""
    still = _mode(limit, sp.S.Zero, limit.slope * error_square + limit.floor)
    (value,) = sp.solve(modes.mean(sp.expand(lam * still)) - error_square, error_square)
    return sp.factor(value.subs(gamma, rate))


@lru_cache(maxsize=64)
def self_similar(limit: LinearLimit, modes: Modes) -> Secular:
    """The limit of a noiseless greedy rate ``γ = M/Q`` up to a constant: γ itself solves a secular equation.

    If ``D²_λ = p_λ e^{-ρt}``, then dQ/dt = -ρQ; with the average that γ holds eliminated this gives ρ(γ), and the mode
    profile closes the equation. For line search ρ = γ²κ₂ and ``∫ γλ²/(2λ - γκ₂) dμ = 1``, γ below 2λ_min/κ₂.
    """
    speed = measured(limit, modes, similar_rate(limit))
    profile = sp.cancel(_mode(limit, -RHO * D2, error_square).subs(RHO, speed) / error_square)
    pole = sp.denom(sp.together(profile))
    (edge,) = [s for s in sp.solve(pole, gamma) if s != 0]
    return Secular(gamma, sp.cancel(lam * profile), profile, edge)


@lru_cache(maxsize=64)
def similar_rate(limit: LinearLimit) -> sp.Expr:
    """ρ in terms of γ for a self-similar noiseless greedy limit: ``-(dQ/dt)/Q`` with γ's own average eliminated."""
    averages = [
        r.name for r in limit.system.reductions if r.name in limit.rate.free_symbols and r.summand.has(D2)
    ]
    (other,) = [name for name in averages if name != error_square]
    (value,) = sp.solve(sp.Eq(gamma, limit.rate), other)
    return sp.cancel(-limit.drift(error_square).subs(other, value) / error_square)


@lru_cache(maxsize=64)
def slow_decay(limit: LinearLimit, modes: Modes) -> tuple[Secular, sp.Expr]:
    """A greedy rate with noise: ``γ ~ a/t`` and ``Q ~ q/t``; returns the equation for a, and q in terms of a.

    ``D²_λ ~ δ_λ/t`` with ``-δ = -paλδ + a²λω²``. For small Q the rate is ``γ = c M``, M an average of D², which closes
    the equation; ``dQ/dt = -q/t²`` gives q. a > 1/(p λ_min), and the average falls from its pole there: one root.
    """
    a, q = sp.symbols("a q", positive=True)
    (profile,) = sp.solve(-D2 - lam * (-limit.pull * a * D2 + a**2 * limit.floor), D2)
    summands = {r.name: r.summand for r in limit.system.reductions if r.summand.has(D2)}
    (held,) = [name for name in summands if sp.diff(limit.rate, name).subs(dict.fromkeys(summands, 0)) != 0]
    small = sp.diff(limit.rate, held).subs(dict.fromkeys(summands, 0))
    closing = sp.cancel(measured(limit, modes, small) * summands[held].subs(D2, profile) / a)
    if held == error_square:
        level = a / small
    else:
        leading = limit.drift(error_square).subs({error_square: 0, held: gamma / small}).subs(gamma, a)
        (level,) = sp.solve(q + leading, q)
    equation = Secular(a, closing, profile, 1 / (limit.pull * lam), from_below=False)
    return equation, measured(limit, modes, sp.cancel(level))


def measured(limit: LinearLimit, modes: Modes, expr: sp.Expr) -> sp.Expr:
    """``expr`` with the averages of λ alone put in."""
    fixed = {r.name: modes.mean(r.summand) for r in limit.system.reductions if not r.summand.has(D2)}
    return expr.subs(fixed)


@lru_cache(maxsize=64)
def _mode(limit: LinearLimit, speed: sp.Expr, noise: sp.Expr) -> sp.Expr:
    """D² of a mode for which ``dD²/dt = speed`` while ``I = noise``."""
    (rhs,) = limit.system.family.rhs
    (value,) = sp.solve(
        speed - rhs.subs(gradient_noise, noise if noise != error_square else limit.slope * error_square), D2
    )
    return value


def _extreme_root(poly: sp.Poly, smallest: bool) -> sp.Expr | None:
    """The smallest or largest root of a polynomial of degree one or two with real roots.

    None where the sign of the leading coefficient, and so which root is which, does not follow from the assumptions.
    """
    if poly.degree() == 1:
        a, b = poly.all_coeffs()
        return sp.cancel(-b / a)
    a, b, c = poly.all_coeffs()
    if a.is_negative or (a.is_positive is None and a.could_extract_minus_sign()):
        a, b, c = -a, -b, -c
    common = sp.gcd_terms(sp.gcd(sp.gcd(a, b), c))
    a, b, c = (sp.cancel(e / common) for e in (a, b, c))
    if a.is_negative:
        a, b, c = -a, -b, -c
    if not a.is_positive:
        return None
    root = sp.sqrt(sp.factor(sp.expand(b**2 - 4 * a * c)))
    return (-b - root if smallest else -b + root) / (2 * a)
