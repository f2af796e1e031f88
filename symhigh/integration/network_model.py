"""The Fokker-Planck system of a network in numbers, read term by term off the derived channels.

Serves :mod:`symhigh.integration.network`; no drift or noise is written here. Model and equations:
``derivations/diagonal_networks/README.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symhigh.closed.network import numeric, starts
from symhigh.codegen.densities import density_kernels
from symhigh.codegen.density import COEFFICIENTS
from symhigh.codegen.lower import averages
from symhigh.derivation.close.additive import alpha, side_w, side_z, xi
from symhigh.derivation.close.channels import Exponents, exponential_terms
from symhigh.derivation.close.density import DensitySystem
from symhigh.integration.doubts import Doubts
from symhigh.integration.fokker_planck import (
    ChannelModel,
    Coupling,
    Densities,
    MeanFieldModel,
)
from symhigh.integration.modes import all_columns, population_of
from symhigh.integration.schedules import parameter_values
from symhigh.integration.timetable import Timetable, timetable
from symhigh.population import NetworkClasses
from symhigh.problem.network import theta_star, u, v
from symhigh.symbols import lam, risk
from symhigh.system import MomentSystem

Array = np.ndarray[Any, Any]
PAIR: tuple[Exponents, ...] = ((sp.S.One, sp.S.One), (sp.S.NegativeOne, sp.S.One))
"""``e^{α+ξ}`` and ``e^{α−ξ}``, of which u and v are made."""


@dataclass(frozen=True, eq=False)
class DensityModel:
    """The numbers of a network's Fokker-Planck system on given classes, and the start ξ(0) of each, (K,)."""

    model: ChannelModel
    start: Array
    table: Timetable
    par: Array
    kernels: Any
    channels: tuple[sp.Expr, ...]

    @property
    def system(self) -> MomentSystem:
        """The system, its jumps in time being parameters."""
        return self.table.system

    def breaks(self, end: float) -> Array:
        """The times in (0, end) at which the schedule jumps."""
        return self.table.breaks(self.par, end) if self.table.switches else np.zeros(0)

    def parameters(self, times: Array, between: bool) -> Array:
        """The parameters at every time, or between it and the one before, (T, P)."""
        rows = np.tile(self.par, (times.size, 1))
        count = len(self.table.switches)
        for i in range(times.size if count else 0):
            where = (times[i - 1] + times[i]) / 2 if between and i else times[i]
            rows[i, -count:] = self.table.at(self.par, float(where), snap=not between)
        return rows

    def outputs(self, found: Densities) -> dict[str, Array]:
        """The system's outputs along a solution, (T,) each."""
        names, kernels = list(self.system.outputs), self.kernels
        pair = kernels.reports, kernels.observe
        out = self._along(found, pair, len(names))
        return {name: out[:, k].copy() for k, name in enumerate(names)}

    def _along(self, found: Densities, pair: tuple[Any, Any], count: int) -> Array:
        """What a pair of functions, of averages and of what is made of them, gives along a solution, (T, count)."""
        out = np.empty((found.t.size, count))
        path = np.hstack([found.centre, found.scale**2, found.clocks, found.memory])
        self.kernels.outputs_at(
            self.model.coupled(pair, found.grid, found.cells), self.parameters(found.t, False), found.t, path,
            np.ascontiguousarray(found.mass), out,
        )  # fmt: skip
        return out

    def doubts(self, found: Densities, rtol: float) -> Doubts:
        """What is known of averages that resist quadrature, along a solution."""
        doubts, nodes = Doubts(rtol), averages(self.system, self.channels)
        if nodes:
            pair = self.kernels.leans, self.kernels.doubt
            for now, row in zip(found.t.tolist(), self._along(found, pair, len(nodes)), strict=True):
                doubts.take(nodes, row, now)
        return doubts

    def level(self, found: Densities) -> Array:
        """α of every class, (T, K)."""
        return np.asarray(self.model.alpha + found.clocks @ self.model.flat[3])


def density_model(limit: DensitySystem, classes: NetworkClasses) -> DensityModel:
    """The numbers of ``limit`` on ``classes``; ``ValueError`` while a parameter is still a symbol."""
    par = parameter_values("solve", limit)
    table = timetable(limit)
    system, begin, found = table.system, starts(limit, classes), limit.channels
    par = np.concatenate([par, np.zeros(len(table.switches))])
    names = (*limit.parameters, lam, theta_star, side_w, side_z)
    values = (*par[: len(limit.parameters)], classes.lam, classes.theta_star, begin.side_w, begin.side_z)

    def column(expr: sp.Expr) -> Array:
        return np.broadcast_to(np.asarray(numeric(names, expr)(*values), dtype=float), (classes.size,))

    keys = {key for group in found.terms.values() for key in group} - set(PAIR)
    exponents = (*PAIR, *sorted(keys, key=lambda key: (abs(key[0]), -key[0], key[1])))
    flat = [[column(part.get(c, sp.S.Zero)) for c in found.names]
            for part in (found.constant, found.slope, found.spread, found.level)]  # fmt: skip
    terms = [np.stack([column(found.terms.get(c, {}).get(key, sp.S.Zero)) for key in exponents], axis=1)
             for c in found.names]  # fmt: skip
    kernels = density_kernels(system, found.names[1:])
    model = ChannelModel(
        np.array([float(key[0]) for key in exponents]), np.array([float(key[1]) for key in exponents]),
        np.array(flat), np.array(terms), begin.alpha,
        _coupling(limit, system, classes, kernels, par, column),
    )  # fmt: skip
    return DensityModel(model, begin.xi, table, par, kernels, found.names[1:])


def _coupling(
    limit: DensitySystem, system: MomentSystem, classes: NetworkClasses, kernels: Any, par: Array,
    column: Callable[[sp.Expr], Array],
) -> Coupling:  # fmt: skip
    population = population_of(system, classes)
    columns = all_columns(system, population.columns)
    coef = np.array(
        [population.eigenvalues if c == lam else columns[c][:, 0] for c in system.family.coefficients]
    )
    const, memory = np.zeros(len(system.reductions)), np.zeros(len(system.states))
    kernels.prepare(par, coef, population.weights, const)
    kernels.begin(par, const, memory)
    origin = {alpha: 0, xi: 0}
    pair = [
        column(limit.reduction.inverse[s].subs({**origin, other: 0})) for s in (u, v) for other in (side_z, side_w)
    ]
    row = np.column_stack([classes.weight, *pair, *coef])
    assert row.shape[1] == COEFFICIENTS + len(coef)
    size = max(1, len(system.reductions))
    return Coupling(kernels.averages, kernels.forces, kernels, np.ascontiguousarray(row), size, const, memory)


def model_of(limit: DensitySystem, classes: NetworkClasses) -> tuple[MeanFieldModel, Array]:
    """The numbers of least squares at a constant rate, with R as the one coupling, and the start ξ(0) (classes,).

    A second route to them: term by term off the reduction, for particles of their own.
    """
    limit.numbers()
    reduction, begin = limit.reduction, starts(limit, classes)
    parameters = (lam, theta_star, side_w, side_z)
    values = (classes.lam, classes.theta_star, begin.side_w, begin.side_z)

    def column(expr: sp.Expr) -> Array:
        number = numeric(parameters, expr)(*values)
        return np.broadcast_to(np.asarray(number, dtype=float), (classes.size,))

    drift = exponential_terms(reduction.sde.drift[1], xi, alpha)
    error = exponential_terms(reduction.effective - theta_star, xi, alpha)
    spread = sp.Poly(reduction.sde.covariance[1, 1] / 2, risk)
    exponents = sorted(set(drift[2]) | set(error[2]), key=sp.default_sort_key)
    stack = [
        np.stack([column(part[2].get(key, sp.S.Zero)) for key in exponents], axis=1)
        for part in (drift, error)
    ]
    model = MeanFieldModel(
        in_xi=np.array([float(key[0]) for key in exponents]),
        in_alpha=np.array([float(key[1]) for key in exponents]),
        drift_constant=column(drift[0]), drift_slope=column(drift[1]), drift_terms=stack[0],
        spread_constant=column(spread.coeff_monomial(1)), spread_rate=column(spread.coeff_monomial(risk)),
        error_constant=column(error[0]), error_slope=column(error[1]), error_terms=stack[1],
        share=classes.weight * classes.lam / 2, alpha=begin.alpha,
        alpha_rate=column(sp.expand(reduction.sde.drift[0] / risk)),
        offset=limit.numbers()[1] ** 2 / 2,
    )  # fmt: skip
    return model, begin.xi
