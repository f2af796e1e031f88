"""A memory that forgets, ``ds/dt = kI - αs`` with γ ~ s^{-1/2}: where rate and risk come to rest.

Read off the limit's structure, so both scalings of RMSprop-Norm are covered (*The High Line*, arXiv 2405.19585,
(18)-(19)). At rest ``s = kI/α``, so ``γ²I = c`` with c = η²α/k: the memory ties the noise to the rate. The modes
rest at ``D² = γI/p``, so ``I (1 - aγτ/p) = β`` (normal form of :mod:`symhigh.closed.linear`), and together

    βγ² + (acτ/p) γ - c = 0:   one positive root, below the threshold p/(aτ), and equal to it without noise.

So without noise SGD does not converge: γ climbs to the threshold, where gradient noise and forgetting balance. The rest
is the only one (away from the target) and stable, see :class:`SlowestMode`; that every start reaches it is seen on all
curves, not proved. New.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import mpmath
import sympy as sp

from symhigh.closed.formula import Formula, positive
from symhigh.closed.linear import LinearLimit
from symhigh.closed.modes import Modes
from symhigh.closed.nodes import MU, Average
from symhigh.symbols import gradient_noise, lam, tau

_RHO = sp.Dummy("rho")
_MOST = 2000


def forgetting_limits(limit: LinearLimit, modes: Modes) -> dict[str, Formula] | None:
    """Limits and rate under a forgetting memory; None where the memory is of another kind."""
    found = _tie(limit)
    if found is None:
        return None
    forgetting, tied = found
    critical = limit.pull / (limit.slope * tau)
    root = 1 + sp.sqrt(1 + sp.cancel(4 * limit.floor * critical**2 / tied))
    final = 2 * critical / root  # the quadratic's root in the form that has a limit at β = 0
    error = sp.cancel(tied * tau / (2 * limit.pull * critical)) * root
    where = positive(*(s for s in limit.system.rule.values if s.is_positive))
    rate, frequency = approach(final, forgetting, limit, modes)
    words = {
        "learning_rate": (final, "the limit of the learning rate"),
        "risk": (limit.least + limit.share * error, "the limiting risk"),
        "excess_risk": (limit.share * error, "the limiting excess risk"),
        "rate": (rate, "the exponential rate of the approach to rest, oscillations included"),
    }
    if frequency is not None:
        words["frequency"] = (frequency, "the angular frequency of the approach to rest; 0: none")
    formulas = {name: Formula(expr, where, "new", text) for name, (expr, text) in words.items()}
    return {**formulas, "rate": Formula(rate, (*where, *positive(modes.edge)), "new", words["rate"][1])}


def forgets(limit: LinearLimit) -> bool:
    """Whether the limit has a forgetting memory and so comes to rest at a positive learning rate."""
    return _tie(limit) is not None


def _tie(limit: LinearLimit) -> tuple[sp.Expr, sp.Expr] | None:
    """``(α, c)`` of a memory at rest only where ``γ² I = c``, or None."""
    if len(limit.system.states) != 1:
        return None
    (memory,) = limit.system.states
    drift = sp.Poly(limit.system.expanded(memory.rhs), memory.name)
    s = memory.name
    if drift.degree() != 1 or not limit.rate.has(s):
        return None
    forgetting = -drift.coeff_monomial(s)
    gains = sp.cancel(memory.rhs.subs(s, 0) / gradient_noise)
    tied = sp.cancel(limit.rate**2 * s * forgetting / gains)
    if gains.has(gradient_noise) or not forgetting.is_positive or not tied.free_symbols <= _constants(limit):
        return None
    return forgetting, tied


def _constants(limit: LinearLimit) -> set[sp.Symbol]:
    return {tau, *limit.system.parameters}


def approach(
    rate: sp.Expr, forgetting: sp.Expr, limit: LinearLimit, modes: Modes
) -> tuple[sp.Expr, sp.Expr | None]:
    """Real and imaginary part of the slowest eigenvalue of the limit linearised at rest; see :class:`SlowestMode`.

    With one eigenvalue λ the equation is quadratic: ``ρ² - 2mρ + n = 0``, 2m = α + γλ(p - aγτ), n = αγλ(p - aγτ/2),
    and both parts are explicit. Otherwise the real part is a node, and the imaginary part is not given.
    """
    if modes.isotropic:
        assert modes.values is not None
        pull = rate * modes.values[0]
        middle = (forgetting + pull * (limit.pull - limit.slope * rate * tau)) / 2
        square = middle**2 - forgetting * pull * (limit.pull - limit.slope * rate * tau / 2)
        return middle - sp.sqrt(sp.Max(square, 0)), sp.sqrt(sp.Max(-square, 0))
    measure = MU
    if modes.values is not None and modes.weights is not None:
        measure = sp.Tuple(sp.Tuple(*modes.values), sp.Tuple(*modes.weights))
    return SlowestMode(rate, forgetting, limit.pull, limit.slope, measure), None


class SlowestMode(sp.Expr):  # type: ignore[misc]
    """The smallest real part of the ρ for which ``γ²∫ aλ²/(pγλ - ρ) dμ = 2(α - ρ)/(α - 2ρ)``, complex ρ included.

    Perturb the rest by ``D²_λ + δ_λ e^{-ρt}``, ``s + σ e^{-ρt}``; q = ∫λδ. As γ ~ s^{-1/2} and s = kI/α, with
    y = (γ²I/2s)σ,

        ρ δ_λ = pγλ δ_λ - λγ²a q + λ y,        ρ y = α y - (αγ²a/2) q,

    for ``∂/∂γ (-pγD² + γ²I) = γI`` at rest; eliminating δ and y leaves the equation. With z = -ρ and Re z ≥ 0 its left
    side is at most aγτ/p ≤ 1 in size and ``|α + 2z| < 2|α + z|``: no root, the rest is stable for every spectrum and α.
    Numbers: eigenvalues of that matrix, then Newton's iteration on the equation. New.
    """

    def __new__(cls, rate: Any, forgetting: Any, pull: Any, slope: Any, measure: sp.Basic) -> SlowestMode:
        return sp.Expr.__new__(
            cls, *(sp.sympify(a, strict=True) for a in (rate, forgetting, pull, slope)), measure
        )

    @property
    def equation(self) -> sp.Expr:
        """Left minus right side, over the measure, in the unknown ``_rho``."""
        rate, forgetting, pull, slope, measure = self.args
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
            return sp.Float._new(_slowest(held, values, weights)._mpf_, prec)

    def _latex(self, printer: Any) -> str:
        return rf"\min\left\{{\operatorname{{Re}}\rho : {printer._print(self.equation)} = 0\right\}}"

    def _pythoncode(self, printer: Any) -> str:
        raise ValueError("Formula: an eigenvalue of many modes has no Python or C form; use Formula.evaluate")

    _ccode = _pythoncode

    def _sympystr(self, printer: Any) -> str:
        return f"SlowestMode({printer._print(self.equation)}, rho)"


def _slowest(held: list[Any], values: list[Any], weights: list[Any]) -> Any:
    """The real part, at mpmath's precision; eigenvalues in double precision begin the iteration."""
    if len(values) > _MOST:
        raise ValueError(
            f"limits: the rate of {len(values)} modes is the eigenvalue of a matrix too large; "
            "use Spectrum.compressed or fewer nodes"
        )
    rate, forgetting, pull, slope = held
    first = _eigenvalue(*map(float, held), tuple(map(float, values)), tuple(map(float, weights)))

    def cleared(z: Any) -> Any:
        poles = mpmath.fsum(w * v**2 / (pull * rate * v - z) for v, w in zip(values, weights, strict=True))
        return slope * rate**2 * poles * (forgetting - 2 * z) - 2 * (forgetting - z)

    guess = mpmath.mpc(first.real, abs(first.imag)) if first.imag else mpmath.mpf(first.real)
    return mpmath.re(mpmath.findroot(cleared, guess, tol=mpmath.mpf(10) ** (-mpmath.mp.dps), verify=False))


@lru_cache(maxsize=64)
def _eigenvalue(
    rate: float,
    forgetting: float,
    pull: float,
    slope: float,
    values: tuple[float, ...],
    weights: tuple[float, ...],
) -> complex:
    """The one of smallest real part, in double precision."""
    import numpy as np

    sizes = np.array(values)
    push = slope * rate**2 * np.array(weights) * sizes
    matrix = np.diag(np.append(pull * rate * sizes, forgetting))
    matrix[:-1, :-1] -= np.outer(sizes, push)
    matrix[:-1, -1], matrix[-1, :-1] = sizes, -forgetting / 2 * push
    roots = np.linalg.eigvals(matrix)
    return complex(roots[np.argmin(roots.real)])
