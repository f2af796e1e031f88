"""The generated implicit method: a Rosenbrock-Wanner method whose linear systems cost O(N).

The method is data (:mod:`symhigh.codegen.rodas`); the linear algebra of a limit is derived
(:mod:`symhigh.codegen.woodbury`), and comes in the record ``limit``, so that one module serves all. Steps, outputs and
events are those of :mod:`symhigh.codegen.control`.
"""

from __future__ import annotations

from symhigh.codegen.control import COMBINE, DENSE_ROWS, FIELDS, control_source, table_source
from symhigh.codegen.rodas import Rosenbrock

IMPLICIT_FIELDS = (*FIELDS, "linearise", "factor", "solve", "drift", "slope", "A", "z")
"""What the implicit stepper is told of a limit: also its linear algebra, and room for it."""


def implicit_source(method: Rosenbrock) -> str:
    """Source of the stepper's module, without the target's header."""
    tables = {
        "STAGES": method.a,
        "COUPLING": method.C,
        "TIMES": method.c,
        "SHIFTS": method.d,
        "DENSE": method.dense,
    }
    stages, depth = len(method.c), len(method.dense)
    text = "\n".join(f"{name} = {table_source(values)}" for name, values in tables.items())
    steps = _TEMPLATE.format(stages=stages, diagonal=repr(method.diagonal), depth=depth, dense=DENSE_ROWS)
    control = control_source(
        method.order, growth=6.0, evaluations=stages, extra=0, inside=5,
        factors=("rest", *("s",) * (depth - 1)),
    )  # fmt: skip
    return "\n\n".join([text, COMBINE + steps, control])


_TEMPLATE = """@njit
def enter(t, y, K, work, limit):
    limit.linearise(t, y, limit.slope, limit.par, limit.coef, limit.w, limit.const)
    limit.drift(y, work[3], limit.slope, limit.par, limit.coef, limit.w, limit.const)


@njit
def attempt(t, h, y, K, work, rtol, floor, limit):
    stage = work[0]
    new = work[1]
    right = work[2]
    m = y.shape[0]
    sigma = 1.0 / ({diagonal} * h)
    limit.factor(sigma, y, limit.slope, limit.A, limit.par, limit.coef, limit.w, limit.const)
    for j in range({stages}):
        combine(stage, y, 1.0, STAGES, j, K, j)
        limit.rhs(t + TIMES[j] * h, stage, new, limit.par, limit.coef, limit.w, limit.const)
        combine(right, new, 1.0 / h, COUPLING, j, K, j)
        if SHIFTS[j] != 0.0:
            for i in range(m):
                right[i] += h * SHIFTS[j] * work[3, i]
        limit.solve(
            sigma, y, right, K[j], limit.slope, limit.A, limit.z, limit.par, limit.coef, limit.w, limit.const
        )
    for i in range(m):
        new[i] = stage[i] + K[{stages} - 1, i]
    limit.scales(y, new, right, rtol, floor, limit.coef, limit.w)
    error = 0.0
    for i in range(m):
        ratio = K[{stages} - 1, i] / right[i]
        error += ratio * ratio
    return sqrt(error / m)


@njit
def densify(t, h, y, K, work, limit):
    for j in range({depth}):
        row = work[{dense} + j]
        for i in range(y.shape[0]):
            row[i] = 0.0
        combine(row, row, 1.0, DENSE, j, K, {stages})


@njit
def doubt(t, h, y, K, work, rtol, floor, limit):
    return 0.0  # its stages damp what is fast, and the solution inside a step has the order of the error estimate


@njit
def accept(t, y, K, work, limit):
    for i in range(y.shape[0]):
        y[i] = work[1, i]
    enter(t, y, K, work, limit)
"""
