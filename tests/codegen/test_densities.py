"""Kernels of densities: their target, their types, the solver made once; the compilers are stood in for."""

from __future__ import annotations

from typing import Any

import pytest

import symhigh as sh
from symhigh.codegen import densities
from symhigh.codegen.densities import _addressed, _compiling, density_kernels, solver_kernels
from symhigh.codegen.density_kernel import AVERAGES, COUPLED, FORCES, SOLVER
from symhigh.codegen.signatures import LIMIT
from symhigh.codegen.target import NUMBA, NUMPY, C


def test_numba_stands_in_for_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    for named, taken in ((NUMPY, NUMBA), (NUMBA, NUMBA), (C, C)):
        monkeypatch.setattr(densities, "chosen", lambda named=named: named)
        assert _compiling() is taken


def test_functions_that_the_solver_calls_are_passed_by_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(densities, "first_class", lambda f, kinds, returned: (f, kinds, returned))
    given = {name: name.upper() for name in ("averages", "forces", "doubt", "prepare", "squared_error")}
    assert _addressed(given, C) is given
    found = _addressed(given, NUMBA)
    assert found["prepare"] == "PREPARE"
    assert found["averages"] == ("AVERAGES", AVERAGES[:-1], "v")
    assert found["squared_error"] == ("SQUARED_ERROR", AVERAGES[:-1], "v")
    assert found["forces"] == ("FORCES", FORCES[:-1], "v")
    assert found["doubt"] == ("DOUBT", FORCES[:-1], "v")


@pytest.mark.parametrize("target", [NUMBA, C], ids=lambda t: t.name)
def test_what_is_made_and_that_the_solver_is_made_once(monkeypatch: pytest.MonkeyPatch, target: Any) -> None:
    begun: list[tuple[Any, ...]] = []

    def begin(source: str, exports: Any, wanted: Any, records: Any = (), plain: bool = False) -> Any:
        begun.append((dict(exports), wanted, records, plain))
        return lambda: dict.fromkeys(exports, len(begun))

    known: dict[Any, Any] = {}
    monkeypatch.setattr(densities, "_begun", begin)
    monkeypatch.setattr(densities, "_loaded", known)
    monkeypatch.setattr(densities, "_once", lambda key, made: known.setdefault(key, made()))
    monkeypatch.setattr(densities, "chosen", lambda: target)
    monkeypatch.setattr(densities, "first_class", lambda f, kinds, returned: f)
    monkeypatch.setattr(densities, "_kernels", lambda name, content, target, made: made(target))
    system: Any = sh.derive(sh.least_squares(0.3, sh.PRODUCT), sh.Constant(1))
    made = density_kernels(system, system.channels.names[1:])
    assert made.target is target
    (solver, own) = begun
    assert solver == (SOLVER, target, (COUPLED,), False)
    pairs = {"averages": AVERAGES[:-1], "reports": AVERAGES[:-1], "forces": FORCES[:-1], "observe": FORCES[:-1]}
    assert own == ({"prepare": LIMIT["prepare"], "begin": LIMIT["begin"]} | pairs, target, (), True)
    assert {*SOLVER, *own[0]} <= vars(made).keys()
    again = solver_kernels()
    assert len(begun) == 2
    assert again.advance == made.advance
    assert again.target is target
