"""Time-limited symbolic work: answers, limits that hold inside compiled code, errors, and a process that is kept."""

import operator
import os
import time

import pytest
import sympy as sp

from symhigh.closed.solving import within

x = sp.Symbol("x", positive=True)
f = sp.Function("f")


def test_solves() -> None:
    assert within(30, sp.solve, x**2 - 3, x).value == [sp.sqrt(3)]  # the symbol's sign travels along
    equation = f(x).diff(x) + f(x)
    found = within(30, sp.dsolve, equation, f(x))
    assert found.found
    assert sp.checkodesol(equation, found.value)[0]


def test_says_that_it_was_not_found_in_time() -> None:
    begin = time.perf_counter()
    late = within(0.3, time.sleep, 60)
    assert time.perf_counter() - begin < 20
    assert not late.found
    assert str(late) == "sleep: not found in 0.3 s"
    assert within(30, sp.solve, x - 1, x).value == [1]  # a new process


def test_limit_holds_inside_compiled_code() -> None:
    """A power of whole numbers is one call that no signal interrupts."""
    assert not within(0.3, pow, 3, 10**9).found


def test_process_is_kept() -> None:
    assert within(30, os.getpid).value == within(30, os.getpid).value != os.getpid()


def test_errors() -> None:
    stuck = within(30, sp.solve, sp.exp(x) + sp.sin(x**x) - x, x)
    assert not stuck.found
    assert "no method applies" in str(stuck)
    with pytest.raises(ZeroDivisionError):
        within(30, operator.truediv, 1, 0)
    with pytest.raises(TypeError, match="give a function of a module"):
        within(30, lambda: 1)
    with pytest.raises(ValueError, match="seconds"):
        within(0, sp.solve, x, x)
    with pytest.raises(RuntimeError, match="ended with status 3"):
        within(30, os._exit, 3)
    assert within(30, abs, -2).value == 2
