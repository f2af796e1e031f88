"""Schedules that jump, and that begin infinite: exact pieces, a substitution in time, refusals by name."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp

import symhigh as sh
from symhigh.codegen.target import NUMPY
from symhigh.integration.stepper import EXPLICIT, IMPLICIT
from symhigh.integration.timetable import timetable

ISO, OMEGA = sh.Spectrum.isotropic(), 0.5
TIMES = np.array([0, 0.25, 1, 1.5, 2, 3, 3.7])
t = sh.t
STEPS = {
    "floor": (0.5 / (1 + sp.floor(t)), lambda s: 0.5 / (1 + np.floor(s)), [1, 2, 3]),
    "Mod in a condition": (
        sp.Piecewise((0.8, sp.Mod(t, 1) < 0.5), (0.2, True)), lambda s: 0.8 if s % 1 < 0.5 else 0.2,
        np.arange(0.5, 3.7, 0.5),
    ),
    "Heaviside": (0.3 + 0.4 * sp.Heaviside(t - 1.5), lambda s: 0.3 + 0.4 * np.heaviside(s - 1.5, 0.5), [1.5]),
    "ceiling of frac": (
        0.2 + 0.1 * sp.ceiling(3 * sp.frac(t)), lambda s: 0.2 + 0.1 * np.ceil(3 * (s % 1)), np.arange(1, 12) / 3,
    ),
    "floor of a curve": (
        0.5 * 2 ** (-sp.floor(t**2 / 2)), lambda s: 0.5 * 2.0 ** -np.floor(s * s / 2), np.sqrt(2 * np.arange(1, 7)),
    ),
}  # fmt: skip


def pieces(rate, breaks) -> np.ndarray:  # type: ignore[no-untyped-def]
    """The risk on K = I by its closed form on every interval of constant rate."""
    risks = []
    for end in TIMES:
        D, marks = 1.0, [0.0, *(b for b in breaks if b < end), end]
        for a, b in pairwise(marks):
            g = rate((a + b) / 2)
            floor = g * OMEGA**2 / (2 - g)
            D = floor + (D - floor) * np.exp(-g * (2 - g) * (b - a))
        risks.append((D + OMEGA**2) / 2)
    return np.array(risks)


@pytest.mark.parametrize("stepper", [EXPLICIT, IMPLICIT], ids=lambda s: s.name)
@pytest.mark.parametrize("name", STEPS)
def test_schedules_that_jump_are_exact_pieces(name: str, stepper) -> None:  # type: ignore[no-untyped-def]
    expr, rate, breaks = STEPS[name]
    system = sh.derive(sh.least_squares(OMEGA), sh.Schedule(expr))
    curve = system.solve(ISO, sh.Start(), 3.7, t=TIMES, rtol=1e-9, stepper=stepper, target=NUMPY)
    np.testing.assert_allclose(curve.risk, pieces(rate, breaks), rtol=1e-8)
    np.testing.assert_allclose(curve.learning_rate, [rate(s) for s in TIMES], rtol=1e-12)
    found = timetable(system).breaks(np.array([float(v) for v in system.parameters.values()]), 3.7)
    assert found.size == len(breaks)


def test_a_factor_that_jumps_under_a_rule_with_memory() -> None:
    """AdaGrad-Norm whose rate halves at t = 2, against SciPy stopped and started there."""
    rule = sh.Modulated(sh.AdaGradNorm(1, 1), sp.Piecewise((1, t < 2), (sp.Rational(1, 2), True)))
    curve = sh.derive(sh.least_squares(OMEGA), rule).solve(
        ISO, sh.Start(), 4, t=[1, 2, 3, 4], rtol=1e-9, target=NUMPY
    )

    def rhs(s, y, factor):  # type: ignore[no-untyped-def]
        g = factor / np.sqrt(y[1])
        return [-2 * g * y[0] + g * g * (y[0] + OMEGA**2), y[0] + OMEGA**2]

    y, risks = [1.0, 1.0], []
    for k, factor in enumerate((1, 1, 0.5, 0.5)):
        y = solve_ivp(rhs, (k, k + 1), y, args=(factor,), rtol=1e-11, atol=1e-12).y[:, -1]
        risks.append((y[0] + OMEGA**2) / 2)
    np.testing.assert_allclose(curve.risk, risks, rtol=1e-8)


def test_events_are_seen_across_a_jump() -> None:
    system = sh.derive(sh.least_squares(OMEGA), sh.Schedule(sp.Piecewise((0.8, t < 1), (0.1, True))))
    rate = sp.Symbol("learning_rate")
    curve = system.solve(ISO, sh.Start(), 3, t=[3], events={"cut": rate - 0.5}, target=NUMPY)
    np.testing.assert_allclose(curve.events["cut"], [1.0], atol=1e-9)


@pytest.mark.parametrize(("a", "c"), [(sp.Rational(1, 4), 0.5), (0.3, 0.4), (0.45, 0.2)])
def test_schedules_that_begin_infinite(a, c: float) -> None:  # type: ignore[no-untyped-def]
    """``γ = c t^-a`` by another substitution, ``t = s^40``, and another method."""
    times, p, a_ = np.array([1e-3, 0.1, 1, 5]), 40, float(a)

    def rhs(s, y):  # type: ignore[no-untyped-def]
        return p * (-2 * c * s ** (p - 1 - a_ * p) * y + c * c * s ** (p - 1 - 2 * a_ * p) * (y + OMEGA**2))

    exact = solve_ivp(
        rhs, (0, 5 ** (1 / p)), [1.0], method="DOP853", rtol=1e-12, atol=1e-14, t_eval=times ** (1 / p)
    )
    system = sh.derive(sh.least_squares(OMEGA), sh.Schedule(c / t**a))
    curve = system.solve(ISO, sh.Start(), 5, t=[0, *times], rtol=1e-9, target=NUMPY)
    np.testing.assert_allclose(curve.risk[1:], (exact.y[0] + OMEGA**2) / 2, rtol=2e-9)
    assert curve.learning_rate[0] == np.inf


@pytest.mark.parametrize("expr", [1 / t, t ** sp.Rational(-1, 2), t ** (-0.7)])
def test_starts_whose_noise_is_infinite_are_refused(expr: sp.Expr) -> None:
    system = sh.derive(sh.least_squares(OMEGA), sh.Schedule(expr))
    with pytest.raises(
        ValueError, match=r"Schedule\(expr=.*\): the learning rate grows like t\^-.* a power below 1/2"
    ):
        system.solve(ISO, sh.Start(), 1)


def test_a_schedule_of_too_many_jumps_is_refused() -> None:
    system = sh.derive(sh.least_squares(OMEGA), sh.Schedule(1 / (2 + sp.floor(10**7 * t))))
    with pytest.raises(ValueError, match="jumps 10000000 times"):
        system.solve(ISO, sh.Start(), 1, target=NUMPY)


def test_simulation_reads_the_same_schedules() -> None:
    """Steps of generated code are doubles (2^-1 is no whole number), and an infinite start is read at a step's end."""
    for expr in (STEPS["floor of a curve"][0], 0.5 / t ** sp.Rational(1, 4)):
        rule = sh.Schedule(expr)
        runs = sh.simulate(
            sh.least_squares(OMEGA), rule, ISO, sh.Start(), d=20000, t_end=2.5, seeds=4, t=[1, 2.5]
        )
        curve = sh.derive(sh.least_squares(OMEGA), rule).solve(ISO, sh.Start(), 2.5, t=runs.t, target=NUMPY)
        np.testing.assert_allclose(runs.risk.mean(axis=0), curve.risk, rtol=0.03)


@pytest.mark.parametrize("step", [sp.Heaviside(1 - t), sp.floor(t / 2) + 1, sp.Piecewise((1, t < 1), (2, True))])
def test_fluctuations_of_a_schedule_that_jumps_are_refused_by_name(step):
    system = sh.derive(sh.least_squares(1), sh.Schedule(sp.Rational(1, 5) * step))
    with pytest.raises(ValueError, match=r"fluctuations: the schedule jumps, by .* write the step as a smooth one"):
        system.fluctuations(sh.Spectrum.isotropic(), sh.Start(), 3.0, t=[3.0])


@pytest.mark.parametrize("rule", [sh.Constant(1 / (1 + t)), sh.AdaGradNorm(1 + t, 1), sh.SignSGD(1 + t)])
def test_a_parameter_that_moves_in_time_is_refused(rule):
    with pytest.raises(ValueError, match=r"rule .*: its parameter .* depends on the time t; give a number"):
        sh.derive(sh.least_squares(1), rule)
