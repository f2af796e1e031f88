"""The steps to a network's long time on classes made by hand: curvatures, floors, lazy training, refusals."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.finder import DoesNotApply
from symhigh.closed.network_limits import (
    _adagrad,
    _balance,
    _Classes,
    _floor,
    _inverse,
    _lazy,
    _lost,
    gradient_square,
)
from symhigh.problem.model import u, v
from symhigh.rule.adagrad_norm import B0, ETA
from symhigh.symbols import lam

R = sp.Rational
GIVEN = sh.NetworkClasses([1.0, 0.5], [0.75, -2.0], [1.0, 2.0], [0.5, -1.0], [0.25, 0.75])
BALANCE = u**2 - v**2


def classes(*near: bool) -> _Classes:
    return _Classes(sh.PRODUCT, GIVEN, list(near))


def test_how_steep_a_product_is() -> None:
    assert gradient_square(sh.PRODUCT, BALANCE) == (4, 1)
    assert gradient_square(sh.SQUARES, u * v) == (16, 64)  # (4u² + 4v²)² = 16 (u² - v²)² + 64 u²v²
    with pytest.raises(DoesNotApply, match="is no combination of θ² and the square of the balance"):
        gradient_square(sh.PRODUCT, u)
    with pytest.raises(DoesNotApply, match="no polynomial of u and v decays without noise"):
        _balance(SimpleNamespace(balance=None))  # type: ignore[arg-type]
    assert _balance(SimpleNamespace(balance=SimpleNamespace(function=BALANCE))) == BALANCE  # type: ignore[arg-type]


def test_averages_and_curvatures_of_classes() -> None:
    at = classes(True, True)
    assert at.column("theta_star") == [R(3, 4), -2]
    assert at.mean([sp.Integer(4), sp.Integer(8)]) == 7
    found = at.curvatures(BALANCE, sp.Integer(1))
    assert found == [sp.sqrt(4 * R(9, 16) + R(9, 16)), sp.sqrt(16 + 9) / 2]
    assert at.curvatures(BALANCE, sp.Integer(0)) == [R(3, 2), 2]
    assert at.curvatures(BALANCE, lam)[1] == sp.sqrt(16 + R(9, 4)) / 2
    assert classes(True, False).curvatures(BALANCE, sp.Integer(0)) == [R(3, 2), 0]
    assert _lost(at) == ([1, R(1, 2)], [0, 0])
    assert _lost(classes(True, False)) == ([1, R(1, 2)], [0, -2])
    assert (_inverse(sp.Integer(0), sp.Integer(3)), _inverse(sp.Integer(2), sp.Integer(3))) == (sp.oo, R(3, 2))


@pytest.mark.parametrize("near", [(True, True), (True, False)])
def test_the_floor_of_small_steps(near: tuple[bool, bool]) -> None:
    """``R = ω²/2 + ½ mean λ (θ*² - max(|θ*| - γR, 0)²)``, of targets out of reach θ*²."""
    step, noise = 0.2, 0.5
    risk = float(_floor(sp.nsimplify(step), classes(*near), sp.Integer(4), sp.nsimplify(noise)).evalf())
    errors = [
        aim**2 - (max(abs(aim) - step * risk, 0) ** 2 if reached else 0)
        for aim, reached in zip((0.75, -2.0), near, strict=True)
    ]
    assert risk == pytest.approx(noise / 2 + np.dot([0.25, 0.75], [errors[0], errors[1] / 2]) / 2, rel=1e-12)
    assert risk > noise / 2


def test_lazy_training_by_hand() -> None:
    """γ solves ``Ψ + (4η²/A)/γ + 2η² log γ = (4η²/A) b/η + 2η² log(η/b)``, below the turning point 2/A."""
    found = _lazy(classes(True, True)).subs({ETA: R(3, 10), B0: 2})
    gamma = float(found.evalf())
    steep = [1.25, 5.0]
    A = 0.25 * steep[0] + 0.75 * 0.5 * steep[1]
    gap = 0.25 * (0.5 - 0.75) ** 2 / steep[0] + 0.75 * (-2.0 + 2.0) ** 2 / steep[1]
    a, c = 4 * 0.09 / A, 2 * 0.09
    assert gap + a * 2 / 0.3 + c * np.log(0.3 / 2) == pytest.approx(a / gamma + c * np.log(gamma), rel=1e-10)
    assert gamma < min(2 / A, 0.15)
    still = _Classes(sh.PRODUCT, sh.NetworkClasses([1.0], [1.0], [0.0], [0.0]), [True])
    with pytest.raises(DoesNotApply, match="a class starts at u = v = 0"):
        _lazy(still)
    with pytest.raises(DoesNotApply, match="where its target is out of reach"):
        _adagrad(SimpleNamespace(), classes(True, False))  # type: ignore[arg-type]


def test_late_rates_with_noise() -> None:
    balance = SimpleNamespace(function=BALANCE)
    system: Any = SimpleNamespace(noise=sp.Integer(2), noise_square=sp.Integer(4), balance=balance)
    found = _adagrad(system, classes(True, True))
    mean = 0.25 * 1.5 + 0.75 * 2
    at = {"t": 100, "eta": 0.3}
    assert float(found["learning_rate_asymptotic"].evaluate(**at)) == pytest.approx(0.3 / np.sqrt(4 * mean * 100))
    assert float(found["excess_risk_asymptotic"].evaluate(**at)) == pytest.approx(0.3 * np.sqrt(4 * mean / 100) / 4)
