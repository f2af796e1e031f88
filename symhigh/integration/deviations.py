"""The linear theory around a limit as numbers: J, Σ and B₁ over all states, at any time of the limit's path.

Between the generated tables of :mod:`symhigh.codegen.deviations` and what is integrated from them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property

import numpy as np
import sympy as sp

from symhigh.codegen.deviations import BENT, LINEAR, PLACE, Tables, deviation_kernels, shares
from symhigh.codegen.lower import averages
from symhigh.codegen.target import Target
from symhigh.derivation.fluctuations import Deviations
from symhigh.derivation.sample import sample_of
from symhigh.integration.doubts import Doubts, errors_at
from symhigh.integration.modes import all_columns, population_of, starting_modes
from symhigh.integration.nodes import Averages
from symhigh.integration.path import Path
from symhigh.population import Spectrum, Start
from symhigh.population.population import Columns
from symhigh.population.spectrum import Array
from symhigh.symbols import D2

_AT_NODES = 1e-4
"""Relative error of averages at nodes, in parts of the largest: far less than the next order in 1/d."""


class Equations:
    """The coefficients of the linear theory along the limit's path; calling it gives those of one time.

    Its states are those of the limit, ``kept`` of all that the path has, times ``scale``, the root of a mode's weight,
    which makes deviations of one size.
    """

    def __init__(
        self, theory: Deviations, target: Target, par: Array, spectrum: Spectrum, start: Start, end: float,
        rtol: float, deadline: float = np.inf,
    ) -> None:  # fmt: skip
        system = theory.system
        self.theory, self.target, self.kernels = theory, target, deviation_kernels(theory, target)
        population = population_of(system, spectrum, start, owner="fluctuations")
        values, self.w = population.eigenvalues, population.weights
        asked = len(system.parameters) - par.size
        self._taken = np.empty(0)
        self.averages = None if theory.nodes is None else Averages(theory.nodes, _AT_NODES)
        par = np.concatenate([par, np.zeros(asked)])
        given = dict(zip(system.parameters, map(sp.Float, par), strict=True))
        coef, modes, mode_size = starting_modes(replace(system, parameters=given), population)
        if getattr(start, "random", False):
            modes[len(modes) - theory.beside :] = _fourth(theory, all_columns(system, population.columns))
        const, memory = np.zeros(len(system.reductions)), np.zeros(len(system.states))
        self.kernels.prepare(par, coef, self.w, const)
        self.kernels.begin(par, const, memory)
        self.data = par, coef, self.w, const
        size = np.concatenate([np.tile(mode_size, len(modes)), np.abs(memory)])
        self.size = np.where(size > 0, size, 1.0)
        y = np.concatenate([modes.ravel(), memory])
        least = np.zeros(y.size)
        least[: len(modes) * mode_size.size] = _least(theory, modes, mode_size).ravel()
        self.path = Path(system, target, y, self.data, self.size, end, rtol, deadline, least)
        self.p, self.n, self.m = theory.block.rows, self.w.size, len(memory)
        self.kept = np.r_[: self.p * self.n, y.size - self.m : y.size]
        self.linear = Tables(theory, LINEAR, self.n)
        self.bent = None if theory.mean is None else Tables(theory.mean, BENT, self.n)
        self.scale = np.concatenate([np.tile(np.sqrt(self.w), self.p), np.ones(self.m)])
        self.start = np.zeros((self.kept.size, self.kept.size))
        if getattr(start, "random", False):
            self.start = self._of_start(start, spectrum, values)

    def _of_start(self, start: Start, spectrum: Spectrum, values: Array) -> Array:
        """Covariance of a Gaussian start: ``Cov(V_pq, V_rs) = (M_pr M_qs + M_ps M_qr)/(w d)`` in a mode."""
        sample, field = sample_of(self.theory.system), self.theory.system.field
        x0, cross, x_star = (float(e) for e in (start.x0, start.overlap, start.x_star))
        begins = {**field.begins, **{v: v for v in (*field.learnt, *field.targets)}}
        (learnt,), (target,) = field.learnt, field.targets
        entries = [sp.sympify(begins.get(v, 0)) for v in sample.vectors]
        mix = np.array([[float(sp.diff(e, learnt)), float(sp.diff(e, target))] for e in entries])
        vectors = mix @ np.array([[x0, cross], [cross, x_star]]) @ mix.T
        if sample.overlap(0, 0) == D2:
            vectors = np.array([[x0 - 2 * cross + x_star]])
        pairs = [sample.pair(s) for s in self.theory.system.family.states[: self.p]]
        shape = start.profile_at(values) ** 2
        result = np.zeros((self.p * self.n + self.m,) * 2)
        placed = [(a, *pair) for a, pair in enumerate(pairs) if pair is not None]
        for a, p, q in placed:
            for b, r, s in placed:
                both = vectors[p, r] * vectors[q, s] + vectors[p, s] * vectors[q, r]
                self._block(result, a, b)[:] = both * shape
        return result

    def _block(self, matrix: Array, a: int, b: int) -> Array:
        """The diagonal of the block (state a, state b) of a matrix over all states, as a view."""
        n = self.n
        return np.einsum("ii->i", matrix[a * n : (a + 1) * n, b * n : (b + 1) * n])

    def take_averages(self, t: float, y: Array) -> None:
        """Puts the averages that are taken at nodes where the generated functions read them."""
        if self.averages is not None and not np.array_equal(y, self._taken):
            self._taken = y.copy()
            tables = Tables(self.theory.nodes, PLACE, self.n).copies()
            self.kernels.place(t, y, *self.data, *tables.values())
            values = self.averages.values(**tables)
            self.data[0][-values.size :] = values

    def doubts(self, times: Iterable[float], rtol: float, result: str) -> Doubts:
        """What is known of averages that resist quadrature, the limit's own and the theory's, at times of the path."""
        doubts, nodes = Doubts(rtol, result), averages(self.theory.system, tuple(e for _, e in shares(self.theory)))
        if nodes:
            for now in times:
                doubts.take(nodes, errors_at(nodes, self.kernels, now, self.path(now), self.data), now)
        return doubts

    def __call__(self, t: float) -> _At:
        return _At(self, t)


def _least(theory: Deviations, modes: Array, size: Array) -> Array:
    """Sizes that states beside those of the linear theory are compared with, by those of a mode and of its cells."""
    family, least = theory.system.family, np.zeros_like(modes)
    cells = {c: modes[family.states.index(c)] for c in theory.system.field.cells}
    for k, state in enumerate(family.states[theory.block.rows :], theory.block.rows):
        least[k] = np.sqrt(np.prod([cells.get(s, size) for s in family.sizes[state]], axis=0))
    return least


def _fourth(theory: Deviations, columns: Columns) -> Array:
    """Where the states beside those of the linear theory start, products of four Gaussian entries and zeros."""
    family, result = theory.system.family, np.zeros((theory.beside, len(next(iter(columns.values())))))
    for row, name in zip(result, family.states[theory.block.rows :], strict=True):
        powers = family.definitions[name].as_powers_dict()
        factors = [columns[v] for v, n in powers.items() if v in columns for _ in range(int(n))]
        if factors:
            a, b, c, e = factors
            pairs = ((a, b, c, e), (a, c, b, e), (a, e, b, c))
            row[:] = sum((f * g).mean(axis=1) * (h * k).mean(axis=1) for f, g, h, k in pairs)
    return result


class _At:
    """The equations at one time: J and Σ over all states, and what the mean needs."""

    def __init__(self, equations: Equations, t: float) -> None:
        e = equations
        self.e, self.t, self.y = e, t, e.path(t)
        theory, p, n, m = e.theory, e.p, e.n, e.m
        tables = self._tables = e.linear.copies()
        e.take_averages(t, self.y)
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
        for a in range(p):
            for b in range(p):
                e._block(self.J, a, b)[:] += tables["block"][a, b]
        self.gradients = tables["gradients"]
        self.in_time = e.scale * np.concatenate([tables["in_time"].ravel(), tables["memory_in_time"]])

    @cached_property
    def sigma(self) -> Array:
        """Σ over all states."""
        e, tables = self.e, self._tables
        p, n, m = e.p, e.n, e.m
        features = np.zeros((p * n + m, tables["core"].shape[0]))
        count = tables["features"].shape[1]
        features[: p * n, :count] = tables["features"].transpose(0, 2, 1).reshape(p * n, count)
        features[p * n :, count:] = np.eye(m)
        features *= e.scale[:, None]
        sigma = features @ tables["core"] @ features.T
        for a in range(p):
            for b in range(p):
                e._block(sigma, a, b)[:] += tables["spread"][a, b]
        return np.asarray(sigma)

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
        self.e.take_averages(self.t, self.y)
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
            return np.zeros(self.e.kept.size)
        speed = np.zeros(len(self.y))
        self.e.kernels.rhs(self.t, self.y, speed, *self.e.data)
        shift = np.concatenate([bent["shift"].ravel(), bent["memory_shift"]])
        scale = self.e.scale
        return np.asarray(scale * shift - (self.J @ (scale * speed[self.e.kept]) + self.in_time) / 2)

    def outputs(self, C: Array, m: Array) -> tuple[Array, Array, Array]:
        """Values, covariance times d and bias times d of the outputs."""
        values = np.zeros(len(self.gradients))
        self.e.kernels.observe(self.t, self.y, values, *self.e.data)
        covariance = self.weights @ C @ self.weights.T
        bias = np.full(values.size, np.nan)
        if (bent := self.bent) is not None:
            between = self.reading @ C @ self.reading.T
            bias = self.weights @ m + np.einsum("okl,kl->o", bent["outputs"], between) / 2
            bias[self.e.theory.bent] = np.nan
        return values, covariance, bias
