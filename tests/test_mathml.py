"""MathML of the field's LaTeX: structure, every shipped limit, and nothing that gets out of a formula."""

from xml.etree import ElementTree

import pytest
import sympy as sp

import symhigh as sh
from symhigh.mathml import mathml
from symhigh.notation import latex

THIN = '<mspace width="0.17em"/>'


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
        ("", "<mrow></mrow>"),
        ("2.5 x", "<mrow><mn>2.5</mn><mi>x</mi></mrow>"),
        ("a'", "<msup><mi>a</mi><mo>′</mo></msup>"),
        ("a'^2", "<msup><mi>a</mi><mrow><mo>′</mo><mn>2</mn></mrow></msup>"),
        ("a_1", "<msub><mi>a</mi><mn>1</mn></msub>"),
        ("a/b", '<mrow><mi>a</mi><mo lspace="0" rspace="0">/</mo><mi>b</mi></mrow>'),
        ("-a*b", "<mrow><mo>−</mo><mi>a</mi><mo>∗</mo><mi>b</mi></mrow>"),
        ("(a)", '<mrow><mo stretchy="false">(</mo><mi>a</mi><mo stretchy="false">)</mo></mrow>'),
        (r"\lim_{t} a", "<mrow><munder><mi>lim</mi><mi>t</mi></munder><mi>a</mi></mrow>"),
        (r"\bigcup^2", "<mover><mo>⋃</mo><mn>2</mn></mover>"),
        (r"\int\limits_0", "<munder><mo>∫</mo><mn>0</mn></munder>"),
        (r"\sum\nolimits_0", "<msub><mo>∑</mo><mn>0</mn></msub>"),
        (r"\sqrt{x}", "<msqrt><mi>x</mi></msqrt>"),
        (r"\binom{n}{k}",
         '<mrow><mo>(</mo><mfrac linethickness="0"><mi>n</mi><mi>k</mi></mfrac><mo>)</mo></mrow>'),
        (r"\hat x", '<mover accent="true"><mi>x</mi><mo stretchy="false">^</mo></mover>'),
        (r"\{ \langle |", '<mrow><mo stretchy="false">{</mo><mo stretchy="false">⟨</mo>'
                          '<mo stretchy="false">|</mo></mrow>'),
        (r"\leq", "<mo>≤</mo>"),
        (r"\alpha\Omega", "<mrow><mi>α</mi><mi>Ω</mi></mrow>"),
        (r"a \quad b", '<mrow><mi>a</mi><mspace width="1.0em"/><mi>b</mi></mrow>'),
        (r"a \, b", '<mrow><mi>a</mi><mspace width="0.17em"/><mi>b</mi></mrow>'),
        (r"\displaystyle a", "<mrow><mi>a</mi></mrow>"),
        # a name is set apart from a letter before it, and from an argument without brackets
        (r"a \log b", f"<mrow><mi>a</mi>{THIN}<mi>log</mi>{THIN}<mi>b</mi></mrow>"),
        (r"\log \alpha", f"<mrow><mi>log</mi>{THIN}<mi>α</mi></mrow>"),
        (r"\log (a)", '<mrow><mi>log</mi><mo stretchy="false">(</mo><mi>a</mi><mo stretchy="false">)</mo></mrow>'),
        (r"\log \frac{a}{b}", "<mrow><mi>log</mi><mfrac><mi>a</mi><mi>b</mi></mfrac></mrow>"),
        (r"\mathrm{d}t", '<mrow><mi mathvariant="normal">d</mi><mi>t</mi></mrow>'),
        (r"\mathrm{rate}", "<mi>rate</mi>"),
        (r"\mathrm{r_{0}}", "<msub><mi>r</mi><mn>0</mn></msub>"),
        (r"\text{a\_b c}", "<mtext>a_b c</mtext>"),
        (r"\mathbf{Ab}", "<mi>𝐀𝐛</mi>"),
        (r"\mathsf{z1}", "<mi>𝗓1</mi>"),
        (r"\mathcal{A}\mathbb{R}\mathbb{a}", "<mrow><mi>𝒜</mi><mi>ℝ</mi><mi>𝕒</mi></mrow>"),
        (r"\left( a \right]", "<mrow><mo>(</mo><mi>a</mi><mo>]</mo></mrow>"),
        (r"\begin{cases} a & b \\ c & d \end{cases}", "<mrow><mo>{</mo><mtable>"
         "<mtr><mtd><mi>a</mi></mtd><mtd><mi>b</mi></mtd></mtr><mtr><mtd><mi>c</mi></mtd><mtd><mi>d</mi></mtd></mtr>"
         "</mtable></mrow>"),
        (r"\begin{pmatrix} a \\ \end{pmatrix}",
         "<mrow><mo>(</mo><mtable><mtr><mtd><mi>a</mi></mtd></mtr></mtable><mo>)</mo></mrow>"),
        (r"\begin{array}{cc} a & b \end{array}",
         "<mtable><mtr><mtd><mi>a</mi></mtd><mtd><mi>b</mi></mtd></mtr></mtable>"),
        (r"\begin{aligned} a \end{aligned}",
         '<mtable class="aligned" displaystyle="true"><mtr><mtd><mi>a</mi></mtd></mtr></mtable>'),
    ],
)
def test_structure(source: str, expected: str) -> None:
    assert mathml(source) == f"<math>{expected}</math>"


def test_a_block_and_its_spoken_text() -> None:
    assert mathml("a", block=True) == '<math display="block"><mi>a</mi></math>'
    assert mathml("a", spoken='"a"') == '<math alttext="&quot;a&quot;"><mi>a</mi></math>'


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{a", "a brace, bracket or environment is not closed"),
        (r"\sqrt", "the end stands where more must"),
        (r"\foo", r"the command \\foo is not known"),
        (r"a \right)", r"the command \\right is not known"),
        ("a}", "} stands where a formula must"),
        (r"\left\alpha a \right)", r"\\alpha is no bracket"),
        (r"\text{a{b}}", "{ stands within text"),
        (r"\begin{tikz}\end{tikz}", "the environment tikz is not known"),
        (r"\begin{cases}a\end{array}", "the environment cases is not closed"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_stands_where(source: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        mathml(source)


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
