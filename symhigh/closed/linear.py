"""Limits whose modes are linear, ``dD²/dt = λ (-p γ D² + γ² I)`` with ``I = α Q + β``: the normal form of closed forms.

Read off a derived :class:`~symhigh.system.MomentSystem`; every closed form starts here and looks at the structure of
γ, not at the rule's name. For least squares p = 2, α = 1, β = ω² (*The High Line*, arXiv 2405.19585, (8)).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp

from symhigh.closed.finder import DoesNotApply
from symhigh.derivation.averages import Averages
from symhigh.symbols import D2, error_square, gamma, gradient_noise, lam, omega, risk, t
from symhigh.system import MomentSystem


class NotLinear(DoesNotApply):
    """The limit has no linear modes, so no closed form is known here."""


def total_derivative(system: MomentSystem, expr: sp.Expr) -> sp.Expr:
    """``d expr/dt`` along the limit, for an expression in reductions, scalars and scalar states.

    An average moves as its summand does, mode by mode; the result is in named averages again, scalars that the
    modes see (γ, I, …) kept by name.
    """
    averages = Averages()
    expr = system.unfolded(expr)
    moved = sp.diff(expr, t)
    summands = {r.name: r.summand for r in system.reductions}
    for name in sorted(expr.free_symbols & set(summands), key=str):
        speed = sum(
            (
                sp.diff(summands[name], s) * rhs
                for s, rhs in zip(system.family.states, system.family.rhs, strict=True)
            ),
            sp.S.Zero,
        )
        moved += sp.diff(expr, name) * (averages.of(sp.expand(speed)) if speed != 0 else 0)
    for state in system.states:
        moved += sp.diff(expr, state.name) * state.rhs
    return sp.expand(moved)


@dataclass(frozen=True, eq=False)
class LinearLimit:
    """``dD²/dt = λ (-pull γ D² + γ² I)``, ``I = slope·Q + floor``, ``risk = share·Q + least``.

    ``rate`` is γ in terms of averages, scalar states, parameters and t.
    """

    system: MomentSystem
    pull: sp.Expr
    slope: sp.Expr
    floor: sp.Expr
    share: sp.Expr
    least: sp.Expr
    rate: sp.Expr

    @cached_property
    def content(self) -> tuple[object, ...]:
        """The limit itself, without the user's numbers; limits of equal content share what is derived from them."""
        return (self.system.content, self.floor, self.rate)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LinearLimit) and self.content == other.content

    def __hash__(self) -> int:
        return hash(self.content)

    @cached_property
    def noiseless(self) -> LinearLimit:
        """The same limit at ω = 0, where the floor of I vanishes."""
        return replace(
            self,
            floor=self.floor.subs(omega, 0),
            least=self.least.subs(omega, 0),
            rate=sp.cancel(self.rate.subs(omega, 0)),
        )

    def expanded(self, expr: sp.Expr) -> sp.Expr:
        """``expr`` with I and the risk written through Q."""
        return sp.expand(
            expr.subs(
                {
                    gradient_noise: self.slope * error_square + self.floor,
                    risk: self.share * error_square + self.least,
                }
            )
        )

    def drift(self, expr: sp.Expr) -> sp.Expr:
        """``d expr/dt`` with γ kept and I written through Q."""
        return self.expanded(total_derivative(self.system, expr))


def linear_limit(system: MomentSystem) -> LinearLimit:
    """The normal form of ``system``; :class:`NotLinear` where its modes are not linear."""
    where = f"{system.problem.name} has no linear modes in closed form"
    if system.family.states != (D2,):
        raise NotLinear(where)
    system = _with_rate_apart(_with_exponents(system))
    (rhs,) = system.family.rhs
    modes = sp.Poly(sp.expand(rhs), D2, lam, gamma)
    pull = -modes.coeff_monomial(D2 * lam * gamma)
    kick = modes.coeff_monomial(lam * gamma**2)
    if sp.expand(rhs - lam * (-pull * gamma * D2 + kick * gamma**2)) != 0 or not pull.is_number:
        raise NotLinear(where)
    noise, h = (
        sp.Poly(system.unfolded(e), error_square) if system.unfolded(e).is_polynomial(error_square) else None
        for e in (kick, risk)
    )
    if noise is None or h is None or noise.degree() != 1 or h.degree() != 1:
        raise NotLinear(where)
    slope, floor = noise.all_coeffs()
    share, least = h.all_coeffs()
    if kick != gradient_noise:
        system = _through_kick(system, kick)
    return LinearLimit(system, pull, slope, floor, share, least, sp.cancel(system.unfolded(gamma)))


def memory_at_rate(limit: LinearLimit) -> sp.Expr | None:
    """The value of the limit's one memory at which the learning rate is γ, for a rate ``c s^e``; None for others."""
    (memory,) = limit.system.states
    s = memory.name
    exponent = sp.simplify(s * sp.diff(limit.rate, s) / limit.rate)
    if exponent == 0 or exponent.has(s):
        return None
    return (gamma / limit.rate.subs(s, 1)) ** (1 / exponent)


def _with_exponents(system: MomentSystem) -> MomentSystem:
    """The system with the user's numbers for parameters that are exponents: what is elementary depends on them."""
    expressions = [*(s.expression for s in system.scalars), *(s.rhs for s in system.states)]
    exponents = set().union(*(p.exp.free_symbols for e in expressions for p in e.atoms(sp.Pow)))
    put = {
        s: sp.nsimplify(v, rational=True)
        for s, v in system.parameters.items()
        if s in exponents and v.is_number
    }
    return replace(
        system,
        scalars=tuple(replace(s, expression=s.expression.xreplace(put)) for s in system.scalars),
        states=tuple(
            replace(s, rhs=s.rhs.xreplace(put), initial=s.initial.xreplace(put)) for s in system.states
        ),
        outputs={name: e.xreplace(put) for name, e in system.outputs.items()},
    )


def _with_rate_apart(system: MomentSystem) -> MomentSystem:
    """A rate of the sample stands inside c₁ and I; where it comes to a constant, as for a square, it is taken out."""
    (rhs,) = system.family.rhs
    held = system.unfolded(gamma)
    moving = {t, *(s.name for s in system.states), *(r.name for r in system.reductions if r.summand.has(D2))}
    if rhs.has(gamma) or held.free_symbols & moving:
        return system
    pull = sp.cancel(system.unfolded(-sp.diff(rhs, D2) / lam) / held)
    if sp.expand(rhs - lam * gradient_noise - D2 * sp.diff(rhs, D2)) != 0 or not pull.is_number:
        return system
    noise = sp.cancel(system.unfolded(gradient_noise) / held**2)
    return replace(
        system,
        family=replace(system.family, rhs=(lam * (-pull * gamma * D2 + gamma**2 * gradient_noise),)),
        scalars=tuple(
            replace(s, expression=noise) if s.name == gradient_noise else s for s in system.scalars
        ),
    )


def _through_kick(system: MomentSystem, kick: sp.Expr) -> MomentSystem:
    """The system with its mode noise for I, so that the modes read ``γ² I``; a mini-batch has I/m there."""
    ratio = sp.cancel(system.unfolded(gradient_noise) / system.unfolded(kick))
    if ratio.has(error_square):
        raise NotLinear(f"the modes' noise {kick} is not in proportion to E f'^2")
    put = {gradient_noise: ratio * gradient_noise}
    (rhs,) = system.family.rhs
    return replace(
        system,
        family=replace(system.family, rhs=(sp.expand(rhs.subs(kick, gradient_noise)),)),
        scalars=tuple(
            replace(s, expression=system.unfolded(kick))
            if s.name == gradient_noise
            else replace(s, expression=s.expression.subs(put))
            for s in system.scalars
        ),
        states=tuple(replace(s, rhs=sp.expand(s.rhs.subs(put))) for s in system.states),
        outputs={name: e.subs(put) for name, e in system.outputs.items()},
    )
