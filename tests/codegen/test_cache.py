"""Generated code on disk: a private folder or none, whole entries only, one module for all threads and processes."""

import errno
import math
import os
import re
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest

from symhigh.codegen import folder
from symhigh.codegen.cache import load
from symhigh.codegen.target import NUMBA

SUM = (
    NUMBA.header
    + """
@njit
def term(k, x):
    return x**k / (1.0 + math.exp(-x * k))

@njit
def total(x):  # Σ of terms, in any order
    s = 0.0
    for k in range(1000):
        s += term(k, x)
    return s
"""
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh folder, and no memory of what was warned about."""
    monkeypatch.setenv("SYMHIGH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(folder, "_warned", set())
    folder._private.cache_clear()
    return tmp_path / "cache"


def fresh(source: str, number: int) -> str:
    """The same source under another name, so that this process has not met it."""
    return f"{source}\n# {number} {os.urandom(4).hex()}\n"


def test_the_folder_is_made_private(place: Path) -> None:
    assert folder.cache_folder() == place.resolve()
    assert place.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["others write", "link", "replaceable", "impossible"])
def test_a_folder_that_is_not_private_is_not_used_and_one_warning_names_the_variable(
    place, kind: str
) -> None:  # type: ignore[no-untyped-def]
    if kind == "others write":
        place.mkdir()
        place.chmod(0o777)
    elif kind == "link":
        (place.parent / "target").mkdir(mode=0o700)
        place.symlink_to(place.parent / "target")
    elif kind == "replaceable":
        place.mkdir(mode=0o700)
        place.parent.chmod(0o777)
    else:
        place.write_text("a file")
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        module = load(fresh(SUM, 0))
        load(fresh(SUM, 1))
    (warning,) = seen
    assert "SYMHIGH_CACHE" in str(warning.message)
    terms = (0.5**k / (1 + math.exp(-0.5 * k)) for k in range(1000))
    assert module.total(0.5) == pytest.approx(sum(terms), rel=1e-14)
    if kind != "impossible":
        assert not list(place.iterdir())
    place.parent.chmod(0o700)


def test_another_users_folder_is_not_used(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place.mkdir(mode=0o700)
    me = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: me + 1)
    with pytest.warns(RuntimeWarning, match="belongs to another user"):
        assert folder.cache_folder() is None


READ = "open('source', 'rb').read().decode()"
SCRIPT = f"from symhigh.codegen.cache import load; print(load({READ}).total(0.7).hex())"
FOUR = f"""
import os
import numba
from symhigh.codegen.cache import load
numba.njit(lambda x: x + 1)(1.0)  # what takes a process its time before the first text, which all share
ready, go = os.pipe()
for _ in range(4):
    if not os.fork():
        os.close(go)
        os.read(ready, 1)  # until all are there
        os.write(1, (load({READ}).total(0.7).hex() + "\\n").encode())  # a line in one piece
        os._exit(0)
os.close(go)
assert all(os.wait()[1] == 0 for _ in range(4))
print(load({READ}).total(0.7).hex())
"""


def run(place: Path, source: str, script: str = SCRIPT, **environment: str) -> subprocess.Popen[str]:
    """A fresh process that loads ``source`` and calls it."""
    place.parent.joinpath("source").write_text(source, "utf-8")
    home = str(Path(folder.__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script], cwd=place.parent, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": home, "SYMHIGH_CACHE": str(place), **environment},
    )  # fmt: skip


def result(process: subprocess.Popen[str]) -> str:
    text, errors = process.communicate()
    assert process.returncode == 0, errors
    return text


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder that a process filled alone, under the C locale, and what it computed."""
    place = tmp_path_factory.mktemp("made") / "cache"
    return place, result(run(place, SUM, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"))


def test_four_processes_on_a_cold_cache_compute_the_bits_of_one_alone(place: Path, made: tuple[Path, str]) -> None:
    answers = result(run(place, SUM, FOUR)).splitlines(keepends=True)
    assert len(answers) == 5
    assert {*answers} == {made[1]}  # the last of them from disk
    assert len(list(place.glob("c_*.bin"))) == 2
    assert not list(place.glob("*.tmp"))


def test_damaged_entries_are_dropped_and_rebuilt(made: tuple[Path, str]) -> None:
    place, first = made
    source, *entries = sorted(place.iterdir(), key=lambda f: f.suffix, reverse=True)
    assert len(entries) == 2
    text, machine = source.read_bytes(), [entry.read_bytes() for entry in entries]
    source.write_bytes(text[:100])
    entries[0].write_bytes(machine[0][: len(machine[0]) // 2])
    entries[1].write_bytes(machine[1][:5000] + b"\0?" * 8 + machine[1][5016:])
    assert [folder.unsealed(entry) for entry in entries] == [None, None]
    source.write_bytes(b"")
    entries[0].write_bytes(b"")
    assert result(run(place, SUM)) == first
    assert source.read_bytes() == text
    assert all(folder.unsealed(entry) for entry in entries)


def test_source_with_greek_letters_under_the_c_locale(made: tuple[Path, str]) -> None:
    assert "Σ" in next(made[0].glob("m_*.py")).read_text("utf-8")


def test_a_full_disk_is_survived_with_one_warning(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    folder.cache_folder()
    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(RuntimeWarning, match="No space left.*SYMHIGH_CACHE") as seen:
        assert load(fresh(SUM, 0)).total(0.5) > 0
    assert len(seen) == 1
    assert not list(place.iterdir())


def test_32_threads_make_one_module_which_none_sees_half_made(place: Path) -> None:
    source = "import time\nruns = []\nruns.append(1)\ntime.sleep(0.05)\ndef ready():\n    return len(runs)\n"
    source, found, faults = fresh(source, 0), [], []
    gate = threading.Barrier(32)

    def work() -> None:
        gate.wait()
        try:
            found.append((load(source), load(source).ready()))
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert len(found) == 32
    assert len({id(module) for module, _ in found}) == 1
    assert {count for _, count in found} == {1}


def test_source_that_fails_leaves_no_module(place: Path) -> None:
    source = fresh("1/0\n", 0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            load(source)


def test_no_home_and_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("SYMHIGH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(folder, "_warned", set())
    monkeypatch.setattr(Path, "home", homeless)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert folder.cache_folder() is None
    assert "SYMHIGH_CACHE" in str(seen[0].message)


SOLVE = """
import hashlib, os, threading
import symhigh as sh
sh.derive  # which both processes have
def solve(count):
    found, gate = [], threading.Barrier(count)
    def work():
        gate.wait()
        system = sh.derive(sh.least_squares(1), sh.AdaGradNorm(1, .3))
        curve = system.solve(sh.Spectrum.isotropic(), sh.Start(), 5)
        found.append(hashlib.sha256(curve.risk.tobytes() + curve.learning_rate.tobytes()).hexdigest())
    threads = [threading.Thread(target=work) for _ in range(count)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len(found) == count
    print(*set(found), flush=True)
for count in (32, 1):
    if not os.fork():
        solve(count)
        os._exit(0)
    assert os.wait()[1] == 0
"""


def test_32_threads_and_later_one_solve_to_the_same_bits(place: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SOLVE],
        env={**os.environ, "SYMHIGH_CACHE": str(place)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if not re.match("symhigh: (compiling|.* s so far)", line)]
    many, alone = done.stdout.splitlines()
    assert many == alone
    assert len(many.split()) == 1


CROWD = """
import hashlib, threading
from concurrent.futures import ThreadPoolExecutor
import symhigh as sh
from symhigh.codegen.target import NUMBA
found, gate = set(), threading.Barrier({threads})
def work():
    gate.wait()
    problem, rule, start = sh.least_squares(1), sh.AdaGradNorm(1, .3), sh.Start()
    spectrum = sh.Spectrum.from_eigenvalues([1.5, .5])
    curve = sh.derive(problem, rule).solve(spectrum, start, 5, target=NUMBA)
    runs = sh.simulate(problem, rule, spectrum, start, 60, 2, [7, 3], threads=2)
    for name, values in dict(**curve.outputs, **{{f"run {{k}}": v for k, v in runs.outputs.items()}}).items():
        found.add(f"{{name}}={{hashlib.sha256(values.tobytes()).hexdigest()}}")
with ThreadPoolExecutor({threads}) as pool:
    [job.result() for job in [pool.submit(work) for _ in range({threads})]]  # raises what a thread raises
print(*sorted(found), sep="\\n")
"""


@pytest.mark.slow
def test_32_threads_in_each_of_8_processes_on_a_cold_cache_find_the_bits_of_one_alone(tmp_path: Path) -> None:
    """Every output of a curve and of two runs, by compiled code: the first curve of a process may come of the
    reference, which differs in the last digits, so that the target is named."""

    def start(place: str, threads: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-c", CROWD.format(threads=threads)], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "SYMHIGH_CACHE": str(tmp_path / place)},
        )  # fmt: skip

    answers = [result(p) for p in [start("shared", 32) for _ in range(8)]]
    answers += [result(start("shared", 1)), result(start("alone", 1))]
    assert len(set(answers)) == 1
    names = [line.split("=")[0] for line in answers[0].splitlines()]
    assert len(names) == len(set(names))  # one value of each output, whatever the thread
    assert {"risk", "learning_rate", "run risk", "run distance"} <= set(names)
    assert not list((tmp_path / "shared").glob("*.tmp"))
