"""What is put to heyoka has the values that SymPy gives it, and its Taylor method finds the curves of symhigh."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.derivation.gaussian import GaussianMean
from tests import differential
from tests.combinations import NOISY, TWO
from tests.taylor import AVAILABLE, REMEDY, Equations, Refused, by_taylor, translated

pytestmark = pytest.mark.skipif(not AVAILABLE, reason=f"heyoka is not installed: {REMEDY}")
a, b, z = sp.symbols("a b z", real=True)
POINTS = [(0.3, 0.7), (-1.2, 0.4), (0.9, -0.2)]
EXPRESSIONS = [
    sp.exp(a) * sp.erf(b) - sp.erfc(a * b) / sp.pi,
    sp.sqrt(a**2 + b**2) + (1 + a**2) ** sp.Rational(-3, 2) + b**-3 + sp.log(2 + b),
    sp.asin(a / 2) + sp.atan(b) * sp.tanh(a) + sp.cos(a) * sp.sin(b) + sp.Rational(1, 3),
    sp.Max(a, b, sp.S.Zero) - 2 * sp.Min(a, b) + 3 * sp.Heaviside(a - b),
    sp.Piecewise((a, a > b), (b**2, b >= sp.Rational(1, 2)), (a * b, a < -1), (7, True)),
    sp.Piecewise((b, a <= b), (a**2, True)),
]


@pytest.mark.parametrize("expr", EXPRESSIONS, ids=str)
def test_what_is_put_to_heyoka_has_the_values_that_sympy_gives_it(expr: sp.Expr) -> None:
    import heyoka as hy

    own = dict(zip((a, b), hy.make_vars("a", "b"), strict=True))
    put = translated(expr, own.__getitem__, lambda value: hy.gt(value, hy.expression(0.0)))
    function = hy.cfunc([put], list(own.values()))
    for point in POINTS:
        wanted = float(expr.subs(dict(zip((a, b), point, strict=True))))
        assert function(np.array(point))[0] == pytest.approx(wanted, rel=1e-14)


@pytest.mark.parametrize("expr", [GaussianMean(sp.tanh(z) ** 2, (z,), sp.Matrix([[1]])), sp.gamma(a), sp.Abs(a)])
def test_what_is_not_put_to_heyoka_is_refused_by_name(expr: sp.Expr) -> None:
    with pytest.raises(Refused, match=r"quadrature|gamma|Abs"):
        translated(expr, lambda symbol: None, lambda value: value)
    with pytest.raises(Refused, match="Equality"):
        translated(sp.Piecewise((1, sp.Eq(a, 1)), (2, True)), lambda symbol: None, lambda value: value)


@pytest.mark.parametrize("name", ["warm-up, square", "steps, square", "momentum, Huber, linear", "AdaGrad-Norm, erf"])
def test_the_taylor_method_finds_the_curve_of_the_reference(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ways = {way: differential.WAYS[way] for way in ("the NumPy reference", differential.TAYLOR)}
    monkeypatch.setattr(differential, "WAYS", ways)
    found: Any = differential.differences(name)
    assert 0 < found[differential.TAYLOR] < 1e-8


@pytest.mark.parametrize("jump", [False, True])
def test_the_taylor_method_has_the_digits_of_a_closed_form(jump: bool) -> None:
    """One mode of least squares, dQ/dt = (γ² - 2γ) Q + γ² ω²; a step ends where the rate jumps."""
    times, late = np.array([0.5, 1.0, 2.0]), np.array([0.0, 0.3, 1.3])

    def moved(q: Any, gamma: float, span: Any) -> Any:
        rest = gamma * 0.09 / (2 - gamma)
        return rest + (q - rest) * np.exp(gamma * (gamma - 2) * span)

    rate = sp.Rational(3, 10) * (1 + sp.Heaviside(sp.Rational(7, 10) - sh.t)) if jump else sp.Rational(3, 5)
    system, population = sh.derive(NOISY, sh.Schedule(rate)), (sh.Spectrum.isotropic(), sh.Start(0.5, 1, 0.2))
    held = Equations(system, population)
    (risk,) = held.at([held.risk], held.start, 0.0, [])
    exact = moved(2 * risk - 0.09, 0.6, times - late if jump else times)
    exact = moved(exact, 0.3, late) if jump else exact
    np.testing.assert_allclose(2 * by_taylor(system, population, times) - 0.09, exact, rtol=1e-13)


def test_a_limit_that_starts_on_a_border_is_refused() -> None:
    with pytest.raises(Refused, match="it starts on the border between two pieces"):
        by_taylor(sh.derive(NOISY, sh.DAdaptation(0.3, 0.2)), TWO, np.array([1.0]))
