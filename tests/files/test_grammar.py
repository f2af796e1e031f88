"""Formulas from text: hostile texts are refused at once, and nothing is read as another number than it says."""

from __future__ import annotations

import pytest
import sympy as sp

import symhigh as sh
from symhigh.files.grammar import read_expression, write_expression

HOSTILE = (
    *("__import__('os').system('true')", "().__class__", "t.__class__", "9**9**9", "t**9**9", "2**(10**8)"),
    *("(" * 100_000 + "t" + ")" * 100_000, "-" * 100_000 + "t", "t\0", "\0", "Σ", ""),
    *("t;1", "lambda: 1", "[t]", "f'{t}'", "t[0]", "exp(*[t])", "exp(x=t)", "1e400", "1/0", "exp(10**9)", "1j", "nan"),
    *("True", "'a'", "...", "t@t", "t<1", "((t+1)**50)**50", "log(-1)", "(-8)**(1/3)", "eval(t)", "9" * 5000),
)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:20]))
def test_hostile_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^schedule .*; give arithmetic in t with exp"):
        read_expression("schedule", text)


@pytest.mark.parametrize("text", ["1e-400", "t + 0.1e-999", "exp(-1e300)", "erfc(100)", "1e-300*1e-300"])
def test_underflow_is_no_zero(text: str) -> None:
    with pytest.raises(ValueError, match="a number below the range of doubles"):
        read_expression("schedule", text)


def test_zeros_that_are_meant() -> None:
    assert all(float(read_expression("schedule", text)) == 0 for text in ("0", "0.0", "0e5", "erf(0)", "1 - 1"))
    assert read_expression("schedule", "exp(-700)") == sp.exp(-700)


def test_a_function_without_its_argument() -> None:
    with pytest.raises(ValueError, match=r"exp is a function, write exp\(…\)"):
        read_expression("schedule", "2*exp")


a, t = sp.Symbol("a"), sh.t


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2*t + 3/4 - t**2", 2 * t + sp.Rational(3, 4) - t**2),
        ("+t - -t", 2 * t),
        ("2**3**2/a", 512 / a),
        ("t**100 + t**-100", t**100 + t**-100),
        ("min(t, a, 2) + Max(1, t)", sp.Min(t, a, 2) + sp.Max(1, t)),
        ("abs(a) + sign(a) + floor(t)", sp.Abs(a) + sp.sign(a) + sp.floor(t)),
        ("where(a < 1, t, 2)", sp.Piecewise((t, a < 1), (2, True))),
        ("where(a <= 1, t, 2)", sp.Piecewise((t, a <= 1), (2, True))),
        ("where(a > 1, t, 2)", sp.Piecewise((t, a > 1), (2, True))),
        ("where(a >= 1, t, 2)", sp.Piecewise((t, a >= 1), (2, True))),
        ("where(1 < 2, t, 2)", t),
        ("where(1 > 2, t, 2) + sign(-3) + sign(0) + sign(2.5)", sp.Integer(2)),
        ("pi*E*erfc(a)*atan(t)", sp.pi * sp.E * sp.erfc(a) * sp.atan(t)),
        ("sqrt(2)/3", sp.sqrt(2) / 3),
    ],
)
def test_formulas_are_what_they_say(text: str, expected: sp.Expr) -> None:
    assert read_expression("f", text, {"a": a, "t": t}) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("t" + " " * 500, "more than 500 characters"),
        ("t**100.5", "a power above 100"),
        ("(t**60)**2", "a power above 100"),
        ("(2**70)**60", "a power of a number with too many digits"),
        ("(1/2**70)**60", "a power of a number with too many digits"),
        ("min(t)", "min takes two arguments or more"),
        ("exp(t, 1)", r"exp takes 1 argument\(s\)"),
        ("where(t < 1, 1)", r"where takes 3 argument\(s\)"),
        ("a < 1", "a comparison has no value"),
        ("1/(2 - 2)", "it has no value"),
        ("log(0 - 1)", "it has no real value"),
        ("sqrt(-t)*0 + sqrt(-1)", "it has no real value"),
        ("log(t - t)", "it has no real value"),
        ("sqrt(t - t - 1)", "it has no real value"),
        ("sinh(1000)", "beyond the range of doubles"),
        ("1e308*10", "beyond the range of doubles"),
        ("1e-308**2", "below the range of doubles"),
        ("1e-308/1e308", "below the range of doubles"),
        ("tanhh*t", "did you mean tanh"),
        ("qqqq", "qqqq is not read; give arithmetic in a, t with exp"),
        ("t t", "not an expression"),
    ],
)
def test_refusals_say_why(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_expression("f", text, {"a": a, "t": t})


def test_limits_of_texts_and_powers_are_allowed_themselves() -> None:
    assert read_expression("f", "t" + " " * 499) == t
    assert read_expression("f", "((2**70 + 1)/2**70)**57") == (1 + sp.Integer(2) ** -70) ** 57  # 71 bits, 57 times
    with pytest.raises(ValueError, match="a power of a number with too many digits"):
        read_expression("f", "((2**70 + 1)/2**70)**58")
    with pytest.raises(ValueError, match="give a number, or arithmetic with exp"):
        read_expression("f", "t", {})


@pytest.mark.parametrize(
    "expr", [sp.Piecewise((t, t < 1), (1 / t, t <= 2), (sp.Float(0.1), True)), sp.exp(-t) / 3, sp.Max(1, t) ** 0.5]
)
def test_what_is_written_reads_back(expr: sp.Expr) -> None:
    assert read_expression("f", write_expression(expr)) == expr


def test_pieces_without_a_last_one_are_not_written() -> None:
    with pytest.raises(ValueError, match="has no value everywhere"):
        write_expression(sp.Piecewise((t, t < 1)))
