"""Source of formulas as text and as values: constants beyond integers and doubles, cases, branches, names, guards."""

from __future__ import annotations

import math
from typing import Any

import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.at_rest import AtRest
from symhigh.closed.code import c_source, narrowed, python_source
from symhigh.closed.entrywise import Bickley
from symhigh.closed.formula import Formula
from symhigh.closed.marchenko_pastur import ANGLE, HalfTurn
from symhigh.closed.nodes import MU, Average, Choice, Root
from symhigh.symbols import lam

a, b = sp.symbols("a b", positive=True)
w = sp.Symbol("w", real=True)
R = sp.Rational


def value(formula: Formula, **given: float) -> float:
    namespace: dict[str, Any] = {}
    exec(python_source(formula, "f"), namespace)  # the source is what is under test
    return float(namespace["f"](**given))


@pytest.mark.parametrize("size", [2**31, -(2**31), 2**40, R(1, 2**31), R(3, 2**33), R(2**31, 7)])
def test_long_numbers_become_floats(size: Any) -> None:
    for expr in (a * size, a + size, a * size * b, sp.atan(size / a), sp.log(a + size**2)):
        found = narrowed(expr, "f")
        assert found.atoms(sp.Float)
        assert not any(abs(n.p) >= 2**31 or n.q >= 2**31 for n in found.atoms(sp.Rational))
        at = {a: R(13, 10), b: R(7, 10)}
        assert found.subs(at).evalf(20) == pytest.approx(expr.subs(at).evalf(20), rel=1e-14, abs=0)


@pytest.mark.parametrize("size", [2**31 - 1, -(2**31) + 1, R(1, 2**31 - 1), R(5, 3), 0])
def test_other_numbers_stay(size: Any) -> None:
    for expr in (a * size, a + size, sp.exp(a * size)):
        assert narrowed(expr, "f") is expr


@pytest.mark.parametrize(("size", "held"), [
    (10**299, True), (9 * 10**299, True), (15 * 10**299, False), (-(9 * 10**299), True), (-15 * 10**299, False),
    (R(11, 10**301), True), (R(9, 10**301), False), (R(15, 10**300), True), (-R(15, 10**300), True),
])  # fmt: skip
def test_numbers_beyond_doubles_are_refused(size: Any, held: bool) -> None:
    if held:
        assert float(narrowed(sp.sympify(size) * a, "f").subs(a, 1)) == pytest.approx(float(size), rel=1e-15, abs=0)
        return
    with pytest.raises(ValueError, match="f: a constant of the formula is beyond what doubles hold"):
        narrowed(sp.sympify(size) * a, "f")


def test_constants_that_balance_are_taken_together() -> None:
    wide = sp.Mul(sp.Integer(10) ** 400, a, R(1, 10**399), evaluate=False)
    assert float(narrowed(wide, "f").subs(a, 2)) == 20
    gone = sp.Add(sp.Integer(10) ** 40, a, -(sp.Integer(10) ** 40) + 3, evaluate=False)
    assert float(narrowed(gone, "f").subs(a, 2)) == 5
    bound = Average(lam * 2**35, sp.Tuple(sp.Tuple(1, 2), sp.Tuple(R(1, 2), R(1, 2))))
    assert float(narrowed(bound, "f").evalf(20)) == 1.5 * 2**35


def test_cases_and_branches() -> None:
    choice = Formula(Choice(a - 1, 2 * a, a**2))
    assert [value(choice, a=v) for v in (0.5, 1.0, 3.0)] == [0.25, 1.0, 6.0]
    assert "((a - 1) > 0 ? (2*a) : (pow(a, 2)))" in c_source(choice, "f")
    for branch, x in ((None, 0.7), (0, 0.7), (-1, -0.2)):
        expr = sp.LambertW(w) if branch is None else sp.LambertW(w, branch)
        found = value(Formula(expr), w=x)
        assert found * math.exp(found) == pytest.approx(x, rel=1e-14)
        assert (found < -1) is (branch == -1)
    assert "lambert_w(w, 0)" in c_source(Formula(sp.LambertW(w)), "f")
    assert "lambert_w(w, -1)" in c_source(Formula(sp.LambertW(w, -1)), "f")
    assert "lambert_w" not in c_source(choice, "f")


def test_roots_and_averages_in_python() -> None:
    z = sp.Symbol("z")
    assert value(Formula(3 * Root(z**2 - a, z, 0, a + 1)), a=7.0) == pytest.approx(3 * 7**0.5, rel=1e-13)
    assert value(Formula(Root(z**3 - a, z, 1, sp.oo)), a=70.0) == pytest.approx(70 ** (1 / 3), rel=1e-13)
    assert value(Formula(Root(a - z, z, -5, sp.oo)), a=2.5) == pytest.approx(2.5, rel=1e-13)
    halves = sp.Tuple(sp.Tuple(1, 3), sp.Tuple(R(1, 4), R(3, 4)))
    assert value(Formula(Average(lam**2 + a * lam, halves)), a=2.0) == pytest.approx(0.25 * 3 + 0.75 * 15, rel=1e-15)
    assert "brentq" not in python_source(Formula(a), "f")
    assert "scipy" not in python_source(Formula(a), "f")
    assert value(Formula(sp.gamma(a) + sp.erfc(a)), a=2.5) == pytest.approx(math.gamma(2.5) + math.erfc(2.5), rel=1e-15)
    assert python_source(Formula(R(1, 2) + sp.pi), "half").count("def half():") == 1
    assert value(Formula(R(1, 2) + sp.pi)) == pytest.approx(0.5 + math.pi)
    assert "double half(void)" in c_source(Formula(R(1, 2) + sp.pi), "half")


def test_guards() -> None:
    guarded = Formula(a * b, (sp.StrictLessThan(a, 2), sp.GreaterThan(b, 1)), "here", "a product")
    assert value(guarded, a=1.5, b=1.0) == 1.5
    for given in ({"a": 2.0, "b": 3.0}, {"a": 1.0, "b": 0.9}):
        with pytest.raises(ValueError, match="f: needs"):
            value(guarded, **given)
    text = c_source(guarded, "f")
    assert "if (!(a < 2 && b >= 1 && a > 0 && b > 0)) return NAN;" in text
    assert "/* a product. Source: here. */" in text
    assert "double f(double a, double b)" in text
    assert "NAN" not in c_source(Formula(w), "f")


@pytest.mark.parametrize(("expr", "python", "c"), [
    (Bickley(1, a), "holds no Bickley functions", ""),
    (Average(lam * a, MU), "the spectrum is open", "have no C form"),
    (HalfTurn(sp.cos(ANGLE) + a), "has no short form", "have no C form"),
    (Root(w**2 - a, w, 0, sp.oo), "", "have no C form"),
    (AtRest(w, (w,), (), (a - w,), (a,)), "Formula.python: ", "Formula.c: "),
])  # fmt: skip
def test_what_has_no_source_is_said(expr: sp.Expr, python: str, c: str) -> None:
    for words, make in ((python, python_source), (c, c_source)):
        if words:
            with pytest.raises(ValueError, match=words):
                make(Formula(expr), "f")


@pytest.mark.parametrize("name", ["", "2x", "a b", "for", "é", "x-y", None, 3])
def test_names_are_identifiers(name: Any) -> None:
    for make in (python_source, c_source):
        with pytest.raises(TypeError if not isinstance(name, str) else ValueError, match="name must be an identifier"):
            make(sh.Formula(a), name)
    assert "def _x2(" in python_source(sh.Formula(a), "_x2")
