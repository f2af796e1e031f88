"""Kernels: which target makes them, with which options, what becomes of faults, what is kept; nothing is compiled."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen import kernels, simulators
from symhigh.codegen.compiler import NoCompiler
from symhigh.codegen.control import FIELDS
from symhigh.codegen.course import COURSE_FIELDS
from symhigh.codegen.implicit import IMPLICIT_FIELDS
from symhigh.codegen.kernels import (
    Kernels,
    _begun,
    _kernels,
    _once,
    _together,
    is_slow,
    limit_kernels,
    module_kernels,
    reference_is_quicker,
)
from symhigh.codegen.signatures import LIMIT, record
from symhigh.codegen.target import LLVM, NUMBA, NUMPY, C
from symhigh.derivation.limit import mean_field_of
from symhigh.telling import WATCHER

SYSTEM = sh.derive(sh.least_squares(0.3), sh.Constant(1))
DATA = (np.zeros(1), np.zeros((2, 3)), np.ones(3), np.zeros(2))


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[Any, Any]:
    """Nothing was made yet."""
    known: dict[Any, Any] = {}
    monkeypatch.setattr(kernels, "_loaded", known)
    return known


# --- records and packed arguments ----------------------------------------------------------------------------
def test_a_record_holds_functions_data_and_room_for_linear_algebra() -> None:
    named = {name: name.upper() for name in (*LIMIT, "linearise", "factor", "solve", "drift")}
    explicit = Kernels(target=NUMPY, fields=FIELDS, **named).record(DATA)
    assert explicit._fields == FIELDS
    assert explicit[:4] == ("RHS", "OBSERVE", "SCALES", "REFUSED")
    assert all(a is b for a, b in zip(explicit[4:], DATA, strict=True))
    implicit = Kernels(target=NUMPY, fields=IMPLICIT_FIELDS, room=(5, 2), **named).record(DATA)
    assert implicit.solve == "SOLVE"
    assert (implicit.slope.shape, implicit.A.shape, implicit.z.shape) == ((5,), (2, 2), (2,))


@pytest.mark.parametrize(("target", "more"), [(C, 1), (NUMBA, 0)], ids=["c", "numba"])
def test_courses_in_c_are_told_the_steppers_address(target: Any, more: int) -> None:
    made = Kernels(target=target, fields=COURSE_FIELDS, advance="ADVANCE", **{n: n for n in LIMIT})
    found = made.record(DATA)
    assert len(found) == len(COURSE_FIELDS) + more
    assert (found[-1] == "ADVANCE") == bool(more)
    plain = Kernels(target=target, fields=FIELDS, advance="ADVANCE", **{n: n for n in LIMIT})
    assert len(plain.record(DATA)) == len(FIELDS)


def test_arguments_are_packed_where_a_function_can_and_kept_where_it_cannot() -> None:
    def plain(*given: Any) -> Any:
        return given

    def refuses(*given: Any) -> Any:
        return given

    def packs(*given: Any) -> Any:
        raise AssertionError("not called itself")

    refuses.held = lambda *given: None  # type: ignore[attr-defined]
    packs.held = lambda *given: lambda changed: ("packed", given, changed)  # type: ignore[attr-defined]
    made = Kernels(plain=plain, refuses=refuses, packs=packs)
    for name in ("plain", "refuses"):
        call = made.held(name, 1, "a", 2.0)
        assert call({0: 5}) == (5, "a", 2.0)
        assert call({2: 0.5}) == (5, "a", 0.5)
        assert call({}) == (5, "a", 0.5)
    assert made.held("packs", 1, 2)({0: 7}) == ("packed", (1, 2), {0: 7})


# --- targets and faults --------------------------------------------------------------------------------------
def test_kernels_are_made_once_and_by_llvm_or_at_last_numba_where_c_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    asked: list[Any] = []
    monkeypatch.setattr(kernels, "give_up_c", told.append)
    monkeypatch.setattr(kernels, "chosen", lambda: C)
    monkeypatch.setattr(kernels, "without_c", lambda: LLVM)

    def made(target: Any) -> Any:
        asked.append(target)
        if target in (C, LLVM):
            raise NoCompiler("cc fails")
        return Kernels(target=target)

    first = _kernels("some", "content", None, made)
    assert first.target is NUMBA
    assert told == ["cc fails"]
    assert _kernels("some", "content", None, made) is first
    assert asked == [C, LLVM, NUMBA]
    assert _kernels("some", "content", NUMPY, made).target is NUMPY
    assert _kernels("other", "content", NUMPY, made) is not _kernels("some", "content", NUMPY, made)


def test_what_is_made_once_is_kept_and_numba_is_listened_to_where_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []
    monkeypatch.setattr(kernels, "listen", lambda: heard.append(1))
    modules = {name: module for name, module in sys.modules.items() if name != "numba"}
    monkeypatch.setattr(kernels, "sys", SimpleNamespace(modules=modules))
    made = iter(range(9))
    assert [_once("a", lambda: next(made)) for _ in range(3)] == [0, 0, 0]
    assert heard == []
    modules["numba"] = sys
    assert [_once(key, lambda: next(made)) for key in "bab"] == [1, 0, 1]
    assert heard == [1]


def test_of_several_modules_all_are_waited_for_and_the_first_fault_is_raised() -> None:
    log: list[str] = []

    def start(name: str, fails: str = "") -> Callable[[], Callable[[], Any]]:
        def wait() -> Any:
            log.append(f"{name} waits")
            if fails == "end":
                raise KeyError(name)
            return {name: 1}

        def begin() -> Callable[[], Any]:
            log.append(name)
            if fails == "start":
                raise ValueError(name)
            return wait

        return begin

    assert _together(start("a"), start("b")) == [{"a": 1}, {"b": 1}]
    assert log == ["a", "b", "a waits", "b waits"]
    log.clear()
    with pytest.raises(KeyError, match="a"):
        _together(start("a", "end"), start("b"))
    assert log == ["a", "b", "a waits", "b waits"]
    log.clear()
    with pytest.raises(ValueError, match="b"):
        _together(start("a", "end"), start("b", "start"), start("c"))
    assert log == ["a", "b", "c", "a waits", "c waits"]


def test_options_of_compilers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def begin(source: str, exports: Any, records: Any, level: int, fused: bool) -> Any:
        asked.append((level, fused))
        return lambda: SimpleNamespace(f=1)

    monkeypatch.setattr(kernels, "begin_object", begin)
    assert _begun("", {}, C)() == {"f": 1}
    _begun("", {}, C, level=3, fused=True)
    _begun("", {}, C, (record(FIELDS),))
    assert asked == [(2, False), (3, True), (1, False)]
    asked.clear()
    monkeypatch.setattr(kernels, "is_slow", lambda system: False)
    statement, _ = mean_field_of(sh.least_squares(0.3), sh.Constant(1))
    moments = sh.derive(sh.least_squares(0.3), sh.Constant(1), reduce=False)
    made = module_kernels("some", 1, C, lambda target: target.name, {"f": ("d",)})
    simulators.gram_kernels(moments, statement, C)
    simulators.step_kernels(mean_field_of(sh.least_squares(0.3), sh.Constant(1))[1], statement, False, C)
    assert asked == [(2, False), (1, False), (2, True)]
    assert (made.target, made.f) == (C, 1)


def test_numba_passes_functions_of_a_limit_by_address_but_to_no_stepper(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(rhs="rhs", refused="refused", lift="lift")
    exports = {"rhs": LIMIT["rhs"], "refused": LIMIT["refused"], "lift": ("a1",)}
    monkeypatch.setattr(kernels, "load", lambda source: module)
    monkeypatch.setattr(kernels, "first_class", lambda f, kinds, returned: (f, kinds, returned))
    plain = {"rhs": "rhs", "refused": "refused", "lift": "lift"}
    assert _begun("", exports, NUMPY)() == plain
    assert _begun("", exports, NUMBA, plain=True)() == plain
    assert _begun("", exports, NUMBA, (record(FIELDS),))() == plain
    found = _begun("", exports, NUMBA)()
    assert found["rhs"] == ("rhs", LIMIT["rhs"], "v")
    assert found["refused"] == ("refused", LIMIT["refused"], "i")
    assert found["lift"] == "lift"


def test_linear_algebra_is_not_made_beside_a_limit_of_another_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "limit_kernels", lambda system, target: Kernels(target=NUMBA))
    with pytest.raises(NoCompiler, match="the right-hand side was not compiled"):
        kernels._implicit(SYSTEM, C)


def test_steppers_are_made_once_for_all_limits(monkeypatch: pytest.MonkeyPatch, kept: dict[Any, Any]) -> None:
    seen: list[Any] = []

    def begin(source: str, exports: Any, target: Any, records: Any) -> Any:
        seen.append((source.count("def invert"), "COUPLING" in source, records[0].fields.keys()))
        return lambda: {"advance": len(seen)}

    monkeypatch.setattr(kernels, "_begun", begin)
    assert [kernels._stepper("explicit", NUMPY)() for _ in range(2)] == [{"advance": 1}] * 2
    assert kernels._stepper("implicit", NUMPY)() == {"advance": 2}
    assert [(c, set(fields)) for _, c, fields in seen] == [(False, set(FIELDS)), (True, set(IMPLICIT_FIELDS))]


def test_the_target_of_a_limit_is_the_one_asked_for_or_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_explicit_kernels", lambda system, target: target)
    monkeypatch.setattr(kernels, "chosen", lambda: C)
    assert limit_kernels(SYSTEM) is C
    assert limit_kernels(SYSTEM, NUMPY) is NUMPY


# --- the reference -------------------------------------------------------------------------------------------
def test_the_reference_is_quicker_alone_for_few_modes_and_plain_averages(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {name: module for name, module in sys.modules.items() if name != "numba"}
    monkeypatch.setattr(kernels, "sys", SimpleNamespace(modules=modules))
    main = threading.main_thread()
    others = [main]
    monkeypatch.setattr(kernels.threading, "enumerate", lambda: others)
    assert reference_is_quicker(SYSTEM, 1)
    assert reference_is_quicker(SYSTEM, 512)
    assert not reference_is_quicker(SYSTEM, 513)
    others.append(threading.Thread(name=WATCHER))
    assert reference_is_quicker(SYSTEM, 1)
    others.append(threading.Thread(name="another"))
    assert not reference_is_quicker(SYSTEM, 1)
    del others[1:]
    monkeypatch.setattr(kernels, "is_slow", lambda system: True)
    assert not reference_is_quicker(SYSTEM, 1)
    monkeypatch.setattr(kernels, "is_slow", lambda system: False)
    modules["numba"] = sys
    assert not reference_is_quicker(SYSTEM, 1)


HARD = sp.Abs(sh.x**2 - 1) ** sp.Rational(3, 2)


@pytest.mark.parametrize(
    ("problem", "slow"),
    [
        (sh.least_squares(0.3), False), (sh.logistic_regression(), False), (sh.huber(0.8, sh.StudentT(5, 0.4)), False),
        (sh.Problem(HARD), True), (sh.Problem(sp.log(sp.cosh(sh.x - sh.x_star - sh.eps)), sh.StudentT(5, 0.4)), True),
    ],
)  # fmt: skip
def test_averages_by_nested_rules_or_one_in_another_are_slow(problem: sh.Problem, slow: bool) -> None:
    assert is_slow(sh.derive(problem, sh.Constant(1), reduce=False)) is slow
