"""The smallest population risk that any X can reach, by which excess risk is measured.

The risk sees X through B alone, so its minimum over X is one over the predictions
``x = α x* + s ζ`` with ζ a standard normal independent of x*: ``B12 = α B22``, ``B11 = α² B22 + s²``.
"""

from __future__ import annotations

import numpy as np

from symhigh.codegen.kernels import limit_kernels
from symhigh.derivation import derive
from symhigh.integration.doubts import Doubts
from symhigh.integration.schedules import parameter_values
from symhigh.population import Spectrum, Start
from symhigh.problem import Problem
from symhigh.problem.learnt import refuse_learnt
from symhigh.rule import Constant
from symhigh.system import MomentSystem

_KNOWN = 1e-7
"""The error that averages may have without a word."""


def minimal_risk(system: MomentSystem, spectrum: Spectrum, start: Start) -> float:
    """``min_X h``, at the ``B22`` of ``start``; X = X* is preferred where it is a minimiser to 12 digits."""
    problem = system.problem
    if len(problem.directions) != 2 or problem.data is not None:
        raise ValueError(
            f"excess_risk: the least risk of {problem.name} over all students is known for one student and one target "
            "without classes only; subtract a level of your own from risk"
        )
    values, w = spectrum.numeric("minimal_risk")
    return minimal_risk_at(system.problem, float((w * values * start.modes(spectrum)[2]).sum()))


def minimal_risk_at(problem: Problem, b22: float) -> float:
    """``min_X h`` where the target's predictions have variance ``b22``."""
    from scipy.optimize import minimize

    why, remedy = "over which the least risk is not known", "subtract a level of your own from risk"
    refuse_learnt("excess_risk", problem.learnt, why, remedy)
    # one mode of eigenvalue one: its moments are B itself
    system = derive(problem, Constant(1), reduce=False)
    kernels = limit_kernels(system)
    par, w, coef = parameter_values("minimal_risk", system), np.ones(1), np.array([[1.0], [b22]])
    const, out = np.zeros(len(system.reductions)), np.zeros(len(system.outputs))
    kernels.prepare(par, coef, w, const)
    place = list(system.outputs).index("risk")

    def risk(point: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        alpha, s = point
        kernels.observe(0.0, np.array([alpha**2 * b22 + s**2, alpha * b22]), out, par, coef, w, const)
        return float(out[place])

    at_target, options = risk(np.array([1.0, 0.0])), {"xatol": 1e-9, "fatol": 1e-15, "maxiter": 2000}
    starts = ([1.0, 0.1], [0.0, 0.5], [-1.0, 0.1])
    found = [minimize(risk, first, method="Nelder-Mead", options=options) for first in starts]
    best = min(found, key=lambda end: float(end.fun))
    least, (alpha, s) = float(best.fun), best.x
    if at_target <= least + 1e-12 * max(1.0, abs(least)):
        least, alpha, s = at_target, 1.0, 0.0
    doubts, y = Doubts(_KNOWN, "the least risk"), np.array([alpha**2 * b22 + s**2, alpha * b22])
    doubts.look(system, kernels, 0.0, y, (par, coef, w, const), 0.0)
    doubts.settle("excess_risk")
    return least
