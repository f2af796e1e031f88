"""Which test runs which line: the tests of a mutant are those that reach it, cheapest first.

Every test file runs once under ``coverage``, in a process of its own, with the test at hand as the context. Lines that
run while a file is collected belong to all of its tests. Generated and compiled code is invisible to this.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Coverage:
    """What the tests of one file run: seconds by test, and tests by line of every file of the package."""

    seconds: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    lines: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    """Of the files as they were, the test file among them, since a changed file has other lines and other tests."""

    @classmethod
    def load(cls, file: Path) -> Coverage:
        kept = json.loads(file.read_text("utf-8"))
        lines = {name: {int(k): v for k, v in found.items()} for name, found in kept["lines"].items()}
        return cls(kept["seconds"], kept["failed"], lines, kept["digests"])


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


class _Follow:
    """A pytest plugin: the test that runs is the context of the lines it runs."""

    def __init__(self, measured: Any, found: Coverage) -> None:
        self.measured, self.found = measured, found

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.measured.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self.measured.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.found.seconds[report.nodeid] = self.found.seconds.get(report.nodeid, 0.0) + report.duration
        if report.failed:
            self.found.failed.append(report.nodeid)


def measure(root: Path, test_file: str, target: Path) -> None:
    """Run one test file of the project at ``root`` and write what its tests run to ``target``."""
    import coverage

    found, package = Coverage(digests={test_file: digest(root / test_file)}), root / "symhigh"
    measured = coverage.Coverage(data_file=None, source=[str(package)], config_file=False, messages=False)
    measured.start()
    status = pytest.main(["-q", "-n", "0", "-p", "no:cacheprovider", test_file], [_Follow(measured, found)])
    measured.stop()
    if status not in (0, 1, 5):
        raise RuntimeError(f"{test_file}: pytest ended with status {status}")
    data = measured.get_data()
    for name in data.measured_files():
        tests = data.contexts_by_lineno(name)  # the context of what runs at collection is empty
        file = os.path.relpath(name, root)
        found.lines[file], found.digests[file] = tests, digest(Path(name))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(asdict(found)), "utf-8")
