"""What the printer refuses, and what it writes."""

import math

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.kernels import limit_source
from symhigh.codegen.printer import code
from symhigh.codegen.target import NUMPY, Names
from symhigh.derivation.gaussian.smooth import Sigmoid, Softplus

BESIDE = (sh.x - sh.x_star) ** 2


@pytest.mark.parametrize(
    ("function", "name"),
    [(sp.LambertW(1 + sh.t), "LambertW"), (sp.Function("rate")(sh.t), "rate"), (sp.zeta(2 + sh.t), "zeta")],
)
def test_functions_without_code_are_named(function: sp.Expr, name: str) -> None:
    with pytest.raises(ValueError, match=f"calls {name}, for which there is no generated code"):
        limit_source(sh.derive(sh.least_squares(), sh.Schedule(function)), NUMPY)
    with pytest.raises(ValueError, match=f"calls {name}"):
        sh.derive(sh.least_squares(), sh.Schedule(function)).solve(sh.Spectrum.isotropic(), sh.Start(), 1.0)
    with pytest.raises(ValueError, match=f"calls {name}"):
        sh.simulate(sh.least_squares(), sh.Schedule(function), sh.Spectrum.isotropic(), sh.Start(), 10, 1.0)


def test_functions_inside_a_node_are_named() -> None:
    system = sh.derive(sh.Problem(sp.besselj(0, sh.x) * BESIDE), sh.Constant(1))
    with pytest.raises(ValueError, match="calls besselj"):
        limit_source(system, NUMPY)


def test_functions_of_the_math_module_pass() -> None:
    u = sp.Symbol("u", positive=True)
    for f in (sp.gamma, sp.loggamma, sp.erfc, sp.atan, sp.asinh, sp.sinh):
        assert eval(Names().code(f(u)), vars(math) | {"u": 0.7}) == pytest.approx(float(f(0.7)), rel=1e-14)
        assert eval(code(f(u)), {"math": math, "u": 0.7}) == pytest.approx(float(f(0.7)), rel=1e-14)


@pytest.mark.parametrize("value", [-800.0, -2.0, 0.0, 0.3, 5.0, 800.0])
def test_smooth_steps_are_safe_from_overflow(value: float) -> None:
    u = sp.Symbol("u", real=True)
    given = {name: getattr(np, name) for name in ("tanh", "log1p", "exp")} | {"u": value, "max": max, "abs": abs}
    assert eval(Names().code(Softplus(u)), given) == pytest.approx(np.logaddexp(0, value), rel=1e-14, abs=1e-300)
    exact = 1 / (1 + np.exp(-max(value, -700)))
    assert eval(Names().code(Sigmoid(u)), given) == pytest.approx(exact, rel=1e-14, abs=1e-16)
    for at_zero in (0, 1):
        step = eval(Names().code(sp.Heaviside(u, at_zero, evaluate=False)), given)
        assert step == (at_zero if value == 0 else value > 0)
