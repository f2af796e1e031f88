"""Numbers at a fixed point on flows made by hand: followed as the rate rises, closed to many digits, and refused."""

from __future__ import annotations

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
