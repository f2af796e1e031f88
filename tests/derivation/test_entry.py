"""Averages over the sample's entry of what clipping makes of the gradient's entries, against quadrature."""

from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import quad

from symhigh.derivation.entry import ENTRY, hermite_mean, over_entry
from symhigh.symbols import lam

z0, z1 = sp.symbols("z0 z1", real=True)
F, H, K = (sp.Function(f"F_{k}", real=True)(z0, z1) for k in range(3))
c = sp.Symbol("c", positive=True)
VARIANCE = 1.7


def clipped(slope: sp.Expr) -> sp.Expr:
    return sp.Max(-c, sp.Min(c, ENTRY * slope))


def by_quadrature(form: sp.Expr, at: dict[sp.Expr, float]) -> float:
    f = sp.lambdify(ENTRY, form.xreplace(at), "numpy")
    cuts = [-13.0, *sorted(s * at[c] / abs(v) for k, v in at.items() if k != c for s in (-1, 1)), 13.0]
    density = np.sqrt(2 * np.pi * VARIANCE)
    parts = pairwise(cuts)
    total = sum(quad(lambda a: f(a) * np.exp(-a * a / 2 / VARIANCE), *part, epsabs=1e-13)[0] for part in parts)
    return float(total / density)


@pytest.mark.parametrize("slopes", [(1.3, -0.6), (-0.4, -2.2)])
@pytest.mark.parametrize(
    "form", [clipped(F), clipped(F) ** 2, clipped(F) * clipped(H), clipped(F) * ENTRY * F], ids=str
)
def test_averages_over_the_entry(form: sp.Expr, slopes: tuple[float, float]) -> None:
    at = {F: slopes[0], H: slopes[1], c: 0.8}
    value, slope = over_entry(form, "rule")
    numbers = {k: sp.Float(v, 30) for k, v in at.items()} | {lam: sp.Float(VARIANCE, 30)}
    assert float(value.xreplace(numbers)) == pytest.approx(by_quadrature(form, at), abs=1e-11)
    if form == clipped(F):  # odd, and so is no square: its slope is the mean of where it is not clipped
        expected = slopes[0] * by_quadrature(sp.Piecewise((1, sp.Abs(ENTRY * F) < c), (0, True)), at)
        assert float(slope.xreplace(numbers)) == pytest.approx(expected, abs=1e-11)


def test_three_students_at_once_and_what_has_no_closed_form_are_refused() -> None:
    with pytest.raises(ValueError, match=r"rule own: .* the gradients of three students at once"):
        over_entry(clipped(F) * clipped(H) * clipped(K), "own")
    with pytest.raises(ValueError, match=r"rule own: .* has no closed form"):
        over_entry(sp.tanh(ENTRY * F), "own")


@pytest.mark.parametrize("n", range(5))
def test_derivatives_on_average_by_hermite_polynomials(n: int) -> None:
    form = ENTRY**4 - 3 * ENTRY**3 + 2 * ENTRY**2 + ENTRY - 5
    derivative = sp.diff(form, ENTRY, n)
    even = {1: 0, ENTRY: 0, ENTRY**2: lam, ENTRY**3: 0, ENTRY**4: 3 * lam**2}
    expected = sum(k * even.get(p, 1) for p, k in sp.expand(derivative).as_coefficients_dict().items() if p != 1)
    expected += sp.expand(derivative).as_coefficients_dict()[sp.S.One]
    assert sp.simplify(hermite_mean(form, n, "rule") - expected) == 0
