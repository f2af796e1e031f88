"""Constants of the compiled integrators against an independent implementation, and what is made of outputs at edges."""

from typing import Any

import numpy as np
import pytest
from scipy.integrate import RK45

import symhigh as sh
from symhigh.codegen.cache import load
from symhigh.codegen.density_shape import TABLES
from symhigh.codegen.target import NUMPY
from symhigh.integration.edges import settled_outputs
from symhigh.integration.volterra import solve_volterra
from tests.combinations import TWO

TABLE: Any = load(f"{NUMPY.header}\n{TABLES}")


def test_the_pair_of_dormand_and_prince_is_that_of_scipy() -> None:
    assert TABLE.NODES.tolist() == [*RK45.C, 1.0]
    np.testing.assert_allclose(TABLE.STAGES[:6, :5], RK45.A, rtol=1e-15)
    np.testing.assert_allclose(TABLE.STAGES[6], RK45.B, rtol=1e-15)
    assert not TABLE.STAGES[:6, 5].any()
    np.testing.assert_allclose(TABLE.DIFFERENCE, -RK45.E, rtol=1e-14)


def test_the_implicit_step_is_l_stable_of_order_two() -> None:
    """Its stability function (1 + (1 - 2γ) z)/(1 - γz)² has the term z²/2 of e^z where γ² - 2γ + 1/2 = 0."""
    assert pytest.approx(0, abs=1e-15) == TABLE.GAMMA**2 - 2 * TABLE.GAMMA + 0.5
    assert TABLE.GAMMA < 1


def test_underflow_below_zero_is_zero_and_nothing_else_is_moved() -> None:
    system = sh.derive(sh.least_squares(), sh.Constant(0.3))
    given = {
        "risk": np.array([1.0, -1e-290, 0.0, 1e-3]), "distance": np.array([1.0, -0.1]),
        "other": np.array([1.0, -1e-17]), "norm": np.array([]),
    }  # fmt: skip
    found = settled_outputs(given, system, *TWO)
    assert found["risk"].tolist() == [1.0, 0.0, 0.0, 1e-3]
    assert found["distance"].tolist() == [1.0, -0.1]
    assert found["other"].tolist() == [1.0, -1e-17]
    assert found["norm"].size == 0
    assert given["risk"][1] == -1e-290


def test_a_distance_that_is_infinite_at_the_start_stays_so() -> None:
    system = sh.derive(sh.least_squares(), sh.Constant(0.3))
    given = {"risk": np.ones(2), "distance": np.ones(2)}
    steep = sh.Spectrum.power_law(0.4), sh.Start.power_law(0.9)
    assert np.isinf(settled_outputs(given, system, *steep)["distance"]).all()
    assert settled_outputs(given, system, *steep)["risk"].tolist() == [1, 1]
    assert settled_outputs({"risk": np.ones(2)}, system, *steep).keys() == {"risk"}
    for population in (TWO, (steep[0], None), (None, steep[1]), (sh.NetworkClasses(1, 1, 1, 1), None)):
        assert settled_outputs(given, system, *population)["distance"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("problem", "rule"),
    [
        (sh.least_squares(0.3), sh.MiniBatch(sh.Constant(0.3), 2)),
        (sh.least_squares(0.3), sh.WeightDecay(sh.Constant(0.3), 0.1)),
        (sh.least_squares(0.3), sh.Momentum(0.3, 1)),
        (sh.phase_retrieval(), sh.Constant(0.1)),
    ],
    ids=lambda given: type(given).__name__,
)
def test_the_volterra_route_refuses_what_has_another_equation(problem: sh.Problem, rule: sh.Rule) -> None:
    with pytest.raises(ValueError, match="needs a least-squares limit in D2"):
        solve_volterra(sh.derive(problem, rule), *TWO, 1.0)
