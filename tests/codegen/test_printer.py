"""What the printer refuses, and what it writes."""

import math

import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.kernels import limit_source
from symhigh.codegen.printer import code
from symhigh.codegen.target import NUMPY, Names

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
