"""The steps by which modes at rest are read and closed, on inputs made by hand, and the refusals of each."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed import rest, resting, several
from symhigh.closed.finder import DoesNotApply, Question
from symhigh.closed.modes import Modes, read_modes
from symhigh.closed.nodes import Root
from symhigh.closed.plateau import _bracketed, _closed_roots
from symhigh.closed.resting import LEVEL, NOISE, SLOPE
from symhigh.symbols import (
    B11,
    B12,
    B22,
    V22,
    c1,
    c2,
    error_square,
    gamma,
    gradient_noise,
    inverse_time,
    lam,
    t,
)

M = sp.ImmutableMatrix
R = sp.Rational
u, v, target, cell = sp.symbols("u v target cell", real=True)
a, b = sp.symbols("a b", positive=True)


# --- second moments -----------------------------------------------------------------------------------------
def test_moments_solve_their_lyapunov_equation() -> None:
    assert resting._moments((M([[-2]]),), (M([[3]]),)) == [sp.Matrix([[R(3, 4)]])]
    A, N = M([[-1, 2], [-3, -4]]), M([[1, R(1, 2)], [R(1, 2), 2]])
    (S,) = resting._moments((A,), (N,))
    assert S == S.T
    assert sp.zeros(2) == A * S + S * A.T + N


def test_moments_in_powers_of_time() -> None:
    """``S = Σ t^{-k} S_k`` with ``S' = A S + S A^T + N``, order by order, by hand for one vector."""
    found = resting._moments((M([[-1]]), M([[R(1, 2)]])), (M([[2]]), M([[3]])))
    assert [s[0] for s in found] == [1, 2, 2]
    A, N = (M([[-1, 2], [-3, -4]]), M([[1, 0], [2, -1]])), (M([[1, R(1, 2)], [R(1, 2), 2]]), M([[0, 1], [1, 3]]))
    S = resting._moments(A, N)
    assert len(S) == resting.LAST + 1 == 3
    assert A[0] * S[0] + S[0] * A[0].T + N[0] == sp.zeros(2)
    first = A[0] * S[1] + S[1] * A[0].T + A[1] * S[0] + S[0] * A[1].T + N[1]
    second = A[0] * S[2] + S[2] * A[0].T + A[1] * S[1] + S[1] * A[1].T + S[1]
    assert first.applyfunc(sp.expand) == second.applyfunc(sp.expand) == sp.zeros(2)


def test_moments_that_do_not_rest() -> None:
    with pytest.raises(DoesNotApply, match="do not come to rest"):
        resting._moments((M([[0]]),), (M([[1]]),))


# --- reading a drift ----------------------------------------------------------------------------------------
def test_a_linear_drift_and_where_it_leads() -> None:
    A, toward = resting._linear([-2 * u + v + 3 * target, u - 4 * v - target], (u, v), target, set())
    assert (A, toward) == (sp.Matrix([[-2, 1], [1, -4]]), sp.Matrix([3, -1]))
    assert resting._shift(A, toward) == (R(11, 7), R(1, 7))
    for drift, words in (
        ([u**2], "not linear in the vectors"),
        ([u * target], "not linear in the vectors"),
        ([-u + target**2], "not linear in the vectors"),
        ([-u + b], "its modes see b, which depends on the start"),
    ):
        with pytest.raises(DoesNotApply, match=words):
            resting._linear(drift, (u,), target, {b})
    with pytest.raises(DoesNotApply, match="no place to rest"):
        resting._shift(sp.Matrix([[0]]), sp.Matrix([1]))


def test_orders_in_time() -> None:
    assert resting._orders(sp.Matrix([[a]])) == (M([[a]]),)
    assert resting._orders(sp.Matrix([[a + b / t**2, 3 / t], [0, 5]])) == (
        M([[a, 0], [0, 5]]), M([[0, 3], [0, 0]]), M([[b, 0], [0, 0]]),
    )  # fmt: skip
    with pytest.raises(DoesNotApply, match="another way than through averages"):
        resting._orders(sp.Matrix([[sp.exp(-t)]]))
    assert [resting._growth(e) for e in (a, a * t, a * t**2, t**5 + t, sp.sqrt(t), sp.S.Zero)] == [0, 0, 1, 2, 0, 0]


def test_cells_rest_or_grow() -> None:
    field: Any = SimpleNamespace(cells=(cell,), coordinates=(u,))
    assert resting._cells(field, [a * b - a * cell]) == ((cell, b),)
    assert resting._cells(field, [cell * (b - cell)]) == ((cell, b),)  # zero is no rest
    for speed in (a * b, b - cell**2, t - cell, u - cell):
        with pytest.raises(DoesNotApply, match=r"never rest: they move by"):
            resting._cells(field, [speed])
    assert resting._growing(field, [error_square + a]) == ((cell, a * t),)
    with pytest.raises(DoesNotApply, match="without label noise its cells cell stop"):
        resting._growing(field, [error_square])
    for speed in (a * t, a - cell, a + u):
        with pytest.raises(DoesNotApply, match="do not grow in proportion to the time"):
            resting._growing(field, [speed])


def test_the_level_is_the_root_where_one_occurs() -> None:
    Q = error_square
    assert resting._level([Q + 1, 3 * Q**2]) == LEVEL
    assert resting._level([sp.sqrt(Q + a), 1 / sp.sqrt(Q + a)]) == LEVEL**2 - a
    assert resting._level_at_target(LEVEL**2 - a) == sp.sqrt(a)
    for mixed in ([sp.sqrt(Q + a), sp.sqrt(Q + b)], [sp.sqrt(2 * Q + a)], [sp.log(Q)]):
        with pytest.raises(DoesNotApply, match="no algebraic function of Q"):
            resting._level(mixed)


def test_transcendental_expectations_are_held_by_name() -> None:
    f = sp.erf(error_square)
    assert resting._transcendental({c1: a, c2: -a, gradient_noise: error_square}) == {}
    assert resting._transcendental({c1: f, c2: -f, gradient_noise: b}) == {SLOPE: f, NOISE: b}
    with pytest.raises(DoesNotApply, match="no closed form in Q"):
        resting._transcendental({c1: f, c2: f, gradient_noise: b})


def test_scalars_are_read_through_the_residual() -> None:
    def scalars(*pairs: tuple[sp.Symbol, sp.Expr]) -> dict[sp.Symbol, sp.Expr]:
        field: Any = SimpleNamespace(scalars=[SimpleNamespace(name=n, expression=e) for n, e in pairs])
        return resting._scalars(field)

    Q = B11 - 2 * B12 + B22
    assert scalars((c1, sp.sqrt(Q + a)), (gamma, b / (B11 + 1)), (B11, a))[c1] == sp.sqrt(error_square + a)
    assert scalars((c1, Q**2), (c2, c1 + 1)) == {c1: error_square**2, c2: error_square**2 + 1}
    with pytest.raises(DoesNotApply, match="sees more than the residual"):
        scalars((c1, B11))


def test_relative_noise_counts_the_wandering_target() -> None:
    N = M([[1, 2], [2, 7]])
    assert resting._relative_noise(SimpleNamespace(coordinates=(u, v)), N, [0], (3,), target) == sp.Matrix([[1]])
    wandering: Any = SimpleNamespace(coordinates=(u, target))
    assert resting._relative_noise(wandering, N, [0], (3,), target) == sp.Matrix([[1 - 2 * 3 * 2 + 9 * 7]])


# --- the level ----------------------------------------------------------------------------------------------
ONE = read_modes(sh.Spectrum.isotropic(), sh.Start())


def level(mode: sp.Expr, error: sp.Expr = LEVEL, goal: Any = 0, modes: Modes = ONE, risk: sp.Expr | None = None) -> Any:
    half = error_square / 2 if risk is None else risk
    at: Any = SimpleNamespace(held=(), error=error, risk=half)
    return rest._level(SimpleNamespace(), at, modes, mode, sp.sympify(goal))


def test_levels_by_hand() -> None:
    """``∫ mode = Q`` with Q the level, or its square less a floor; λ = 1."""
    plain = level(LEVEL / 3 + a, goal=0)
    assert plain.error == 3 * a / 2
    assert plain.total == R(1, 3)
    assert plain.where == (sp.StrictLessThan(R(1, 3), 1, evaluate=False),)
    noisy = level((LEVEL + b) / 3, risk=(error_square + b) / 2)  # P = Q + b
    assert (noisy.error, noisy.share) == (b / 2, R(1, 3))
    rooted = level(LEVEL**2 / 3 + 2 * LEVEL + a, error=LEVEL**2 - b)  # p² - b = p²/3 + 2p + a
    assert sp.simplify(rooted.value**2 - b - rooted.value**2 / 3 - 2 * rooted.value - a) == 0
    assert rooted.value.subs({a: 1, b: 1}) > 0
    assert sp.simplify(rooted.error - (rooted.value**2 - b)) == 0
    assert level(a / LEVEL, error=LEVEL**2 - b).value.subs({a: 1, b: 2}).evalf() == pytest.approx((1 + 5**0.5) / 2)
    cubic = level(2 / LEVEL)
    assert isinstance(cubic.value, Root)
    assert float(cubic.value.evalf()) == pytest.approx(2**0.5)
    with pytest.raises(DoesNotApply, match="grows like its power 2"):
        level(LEVEL**2)
    with pytest.raises(DoesNotApply, match="grows like its power 3/2"):
        level(LEVEL**3, error=LEVEL**2 - b)
    with pytest.raises(DoesNotApply, match="the only one; give numbers"):
        level(u / LEVEL)


def test_powers_of_the_level() -> None:
    assert rest._powers(a * LEVEL**2 + b / LEVEL + 3) == {2: a, -1: b, 0: 3}
    with pytest.raises(DoesNotApply, match="no sum of powers of its level"):
        rest._powers(1 / (LEVEL + a))


def test_where_the_modes_share_is_one() -> None:
    assert rest._threshold(a * gamma + R(1, 2)) == 1 / (2 * a)
    assert rest._threshold(sp.S.Half) == sp.oo
    root = rest._threshold(gamma**2 / 4)
    assert float(root.evalf()) == pytest.approx(2)


def test_values_at_the_target_are_taken_from_above() -> None:
    Q = error_square
    assert rest._at_target(Q + a) == a
    assert rest._at_target(sp.sin(Q) / Q) == 1
    assert rest._at_target(sp.Piecewise((sp.sqrt(Q) / sp.sqrt(Q) * b, Q > 0), (a, True))) in (a, b)
    with pytest.raises(DoesNotApply, match="its risk or slope at the target is oo"):
        rest._at_target(1 / Q)


# --- what averages of the iterates make of it ---------------------------------------------------------------
NAME = sp.Symbol("A")


def series(output: sp.Expr, summand: sp.Expr, risk: Any = 0, scale: tuple[int, int] = (0, 0)) -> Any:
    """Of two vectors that tend to X* and 2 X*, with S = ((p, 3), (3, 5)) + ((7, 11), (11, 13))/t."""
    field = SimpleNamespace(couplings=[SimpleNamespace(name=NAME, summand=sp.sympify(summand))])
    at = SimpleNamespace(
        vectors=(u, v), target=target, shift=(sp.S.One, sp.Integer(2)), scale=scale,
        risk=sp.sympify(risk) + error_square,
    )  # fmt: skip
    S = [sp.Matrix([[LEVEL, 3], [3, 5]]), sp.Matrix([[7, 11], [11, 13]])]
    return rest._series(SimpleNamespace(field=field), at, sp.sympify(output), S)  # type: ignore[arg-type]


def test_averages_of_second_moments_in_powers_of_time() -> None:
    A = NAME
    assert series(A / 2, lam * (u - target) ** 2) == [lam * LEVEL / 2, 7 * lam / 2]
    assert series(3 * A, (u - target) * (v - 2 * target)) == [9, 33]
    assert series(A, lam * v**2) == [5 * lam + 4 * V22 * lam, 13 * lam]
    assert series(A, (u - v) ** 2 * a) == [sp.expand(a * (LEVEL - 6 + 5 + V22)), a * (7 - 22 + 13)]
    assert series(A + b, u**2, risk=b) == [LEVEL + V22, 7]
    assert series(A, inverse_time**2 * v**2, scale=(0, 1)) == [5 + 4 * V22, 13]
    assert series(A, inverse_time * (u - target) * v, scale=(0, 1)) == [3, 11]
    for output, summand in (
        (sp.sqrt(A), u**2), (A**2, u**2), (A * error_square, u**2), (A + b, u**2), (A, u**3), (A, u), (A, t * u**2),
    ):  # fmt: skip
        assert series(output, summand) is None
    open_one = sp.Dummy("q")
    assert series(A, open_one * u**2) is None


def test_when_a_mode_is_pulled_back_for_sure() -> None:
    def signs(*rows: list[Any], orders: int = 1) -> list[str]:
        A = sp.ImmutableMatrix(rows)
        at = SimpleNamespace(drift=(A,) * orders)
        return [str(e) for e in rest._stable(at, list(range(A.rows)))]  # type: ignore[arg-type]

    w, z = sp.symbols("w z", real=True)
    assert signs([-a]) == []
    assert signs([-w]) == ["w > 0"]
    assert signs([-lam * a]) == []
    assert signs([-lam * w]) == []
    assert signs([-w, 0], [0, -a]) == ["a + w > 0", "a*w > 0"]
    assert signs([-w, 0], [0, -a], orders=2) == ["a + w > 0"]
    assert signs([-a, 0, 0], [0, -w, 0], [0, 0, -z]) == ["a + w + z > 0"]


def test_what_does_not_follow_growing_cells() -> None:
    two, start = sh.Spectrum.from_eigenvalues([1.5, 0.5]), sh.Start()
    for rule, words in (
        (sh.Momentum(0.4, 1), "it has no cells"),
        (sh.WeightDecay(sh.AdaGrad(0.6, 0.3), 0.1), "do not follow the cells"),
    ):  # fmt: skip
        with pytest.raises(DoesNotApply, match=words):
            rest.growing_limits(Question(sh.derive(sh.least_squares(0.5), rule), two, start))


# --- rates at the target ------------------------------------------------------------------------------------
def rate_of(expr: sp.Expr | None, *growth: sp.Expr, states: int = 0) -> several.Rate:
    layers = () if expr is None else ((gamma, expr),)
    names = sp.symbols(f"s:{states}", positive=True)
    flow: Any = SimpleNamespace(
        layers=(*layers, (b, a)), numbers={a: sp.Integer(3)}, unknowns=(u,), velocity=(sp.S.Zero, *growth),
        system=SimpleNamespace(states=[SimpleNamespace(name=n) for n in names]),
    )  # fmt: skip
    return several._rate(SimpleNamespace(flow=flow, known={u: sp.Integer(2)}, states=1))  # type: ignore[arg-type]


def test_rates_in_the_long_run() -> None:
    (s,) = sp.symbols("s:1", positive=True)
    assert rate_of(a * 2) == several.Rate(several.RATE, sp.Integer(6))
    assert rate_of(2 + 1 / t).value == 2
    fading = rate_of(a / sp.sqrt(1 + t))
    assert (fading.value, fading.fading) == (0, 3 / sp.sqrt(t + 1))
    resting_memory = rate_of(a / s, 4 * u - s, states=1)
    assert resting_memory == several.Rate(3 / s, several.RATE, None, ((s, sp.Integer(8)),))
    growing = rate_of(a / sp.sqrt(s), u * 2, states=1)
    assert sp.simplify(growing.fading - R(3, 2) / sp.sqrt(t)) == 0
    for arguments, states, words in (
        ((None,), 0, "nothing moves at a learning rate"),
        ((u,), 0, "follows averages of the state"),
        ((b,), 0, "follows averages of the state"),
        ((1 / s, sp.S.One, sp.S.One), 2, "it keeps several memories"),
        ((1 / s, sp.S.Zero), 1, "stops where the whole path takes it"),
        ((1 / s, s - t), 1, "has no place to rest"),
        ((1 / s, (s - 1) * (s - 2)), 1, "has no place to rest"),
        ((1 / s, several.RATE), 1, "grows with the learning rate itself"),
        ((1 / t,), 0, "depends on the whole path"),
        ((1 / t**2,), 0, "depends on the whole path"),
        ((-2 + 1 / t,), 0, "tends to -2"),
    ):
        with pytest.raises(DoesNotApply, match=words):
            rate_of(*arguments, states=states)


# --- the plateau --------------------------------------------------------------------------------------------
def test_the_first_zero_that_is_crossed_upwards() -> None:
    from symhigh.closed.plateau import _KAPPA as k

    at, (low, high) = _bracketed((k - R(1, 4)) * (k - R(1, 2)) * (k - 2))
    assert float(at) == pytest.approx(0.25, abs=1e-45)
    assert low < R(1, 4) < high < R(3, 10)
    at, _ = _bracketed(-(k - R(1, 4)) * (k - R(1, 2)))
    assert float(at) == pytest.approx(0.25, abs=1e-45)
    for condition, words in ((k + 1, "no plateau with an overlap"), (1 - k, "no plateau"), (sp.acos(k), "its domain")):
        with pytest.raises(DoesNotApply, match=words):
            _bracketed(condition)
    assert set(_closed_roots(k**2 - 2)) == {sp.sqrt(2), -sp.sqrt(2)}
    assert sp.S.One in _closed_roots(sp.sqrt(k) - 1)
    assert _closed_roots(sp.exp(k) - 2) == []
