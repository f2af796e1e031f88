"""Applies mutants to a copy of the project, one at a time, and runs the tests of their room that reach them.

A fork of a process that has the third-party packages loaded runs pytest; it is killed where a test takes much longer
than without the mutant. The working tree is never touched, and each mutant has a cache of generated code of its own.
"""

from __future__ import annotations

import ast
import io
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from importlib import import_module
from itertools import groupby
from pathlib import Path

import pytest

from tests.mutation.cover import Coverage, digest
from tests.mutation.mutants import Mutant

FOLDERS = ("symhigh", "tests", "derivations", "docs")
FILES = ("pyproject.toml", "README.md")
MIRRORS = {
    "symbols": ("tests/test_symbols.py", "tests/derivation", "tests/closed", "tests/rule"),
    "system": ("tests/derivation", "tests/integration", "tests/test_pickle.py"),
    "meanfield": ("tests/derivation", "tests/integration", "tests/test_pickle.py"),
    "aliases": ("tests/test_aliases.py",),
    "registry": ("tests/test_registry.py", "tests/test_cli.py"),
    "__init__": ("tests/test_architecture.py", "tests/test_aliases.py"),
    "notation": ("tests/test_notation.py", "tests/report", "tests/closed/test_formula.py"),
    "entries": ("tests/test_registry.py", "tests/problem", "tests/rule", "tests/test_cli.py"),
    "verify": ("tests/test_architecture.py", "tests/test_aliases.py"),
    "objects": ("tests/test_objects.py", "tests/test_outcomes.py", "tests/test_pickle.py"),
    "cli": ("tests/test_cli.py", "tests/test_cli_parts.py"),
    "ledger": ("tests/ledger", "tests/derivations"),
    "population": ("tests/population", "tests/problem"),
}
"""The tests of a room that has no folder of its own in ``tests``, or more than that."""
FLUCTUATIONS = ("tests/integration/test_fluctuations.py", "tests/integration/test_routes_table.py")
CHAIN = ("tests/simulation/test_gram.py",)
STEPS = ("tests/simulation/test_simulate.py", "tests/simulation/test_table.py")
SERVED = {
    "symhigh/codegen/deviations.py": FLUCTUATIONS,
    "symhigh/codegen/gram.py": CHAIN,
    "symhigh/codegen/gram_frame.py": CHAIN,
    "symhigh/codegen/gram_sample.py": CHAIN,
    "symhigh/codegen/sample.py": STEPS,
    "symhigh/codegen/step.py": STEPS,
    "symhigh/derivation/sample.py": (*FLUCTUATIONS, "tests/simulation"),
    "symhigh/derivation/increments.py": FLUCTUATIONS,
    "symhigh/derivation/shift.py": FLUCTUATIONS,
    "symhigh/derivation/fluctuations.py": FLUCTUATIONS,
    "symhigh/cli/running.py": ("tests/files/test_experiment.py",),
    "symhigh/objects/experiment.py": ("tests/files/test_experiment.py",),
    "symhigh/derivation/close/additive.py": (
        "tests/integration/test_network.py",
        "tests/integration/test_network_law.py",
    ),
}
"""The tests of what a file serves, beside those of its room, where its results are seen in another room alone."""
PATIENCE, GRACE = 10.0, 90.0
"""A test may take so many times its measured seconds, and so many seconds on top for what must be compiled anew."""

_BROKEN = 70
"""The exit status of a run of pytest that could not begin: no verdict on a mutant."""


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant: ``killed``, ``timed out`` or ``survived``; and the test that first noticed it."""

    status: str
    by: str
    tests: int
    seconds: float


def mirrored(room: str, name: str, file: str = "") -> bool:
    """Whether the tests of file ``name`` are those of ``room``, or of its ``file``."""
    places = (*MIRRORS.get(room, (f"tests/{room}", f"tests/test_{room}.py")), *SERVED.get(file, ()))
    return any(name == place or name.startswith(place + "/") for place in places)


def function_lines(file: Path) -> set[int]:
    """The lines inside the functions of a file, which do not run when it is imported."""
    tree = ast.parse(file.read_bytes()) if file.exists() else ast.Module([], [])
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return {n for f in functions for part in f.body for n in range(part.lineno, (part.end_lineno or 0) + 1)}


class Map:
    """Which tests run which lines, over all test files."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.seconds: dict[str, float] = {}
        self.lines: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
        self.files: defaultdict[str, set[str]] = defaultdict(set)
        self.changed: set[str] = set()
        self.root = root
        self.inside: dict[str, set[int]] = {}
        broken = set()
        for file in sorted(folder.glob("*.json")):
            found = Coverage.load(file)
            self.seconds |= found.seconds
            broken |= set(found.failed)
            for name, lines in found.lines.items():
                file = root / name
                if name not in self.inside:
                    self.inside[name] = function_lines(file)
                # what a test file computes while it is collected belongs to all of its tests
                collected = {n for n, tests in lines.items() if "" in tests} & self.inside[name]
                for number in collected:
                    self.lines[name, number] |= set(found.seconds)
                self.files[name] |= set(found.seconds) if collected else set()
                changed = not file.exists() or digest(file) != found.digests[name]
                self.changed |= {name} if changed else set()
                for number, tests in lines.items():
                    self.lines[name, number] |= {*tests} - {""}
                    self.files[name] |= {*tests} - {""}
        for test in broken:
            self.seconds.pop(test, None)

    def tests(self, mutant: Mutant, budget: float) -> list[str]:
        """The tests of the mutant's room that reach it: of its own file first, then of those that import from
        its module, within a file the quickest first.

        Where the tracer cannot tell (compiled functions, what runs at import, a file that changed since), all that
        reach the file, or else its room; where no test is seen to reach a line, those of its own file, or else its
        room, which may run it in another process or at import. What does not fit into ``budget`` measured seconds is
        left out, the most expensive tests of other files first, which can only lower the score.
        """
        places = [(mutant.file, line) for line in range(mutant.statement, mutant.line + 1)]
        reached = set().union(*(self.lines[p] for p in places if p in self.lines))
        room = {test for test in self.seconds if mirrored(mutant.room, test.split("::")[0], mutant.file)}
        own = f"/test_{Path(mutant.file).stem}.py"
        chosen = reached & room
        unseen = mutant.file in self.changed or mutant.line not in self.inside.get(mutant.file, ())
        if unseen:
            chosen = set()  # the test that imports a module first is not the one that notices
        if not chosen and (mutant.compiled or unseen or any(p in self.lines for p in places)):
            chosen = self.files.get(mutant.file, set()) & room or room
        if not chosen:
            chosen = {test for test in room if test.split("::")[0].endswith(own)} or room
        quickest: dict[str, float] = {}
        for test in chosen:
            name = test.split("::")[0]
            quickest[name] = min(quickest.get(name, 1e9), self.seconds[test])

        module = mutant.file.removesuffix(".py").replace("/", ".")
        naming = {n: n.endswith(own) or f"{module} import" in (self.root / n).read_text("utf-8") for n in quickest}

        def first(test: str) -> tuple[bool, float]:
            return (not test.split("::")[0].endswith(own), self.seconds[test])

        def order(test: str) -> tuple[bool, bool, float, str, float]:
            name = test.split("::")[0]
            return (not name.endswith(own), not naming[name], quickest[name], name, self.seconds[test])

        cheap, within, spent = sorted(chosen, key=first), list[str](), 0.0
        for test in cheap:  # one that is too long leaves room for the others
            if spent + self.seconds[test] <= budget:
                within.append(test)
                spent += self.seconds[test]
        return sorted(within or cheap[:1], key=order)


def _link(entry: Path, target: Path) -> None:
    try:
        os.link(entry, target)  # entries are written whole and replaced, never changed in place
    except OSError:
        shutil.copy(entry, target)


class _Progress:
    """A pytest plugin: tells the parent which test runs, and which one failed."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def say(self, *words: str) -> None:
        with self.file.open("a", encoding="utf-8") as out:
            out.write("\t".join(words) + "\n")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.say("begin", nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.say("failed", report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.say("failed", f"{report.nodeid} (collection)")


class Workshop:
    """A copy of the project in a temporary folder, where mutants are put in and taken out."""

    def __init__(self, root: Path, folder: Path, cache: Path | None) -> None:
        self.copy, self.cache, self.warm = folder / "copy", folder / "cache", cache
        self.progress = folder / "progress"
        ignore = shutil.ignore_patterns("__pycache__", ".*")
        for name in FOLDERS:
            shutil.copytree(root / name, self.copy / name, ignore=ignore)
        for name in FILES:
            shutil.copy(root / name, self.copy / name)

    @contextmanager
    def mutated(self, mutant: Mutant | None) -> Iterator[None]:
        """The mutant stands in the copy, and the cache is as warm as it was given."""
        shutil.rmtree(self.cache, ignore_errors=True)
        self.cache.mkdir(mode=0o700)
        for entry in self.warm.iterdir() if self.warm else ():
            if entry.is_file():
                _link(entry, self.cache / entry.name)
        if mutant is None:
            yield
            return
        file = self.copy / mutant.file
        source = file.read_bytes()
        try:
            file.write_bytes(mutant.apply(source))
            yield
        finally:
            file.write_bytes(source)

    def examine(self, mutant: Mutant | None, tests: Sequence[str], seconds: dict[str, float]) -> Outcome:
        """Run ``tests`` with the mutant in place; those that pass without it are expected."""
        begin = time.monotonic()
        if not tests:
            return Outcome("survived", "no test of the room reaches it", 0, 0.0)
        with self.mutated(mutant):
            self.progress.write_text("", "utf-8")
            child = os.fork()
            if child == 0:
                self._be_pytest(tests)
            status, by = self._wait(child, seconds)
        return Outcome(status, by, len(tests), round(time.monotonic() - begin, 1))

    def _be_pytest(self, tests: Sequence[str]) -> None:
        """Become the process that runs the tests in the copy; does not return."""
        status = _BROKEN
        try:
            os.setsid()
            os.chdir(self.copy)
            with open(self.copy.parent / "output", "wb") as output:
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
            kept = [p for p in sys.path if p and not (Path(p) / "symhigh").exists()]
            sys.path[:] = [str(self.copy), *kept]
            os.environ |= {"PYTHONPATH": str(self.copy), "SYMHIGH_CACHE": str(self.cache)}
            os.environ["PYTHONDONTWRITEBYTECODE"] = "mutants"  # tests/conftest.py lets it stand
            sys.dont_write_bytecode = True
            for name in [n for n in sys.modules if n.split(".")[0] in ("tests", "symhigh")]:
                del sys.modules[name]
            options = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--tb=line"]
            options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # pytest's plugins are loaded already
            for _, some in groupby(tests, lambda test: test.split("::")[0]):  # no file is collected before its turn
                status = int(pytest.main([*options, *some], [_Progress(self.progress)]))
                if status:
                    break
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _wait(self, child: int, seconds: dict[str, float]) -> tuple[str, str]:
        """Until the child ends, or a test of it takes too long; how it ended, and by which test."""
        current, since, failed = "collection", time.monotonic(), ""
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            said = [line.split("\t") for line in self.progress.read_text("utf-8").splitlines()]
            failed = next((words[1] for words in said if words[0] == "failed"), "")
            begun = [words[1] for words in said if words[0] == "begin"]
            if begun and begun[-1] != current:
                current, since = begun[-1], time.monotonic()
            if ended:
                code = os.waitstatus_to_exitcode(status)
                if code == 0:
                    return "survived", ""
                if code == _BROKEN:
                    raise RuntimeError((self.copy.parent / "output").read_text("utf-8", "replace"))
                return "killed", failed or f"{current} (pytest ends with status {code})"
            if time.monotonic() - since > PATIENCE * seconds.get(current, 3.0) + GRACE:
                os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return "timed out", current
            time.sleep(0.1)


def load_before(test_file: str) -> None:
    """Import here, once for all forks, what others wrote and a run of ``test_file`` imports."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with redirect_stdout(io.StringIO()):
                pytest.main(["-q", "-n", "0", "-p", "no:cacheprovider", test_file])
            names = [n for n in sys.modules if n.split(".")[0] not in ("tests", "symhigh", "__main__", "conftest")]
            os.write(writing, "\n".join(names).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as said:
        names = said.read().split()
    os.waitpid(child, 0)
    for name in names:
        with suppress(ImportError):
            import_module(name)


@contextmanager
def workshop(root: Path, cache: Path | None) -> Iterator[Workshop]:
    """A copy of the project that lasts as long as the block."""
    with tempfile.TemporaryDirectory() as folder:
        yield Workshop(root, Path(folder), cache)
