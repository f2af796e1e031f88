"""Least squares under SGD whose gradient is clipped entry by entry: where it rests, and how fast it comes there.

A finder of :func:`~symhigh.closed.limits.limits`. For ``X⁺ = X - (γ/d) max(-c, min(c, ∇f))`` a mode obeys
``dD² = -2γλ A D² + γ² B`` with ``A = E[w φ(w)]/(λP)`` and ``B = E φ(w)²``, where φ clips and ``w = rα`` is the product
of ``r ~ N(0, P)`` and ``α ~ N(0, λ)``, whose density is ``K₀(|w|/s)/(πs)``, s = √(λP). With h = c/s and
``M(h) = ∫₀ʰ u K₁(u) du = π/2 - Ki₁(h) - h K₀(h)``, ``Ki₁(h) = ∫_h^∞ K₀`` this gives

    A = (2/π) M,    B = (2/π) λP (M - h² K₁(h) + h² Ki₁(h)),    1 = ω²/P + (γ/2) ∫ λ B/(λP A) dμ at rest.

As ``u K₁(u)/K₀(u)`` rises, these densities have a monotone likelihood ratio in s, so ``B/(λP A)``, the mean of
``φ(w)/w`` under weights ``w φ(w)``, falls in P from 1 to 0: with label noise there is one place of rest, whatever γ is,
without it the target up to SGD's threshold ``2/τ``. Near it a deviation of P moves all modes in one direction, and the
exponent ρ of the approach is the root of ``∫ κ_λ/(2γλA - ρ) dμ = 1``, κ_λ > 0. New.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from symhigh.closed.finder import DoesNotApply, Formulas, Question
from symhigh.closed.formula import Formula
from symhigh.closed.modes import read_modes
from symhigh.closed.nodes import Root
from symhigh.closed.noise import has_noise
from symhigh.symbols import D2, G, X, d, error_square, g, gamma, lam, omega, risk, t
from symhigh.system import MomentSystem

SOURCE = "new; of SGD High Line (arXiv 2405.19585), section 3"
_P = sp.Dummy("P", dummy_index=8_140_211, positive=True)
_RHO = sp.Dummy("rho", dummy_index=8_140_212, positive=True)


class Bickley(sp.Function):  # type: ignore[misc]
    """Bickley's function ``Ki_k(h) = ∫₀^∞ e^{-h cosh t} (cosh t)^{-k} dt`` (DLMF 10.43.11), for a real k and h > 0.

    ``Ki₀ = K₀``, ``Ki₋₁ = K₁``, ``Ki₁(h) = ∫_h^∞ K₀``, and ``dKi_k/dh = -Ki_{k-1}``.
    """

    nargs = 2

    def fdiff(self, argindex: int = 2) -> sp.Expr:
        return -Bickley(self.args[0] - 1, self.args[1])

    @staticmethod
    def _imp_(k: Any, h: Any) -> Any:
        if isinstance(h, float):
            return _bickley_in_doubles(float(k), h)
        order = int(k) if k == int(k) else mpmath.mpmathify(k)
        return _bickley(order, mpmath.mpmathify(h), mpmath.mp.prec)

    def _eval_evalf(self, prec: int) -> sp.Expr | None:
        if not self.args[1].is_number:
            return None
        with mpmath.workprec(prec + 10):
            return sp.Float._new(self._imp_(self.args[0], self.args[1].evalf(mpmath.mp.dps))._mpf_, prec)

    def _eval_is_positive(self) -> bool:
        return True

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        k, h = map(printer._print, self.args)
        return rf"\operatorname{{Ki}}_{{{k}}}{f'^{{{exp}}}' if exp else ''}\left({h}\right)"


@lru_cache(maxsize=4096)
def _bickley(k: Any, h: Any, prec: int) -> Any:
    """The trapezoidal rule, whose error is ``e^{-π²/step}`` as the integrand is analytic up to ``Im t = π/2``."""
    with mpmath.workprec(prec + 10):
        size = (prec + 10) * mpmath.ln2
        step = mpmath.pi**2 / (size + 5)
        count = int(mpmath.acosh(1 + size / h) / step) + 1
        at = _cosines(step, 64 * (1 + count // 64), mpmath.mp.prec)[1:count]
        return step * (mpmath.exp(-h) / 2 + mpmath.fsum(mpmath.exp(-h * c) / c**k for c in at))


def _bickley_in_doubles(k: float, h: float) -> float:
    """The same rule for a double, h > 0."""
    size = 53 * math.log(2)
    step = math.pi**2 / (size + 5)
    at = np.cosh(step * np.arange(int(math.acosh(1 + size / h) / step) + 1))
    values = np.exp(-h * at) / at**k
    return step * float(values.sum() - values[0] / 2)


@lru_cache(maxsize=64)
def _cosines(step: Any, count: int, prec: int) -> tuple[Any, ...]:
    """``cosh t`` at so many nodes of the trapezoidal rule."""
    with mpmath.workprec(prec):
        return tuple(mpmath.cosh(step * j) for j in range(count))


def pull_and_push(h: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """``A`` and ``B/(λP)`` at ``h = c/√(λP)``."""
    beyond, half = Bickley(1, h), sp.pi / 2
    M = half - beyond - h * Bickley(0, h)
    return M / half, (M - h**2 * (Bickley(-1, h) - beyond)) / half


def entrywise_limits(question: Question) -> Formulas:
    """Learning rate, risk at rest, threshold, and with label noise the rate of the approach."""
    system = question.system
    rate, noise = system.expanded(gamma), system.expanded(omega) ** 2
    if rate.free_symbols & {t, *(r.name for r in system.reductions)}:
        raise DoesNotApply(f"the learning rate {rate} is not constant")
    if system.family.states != (D2,) or sp.expand(2 * system.expanded(risk) - error_square - noise) != 0:
        raise DoesNotApply("it is shown for the squared residual of one direction")
    bound = _bound(system)
    modes = read_modes(question.spectrum, question.start)
    critical = 2 / modes.mean(lam)
    found = {"learning_rate": (rate, "the learning rate"), "threshold": (critical, _THRESHOLD)}
    if not has_noise(system):
        below = (sp.StrictLessThan(rate / critical, 1, evaluate=False),)
        zero = sp.S.Zero
        return {
            **{name: Formula(value, (), SOURCE, words) for name, (value, words) in found.items()},
            "risk": Formula(zero, below, SOURCE, "the limiting risk"),
            "excess_risk": Formula(zero, below, SOURCE, "the limiting excess risk"),
        }
    h = bound / sp.sqrt(lam * _P)
    A, B = pull_and_push(h)
    rest = Root(noise / _P + rate / 2 * modes.mean(lam * B / A) - 1, _P, noise, sp.oo)
    found["risk"] = rest / 2, "the limiting risk"
    found["excess_risk"] = (rest - noise) / 2, "the limiting excess risk"
    if modes.few:
        slowest = (2 * rate * lam * A).subs(lam, modes.edge).subs(_P, rest)
        kick = rate**2 * lam * (sp.diff(lam * _P * B, _P) - sp.diff(A, _P) * lam * _P * B / A)
        approach = modes.mean(kick / (2 * rate * lam * A - _RHO)).subs(_P, rest)
        found["rate"] = Root(approach - 1, _RHO, 0, slowest), "the exponential rate of the approach to rest"
    return {name: Formula(value, (), SOURCE, words) for name, (value, words) in found.items()}


_THRESHOLD = "the constant rate above which the risk does not vanish even without label noise; it never diverges"


def _bound(system: MomentSystem) -> sp.Expr:
    """c of a step ``X - (g/d) max(-c, min(c, G))``."""
    step = system.rule.step
    moved = sp.expand((X - step.get(X, X)) * d / g)
    for c in {a for inner in moved.atoms(sp.Min) for a in inner.args} - {G}:
        if set(step) == {X} and moved == sp.Max(-c, sp.Min(c, G)):
            return system.rule.values.get(c, c)
    raise DoesNotApply("its step is not that of one vector by the gradient with its entries clipped")
