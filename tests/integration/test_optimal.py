"""Best schedules: a closed form, values derived elsewhere, Pontryagin's equations by hand, a direct transcription."""

import numpy as np
import pytest
from scipy.integrate import solve_bvp
from scipy.optimize import minimize
from scipy.special import lambertw

import symhigh as sh

ISOTROPIC = sh.Spectrum.isotropic()
HALVES = sh.Spectrum.from_eigenvalues([1, 0.1])


def test_the_isotropic_schedule_is_lamberts():
    """ρ = ω²/W(u e^{u+t}), u = ω²/ρ(0), and γ = 1/(1 + W): greedy is optimal where one mode is all there is."""
    times = np.array([0.0, 1, 2, 5, 10])
    found = sh.optimal_schedule(sh.least_squares(0.5), ISOTROPIC, sh.Start(), 10, t=times)
    W = lambertw(0.25 * np.exp(0.25 + times)).real
    np.testing.assert_allclose(found.learning_rate, 1 / (1 + W), rtol=1e-8)
    np.testing.assert_allclose(2 * found.risk - 0.25, 0.25 / W, rtol=1e-8)
    np.testing.assert_allclose(0.25 / W[1:], [0.48151897, 0.26794512, 0.08849101, 0.03608484], atol=5e-9)


@pytest.mark.parametrize(
    ("noise", "end", "excess"),
    [
        (0.0, 20, 1.8310e-5),
        pytest.param(0.5, 20, 0.0109324, marks=pytest.mark.slow),
        (0.5, 100, 0.00208001),
    ],
)
def test_final_risks_derived_elsewhere(noise, end, excess):
    found = sh.optimal_schedule(sh.least_squares(noise), HALVES, sh.Start(), end, t=[0, end / 4, end / 2, end])
    assert found.risk[-1] - noise**2 / 2 == pytest.approx(excess, rel=5e-5)
    assert found.value == found.risk[-1]
    assert found.learning_rate[0] == pytest.approx(1 / (0.55 + noise**2), rel=1e-7)  # D² equal in all modes
    if not noise:  # the turnpike: most of the time at the best constant rate
        np.testing.assert_allclose(found.learning_rate[1:3], [2.64238524, sh.best_rate(HALVES).rate], atol=5e-8)


def by_hand(lam, w, noise, end):
    """Pontryagin's boundary value problem of least squares, by collocation; γ as a function of time."""
    n = lam.size

    def rate(y):
        rho, p = y[:n], y[n:]
        P = lam @ rho + noise**2
        return (p * (lam * w)[:, None]).T, P, ((lam[:, None] * rho * p).sum(0) / (P * ((lam * w) @ p)))

    def rhs(t, y):
        _, P, g = rate(y)
        rho, p = y[:n], y[n:]
        up = -2 * g * lam[:, None] * rho + g**2 * (lam * w)[:, None] * P
        down = 2 * g * lam[:, None] * p - g**2 * lam[:, None] * ((lam * w) @ p)
        return np.vstack([up, down])

    def ends(a, b):
        return np.concatenate([a[:n] - w, b[n:] - lam / 2])

    t = np.linspace(0, end, 200)
    guess = np.vstack([np.outer(w, np.exp(-0.2 * t)), np.outer(lam / 2, np.ones(t.size))])
    found = solve_bvp(rhs, ends, t, guess, tol=1e-8, max_nodes=100000)
    assert found.success
    return lambda at: rate(found.sol(at))[2]


def test_pontryagins_equations_by_hand():
    lam, w = np.array([1.3, 0.6, 0.2]), np.array([0.2, 0.5, 0.3])
    times = np.linspace(0, 8, 9)
    found = sh.optimal_schedule(
        sh.least_squares(0.5), sh.Spectrum.from_eigenvalues(lam, w), sh.Start(), 8, t=times
    )
    np.testing.assert_allclose(found.learning_rate, by_hand(lam, w, 0.5, 8)(times), rtol=2e-6)


@pytest.mark.parametrize("objective", ["final", "integrated"])
def test_a_direct_transcription_finds_no_better_schedule(objective):
    """Rates constant in 16 pieces, optimised by BFGS on curves of the limit: above the optimum by the pieces alone."""
    rng = np.random.default_rng(5)
    lam, noise, end = rng.uniform(0.2, 1.5, 4), 0.4, 4.0
    spectrum = sh.Spectrum.from_eigenvalues(lam)
    found = sh.optimal_schedule(sh.least_squares(noise), spectrum, sh.Start(), end, objective)
    pieces, inside = 16, 8
    h = end / (pieces * inside)

    def costs(rates):
        """Of several schedules (B, pieces) at once."""
        rho, total = np.full((len(rates), 4), 0.25), 0.0
        for g in np.repeat(rates, inside, axis=1).T[:, :, None]:

            def f(r, g=g):
                return -2 * g * lam * r + g**2 * lam / 4 * (r @ lam + noise**2)[:, None]

            one = f(rho)
            two = f(rho + h / 2 * one)
            three = f(rho + h / 2 * two)
            new = rho + h / 6 * (one + 2 * two + 2 * three + f(rho + h * three))
            total += h / 6 * (rho + 4 * (rho + h / 2 * two) + new) @ lam / 2 + h * noise**2 / 2
            rho = new
        return (rho @ lam + noise**2) / 2 if objective == "final" else total

    def with_slope(rates):
        step = 1e-6 * np.eye(pieces)
        both = costs(np.vstack([rates + step, rates - step]))
        return costs(rates[None])[0], (both[:pieces] - both[pieces:]) / 2e-6

    best = minimize(with_slope, np.full(pieces, 0.5), jac=True, method="BFGS").fun
    assert found.value < best * (1 + 1e-5)
    assert best < found.value * (1 + 5e-3)


def test_bounds_are_kept():
    found = sh.optimal_schedule(sh.least_squares(0.5), HALVES, sh.Start(), 10, most=0.9, least=0.2)
    assert found.learning_rate.max() == pytest.approx(0.9)
    assert found.learning_rate.min() >= 0.2 - 1e-12
    free = sh.optimal_schedule(sh.least_squares(0.5), HALVES, sh.Start(), 10)
    assert found.value > free.value


def test_other_losses_are_better_than_their_best_constant_rate():
    problem, start = sh.phase_retrieval(), sh.Start(0.5, 1, 0.3)
    found = sh.optimal_schedule(problem, ISOTROPIC, start, 6)
    constant = [
        sh.derive(problem, sh.Constant(g)).solve(ISOTROPIC, start, 6, t=[6]).risk[0] for g in np.linspace(0.12, 0.28, 9)
    ]
    assert found.value < min(constant)


def test_wrong_arguments_are_named():
    for arguments, name in (({"objective": "last"}, "objective"), ({"t_end": 5e-324}, "t_end"), ({"most": -1}, "most")):
        with pytest.raises(ValueError, match=name):
            sh.optimal_schedule(*(sh.least_squares(0), ISOTROPIC, sh.Start()), **{"t_end": 1, **arguments})
    with pytest.raises(TypeError, match="problem must be a"):
        sh.optimal_schedule(1, ISOTROPIC, sh.Start(), 1)
    with pytest.raises(TypeError, match="start must be a Start"):
        sh.optimal_schedule(sh.least_squares(0), ISOTROPIC, 1, 1)


def test_an_interval_that_the_grid_does_not_resolve_is_refused():
    wide = sh.Spectrum.from_eigenvalues([20, 1, 0.05], [0.02, 0.4, 0.58])
    with pytest.raises(ValueError, match=r"t_end=2000\): the schedule is sought at 401 times.* t_end up to about"):
        sh.optimal_schedule(sh.least_squares(0.5), wide, sh.Start(), 2000)
    found = sh.optimal_schedule(sh.least_squares(0.5), wide, sh.Start(), 20)
    assert found.residual < 1e-8
