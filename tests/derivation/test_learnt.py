"""Scalars that learn: their equations are those derived by hand, under SGD and under rules with memories."""

import itertools
from functools import lru_cache

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp

import symhigh as sh
from tests.derivation.test_several import four, three

a, b = sp.symbols("a b", real=True)
GAMMA, SPEED, OMEGA = 0.5, 2.0, 0.3
START = sh.Overlaps([[0.3, 0.1, 0.2], [0.1, 0.4, -0.1], [0.2, -0.1, 1.0]])


def by_hand(t: float, y: np.ndarray) -> np.ndarray:
    """Two erf units with weights v that learn, one teacher of weight one, K = I: y = (Q11, Q12, Q22, R1, R2, v1, v2).

    With ``δ = v·g(x) - g(x*) - ε``: ``dR_i = -γ v_i E δ g'_i x*``, ``dv_i = -γ s E δ g_i`` and
    ``dQ_ik = -γ E δ (v_i g'_i x_k + v_k g'_k x_i) + γ² v_i v_k E δ² g'_i g'_k``.
    """
    C = np.array([[y[0], y[1], y[3]], [y[1], y[2], y[4]], [y[3], y[4], 1.0]])
    v, w = y[5:], np.array([y[5], y[6], -1.0])
    first = lambda i, k: sum(w[j] * three(C, i, k, j) for j in range(3))  # noqa: E731

    def square(i: int, k: int) -> float:
        signal = sum(w[c] * w[e] * four(C, i, k, c, e) for c, e in itertools.product(range(3), repeat=2))
        return signal + OMEGA**2 * 2 / np.pi / np.sqrt((1 + C[i, i]) * (1 + C[k, k]) - C[i, k] ** 2)

    def output(i: int) -> float:
        pairs = (w[j] * np.arcsin(C[i, j] / np.sqrt((1 + C[i, i]) * (1 + C[j, j]))) for j in range(3))
        return 2 / np.pi * sum(pairs)

    def both(i: int, k: int) -> float:
        pull = v[i] * first(i, k) + v[k] * first(k, i)
        return -GAMMA * pull + GAMMA**2 * v[i] * v[k] * square(i, k)

    aims = [-GAMMA * v[i] * first(i, 2) for i in (0, 1)]
    return np.array([both(0, 0), both(0, 1), both(1, 1), *aims, *(-GAMMA * SPEED * output(i) for i in (0, 1))])


@lru_cache(maxsize=1)
def second_layer() -> sh.MomentSystem:
    problem = sh.committee(2, 1, noise=OMEGA, second_layer=[0.8, 0.5], learns=True, speed=SPEED)
    return sh.derive(problem, sh.Constant(GAMMA))


def test_a_second_layer_follows_the_equations_derived_by_hand() -> None:
    """Goldt et al. (2019), written down and integrated apart from all code here; to nine digits."""
    times = np.linspace(0, 4, 9)
    C = START.values
    y = [C[0, 0], C[0, 1], C[1, 1], C[0, 2], C[1, 2], 0.8, 0.5]
    wanted = solve_ivp(by_hand, (0, 4), y, "DOP853", t_eval=times, rtol=1e-12, atol=1e-13).y
    found = second_layer().solve(sh.Spectrum.isotropic(), START, t_end=4, t=times, rtol=1e-11)
    names = ("overlap_1_1", "overlap_1_2", "overlap_2_2", "overlap_1_3", "overlap_2_3", "a_1", "a_2")
    for name, row in zip(names, wanted, strict=True):
        assert found.outputs[name] == pytest.approx(row, rel=1e-9, abs=1e-9)


def test_a_frozen_second_layer_is_the_limit_of_slow_learning() -> None:
    """As the speed goes to zero the curves come to those of a committee whose second layer is given, linearly."""
    line = sh.Spectrum.isotropic(), START
    frozen = sh.derive(sh.committee(2, 1, noise=OMEGA, second_layer=[0.8, 0.5]), sh.Constant(GAMMA))
    still = frozen.solve(*line, t_end=3, t=[3], rtol=1e-12).risk[0]
    problem = sh.committee(2, 1, noise=OMEGA, second_layer=[0.8, 0.5], learns=True, speed=sp.Symbol("s", positive=True))
    system = sh.derive(problem, sh.Constant(GAMMA))
    ends = [system.bind({"s": s}).solve(*line, t_end=3, t=[3], rtol=1e-12).risk[0] for s in (1e-3, 1e-2)]
    assert abs(ends[0] - still) > 1e-6
    assert (ends[1] - still) / (ends[0] - still) == pytest.approx(10, rel=0.05)


def scale(rule: sh.Rule) -> sh.MomentSystem:
    """``f = (a x - x* - ε)²/2`` with a learning twice as fast, on which all expectations are elementary."""
    return sh.derive(sh.Problem((a * sh.x - sh.x_star - sh.eps) ** 2 / 2, noise=1, learnt={a: sh.Learnt(1, 2)}), rule)


def test_a_linear_second_layer() -> None:
    """``da = -2γ E r x`` with ``E r x = a B11 - B12``."""
    system = scale(sh.Constant(0.3))
    (state,) = system.states
    B11, B12 = sp.symbols("B11 B12")
    plain = {s: sp.Symbol(s.name) for s in system.unfolded(state.rhs).free_symbols}
    speed = next(s for s in plain if s.name == "a_speed")
    rate = next(s for s in plain if s.name == "gamma_0") if any(s.name == "gamma_0" for s in plain) else None
    value = system.unfolded(state.rhs).subs({speed: 2, **({rate: sp.Rational(3, 10)} if rate else {})})
    value = value.xreplace({s: sp.Symbol(s.name) for s in value.free_symbols})
    assert sp.expand(value + 2 * sp.Rational(3, 10) * (sp.Symbol("a") * B11 - B12)) == 0


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        (sh.Momentum(0.4, 1, direct=0.3), ["a", "M_a"]),
        (sh.AdaGrad(0.5, 0.3), ["a", "s_a"]),
        (sh.Adam(0.3, 2, 1, 1), ["a", "M_a", "s_a"]),
        (sh.AdaGradNorm(0.5, 0.5), ["b_k^2", "a"]),
    ],
)
def test_a_scalar_has_what_the_rule_keeps_for_a_coordinate(rule: sh.Rule, names: list[str]) -> None:
    assert [s.name.name for s in scale(rule).states] == names


def test_a_bias_keeps_one_state_a_mode() -> None:
    """``E f'² = Q + (b - 1)² + ω²``, and the bias decays by itself: ``db = -γ (b - 1)``."""
    problem = sh.Problem((sh.x + b - sh.x_star - 1 - sh.eps) ** 2 / 2, noise=1, learnt={b: 0})
    system = sh.derive(problem, sh.Constant(0.4))
    assert [s.name for s in system.family.states] == ["D2"]
    curve = system.solve(sh.Spectrum.isotropic(), sh.Start(), t_end=3, rtol=1e-11)
    assert curve.outputs["b"] == pytest.approx(1 - np.exp(-0.4 * curve.t), abs=1e-10)


def test_a_greedy_rate_counts_what_scalars_gain() -> None:
    """Line search with a bias: the risk falls at ``(τ₂-pull + F_b²)²/(2 κ₂ I)``, more than without it."""
    system = sh.derive(sh.Problem((sh.x + b - sh.x_star - sh.eps) ** 2 / 2, noise=1, learnt={b: 1}), sh.LineSearch())
    curve = system.solve(sh.Spectrum.isotropic(), sh.Start(), t_end=1, t=[0, 1e-4], rtol=1e-11)
    gain, noise = 1.0 + 1.0, 1.0 + 1.0 + 1.0  # E Σ (∂h/∂X)² + (∂h/∂b)², and I, at X = 0, b = 1, ω = 1
    assert curve.learning_rate[0] == pytest.approx(gain / noise, rel=1e-12)
    assert (curve.risk[1] - curve.risk[0]) / 1e-4 == pytest.approx(-(gain**2) / (2 * noise), rel=1e-3)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (sh.ScheduleFree(0.5, 0.9), "takes the gradient elsewhere than at X"),
        (sh.Averaged(sh.Constant(0.5)), "reports other weights than X"),
        (sh.MiniBatch(sh.SignSGD(0.5), 2), "batch"),
    ],
)
def test_rules_that_a_scalar_cannot_follow_are_refused(rule: sh.Rule, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        scale(rule)


def test_names_and_jumps_are_refused() -> None:
    for name in ("risk", "distance"):
        taken = sp.Symbol(name, real=True)
        with pytest.raises(ValueError, match="rename that scalar"):
            sh.derive(sh.Problem((sh.x - taken) ** 2, learnt={taken: 0}), sh.Constant(1))
    M, M_a = sp.symbols("a M_a", real=True)
    with pytest.raises(ValueError, match="called M_a; rename the scalar"):
        sh.derive(sh.Problem((sh.x - M - M_a) ** 2, learnt={M: 0, M_a: 0}), sh.Momentum(0.4, 1))
    with pytest.raises(ValueError, match=r"it jumps as a scalar that learns varies \(b\)"):
        sh.derive(sh.Problem(sh.x**2 + sp.Heaviside(sh.x_star - b), learnt={b: 0}), sh.Constant(1))


def test_what_does_not_hold_scalars_yet_says_so() -> None:
    problem, line = sh.Problem((sh.x - sh.x_star - b) ** 2 / 2, learnt={b: 1}), (sh.Spectrum.isotropic(), sh.Start())
    rule = sh.Constant(0.5)
    system = sh.derive(problem, rule)
    for call in (
        lambda: sh.limits(problem, rule),
        lambda: sh.fixed_points(problem, rule),
        lambda: system.fluctuations(*line, t_end=1),
        lambda: sh.optimal_schedule(problem, *line, t_end=1),
        lambda: sh.renewal_equation(problem, rule, *line),
        lambda: system.solve(*line, t_end=1).excess_risk,
        lambda: sh.exact_mean(problem, rule, *line, d=10, t_end=1),
    ):
        with pytest.raises(ValueError, match=r"learn.*\bb\b|\bb of the loss learns"):
            call()
