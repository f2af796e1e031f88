"""Where algorithms rest and how fast: against curves, formulas by hand, and independent equations to 30 digits."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy.optimize import root

import symhigh as sh
from symhigh.symbols import lam

SGD = sh.Constant(0.6)
TWO, START = sh.Spectrum.from_eigenvalues([1.5, 0.5]), sh.Start()
THREE = sh.Spectrum.from_eigenvalues([1.5, 0.6, 0.3], [0.2, 0.5, 0.3])
g2, g3, friction, omega = sp.symbols("a b f omega", positive=True)


def value(formula: sh.Formula, digits: int = 15, **values: float) -> float:
    return float(formula.evaluate(digits=digits, **values))


RESTING = [
    (sh.Momentum(0.4, 1, 0.3), 150), (sh.Momentum(0.8, 2), 150), (sh.SignSGD(0.5), 150), (sh.RMSprop(0.3, 1, 1), 100),
    (sh.Adam(0.5, 2, 1, 1), 100), (sh.NoisyGradient(SGD, 0.4), 100), (sh.Drifting(SGD, 0.4), 100),
    (sh.WeightDecay(SGD, 0.1), 150), (sh.MiniBatch(sh.Momentum(0.4, 1, 0.3), 4), 150),
    (sh.WeightDecay(sh.Momentum(0.4, 1), 0.1), 150), (sh.NoisyGradient(sh.Adam(0.5, 2, 1, 1), 0.4), 100),
    (sh.ClippedGradient(SGD, 0.3), 200), (sh.ClippedGradient(sh.NoisyGradient(SGD, 0.3), 1), 150),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "late"), RESTING, ids=lambda x: type(x).__name__)
def test_floors_are_where_curves_rest(rule: sh.Rule, late: int) -> None:
    found = sh.limits(sh.least_squares(0.5), rule, THREE, START)
    curve = sh.derive(sh.least_squares(0.5), rule).solve(THREE, START, 4 * late, t=[4 * late], rtol=1e-11)
    assert curve.risk[-1] == pytest.approx(value(found["risk"]), rel=1e-8)
    assert value(found["excess_risk"]) == pytest.approx(curve.risk[-1] - 0.125, rel=1e-7)


@pytest.mark.parametrize(("problem", "rule"), [
    (sh.huber(0.4, 0.5), sh.Momentum(0.8, 2)), (sh.huber(0.4, 0.5), sh.Adam(0.5, 2, 1, 1)),
    (sh.huber(0.4, 0.5), sh.SignSGD(0.5)), (sh.quantile(0.5, 0.5), sh.RMSprop(0.3, 1, 1)),
    (sh.huber(0.4, 0.5), sh.NoisyGradient(SGD, 0.3)),
], ids=lambda x: type(x).__name__)  # fmt: skip
def test_floors_under_other_losses_of_the_residual(problem: sh.Problem, rule: sh.Rule) -> None:
    found = sh.limits(problem, rule, TWO, START)
    curve = sh.derive(problem, rule).solve(TWO, START, 300, t=[300], rtol=1e-11)
    assert curve.risk[-1] == pytest.approx(value(found["risk"]), rel=1e-8)


def test_the_share_of_a_mode_and_the_heavy_ball_by_hand() -> None:
    """λD²/P = λ(δγ₂ + γ₂²λ + γ₃)/(2(δ + γ₂λ)); the heavy ball's Φ, floor and threshold are SGD's at γ₃/δ."""
    problem = sh.least_squares(omega)
    found = sh.limits(problem, sh.Momentum(g3, friction, g2))
    hand = lam * (friction * g2 + g2**2 * lam + g3) / (2 * (friction + g2 * lam))
    assert sp.simplify(found["share"].expr - hand) == 0
    ball, sgd = sh.limits(problem, sh.Momentum(g3, friction)), sh.limits(problem, sh.Constant(g3 / friction))
    for name in ("risk", "excess_risk"):
        assert sp.simplify(ball[name].expr - sgd[name].expr) == 0
    assert sp.simplify(ball["threshold"].expr - friction * sgd["threshold"].expr) == 0
    with pytest.raises(ValueError, match="is broken"):  # Φ ≥ 1: there is no floor
        sh.limits(problem, sh.Momentum(4, 1), TWO)["risk"].evaluate(omega=1)


def test_the_threshold_of_momentum_parts_curves_that_decay_from_curves_that_grow() -> None:
    rule, problem = sh.Momentum(g3, 1, 0.3), sh.least_squares()
    critical = value(sh.limits(problem, sh.Momentum(1, 1, 0.3), THREE)["threshold"])
    for factor in (0.97, 1.03):
        curve = sh.derive(problem, rule).bind({g3: factor * critical}).solve(THREE, START, 300, t=[200, 300])
        assert (curve.risk[1] < curve.risk[0]) == (factor < 1)


def laplace(A: np.ndarray, b: np.ndarray, w: np.ndarray, eigenvalue: float, rho: mpmath.mpf) -> mpmath.mpf:
    """``λ² ∫ (w·e^{At}b)² e^{ρt} dt`` from the eigenvectors of A, at the working precision."""
    values, vectors = mpmath.eig(mpmath.matrix(A))
    parts = mpmath.lu_solve(vectors, mpmath.matrix(b))
    c = [sum(w[i] * vectors[i, k] for i in range(2)) * parts[k] for k in range(2)]
    terms = (c[j] * c[k] / (-rho - values[j] - values[k]) for j in range(2) for k in range(2))
    return mpmath.mpf(eigenvalue) ** 2 * mpmath.re(mpmath.fsum(terms))


@pytest.mark.parametrize(("gamma", "delta", "direct"), [("2/5", 1, "3/10"), ("4/5", 2, 0), ("1/5", "1/2", "1/10")])
def test_rate_and_floor_to_30_digits(gamma: str, delta: str, direct: str) -> None:
    """The renewal kernel by eigenvectors, summed over the spectrum: 1 at the rate, Φ at ρ = 0."""
    gamma, delta, direct = (sp.Rational(x) for x in (gamma, delta, direct))
    atoms = [(sp.Rational(3, 2), sp.Rational(1, 5)), (sp.Rational(3, 5), sp.Rational(4, 5))]
    spectrum = sh.Spectrum.from_eigenvalues([a for a, _ in atoms], [w for _, w in atoms])
    found = sh.limits(sh.least_squares(1), sh.Momentum(gamma, delta, direct), spectrum)
    with mpmath.workdps(40):
        def kernel(rho: mpmath.mpf) -> mpmath.mpf:
            total = mpmath.mpf(0)
            for size, weight in atoms:
                A = [[-direct * size, -gamma], [size, -delta]]
                A = [[mpmath.mpf(e.p) / e.q for e in map(sp.Rational, row)] for row in A]
                b = [-mpmath.mpf(direct.p) / direct.q, mpmath.mpf(1)]
                size = mpmath.mpf(size.p) / size.q
                total += mpmath.mpf(weight.p) / weight.q * laplace(A, b, [1, 0], size, rho)
            return total

        assert abs(kernel(found["rate"].evaluate(digits=35)) - 1) < mpmath.mpf(10) ** -30
        total = kernel(mpmath.mpf(0))
        assert abs(found["total_share"].evaluate(digits=35) - total) < mpmath.mpf(10) ** -30
        assert abs(found["risk"].evaluate(digits=35) - 1 / (2 * (1 - total))) < mpmath.mpf(10) ** -30


def test_the_rate_of_momentum_on_many_modes() -> None:
    """Too many for a polynomial: the renewal kernel by eigenvectors is one at the rate, which lies below one."""
    gamma, delta, direct = sp.Rational(2, 5), 1, sp.Rational(3, 10)
    sizes = [sp.Rational(1, 2) + sp.Rational(k, 12) for k in range(12)]
    spectrum = sh.Spectrum.from_eigenvalues(sizes)
    rate = sh.limits(sh.least_squares(1), sh.Momentum(gamma, delta, direct), spectrum)["rate"].evaluate(digits=20)
    with mpmath.workdps(30):
        total, first = mpmath.mpf(0), mpmath.mpf(direct.p) / direct.q
        for size in (mpmath.mpf(s.p) / s.q for s in sizes):
            A = [[-first * size, -mpmath.mpf(gamma.p) / gamma.q], [size, -mpmath.mpf(delta)]]
            total += laplace(A, [-first, mpmath.mpf(1)], [1, 0], size, rate) / 12
    assert abs(total - 1) < 1e-18
    assert 0 < rate < 1


@pytest.mark.parametrize(("rule", "noise"), [
    (sh.Momentum(0.4, 1, 0.3), 0), (sh.Momentum(0.8, 2), 0.5), (sh.SignSGD(0.5), 0.5),
    (sh.RMSprop(0.3, 0.05, 1), 0.5), (sh.Drifting(sh.Momentum(0.4, 1, 0.3), 0.4), 0.5),
], ids=lambda x: type(x).__name__ if isinstance(x, sh.Rule) else "")  # fmt: skip
def test_rates_are_measured_on_curves(rule: sh.Rule, noise: float) -> None:
    found = sh.limits(sh.least_squares(noise), rule, TWO, START)
    speed, floor = value(found["rate"]), found["risk"].evaluate(digits=20)
    times = np.array([12, 16]) / speed
    curve = sh.derive(sh.least_squares(noise), rule).solve(TWO, START, times[-1], t=times, rtol=1e-13, atol=1e-25)
    gap = [abs(float(mpmath.mpf(float(r)) - floor)) for r in curve.risk]
    assert np.log(gap[0] / gap[1]) / (times[1] - times[0]) == pytest.approx(speed, rel=2e-3)


def adam_by_hand(y: np.ndarray, gamma: float, delta: float, alpha: float, noise: float) -> np.ndarray:
    """D², χ, ξ and s of the two modes of TWO under Adam on least squares."""
    sizes, (D, chi, xi, s) = np.array([1.5, 0.5]), y.reshape(4, 2)
    level, pace = (sizes @ D) / 2 + noise**2, gamma / np.sqrt(s)
    return np.concatenate([
        -2 * pace * chi, -delta * chi - pace * xi + delta * sizes * D,
        -2 * delta * xi + 2 * delta * sizes * chi + delta**2 * sizes * level, alpha * (sizes * level - s),
    ])  # fmt: skip


@pytest.mark.parametrize(("gamma", "delta", "alpha", "noise"), [(0.5, 2, 1, 0.5), (0.5, 0.7, 3, 0.0)])
def test_the_approach_of_adam_is_the_slowest_eigenvalue(gamma: float, delta: float, alpha: float, noise: float) -> None:
    """All modes together, linearised by differences at the rest of equations written by hand."""
    found = sh.limits(sh.least_squares(noise), sh.Adam(gamma, delta, alpha, 1), TWO, START)
    first = np.array([0.3, 0.3, 0, 0, 0.3, 0.3, 0.3, 0.3])
    rest = root(adam_by_hand, first, (gamma, delta, alpha, noise), tol=1e-14).x
    steps = 1e-6 * np.eye(8)
    moved = [adam_by_hand(rest + h, gamma, delta, alpha, noise) - adam_by_hand(rest - h, gamma, delta, alpha, noise)
             for h in steps]  # fmt: skip
    rates = -np.linalg.eigvals(np.array(moved).T / 2e-6)
    seen = rates[np.abs(rates - alpha) > 1e-4]  # cells whose sum sees nothing forget at alpha
    slowest = seen[np.argmin(seen.real)]
    assert value(found["risk"]) == pytest.approx((np.array([1.5, 0.5]) @ rest[:2] / 2 + noise**2) / 2, rel=1e-9)
    assert value(found["rate"]) == pytest.approx(slowest.real, rel=1e-6)
    assert value(found["frequency"]) == pytest.approx(abs(slowest.imag), rel=1e-6)


def test_sign_descent_rmsprop_and_adam_by_hand() -> None:
    """√P = q + √(q² + ω²): q = γπ avg √λ/8 of signs, γ avg √λ/4 of RMSprop and of Adam, whatever they forget by."""
    mean = float(np.array([0.2, 0.5, 0.3]) @ np.sqrt([1.5, 0.6, 0.3]))
    for rule, q in (
        (sh.SignSGD(0.4), 0.4 * np.pi * mean / 8), (sh.RMSprop(0.4, 3, 1), 0.1 * mean),
        (sh.Adam(0.4, 2, 1, 1), 0.1 * mean), (sh.Adam(0.4, 0.7, 5, 3), 0.1 * mean),
    ):  # fmt: skip
        found = sh.limits(sh.least_squares(0.5), rule, THREE)
        assert value(found["risk"]) == pytest.approx((q + np.sqrt(q**2 + 0.25)) ** 2 / 2, rel=1e-13)


@pytest.mark.parametrize(("rule", "name", "constant"), [
    (sh.Averaged(SGD), "average", None), (sh.Averaged(sh.Momentum(0.4, 1, 0.3)), "average", None),
    (sh.ScheduleFree(0.8, 0.9), "", 1 - 0.9**2), (sh.ScheduleFree(0.5, 0.5), "", 1 - 0.5**2),
], ids=lambda x: type(x).__name__ if isinstance(x, sh.Rule) else "")  # fmt: skip
def test_the_risk_of_averages_from_the_start(rule: sh.Rule, name: str, constant: float | None) -> None:
    """Excess P∞/(2t) of the plain average, P∞/(2(1 - β²)t) of schedule-free SGD, where P∞ is its gradients'."""
    found = sh.limits(sh.least_squares(0.5), rule, TWO, START)
    head = f"{name}_" if name else ""
    times = np.array([300.0, 600.0])
    curve = sh.derive(sh.least_squares(0.5), rule).solve(TWO, START, 600, t=times, rtol=1e-10)
    late = [value(found[f"{head}excess_risk_asymptotic"], t=t) for t in times]
    gaps = curve.outputs[f"{head}risk"] - 0.125 - late
    assert np.abs(gaps / late).max() < 0.05
    assert gaps[0] / gaps[1] == pytest.approx(4, rel=0.05), "what is left is of the order 1/t²"
    if constant is None:
        level = 2 * value(found["risk"])
    else:
        level, constant = 0.25 / (1 - (1 - rule.beta) * rule.gamma / 2), float(constant)
    assert late[0] == pytest.approx(float(level) / (2 * (constant or 1) * times[0]), rel=1e-10)


def test_the_risk_of_exponential_averages() -> None:
    """½ avg λ·γP κ/(2(κ + γλ)) of Ā for ``Ā' = κ(X - Ā)``: the stationary covariance with the iterate, by hand."""
    found = sh.limits(sh.least_squares(0.5), sh.Averaged(SGD, 0.5), TWO, START)
    level = 2 * value(found["risk"])
    hand = sum(v * 0.6 * level * 0.5 / (2 * (0.5 + 0.6 * v)) for v in (1.5, 0.5)) / 4
    assert value(found["average_excess_risk"]) == pytest.approx(hand, rel=1e-12)
    curve = sh.derive(sh.least_squares(0.5), sh.Averaged(SGD, 0.5)).solve(TWO, START, 200, t=[200], rtol=1e-11)
    assert curve.outputs["average_risk"][-1] == pytest.approx(value(found["average_risk"]), rel=1e-9)


@pytest.mark.parametrize(("problem", "least"), [(sh.least_squares(0.5), 0.125), (sh.huber(0.4, 0.5), None)],
                         ids=["square", "huber"])  # fmt: skip
def test_adagrad_with_noise(problem: sh.Problem, least: float | None) -> None:
    """ηω avg √λ/(4√t) for least squares, by hand; Huber's against its curve."""
    found = sh.limits(problem, sh.AdaGrad(0.6, 0.3), TWO, START)
    times = np.array([1e4, 4e4])
    curve = sh.derive(problem, sh.AdaGrad(0.6, 0.3)).solve(TWO, START, 4e4, t=times, rtol=1e-10)
    late = [value(found["excess_risk_asymptotic"], t=t) for t in times]
    assert curve.risk - value(found["risk"]) == pytest.approx(late, rel=0.02)
    if least is not None:
        mean = (np.sqrt(1.5) + np.sqrt(0.5)) / 2
        assert late[0] == pytest.approx(0.6 * 0.5 * mean / (4 * 100), rel=1e-12)
    anywhere = sh.limits(problem, sh.AdaGrad(0.6, 0.3))["excess_risk_asymptotic"].expr
    assert not sp.simplify(anywhere * sp.sqrt(sh.t)).has(sh.t)  # the average over an open spectrum has none either
    with pytest.raises(ValueError, match="without label noise its cells s stop"):
        sh.limits(sh.least_squares(), sh.AdaGrad(0.6, 0.3), TWO, START)


@pytest.mark.parametrize(("problem", "rule", "message"), [
    (sh.least_squares(0.5), sh.Momentum(sh.AdaGradNorm(1, 1), 1), "its memory b_k.2 moves"),
    (sh.least_squares(0.5), sh.WeightDecay(sh.Drifting(SGD, 0.3), 0.1), "wanders away"),
    (sh.logistic_regression(), sh.Momentum(0.8, 2), "sees more than the residual"),
    (sh.huber(0.4, 0.5), sh.Momentum(0.8, 2, 0.3), "has not one level for sure"),
    (sh.huber(0.4), sh.Momentum(0.8, 2), "may rest at the target or away from it"),
], ids=lambda x: type(x).__name__ if not isinstance(x, str) else "")  # fmt: skip
def test_what_has_no_closed_form_says_why(problem: sh.Problem, rule: sh.Rule, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sh.limits(problem, rule, TWO, START)


def test_a_rest_that_depends_on_the_target_asks_for_it() -> None:
    with pytest.raises(ValueError, match="needs start="):
        sh.limits(sh.least_squares(0.5), sh.WeightDecay(SGD, 0.1), TWO)


def test_an_open_spectrum_stays_open() -> None:
    found = sh.limits(sh.least_squares(omega), sh.Momentum(g3, friction))
    at = {"omega": 0.4, "b": 0.3, "f": 0.7, "tau": 0.9}
    assert value(found["risk"], **at) == pytest.approx(0.4**2 / (2 * (1 - 0.9 * 0.3 / 1.4)), rel=1e-12)


def test_pieces_without_noise_have_their_limits_at_the_target() -> None:
    """The risk of Huber's loss has no value at Q = 0 by substitution; its limit there is 0."""
    start = sh.Start(1.0, 1, 0.2)
    found = sh.limits(sh.huber(0.5), sh.SignSGD(0.3), sh.Spectrum.isotropic(), start)
    curve = sh.derive(sh.huber(0.5), sh.SignSGD(0.3)).solve(sh.Spectrum.isotropic(), start, 60, t=[60])
    assert float(found["risk"].evaluate()) == pytest.approx(curve.risk[0], rel=1e-6)
    assert float(found["excess_risk"].evaluate()) == pytest.approx(curve.risk[0], rel=1e-6)


def test_numbers_of_three_hundred_digits_come_back() -> None:
    noise = sp.Symbol("n", positive=True)
    for threshold in (1e308, 1e-300):
        found = sh.limits(sh.huber(threshold, noise), sh.SignSGD(sp.Symbol("g", positive=True)))
        assert found["risk"].expr.has(noise)
