"""Numbers at a fixed point on flows made by hand: followed as the rate rises, closed to many digits, and refused."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import sympy as sp

from symhigh.closed.at_rest import (
    AtRest,
    AtSaddle,
    DecayAtRest,
    EigenvalueAtRest,
    GrowthAtRest,
    newton,
    settled,
    slopes,
    solved,
)
from symhigh.symbols import gamma

u, v, w = sp.symbols("u v w", real=True)
g = sp.Symbol("g", positive=True)
R = sp.Rational
VELOCITY = (1 - u + gamma * w, 2 - 3 * v + gamma * u**2)


def data(rate: sp.Expr, velocity: tuple[sp.Expr, ...] = VELOCITY, start: tuple[sp.Expr, ...] = (sp.S.One, R(2, 3))):  # type: ignore[no-untyped-def]
    return (u, v), ((gamma, rate), (w, u * v)), velocity, start


def rest(rate: float) -> tuple[float, float]:
    found = mpmath.findroot(
        lambda a, b: (1 - a + rate * a * b, 2 - 3 * b + rate * a**2), (mpmath.mpf(1), mpmath.mpf(2) / 3)
    )
    return float(found[0]), float(found[1])


def jacobian(rate: float) -> np.ndarray:
    a, b = rest(rate)
    return np.array([[-1 + rate * b, rate * a], [2 * rate * a, -3]])


def test_values_at_rest() -> None:
    a, b = rest(0.3)
    at = data(R(3, 10))
    assert float(AtRest(u, *at).evalf(20)) == pytest.approx(a, rel=1e-14)
    assert float(AtRest(w + v**2, *at).evalf(20)) == pytest.approx(a * b + b**2, rel=1e-14)
    assert float(AtRest(gamma * u, *at).evalf(20)) == pytest.approx(0.3 * a, rel=1e-14)
    assert AtRest(1 - u + R(3, 10) * w, *at).evalf(20) == 0
    assert AtRest(g * u, *at).free_symbols == {g}
    assert AtRest(u, *data(g)).free_symbols == {g}
    assert AtRest(u, *data(g)).evalf() == AtRest(u, *data(g))
    with mpmath.workdps(60):
        value = mpmath.mpf(str(AtRest(u, *at).evalf(50)))
        other = mpmath.mpf(str(AtRest(v, *at).evalf(50)))
        assert abs(1 - value + mpmath.mpf(3) / 10 * value * other) < mpmath.mpf(10) ** -48


def test_rates_at_rest() -> None:
    at = data(R(3, 10))
    values = sorted(np.linalg.eigvals(jacobian(0.3)).real, reverse=True)
    assert float(DecayAtRest(u, *at).evalf(15)) == pytest.approx(-values[0], rel=1e-12)
    for k in (0, 1):
        found = EigenvalueAtRest(u, *at, sp.Tuple(), sp.Integer(k))
        assert float(found.evalf(15)) == pytest.approx(values[k], rel=1e-12)
    flat = (u, v), ((gamma, R(1, 2)),), (1 - u, 2 - 4 * v), (sp.S.One, R(1, 2))
    assert float(DecayAtRest(v, *flat).evalf(15)) == pytest.approx(2)  # the decay of u shows in its square
    assert float(DecayAtRest(u + v, *flat).evalf(15)) == pytest.approx(1)
    along = GrowthAtRest(u, *flat, sp.Tuple(), sp.ImmutableMatrix([[0], [1]]))
    assert float(along.evalf(15)) == pytest.approx(-4)
    both = GrowthAtRest(u, *at, sp.Tuple(), sp.ImmutableMatrix([[1, 2], [1, 0]]))
    assert float(both.evalf(15)) == pytest.approx(values[0], rel=1e-12)


def test_slopes_are_central_differences() -> None:
    found = slopes(lambda at: np.array([at[0] ** 2 * at[1], at[1] ** 3]), np.array([2.0, 3.0]))
    assert found == pytest.approx(np.array([[12.0, 4.0], [0.0, 27.0]]), rel=1e-9, abs=1e-9)
    exact = solved(AtRest(u, *data(R(3, 10))).flow, 80, True)
    assert np.array(exact.jacobian.tolist(), dtype=float) == pytest.approx(jacobian(0.3), rel=1e-14)
    a, b = rest(0.3)
    gradient = exact.gradient(w + 2 * v)
    assert [float(e) for e in gradient] == pytest.approx([b, a + 2], rel=1e-14)


def test_a_branch_that_ends_or_is_unstable_is_refused() -> None:
    ends = (u,), ((gamma, R(3, 10)),), (1 - u + gamma * u**2,), (sp.S.One,)  # rest for γ ≤ 1/4
    with pytest.raises(ValueError, match=r"ceases to exist at 0\.83\d* times this learning rate"):
        AtRest(u, *ends).evalf()
    there = (u,), ((gamma, R(6, 25)),), (1 - u + gamma * u**2,), (sp.S.One,)
    assert float(AtRest(u, *there).evalf(20)) == pytest.approx((1 - (1 - 0.96) ** 0.5) / 0.48, rel=1e-13)
    leaving = (u,), ((gamma, R(1, 2)),), (u - 1 + gamma,), (sp.S.One,)
    with pytest.raises(ValueError, match=r"not stable at this learning rate \(it grows at the rate 1\)"):
        AtRest(u, *leaving).evalf()
    assert float(AtSaddle(u, *leaving).evalf()) == 0.5


def test_where_a_flow_settles_with_unknowns_kept_equal() -> None:
    """Of two equal unknowns, kept so: ``u' = u (1 - u²) + γ v``; the origin is left."""
    fold = sp.ImmutableMatrix([[1], [1]])
    flow = (u, v), ((gamma, R(1, 4)),), (u - u**3 + gamma * v, v - v**3 + gamma * u), (R(1, 2), R(3, 10))
    found = AtSaddle(u, *flow, fold)
    assert float(found.evalf(20)) == pytest.approx(1.25**0.5, rel=1e-14)
    assert float(AtSaddle(u - v, *flow, fold).evalf(20)) == 0


def test_newton_and_settling() -> None:
    assert newton(lambda at: at**2 - 2, np.array([1.0])) == pytest.approx(np.array([2**0.5]), rel=1e-12)
    assert newton(lambda at: at**2 + 2, np.array([1.0])) is None
    assert newton(lambda at: at * 0 + 1, np.array([1.0])) is None
    assert newton(lambda at: at**2 - 2, np.array([1.0]), rounds=2) is None
    assert settled(lambda at: 1 - at**2, np.array([0.1])) == pytest.approx(np.array([1.0]), rel=1e-9)
    with pytest.raises(ValueError, match="settles on no symmetric plateau"):
        settled(lambda at: at * 0 + 1.0, np.array([1.0]))
    with pytest.raises(ValueError, match="settles on no symmetric plateau"):  # a saddle, reached along its stable line
        settled(lambda at: np.array([at[0] - 1, 1 - at[1]]), np.array([1.0, 3.0]))


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_unknowns_of_any_size_settle(scale: float) -> None:
    """Slow and fast, small and large ones side by side; the rest is the zero that the path leads to."""
    aim = np.array([1.0, 3e-3, -2.0]) * scale
    found = settled(lambda at: np.array([1.0, 0.01, 50.0]) * (aim - at), aim * np.array([0.5, 4.0, 1.2]))
    assert found == pytest.approx(aim, rel=1e-7, abs=1e-8)

    def wells(at: np.ndarray) -> np.ndarray:
        at = at / scale
        return -scale * (at - 1) * (at - 2) * (at - 3)

    for start, end in ((0.1, 1.0), (1.9, 1.0), (2.1, 3.0), (30.0, 3.0)):
        assert settled(wells, np.array([start]) * scale) == pytest.approx(np.array([end]) * scale, rel=1e-8)
        beside = settled(lambda at: np.append(wells(at[:1]), scale - at[1]), np.array([start, 1.0]) * scale)
        assert beside == pytest.approx(np.array([end, 1.0]) * scale, rel=1e-8)


def test_steps_that_leave_the_domain_are_shortened() -> None:
    """``u' = -√u + 1`` from far off, and a logarithm that has no value beyond 2."""
    assert settled(lambda at: 1 - np.array([math.sqrt(at[0])]), np.array([9.0])) == pytest.approx([1.0], rel=1e-8)
    found = settled(lambda at: np.array([math.log(2 - at[0]) + at[0] / 2]), np.array([0.1]))
    assert math.log(2 - found[0]) + found[0] / 2 == pytest.approx(0, abs=1e-8)
    assert newton(lambda at: np.array([math.sqrt(at[0]) + 1]), np.array([0.5])) is None
    assert newton(lambda at: np.array([math.sqrt(at[0]) - 2]), np.array([3.0])) == pytest.approx([4.0], rel=1e-12)


def test_newtons_method_in_several_unknowns() -> None:
    found = newton(lambda at: np.array([at[0] * at[1] - 6, at[0] - at[1] - 1]), np.array([4.0, 1.0]))
    assert found == pytest.approx([3.0, 2.0], rel=1e-12)
    far = newton(lambda at: at**3 - 8e9, np.array([1e4]))
    assert far == pytest.approx([2e3], rel=1e-12)


def test_decays_that_a_quantity_shows() -> None:
    """Rates 1, 2 and 5 along u, v - u and w; what a gradient misses shows at twice its rate."""
    flow = (u, v, w), ((gamma, R(1, 2)),), (1 - u + v, 4 - 2 * v, 5 - 5 * w), (sp.Integer(3), sp.Integer(2), sp.S.One)
    for quantity, rate in ((u, 1), (v, 2), (w, 2), (v + w, 2), (u * w, 1), (w * v, 2), (u - v, 1)):
        assert float(DecayAtRest(quantity, *flow).evalf(20)) == pytest.approx(rate, rel=1e-12), quantity
    assert [float(EigenvalueAtRest(u, *flow, sp.Tuple(), sp.Integer(k)).evalf(20)) for k in (0, 1, 2)] == (
        pytest.approx([-1, -2, -5], rel=1e-12)
    )
    two = GrowthAtRest(u, *flow, sp.Tuple(), sp.ImmutableMatrix([[1, 0], [0, 0], [0, 1]]))
    assert float(two.evalf(20)) == pytest.approx(-1, rel=1e-12)
    assert str(two) == "GrowthAtRest(u, 3 unknowns)"
    assert sp.latex(two) == r"\left.u\right|_{\mathrm{rest}}"


def test_where_the_rate_grows_in_many_steps() -> None:
    """``u = 1 + γ u²`` at γ = 0.2499, where the branch is steep, and to the digits asked for."""
    rate = R(2499, 10000)
    there = (u,), ((gamma, rate),), (1 - u + gamma * u**2,), (sp.S.One,)
    exact = (1 - sp.sqrt(1 - 4 * rate)) / (2 * rate)
    for digits in (15, 40, 80):
        assert abs(AtRest(u, *there).evalf(digits) - exact.evalf(digits + 10)) < sp.Float(10, 100) ** (1 - digits)
    value = DecayAtRest(u, *there).evalf(20)
    assert float(value) == pytest.approx(float(1 - 2 * rate * exact), rel=1e-12)
