"""Fluctuations around a limit: the covariance of one run's outputs, and the bias of their mean, at any dimension.

Drives the linear theory of :mod:`symhigh.derivation.fluctuations` along the limit's path, with generated coefficients.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from symhigh.checks import real
from symhigh.codegen.deviations import BENT, LINEAR, Tables, deviation_kernels
from symhigh.codegen.target import NUMBA, NUMPY, Target
from symhigh.derivation.fluctuations import Deviations, deviations
from symhigh.derivation.gaussian import GaussianMean
from symhigh.derivation.mixture import MixtureMean
from symhigh.derivation.sample import sample_of
from symhigh.derivation.several import MultiIndex
from symhigh.integration.bands import Fluctuations
from symhigh.integration.lyapunov import march
from symhigh.integration.path import Path
from symhigh.integration.solve import check_schedule, output_times, parameter_values
from symhigh.population import Spectrum, Start
from symhigh.population.measure import gauss_of
from symhigh.population.spectrum import Array
from symhigh.symbols import lam
from symhigh.system import LimitSystem

DENSE_STATES = 120
"""Beyond so many states a spectrum of many modes is compressed first."""


def fluctuations(
    system: LimitSystem,
    spectrum: Spectrum,
    start: Start,
    t_end: float,
    t: Any = None,
    rtol: float = 1e-5,
    target: Target | None = None,
) -> Fluctuations:
    """How far one run of ``system`` strays from the limit at dimension d, and the bias of the mean, to leading order.

    Parameters
    ----------
    spectrum, start
        As for :func:`~symhigh.integration.solve.solve`. A random start adds its own covariance.
    t
        Increasing output times in [0, t_end]; 201 equally spaced ones by default.
    rtol
        Relative tolerance of variances and biases.
    target
        As for ``solve``; by default compiled code where there are integrals or many modes, else the reference.

    Many modes are compressed to few of the same averages, where the start is spread evenly or by a power law. Raises
    ``ValueError`` for rules with a running maximum, and for losses whose slope has no fourth moment.
    """
    end = real("fluctuations", "t_end", t_end, above=0.0, meaning="the end of the time interval, in steps/d")
    tolerance = real("fluctuations", "rtol", rtol, above=0.0, meaning="the relative tolerance")
    times = output_times("fluctuations", t, end)
    par = parameter_values("fluctuations", system)
    check_schedule(system, par, end)
    theory = theory_of(system, bool(getattr(start, "random", False)))
    used = few(theory, spectrum, start, tolerance, end)
    quick = used.values.size <= _REFERENCE and without_integrals(theory)
    run = partial(_run, theory, par, used, start, end, times, tolerance)
    if target is None and quick:
        try:
            return run(NUMPY)
        except (ArithmeticError, ValueError):  # Python stops where compiled code carries on, and can say why
            pass
    return run(target or NUMBA)


def _run(
    theory: Deviations, par: Array, spectrum: Spectrum, start: Start, end: float, times: Array, rtol: float,
    target: Target,
) -> Fluctuations:  # fmt: skip
    """The linear theory integrated with the functions of one target."""
    with np.errstate(all="ignore"):
        equations = Equations(theory, target, par, spectrum, start, end, min(1e-9, 1e-3 * rtol))
        if not np.isfinite(equations(0.0).force).all():
            theory = replace(theory, mean=None, why=_NOT_SMOOTH)
            equations = Equations(theory, target, par, spectrum, start, end, min(1e-9, 1e-3 * rtol))
        reached = min(end, equations.path.end)
        wanted = times[times <= reached * (1 + 1e-12)]
        values, covariance, bias = _observe(equations, wanted, reached, rtol)
    if reached < end:
        warnings.warn(
            f"fluctuations: the limit stopped at t = {reached:.6g} of {end:g}; solve says why",
            RuntimeWarning,
            stacklevel=4,
        )
    return Fluctuations(wanted, tuple(theory.system.outputs), values, covariance, bias, theory.why)


_NOT_SMOOTH = "the terms of order 1/d are infinite at the start, as where a covariance is singular"
_FARTHER = 100.0
"""A spectrum is resolved for clocks ∫γ dt up to this multiple of the time interval."""
_REFERENCE = 16
"""Modes up to which the reference, which need not be compiled, is quick enough."""
_SLOW = 8
"""Nodes for the eigenvalues that move little in the time interval."""

_known: dict[object, Deviations] = {}


def theory_of(system: LimitSystem, random_start: bool) -> Deviations:
    """The linear theory of ``system``, derived once a process for each statement, whatever the parameters."""
    problem, rule = system.problem, system.rule
    stated = (
        (problem.loss, problem.students, problem.targets)
        if isinstance(problem, MultiIndex)
        else (problem.outcomes, problem.law.components)
    )
    key = (system.content, stated, rule.memory, rule.rate, rule.batch, rule.ridge, rule.delayed, random_start)
    if key not in _known:
        _known[key] = deviations(system, random_start)
    return _known[key]


def without_integrals(theory: Deviations) -> bool:
    """Whether all expectations are in closed form."""
    exprs = (*(e for _, e in theory.shared), *(s.expression for s in theory.system.scalars))
    return not any(e.has(GaussianMean, MixtureMean) for e in exprs)


def few(theory: Deviations, spectrum: Spectrum, start: Start, rtol: float, end: float) -> Spectrum:
    """The spectrum, compressed where it is continuous or has more modes than dense matrices are quick for."""
    count, states = spectrum.values.size, len(theory.system.family.states)
    if spectrum.quantile is None and count * states <= DENSE_STATES:
        return spectrum
    if getattr(start, "vectors_given", None) is not None:
        if count * states > 5 * DENSE_STATES:
            raise ValueError(
                f"fluctuations(spectrum of {count} modes): with a start given by vectors at most "
                f"{5 * DENSE_STATES // states} modes are practical; group equal eigenvalues"
            )
        return spectrum
    values, weights = spectrum.numeric("fluctuations")
    profile = start.profile_at(values) if isinstance(start, Start) else np.ones(count)
    order = np.argsort(values)
    values, weights, profile = values[order], weights[order], profile[order]
    slow = np.searchsorted(values, 1 / end)
    if not (profile == 1).all():
        energy = np.cumsum(weights * values * (1 + profile))
        slow = min(slow, np.searchsorted(energy, 1e-3 * rtol * energy[-1]))
    if slow > _SLOW:  # all of e^{-2λu} is smooth there
        still = gauss_of(values[:slow], weights[:slow], _SLOW if (profile == 1).all() else 1)
        values = np.concatenate([still[0], values[slow:]])
        weights = np.concatenate([still[1], weights[slow:]])
    merged = Spectrum.from_eigenvalues(values, weights / weights.sum())
    return merged.compressed(rtol=max(rtol, 1e-10), horizon=_FARTHER * end)


class Equations:
    """The coefficients of the linear theory along the limit's path; calling it gives those of one time.

    Its states are those of the limit times ``scale``, the root of a mode's weight, which makes deviations of one size.
    """

    def __init__(
        self, theory: Deviations, target: Target, par: Array, spectrum: Spectrum, start: Start, end: float,
        rtol: float,
    ) -> None:  # fmt: skip
        system = theory.system
        self.theory, self.target, self.kernels = theory, target, deviation_kernels(theory, target)
        values, self.w = spectrum.numeric("fluctuations")
        known = {lam: values, **start.mode_values(spectrum)}
        coef = np.array([known[s] for s in system.family.coefficients])
        modes = np.array([known[s] for s in system.family.states])
        const, memory = np.zeros(len(system.reductions)), np.zeros(len(system.states))
        self.kernels.prepare(par, coef, self.w, const)
        self.kernels.begin(par, const, memory)
        self.data = par, coef, self.w, const
        size = np.concatenate([np.tile(start.mode_size(spectrum), len(modes)), np.abs(memory)])
        self.size = np.where(size > 0, size, 1.0)
        y = np.concatenate([modes.ravel(), memory])
        self.path = Path(system, target, y, self.data, self.size, end, rtol)
        self.p, self.n, self.m = len(modes), self.w.size, len(memory)
        self.linear = Tables(theory, LINEAR, self.n)
        self.bent = None if theory.mean is None else Tables(theory.mean, BENT, self.n)
        self.scale = np.concatenate([np.tile(np.sqrt(self.w), self.p), np.ones(self.m)])
        self.start = np.zeros((y.size, y.size))
        if getattr(start, "random", False):
            self.start = self._of_start(start, spectrum, values)

    def _of_start(self, start: Start, spectrum: Spectrum, values: Array) -> Array:
        """Covariance of a Gaussian start: ``Cov(V_pq, V_rs) = (M_pr M_qs + M_ps M_qr)/(w d)`` in a mode."""
        sample = sample_of(self.theory.system)
        x0, cross, x_star = (float(e) for e in (start.x0, start.overlap, start.x_star))
        vectors = np.array([[x0, cross, x0], [cross, x_star, cross], [x0, cross, x0]])  # X, X*, X0 = X
        if sample.kind == "error":
            vectors = np.array([[x0 - 2 * cross + x_star]])
        pairs = [sample.pair(s) for s in self.theory.system.family.states]
        shape = start.profile_at(values) ** 2
        result = np.zeros((self.p * self.n + self.m,) * 2)
        for a, (p, q) in enumerate(pairs):
            for b, (r, s) in enumerate(pairs):
                both = vectors[p, r] * vectors[q, s] + vectors[p, s] * vectors[q, r]
                self._block(result, a, b)[:] = both * shape
        return result

    def _block(self, matrix: Array, a: int, b: int) -> Array:
        """The diagonal of the block (state a, state b) of a matrix over all states, as a view."""
        n = self.n
        return np.einsum("ii->i", matrix[a * n : (a + 1) * n, b * n : (b + 1) * n])

    def __call__(self, t: float) -> _At:
        return _At(self, t)


class _At:
    """The equations at one time: J and Σ over all states, and what the mean needs."""

    def __init__(self, equations: Equations, t: float) -> None:
        e = equations
        self.e, self.t, self.y = e, t, e.path(t)
        theory, p, n, m = e.theory, e.p, e.n, e.m
        tables = e.linear.copies()
        e.kernels.linearise(t, self.y, *e.data, *tables.values())
        averages = theory.averages
        size, z = p * n + m, averages + m
        # z = reading · states
        self.reading = np.zeros((z, size))
        self.reading[:averages, : p * n] = (np.sqrt(e.w) * tables["reading"]).reshape(averages, p * n)
        self.reading[averages:, p * n :] = np.eye(m)
        border = np.zeros((size, z))
        border[: p * n] = tables["border"].transpose(0, 2, 1).reshape(p * n, z)
        border[p * n :] = tables["memory"]
        self.J = e.scale[:, None] * border @ self.reading
        features = np.zeros((size, tables["core"].shape[0]))
        count = tables["features"].shape[1]
        features[: p * n, :count] = tables["features"].transpose(0, 2, 1).reshape(p * n, count)
        features[p * n :, count:] = np.eye(m)
        features *= e.scale[:, None]
        self.sigma = features @ tables["core"] @ features.T
        for a in range(p):
            for b in range(p):
                e._block(self.J, a, b)[:] += tables["block"][a, b]
                e._block(self.sigma, a, b)[:] += tables["spread"][a, b]
        self.gradients = tables["gradients"]
        self.in_time = e.scale * np.concatenate([tables["in_time"].ravel(), tables["memory_in_time"]])

    @cached_property
    def weights(self) -> Array:
        """The gradients of the outputs in the states."""
        return self.gradients @ self.reading

    @cached_property
    def bent(self) -> dict[str, Array] | None:
        """The tables of the mean, where it is known."""
        if self.e.bent is None:
            return None
        tables = self.e.bent.copies()
        self.e.kernels.bend(self.t, self.y, *self.e.data, *tables.values())
        return tables

    def bend(self, C: Array) -> Array:
        """``½ F″:C``."""
        result = np.zeros(len(C))
        if (bent := self.bent) is None:
            return result
        p, n = self.e.p, self.e.n
        right = C @ self.reading.T
        between = self.reading @ right
        crossed = (right / self.e.scale[:, None])[: p * n].reshape(p, n, -1)
        modes = 2 * np.einsum("sqki,qik->si", bent["mixed"], crossed)
        modes += np.einsum("skli,kl->si", bent["outer"], between)
        if bent["inner"].any():
            inner = np.array([[self.e._block(C, a, b) for b in range(p)] for a in range(p)]) / self.e.w
            modes += np.einsum("sqri,qri->si", bent["inner"], inner)
        result[: p * n] = self.e.scale[: p * n] * modes.ravel() / 2
        if self.e.m:
            result[p * n :] = np.einsum("jkl,kl->j", bent["memory"], between) / 2
        return result

    @cached_property
    def force(self) -> Array:
        """``B₁ - ½ d²y/dt²``."""
        if (bent := self.bent) is None:
            return np.zeros(len(self.y))
        speed = np.zeros(len(self.y))
        self.e.kernels.rhs(self.t, self.y, speed, *self.e.data)
        shift = np.concatenate([bent["shift"].ravel(), bent["memory_shift"]])
        scale = self.e.scale
        return np.asarray(scale * shift - (self.J @ (scale * speed) + self.in_time) / 2)

    def outputs(self, C: Array, m: Array) -> tuple[Array, Array, Array]:
        """Values, covariance times d and bias times d of the outputs."""
        values = np.zeros(len(self.gradients))
        self.e.kernels.observe(self.t, self.y, values, *self.e.data)
        covariance = self.weights @ C @ self.weights.T
        bias = np.full(values.size, np.nan)
        if (bent := self.bent) is not None:
            between = self.reading @ C @ self.reading.T
            bias = self.weights @ m + np.einsum("okl,kl->o", bent["outputs"], between) / 2
        return values, covariance, bias


def _observe(equations: Equations, times: Array, end: float, rtol: float) -> tuple[Array, Array, Array]:
    """Values (T, O), covariances (T, O, O) and biases (T, O) of the outputs at ``times``."""
    C, rows = equations.start, []
    if times.size and times[0] == 0:
        rows.append(equations(0.0).outputs(C, np.zeros(len(C))))
    if times.size > len(rows):
        for piece in march(equations, C, end, rtol):
            last = piece.t + piece.h >= end * (1 - 1e-14)
            while len(rows) < times.size and (times[len(rows)] <= piece.t + piece.h or last):
                now = float(times[len(rows)])
                rows.append(equations(now).outputs(*piece.at(min(1.0, (now - piece.t) / piece.h))))
            if len(rows) == times.size:
                break
    count = len(equations.theory.system.outputs)
    values, covariance, bias = zip(*rows, strict=True) if rows else ((), (), ())
    return (
        np.array(values).reshape(-1, count),
        np.array(covariance).reshape(-1, count, count),
        np.array(bias).reshape(-1, count),
    )
