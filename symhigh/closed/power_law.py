"""Power-law spectra: sharp constants where the literature has orders, by Laplace tails and the conservation law.

μ has density ``(1-β)λ^{-β}`` on (0, 1), and D²_λ(0) = D₀λ^{-δ}; s = β + δ in [0, 2). In the clock u = ∫γ the noiseless
risk is ``r = F + 𝒦*(γr)``; F falls like ``C u^{s-2}``, more slowly than 𝒦, so ``r ~ F/(1 - γτ/2)``. D² may be infinite,
but the conservation law needs differences only, ``D²(0) - D²(u) = gain(u) - N(u)`` with the gradient-flow gain
``∫D²(0)(1 - e^{-2λu})dμ`` and N ~ γr → 0: so γ is Lambert's form with gain(u) for D²(0), in all three regimes.
Orders: *The High Line* (arXiv 2405.19585), Prop. 4.4. Constants, the logarithmic regime and next orders: new.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import sympy as sp

from symhigh.closed.conserved import ConservationLaw, conservation_law, limiting_rate
from symhigh.closed.formula import Formula, positive
from symhigh.closed.linear import LinearLimit
from symhigh.closed.modes import rational
from symhigh.closed.nodes import Root
from symhigh.derivation.volterra import CLOCK, volterra
from symhigh.population import Spectrum, Start
from symhigh.symbols import D2, gamma, lam, t, tau

_ORDER = "new; orders High Line (arXiv 2405.19585), Prop. 4.4"


@lru_cache(maxsize=64)
def laplace_tail(summand: sp.Expr, density: sp.Expr) -> sp.Expr:
    """Leading behaviour as u → ∞ of ``∫ summand density dλ`` over (0, 1), exact up to terms e^{-cu} (Watson).

    The integrand must be ``c λ^q e^{-pλu}`` with q > -1; then the tail is ``c Γ(q+1) (pu)^{-q-1}``.
    """
    size = sp.Dummy("lambda", positive=True)
    integrand = sp.powsimp(sp.expand((summand * density).subs(lam, size)))
    exponent = sum((e.args[0] for e in integrand.atoms(sp.exp)), sp.S.Zero)
    pull = sp.cancel(-exponent / (size * CLOCK))
    rest = sp.powsimp(sp.simplify(integrand * sp.exp(-exponent)))
    power = sp.simplify(sp.diff(sp.log(rest), size) * size)
    constant = sp.simplify(rest / size**power)
    if pull.has(size, CLOCK) or power.has(size) or constant.has(size):
        raise ValueError(f"laplace_tail: {summand} times {density} is not c λ^q e^(-pλu)")
    return constant * sp.gamma(power + 1) * (pull * CLOCK) ** (-power - 1)


def power_law(limit: LinearLimit, spectrum: Spectrum | None, start: Start | None) -> PowerLaw | None:
    """The power law that a spectrum and a start follow, or None; without a start, a unit one spread evenly.

    Read off the quantiles ``p^{1/(1-β)}`` and the start's profile.
    """
    if spectrum is None or spectrum.quantile is None or spectrum.ratio is not None:
        return None
    start = start or Start()
    if start.vectors_given is not None:
        return None
    import numpy as np

    shares = np.array([0.2, 0.5, 0.9])
    powers = np.log(np.asarray(spectrum.quantile(shares), dtype=float)) / np.log(shares)
    if not np.allclose(powers, powers.mean(), rtol=1e-12, atol=0):
        return None
    _, rise = start.profile.as_base_exp() if start.profile != 1 else (lam, sp.S.Zero)
    return PowerLaw(limit, _exponent(1 - 1 / powers.mean()), _exponent(-rise), rational(start.distance))


def _exponent(value: Any) -> sp.Expr:
    """A simple fraction where the number is one up to rounding, else a float: powers of long fractions never end."""
    simple = Fraction(float(value)).limit_denominator(10**4)
    return sp.Rational(simple) if abs(float(simple) - float(value)) < 1e-13 else sp.Float(float(value), 30)


class PowerLaw:
    """The sharp asymptotics of one noiseless limit; β < 1, δ ≥ 0 numbers or symbols with s = β + δ in [0, 2).

    ``size`` is D₀, the squared distance of a start with δ = 0.

    Raises ``ValueError`` for exponents outside; where they are symbols, the sign of s - 1 must follow from them.
    """

    def __init__(self, limit: LinearLimit, beta: sp.Expr, delta: sp.Expr, size: sp.Expr = sp.S.One) -> None:
        self.limit, self.beta, self.delta, self.s = limit, beta, delta, sp.sympify(beta + delta, strict=True)
        self.size, self.start = size, size * lam ** (-delta)
        if (
            (1 - beta).is_nonpositive
            or delta.is_negative
            or (2 - self.s).is_nonpositive
            or self.s.is_negative
        ):
            raise ValueError(
                f"PowerLaw(beta={beta}, delta={delta}): needs beta < 1, delta >= 0 and 0 <= beta + delta < 2"
            )
        self.excess = self.s - 1
        if not any((self.excess.is_positive, self.excess.is_negative, self.excess.is_zero)):
            raise ValueError(
                f"PowerLaw(beta={beta}, delta={delta}): the sign of beta + delta - 1 is open; give numbers"
            )
        self.density = (1 - beta) * lam ** (-beta)
        self.mean = self.mean_of(lam)
        form = volterra(limit.system)
        self.forcing = laplace_tail(form.forcing.summand.subs(D2, self.start), self.density)

    def mean_of(self, summand: sp.Expr) -> sp.Expr:
        """``∫ summand dμ`` for a polynomial in λ."""
        terms = sp.Poly(summand, lam).terms()
        return sp.Add(*(c * (1 - self.beta) / (k + 1 - self.beta) for (k,), c in terms))

    def measured(self, limit: LinearLimit, expr: sp.Expr) -> sp.Expr:
        """``expr`` with the averages of λ alone put in."""
        fixed = {r.name: self.mean_of(r.summand) for r in limit.system.reductions if not r.summand.has(D2)}
        return expr.subs(fixed)

    @property
    def gain(self) -> sp.Expr:
        """``D₀∫ λ^{-δ}(1 - e^{-pλu}) dμ`` up to e^{-pu}: by how much gradient flow has reduced D² by the clock u."""
        a = self.limit.pull * CLOCK
        if self.excess.is_zero:
            return self.size * (1 - self.beta) * (sp.log(a) + sp.EulerGamma)
        return self.size * (1 - self.beta) * (sp.gamma(2 - self.s) * a**self.excess - 1) / self.excess

    # --- a constant rate ------------------------------------------------------------------------------------------
    def at_rate(self, rate: sp.Expr) -> sp.Expr:
        """The risk at time t for large t at a constant rate below 2/τ: ``F(γt)/(1 - γτ/2)``.

        The next term is the first moment of 𝒦 times F', smaller by 1/u; the tail of 𝒦 adds less.
        """
        return self.forcing.subs(CLOCK, rate * t) / self.amplification(rate)

    def constant(self) -> dict[str, Formula]:
        """Leading behaviour in t of the risk at a constant rate."""
        rate = self.limit.rate.subs(tau, self.mean)
        stable = sp.StrictGreaterThan(self.amplification(rate), 0, evaluate=False)
        words = "the excess risk for large t, up to a relative error O(1/t)"
        return {"excess_risk_asymptotic": Formula(self.at_rate(rate), (*positive(t), stable), _ORDER, words)}

    def amplification(self, rate: sp.Expr) -> sp.Expr:
        """``1 - γ ∫𝒦 du``, by which gradient noise enlarges the risk."""
        return 1 - rate * self.limit.share * self.limit.slope * self.mean

    # --- AdaGrad-Norm ---------------------------------------------------------------------------------------------
    def learning_rate(self) -> sp.Expr:
        """γ as a function of the clock, by the conservation law with the gain for D²(0) - D²."""
        law = conservation_law(self.limit, self.limit.system.outputs["distance"])
        if law is None:
            raise ValueError("PowerLaw.learning_rate: this rule has no conservation law")
        return limiting_rate(law, self.gain).subs(tau, self.mean)

    def risk(self, rate: sp.Expr) -> sp.Expr:
        """r as a function of the clock where the learning rate is ``rate``: ``F(u)/(1 - γτ/2)``."""
        return self.forcing / self.amplification(rate)

    def memory(self) -> dict[str, Formula]:
        """Limit of the learning rate, and leading behaviour of it and of the risk, in t and in the clock."""
        law = conservation_law(self.limit, self.limit.system.outputs["distance"])
        assert law is not None
        where = positive(*(p for p in self.limit.system.rule.values if p.is_positive))
        rate = self.learning_rate()
        late = "for a large clock u = ∫γ dt, up to a relative error O(log u/u^max(1, s))"
        found = {
            "learning_rate_in_clock": Formula(
                rate, (*positive(CLOCK), *where), "new", f"the learning rate {late}"
            ),
            "excess_risk_in_clock": Formula(
                self.risk(rate), (*positive(CLOCK), *where), "new", f"the excess risk {late}"
            ),
        }
        final, rate, risk, order = self._in_time(law)
        words = f"for large t, up to a relative error O({order})"
        where = (*positive(t), *where)
        return found | {
            "learning_rate": Formula(final, where[1:], _ORDER, "the limit of the learning rate"),
            "learning_rate_asymptotic": Formula(rate, where, _ORDER, f"the learning rate {words}"),
            "excess_risk_asymptotic": Formula(risk, where, _ORDER, f"the excess risk {words}"),
        }

    def _in_time(self, law: ConservationLaw) -> tuple[sp.Expr, sp.Expr, sp.Expr, str]:
        """The limit of γ, then γ and the risk as functions of t, and the order of their relative error."""
        if self.excess.is_negative:
            final = limiting_rate(law, -self.size * (1 - self.beta) / self.excess).subs(tau, self.mean)
            logarithm = " log t" if self.s == 0 else ""
            return final, final, self.at_rate(final), f"t^({self.excess}){logarithm}"
        if self.excess.is_zero:
            return sp.S.Zero, *self._logarithmic(law), "1/log(t)^3"
        # 1/γ ~ gain/A with A/γ the leading term of the potential, and dt = du/γ
        lead = sp.limit(law.potential.subs(gamma, 1 / gamma) / gamma, gamma, sp.oo).subs(tau, self.mean)
        top = self._leading_gain() / lead
        scale = (t * self.s / top) ** (1 / self.s)  # t = ∫ top u^(s-1) du
        rate = 1 / (top * scale**self.excess)
        return sp.S.Zero, rate, self.forcing.subs(CLOCK, scale), f"t^({-self.excess / self.s}) log t"

    def _logarithmic(self, law: ConservationLaw) -> tuple[sp.Expr, sp.Expr]:
        """γ and the risk as functions of t where s = 1.

        With y = 1/γ the law is ``a y - c log y = m log u + k``, and by parts ``t = ∫ y du = u (y - m/(a - c/y))``, up
        to O(u/y²), y growing like log u. So y is the root of ``log u(y) + log(y - m/(a - c/y)) = log t``.
        """
        y = sp.Symbol("y", positive=True)
        shape = sp.expand(sp.expand_log(law.potential.subs(gamma, 1 / y))).subs(tau, self.mean)
        a, c = shape.coeff(y, 1), -shape.coeff(sp.log(y), 1)
        m = self.size * (1 - self.beta)
        offset = m * (sp.log(self.limit.pull) + sp.EulerGamma)
        begin = law.potential.subs(gamma, law.initial).subs(tau, self.mean)
        logarithm = (a * y - c * sp.log(y) - offset - begin) / m
        inside = y - m / (a - c / y)
        root = Root(logarithm + sp.log(inside) - sp.log(t), y, (m + c) / a, sp.oo)
        risk = self.risk(1 / y).subs(CLOCK, sp.exp(logarithm))
        return 1 / root, risk.subs(y, root)

    def _leading_gain(self) -> sp.Expr:
        """The constant of ``u^{s-1}`` in the gain, for s > 1."""
        return self.size * (1 - self.beta) * sp.gamma(2 - self.s) * self.limit.pull**self.excess / self.excess
