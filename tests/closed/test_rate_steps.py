"""The steps to an exponential rate on inputs made by hand: refined zeros, roots over a spectrum, ends of a bulk."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.approach import RHO, SlowestRoot, _compared, _end, _plus, _solved, _times
from symhigh.closed.modes import read_modes
from symhigh.closed.resting import LEVEL
from symhigh.closed.slowest import _between_poles, _refined
from symhigh.symbols import lam

mpf, mpc = mpmath.mpf, mpmath.mpc
R = sp.Rational
TWO = read_modes(sh.Spectrum.from_eigenvalues([1.0, 2.0], [0.25, 0.75]), sh.Start())


# --- zeros next to a guess ----------------------------------------------------------------------------------
def test_a_guess_is_refined_to_the_working_precision() -> None:
    with mpmath.workdps(40):
        found = _refined(lambda z: z**2 - 2, complex(2**0.5, 0))
        assert abs(found - mpmath.sqrt(2)) < mpf(10) ** -38
        pair = _refined(lambda z: z**2 + 2 * z + 5, complex(-1, 2) * (1 + 1e-8))
        assert abs(pair - mpc(-1, 2)) < mpf(10) ** -38
        steep = _refined(lambda z: mpmath.sign(z - mpf("0.3")) * abs(z - mpf("0.3")) ** 0.25, complex(0.3 + 1e-11, 0))
        assert abs(steep - mpf("0.3")) < mpf(10) ** -30
        double = _refined(lambda z: (z - 1) ** 2 + mpf(10) ** -60, complex(1 + 1e-7, 1e-30))
        assert double is None or abs(double - 1) < 1e-5
        below = _refined(lambda z: mpmath.sqrt(3 - z) - 1 - z / 100, complex(1.9414, 0), mpf(3))
        assert below is None  # further off than doubles are
        near = mpmath.findroot(lambda z: mpmath.sqrt(3 - z) - 1 - z / 100, 1.96)
        assert abs(_refined(lambda z: mpmath.sqrt(3 - z) - 1 - z / 100, complex(float(near), 0), mpf(3)) - near) < 1e-35


def test_what_is_no_zero_is_not_refined() -> None:
    with mpmath.workdps(30):
        assert _refined(lambda z: 1 / (z - mpf(1) / 3), complex(1 / 3, 0)) is None  # a pole
        assert _refined(lambda z: z**2 - 2, complex(1.3, 0)) is None  # another place
        assert _refined(lambda z: z**2 + 1, complex(1.0, 0)) is None
        assert _refined(lambda z: z - mpc(1, 1) * (1 + mpf(10) ** -4), complex(1, 1)) is None


def test_a_zero_that_doubles_cannot_tell_from_a_pole() -> None:
    with mpmath.workdps(60):
        for share, sides in ((mpf(10) ** -20, 1), (-(mpf(10) ** -20), -1)):
            found = _between_poles(lambda z, w=share: w / (1 - z) + 1 / (3 - z), [mpf(1), mpf(3)], 1.0)
            exact = (3 * share + 1) / (share + 1)  # share (3 - z) = z - 1
            assert abs(found - exact) < mpf(10) ** -50
            assert (found > 1) is (sides > 0)
        assert _between_poles(lambda z: z - 2, [mpf(1), mpf(3)], 1.0) is None  # the zero of the gap lies elsewhere
        assert _between_poles(lambda z: z + 2, [mpf(1)], 1.0) is None


# --- roots over a spectrum ----------------------------------------------------------------------------------
def slowest(summand: sp.Expr, *modes: tuple[Any, Any], level: Any = 1, turning: bool = False) -> float:
    values, weights = (sp.Tuple(*map(sp.nsimplify, part)) for part in zip(*modes, strict=True))
    return float(SlowestRoot(summand, sp.sympify(level), sp.Tuple(values, weights), turning).evalf(20))


def test_the_slowest_root_of_a_secular_equation() -> None:
    quarter = (1, R(1, 4)), (2, R(3, 4))  # ρ² - 2ρ + 3/4 = 0
    assert slowest(1 / (lam - RHO), *quarter) == pytest.approx(0.5, rel=1e-15)
    assert slowest(1 / (lam - RHO), *quarter, turning=True) == 0
    assert slowest(LEVEL / (lam - RHO), *quarter, level=R(1, 2)) == pytest.approx(
        min(np.roots([1, -2.5, 2 - 0.5 * 1.25]).real), rel=1e-14
    )
    pair = -lam / (RHO**2 - 2 * RHO + 4)  # ρ = 1 ± 2i
    assert slowest(pair, (1, 1)) == pytest.approx(1, rel=1e-15)
    assert slowest(pair, (1, 1), turning=True) == pytest.approx(2, rel=1e-15)


def test_a_pole_that_all_modes_share_counts_once() -> None:
    """``Σ w λ/(λ - ρ) = ρ - 3``."""
    left = np.polyadd(0.25 * np.array([-1, 2.0]), 0.75 * 2 * np.array([-1, 1.0]))
    right = np.polymul([1, -3], np.polymul([-1, 1], [-1, 2]))
    roots = np.roots(np.polysub(left, right))
    first = min(roots, key=lambda z: z.real)
    summand = lam / ((RHO - 3) * (lam - RHO))
    assert slowest(summand, (1, R(1, 4)), (2, R(3, 4))) == pytest.approx(first.real, rel=1e-12)
    assert slowest(summand, (1, R(1, 4)), (2, R(3, 4)), turning=True) == pytest.approx(abs(first.imag), abs=1e-12)


def test_a_double_pole_that_all_modes_share_counts_twice() -> None:
    """``-(1/2 - ρ) Σ w λ/(λ - ρ) = (ρ - 1/10)²``, whose slowest roots are a pair to the right of the pole."""
    left = np.polyadd(0.25 * np.array([-1, 2.0]), 0.75 * 2 * np.array([-1, 1.0]))
    right = np.polymul([1, -0.2, 0.01], np.polymul([-1, 1], [-1, 2]))
    first = min(np.roots(np.polysub(np.polymul([1, -0.5], left), right)), key=lambda z: z.real)
    assert first.real > 0.2
    summand = -(R(1, 2) - RHO) * lam / ((RHO - R(1, 10)) ** 2 * (lam - RHO))
    modes = (1, R(1, 4)), (2, R(3, 4))
    assert slowest(summand, *modes) == pytest.approx(first.real, rel=1e-12)
    assert slowest(summand, *modes, turning=True) == pytest.approx(abs(first.imag), rel=1e-12)


def test_symbols_of_a_root_and_polynomials() -> None:
    a = sp.Symbol("a", positive=True)
    root = SlowestRoot(a / (lam - RHO), LEVEL, sp.Tuple(sp.Tuple(1), sp.Tuple(1)))
    assert root.free_symbols == {a, LEVEL}
    assert root.evalf() == root
    assert sp.latex(root).startswith(r"\operatorname{Re}")
    assert sp.latex(SlowestRoot(1 / (lam - RHO), LEVEL, root.args[2], True)).startswith(r"\operatorname{Im}")
    assert _times([1, 2], [3, 0, -1]) == [3, 6, -1, -2]
    assert _plus([1, 2], [3, 0, -1]) == [3, 1, 1]
    matrix, right = sp.Matrix([[2, a], [1, 3]]), sp.Matrix([1, a])
    assert (matrix * sp.Matrix(_solved(matrix, right)) - right).applyfunc(sp.cancel) == sp.zeros(2, 1)


def test_a_comparison_of_roots_takes_few_modes() -> None:
    found = _compared(1 / (lam - RHO), TWO, sp.S.One, ())
    assert float(found["rate"].evaluate()) == pytest.approx(0.5)
    assert float(found["frequency"].evaluate()) == 0
    assert _compared(1 / (lam - RHO), read_modes(None, None), sp.S.One, ()) == {}


# --- the end of the bulk ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("A", "expected"),
    [
        ([[-3 * lam]], 6.0),
        ([[-lam, 0], [0, -3]], 2.0),
        ([[-3 * lam, 0], [0, -2]], 4.0),
        ([[-sp.sqrt(lam), 0], [0, -3]], 2.0),
        ([[0, -1], [2 * lam, -3]], 3 - 1.0),
    ],
)
def test_twice_the_slowest_decay_is_at_an_end(A: Any, expected: float) -> None:
    found = _end(sp.Matrix(A), TWO)
    slow = min(
        -2 * np.linalg.eigvals(np.array(sp.Matrix(A).subs(lam, v).tolist(), dtype=float)).real.max()
        for v in np.linspace(1, 2, 41)
    )
    assert float(found.evalf()) == pytest.approx(slow, rel=1e-12)  # type: ignore[union-attr]
    assert slow == pytest.approx(expected)


def test_ends_that_are_not_known() -> None:
    assert _end(sp.Matrix(3, 3, lambda i, j: -lam if i == j else 0), TWO) is None
    assert _end(sp.Matrix([[-lam, 0], [0, -(lam**2)]]), TWO) is None
    open_end = _end(sp.Matrix([[-2 * lam]]), read_modes(None, None))
    assert open_end is not None
    assert [str(s) for s in open_end.free_symbols] == ["lambda_min"]
