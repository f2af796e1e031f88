"""Averages over the modes in every form they are given in, secular equations, a network's linearisation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.marchenko_pastur import HalfTurn, MarchenkoPastur
from symhigh.closed.modes import LAMBDA_MAX, LAMBDA_MIN, Modes, rational, read_modes
from symhigh.closed.network import Linearisation
from symhigh.closed.nodes import Average, Root, roots_named
from symhigh.closed.secular import Secular, _extreme_root
from symhigh.symbols import D2, V22, distance, kappa2, lam, tau

R, S = sp.Rational, sp.S
s, a, b = sp.symbols("s a b", positive=True)
pytestmark = pytest.mark.filterwarnings("ignore::symhigh.EffectiveDimensionWarning")
TWO = sh.Spectrum.from_eigenvalues([0.5, 2.0], [0.25, 0.75])
START = sh.Start(x0=2, x_star=3, overlap=1)


# --- averages -----------------------------------------------------------------------------------------------
def test_averages_over_given_modes() -> None:
    modes = read_modes(TWO, START)
    assert (modes.values, modes.weights) == ((R(1, 2), 2), (R(1, 4), R(3, 4)))
    assert (modes.errors, modes.targets) == ((3, 3), (3, 3))
    assert modes.mean(lam) == R(13, 8)
    assert modes.mean(3 * lam**2 + a) == 3 * (R(1, 16) + 3) + a
    assert modes.mean(lam * D2 + 2 * D2) == 3 * R(13, 8) + 6
    assert modes.mean(lam * V22 + lam) == 4 * R(13, 8)
    assert modes.mean(1 / (1 + lam)) == R(1, 4) / R(3, 2) + R(3, 4) / 3
    assert (modes.edge, modes.end, modes.even, modes.few, modes.isotropic) == (R(1, 2), 2, 3, True, False)
    assert read_modes(sh.Spectrum.isotropic(2), None).isotropic


def test_averages_over_an_open_spectrum() -> None:
    modes = read_modes(None, None)
    assert modes.mean(5 + 2 * lam + 3 * lam**2 + D2) == 5 + 2 * tau + 3 * kappa2 + distance
    assert modes.mean(lam**3) == Average(lam**3)
    assert modes.mean(1 / (a + lam)) == Average(1 / (a + lam))
    assert (modes.edge, modes.end, modes.even, modes.few) == (LAMBDA_MIN, LAMBDA_MAX, None, False)
    with pytest.raises(ValueError, match="a start is spread over a spectrum; give spectrum"):
        read_modes(None, START)


def test_averages_that_need_a_start() -> None:
    modes = read_modes(TWO, None)
    assert modes.mean(2 * D2) == 2 * distance
    for summand, words in ((lam * D2, "how the error is spread"), (lam * V22, "how the target is spread")):
        with pytest.raises(ValueError, match=words):
            modes.mean(summand)


def test_equal_eigenvalues_share_the_start_and_zeros_are_left_out() -> None:
    spectrum = sh.Spectrum.from_eigenvalues([0.0, 1.0, 3.0, 1.0], [0.125, 0.25, 0.125, 0.5])
    vectors = sh.Start.from_vectors([1.0, 2.0, 0.0, 1.0], [0.0, 1.0, 2.0, 3.0])
    modes = read_modes(sh.Spectrum.from_eigenvalues([0.0, 1.0, 3.0, 1.0]), vectors)
    assert (modes.values, modes.weights) == ((1, 3), (R(1, 2), R(1, 4)))
    assert modes.errors == (4 * R(1 + 4, 2), 4 * 4)  # d (X - X*)², averaged over equal eigenvalues
    assert modes.targets == (4 * R(1 + 9, 2), 4 * 4)
    assert modes.even is None
    assert modes.mean(lam * V22) == R(1, 2) * 20 + R(1, 4) * 3 * 16
    assert modes.mean(lam * D2) == R(1, 2) * 10 + R(1, 4) * 3 * 16
    weighed = read_modes(spectrum, None)
    assert dict(zip(weighed.values, weighed.weights, strict=True)) == {1: R(3, 4), 3: R(1, 8)}  # type: ignore[arg-type]
    many = read_modes(sh.Spectrum.from_eigenvalues(np.arange(1.0, 10.0)), None)
    assert isinstance(many.mean(1 / (a + lam)), Average)
    assert not many.few
    assert not isinstance(read_modes(sh.Spectrum.from_eigenvalues(np.arange(1.0, 9.0)), None).mean(1 / lam), Average)


def test_numbers_are_the_fractions_they_show() -> None:
    shown = [rational(x) for x in (0.1, 1 / 3, 2.5, 3, np.pi)]
    assert shown[:4] == [R(1, 10), R(1, 3), R(5, 2), 3]
    assert float(shown[4]) == np.pi
    assert rational(a * sp.Float(0.2)) == a / 5


# --- Marchenko and Pastur -----------------------------------------------------------------------------------
def density(ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of the bulk, by the midpoint rule in the angle."""
    angle = (np.arange(4000) + 0.5) * np.pi / 4000
    values = 1 + ratio + 2 * np.sqrt(ratio) * np.cos(angle)
    return values, 2 * np.sin(angle) ** 2 / values / 4000


@pytest.mark.parametrize("ratio", [0.3, 2.5])
def test_averages_over_the_law(ratio: float) -> None:
    law, (values, weights) = MarchenkoPastur(sp.nsimplify(ratio)), density(ratio)
    modes = Modes(law=law)
    for summand, f in (
        (lam**3 - 2 * lam + 5, lambda x: x**3 - 2 * x + 5), (1 / (lam + 1), lambda x: 1 / (x + 1)),
        (lam**3 / (2 * lam + 1), lambda x: x**3 / (2 * x + 1)), (1 / (lam - 0.05), lambda x: 1 / (x - 0.05)),
    ):  # fmt: skip
        assert float(modes.mean(summand).evalf()) == pytest.approx(float(weights @ f(values)), rel=1e-9)
    above = modes.mean(lam / (lam - 8), above=True)
    assert float(above.evalf()) == pytest.approx(float(weights @ (values / (values - 8))), rel=1e-9)
    assert float(law.edge.evalf()) == pytest.approx((1 - ratio**0.5) ** 2)
    assert float(modes.end.evalf()) == pytest.approx((1 + ratio**0.5) ** 2)
    assert [law.moment(k) for k in (1, 2, 3)] == [1, 1 + law.ratio, 1 + 3 * law.ratio + law.ratio**2]
    with pytest.raises(ValueError, match="more than one pole in lambda"):
        law.mean(1 / (lam**2 + 1))


def test_the_isolated_root_and_half_turns() -> None:
    law, (values, weights) = MarchenkoPastur(R(1, 2)), density(0.5)
    k = R(9, 10)
    root = float(law.isolated(k).evalf())
    assert 0.9 * float(weights @ (values**2 / (values - root))) == pytest.approx(1, rel=1e-9)
    at = float(law.critical.evalf())
    assert float(law.isolated(law.critical).evalf()) == pytest.approx(float(law.edge.evalf()), rel=1e-9)
    assert 0 < at < 1
    from symhigh.closed.marchenko_pastur import ANGLE

    assert float(HalfTurn(sp.sin(ANGLE) ** 2).evalf()) == pytest.approx(0.5, rel=1e-14)
    assert float(HalfTurn(1 / (3 - 2 * sp.cos(ANGLE))).evalf(20)) == pytest.approx(5**-0.5, rel=1e-14)
    assert HalfTurn(a * sp.cos(ANGLE)).free_symbols == {a}
    relaxed = float(law.relaxation(R(4, 5), S(2)).evalf())
    steps, size = np.ones_like(values), 2 / 20000  # Heun's method
    for _ in range(20000):
        slope = values * (-steps + 0.8 * (weights @ (values * steps)))
        ahead = steps + size * slope
        steps = steps + size / 2 * (slope + values * (-ahead + 0.8 * (weights @ (values * ahead))))
    assert relaxed == pytest.approx(float(weights @ (values * steps)), rel=1e-6)


# --- secular equations --------------------------------------------------------------------------------------
def test_roots_next_to_the_edge() -> None:
    below = Secular(s, a * lam / (lam - s), lam, lam)
    one = below.root(read_modes(sh.Spectrum.isotropic(), None))
    assert sp.simplify(one - (1 - a)) == 0
    modes = read_modes(TWO, None)
    two = below.root(modes).subs(a, R(1, 3))
    assert not two.has(Root)
    average = sum(w * v / 3 / (v - float(two.evalf())) for v, w in ((0.5, 0.25), (2, 0.75)))
    assert average == pytest.approx(1, rel=1e-12)
    assert float(two.evalf()) < 0.5
    high = Secular(s, 1 / (s * lam - 1), lam, 1 / lam, from_below=False).root(modes)
    assert sum(w / (float(high.evalf()) * v - 1) for v, w in ((0.5, 0.25), (2, 0.75))) == pytest.approx(1, rel=1e-12)
    assert float(high.evalf()) > 2
    three = read_modes(sh.Spectrum.from_eigenvalues([0.5, 1.0, 2.0]), None)
    root = below.root(three)
    assert isinstance(root, Root)
    assert (root.args[2], root.args[3]) == (0, R(1, 2))
    value = float(root.subs(a, R(1, 3)).evalf())
    assert sum(v / 9 / (v - value) for v in (0.5, 1, 2)) == pytest.approx(1, rel=1e-12)
    assert below.root(Modes(law=MarchenkoPastur(S(1)))) == 0
    assert Secular(s, 1 / (s * lam - 1), lam, 1 / lam, from_below=False).root(Modes(law=MarchenkoPastur(S(1)))) == sp.oo


@pytest.mark.parametrize(
    ("summand", "edge", "explicit"),
    [
        (lambda k: k * lam**2 / (lam - s), lam, True),
        (lambda k: 3 * k * lam**2 / (3 * lam - s / 2), 6 * lam, True),
        (lambda k: k * lam / (lam - s), lam, False),
        (lambda k: k / 2 * lam**3 / (lam - s), lam, False),
    ],
)
@pytest.mark.parametrize("strength", [R(1, 5), R(4, 5)])
def test_roots_below_a_bulk_or_its_edge(summand: Any, edge: sp.Expr, explicit: bool, strength: sp.Expr) -> None:
    """The root of the average by quadrature of the density where that exceeds one at the edge, else the edge."""
    law, (values, weights) = MarchenkoPastur(R(1, 2)), density(0.5)
    equation = Secular(s, summand(strength), lam, edge)
    root = equation.root(Modes(law=law))
    assert (not root.has(Root)) or not explicit
    function = sp.lambdify((s, lam), summand(strength))

    def average(at: float) -> float:
        return float(weights @ function(at, values))

    end = float(edge.subs(lam, law.edge))
    near, found = average(end * (1 - 1e-9)), float(root.evalf())
    if near < 1:
        assert found == pytest.approx(end, rel=1e-12)
        return
    assert found < end
    assert average(found) == pytest.approx(1, rel=1e-8)


def test_roots_above_an_edge() -> None:
    """``∫ k/(sλ - 1) dμ = 1`` beyond ``1/λ_min``, for a bulk and for three and more modes."""
    values, weights = density(0.5)
    for k in (R(1, 10), S(3)):
        equation = Secular(s, k / (s * lam - 1), lam, 1 / lam, from_below=False)
        found = float(equation.root(Modes(law=MarchenkoPastur(R(1, 2)))).evalf())
        end = 1 / float(MarchenkoPastur(R(1, 2)).edge)
        if float(weights @ (float(k) / (end * (1 + 1e-9) * values - 1))) > 1:
            assert found > end
            assert float(weights @ (float(k) / (found * values - 1))) == pytest.approx(1, rel=1e-8)
        else:
            assert found == pytest.approx(end, rel=1e-12)
        for count in (3, 9):
            modes = read_modes(sh.Spectrum.from_eigenvalues(np.arange(1.0, count + 1)), None)
            root = equation.root(modes)
            assert (float(root.args[2]), root.args[3]) == (1, sp.oo)
            at = float(root.evalf())
            assert np.mean(float(k) / (at * np.arange(1, count + 1) - 1)) == pytest.approx(1, rel=1e-10)


def test_which_of_two_roots() -> None:
    quadratic = sp.Poly(2 * s**2 - 10 * s + 12, s)
    assert [_extreme_root(quadratic, smallest=k) for k in (True, False)] == [2, 3]
    assert [_extreme_root(-quadratic, smallest=k) for k in (True, False)] == [2, 3]
    assert _extreme_root(sp.Poly(3 * s - 6 * a, s), smallest=True) == 2 * a
    u = sp.Symbol("u", real=True)
    assert _extreme_root(sp.Poly(u * s**2 - s + 1, s), smallest=True) is None
    assert _extreme_root(sp.Poly(-u * s**2 - s + 1, s), smallest=False) is None
    for factor in (a, -a, 3 * a, u, -u, 1 - u, u - 1, -a * b, a / b):
        for poly, roots in (((s - 2) * (s - 3), [2, 3]), ((s + 2) * (3 * s - 1), [-2, R(1, 3)])):
            found = [_extreme_root(sp.Poly(sp.expand(factor * poly), s), smallest=k) for k in (True, False)]
            assert [sp.simplify(e) for e in found] == roots  # type: ignore[arg-type]
    two = [_extreme_root(sp.Poly((s - a) * (s - a - b), s), smallest=k) for k in (True, False)]
    assert [sp.simplify(e) for e in two] == [a, a + b]


def test_roots_get_letters() -> None:
    inner = Root(s**2 - a, s, 0, sp.oo)
    outer = Root(s - inner - b, s, 0, sp.oo)
    expr, found = roots_named(outer * sp.Symbol("s") + inner)
    assert [str(name) for name, _ in found] == ["s_1", "s_2"]
    assert found[0][1] == inner
    assert found[1][1].equation.has(found[0][0])
    assert expr.free_symbols >= {name for name, _ in found}


# --- networks -----------------------------------------------------------------------------------------------
def linearisation(pull: Any, kick: Any, share: Any) -> Linearisation:
    return Linearisation(np.ones(len(pull)), *(np.array(e, dtype=float) for e in (pull, kick, share)))


def test_the_rate_of_a_networks_classes() -> None:
    """Against the eigenvalues of ``m' = -2 pull m + 2 kick share·m``."""
    at = linearisation([1.0, 0.4, 0.0], [0.5, 0.3, 2.0], [0.3, 0.6, 0.1])
    assert at.load == pytest.approx(0.3 * 0.5 + 0.6 * 0.3 / 0.4)
    live = np.diag([-2.0, -0.8]) + 2 * np.outer([0.5, 0.3], [0.3, 0.6])
    assert at.rate() == pytest.approx(-np.linalg.eigvals(live).real.max(), rel=1e-10)
    assert linearisation([1.0, 0.4], [0.0, 0.0], [0.5, 0.5]).rate() == pytest.approx(0.8)
    growing = linearisation([0.5], [2.0], [0.5])
    assert growing.rate() == pytest.approx(-1.0, rel=1e-10)
    with pytest.raises(ValueError, match="no class is pulled to its minimiser"):
        linearisation([0.0], [1.0], [1.0]).rate()
