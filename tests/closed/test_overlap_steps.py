"""Rates read off fixed points, and refusals on the way, on points and systems made by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed import rest
from symhigh.closed.finder import DoesNotApply, factored
from symhigh.closed.flow import flow_of
from symhigh.closed.limits import _check_directions
from symhigh.closed.overlaps import RATE, _decay, _exists, _first_root, _sign
from symhigh.symbols import B11, B12

z, a = sp.Symbol("z"), sp.Symbol("a", positive=True)
R = sp.Rational


def decay(risk: sp.Expr, J: Any, *eigenvalues: Any) -> sp.Expr:
    flow = tuple(row[0] * B11 + row[1] * B12 for row in J)
    plane: Any = SimpleNamespace(risk=risk, flow=flow, at=lambda expr, p, m: sp.sympify(expr))
    formula = lambda e: sh.Formula(sp.sympify(e))  # noqa: E731
    first, second = eigenvalues
    point: Any = SimpleNamespace(
        B11=formula(1), B12=formula(1), eigenvalues=(formula(first), formula(second)),
        trace=formula(first + second), determinant=formula(first * second),
    )  # fmt: skip
    return _decay(plane, point)


def test_the_risk_shows_the_slowest_eigenvalue_that_its_gradient_meets() -> None:
    J = ((-3, 1), (0, -1))
    assert decay(B11 + 2 * B12, J, -3, -1) == 1
    assert decay(B11 - B12 / 2, J, -3, -1) == 2  # the slow one shows in the square alone
    assert decay(B12, J, -3, -1) == 1  # the fast one is missed, and at twice its rate no slower
    assert decay(B11, ((-1, 0), (0, -5)), -1, -5) == 1
    root = sp.CRootOf(z**3 - z + 1, 0)
    assert decay(B11 + B12, ((root, 0), (0, -1)), root, sp.S.NegativeOne) == 1
    wave = sp.sqrt(a - 4)
    turning = decay(B11 + B12, ((-1, -2), (2, -1)), (-3 + wave) / 2, (-3 - wave) / 2)
    assert [turning.subs(a, at) for at in (1, R(7, 2), 5)] == [R(3, 2), R(3, 2), 1]


def test_signs_and_roots_at_a_small_rate() -> None:
    assert _sign(sh.Formula(RATE - a)) < 0
    assert _sign(sh.Formula(sp.sqrt(RATE - a))) is sp.nan
    point: Any = SimpleNamespace(risk=sh.Formula(a, (a > RATE, sp.Gt(1 - RATE, 0))))
    assert _exists(point)
    point.risk = sh.Formula(a, (sp.Lt(a, RATE),))
    assert not _exists(point)
    assert _first_root((RATE - 3) * (RATE - a) * (RATE + 5)) == a
    assert _first_root((RATE - R(1, 3)) / (RATE + a)) == R(1, 3)
    assert _first_root(RATE**2 + 1) is None
    assert _first_root(sp.sqrt(RATE) - 1) is None


def test_large_integers_are_not_factored() -> None:
    assert factored(z**2 - 1) == (z - 1) * (z + 1)
    long = z**2 * 2**600 - 2**600
    assert factored(long) == long
    assert factored(a * (z**2 - 1) * sp.Integer(2) ** 511) == 2**511 * a * (z - 1) * (z + 1)
    for bits in (511, 512):
        grown = sp.expand((2**bits + 1) * z**2 - (2**bits + 1))
        assert (factored(grown) == grown) is (bits == 512)


def test_directions_and_starts_that_do_not_go_together() -> None:
    one, two = (SimpleNamespace(problem=SimpleNamespace(directions=(1,) * n, name="p")) for n in (2, 3))
    start, overlaps = sh.Start(), sh.Overlaps([[1, 0.2], [0.2, 1]])
    _check_directions(one, start, None)  # type: ignore[arg-type]
    _check_directions(two, None, overlaps)  # type: ignore[arg-type]
    for system, begin, given in ((two, start, None), (one, None, overlaps)):
        with pytest.raises((TypeError, ValueError), match=r"direction"):
            _check_directions(system, begin, given)  # type: ignore[arg-type]


def test_what_has_no_closed_limit_on_the_way() -> None:
    name = sp.Symbol("A")
    field = SimpleNamespace(outputs={"risk": sp.sqrt(name)}, couplings=[SimpleNamespace(name=name, summand=B11)])
    modes: Any = SimpleNamespace(vectors=(), numbers=(), moments=lambda kept: [], risk=sp.S.Zero)
    with pytest.raises(DoesNotApply, match="the risk of the weights that it reports is no second moment"):
        rest._outputs(SimpleNamespace(field=field), modes, SimpleNamespace(), sp.S.One, ())  # type: ignore[arg-type]
    field.outputs = {"distance": name, "average_risk": sp.sqrt(name)}
    assert rest._outputs(SimpleNamespace(field=field), modes, SimpleNamespace(), sp.S.One, ()) == {}  # type: ignore[arg-type]
    averaged = sh.derive(sh.committee(2, 1, "linear"), sh.Averaged(sh.Constant(0.1)))
    with pytest.raises(DoesNotApply, match="its modes see"):
        flow_of(averaged, None, None)
    with pytest.raises(DoesNotApply, match="it has one direction"):
        flow_of(sh.derive(sh.least_squares(), sh.Constant(0.1)), None, None)
    with pytest.raises(DoesNotApply, match="more than second moments"):
        flow_of(sh.derive(sh.committee(2, 1, "linear"), sh.AdaGrad(0.1, 1)), None, None)
    with pytest.raises(DoesNotApply, match="its spectrum holds symbols"):
        flow_of(sh.derive(sh.committee(2, 1, "linear"), sh.Constant(0.1)), sh.Spectrum.isotropic(a), None)
    many = sh.Spectrum.from_eigenvalues([1.0, 2, 3, 4, 5, 6, 7, 8, 9])
    with pytest.raises(DoesNotApply, match="the spectrum has 9 eigenvalues"):
        flow_of(sh.derive(sh.committee(2, 1, "linear"), sh.Constant(0.1)), many, None)
