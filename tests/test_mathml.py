"""MathML of the field's LaTeX: structure, every shipped limit, and nothing that gets out of a formula."""

from xml.etree import ElementTree

import pytest
import sympy as sp

import symhigh as sh
from symhigh.mathml import mathml
from symhigh.notation import latex


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"\frac{a_{1}^{2}}{b}", "<mfrac><msubsup><mi>a</mi><mn>1</mn><mn>2</mn></msubsup><mi>b</mi></mfrac>"),
        (r"\sqrt[3]{x}", "<mroot><mi>x</mi><mn>3</mn></mroot>"),
        (r"\mathcal{R}", "<mi>ℛ</mi>"),
        (r"\mathbb{E}", "<mi>𝔼</mi>"),
        (r"f''", "<msup><mi>f</mi><mrow><mo>′</mo><mo>′</mo></mrow></msup>"),
        (r"\sum_{i=1}^{N}", "<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>N</mi></munderover>"),
        (r"\int_0^t", "<msubsup><mo>∫</mo><mn>0</mn><mi>t</mi></msubsup>"),
        (r"\text{for large } t", "<mrow><mtext>for large </mtext><mi>t</mi></mrow>"),
        (r"\left\langle x \right.", "<mrow><mo>⟨</mo><mi>x</mi></mrow>"),
        ("a<b", "<mrow><mi>a</mi><mo>&lt;</mo><mi>b</mi></mrow>"),
    ],
)
def test_structure(source: str, expected: str) -> None:
    assert mathml(source) == f"<math>{expected}</math>"


@pytest.mark.parametrize(
    "source", [r"\foo", "{a", r"\left( a", r"a \right)", "a}", r"\begin{cases} a", r"\begin{tikz}\end{tikz}", "a &"]
)
def test_what_is_not_known_is_refused_by_name(source: str) -> None:
    with pytest.raises(ValueError, match="mathml"):
        mathml(source)


@pytest.mark.parametrize(
    "expr",
    [
        sp.Piecewise((sp.Symbol("x"), sp.Symbol("x") > 0), (sp.exp(-sp.Symbol("b") ** 2), True)),
        sp.LambertW(sp.Symbol("a"), -1) * sp.erf(sp.Symbol("b") / sp.sqrt(2)) + sp.asin(sp.Symbol("c")),
        sp.Integral(sp.Function("V11")(sh.t), (sh.t, 0, sp.oo)),
        sp.Limit(sp.sin(sh.t) / sh.t, sh.t, 0),
        sp.Max(0, sp.Abs(sh.x), sp.Min(1, sh.x_star)),
        sp.Derivative(sp.Function("gamma")(sh.t), sh.t, 2) + sp.zeta(3) + sp.EulerGamma + sp.gamma(sp.Symbol("s")),
        sp.Sum(1 / sp.Symbol("k") ** 2, (sp.Symbol("k"), 1, sp.oo)),
    ],
    ids=lambda e: type(e).__name__,
)
def test_the_printer_and_the_reader_agree(expr: sp.Expr) -> None:
    ElementTree.fromstring(mathml(latex(expr)))


@pytest.mark.parametrize("name", ["a<script>", 'x" onload="y', "a&b", "</math>"])
def test_names_stay_text(name: str) -> None:
    found = mathml(rf"\mathrm{{{name}}} + \text{{{name}}}", spoken=name)
    assert "".join(ElementTree.fromstring(found).itertext()).count(name) == 2
