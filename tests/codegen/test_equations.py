"""The functions generated for many combinations are the equations: NumPy's reference against SymPy at one point."""

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.kernels import limit_kernels
from symhigh.codegen.target import NUMPY
from tests.combinations import combinations, somewhere

FEW = ("Polyak", "Huber", "erf", "logistic", "committee", "threshold", "momentum, square", "cosine")
CASES = {
    name: case for name, case in combinations().items()
    if any(part in name for part in FEW) and "network" not in name and name != "SGD, logistic, committee"
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_functions_are_the_equations(name: str) -> None:
    """One mode of weight one: its averages are its own summands."""
    problem, rule, _ = CASES[name]
    system = sh.derive(problem, rule)
    kernels = limit_kernels(system, NUMPY)
    par = np.array([float(v) for v in system.parameters.values()])
    names = (*system.family.states, *(s.name for s in system.states))
    y = np.array([float(somewhere(s)) for s in names])
    coef = np.array([[float(somewhere(s))] for s in system.family.coefficients])
    const, dy, out = np.zeros(len(system.reductions)), np.zeros(y.size), np.zeros(len(system.outputs))
    w = np.ones(1)
    kernels.prepare(par, coef, w, const)
    kernels.rhs(0.3, y, dy, par, coef, w, const)
    kernels.observe(0.3, y, out, par, coef, w, const)

    averages = {r.name: r.summand for r in system.reductions}

    def exact(expr: sp.Expr) -> float:
        full = system.expanded(expr).xreplace(averages).xreplace({sh.t: sp.Rational(3, 10)})
        full = full.xreplace(dict(system.parameters))
        return float(full.xreplace({s: somewhere(s) for s in full.free_symbols}).evalf(14))

    rates = (*system.family.rhs, *(s.rhs for s in system.states))
    assert dy == pytest.approx(np.array([exact(e) for e in rates]), rel=1e-8, abs=1e-10)
    assert out == pytest.approx(np.array([exact(e) for e in system.outputs.values()]), rel=1e-8, abs=1e-10)
