"""What the reference may still compute: seconds that are used up, where nobody has named a target."""

from __future__ import annotations

import time

import pytest

from symhigh.codegen.allowance import PATIENCE, REFERENCE, Allowance, is_free
from symhigh.codegen.target import LLVM, NUMBA, NUMPY, C


def test_seconds_of_computing_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert PATIENCE == 2.0
    assert isinstance(REFERENCE, Allowance)
    one = Allowance()
    assert (one.spent, one.left) == (0.0, 2.0)
    clock = iter([10.0, 10.5, 11.0, 12.0])
    monkeypatch.setattr(time, "thread_time", lambda: next(clock))
    with one.used():
        pass
    assert (one.spent, one.left) == (0.5, 1.5)
    with pytest.raises(ZeroDivisionError), one.used():
        raise ZeroDivisionError
    assert one.left == 0.5


def test_it_stands_in_for_numba_alone_and_where_no_target_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYMHIGH_TARGET", raising=False)
    assert [is_free(target) for target in (NUMBA, LLVM, NUMPY, C, None)] == [True, False, False, False, False]
    monkeypatch.setenv("SYMHIGH_TARGET", "numba")
    assert not is_free(NUMBA)
