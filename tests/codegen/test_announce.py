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
