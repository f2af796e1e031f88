"""What the long runs for the page of guarantees do: one curve by four ways, spans of lines, records that are kept."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import differential, guarantees, platforms
from tests.covered import _spans, share, total


@pytest.mark.parametrize("name", ["AdaGrad-Norm, square, linear", "AdaGrad, square, linear"])
def test_one_curve_by_four_ways(name: str) -> None:
    found = differential.differences(name)
    assert list(found) == list(differential.WAYS)
    assert all(isinstance(apart, float) and apart <= differential.LEAST for apart in found.values())


def test_a_way_that_is_wrong_or_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    right = differential.WAYS["C"]

    def off(system: Any, population: tuple[Any, ...]) -> np.ndarray:
        return right(system, population) * (1 + 1e-5)

    def fails(system: Any, population: tuple[Any, ...]) -> np.ndarray:
        raise RecursionError("too deep")

    monkeypatch.setattr(differential, "WAYS", {"C": right, "off": off, "fails": fails})
    found = differential.differences("AdaGrad-Norm, square, linear")
    assert found == {"C": 0.0, "off": pytest.approx(1e-5), "fails": "RecursionError: too deep"}
    assert differential.refusals("x", found) == {"x, fails": "RecursionError: too deep"}
    refused = differential.differences("schedule-free, square, network")
    assert list(differential.refusals("y", refused)) == ["y, every way"]


def test_shares_count_lines_and_branches() -> None:
    summary = {"num_statements": 8, "covered_lines": 6, "num_branches": 2, "covered_branches": 1}
    found = total([{"summary": summary}, {"summary": summary}])
    assert found == {"lines": 16, "lines run": 12, "branches": 4, "branches run": 2}
    assert share(found) == 70.0
    assert share(total([])) == 100.0
    assert _spans([1, 2, 3, 7, 9, 10]) == ["1-3", "7", "9-10"]


def test_a_record_of_platforms_keeps_what_others_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(guarantees, "RECORDS", tmp_path)
    for name, failed in (("Python one", 0), ("Python two", 1)):
        monkeypatch.setattr(platforms, "name", lambda name=name: name)
        platforms.keep({"tests/closed": Counter(passed=5, failed=failed), "tests/test_cli.py": Counter(skipped=2)})
    data = json.loads((tmp_path / "platforms.json").read_text("utf-8"))
    assert data["figures"] == {
        "Python one": "5 tests pass, 0 fail, 2 are skipped", "Python two": "5 tests pass, 1 fail, 2 are skipped",
    }  # fmt: skip
    assert data["listed"]["Python two"].startswith("fail: tests/closed; ")
    assert "in tests/ledger" in data["listed"]["Python one"]
    assert "in tests/closed" not in data["listed"]["Python one"]
