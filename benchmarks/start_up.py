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
    environment = {**os.environ, "SYMHIGH_CACHE": cache}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, stdout=subprocess.DEVNULL)


def rows() -> list[Contest]:
    """Importing, the help, and the first curve: processor time of the whole process."""
    with tempfile.TemporaryDirectory() as warm:

        def cold() -> None:
            with tempfile.TemporaryDirectory() as empty:
                python(FIRST_CURVE, empty)

        return [
            contest("import symhigh", lambda: python("import symhigh", warm), {
                "import sympy": lambda: python("import sympy", warm), "bare interpreter": lambda: python("", warm)},
                turns=3, clock=cpu),
            contest("symhigh --help", lambda: python("from symhigh.cli import main; main(['--help'])", warm), {},
                    turns=3, clock=cpu),
            contest("first curve, warm cache", lambda: python(FIRST_CURVE, warm),
                    {"cold cache": cold}, turns=3, clock=cpu),
        ]  # fmt: skip
