"""Closed forms as a paper prints them: the same numbers, no towers, and LaTeX that a typesetter reads."""

import random
import re
from functools import cache, lru_cache

import pytest
import sympy as sp
from matplotlib.mathtext import MathTextParser

import symhigh as sh
from symhigh.notation import latex
from symhigh.registry import LOSSES
from symhigh.report.tidy import _always, tidy
from symhigh.symbols import B11, B12, B22
from symhigh.system import MomentSystem

LOSS_NAMES = sorted(LOSSES)


@lru_cache
def limit_of(name: str) -> MomentSystem:
    """AdaGrad-Norm's limit on the loss of that name, at its default parameters."""
    entry = LOSSES[name]
    return sh.derive(entry.make(**{p.name: p.default for p in entry.parameters}), sh.AdaGradNorm(1, 1))


def point(expr: sp.Expr, seed: int) -> dict[sp.Symbol, sp.Expr]:
    """Random numbers for all symbols, covariances for B11, B12, B22 and for all ``B_p_q``."""
    draw = random.Random(seed)
    values = {s: sp.Rational(draw.randint(1, 99), 50) for s in sorted(expr.free_symbols, key=str)}
    for b in (B11, B22):
        values.setdefault(b, sp.Rational(draw.randint(1, 99), 50))
    vectors = sp.Matrix(4, 4, lambda _, __: sp.Rational(draw.randint(-9, 9), 9))
    gram = vectors * vectors.T
    values |= {s: gram[int(s.name[2]) - 1, int(s.name[4]) - 1] for s in values if re.fullmatch(r"B_\d_\d", s.name)}
    return values | {B12: sp.Rational(draw.randint(-9, 9), 10) * sp.sqrt(values[B11] * values[B22])}


NAMED = [
    pytest.param(n, marks=[pytest.mark.slow] if n == "learning-committee" else []) for n in LOSS_NAMES
]  # of which the committee's averages are parts


@pytest.mark.parametrize("name", NAMED)
def test_a_tidied_expression_is_the_same_number(name: str) -> None:
    for scalar in limit_of(name).scalars:
        found = tidy(scalar.expression)
        if found == scalar.expression:
            continue
        for seed in range(2):
            values = point(scalar.expression, seed)
            left, right = (sp.N(e.xreplace(values), 18) for e in (scalar.expression, found))
            assert abs(left - right) < sp.Float(10) ** -13 * (1 + abs(left)), scalar.name


def test_erf_students_read_as_in_the_literature() -> None:
    system = sh.derive(sh.erf_student(), sh.Constant(1))
    both = sp.sqrt((1 + B11) * (1 + B22) - B12**2)
    assert tidy(system.scalar("c2")) == -2 / (sp.pi * both)
    assert tidy(system.scalar("c1")) == 2 / (sp.pi * (1 + B11) * sp.sqrt(1 + 2 * B11)) + 2 * B12 / (
        sp.pi * (1 + B11) * both
    )
    assert latex(tidy(system.scalar("c2"))) == (
        r"- \frac{2}{\pi \sqrt{\left(B_{11} + 1\right) \left(B_{22} + 1\right) - B_{12}^{2}}}"
    )


def test_a_branch_that_some_covariance_reaches_is_kept() -> None:
    kept = sp.Piecewise((sp.sqrt(B12), B12 > 0), (sp.nan, True))
    assert tidy(kept) == kept


GROUP = re.compile(
    r"(?<!operatorname)(?<!mathcal)(?<!mathbb)\{[^{}]+\}|\\left[(\[](?:(?!\\left|\\right)[^{}])+\\right[)\]]"
)
PARSER = MathTextParser("path")


@cache
def typeset(text: str) -> None:
    """Of texts that differ in digits, one is read."""
    PARSER.parse(f"${text.replace('⟨', '{').replace('⟩', '}')}$")


def typeset_by_groups(text: str) -> None:
    """Each group in brackets is read by itself, the innermost first, then stands as ``{1}`` in what is around it."""
    text = re.sub(r"\d+", "1", text)
    while (group := GROUP.search(text)) is not None:
        typeset(group[0])
        text = f"{text[: group.start()]}⟨1⟩{text[group.end() :]}"
    typeset(text)


@pytest.mark.parametrize(
    "text", [r"\frac{1}{x_{2}^{3}^{4}}", r"{\left(x_{1}}", r"\frac{1}{\blah{2}}", r"x_{1}_{2}", r"\sqrt{x}{"]
)
def test_what_cannot_be_typeset_is_not_read(text: str) -> None:
    for read in (typeset, typeset_by_groups):
        with pytest.raises(ValueError, match=r"Parse\w*Exception|Expected|Double|Unknown"):
            read(text)


@pytest.mark.parametrize(
    ("name", "averages", "common"),
    [
        *(pytest.param(name.values[0], "sums", False, marks=name.marks) for name in NAMED),
        ("erf-student", "brackets", True),
        ("logistic", "brackets", False),
    ],
)
def test_every_line_can_be_typeset(name: str, averages: str, common: bool) -> None:
    """Matplotlib's typesetter, which knows no cases and no matrices, reads every line that has none."""
    lines = limit_of(name).latex(averages, common).splitlines()[1:-1]
    for line in lines:
        assert not re.search(r"_\{?star|Sum|NaN|\\operatorname\{asin", line)
        if not re.search(r"cases|matrix", line):
            typeset_by_groups(line.removesuffix(chr(92) * 2).replace("&", ""))


def test_common_expressions_are_named_once() -> None:
    text = sh.derive(sh.erf_student(), sh.AdaGradNorm(1, 1)).latex(common=True)
    assert text.count("K_{1} &=") == 1
    assert text.count("K_{1}") >= 3


def test_a_formula_prints_what_it_assumes() -> None:
    found = sh.limits(sh.least_squares(1), sh.AdaGradNorm(sp.Symbol("eta", positive=True), 1))
    assert r"\tau > 0" in found["threshold"].latex(assumptions=True)
    assert r"\tau > 0" not in found["threshold"].latex()


def test_a_branch_without_a_value_is_left_out_where_it_is_never_reached() -> None:
    inside = B11 * B22 - B12**2 + B22 >= 0
    assert tidy(sp.Piecewise((B12 + B11, inside), (sp.nan, True))) == B11 + B12
    kept = sp.Piecewise((B12, B12 > 1), (sp.nan, True))
    assert tidy(kept) == kept
    both = sp.Piecewise((B12, inside), (B11, True))
    assert tidy(both).has(sp.Piecewise)


@pytest.mark.parametrize(
    ("condition", "always"),
    [
        (B11 * B22 + B22 >= B12**2, True), (B11 * B22 >= B12**2 - 1, True), (B11 * B22 + 1 > B12**2, True),
        (B11 * B22 > B12**2, False), (B11 * B22 - 1 >= B12**2, False), (B11 + B12 >= 0, False),
        (sp.And(B11 > -B22 - 1, B11 * B22 >= B12**2 - 1), True), (sp.And(B11 > -B22 - 1, B11 >= 1), False),
        (B12 <= B11, False),
    ],
)  # fmt: skip
def test_conditions_that_hold_for_every_covariance(condition: sp.Basic, always: bool) -> None:
    assert _always(condition) is always


def test_decimal_numbers_stand_before_roots() -> None:
    """Behind a root, 0.35 would be read as a part of it."""
    x = sp.Symbol("x", positive=True)
    assert latex(sp.Float("0.35") * sp.sqrt(2) * x) == r"0.35 \sqrt{2} x"
    assert latex(-sp.Float("0.5") * sp.sqrt(x) * sp.sqrt(2)) == r"-0.5 \sqrt{2 x}"
    assert latex(sp.Float("0.5") * sp.sqrt(2) / sp.sqrt(x)) == r"0.5 \frac{\sqrt{2}}{\sqrt{x}}"
