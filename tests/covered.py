"""Lines and branches of the package that the tests run: ``python -m tests.covered --out FOLDER [ROOM …] [--record]``.

Each test file runs once under ``coverage``, in a process of its own, and what it ran is kept in the folder: a file that
is there is not run again. Rooms are measured by all tests together, and by those that mirror them alone. Neither what
Numba or C compiles is seen, nor what runs in other processes than the tests' own.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.mutation.run import mirrored

ROOT = Path(__file__).resolve().parents[1]
LOADED_BEFORE = ("sympy", "numpy", "scipy.integrate", "scipy.stats", "matplotlib.pyplot")
COMPILED = r"^@njit"
"""What stands before a function that Numba compiles."""
LEAST = 90
"""The share, in percent, below which a file is listed."""
Counts = dict[str, int]


def test_files(rooms: Sequence[str]) -> list[str]:
    """The test files that mirror the rooms, by default all of them."""
    found = sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "tests").rglob("test_*.py"))
    return [name for name in found if not rooms or any(mirrored(room, name) for room in rooms)]


def settings(data: Path) -> Any:
    import coverage

    found = coverage.Coverage(str(data), branch=True, source=[str(ROOT / "symhigh")], config_file=False, messages=False)
    found.exclude(COMPILED)
    return found


def measure(name: str, data: Path) -> int:
    """Run one test file in a process of its own, and keep what it ran; the exit status of pytest."""
    child = os.fork()
    if child == 0:
        status = 70
        try:
            measured = settings(data.with_suffix(".part"))
            measured.start()
            status = int(pytest.main(["-q", "-n", "0", "-p", "no:cacheprovider", name]))
            measured.stop()
            measured.save()
            os.replace(data.with_suffix(".part"), data)
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def counts(folder: Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What the test files ran together, as coverage counts it, by file of the package."""
    whole = settings(folder / "all.coverage")
    whole.erase()
    whole.combine([str(kept(folder, name)) for name in names if kept(folder, name).exists()], keep=True)
    report = folder / "report.json"
    whole.json_report(outfile=str(report), ignore_errors=True)
    return {
        Path(file).relative_to(ROOT).as_posix() if Path(file).is_absolute() else file: found
        for file, found in json.loads(report.read_text("utf-8"))["files"].items()
    }


def kept(folder: Path, name: str) -> Path:
    return folder / f"{name.replace('/', '.')}.coverage"


def total(files: Iterable[dict[str, Any]]) -> Counts:
    """Lines and branches of files together, and how many of them ran."""
    names = {"lines": "num_statements", "lines run": "covered_lines", "branches": "num_branches",
             "branches run": "covered_branches"}  # fmt: skip
    held = list(files)
    return {text: sum(file["summary"][key] for file in held) for text, key in names.items()}


def share(found: Counts) -> float:
    """The percentage of lines and branches that ran."""
    possible = found["lines"] + found["branches"]
    return 100.0 * (found["lines run"] + found["branches run"]) / possible if possible else 100.0


def room_of(file: str) -> str:
    return file.split("/")[1].removesuffix(".py")


def by_rooms(folder: Path, files: Iterable[str], names: Sequence[str]) -> dict[str, float]:
    """The share of each room that its own tests run, where all of them were measured."""
    held = list(files)
    found = {}
    for room in sorted({room_of(file) for file in held}):
        mirrors = [name for name in names if mirrored(room, name)]
        if mirrors and all(kept(folder, name).exists() for name in mirrors):
            ran = counts(folder, mirrors)
            found[room] = share(total(ran[file] for file in held if room_of(file) == room and file in ran))
    return found


def low(files: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The files below :data:`LEAST`, with the lines that nothing runs."""
    found = {}
    for file, ran in files.items():
        percent = share(total([ran]))
        if percent < LEAST:
            missing = ", ".join(_spans(ran["missing_lines"]))
            found[file] = f"{percent:.0f} %" + (f", lines {missing}" if missing else ", branches alone")
    return found


def _spans(lines: Sequence[int]) -> list[str]:
    spans: list[list[int]] = []
    for line in lines:
        if spans and line == spans[-1][1] + 1:
            spans[-1][1] = line
        else:
            spans.append([line, line])
    return [str(a) if a == b else f"{a}-{b}" for a, b in spans]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.covered")
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help="only tests that mirror these rooms")
    parser.add_argument("--out", type=Path, required=True, help="folder of what is measured")
    parser.add_argument("--kept", action="store_true", help="count what the folder holds, and run nothing")
    parser.add_argument("--record", action="store_true", help="keep the figures for the page of guarantees")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    for module in LOADED_BEFORE:
        import_module(module)
    names, failed = test_files(asked.rooms), []
    for name in names:
        data = kept(asked.out, name)
        status = 0 if data.exists() or asked.kept else measure(name, data)
        if status not in (0, 5):
            failed.append(name)
            print(f"{name}: pytest ended with status {status}", flush=True)
    files = counts(asked.out, names)
    if asked.rooms:
        files = {file: ran for file, ran in files.items() if room_of(file) in asked.rooms}
    found, rooms = total(files.values()), by_rooms(asked.out, files, names)
    left = [name for name in names if not kept(asked.out, name).exists()]
    figures: dict[str, Any] = {"test files": len(names), "test files that were measured": len(names) - len(left)}
    figures |= {"test files that fail while they are traced": len(failed)} | found
    figures["share of lines"] = f"{100 * found['lines run'] / max(1, found['lines']):.1f} %"
    figures["share of branches"] = f"{100 * found['branches run'] / max(1, found['branches']):.1f} %"
    figures |= {f"lines and branches of {room} by its own tests": f"{value:.1f} %" for room, value in rooms.items()}
    listed = low(files) | ({"not measured": ", ".join(left)} if left else {})
    for key, value in (*figures.items(), *listed.items()):
        print(f"{key}: {value}")
    if asked.record:
        from tests.guarantees import record

        words = " ".join(["python -m tests.covered --out FOLDER", *asked.rooms, "--record"])
        record("coverage", words, figures, listed)


if __name__ == "__main__":
    sys.exit(main())
