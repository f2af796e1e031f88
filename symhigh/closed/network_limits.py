r"""Closed forms for the long time of diagonal networks, as answers of :func:`~symhigh.closed.limits.limits`.

The finder for limits closed by a density. With ``g = |∇θ|²`` of a coordinate, ``κ = λ g`` and A = mean κ:

* any loss, any scalar rule: the balance is shrunken by exponents that are integrals of the path;
* least squares at a constant rate γ, batches of m: stable iff ``γA < 2m`` at the minimiser, secular rate
  ``mean γ²κ²/(m(2γκ − ρ)) = 1``, floor of label noise where the balance has died;
* AdaGrad-Norm: with noise ``b² ~ ω²At``; without, in lazy training, g stays and ``Ψ = mean E(θ − θ*)²/g`` obeys
  ``dΨ/dt = −4γR + 2γ²RA``, ``dγ/dt = −γ³RA/η²``, so that ``Ψ + (4η²/A)/γ + 2η² log γ`` is conserved.

Source: ``derivations/diagonal_networks`` (``long_time``, ``adaptive``); symhigh's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from symhigh.closed.conserved import log_linear_solution
from symhigh.closed.finder import DoesNotApply, Formulas, Question
from symhigh.closed.formula import Formula
from symhigh.closed.modes import rational
from symhigh.closed.network import reachable
from symhigh.closed.nodes import Root
from symhigh.derivation.close.density import DensitySystem, gradient_noise_is_twice_the_risk
from symhigh.population import NetworkClasses
from symhigh.problem.model import Parametrization, theta_star, u, v
from symhigh.rule.adagrad_norm import ACCUMULATOR, B0, ETA, AdaGradNorm
from symhigh.symbols import OwnedSymbol, batch_size, gamma, gradient_noise, lam, risk, t

_SOURCE = "symhigh's own; derivations/diagonal_networks"
_FEW = 64
_RHO, _LEVEL = sp.Symbol("rho", real=True), sp.Symbol("R", positive=True)


def network_limits(question: Question) -> Formulas:
    """What is known of a network's long time: ``effective_start`` always, the rest for least squares on classes.

    ``effective_start`` is the factor of a coordinate's balance, in λ and the integrals that its statement names.
    ``threshold`` is the constant rate above which no minimiser is stable, ``threshold_at_start`` the one below which
    the minimiser with the balance of the start is. ``rate``, that of the risk near the minimiser, depends on J too.
    Under AdaGrad-Norm ``learning_rate_asymptotic``, ``excess_risk_asymptotic`` and ``learning_rate_lazy``.
    """
    system, classes = question.system, question.classes
    if not isinstance(system, DensitySystem):
        raise DoesNotApply("the limit is not closed by the density of a coordinate")
    found = _effective_start(system)
    if classes is None or not gradient_noise_is_twice_the_risk(system.field):
        return found
    if classes.size > _FEW:
        raise DoesNotApply(f"closed forms are written out for at most {_FEW} classes; these are {classes.size}")
    at = _Classes(system.parametrization, classes, reachable(system, classes).tolist())
    if not any(at.near):
        raise DoesNotApply("no class can reach its target from this start; u = v = 0 is at rest")
    if system.plain:
        return found | _constant_rate(system, at)
    return found | (_adagrad(system, at) if _is_adagrad(system) else {})


def _effective_start(system: DensitySystem) -> Formulas:
    """The factor of the balance, ``exp(2 ∫dα)``."""
    level = {c: f for c, f in system.channels.level.items() if c != 1}
    names = [OwnedSymbol("J" if len(level) == 1 else f"J_{k + 1}", nonnegative=True) for k in range(len(level))]
    exponent = sp.Add(*(2 * f * j for f, j in zip(level.values(), names, strict=True)))
    exponent += 2 * system.channels.level.get(sp.S.One, sp.S.Zero) * t
    shown = {gradient_noise: sp.Symbol("E f'^2"), risk: sp.Symbol("R")}
    words = ", ".join(f"{j} being the integral of {c.subs(shown)} over time" for j, c in zip(names, level, strict=True))
    text = f"the factor by which noise has shrunk the balance of a coordinate, {words}"
    return {"effective_start": Formula(sp.exp(exponent), (), _SOURCE, text)}


@lru_cache(maxsize=16)
def gradient_square(parametrization: Parametrization, balance: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """``(p, q)`` with ``|∇θ|⁴ = p θ² + q balance²``: how steep θ is where its value and its balance are known."""
    theta = parametrization.effective
    square = sp.diff(theta, u) ** 2 + sp.diff(theta, v) ** 2
    p, q = sp.symbols("p q")
    gap = sp.Poly(sp.expand(square**2 - p * theta**2 - q * balance**2), u, v)
    found = sp.solve(gap.coeffs(), (p, q), dict=True)
    if not found:
        raise DoesNotApply(f"|∇θ|⁴ of {theta} is no combination of θ² and the square of the balance {balance}")
    return found[0][p], found[0][q]


@dataclass(frozen=True, eq=False)
class _Classes:
    """Classes as exact numbers; those ``near`` can reach their target."""

    parametrization: Parametrization
    given: NetworkClasses
    near: list[bool]

    def column(self, name: str) -> list[sp.Expr]:
        return [rational(x) for x in getattr(self.given, name)]

    def mean(self, values: list[sp.Expr]) -> sp.Expr:
        return sp.Add(*(w * e for w, e in zip(self.column("weight"), values, strict=True)))

    def curvatures(self, balance: sp.Expr, factor: sp.Expr) -> list[sp.Expr]:
        """κ of each class at its minimiser, with ``factor`` times the balance of the start; 0 where out of reach."""
        p, q = gradient_square(self.parametrization, balance)
        rows = zip(*(self.column(name) for name in ("lam", "theta_star", "u", "v")), self.near, strict=True)
        return [
            x * sp.sqrt(p * aim**2 + q * (balance.subs({u: a, v: b}) * factor.subs(lam, x)) ** 2) if near else sp.S.Zero
            for x, aim, a, b, near in rows
        ]


def _constant_rate(system: DensitySystem, at: _Classes) -> Formulas:
    balance = _balance(system)
    step, batch = system.scalar(gamma.name), batch_size if batch_size in system.parameters else sp.S.One
    least, at_start = (_inverse(at.mean(at.curvatures(balance, sp.S(k))), 2 * batch) for k in (0, 1))
    shrunken = at.curvatures(balance, _effective_start(system)["effective_start"].expr)
    words = {
        "threshold": "the constant rate above which no minimiser is stable, whatever its balance",
        "threshold_at_start": "the constant rate below which the minimiser with the start's balance is stable",
        "risk": "the risk at rest, where the balance has died",
        "excess_risk": "the excess risk at rest, where the balance has died",
        "rate": "the exponential rate of the risk near the minimiser, J as in effective_start",
    }
    found = {"threshold": least, "threshold_at_start": at_start}
    lost = at.mean([x * aim**2 for x, aim in zip(*_lost(at), strict=True)]) / 2
    if not system.noise.is_zero or lost != 0:
        steep = gradient_square(at.parametrization, balance)[0]
        found["risk"] = _floor(step / batch, at, steep, system.noise_square)
        found["excess_risk"] = found["risk"] - system.noise_square / 2
    elif any(shrunken):
        live = [2 * step * k for k in shrunken if k != 0]
        terms = [step**2 * k**2 / (batch * (2 * step * k - _RHO)) if k != 0 else sp.S.Zero for k in shrunken]
        found["rate"] = Root(at.mean(terms) - 1, _RHO, 0, sp.Min(*live))
        found["risk"] = found["excess_risk"] = sp.S.Zero
        words["risk"] = words["excess_risk"] = "the risk of the minimiser, which is stable"
    below = {name: (sp.StrictLessThan(step, least, evaluate=False),) for name in ("risk", "excess_risk", "rate")}
    return {name: Formula(expr, below.get(name, ()), _SOURCE, words[name]) for name, expr in found.items()}


def _balance(system: DensitySystem) -> sp.Expr:
    if system.balance is None:
        raise DoesNotApply("no polynomial of u and v decays without noise")
    return system.balance.function


def _inverse(value: sp.Expr, over: sp.Expr) -> sp.Expr:
    return sp.oo if value == 0 else over / value


def _lost(at: _Classes) -> tuple[list[sp.Expr], list[sp.Expr]]:
    """λ and θ* of the classes, θ* being 0 where it is reached."""
    aims = [sp.S.Zero if near else aim for aim, near in zip(at.column("theta_star"), at.near, strict=True)]
    return at.column("lam"), aims


def _floor(step: sp.Expr, at: _Classes, p: sp.Expr, noise: sp.Expr) -> sp.Expr:
    """The root R > ω²/2 of ``R = ω²/2 + ½ mean λ E(θ − θ*)²``, ``E(θ − θ*)² = θ*² − max(|θ*| − hR, 0)²``, h = √p γ/2.

    Of targets out of reach the error is θ*². The right side is concave in R and rises above R at ω²/2: one root.
    """
    pull = sp.sqrt(p) * step / 2 * _LEVEL
    rows = zip(at.column("lam"), at.column("theta_star"), at.near, strict=True)
    errors = [x * (aim**2 - (sp.Max(sp.Abs(aim) - pull, 0) ** 2 if near else 0)) for x, aim, near in rows]
    top = noise / 2 + at.mean([x * aim**2 for x, aim in zip(at.column("lam"), at.column("theta_star"), strict=True)])
    return Root(noise / 2 + at.mean(errors) / 2 - _LEVEL, _LEVEL, noise / 2, top)


def _is_adagrad(system: DensitySystem) -> bool:
    """Whether ``γ² b²`` is the square of a parameter, as of AdaGrad-Norm itself."""
    rule = system.rule
    return isinstance(rule, AdaGradNorm) and sp.expand(system.scalar(gamma.name) ** 2 * ACCUMULATOR - ETA**2) == 0


def _adagrad(system: DensitySystem, at: _Classes) -> Formulas:
    if not all(near or x == 0 for near, x in zip(at.near, at.column("lam"), strict=True)):
        raise DoesNotApply("a class starts on u = ± v, where its target is out of reach")
    if system.noise.is_zero:
        text = (
            "the limit of the learning rate in lazy training, entries of u and v of order s: relative error of order "
            "1/s² at fixed θ(0) − θ*, eta/s and b/s"
        )
        return {"learning_rate_lazy": Formula(_lazy(at), (), _SOURCE, text)}
    mean = at.mean(at.curvatures(_balance(system), sp.S.Zero))
    if mean == 0:
        return {}
    noise = system.noise_square
    words = "for large t, the balance having died; relative error of order t^(-1/2) and of that of the balance"
    return {
        f"{name}_asymptotic": Formula(expr, (), _SOURCE, f"the {name.replace('_', ' ')} {words}")
        for name, expr in (
            ("learning_rate", ETA / sp.sqrt(noise * mean * t)),
            ("excess_risk", ETA * sp.sqrt(noise * mean / t) / 4),
        )
    }


def _lazy(at: _Classes) -> sp.Expr:
    """γ∞ from ``Ψ + (4η²/A)/γ + 2η² log γ``, which is that at γ₀ = η/b: the solution below the turning point 2/A."""
    theta = at.parametrization.effective
    square = sp.diff(theta, u) ** 2 + sp.diff(theta, v) ** 2
    starts = [{u: a, v: b} for a, b in zip(at.column("u"), at.column("v"), strict=True)]
    steep, weights = [square.subs(point) for point in starts], at.column("lam")
    if any(g == 0 for g in steep):
        raise DoesNotApply("a class starts at u = v = 0, where θ does not move")
    gaps = [(theta - theta_star).subs({**point, theta_star: aim}) ** 2 / g
            for point, aim, g in zip(starts, at.column("theta_star"), steep, strict=True)]  # fmt: skip
    mean = at.mean([x * g for x, g in zip(weights, steep, strict=True)])
    a, c = 4 * ETA**2 / mean, 2 * ETA**2
    return 1 / log_linear_solution(a, c, at.mean(gaps) + a * B0 / ETA + c * sp.log(ETA / B0), -1)
