"""The tests under the Python that runs this: ``python -m tests.platforms [PATH …] [--record]``, for the guarantees.

Each path of the tests, by default every folder and file of ``tests``, is run by itself; the record keeps what other
versions of Python found.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from sympy.external.gmpy import GROUND_TYPES

from symhigh.ledger.surroundings import versions
from tests.covered import test_files
from tests.guarantees import recorded

ROOT = Path(__file__).resolve().parents[1]
COMMAND = "python -m tests.platforms --record"
Outcome = Counter[str]


def paths() -> list[str]:
    """Every folder and every file of ``tests`` that holds tests."""
    inside = sorted((ROOT / "tests").iterdir())
    return [p.relative_to(ROOT).as_posix() for p in inside if _holds_tests(p)]


def _holds_tests(place: Path) -> bool:
    return place.match("test_*.py") if place.is_file() else any(place.rglob("test_*.py"))


def outcome(path: str) -> Outcome:
    """How the tests of a path end: counts of ``passed``, ``failed`` and ``skipped``."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}", path]
        status = subprocess.run([sys.executable, *words], cwd=ROOT, check=False).returncode
        if not report.exists():
            return Counter(failed=1)  # pytest itself could not begin
        suite = next(ElementTree.parse(report).iter("testsuite"))
    found = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
    wrong = max(found["failures"] + found["errors"], int(status not in (0, 5)))
    return Counter(passed=found["tests"] - wrong - found["skipped"], failed=wrong, skipped=found["skipped"])


def name() -> str:
    """The Python that runs this, with the packages that differ between versions of it."""
    found = versions()
    numbers = "" if GROUND_TYPES == "python" else f", numbers of {GROUND_TYPES}"
    packages = ", ".join(f"{package} {found[package]}" for package in ("numpy", "scipy", "numba"))
    return f"Python {platform.python_version()}, {packages}{numbers}"


def keep(found: dict[str, Outcome]) -> None:
    """Put what the tests of each path did into the record; what other versions of Python found stays there."""
    from tests.guarantees import record

    before = recorded().get("platforms", {})
    total = sum(found.values(), Counter[str]())
    text = f"{total['passed']} tests pass, {total['failed']} fail, {total['skipped']} are skipped"
    bad = [path for path, each in found.items() if each["failed"]]
    files = test_files([])
    left = [file for file in files if not any(file == path or file.startswith(f"{path}/") for path in found)]
    notes = [f"fail: {', '.join(bad)}"] if bad else []
    folders = Counter("/".join(file.split("/")[:2]) for file in left)
    where = ", ".join(f"{count} in {folder}" for folder, count in sorted(folders.items()))
    notes += [f"{len(left)} of {len(files)} test files were not run: {where}"] if left else []
    listed = {key: value for key, value in before.get("listed", {}).items() if key != name()}
    figures = before.get("figures", {}) | {name(): text}
    record("platforms", COMMAND, figures, listed | ({name(): "; ".join(notes)} if notes else {}))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.platforms")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="folders and files of tests")
    parser.add_argument("--record", action="store_true", help="keep the counts for the page of guarantees")
    asked = parser.parse_args()
    found = {}
    for path in asked.paths or paths():
        found[path] = outcome(path)
        print(f"{path}: {dict(found[path])}", flush=True)
    if asked.record:
        keep(found)
    return int(any(each["failed"] for each in found.values()))


if __name__ == "__main__":
    sys.exit(main())
