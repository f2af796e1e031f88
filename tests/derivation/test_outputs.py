"""Outputs of a derived limit at its start, computed by hand from spectrum, start and classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.target import NUMPY

LAM, W = np.array([1.5, 0.5]), np.array([0.25, 0.75])
SPECTRUM = sh.Spectrum.from_eigenvalues(LAM, W)
x1, x2, y1 = sp.symbols("x1 x2 y1", real=True)


def at_start(problem: sh.Problem, rule: sh.Rule, *population: Any) -> dict[str, float]:
    """The outputs at time 0 of the system as it is derived, on the reference target."""
    curve = sh.derive(problem, rule, reduce=False).solve(*population, t_end=1e-6, t=[0.0], target=NUMPY)
    return {name: float(values[0]) for name, values in curve.outputs.items()}


def test_risk_distance_overlap_norm_and_the_rate_at_which_the_distance_grows() -> None:
    V11, V12, V22, noise = 2.0, 0.6, 1.2, 0.3
    found = at_start(sh.least_squares(noise), sh.AdaGradNorm(1, 2), SPECTRUM, sh.Start(V11, V22, V12))
    tau = W @ LAM
    B = tau * (V11 - 2 * V12 + V22)
    assert found["risk"] == pytest.approx((B + noise**2) / 2)
    assert found["distance"] == pytest.approx(V11 - 2 * V12 + V22)
    assert (found["overlap"], found["norm"]) == pytest.approx((V12, V11))
    assert found["learning_rate"] == pytest.approx(1 / 2)
    # d‖X - X*‖²/dt = -2γ B + γ² τ (B + ω²)
    assert found["distance_threshold"] == pytest.approx(2 * B / (tau * (B + noise**2)))


def test_overlaps_of_several_directions_in_order() -> None:
    Q = np.array([[1.0, 0.2, 0.3], [0.2, 2.0, 0.4], [0.3, 0.4, 1.5]])
    problem = sh.MultiIndex((x1, x2), (y1,), (x1 + x2 - y1) ** 2 / 2)
    found = at_start(problem, sh.Constant(0.1), SPECTRUM, sh.Overlaps(Q))
    names = [f"overlap_{p + 1}_{q + 1}" for p in range(3) for q in range(p, 3)]
    assert [found[n] for n in names] == pytest.approx(Q[np.triu_indices(3)].tolist())
    u = np.array([1, 1, -1])
    assert found["risk"] == pytest.approx(W @ LAM * (u @ Q @ u) / 2)
    assert set(found) >= {"risk", "learning_rate", *names}


def test_outputs_of_a_network_are_sums_over_its_classes() -> None:
    weight = np.array([0.25, 0.75])
    aim, u, v = np.array([1.0, -0.5]), np.array([1.2, 0.4]), np.array([0.2, 0.7])
    classes = sh.NetworkClasses(LAM, aim, u, v, weight)
    system = sh.derive(sh.least_squares(0.3, sh.PRODUCT), sh.Constant(0.1))
    curve = system.solve(classes, 1e-6, [0.0, 1e-6], nodes=21)
    theta = u * v
    expected = {
        "risk": weight @ (LAM * (theta - aim) ** 2) / 2 + 0.045,
        "distance": weight @ (theta - aim) ** 2,
        "curvature": weight @ (LAM * (u**2 + v**2)),
        "l1": weight @ abs(theta),
        "l2": weight @ theta**2,
    }
    found = {name: float(getattr(curve, name)[0]) for name in expected if hasattr(curve, name)}
    assert {"risk", "distance", "curvature"} <= set(found)
    assert found == pytest.approx({k: expected[k] for k in found})


def test_an_average_starts_where_the_iterate_does() -> None:
    system = sh.derive(sh.least_squares(0.3), sh.Averaged(sh.Constant(0.4), 1))
    names = [n for n in system.outputs if n.endswith(("_risk", "_distance"))]
    found = at_start(sh.least_squares(0.3), sh.Averaged(sh.Constant(0.4), 1), SPECTRUM, sh.Start(2.0, 1.2, 0.6))
    assert len(names) >= 2
    for name in names:
        assert found[name] == pytest.approx(found[name.rpartition("_")[2]])


@pytest.mark.parametrize(
    ("rule", "known"),
    [(sh.Constant(0.1), True), (sh.Schedule(1 / (1 + sh.t)), True), (sh.Drifting(sh.Constant(0.1), 0.2), False)],
    ids=["constant", "schedule", "a target that moves"],
)
def test_a_rate_beyond_which_the_distance_grows_is_told_where_there_is_one(rule: sh.Rule, known: bool) -> None:
    """A target that moves is left behind at every rate, so that no rate is the boundary."""
    assert ("distance_threshold" in sh.derive(sh.least_squares(0.3), rule).outputs) is known
