"""Averages in two variables across boundaries: against 22 digits in polar coordinates, and the errors they report.

On the ray at an angle, ``x y`` is ``q s`` with s = r²/2 exponential, so its average over s is a closed form, and one
integral over the angle is left for mpmath. Nothing is shared with the nested rules in whitened coordinates.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.compiler import compiler
from symhigh.codegen.lower import averages
from symhigh.codegen.objects import load_object
from symhigh.codegen.quadrature import lower_nodes
from symhigh.codegen.target import NUMBA, NUMPY, C
from symhigh.derivation.gaussian import GaussianMean, expect
from symhigh.integration import doubts
from symhigh.symbols import B11, B12, B22, x, x_star

COV = sp.Matrix([[B11, B12], [B12, B22]])
HALF = sp.Rational(1, 2)
CORRELATIONS = (0.0, 0.9, 0.999, 0.99999, -0.99999)
pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler")


def compiled(expr: sp.Expr) -> Callable[[float, float, float], Any]:
    """``(B11, B12, B22)`` to the average of ``expr``, and its error in parts of that of the modulus where estimated."""
    source, (call,) = lower_nodes([expect(expr, COV)])
    text = str(sp.printing.pycode(call.xreplace({B11: sp.Symbol("a"), B12: sp.Symbol("b"), B22: sp.Symbol("c")}),
                                  allow_unknown_functions=True))  # fmt: skip
    lines = ["@njit", "def value(a, b, c, out):", f"    out[0] = {text}"]
    if text.startswith("node_0(") and "def node_0_known(" in source:
        lines.append(f"    value, out[1] = {text.replace('node_0(', 'node_0_known(')}")
    signature = {"value": ("d", "d", "d", "a1")}
    function = load_object(f"{source}\n\n" + "\n".join(lines) + "\n", signature).value

    def at(a: float, b: float, c: float) -> Any:
        out = np.zeros(2)
        function(a, b, c, out)
        return out

    return at


def over_angles(ray: Callable[[Any, Any], Any], rho: float, kinks: tuple[Any, ...] = ()) -> Any:
    """The average over angles of ``ray(a, b)``, x = r a and y = r b of unit variances; kinks at slopes y/x."""
    root = mp.sqrt(1 - mp.mpf(rho) ** 2)
    ends = {mp.mpf(0), mp.pi, mp.pi / 2, mp.atan2(-mp.mpf(rho), root) % mp.pi}
    ends |= {mp.atan2(k - mp.mpf(rho), root) % mp.pi for k in (1, *kinks)}

    def at(angle: Any) -> Any:
        a = mp.cos(angle)
        return ray(a, mp.mpf(rho) * a + root * mp.sin(angle))

    cuts = sorted(ends)
    parts = [(low, high) for low, high in pairwise(cuts) if high - low > mp.mpf(10) ** -25]
    return sum(mp.quad(at, [low, (low + high) / 2, high], maxdegree=10) for low, high in parts) / mp.pi


def three_halves(a: Any, b: Any) -> Any:
    """``E |2 a b s - 1/2|^{3/2}`` over the exponential s."""
    q = 2 * a * b
    k = HALF_ / abs(q) if abs(q) > mp.mpf(10) ** -40 else mp.inf
    if k > 1000:
        side = 1 if q < 0 else -1
        return HALF_ ** mp.mpf(1.5) * sum(mp.binomial(1.5, n) * mp.factorial(n) * (side / k) ** n for n in range(15))
    if q < 0:
        return (-q) ** mp.mpf(1.5) * mp.exp(k) * mp.gammainc(2.5, k)
    return q ** mp.mpf(1.5) * (
        mp.gamma(2.5) * mp.exp(-k) + k ** mp.mpf(2.5) / mp.mpf(2.5) * mp.hyp1f1(1, 3.5, -k)
    )


def logarithm(a: Any, b: Any) -> Any:
    """``E log |2 a b s - 1/2|``."""
    q = 2 * a * b
    if abs(q) < mp.mpf(10) ** -40:
        return mp.log(HALF_)
    k = HALF_ / q
    if abs(k) > 10**4:
        return mp.log(HALF_) - sum(mp.factorial(n) / k ** (n + 1) for n in range(12))
    return mp.log(HALF_) - mp.exp(-k) * mp.ei(k)


def disc(a: Any, b: Any) -> Any:
    """``E 2 s (a - b)² 1[2 s (a² + b²) < 1/2]``."""
    end = HALF_ / (2 * (a * a + b * b))
    return 2 * (a - b) ** 2 * (1 - (1 + end) * mp.exp(-end))


def inside(a: Any, b: Any) -> Any:
    """``P(2 a b s > 1/2)``."""
    return mp.exp(-HALF_ / (2 * a * b)) if a * b > 0 else mp.mpf(0)


HALF_ = mp.mpf(1) / 2
GOLDEN = (3 + 5**0.5) / 2
PRODUCT = x * x_star
CASES = {
    "power": (sp.Abs(PRODUCT - HALF) ** sp.Rational(3, 2), three_halves, ()),
    "logarithm": (sp.log(sp.Abs(PRODUCT - HALF)), logarithm, ()),
    "disc": ((x - x_star) ** 2 * sp.Heaviside(HALF - x**2 - x_star**2, HALF), disc, ()),
    "indicator": (sp.Heaviside(PRODUCT - HALF, HALF), inside, ()),
    "least": (
        sp.Min(PRODUCT, (x - x_star) ** 2),
        lambda a, b: 2 * min(a * b, (a - b) ** 2),
        (mp.mpf(3) / 2 + mp.sqrt(5) / 2, mp.mpf(3) / 2 - mp.sqrt(5) / 2),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_curved_boundaries_at_every_correlation(name: str) -> None:
    expr, ray, kinks = CASES[name]
    value = compiled(expr)
    with mp.workdps(22):
        for rho in CORRELATIONS:
            right = float(over_angles(ray, rho, kinks))
            found, error = value(1.0, rho, 1.0)
            assert abs(found - right) <= 1e-12 * max(1.0, abs(right)) * (1 if abs(right) > 1e-3 else 1e-2)
            assert error < 1e-11


def test_growth_as_fast_as_the_law_decays() -> None:
    """``E e^x log(1 + y²) 1[...]``: shifting the law by its tilt is the second route."""
    value = compiled(sp.exp(3 * x) * sp.log(1 + sp.Abs(x * x_star - 1)))
    tilted = compiled(sp.log(1 + sp.Abs((x + 12) * (x_star + 3) - 1)))
    found, _ = value(4.0, 1.0, 1.0)
    right, _ = tilted(4.0, 1.0, 1.0)
    np.testing.assert_allclose(found, np.exp(18.0) * right, rtol=1e-11)


def test_an_error_that_is_left_is_told() -> None:
    """A boundary of many turns, some too narrow to be found: the estimate bounds the error."""
    expr = sp.Abs(sp.sin(4 * x * x_star) - x + x_star / 3) ** HALF
    found, error = compiled(expr)(1.0, 0.5, 1.0)
    z = np.linspace(-8.2, 8.2, 2001) + 1e-3
    weight = np.exp(-z * z / 2) * (z[1] - z[0]) / np.sqrt(2 * np.pi)
    second = 0.5 * z[:, None] + np.sqrt(0.75) * z[None, :]
    grid = weight @ np.sqrt(np.abs(np.sin(4 * z[:, None] * second) - z[:, None] + second / 3)) @ weight
    assert 1e-6 < error < 1e-4
    assert abs(found - grid) < error


def within(source: str) -> Callable[[float], Any]:
    """The first average of ``source`` at unit variances and correlation 1/2, by the most evaluations allowed."""
    lines = ["@njit", "def value(most, out):", "    out[0], out[1] = node_0_within(1.0, 0.5, 1.0, most)"]
    function = load_object(f"{source}\n\n" + "\n".join(lines) + "\n", {"value": ("d", "a1")}).value

    def at(most: float) -> Any:
        out = np.zeros(2)
        function(most, out)
        return out

    return at


@pytest.mark.parametrize("loss", [sp.Abs(PRODUCT - HALF) ** sp.Rational(3, 2), sp.log(2 + sp.cos(x * x_star))])
def test_evaluations_are_counted(loss: sp.Expr) -> None:
    """Within enough of them the average is what it is without a limit; else it is none, and its error infinite."""
    source, _ = lower_nodes([expect(loss, COV)])
    allowed = within(source)
    value, error = allowed(1e8)
    assert np.isfinite(value)
    assert error < 1e-10
    np.testing.assert_array_equal(allowed(1e3), (np.nan, np.inf))


@pytest.mark.parametrize("steep", [10**3, 10**5])
def test_products_of_steep_factors(steep: int) -> None:
    """``E (σ(ax) - σ(ax*))²/2 = 1/4 - asin(ρ)/2π - 1/(a√(2π)) + O(a⁻²)``: σ is a step but for a width of 1/a."""
    step = sp.Function("step")
    loss = (step(x) - step(x_star)) ** 2 / 2
    value, _ = compiled(loss.replace(step, lambda u: 1 / (1 + sp.exp(-steep * u))))(1.0, 0.5, 1.0)
    assert abs(value - (1 / 6 - 1 / (steep * np.sqrt(2 * np.pi)))) < 2 / steep**2 + 1e-11


@pytest.mark.parametrize("target", [C, pytest.param(NUMBA, marks=pytest.mark.slow), NUMPY], ids=lambda t: t.name)
def test_every_target_tells_the_curve(target: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The curve says which average is how far off, before the work; one that cannot be had is refused."""
    loss = sp.Abs(sh.x**2 - 1) ** sp.Rational(3, 2) / 9
    system = sh.derive(sh.Problem(loss), sh.Constant(HALF))
    assert any(isinstance(n, GaussianMean) for n in averages(system))

    def curve(rtol: float) -> Any:
        return system.solve(
            sh.Spectrum.isotropic(), sh.Start(1, 1, HALF), 0.1, t=[0, 0.1], rtol=rtol, target=target
        )

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain = curve(1e-6)
    with pytest.warns(RuntimeWarning, match=r"t = .* the average of .* only: the curve is no better, though"):
        fine = curve(1e-10)
    np.testing.assert_allclose(plain.risk, fine.risk, rtol=1e-6)
    monkeypatch.setattr(doubts, "REFUSED", 1e-14)
    with pytest.raises(ValueError, match=r"the average of .* is known to .* of its size only; write the loss"):
        curve(1e-6)
