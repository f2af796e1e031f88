"""Variances are recognised in any scale and form, and Jacobians of committees are written in seconds."""

import time

import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.guard import _scale_free
from symhigh.codegen.jacobian import jacobian
from symhigh.codegen.lower import Lowering
from symhigh.codegen.target import NUMPY

a, b, c = sp.symbols("a b c", positive=True)


def test_equal_up_to_a_number():
    assert _scale_free(1 + a - b**2 / (1 + a)) == _scale_free(7 * ((1 + a) ** 2 - b**2) / (3 + 3 * a))
    assert _scale_free(1 - a * b) == _scale_free(a * b - 1)
    assert _scale_free(1 + a * b) != _scale_free(1 - a * b)
    assert _scale_free((1 + a) * (1 + b)) != _scale_free((1 + a) * (1 + c))
    assert _scale_free(1 + a) != _scale_free(1 + sp.Symbol("a"))


def test_what_has_no_value_is_compared_multiplied_out():
    f = sp.Function("f", real=True)
    assert _scale_free(1 + f(a)) == _scale_free(6 * f(a) + 6)
    assert _scale_free(1 + f(a)) != _scale_free(2 + f(a))
    assert _scale_free(b * (1 + f(a))) == _scale_free(2 * b + 2 * b * f(a))
    assert _scale_free(sp.S.Zero) != _scale_free(a)
    assert _scale_free(sp.zoo) == sp.zoo


@pytest.mark.slow
def test_a_committee_of_three_has_its_linear_algebra_in_seconds():
    system = sh.derive(sh.committee(2, 1, "erf"), sh.Constant(0.5))
    J, begin = jacobian(system), time.process_time()
    source = Lowering(system, NUMPY, more=[e for _, e in J.slopes]).source()
    assert time.process_time() - begin < 60  # it took minutes
    assert "safe_root" in source
