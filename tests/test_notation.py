r"""The field's notation: names, products, roots, exponents and derivatives as LaTeX; equal values under roots."""

import pytest
import sympy as sp

import symhigh as sh
from symhigh.notation import html_table, latex, latex_table, radicals
from symhigh.symbols import Total

a, b, c = sp.symbols("a b c", positive=True)
x, i, j, dt = sp.symbols("x i j dt")
t = sh.t
D2, V11, g = (sp.Function(name) for name in ("D2", "V11", "g"))
HALF = sp.Rational(1, 2)
NAMES = {
    "lead_risk": r"\Delta(\mathcal{R})",
    "Var_risk": r"\operatorname{Var}_{\text{risk}}",
    "bias_target_norm": r"\operatorname{bias}_{\text{target norm}}",
    "B12": "B_{12}",
    "V1M": "V_{1M}",
    "N10": "N_{10}",
    "dt": r"\mathrm{d}t",
    "dB_1": r"\mathrm{d}B_{1}",
    "d": "d",
    "rate": r"\mathrm{rate}",
    "r_noise": r"r_{\mathrm{noise}}",
    "r_k": "r_{k}",
    "gamma": r"\gamma",
    "eps": r"\varepsilon",
    "norm": r"\|X\|^2",
}
CASES = [
    (V11(i, t), r"V_{11,i}(t)"),
    (V11(i, j, t), r"V_{11,i j}(t)"),
    (V11(x, t), r"V_{11}(x, t)"),
    (V11(i, t) ** 2, r"V_{11,i}^{2}(t)"),
    (D2(i), r"D_{i}^2"),
    (D2(t) ** 2, r"\left(D^2(t)\right)^{2}"),
    (sp.Function("b_k^2")(i, t), r"\mathsf{b}_{i}^2(t)"),
    (sp.Function("risk")(t) ** 2, r"\mathcal{R}^{2}(t)"),
    (sp.Function("Sum_classes")(a), r"\sum_{\text{classes}} a"),
    (Total(a**2), r"\|a\|^2"),
    (Total(a), r"\sum_i a"),
    (Total(a**3), r"\sum_i a^{3}"),
    # sums open without a minus sign where they can, and squares of differences, too; Itô's dt stands first
    (b - a, "b - a"),
    (-a - b, "- a - b"),
    ((a - 2) ** 2, r"\left(2 - a\right)^{2}"),
    ((a - 2) ** 3, r"\left(a - 2\right)^{3}"),
    ((-a - 2) ** 2, r"\left(- a - 2\right)^{2}"),
    ((a - b) ** 2, r"\left(a - b\right)^{2}"),
    (a * sp.Symbol("dB_1") + b * dt, r"b \mathrm{d}t + a \mathrm{d}B_{1}"),
    (-dt, r"- \mathrm{d}t"),
    (-a * dt, r"- a \mathrm{d}t"),
    ((a + b) * dt, r"\left(a + b\right) \mathrm{d}t"),
    # roots of what is named as a square
    (sp.sqrt(D2(t)), "D(t)"),
    (1 / sp.sqrt(D2(t)), r"\frac{1}{D(t)}"),
    (D2(t) ** sp.Rational(3, 2), r"\left(D^2(t)\right)^{3/2}"),
    (sp.sqrt(sp.Symbol("b_k^2", positive=True)), r"\mathsf{b}"),
    (sp.sqrt(a) * sp.sqrt(D2(t)), r"\sqrt{a} D(t)"),
    (sp.sqrt(2) * sp.sqrt(D2(t)), r"\sqrt{2} D(t)"),
    # exponents without fractions of fractions
    (sp.exp(-a), "e^{- a}"),
    (sp.exp(-a / b), r"\exp\left(- \frac{a}{b}\right)"),
    (sp.exp((a + b) * (1 / a + 1 / b)), r"\exp\left(\frac{a}{b} + 2 + \frac{b}{a}\right)"),
    (sp.exp(sp.Sum(i, (i, 1, j))), r"\exp\left(\sum_{i=1}^{j} i\right)"),
    # derivatives and integrals
    (sp.Derivative(g(t), t), r"\frac{d}{d t} g(t)"),
    (sp.Derivative(a * g(t), t), r"\frac{\partial}{\partial t} \left[a g(t)\right]"),
    (HALF * sp.Integral(g(t), t), r"\frac{1}{2} \int g(t)\, dt"),
    (-HALF * sp.Integral(g(t), t), r"- \frac{1}{2} \int g(t)\, dt"),
    (sp.Rational(2, 3) * sp.Function("Sum_classes")(a), r"\frac{2}{3} \sum_{\text{classes}} a"),
    (HALF * g(t), r"\frac{g(t)}{2}"),
    # one root above and one below
    (sp.sqrt(2) * sp.sqrt(a) / 2, r"\frac{\sqrt{a}}{\sqrt{2}}"),
    (sp.sqrt(a) * sp.sqrt(b) / sp.sqrt(c), r"\frac{\sqrt{a b}}{\sqrt{c}}"),
    (-sp.sqrt(2) * a / 3, r"- \frac{\sqrt{2} a}{3}"),
    (sp.sqrt(2 / sp.pi), r"\frac{\sqrt{2}}{\sqrt{\pi}}"),
    (sp.sqrt(sp.Rational(2, 3)) * a * (b + 1), r"\frac{\sqrt{2} a \left(b + 1\right)}{\sqrt{3}}"),
    (sp.sqrt(8) * x, r"2 \sqrt{2} x"),
    (sp.sqrt(a) * sp.sqrt(x), r"\sqrt{a} \sqrt{x}"),
    (sp.sqrt(6) / (4 * sp.sqrt(a) * sp.sqrt(b)), r"\frac{\sqrt{3}}{2 \sqrt{2 a b}}"),
    (sp.sqrt(a) * sp.sqrt(b) * c / (3 * sp.sqrt(2)), r"\frac{c \sqrt{a b}}{3 \sqrt{2}}"),
    (sp.sqrt(2) * (a + 1) / (3 * sp.sqrt(a) * sp.sqrt(b)), r"\frac{\sqrt{2} \left(a + 1\right)}{3 \sqrt{a b}}"),
    (sp.sqrt(a) * sp.sqrt(b + 1), r"\sqrt{a \left(b + 1\right)}"),
    (sp.sqrt(2) * (a + 1), r"\sqrt{2} \left(a + 1\right)"),
    # decimal numbers before roots
    (1.5 * sp.sqrt(a) * sp.sqrt(b), r"1.5 \sqrt{a b}"),
    (-1.5 * sp.sqrt(a) * sp.sqrt(b), r"-1.5 \sqrt{a b}"),
    (2.5 * sp.sqrt(2) * a, r"2.5 \sqrt{2} a"),
    (5.0 * sp.sqrt(8) * a, r"10.0 \sqrt{2} a"),
    (-1.5 / (a - 2), r"- \frac{1.5}{a - 2}"),
    (sp.Mul(sp.Float(0.5), 3, sp.sqrt(2), evaluate=False), r"1.5 \sqrt{2}"),
    (sp.Mul(sp.Float(0.5), -3, sp.sqrt(2), evaluate=False), r"-1.5 \sqrt{2}"),
    (sp.Mul(sp.Float(0.5), sp.Rational(1, 3), sp.sqrt(2), evaluate=False), r"0.5 \frac{\sqrt{2}}{3}"),
    # no minus sign that a sum can take
    (-1 / (a - 2), r"\frac{1}{2 - a}"),
    (-3 / (2 * a - 4), r"\frac{3}{2 \left(2 - a\right)}"),
    (-(a - 2) / b, r"\frac{2 - a}{b}"),
    (sp.Mul(-1, a - 2, 1 / b, 1 / c), r"\frac{2 - a}{b c}"),
    (sp.Mul(-2, a - 2, 1 / (3 * b), c), r"\frac{2 c \left(2 - a\right)}{3 b}"),
    (-1 / (a + 2), r"- \frac{1}{a + 2}"),
    (-1 / (a - b), r"- \frac{1}{a - b}"),
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names(name: str) -> None:
    assert latex(sp.Symbol(name)) == NAMES[name]


@pytest.mark.parametrize(("expr", "expected"), CASES, ids=[str(e) for e, _ in CASES])
def test_expressions(expr: sp.Expr, expected: str) -> None:
    assert latex(expr) == expected


@pytest.mark.parametrize(
    "expr",
    [
        sp.sqrt(2) * a / 3, -sp.sqrt(sp.Rational(5, 18)) * a / sp.sqrt(b), sp.sqrt(a) * sp.sqrt(b) * c,
        sp.sqrt(72) / sp.sqrt(a * c) * x / (b + 1), sp.sqrt(a) * sp.sqrt(b) / (7 * sp.sqrt(c) * sp.sqrt(c + 1)),
    ],
    ids=str,
)  # fmt: skip
def test_joined_roots_have_the_value_of_the_product(expr: sp.Expr) -> None:
    r = radicals(expr)
    assert r is not None
    roots = sp.sqrt(sp.Mul(*r.root_over)) / sp.sqrt(sp.Mul(*r.root_under))
    value = (-1) ** r.negative * sp.Rational(r.over, r.under) * roots * r.rest_over / r.rest_under
    numbers = {a: 1.3, b: 0.7, c: 2.1, x: -0.4}
    assert float(value.xreplace(numbers) / expr.xreplace(numbers)) == pytest.approx(1, rel=1e-14)
    assert all(n.is_Integer and n > 1 for n in (*r.root_over, *r.root_under) if n.is_number)


@pytest.mark.parametrize("expr", [a * b, 2 * sp.sqrt(a), sp.sqrt(x) * a], ids=str)
def test_there_is_nothing_to_join_where_one_root_stands_alone(expr: sp.Expr) -> None:
    assert radicals(expr) is None


def test_tables_escape_text_and_set_numbers_to_the_right() -> None:
    page = html_table(["a", "<b>"], [["1", "&"]])
    assert page == (
        "<table><thead><tr><th>a</th><th>&lt;b&gt;</th></tr></thead>"
        "<tbody><tr><td>1</td><td>&amp;</td></tr></tbody></table>"
    )
    lines = latex_table(["a", "b", "c"], [["1", "2", "3"]]).splitlines()
    assert lines[0] == r"\begin{tabular}{lrr}"
    assert lines[2:5] == [r"a & b & c \\", r"\midrule", r"1 & 2 & 3 \\"]
