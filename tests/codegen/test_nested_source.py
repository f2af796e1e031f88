"""The error from which on an average by nested rules is no number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import sympy as sp

from symhigh.codegen.nested_source import REFUSED
from symhigh.codegen.quadrature import lower_nodes
from symhigh.derivation.gaussian import GaussianMean

z, v = sp.Symbol("z", real=True), sp.Symbol("v", positive=True)


@pytest.mark.parametrize(("error", "told"), [(0.99e-4, True), (1e-4, True), (1.01e-4, False)])
def test_an_average_known_to_less_than_a_ten_thousandth_is_no_number(error: float, told: bool) -> None:
    """The average of ``|z - 1|^{3/2}`` with an error that is dictated in the place of its estimate."""
    assert REFUSED == 1e-4
    node = GaussianMean(sp.Abs(z - 1) ** sp.Rational(3, 2), (z,), sp.Matrix([[v]]))
    source, _ = lower_nodes([node])
    space: dict[str, Any] = {"math": math, "numpy": np, "njit": lambda f: f}
    exec(source, space)  # generated here
    plain, own = space["node_0"](1.3), space["node_0_known"]
    assert own(1.3)[0] == plain
    space["node_0_within"] = lambda v, most, value=plain: (value, error)
    found = space["node_0"](1.3)
    assert found == plain if told else math.isnan(found)
