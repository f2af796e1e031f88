"""What papers take over unedited: golden lines in the field's notation, no towers, and what pdflatex compiles."""

import random
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
import sympy as sp

import symhigh as sh
from symhigh.notation import latex, radicals
from symhigh.problem import PRODUCT, SQUARES
from symhigh.registry import LOSSES
from symhigh.symbols import B11, B12, B22

ETA, B, GAMMA, OMEGA, TAU = sp.symbols("eta b gamma omega tau", positive=True)
NETWORKS = {
    "diagonal network": (sh.DiagonalNetwork(step=ETA, noise=OMEGA), None),
    "squares": (sh.DiagonalNetwork(step=ETA, noise=OMEGA, parametrization=SQUARES), None),
    "three layers": (sh.DiagonalNetwork(step=ETA, parametrization=sh.powers(3)), None),
    "logistic network": (sh.logistic_regression(model=PRODUCT), sh.AdaGradNorm(ETA, B)),
}
LIMITS = {
    "constant": (sh.least_squares(OMEGA), sh.Constant(GAMMA)),
    "adagrad-norm": (sh.least_squares(), sh.AdaGradNorm(ETA, B)),
    "adagrad-norm with noise": (sh.least_squares(OMEGA), sh.AdaGradNorm(ETA, B)),
    "line search": (sh.least_squares(OMEGA), sh.LineSearch()),
    "polyak": (sh.least_squares(), sh.Polyak()),
    "momentum": (sh.least_squares(OMEGA), sh.Momentum(GAMMA, 1)),
    "huber": (sh.huber(1, OMEGA), sh.Constant(GAMMA)),
    "phase retrieval": (sh.phase_retrieval(), sh.Constant(GAMMA)),
    "marchenko-pastur": (sh.least_squares(), sh.Constant(GAMMA), sh.Spectrum.marchenko_pastur(sp.Rational(1, 2))),
    "power law": (sh.least_squares(), sh.AdaGradNorm(ETA, B), sh.Spectrum.power_law(sp.Rational(1, 5))),
}


SOME = ("erf-student", "huber", "diagonal network", "constant", "adagrad-norm")
EXTENT = [False, pytest.param(True, marks=pytest.mark.slow)]


@cache
def document(name: str) -> str:
    """An ``aligned`` environment: a shipped loss under AdaGrad-Norm, a network, or limits."""
    if name in LIMITS:
        return sh.limits(*LIMITS[name]).to_latex()
    if name in NETWORKS:
        return str(sh.derive(*(a for a in NETWORKS[name] if a is not None)).latex())
    entry = LOSSES[name]
    problem = entry.make(**{p.name: p.default for p in entry.parameters})
    return str(sh.derive(problem, sh.AdaGradNorm(ETA, B)).latex("brackets"))


def documents(everything: bool) -> dict[str, str]:
    """All of them, or some."""
    return {name: document(name) for name in ((*LOSSES, *NETWORKS, *LIMITS) if everything else SOME)}


GOLDEN = [
    (1 / sp.sqrt(2 * sp.pi * (1 + B11)), r"\frac{1}{\sqrt{2 \pi \left(B_{11} + 1\right)}}"),
    (2 * sp.sqrt(2) * B12 / sp.sqrt(sp.pi * B22), r"\frac{2 \sqrt{2} B_{12}}{\sqrt{\pi B_{22}}}"),
    (-(OMEGA**2) / (GAMMA * TAU - 2), r"\frac{\omega^{2}}{2 - \gamma \tau}"),
    (-GAMMA * TAU / (2 * GAMMA * TAU - 4), r"\frac{\gamma \tau}{2 \left(2 - \gamma \tau\right)}"),
    (1 / (GAMMA * TAU - 2) ** 2, r"\frac{1}{\left(2 - \gamma \tau\right)^{2}}"),
    (sp.exp(-(sh.x**2) / 2) / sp.sqrt(2 * sp.pi), r"\frac{\exp\left(- \frac{x^{2}}{2}\right)}{\sqrt{2 \pi}}"),
    (sp.erf(sh.x / sp.sqrt(2)), r"\operatorname{erf}{\left(\frac{x}{\sqrt{2}} \right)}"),
    (ETA / (OMEGA * sp.sqrt(TAU) * sp.sqrt(sh.t)), r"\frac{\eta}{\omega \sqrt{\tau t}}"),
    (TAU ** sp.Rational(3, 2), r"\tau^{3/2}"),
    (sp.Symbol("lambda_min"), r"\lambda_{\mathrm{min}}"),
    (sp.Function("theta_star")(sp.Symbol("i")) ** 2, r"\theta_{\star,i}^{2}"),
    (ETA / sp.sqrt(sp.Symbol("b_k^2", positive=True)), r"\frac{\eta}{\mathsf{b}}"),
    (sh.symbols.moved, r"\|X - X_{0}\|^2"),
    (-2 * (ETA**2 - B**2), r"2 b^{2} - 2 \eta^{2}"),
    (sp.sqrt(3) * sp.sqrt(3 - sh.x), r"\sqrt{3} \sqrt{3 - x}"),
    (
        sp.sqrt(2) * sp.Piecewise((1, sh.x > 0), (0, True)),
        r"\sqrt{2} \left(\begin{cases} 1 & \text{for}\: x > 0 \\0 & \text{otherwise} \end{cases}\right)",
    ),
    (-sh.x * sp.Symbol("dt"), r"- x \mathrm{d}t"),
    ((1 - sh.x) * sp.Symbol("dB") - sp.Symbol("dt"), r"- \mathrm{d}t + \left(1 - x\right) \mathrm{d}B"),
    (-sp.Integral(sh.x, sh.x) / 2, r"- \frac{1}{2} \int x\, dx"),
]


@pytest.mark.parametrize(("expr", "expected"), GOLDEN)
def test_golden_renderings(expr: sp.Expr, expected: str) -> None:
    assert latex(expr) == expected


def test_joined_roots_are_the_same_number() -> None:
    draw = random.Random(0)
    for _ in range(200):
        number = sp.Rational(draw.randint(-9, 9) or 1, draw.randint(1, 9))
        bases = draw.sample([sp.Integer(2), sp.Integer(3), sp.Integer(6), sp.pi, B11, TAU], 3)
        roots = [sp.sqrt(b) ** draw.choice([-1, 1]) for b in bases]
        expr = sp.Mul(number, *roots, sh.x, 1 / (sh.x_star + 3))
        if (r := radicals(expr)) is None:
            continue
        over, under = (sp.sqrt(sp.Mul(*root)) for root in (r.root_over, r.root_under))
        value = r.over * over * r.rest_over / (r.under * under * r.rest_under)
        at = {B11: sp.Rational(7, 5), TAU: sp.Rational(11, 3), sh.x: 2, sh.x_star: 1}
        assert abs(sp.N(((-1 if r.negative else 1) * value - expr).xreplace(at), 30)) < sp.Float(10) ** -25


def depth(text: str, command: str) -> int:
    """How deep ``command`` stands within itself."""
    deepest, open_at, level = 0, [], 0
    for token in re.findall(rf"{re.escape(command)}(?![A-Za-z])|[{{}}]", text.replace("\\{", "").replace("\\}", "")):
        if token == "{":
            level += 1
        elif token == "}":
            level -= 1
            while open_at and level <= open_at[-1][0] and open_at[-1][1] == 0:
                open_at.pop()
            if open_at and level == open_at[-1][0]:
                open_at[-1][1] -= 1
        else:
            open_at.append([level, 1])
            deepest = max(deepest, len(open_at))
    return deepest


def test_the_depth_of_a_fraction_is_counted() -> None:
    assert depth(r"\frac{1}{2} + \frac{3}{4}", r"\frac") == 1
    assert depth(r"\frac{\frac{1}{2}}{3}", r"\frac") == 2
    assert depth(r"\frac{1}{\sqrt{\frac{1}{x^{\frac{1}{2}}}}}", r"\frac") == 3


@pytest.mark.parametrize("everything", EXTENT)
def test_no_towers_and_no_names_of_the_program(everything: bool) -> None:
    for name, text in documents(everything).items():
        assert not re.search(r"\^\{[^{}]*\\frac", text), f"{name}: a fraction in an exponent"
        assert depth(text, r"\frac") <= 4, name
        assert not re.search(r"_\{?star|Sum_|NaN|nan|operatorname\{(root|Total)|sample|gradient", text), name
        assert not re.search(r"_[A-Za-z\\]+_|\}_\{[^{}]*\}_", text), f"{name}: two subscripts"


def test_a_formula_states_the_equations_of_its_roots() -> None:
    text = sh.limits(*LIMITS["constant"])["rate"].latex()
    assert text == (
        r"\rho \quad\text{where } \int \frac{\gamma^{2} \lambda^{2}}{2 \gamma \lambda - \rho}\, d\mu(\lambda) = 1,"
        r"\ 0 < \rho < 2 \gamma \lambda_{\mathrm{min}}"
    )


@pytest.mark.parametrize("everything", EXTENT)
def test_pdflatex_compiles_it(everything: bool, tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    body = "\n\n".join(f"\\section*{{{name}}}\n\\[{text}\\]" for name, text in documents(everything).items())
    (tmp_path / "all.tex").write_text(
        "\\documentclass{article}\n\\usepackage{amsmath,amssymb}\n\\usepackage[paperwidth=200cm,paperheight=50cm,margin=1cm]"
        f"{{geometry}}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"
    )
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "all.pdf").stat().st_size > 10_000
