"""Formulas from text: hostile texts are refused at once, and nothing is read as another number than it says."""

from __future__ import annotations

import pytest
import sympy as sp

from symhigh.files.grammar import read_expression

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
