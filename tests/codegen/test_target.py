"""Targets: which is chosen, what is said where C is given up, names of symbols, orders of assignments."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import sympy as sp

from symhigh.codegen import target
from symhigh.codegen.target import LLVM, NUMBA, NUMPY, C, Names, chosen, give_up_c, statements, without_c
from symhigh.derivation.gaussian import Sigmoid, Softplus

a, b, c = sp.symbols("a b c", positive=True)
u = sp.Symbol("u", real=True)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A process in which nothing has failed yet, and no target is named."""
    faults: list[str] = []
    monkeypatch.setattr(target, "_refused", faults)
    monkeypatch.delenv("SYMHIGH_TARGET", raising=False)
    return faults


@pytest.mark.parametrize(("usable", "name", "other"), [(True, "LLVM", LLVM), (False, "Numba", NUMBA)])
def test_c_where_it_compiles_else_llvm_or_numba(
    told: list[str], monkeypatch: pytest.MonkeyPatch, usable: bool, name: str, other: target.Target
) -> None:
    monkeypatch.setattr(target, "compiler", lambda: ("cc", "some"))
    monkeypatch.setattr(target, "llvm_is_usable", lambda: usable)
    assert chosen() is C
    with pytest.warns(RuntimeWarning, match=rf"^cc fails; {name} compiles generated .* SYMHIGH_TARGET={other.name} "):
        give_up_c("cc fails")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        give_up_c("cc fails again")  # told once
    assert told == ["cc fails", "cc fails again"]
    assert chosen() is other
    told.clear()
    assert chosen() is C
    monkeypatch.setattr(target, "compiler", lambda: None)
    assert chosen() is other


def test_an_llvm_that_there_is_not_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "llvm_is_usable", lambda: False)
    monkeypatch.setenv("SYMHIGH_TARGET", "llvm")
    with pytest.raises(ValueError, match="SYMHIGH_TARGET=llvm: needs an llvmlite of LLVM 16"):
        chosen()


@pytest.mark.parametrize(("name", "wanted"), [("c", C), ("numba", NUMBA), ("numpy", NUMPY)])
def test_a_named_target_is_taken_whatever_has_failed(
    told: list[str], monkeypatch: pytest.MonkeyPatch, name: str, wanted: target.Target
) -> None:
    told.append("cc fails")
    monkeypatch.setenv("SYMHIGH_TARGET", name)
    assert chosen() is wanted
    monkeypatch.setenv("SYMHIGH_TARGET", name.upper())
    with pytest.raises(ValueError, match=r"not a target of generated code; choose from c, llvm, numba, numpy"):
        chosen()
    monkeypatch.setenv("SYMHIGH_TARGET", "")
    assert chosen() is without_c()


def test_names_are_distinct_words_that_nothing_has_taken() -> None:
    names = Names(("y",))
    taken = [sp.Symbol(n) for n in ("y", "lambda", "exp", "math", "a b", "a-b", "2x", "{}", "numpy")]
    found = [names(s) for s in taken]
    assert found == ["y_", "lambda_", "exp_", "math_", "a_b", "a_b_", "s_2x", "symbol", "numpy_"]
    assert [names(s) for s in taken] == found  # and stay
    one, two = sp.Symbol("z"), sp.Symbol("z", positive=True)
    assert names(one) != names(two)
    names.reserve("out")
    assert names(sp.Symbol("out")) == "out_"


@pytest.mark.parametrize("power", range(-6, 7))
def test_small_powers_are_products(power: int) -> None:
    code = Names().code(u**power)
    assert eval(code, {"u": 1.7}) == pytest.approx(1.7**power, rel=1e-15)
    assert ("*" in code and "**" not in code) == (2 <= abs(power) <= 4)
    whole = Names().code((u + 1) ** 2)
    assert eval(whole, {"u": 1.7}) == pytest.approx(2.7**2)
    assert "**" in whole  # only a name is written twice


@pytest.mark.parametrize("at", [-900.0, -3.0, -0.5, 0.0, 0.25, 4.0, 900.0])
def test_smooth_steps_and_jumps_have_their_values_everywhere(at: float) -> None:
    space = vars(math) | {"u": at}
    assert eval(Names().code(Softplus(2 * u)), space) == pytest.approx(np.logaddexp(0, 2 * at), rel=1e-15)
    assert eval(Names().code(Sigmoid(u / 2)), space) == pytest.approx((1 + np.tanh(at / 4)) / 2, rel=1e-15)
    for value in (0, sp.Rational(1, 4), 1):
        step = eval(Names().code(sp.Heaviside(u, value)), space)
        assert step == (float(value) if at == 0 else float(at > 0))


def test_arrays_are_written_elementwise() -> None:
    code = Names().code(sp.exp(u) * sp.Max(u, 0) + sp.Min(u, sp.Rational(1, 2), u**2) + sp.sqrt(a), arrays=True)
    at = np.array([-1.0, 0.0, 0.3, 2.0])
    found = eval(code, {"numpy": np, "u": at, "a": 4.0})
    np.testing.assert_allclose(found, np.exp(at) * np.maximum(at, 0) + np.minimum(np.minimum(at, 0.5), at**2) + 2)


def test_assignments_share_what_they_have_in_common_and_come_in_an_order_that_works() -> None:
    wanted = [(c, b**2 + sp.exp(u + 1)), (b, 3 * a + sp.exp(u + 1)), (a, sp.sin(u))]
    found = statements(wanted)
    names = [name for name, _ in found]
    assert names.index(a) < names.index(b) < names.index(c)
    assert len(found) == 4  # exp(u + 1) once
    known: dict[sp.Symbol, sp.Expr] = {u: sp.Rational(1, 3)}
    for name, e in found:
        assert e.free_symbols <= known.keys()
        known[name] = e.xreplace(known)
    assert float(known[c]) == pytest.approx((3 * np.sin(1 / 3) + np.exp(4 / 3)) ** 2 + np.exp(4 / 3))
    assert statements([]) == []


def test_a_circle_of_definitions_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"circular definition among \['a', 'b'\]"):
        statements([(a, b + 1), (b, 2 * a), (c, u)])
    assert statements([(a, a + 1)]) == [(a, a + 1)]  # from its old value
