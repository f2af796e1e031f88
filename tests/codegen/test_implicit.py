"""The implicit stepper: its Jacobian, its linear algebra, its curves."""

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp

import symhigh as sh
from symhigh.codegen.inverse import components, inverse
from symhigh.codegen.jacobian import jacobian
from symhigh.codegen.kernels import implicit_kernels
from symhigh.codegen.target import NUMPY
from symhigh.integration.modes import population_of, starting_modes
from symhigh.integration.schedules import parameter_values
from symhigh.integration.stepper import EXPLICIT, IMPLICIT
from tests.scenarios import SCENARIOS


# --- the linear algebra ------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", SCENARIOS)
def test_linear_systems_against_a_dense_jacobian_by_differences(name):
    s = SCENARIOS[name]
    system = sh.derive(s.problem, s.rule)
    spectrum = sh.Spectrum.from_eigenvalues([1.3, 0.7, 0.2], [0.5, 0.2, 0.3])
    kernels = implicit_kernels(system, NUMPY)
    par = parameter_values("test", system)
    coef, states, _ = starting_modes(system, population_of(system, spectrum, sh.Start(0.5, 1.0, 0.3)))
    w, const = spectrum.weights.copy(), np.zeros(len(system.reductions))
    kernels.prepare(par, coef, w, const)
    memory = np.zeros(len(system.states))
    kernels.begin(par, const, memory)
    rng = np.random.default_rng(5)
    y = np.concatenate([(states * rng.uniform(0.8, 1.2, states.shape)).ravel(), memory])
    now, sigma = 0.3, 1.7

    def f(y, t=now):
        out = np.zeros_like(y)
        kernels.rhs(t, y, out, par, coef, w, const)
        return out

    step = 1e-5
    J = np.array([(f(y + step * e) - f(y - step * e)) / (2 * step) for e in np.eye(y.size)]).T
    n = len(jacobian(system).coupling)
    slope, A, z = np.zeros(99), np.zeros((n, n)), np.zeros(n)
    kernels.linearise(now, y, slope, par, coef, w, const)
    kernels.factor(sigma, y, slope, A, par, coef, w, const)
    right, found = rng.standard_normal(y.size), np.zeros(y.size)
    kernels.solve(sigma, y, right, found, slope, A, z, par, coef, w, const)
    np.testing.assert_allclose(
        found, np.linalg.solve(sigma * np.eye(y.size) - J, right), rtol=1e-7, atol=1e-8
    )
    drift = np.zeros(y.size)
    kernels.drift(y, drift, slope, par, coef, w, const)
    np.testing.assert_allclose(
        drift, (f(y, now + step) - f(y, now - step)) / (2 * step), rtol=1e-7, atol=1e-8
    )


# --- curves ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "name", ["least squares, AdaGrad-Norm", "Huber, schedule", "phase retrieval, constant"]
)
def test_both_steppers_draw_the_same_curve(name):
    s = SCENARIOS[name]
    system = sh.derive(s.problem, s.rule)
    explicit = system.solve(s.spectrum, s.start, s.t_end, rtol=1e-11, stepper=EXPLICIT, target=NUMPY)
    for rtol in (1e-5, 1e-8):
        implicit = system.solve(s.spectrum, s.start, s.t_end, rtol=rtol, stepper=IMPLICIT, target=NUMPY)
        np.testing.assert_allclose(implicit.risk, explicit.risk, rtol=3 * rtol)
        np.testing.assert_allclose(implicit.learning_rate, explicit.learning_rate, rtol=3 * rtol)


def test_power_law_over_seven_decades_against_bdf():
    """Least squares, AdaGrad-Norm, 60 modes, to t = 10^7: a stiff system; SciPy's BDF is the second route."""
    lam = (np.arange(1, 61) / 61) ** 1.25
    energy = lam**-1.2
    X_star = np.sqrt(energy / lam.size)
    spectrum, start = sh.Spectrum.from_eigenvalues(lam), sh.Start.from_vectors(np.zeros(60), X_star)
    times = np.geomspace(0.1, 1e7, 60)
    system = sh.derive(sh.least_squares(0.01), sh.AdaGradNorm(1, 1))
    curve = system.solve(spectrum, start, 1e7, t=times, rtol=1e-7)
    assert curve.statistics["steps"] < 1500

    def rhs(t, y):
        rate, noise = y[-1] ** -0.5, np.mean(lam * y[:-1]) + 1e-4
        return np.append(-2 * rate * lam * y[:-1] + rate**2 * lam * noise, lam.mean() * noise)

    found = solve_ivp(
        rhs, (0, 1e7), np.append(energy, 1.0), method="BDF", rtol=1e-9, atol=1e-14, t_eval=times
    )
    np.testing.assert_allclose(curve.risk, (lam @ found.y[:-1] / lam.size + 1e-4) / 2, rtol=1e-6)
    np.testing.assert_allclose(curve.learning_rate, found.y[-1] ** -0.5, rtol=1e-6)


@pytest.mark.parametrize("stepper", [EXPLICIT, IMPLICIT], ids=lambda stepper: stepper.name)
@pytest.mark.parametrize("case", ["far apart eigenvalues", "phase retrieval", "Polyak, no noise"])
def test_signs_of_the_states_and_cauchy_schwarz_are_kept(case, stepper):
    """Between steps too: V11 >= 0 from the moment it leaves zero, and V12² <= V11 V22 where X closes in on X*."""
    problem, rule, values, start, end = {
        "far apart eigenvalues": (sh.least_squares(0.5), sh.Constant(0.5), [1.0, 1e-3], sh.Start(), 1e2),
        "phase retrieval": (sh.phase_retrieval(), sh.Constant(0.1), [1.0], sh.Start(0.5, 1, 0.4), 30.0),
        "Polyak, no noise": (sh.least_squares(), sh.Polyak(), [1.0, 0.25], sh.Start(0.5, 1, 0.3), 60.0),
    }[case]
    system = sh.derive(problem, rule, reduce=False)
    spectrum = sh.Spectrum.from_eigenvalues(values)
    times = np.geomspace(1e-3, end, 80)
    curve = system.solve(spectrum, start, end, t=times, rtol=1e-6, stepper=stepper, target=NUMPY)
    assert curve.complete
    assert (curve.norm >= 0).all()
    assert (curve.overlap**2 <= curve.norm * (1 + 1e-6)).all()


@pytest.mark.parametrize("seed", range(8))
def test_the_inverse_of_a_block_is_written_for_every_pattern(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 6))
    pattern = rng.random((n, n)) < (0.15, 0.3, 0.5)[seed % 3]
    D = sp.Matrix(n, n, lambda i, j: sp.Symbol(f"D_{i}_{j}") if pattern[i, j] else 0)
    values = np.where(pattern, rng.standard_normal((n, n)), 0.0)
    blocks = components(D)
    assert sorted(k for block in blocks for k in block) == list(range(n))
    seen = np.linalg.matrix_power(np.eye(n) + pattern, n) > 0
    assert {tuple(np.flatnonzero(seen[i] & seen[:, i]).tolist()) for i in range(n)} == {tuple(b) for b in blocks}
    place = {k: a for a, block in enumerate(blocks) for k in block}
    assert all(place[j] <= place[i] for i in range(n) for j in range(n) if pattern[i, j])
    sigma = sp.Symbol("sigma", positive=True)
    E, assigned = inverse(D, sigma)
    known = {sigma: 7.3, **{D[i, j]: values[i, j] for i in range(n) for j in range(n) if pattern[i, j]}}
    for symbol, e in assigned:  # in order, each in terms of those before
        known[symbol] = float(e.xreplace(known))
    found = np.array(E.xreplace(known).tolist(), dtype=float)
    np.testing.assert_allclose(found, np.linalg.inv(7.3 * np.eye(n) - values), rtol=1e-12, atol=1e-14)
