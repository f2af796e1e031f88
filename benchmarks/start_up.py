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


NEW_LOSS = """
import sympy as sp
import symhigh as sh
loss = sp.log(sp.cosh({number} * (sh.x - sh.x_star)))
sh.derive(sh.Problem(loss), sh.AdaGradNorm(1, 0.3)).solve(sh.Spectrum.isotropic(), sh.Start(), 10)
"""


def python(code: str, cache: str, **more: str) -> None:
    environment = {**os.environ, "SYMHIGH_CACHE": cache, **more}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, stdout=subprocess.DEVNULL)


def rows() -> list[Contest]:
    """Importing, the help, and the first curve: processor time of the whole process."""
    with tempfile.TemporaryDirectory() as warm:

        def cold(code: str = FIRST_CURVE, **more: str) -> None:
            with tempfile.TemporaryDirectory() as empty:
                python(code, empty, **more)

        new = NEW_LOSS.format(number="1.3")

        return [
            contest("import symhigh", lambda: python("import symhigh", warm), {
                "import sympy": lambda: python("import sympy", warm), "bare interpreter": lambda: python("", warm)},
                turns=3, clock=cpu),
            contest("symhigh --help", lambda: python("from symhigh.cli import main; main(['--help'])", warm), {},
                    turns=3, clock=cpu),
            contest("first curve, warm cache", lambda: python(FIRST_CURVE, warm),
                    {"cold cache": cold}, turns=3, clock=cpu),
            contest("a loss never seen, its first curve, empty cache, C", lambda: cold(new, SYMHIGH_TARGET="c"),
                    {"Numba": lambda: cold(new, SYMHIGH_TARGET="numba"), "C, warm cache": lambda: python(new, warm)},
                    turns=3, clock=cpu),
        ]  # fmt: skip
