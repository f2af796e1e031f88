"""The generated implicit method: a Rosenbrock-Wanner method whose linear systems cost O(N).

The method is data (:mod:`symhigh.codegen.rodas`), its linear algebra is derived (:mod:`symhigh.codegen.woodbury`), and
both are joined into one module with the right-hand side. Steps, outputs and events are those of
:mod:`symhigh.codegen.control`.
"""

from __future__ import annotations

from symhigh.codegen.control import COMBINE, control_source, scale_source, table_source
from symhigh.codegen.jacobian import jacobian
from symhigh.codegen.lower import Lowering
from symhigh.codegen.rodas import Rosenbrock
from symhigh.codegen.target import Target
from symhigh.codegen.woodbury import INVERT, LinearAlgebra
from symhigh.system import MomentSystem


def implicit_source(system: MomentSystem, target: Target, method: Rosenbrock) -> str:
    """Source of the whole module: the limit's functions, the linear algebra, ``advance``."""
    J = jacobian(system)
    lowering = Lowering(system, target, more=[e for _, e in J.slopes])
    algebra = LinearAlgebra(lowering, J)
    tables = {
        "STAGES": method.a,
        "COUPLING": method.C,
        "TIMES": method.c,
        "SHIFTS": method.d,
        "DENSE": method.dense,
    }
    stages = len(method.c)
    steps = _TEMPLATE.format(
        stages=stages, diagonal=repr(method.diagonal), in_time=int(algebra.in_time),
        slopes=max(1, len(algebra.shared)), size=max(1, len(J.coupling)), beside=scale_source(system),
    )  # fmt: skip
    return "\n\n".join(
        [
            target.header,
            lowering.source(),
            *algebra.functions(),
            INVERT,
            "\n".join(f"{name} = {table_source(values)}" for name, values in tables.items()),
            COMBINE + steps,
            control_source(system, method.order, growth=6.0, evaluations=stages, extra=0, inside=5),
        ]
    )


_TEMPLATE = """@njit
def storage():
    return numpy.zeros({slopes}), numpy.zeros(({size}, {size})), numpy.zeros({size})


@njit
def enter(t, y, K, work, store, par, coef, w, const):
    linearise(t, y, store[0], par, coef, w, const)
    if {in_time}:
        drift(y, work[3], store[0], par, coef, w, const)


@njit
def attempt(t, h, y, K, work, store, rtol, floor, par, coef, w, const):
    slope, A, z = store
    stage = work[0]
    new = work[1]
    right = work[2]
    m = y.shape[0]
    sigma = 1.0 / ({diagonal} * h)
    factor(sigma, y, slope, A, par, coef, w, const)
    for j in range({stages}):
        combine(stage, y, 1.0, STAGES, j, K, j)
        rhs(t + TIMES[j] * h, stage, new, par, coef, w, const)
        combine(right, new, 1.0 / h, COUPLING, j, K, j)
        if {in_time}:
            for i in range(m):
                right[i] += h * SHIFTS[j] * work[3, i]
        solve(sigma, y, right, K[j], slope, A, z, par, coef, w, const)
    error = 0.0
    for i in range(m):
        new[i] = stage[i] + K[{stages} - 1, i]
        scale = floor[i] + rtol * max(abs(y[i]), abs(new[i]))
        {beside}
        ratio = K[{stages} - 1, i] / scale
        error += ratio * ratio
    return sqrt(error / m)


@njit
def densify(t, h, y, K, work, par, coef, w, const):
    pass


@njit
def doubt(t, h, y, K, work, rtol, floor, par, coef, w, const):
    return 0.0  # its stages damp what is fast, and the solution inside a step has the order of the error estimate


@njit
def interpolate(s, h, y, new, K, out):
    for i in range(y.shape[0]):
        first = 0.0
        second = 0.0
        third = 0.0
        for k in range({stages}):
            first += DENSE[0, k] * K[k, i]
            second += DENSE[1, k] * K[k, i]
            third += DENSE[2, k] * K[k, i]
        out[i] = (1.0 - s) * y[i] + s * (new[i] + (1.0 - s) * (first + s * (second + s * third)))


@njit
def accept(t, y, K, work, store, par, coef, w, const):
    for i in range(y.shape[0]):
        y[i] = work[1, i]
    enter(t, y, K, work, store, par, coef, w, const)
"""
