"""Population values where the coordinates are not an eigenbasis of K.

Stands beside direct simulation: its records average over coordinates as if K were diagonal, which is right for
everything but the covariances ``B_pq = π_p·Kπ_q/d`` of the predictions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import sympy as sp

from symhigh.codegen.simulators import record_kernels
from symhigh.derivation.state import Statement
from symhigh.integration.doubts import Doubts
from symhigh.meanfield import Family, ScalarState
from symhigh.population.spectrum import Array
from symhigh.symbols import OwnedSymbol, lam
from symhigh.system import MomentSystem

Recorder = Callable[..., Array]
"""``(time, coordinates, coefficients, memories[, doubts]) -> outputs`` of the system, nan where one is not known.

``doubts`` take in the errors of averages in them.
"""


def recorder(system: MomentSystem, s: Statement, covariance: Array) -> Recorder:
    """A function that evaluates the system's outputs at an iterate, for a covariance K (d, d)."""
    weights = (*s.effective, *s.targets)
    products = {sp.expand(lam * p * q): (p, q) for p in weights for q in weights}
    entries = (*system.field.coordinates, *(c for c in system.field.coefficients if c != lam), lam)
    bends = {sp.expand(sp.diff(pi, c, 2)) for pi in s.effective for c in s.learnt} - {0}
    unknown = set()

    def average(summand: sp.Expr, name: sp.Symbol) -> Callable[..., float]:
        if summand in products:
            p, q = (sp.lambdify(entries, w, "numpy") for w in products[summand])
            return lambda *at: float(np.mean(p(*at) * (covariance @ (q(*at) * np.ones(len(covariance))))))
        if summand.has(lam) and bends and any(summand.has(x) for x in s.targets):
            unknown.add(name)
        value = sp.lambdify(entries, summand, "numpy")
        return lambda *at: float(np.mean(value(*at) * np.ones(len(covariance))))

    averages = {r.name: average(r.summand, r.name) for r in system.reductions}
    lost = [bool(system.unfolded(e).free_symbols & unknown) for e in system.outputs.values()]
    flat = _of_averages(system)
    kernels = record_kernels(flat)
    parameters = np.array([float(value) for value in system.parameters.values()])
    one, none = np.ones((1, 1)), np.zeros(0)

    def record(time: float, rows: Array, coef: Array, memory: Array, doubts: Doubts | None = None) -> Array:
        found = [f(*rows, *coef[1:], coef[0]) for f in averages.values()]
        out, y = np.zeros(len(lost)), np.array([0.0, *found, *memory])
        kernels.observe(time, y, out, parameters, one, one[0], none)
        if doubts is not None:
            doubts.look(flat, kernels, time, y, (parameters, one, one[0], none), time)
        return np.where(lost, np.nan, out)

    return record


def _of_averages(system: MomentSystem) -> MomentSystem:
    """The outputs of ``system`` with its averages in the place of memories: as functions of them, not of modes."""
    given = tuple(ScalarState(r.name, sp.S.Zero, sp.S.Zero) for r in system.reductions)
    mode = Family((OwnedSymbol("still", real=True),), (lam,), (sp.S.Zero,))  # generated code has a mode
    return replace(system, family=mode, reductions=(), states=(*given, *system.states))
