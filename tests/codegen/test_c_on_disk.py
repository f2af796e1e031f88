"""Objects on disk: the same bits for all processes, whatever is there, another target where none can be made."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import symhigh as sh
from symhigh.codegen.target import LLVM, C, without_c
from tests.codegen.test_c import needs_compiler

APART = """
import os
import pathlib
place = pathlib.Path(os.environ["SYMHIGH_CACHE"])

def apart(*works):
    '''Each in a process of its own, all at once, which have what stands before and load the rest.'''
    children = []
    for work in works:
        if not (child := os.fork()):
            work()
            os._exit(0)
        children.append(child)
    assert not any([os.waitpid(child, 0)[1] for child in children])
"""
SOLVE = """
import symhigh as sh
system = sh.derive(sh.logistic_regression(), sh.AdaGradNorm(1, 0.3))
def solve():
    curve = system.solve(sh.Spectrum.isotropic(), sh.Start(), 5)
    print(curve.risk.tobytes().hex(), flush=True)
"""


def started(place: Path, script: str, warn: str = "error", **environment: str) -> subprocess.Popen[str]:
    env = {k: v for k, v in os.environ.items() if k != "SYMHIGH_TARGET"}
    return subprocess.Popen(
        [sys.executable, "-W", warn, "-c", script], env={**env, "SYMHIGH_CACHE": str(place), **environment},
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def result(process: subprocess.Popen[str]) -> str:
    text, errors = process.communicate()
    assert process.returncode == 0, errors
    return text


@needs_compiler
def test_processes_on_a_cold_cache_and_damaged_objects_give_the_same_bits(tmp_path: Path) -> None:
    script = """
apart(solve, solve)
kept = sorted(place.glob("o_*.so"))
assert len(kept) == 3  # the right-hand side, the stepper and the helpers of quadrature
assert not list(place.glob("*.tmp"))
whole = [file.read_bytes() for file in kept]
kept[0].write_bytes(whole[0][:1000])
kept[1].write_bytes(whole[1][:5000] + b"\\0?" * 8 + whole[1][5016:])
apart(solve)
assert [file.read_bytes() for file in kept] == whole
next(iter(place.glob("o_*.sum"))).unlink()
apart(solve)
"""
    found = result(started(tmp_path / "cache", APART + SOLVE + script)).splitlines()
    assert len(found) == 4
    assert len(set(found)) == 1


@needs_compiler
def test_without_a_private_folder_objects_are_made_for_the_process_alone(tmp_path: Path) -> None:
    place = tmp_path / "open"
    place.mkdir()
    place.chmod(0o777)
    text = result(started(place, SOLVE + "solve()", warn="ignore"))
    curve = sh.derive(sh.logistic_regression(), sh.AdaGradNorm(1, 0.3)).solve(
        sh.Spectrum.isotropic(), sh.Start(), 5, target=C
    )
    assert text == curve.risk.tobytes().hex() + "\n"
    assert not list(place.iterdir())


PLAIN = SOLVE.replace("logistic_regression()", "least_squares()") + "solve()"


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder that holds what serves without C makes of a curve, and no object; and the curve."""
    place = tmp_path_factory.mktemp("other") / "cache"
    text = result(started(place, PLAIN, SYMHIGH_TARGET=without_c().name))
    assert not list(place.glob("o_*"))
    return place, text


@needs_compiler
def test_a_compiler_that_does_not_work_is_named_once_and_another_serves(
    tmp_path: Path, others: tuple[Path, str]
) -> None:
    """Which faults there are, tests/codegen/test_compiler.py goes through."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "cc").write_text("#!/bin/sh\nexit 1\n")
    (folder / "cc").chmod(0o755)
    script = f"""
import warnings
import symhigh as sh
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    system = sh.derive(sh.least_squares(), sh.AdaGradNorm(1, 0.3))
    curves = [system.solve(sh.Spectrum.isotropic(), sh.Start(), 5) for _ in range(2)]
(text,) = {{str(w.message) for w in seen}}
assert {str(folder)!r} in text and "SYMHIGH_TARGET={without_c().name}" in text, text
print(repr(curves[0].risk[-1]))
"""
    text = result(started(others[0], script, PATH=f"{folder}:/usr/bin:/bin"))
    curve = sh.derive(sh.least_squares(), sh.AdaGradNorm(1, 0.3)).solve(sh.Spectrum.isotropic(), sh.Start(), 5)
    assert curve.risk[-1] == pytest.approx(float(text.partition("(")[2].partition(")")[0] or text), rel=1e-12)


@needs_compiler
def test_a_full_disk_leaves_the_work_to_another(others: tuple[Path, str]) -> None:
    """No file beyond 2000 bytes, neither in the folder nor among temporary files: one warning, and the curve."""
    limited = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
    text, errors = started(others[0], limited + PLAIN, warn="default").communicate()
    assert f"cannot be written to: File too large; {'LLVM' if without_c() is LLVM else 'Numba'} compiles" in errors
    assert "Traceback" not in errors
    assert text == others[1]
    assert len(text.strip()) == 201 * 16
