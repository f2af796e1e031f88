"""Renewal equations ``R = F + K*R`` whose forcing and kernel are averages of exponentials: everything by Laplace.

The Volterra form of a limit at a constant learning rate is one, and so is any that a user states. With
``F = ∫ f e^{-at} dμ + ℓ`` and ``K = ∫ k e^{-at} dμ``, functions f, k ≥ 0 and a > 0 of λ,

    R̂(z) = (F̂(z) + ℓ/z)/(1 - K̂(z)),    K̂(z) = ∫ k/(a + z) dμ.

K̂ falls on (-min a, ∞) from its pole to 0, so K̂(-ρ) = 1 has one root ρ there, the Malthusian exponent, of the sign of
1 - K̂(0). With N different a's there are N roots, one between each pair of neighbours, hence real and simple: R and
the resolvent are sums of N exponentials. Sources: Feller, *An Introduction to Probability Theory* II, XI.1 and XI.6
(key renewal theorem, defective kernels); Gripenberg, Londen, Staffans, *Volterra Integral and Functional Equations*,
2.3 (resolvent); *The High Line* (arXiv 2405.19585), (64)-(66). One file, for an equation and its solution.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

import mpmath
import sympy as sp

from symhigh.checks import expression, instance
from symhigh.closed.brackets import bracketed_root
from symhigh.closed.formula import Formula, positive
from symhigh.closed.linear import linear_limit
from symhigh.closed.modes import Modes, check_population, rational, read_modes
from symhigh.closed.nodes import Root, numeric
from symhigh.closed.secular import RHO, Secular, measured
from symhigh.derivation import derive
from symhigh.derivation.volterra import CLOCK, volterra
from symhigh.population import Spectrum, Start
from symhigh.problem import Problem
from symhigh.rule import Rule
from symhigh.symbols import D2, OwnedSymbol, gamma, lam, t
from symhigh.telling import telling

_SOURCE = "renewal theory (Feller II, XI)"
Z = OwnedSymbol("z", positive=True)
"""The Laplace variable."""
_RHO = sp.Dummy("rho", dummy_index=8_140_205, real=True)


@dataclass(frozen=True)
class RenewalEquation:
    """``R(t) = ∫ forcing e^{-decay t} dμ + level + ∫₀ᵗ K(t-s) R(s) ds`` with ``K(t) = ∫ kernel e^{-decay t} dμ``.

    ``forcing``, ``kernel`` and ``decay`` are expressions in ``symhigh.symbols.lam``; ``forcing`` may hold the starting
    errors ``D2`` linearly; ``kernel`` ≥ 0 and ``decay`` > 0 on the measure. ``modes`` is the measure, open by default.
    """

    forcing: sp.Expr
    kernel: sp.Expr
    decay: sp.Expr
    level: sp.Expr = sp.S.Zero
    modes: Modes = field(default_factory=Modes)

    def __post_init__(self) -> None:
        for name in ("forcing", "kernel", "decay", "level"):
            given = expression("RenewalEquation", name, getattr(self, name), "a SymPy expression in lam")
            object.__setattr__(self, name, given)
        instance("RenewalEquation", "modes", self.modes, Modes, "the measure, see renewal_equation")

    def kernel_at(self, time: sp.Expr = t) -> sp.Expr:
        """K at a time."""
        return self.modes.mean(self.kernel * sp.exp(-self.decay * time))

    def forcing_at(self, time: sp.Expr = t) -> sp.Expr:
        """The whole forcing at a time, ``level`` included."""
        return self._forced(sp.exp(-self.decay * time)) + self.level

    # --- Laplace domain -----------------------------------------------------------------------------------------
    def kernel_transform(self, z: sp.Expr = Z) -> sp.Expr:
        """``K̂(z)``, for z > -min decay."""
        return self.modes.mean(sp.cancel(self.kernel / (self.decay + z)))

    def forcing_transform(self, z: sp.Expr = Z) -> sp.Expr:
        """``F̂(z)`` of the whole forcing, ``level/z`` included."""
        return self._forced(1 / (self.decay + z)) + self.level / z

    def transform(self) -> Formula:
        """``R̂(z)``, for z above the exponent at which R grows."""
        beyond = sp.StrictLessThan(self.kernel_transform(), 1, evaluate=False)
        value = self.forcing_transform() / (1 - self.kernel_transform())
        return Formula(value, (*positive(Z), beyond), _SOURCE, "the Laplace transform of R")

    @property
    def mass(self) -> sp.Expr:
        """``∫ K dt``: below one R converges, above one it grows."""
        return self.modes.mean(sp.cancel(self.kernel / self.decay))

    # --- long time ----------------------------------------------------------------------------------------------
    def exponent(self) -> Formula:
        """The Malthusian exponent ρ: ``R - floor ~ e^{-ρt}``; positive iff ``mass < 1``.

        Explicit for one or two modes, else the root of an average. Of a continuous law, where ``mass < 1``: the root
        below its edge, or the edge where there is none; the approach is then slower by a power of t.
        """
        if self.modes.law is not None:
            summand = sp.cancel(self.kernel / (self.decay - RHO))
            root = Secular(RHO, summand, summand, self.decay).root(self.modes)
            return Formula(root, (self._subcritical(),), _SOURCE, "the Malthusian exponent")
        return Formula(self._slowest(lambda root: root), (), _SOURCE, "the Malthusian exponent")

    def floor(self) -> Formula:
        """The limit of R where ``mass < 1``: ``level/(1 - mass)``."""
        value = sp.together(self.level / (1 - self.mass))
        return Formula(value, (self._subcritical(),), _SOURCE, "the limit of R")

    def amplitude(self) -> Formula:
        """``lim (R - floor) e^{ρt}`` where mass < 1: the key renewal theorem for ``K e^{ρt}``, a kernel of mass one."""
        where = () if self.level == 0 else (self._subcritical(),)
        if self.modes.law is not None:
            at_edge = self._characteristic().xreplace({_RHO: self.decay.subs(lam, self.modes.edge)})
            where = (*where, sp.StrictGreaterThan(at_edge, 0, evaluate=False))
        return Formula(
            self._slowest(self._amplitude), where, _SOURCE, "the amplitude of the slowest exponential"
        )

    def critical_limit(self) -> Formula:
        """The limit of R where ``mass = 1`` and ``level = 0``: ``∫F dt / ∫ t K dt``."""
        if self.level != 0:
            raise ValueError(
                f"RenewalEquation(level={self.level}).critical_limit: R grows like t; needs level = 0"
            )
        value = self._forced(1 / self.decay) / self._slope(sp.S.Zero)
        critical = sp.Eq(self.mass, 1, evaluate=False)
        return Formula(value, (critical,), _SOURCE, "the limit of R at the threshold")

    # --- all times, for finitely many modes -----------------------------------------------------------------------
    def solution(self) -> Formula:
        """R(t) as a sum of N exponentials, exact for all t ≥ 0; needs eigenvalues, and numbers beyond two."""
        terms = self._sum(lambda root: self._amplitude(root) * sp.exp(-root * t))
        where = () if self.level == 0 else (sp.Ne(self.mass, 1, evaluate=False),)
        return Formula(terms + sp.together(self.level / (1 - self.mass)), where, _SOURCE, "R at time t")

    def resolvent(self) -> Formula:
        """The resolvent ``r = K + K*K + …`` at time t, so that ``R = F + r*F``; as :meth:`solution`."""
        terms = self._sum(lambda root: sp.exp(-root * t) / self._slope(root))
        return Formula(terms, (), _SOURCE, "the resolvent at time t")

    # --- parts ----------------------------------------------------------------------------------------------------
    def _forced(self, factor: sp.Expr) -> sp.Expr:
        """``∫ f·factor dμ``; what multiplies D² is an average over the measure of weights ``w D²_λ(0)``."""
        share, modes = sp.diff(self.forcing, D2), self.modes
        rest = modes.mean(sp.cancel(self.forcing.subs(D2, 0) * factor))
        if share == 0 or modes.values is None or modes.weights is None:
            return rest + modes.mean(sp.cancel(share * D2 * factor))
        if modes.errors is None:
            raise ValueError(
                "RenewalEquation: the forcing needs start=…, how the error is spread over the modes"
            )
        if modes.law is not None and modes.even is not None:
            return rest + modes.even * modes.mean(sp.cancel(share * factor))
        weighted = Modes(modes.values, tuple(w * e for w, e in zip(modes.weights, modes.errors, strict=True)))
        return rest + weighted.mean(sp.cancel(share * factor))

    def _slope(self, root: sp.Expr) -> sp.Expr:
        """``-K̂'(-ρ) = ∫ k/(a - ρ)² dμ``, the mean age of the tilted kernel."""
        return sp.diff(self._characteristic(), _RHO).xreplace({_RHO: root})

    def _amplitude(self, root: sp.Expr) -> sp.Expr:
        """The residue of R̂ at -ρ: ``F̂(-ρ)/(-K̂'(-ρ))``."""
        return self.forcing_transform(-_RHO).xreplace({_RHO: root}) / self._slope(root)

    def _subcritical(self) -> sp.Basic:
        return sp.StrictLessThan(self.mass, 1, evaluate=False)

    def _slowest(self, term: Callable[[sp.Expr], sp.Expr]) -> sp.Expr:
        """``term(ρ)`` at the least root of K̂(-ρ) = 1; it lies within 2∫k dμ below the least decay, where K̂ ≤ 1/2."""
        explicit = self._explicit()
        if explicit is not None:
            return term(explicit[0])
        edge = self.decay.subs(lam, self.modes.edge)
        low = edge - 2 * self.modes.mean(self.kernel)
        if term(_RHO) == _RHO:
            return Root(self._characteristic(), _RHO, low, edge)
        return RootSum(term(_RHO), self._characteristic(), _RHO, sp.Tuple(low, edge))

    def _sum(self, term: Callable[[sp.Expr], sp.Expr]) -> sp.Expr:
        """``Σ term(ρ)`` over all roots of K̂(-ρ) = 1."""
        explicit = self._explicit()
        if explicit is not None:
            return sp.Add(*map(term, explicit))
        if self.modes.values is None or self.modes.law is not None:
            raise ValueError(
                "RenewalEquation: only finitely many modes give a sum of exponentials; give eigenvalues"
            )
        poles = [self.decay.subs(lam, v) for v in self.modes.values]
        if not all(p.is_number for p in poles):
            raise ValueError(
                "RenewalEquation: three or more eigenvalues must be numbers, so that they have an order"
            )
        first = min(poles) - 2 * self.modes.mean(self.kernel)
        return RootSum(term(_RHO), self._characteristic(), _RHO, sp.Tuple(first, *sorted(poles)))

    def _characteristic(self) -> sp.Expr:
        return self.modes.mean(sp.cancel(self.kernel / (self.decay - _RHO))) - 1

    def _explicit(self) -> list[sp.Expr] | None:
        """The roots in rising order, for one or two modes: eigenvalues of a 2 by 2 matrix."""
        values, weights = self.modes.values, self.modes.weights
        if values is None or weights is None or not self.modes.few or len(values) > 2:
            return None
        poles = [self.decay.subs(lam, v) for v in values]
        sizes = [w * self.kernel.subs(lam, v) for v, w in zip(values, weights, strict=True)]
        if len(values) == 1:
            return [sp.factor(poles[0] - sizes[0])]
        apart = sp.factor(poles[0] - sizes[0] - poles[1] + sizes[1])
        middle, half = sp.factor(sum(poles) - sum(sizes)) / 2, sp.sqrt(apart**2 / 4 + sizes[0] * sizes[1])
        return [middle - half, middle + half]


class RootSum(sp.Expr):  # type: ignore[misc]
    """``Σ summand(ρ)`` over the zeros ρ of ``equation``, one in each interval between neighbours of ``ends``.

    Whoever builds one has shown that the equation changes sign once in each; ``unknown`` is bound.
    """

    def __new__(cls, summand: sp.Expr, equation: sp.Expr, unknown: sp.Symbol, ends: sp.Tuple) -> RootSum:
        return sp.Expr.__new__(cls, summand, equation, unknown, ends)

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        return (self.args[0].free_symbols | self.args[1].free_symbols | self.args[3].free_symbols) - {
            self.args[2]
        }

    def _eval_derivative(self, symbol: sp.Symbol) -> sp.Expr:
        """For symbols that the roots do not depend on, such as time."""
        if symbol in self.args[1].free_symbols:
            raise ValueError(f"RootSum: no derivative by {symbol}, on which the roots depend")
        return self.func(sp.diff(self.args[0], symbol), *self.args[1:])

    def _eval_evalf(self, prec: int) -> sp.Expr:
        if self.free_symbols:
            return self
        summand, equation, unknown, ends = self.args
        bits = 64 * (2 + prec // 32)  # roots may lie close to poles
        with mpmath.workprec(bits):
            total = mpmath.fsum(map(numeric(summand, (unknown,)), _roots(equation, unknown, ends, bits)))
            return sp.Float._new(total._mpf_, prec)

    def _latex(self, printer: Any) -> str:
        summand, equation, unknown, _ = map(printer._print, self.args)
        if len(self.args[3]) == 2:
            return rf"\left. {summand} \right|_{{{unknown} : {equation} = 0}}"
        return rf"\sum_{{{unknown} : {equation} = 0}} {summand}"

    def _pythoncode(self, printer: Any) -> str:
        raise ValueError("Formula: a sum over roots has no Python or C form; use Formula.evaluate")

    _ccode = _pythoncode

    def _sympystr(self, printer: Any) -> str:
        return f"RootSum({', '.join(map(printer._print, self.args[:3]))})"


@lru_cache(maxsize=64)
def _roots(equation: sp.Expr, unknown: sp.Symbol, ends: sp.Tuple, bits: int) -> tuple[Any, ...]:
    """The root in each interval, to so many bits; kept, since a sum is asked for at many times."""
    with mpmath.workprec(bits):
        points = [numeric(end, ())() for end in ends]
        function = numeric(equation, (unknown,))
        return tuple(bracketed_root(function, *pair) for pair in pairwise(points))


@telling
def renewal_equation(
    problem: Problem, rule: Rule, spectrum: Spectrum | None = None, start: Start | None = None
) -> RenewalEquation:
    """The risk of least squares at a constant learning rate as a :class:`RenewalEquation` in time t = steps/d.

    The Volterra form at Γ = γt: decay ``2γλ``, kernel ``γ²λ²``, forcing ``λD²_λ(0)/2``, level ``ω²/2``. Source: *The
    High Line* (arXiv 2405.19585), (64)-(66). Raises ``ValueError`` for a rule whose rate is not constant, or a loss
    without a Volterra form.
    """
    check_population("renewal_equation", spectrum, start)
    system = derive(problem, rule)
    form, limit, modes = volterra(system), linear_limit(system), read_modes(spectrum, start)
    rate = limit.rate
    if (
        rate.free_symbols
        - set(system.parameters)
        - {r.name for r in system.reductions if not r.summand.has(D2)}
    ):
        raise ValueError(
            f"renewal_equation: the learning rate must be constant, and is {rate}; see limits(…)"
        )
    values = {s: rational(v) for s, v in system.parameters.items()}
    rate = measured(limit, modes, rate).xreplace(values)
    decay = limit.pull * rate * lam
    pace = sp.exp(limit.pull * lam * CLOCK)
    forcing, kernel = (sp.simplify(part.summand * pace) for part in (form.forcing, form.kernel))
    forcing, kernel, decay, level = (
        part.xreplace(values) for part in (forcing, (rate**2 * kernel).subs(gamma, rate), decay, form.least)
    )
    return RenewalEquation(forcing, kernel, decay, level, modes)
