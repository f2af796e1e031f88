"""Scripts written of a limit run without symhigh, and SciPy finds symhigh's curve with them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import symhigh as sh

SPECTRUM = sh.Spectrum.from_eigenvalues([0.5, 1.0, 2.0], [0.2, 0.5, 0.3])
CASES = {
    "adagrad": (sh.least_squares(0.5), sh.AdaGradNorm(1, 1), (SPECTRUM, sh.Start())),
    "logistic": (sh.logistic_regression(), sh.Constant(0.5), (SPECTRUM, sh.Start(0.5, 1, 0.2))),
    "erf-momentum": (
        sh.erf_student(0.1),
        sh.Momentum(sh.Constant(0.3), 1),
        (SPECTRUM, sh.Start(0.5, 1, 0.2)),
    ),
    "adam": (sh.least_squares(1), sh.Adam(0.3, 1, 1, 1), (SPECTRUM, sh.Start())),
}


@pytest.mark.parametrize("case", CASES)
def test_a_script_finds_the_curve(case: str, tmp_path: Path) -> None:
    problem, rule, population = CASES[case]
    system = sh.derive(problem, rule)
    file = tmp_path / "limit.py"
    file.write_text(sh.python_script(system, *population, t_end=3), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-I", file], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=120
    )
    names, *rows = (line.split() for line in run.stdout.splitlines())
    assert "symhigh" not in [
        line.split()[1] for line in file.read_text().splitlines() if line.startswith("import ")
    ]
    found = np.array(rows, dtype=float)
    curve = system.solve(*population, 3, t=found[:, 0])
    for name, column in zip(names[1:], found.T[1:], strict=True):
        assert column == pytest.approx(getattr(curve, name), rel=2e-6, abs=2e-7), name


def test_what_has_no_script_says_so() -> None:
    with pytest.raises(TypeError, match="closed by moments"):
        sh.python_script(sh.derive(sh.DiagonalNetwork(0.5, 1)), t_end=1)
    eta = sp.Symbol("eta_0", positive=True)
    with pytest.raises(ValueError, match="have no value"):
        sh.python_script(sh.derive(sh.least_squares(), sh.Constant(eta)), SPECTRUM, sh.Start(), t_end=1)
