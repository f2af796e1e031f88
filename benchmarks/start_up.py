"""From a shell: importing, the first curve and the first runs, and verifying, from an empty and from a full cache.

Every process is a fresh one, with the byte code of an installed package. What is said to start from an empty cache
compiles, which is checked in the folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.measure import Contest, contest, cpu

PROBLEMS = {
    "least squares": "sh.least_squares(1)",
    "logistic regression": "sh.logistic_regression()",
    "a loss never seen": "sh.Problem(sympy.log(sympy.cosh(1.3 * (sh.x - sh.x_star))))",
}
CURVE = "sh.derive({}, sh.AdaGradNorm(1, 0.3)).solve(sh.Spectrum.isotropic(), sh.Start(), 10)"
RULES = {
    "AdaGrad-Norm, isotropic": "sh.AdaGradNorm(1, 0.3), sh.Spectrum.isotropic()",
    "Adam, power law": "sh.Adam(0.1, 1, 1, 1), sh.Spectrum.power_law(0.5)",
}
RUNS = "sh.simulate(sh.least_squares(1), {}, sh.Start(), 400, 2, seeds=20)"
CLOCKED = """
import os, time
import sympy
begun = time.perf_counter(), sum(os.times()[:4])
import symhigh as sh
{work}
print(time.perf_counter() - begun[0], sum(os.times()[:4]) - begun[1])
"""
TURNS = 5


def python(code: str, cache: str, **more: str) -> str:
    """Run ``code`` in a fresh process."""
    unwanted = ("PYTHONDONTWRITEBYTECODE", "SYMHIGH_TARGET")
    environment = {k: v for k, v in os.environ.items() if k not in unwanted}
    bytes_ = str(Path(tempfile.gettempdir(), "symhigh-bytes"))
    environment |= {"SYMHIGH_CACHE": cache, "PYTHONPYCACHEPREFIX": bytes_, **more}
    return subprocess.run(
        [sys.executable, "-c", code], check=True, env=environment, text=True, stdout=subprocess.PIPE
    ).stdout  # fmt: skip


def beyond_sympy(what: str, work: str) -> Contest:
    """Medians of the processor time beyond importing SymPy: an empty cache, with and without a compiler; a full one."""
    code = CLOCKED.format(work=work)
    with tempfile.TemporaryDirectory() as full:

        def empty(**more: str) -> str:
            with tempfile.TemporaryDirectory() as cache:
                printed = python(code, cache, **more)
                made = [f for f in Path(cache).iterdir() if f.suffix in (".so", ".bin")]
                assert made or "PATH" in more, f"{what}: nothing was compiled"
                return printed

        ways: dict[str, Callable[[], str]] = {
            "symhigh": lambda: empty(SYMHIGH_TARGET="c"),
            "full cache": lambda: python(code, full, SYMHIGH_TARGET="c"),
            "no compiler to be found": lambda: empty(PATH=full),
            "compiled by Numba": lambda: empty(SYMHIGH_TARGET="numba"),
        }
        ways["full cache"]()
        found = {who: [] for who in ways}
        for turn in range(TURNS):
            for who, way in ways.items():
                if turn == 0 or "Numba" not in who:
                    found[who].append([float(v) for v in way().split()])
    times = {who: np.median(np.array(values), axis=0) for who, values in found.items()}
    load = f", load {os.getloadavg()[0]:.0f}" if hasattr(os, "getloadavg") else ""
    wall = f"wall time {times['symhigh'][0]:.2g} s{load}"
    seconds = {who: float(value[1]) for who, value in times.items()}
    return Contest(
        f"{what}, empty cache, C, beyond importing SymPy", seconds,
        {who: value / seconds["symhigh"] for who, value in seconds.items() if who != "symhigh"}, wall,
    )  # fmt: skip


def rows() -> list[Contest]:
    """Importing, the help, the first curves and the first runs: processor time of the process and its compilers."""
    with tempfile.TemporaryDirectory() as warm:
        table = [
            contest("import symhigh", lambda: python("import symhigh", warm), {
                "import sympy": lambda: python("import sympy", warm), "bare interpreter": lambda: python("", warm)},
                turns=3, clock=cpu),
            contest("symhigh --help", lambda: python("from symhigh.cli import main; main(['--help'])", warm), {},
                    turns=3, clock=cpu),
        ]  # fmt: skip
    table += [beyond_sympy(f"first curve, {name}", CURVE.format(code)) for name, code in PROBLEMS.items()]
    runs = [beyond_sympy(f"first 20 runs at d = 400, {name}", RUNS.format(code)) for name, code in RULES.items()]
    return [*table, *runs]


def verifying() -> list[Contest]:
    """All claims that symhigh ships: from an empty cache, examined again with a full one, and taken from there."""
    code = "from symhigh.cli import main; main([{}])"
    ways = {"symhigh": "'verify'", "examined again, full cache": "'verify', '--fresh'", "run again": "'verify'"}
    seconds = {}
    with tempfile.TemporaryDirectory() as cache:
        for who, words in ways.items():
            begin = time.perf_counter()
            shown = python(code.format(words), cache)
            seconds[who] = time.perf_counter() - begin
            assert ("taken from earlier runs" in shown) == (who == "run again")
    ratios = {who: value / seconds["symhigh"] for who, value in seconds.items() if who != "symhigh"}
    return [Contest("symhigh verify, empty cache", seconds, ratios, "wall time, one run each")]
