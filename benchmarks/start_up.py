"""From a shell: importing, and the first curve from a cold and a warm cache, the interpreter's start included."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from benchmarks.measure import Contest, contest, cpu

FIRST_CURVE = """
import symhigh as sh
sh.derive(sh.least_squares(1), sh.AdaGradNorm(1, 0.3)).solve(sh.Spectrum.isotropic(), sh.Start(), 10)
"""


def python(code: str, cache: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "SYMHIGH_CACHE": cache})


def rows() -> list[Contest]:
    """Three lines of the table."""
    with tempfile.TemporaryDirectory() as warm:

        def cold() -> None:
            with tempfile.TemporaryDirectory() as empty:
                python(FIRST_CURVE, empty)

        return [
            contest("import symhigh", lambda: python("import symhigh", warm), {
                "import sympy": lambda: python("import sympy", warm), "bare interpreter": lambda: python("", warm)},
                turns=3, clock=cpu),
            contest("first curve, warm cache", lambda: python(FIRST_CURVE, warm),
                    {"cold cache": cold}, turns=3, clock=cpu),
        ]  # fmt: skip
