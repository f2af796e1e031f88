"""What long work says of itself: fractions to a function, lines on standard error, and nothing too often."""

from __future__ import annotations

import pytest

from symhigh.integration import waiting


@pytest.mark.parametrize(("live", "told", "line"), [(True, 1.0, True), (False, 1.0, False), (True, -1.0, False)])
def test_a_line_is_left_only_where_one_was_begun(
    live: bool, told: float, line: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: live, raising=False)
    teller = waiting.Teller("f", 3, None)
    teller._told = told
    teller.end(True)
    assert capsys.readouterr().err == ("\n" if line else "")


def test_progress_is_told_as_a_fraction_and_its_end_only_of_the_whole() -> None:
    seen: list[float] = []
    teller = waiting.Teller("f", 4, seen.append)
    teller.add(1)
    teller.tell()
    teller.end(False)
    assert seen == [0.25]
    teller.end(True)
    assert seen == [0.25, 1.0]
    waiting.Teller("f", 0, seen.append).tell()
    assert seen[-1] == 0


def test_long_work_is_told_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [100.0]
    monkeypatch.setattr(waiting.time, "monotonic", lambda: clock[0])
    teller = waiting.Teller("f", 4, None)
    teller.add(3)
    first = 1.01 * waiting.PATIENCE
    steps = (0.9 * waiting.PATIENCE, False), (first, True), (first + 0.1, False), (first + 1.1 * waiting._AGAIN, True)
    for later, said in steps:
        clock[0] = 100.0 + later
        teller.tell()
        assert capsys.readouterr().err == ("symhigh: f: 3 of 4 curves\n" if said else "")
