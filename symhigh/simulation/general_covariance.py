"""Population values where the coordinates are not an eigenbasis of K.

Stands beside direct simulation: its records average over coordinates as if K were diagonal, which is right for
everything but the covariances ``B_pq = π_p·Kπ_q/d`` of the predictions.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from symhigh.derivation.state import Statement
from symhigh.population.spectrum import Array
from symhigh.symbols import lam, t
from symhigh.system import MomentSystem

Recorder = Callable[[float, Array, Array, Array], Array]
"""``(time, coordinates, coefficients, memories) -> outputs`` of the system, nan where one is not known."""


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
    expanded = [system.unfolded(e) for e in system.outputs.values()]
    kept = [None if e.free_symbols & unknown else e for e in expanded]
    memories = tuple(x.name for x in system.states)
    arguments = (t, *averages, *memories, *system.parameters)
    parameters = [float(value) for value in system.parameters.values()]
    functions = [None if e is None else sp.lambdify(arguments, e, "numpy") for e in kept]

    def record(time: float, rows: Array, coef: Array, memory: Array) -> Array:
        found = [f(*rows, *coef[1:], coef[0]) for f in averages.values()]
        values = (time, *found, *memory, *parameters)
        return np.array([np.nan if f is None else float(f(*values)) for f in functions])

    return record
