"""The exact mean of SGD on least squares at any finite d: no limit is taken, no run is drawn.

Stands beside the simulators, whose average over infinitely many runs it is. Source of the mathematics: Wick's
theorem for one step of second moments; *The High Line* (arXiv 2405.19585), section 3, is its limit d → ∞.

With ``f = c (x - x* - s ε)²/2``, a rate g that depends on time only, m samples a step and weight decay κ, one step
of ``D = X - X*`` has, for h = g c/d and M = E D Dᵀ,

    E D⁺ = (1 - gκ/d - h K) E D - (gκ/d) X*,
    covariance given X, averaged:  (h²/m) (K M K + (tr K M + s² E ε²) K),

so the diagonal of M in the eigenbasis of K, and ``E X_i X*_i``, obey a closed recursion. For κ = 0 and m = 1 it is
``M ← M - (g/d)(KM + MK) + (g/d)²(2 K M K + (tr K M + ω²) K)``; the limit drops ``2 K M K``.
One file: one recursion and its limit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from symhigh.checks import instance, output_times, real, steps_of, whole
from symhigh.integration.outputs import Outputs
from symhigh.population import Spectrum, Start
from symhigh.population.spectrum import Array
from symhigh.problem import Problem
from symhigh.problem.noise import MIXING
from symhigh.rule import Rule
from symhigh.simulation.finite import finite_problem
from symhigh.symbols import G, X, d, eps, g, t
from symhigh.telling import telling, warn

_BLOCK = 65536
"""Steps whose learning rates are tabulated at a time."""


@dataclass(frozen=True, eq=False)
class ExactMean(Outputs):
    """Means over all runs at dimension ``d``, at the times ``t`` (T,) in steps/d: one array (T,) per output.

    ``risk``, ``distance``, ``norm``, ``overlap`` and ``learning_rate``. A mean that leaves all bounds ends with what
    it has; ``message`` says where.
    """

    t: Array
    outputs: Mapping[str, Array]
    d: int
    problem: Problem
    rule: Rule
    spectrum: Spectrum
    start: Start
    message: str = ""

    @property
    def complete(self) -> bool:
        """Whether the end was reached."""
        return not self.message

    @property
    def excess_risk(self) -> Array:
        """The mean risk minus that at the target."""
        return self.risk - _Quadratic.of(self.problem, self.rule).least

    @cached_property
    def bias(self) -> Mapping[str, Array]:
        """What the limit d → ∞ of the same modes drops: the exact mean minus that limit, an array (T,) per output.

        The limit is that of the recursion itself, its terms of order 1/d² left out, integrated to 1e-10; it shares
        nothing with a derived system.
        """
        statement = _Quadratic.of(self.problem, self.rule)
        modes = _Modes.of(self.spectrum, self.start, self.d)
        limit = _limit(statement, modes, self.t)
        return {name: values - limit[name] for name, values in self.outputs.items()}

    def __repr__(self) -> str:
        span = f"t = {self.t[0]:g} … {self.t[-1]:g}, " if self.t.size else ""
        state = f", stopped: {self.message}" if self.message else ""
        return f"ExactMean({', '.join(self.outputs)}; d = {self.d}, {span}{self.t.size} times{state})"


@telling
def exact_mean(
    problem: Problem, rule: Rule, spectrum: Spectrum, start: Start, d: int, t_end: float, t: Any = None
) -> ExactMean:
    """The mean of SGD over all samples at dimension ``d``, exactly; returns an :class:`ExactMean`.

    For least squares, whatever the law of the noise (of finite variance), under a constant rate or a schedule, with
    mini-batches and weight decay. Times ``t`` are taken at the nearest whole step, as :func:`~symhigh.simulate`
    does; 101 equally spaced ones by default. Costs d·t_end steps of O(number of distinct eigenvalues) each.

    Raises ``ValueError`` where no exact mean is known, naming what stands against it, and for parameters without
    numbers.
    """
    instance("exact_mean", "problem", problem, Problem, "a Problem, such as least_squares()")
    instance("exact_mean", "rule", rule, Rule, "a rule, such as Constant(1)")
    instance("exact_mean", "spectrum", spectrum, Spectrum, "a Spectrum, such as Spectrum.isotropic()")
    instance("exact_mean", "start", start, Start, "a Start, such as Start()")
    size = whole("exact_mean", "d", d, least=1, meaning="the dimension")
    end = real("exact_mean", "t_end", t_end, above=0.0, meaning="the end of the time interval, in steps/d")
    steps_of("exact_mean", size, end)
    if reason := no_exact_mean(problem, rule):
        raise ValueError(f"exact_mean: {reason}; use simulate, or derive(problem, rule).solve for the limit")
    times = np.linspace(0.0, end, 101) if t is None else output_times("exact_mean", t, end)
    steps = np.unique(np.rint(times * size).astype(np.int64))
    statement, modes = _Quadratic.of(problem, rule), _Modes.of(spectrum, start, size)
    rows, message = _march(statement, modes, steps)
    if message:
        warn(message)
    kept = steps[: len(rows["risk"])] / size
    return ExactMean(kept, rows, size, problem, rule, spectrum, start, message)


def no_exact_mean(problem: Problem, rule: Rule) -> str:
    """Why no exact mean at finite d is known, or "" where it is."""
    if not problem.model.linear or len(problem.directions) != 2:
        return f"{problem.name} is not linear in one learnt vector, so its second moments do not close at finite d"
    if problem.learnt:
        return f"{problem.learnt[0][0]} of the loss learns, so its second moments do not close at finite d"
    if problem.labels or _square(problem) is None:
        return "the loss is not c (x - x* - s ε)²/2, so its second moments do not close at finite d"
    if _decay(rule) is None:
        return f"a step of {type(rule).__name__} moves more than X by its own gradient and a weight decay"
    if rule.rate is None or rule.memory or not rule.rate.free_symbols <= {t, *rule.values}:
        return f"the rate of {type(rule).__name__} depends on the samples, not on time alone"
    if problem.noisy and any(part.order <= 2 for part in problem.law.components):
        return f"the noise {problem.law} has no finite variance"
    return ""


def _decay(rule: Rule) -> sp.Expr | None:
    """κ of a step ``X - (g/d)(G + κ X)``; None where the step is another one."""
    if set(rule.step) != {X} or rule.cells or rule.fixed or rule.at != X or "" in rule.reports:
        return None
    rest = sp.expand((X - rule.step[X]) * d / g) - G
    decay = sp.cancel(rest / X)
    return decay if decay.free_symbols <= set(rule.values) else None


def _square(problem: Problem) -> tuple[sp.Expr, sp.Expr] | None:
    """``(c, s)`` of a loss that is ``c (x - x* - s ε)²/2``."""
    x, x_star = problem.directions
    slope = sp.expand(sp.diff(problem.loss, x))
    c = sp.diff(slope, x)
    if c == 0 or c.free_symbols & {x, x_star, eps}:
        return None
    s = -sp.diff(slope, eps) / c
    if s.free_symbols & {x, x_star, eps}:
        return None
    return None if sp.expand(problem.loss - c * (x - x_star - s * eps) ** 2 / 2) != 0 else (c, s)


@dataclass(frozen=True)
class _Quadratic:
    """The numbers of a statement: slope c, s² E ε², batch size m, weight decay κ, and the rate as a function of t."""

    slope: float
    noise: float
    batch: float
    decay: float
    rate: Callable[[Array], Array]

    @property
    def least(self) -> float:
        """The risk at the target."""
        return self.slope * self.noise / 2

    @classmethod
    def of(cls, problem: Problem, rule: Rule) -> _Quadratic:
        values = {**problem.values, **rule.values}
        if open_ := sorted(
            {str(s) for v in values.values() for s in sp.sympify(v, strict=True).free_symbols}
        ):
            raise ValueError(
                f"exact_mean: the parameters {', '.join(open_)} have no value; give numbers to the problem and the rule"
            )
        found = _square(problem)
        decay = _decay(rule)
        assert found is not None
        assert decay is not None
        slope, s = (float(part.xreplace(values)) for part in found)
        assert rule.rate is not None
        law = rule.rate.xreplace(values)
        rate = sp.lambdify(t, law, "numpy")
        return cls(
            slope,
            s**2 * (_second_moment(problem) if problem.noisy else 0.0),
            float(rule.batch.xreplace(values)),
            float(decay.xreplace(values)),
            lambda at: np.broadcast_to(np.asarray(rate(at), dtype=float), np.shape(at)),
        )


def _second_moment(problem: Problem) -> float:
    """``E ε²``, by a quadrature over the mixing variable where the law has one."""
    from scipy.integrate import quad

    total = 0.0
    for part in problem.law.components:
        p, centre, variance, density = (
            sp.sympify(e).xreplace(problem.values)
            for e in (part.probability, part.centre, part.variance, part.density)
        )
        spread = variance
        if variance.has(MIXING):
            integrand = sp.lambdify(MIXING, variance * density, "math")
            spread = sum(
                quad(integrand, a, b, epsabs=0, epsrel=1e-11, limit=200)[0] for a, b in ((0, 1), (1, np.inf))
            )
        total += float(p) * (float(centre) ** 2 + float(spread))
    return total


@dataclass(frozen=True, eq=False)
class _Modes:
    """The modes at dimension d: eigenvalues, weights count/d, and the start's ``D2``, V12, V22, arrays (N,)."""

    d: int
    lam: Array
    weights: Array
    distance: Array
    overlap: Array
    target: Array

    @classmethod
    def of(cls, spectrum: Spectrum, start: Start, d: int) -> _Modes:
        finite, begin = finite_problem(spectrum, start, d)
        v11, v12, v22 = (np.array(m, dtype=float) for m in begin.modes(finite))
        lam, weights = (np.ascontiguousarray(a, dtype=float) for a in finite.numeric("exact_mean"))
        return cls(d, lam, weights, v11 - 2 * v12 + v22, v12, v22)

    def outputs(self, statement: _Quadratic, distance: Array, overlap: Array, at: Array) -> dict[str, Array]:
        """The outputs for moments of shape (T, N) at times (T,)."""
        v12, v22 = overlap @ self.weights, float(self.target @ self.weights)
        total = distance @ self.weights
        return {
            "risk": statement.slope * (distance @ (self.weights * self.lam) + statement.noise) / 2,
            "learning_rate": np.array(statement.rate(at)),
            "distance": total,
            "overlap": v12,
            "norm": total + 2 * v12 - v22,
        }


def _march(statement: _Quadratic, modes: _Modes, steps: Array) -> tuple[dict[str, Array], str]:
    """The outputs at the numbered steps; and why they end early, or ""."""
    from symhigh.simulation.exact_mean_kernel import advance

    q, d = statement, float(modes.d)
    distance, overlap = modes.distance.copy(), modes.overlap.copy()
    bound = 1e12 * max(1.0, float(modes.weights @ (distance + modes.target)))
    rows: list[tuple[Array, Array]] = []
    done, message = 0, ""
    for step in steps:
        while done < step:
            count = min(int(step) - done, _BLOCK)
            rates = np.array(q.rate(np.arange(done, done + count) / d))
            if not (np.isfinite(rates) & (rates >= 0)).all():
                where = int(np.argmin(np.isfinite(rates) & (rates >= 0)))
                raise ValueError(
                    f"exact_mean: the learning rate is {rates[where]:g} at t = {(done + where) / d:g}; it must be "
                    "finite and >= 0"
                )
            advance(
                rates,
                d,
                q.slope,
                q.decay,
                q.batch,
                q.noise,
                modes.lam,
                modes.weights,
                modes.target,
                distance,
                overlap,
            )
            done += count
        if not distance @ modes.weights < bound:
            message = f"diverged by t = {done / d:.6g}: E ||X - X*||^2 left all bounds; choose a smaller learning rate"
            break
        rows.append((distance.copy(), overlap.copy()))
    found, mixed = (np.array([row[k] for row in rows]).reshape(len(rows), modes.lam.size) for k in (0, 1))
    return modes.outputs(q, found, mixed, steps[: len(rows)] / d), message


def _limit(statement: _Quadratic, modes: _Modes, times: Array) -> dict[str, Array]:
    """The outputs that the recursion tends to as d → ∞, the modes kept: the same equations to order 1/d."""
    from scipy.integrate import solve_ivp

    q, n = statement, modes.lam.size
    size = np.abs(modes.distance).max() + modes.target.max()

    def slope(at: float, y: Array) -> Array:
        distance, overlap = y[:n], y[n:]
        g = float(q.rate(np.asarray(at)))
        total = (modes.weights * modes.lam) @ distance + q.noise
        loss = 2 * (q.slope * modes.lam + q.decay) * distance + 2 * q.decay * (overlap - modes.target)
        moved = q.slope * modes.lam * (modes.target - overlap) - q.decay * overlap
        return np.concatenate([-g * loss + (g * q.slope) ** 2 / q.batch * modes.lam * total, g * moved])

    begin = np.concatenate([modes.distance, modes.overlap])
    if not times.size or times[-1] == 0:
        found = np.repeat(begin[:, None], times.size, axis=1)
    else:
        found = solve_ivp(
            slope, (0.0, times[-1]), begin, "DOP853", t_eval=times, rtol=1e-10, atol=1e-12 * size
        ).y
    return modes.outputs(q, found[:n].T, found[n:].T, times)
