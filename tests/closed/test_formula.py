"""Formulas: assumptions enforced, digits, code that computes the same as the formula."""

import pickle
import re
import shutil
import subprocess

import mpmath
import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.brackets import bracketed_root
from symhigh.closed.formula import Formula
from symhigh.closed.formulas import Formulas
from symhigh.closed.nodes import Average, Root
from symhigh.symbols import lam

a = sp.Symbol("a", positive=True)
z = sp.Symbol("z", real=True)
HALVES = sp.Tuple(sp.Tuple(1, 2), sp.Tuple(sp.Rational(1, 2), sp.Rational(1, 2)))


def lambert() -> Formula:
    return Formula(sp.LambertW(-sp.exp(-1 - a), -1) * a, (sp.Lt(a, 50),))


def test_evaluates_to_the_digits_asked_for() -> None:
    with mpmath.workdps(60):
        for digits in (15, 50):
            w = lambert().evaluate(digits=digits, a=sp.Rational(1, 10**12)) * 10**12
            assert (
                abs(w * mpmath.exp(w) + mpmath.exp(-1 - mpmath.mpf(10) ** -12))
                < mpmath.mpf(10) ** (-digits) * 2
            )
            assert w < -1


def test_broken_assumption_is_named_with_its_values() -> None:
    with pytest.raises(ValueError, match=r"a < 50 is broken at a = 60"):
        lambert().evaluate(a=60)
    with pytest.raises(ValueError, match=r"a > 0 is broken"):
        lambert().evaluate(a=-1)


def test_assumptions_follow_a_substitution_and_stay_readable() -> None:
    with pytest.raises(ValueError, match="60 < 50 is broken"):
        lambert().subs({a: 60}).evaluate()


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({}, ValueError, "give a value for a"),
        ({"a": 1, "c": 2}, ValueError, "the formula has a"),
        ({"a": "1"}, TypeError, "must be a number"),
        ({"a": float("nan")}, ValueError, "finite"),
    ],
)
def test_wrong_values(values: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        lambert().evaluate(**values)


def test_not_real_is_refused() -> None:
    with pytest.raises(ValueError, match="not real"):
        Formula(sp.sqrt(z)).evaluate(z=-1)


def test_root_of_an_average_solves_its_equation() -> None:
    x = sp.Symbol("x", positive=True)
    root = Root(Average(lam / (2 * lam - x), HALVES) - a, x, 0, 2)
    value = Formula(root).evaluate(digits=40, a=3)
    with mpmath.workdps(50):
        assert 0 < value < 2
        assert abs((1 / (2 - value) + 2 / (4 - value)) / 2 - 3) < mpmath.mpf(10) ** -37


def test_root_outside_its_interval_is_an_error() -> None:
    x = sp.Symbol("x", positive=True)
    with pytest.raises(ValueError, match="no sign change"):
        Formula(Root(x + 1, x, 0, 2)).evaluate()


def test_bound_variables_are_not_free() -> None:
    x = sp.Symbol("x", positive=True)
    root = Root(Average(a * lam - x, HALVES), x, 0, sp.oo)
    assert root.free_symbols == {a}
    assert float(root.subs(x, 5).evalf(20, subs={a: 2})) == 3
    assert float(Formula(root).subs({a: sp.Integer(2)}).expr.evalf(20)) == 3


def python_function(formula: Formula):
    namespace: dict = {}
    exec(formula.python("f"), namespace)  # the source is what is under test
    return namespace["f"]


def test_python_source_computes_the_formula() -> None:
    x = sp.Symbol("x", positive=True)
    with_root = Formula(Root(Average(lam / (2 * lam - x), HALVES) - a, x, 0, 2) + sp.erf(a))
    for formula in (lambert(), with_root):
        f = python_function(formula)
        assert f(a=3.0) == pytest.approx(float(formula.evaluate(a=3)), rel=1e-13)
    with pytest.raises(ValueError, match="needs a < 50"):
        python_function(lambert())(a=60.0)


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_c_source_computes_the_formula(tmp_path) -> None:
    zero = Formula(sp.LambertW(a) + sp.LambertW(-sp.exp(-1 - a)), source="branch 0")
    main = "#include <stdio.h>\nint main(void) {\n    double a[] = {1e-3, 0.3, 2, 20};\n" + (
        '    for (int k = 0; k < 4; ++k) printf("%.17g %.17g\\n", f(a[k]), g(a[k]));\n    return 0;\n}\n'
    )
    text = lambert().c("f") + zero.c("g").replace("#define _GNU_SOURCE\n", "").split("}\n\n", 1)[1] + main
    (tmp_path / "f.c").write_text(text)
    subprocess.run(["cc", "-O1", "f.c", "-o", "f", "-lm"], cwd=tmp_path, check=True)
    out = subprocess.run([str(tmp_path / "f")], capture_output=True, text=True, check=True).stdout
    for line, value in zip(out.splitlines(), (1e-3, 0.3, 2.0, 20.0), strict=True):
        f, g = map(float, line.split())
        assert f == pytest.approx(float(lambert().evaluate(a=value)), rel=1e-11)
        assert g == pytest.approx(float(zero.evaluate(a=value)), rel=1e-11)


def test_long_integers_do_not_wrap_in_c_nor_overflow_in_python(tmp_path) -> None:
    """A literal of 173 digits, and a product whose factors are each beyond doubles."""
    huge = sp.Integer(10) ** 400
    wide = Formula(
        huge ** sp.Rational(1, 3) * (huge + 1) ** sp.Rational(-1, 3) / a + (3**363) ** sp.Rational(1, 40) * a
    )
    assert "e" in wide.c() or "." in wide.c()
    exact_value = float(wide.evaluate(a=2.5))
    assert python_function(wide)(a=2.5) == pytest.approx(exact_value, rel=1e-14)
    assert max(map(len, re.findall(r"[0-9]+", wide.c()))) <= 20
    if shutil.which("cc"):
        main = '#include <stdio.h>\nint main(void) { printf("%.17g\\n", f(2.5)); return 0; }\n'
        (tmp_path / "f.c").write_text(wide.c("f") + main)
        subprocess.run(["cc", "-O1", "f.c", "-o", "f", "-lm"], cwd=tmp_path, check=True)
        out = subprocess.run([str(tmp_path / "f")], capture_output=True, text=True, check=True).stdout
        assert float(out) == pytest.approx(exact_value, rel=1e-14)
    with pytest.raises(ValueError, match="beyond what doubles hold"):
        Formula(huge * a).c()


def test_the_formula_of_a_power_law_is_the_same_in_c(tmp_path) -> None:
    formula = sh.limits(
        sh.least_squares(0.7), sh.LineSearch(), sh.Spectrum.power_law(0.2), sh.Start(1, 0.8, 0.3)
    )["excess_risk_asymptotic"]
    assert float(formula.evaluate(t=37.5)) == pytest.approx(0.00695972975, rel=1e-8)
    assert python_function(formula)(t=37.5) == pytest.approx(0.00695972975, rel=1e-8)
    assert "0.0387423655609504" in formula.c()


def test_arrays_are_evaluated_entry_by_entry() -> None:
    formula = Formula(sp.sqrt(a) + z)
    grid = formula.evaluate(a=np.array([[1.0], [4.0]]), z=[0, 1, 2])
    np.testing.assert_allclose(grid, [[1, 2, 3], [2, 3, 4]], rtol=1e-15)
    assert grid.dtype == float
    fine = formula.evaluate(30, a=[2], z=0)
    with mpmath.workdps(30):
        assert abs(fine[0] - mpmath.sqrt(2)) < mpmath.mpf(10) ** -28
    with pytest.raises(ValueError, match="a > 0 is broken"):
        formula.evaluate(a=[1.0, -1.0], z=0)


def test_names_are_those_of_the_python_function_too() -> None:
    formula = Formula(sp.Symbol("lambda", positive=True) * sp.Symbol("b_k^2"))
    assert formula.evaluate(lambda_=2, **{"b_k^2": 3}) == 6
    assert formula.evaluate(**{"lambda": 2, "b_k_2": 3}) == 6
    assert python_function(formula)(lambda_=2, b_k_2=3) == 6
    with pytest.raises(ValueError, match="given twice"):
        formula.evaluate(lambda_=2, b_k_2=1, **{"lambda": 2})
    clash = Formula(sp.Symbol("u v") + sp.Symbol("u_v"))
    assert python_function(clash)(u_v=1, u_v_=2) == 3


def test_an_open_spectrum_is_said() -> None:
    rate = sh.limits(sh.least_squares(), sh.Constant(0.3))["rate"]
    for values in ({}, {"lambda_min": 0.1}, {"mu": 1, "lambda_min": 1}):
        with pytest.raises(ValueError, match=r"an average over a spectrum, which is open; give limits"):
            rate.evaluate(**values)


def test_a_pole_is_no_root() -> None:
    with pytest.raises(ValueError, match="at a pole near 1"):
        bracketed_root(lambda v: 1 / (v - 1), mpmath.mpf(0), mpmath.mpf(3))
    assert bracketed_root(lambda v: v**3 - 2, mpmath.mpf(0), mpmath.inf) == pytest.approx(
        2 ** (1 / 3), rel=1e-14
    )


def test_an_expression_without_a_value_says_what_is_open() -> None:
    unknown = sp.Function("f")
    with pytest.raises(ValueError, match=r"f\(a\) has no numeric value at a = 2.0000000; it holds an unknown function"):
        Formula(unknown(a)).evaluate(a=2)


def test_empty_lists_of_values_are_refused() -> None:
    for empty in ([], np.array([])):
        with pytest.raises(ValueError, match=r"Formula.evaluate\(a=.*\): give at least one value"):
            lambert().evaluate(a=empty)


def test_conditions_without_sides_travel_too() -> None:
    nowhere = Formula(sp.S.Half, (sp.false, sp.StrictLessThan(2, 1, evaluate=False)), "here", "a half, nowhere")
    again = pickle.loads(pickle.dumps(nowhere))
    assert again == nowhere
    assert again.assumptions == nowhere.assumptions
    assert (again.source, again.statement) == ("here", "a half, nowhere")


@pytest.mark.parametrize("ragged", [[[1.0], [2.0, 3.0]], [[1.0, 2.0], 3.0]])
def test_arrays_that_are_none_are_refused_by_name(ragged: list[object]) -> None:
    with pytest.raises(ValueError, match=r"Formula.evaluate\(a\): the values must be numbers, or arrays"):
        lambert().evaluate(a=ragged)


@pytest.mark.parametrize("value", [sp.I, 1 + 2j, sp.Symbol("q"), sp.Symbol("q", real=True), sp.zoo, sp.oo, sp.sqrt(-2)])
def test_values_are_finite_real_numbers(value: object) -> None:
    with pytest.raises((ValueError, TypeError), match=r"Formula.evaluate\(z=.*z must be"):
        Formula(z**2 + 1).evaluate(z=value)


def test_values_may_be_exact_numbers() -> None:
    assert float(Formula(z**2 + 1).evaluate(z=sp.sqrt(2))) == pytest.approx(3, rel=1e-15)
    assert float(Formula(z**2 + 1).evaluate(z=-sp.pi)) == pytest.approx(np.pi**2 + 1, rel=1e-15)
    with mpmath.workdps(60):
        found = Formula(sp.exp(z)).evaluate(50, z=sp.sqrt(2) / 3)
        assert abs(found - mpmath.exp(mpmath.sqrt(2) / 3)) < mpmath.mpf(10) ** -48
    with pytest.raises(ValueError, match=r"a > 0 is broken at a = -1\.41"):
        lambert().evaluate(a=-sp.sqrt(2))


def test_tables_of_formulas_show_sixty_characters() -> None:
    for length in (59, 60, 61, 200):
        text = "q" * length
        found = Formulas({"one": Formula(sp.Symbol(text)), "two": Formula(a)})
        line, second = repr(found).splitlines()
        assert line == "one: " + (text if length <= 60 else "q" * 59 + "…")
        assert second.startswith("two: a")
    assert repr(Formulas({"two": Formula(a, source="here")})).startswith("Formulas(two: a")
    assert (len(found), list(found)) == (2, ["one", "two"])
    with pytest.raises(KeyError, match="did you mean two"):
        found["twoo"]
    with pytest.raises(KeyError, match="there are one, two"):
        found["zzzz"]
    with pytest.raises(KeyError, match="rate: it has none"):
        Formulas({"one": Formula(a)}, {"rate": "it has none"})["rate"]


def test_masked_values_are_refused_and_a_mask_of_nothing_is_none() -> None:
    a = sp.Symbol("a", positive=True)
    formula = Formula(1 / a, (), "a test")
    assert formula.evaluate(a=np.ma.array([1.0, 2.0], mask=False)).tolist() == [1.0, 0.5]
    with pytest.raises(ValueError, match=r"Formula.evaluate\(a=…\): values must be without masked entries; fill them"):
        formula.evaluate(a=np.ma.array([1.0, 2.0], mask=[False, True]))


def test_two_symbols_of_one_name_have_no_values_by_name() -> None:
    one, other = sp.Symbol("a", positive=True), sp.Symbol("a", real=True)
    formula = Formula(one + 2 * other, (), "a test")
    with pytest.raises(ValueError, match=r"Formula.evaluate: two symbols have one name; rename yours"):
        formula.evaluate(a=1)
    assert formula.subs({other: 3}).evaluate(a=1) == 7
