"""The C compiler of this machine: found once, its options tried, its work limited in time.

Serves :mod:`symhigh.codegen.objects`. No option lets the compiler reorder or fuse floating-point operations, so results
do not depend on what it can optimise; only sums over modes are taken in the lanes of the processor. Simulators alone
may round a product and a sum once, as Numba does.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

NAMES = ("cc", "gcc", "clang")
PATIENCE = 120.0
"""Seconds that one compilation may take."""
EXACT = ("-std=gnu11", "-fPIC", "-shared", "-fvisibility=hidden", "-ffp-contract=off", "-w")
"""Options without which nothing is compiled."""
FAST = (
    *("-fno-math-errno", "-fopenmp-simd", "-fno-semantic-interposition"),
    *("-fipa-cp", "-fipa-sra", "-finline-small-functions"),
    *("-fno-tree-pre", "-fno-gcse", "-fno-schedule-insns2", "-fno-tree-vrp"),
)
"""Options that are left out where a compiler does not know them; none changes what an operation returns. The passes
named in the last line take about a tenth of the compiler's time, and only simulators are faster by one of them."""


class NoCompiler(Exception):
    """There is no compiler, or it does not work; the message says which and why."""


@lru_cache(maxsize=1)
def compiler() -> tuple[str, str] | None:
    """Path of the compiler, and what identifies it and the processor that it compiles for; None without one."""
    if os.name != "posix":
        return None
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        return None
    real = os.path.realpath(found)
    status = os.stat(real)
    return found, f"{real} {status.st_size} {status.st_mtime_ns} {platform.machine()} {_processor()}"


@lru_cache(maxsize=1)
def _processor() -> str:
    """Model and abilities of the processor, empty where the system does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    kept: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "flags", "Features"):
            kept.setdefault(key.strip(), value.strip())
    return " ".join(f"{k} {v}" for k, v in sorted(kept.items()))


def options(level: int, fused: bool) -> list[tuple[str, ...]]:
    """Sets of options to be tried in turn, the quickest code first; ``fused`` rounds products in sums once.

    Loops of simulators have more numbers than registers: there a value in memory is to be read once.
    """
    native = ("-march=native",) if _processor() else ()
    once = ("-ffp-contract=fast", "-fgcse") if fused else ()
    return [(f"-O{level}", *EXACT, *FAST, *once, *native), ("-O1", *EXACT)]


def begin(text: str, folder: Path, level: int, fused: bool = False) -> Callable[[], Path]:
    """Start to compile C in ``folder``; the function returned waits for the shared object and tells where it is.

    Raises :class:`NoCompiler` where there is none, as does the function where it fails with all options.
    """
    found = compiler()
    if found is None:
        raise NoCompiler(f"there is no C compiler called {', '.join(NAMES)}")
    source, target = folder / "made.c", folder / "made.so"
    try:
        source.write_text(text, "utf-8")
    except OSError as error:
        raise NoCompiler(f"{folder} cannot be written to: {error.strerror or error}") from None
    first, *others = [[found[0], *tried, str(source), "-o", str(target), "-lm"] for tried in options(level, fused)]
    process = _started(first)

    def finished() -> Path:
        fault = _fault(found[0], process, target)
        for other in others:
            if not fault:
                break
            fault = "" if not _fault(found[0], _started(other), target) else fault
        if fault:
            raise NoCompiler(f"{found[0]} fails: {fault[:200]}")
        return target

    return finished


def _started(command: list[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
    except OSError as error:
        raise NoCompiler(f"{command[0]} does not run: {error.strerror or error}") from None


def _fault(name: str, process: subprocess.Popen[bytes], target: Path) -> str:
    """Wait for a compilation; what is wrong with it, empty where it made its file."""
    try:
        errors = process.communicate(timeout=PATIENCE)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise NoCompiler(f"{name} took more than {PATIENCE:g} s") from None
    if process.returncode == 0 and target.exists():
        return ""
    return errors.decode("utf-8", "replace").strip().partition("\n")[0] or "it writes nothing"
