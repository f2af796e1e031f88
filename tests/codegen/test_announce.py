"""Compilations that take long are announced, once."""

from __future__ import annotations

import time

import pytest

from symhigh.codegen import announce


def test_what_compilations_take_adds_up_and_is_told_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(announce, "PATIENCE", 0.2)
    watch = announce.Stopwatch()
    watch.start()
    watch.start()  # one function compiled for another
    watch.stop()
    watch.stop()
    assert capsys.readouterr().err == ""
    for _ in range(2):
        watch.start()
        time.sleep(0.3)
        watch.stop()
    assert capsys.readouterr().err.splitlines() == [announce.TEXT]


def test_compilations_of_generated_functions_alone_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    numba = pytest.importorskip("numba")
    heard: list[str] = []
    monkeypatch.setattr(announce.WATCH, "start", lambda: heard.append("start"))
    monkeypatch.setattr(announce.WATCH, "stop", lambda: heard.append("stop"))
    announce.listen()
    announce.listen()  # once is enough: events are heard once
    for module, expected in (("symhigh_generated_of_a_test", ["start", "stop"]), ("another", [])):
        heard.clear()
        space = {"__name__": module}
        exec("def twice(a):\n    return 2.0 * a", space)
        assert numba.njit(space["twice"])(1.5) == 3.0
        assert heard == expected
