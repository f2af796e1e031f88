"""The first curve of a process: drawn without a compiler, and equal to the compiled one."""

import subprocess
import sys

SCRIPT = """
import sys
import numpy as np
import symhigh as sh
system = sh.derive({problem}, {rule})
first = system.solve(sh.Spectrum.isotropic(), sh.Start(), 5)
assert "numba" not in sys.modules
second = system.solve(sh.Spectrum.isotropic(), sh.Start(), 5)
assert "numba" in sys.modules
np.testing.assert_allclose(first.risk, second.risk, rtol=1e-12)
np.testing.assert_allclose(first.learning_rate, second.learning_rate, rtol=1e-12)
"""


def test_first_curve_needs_no_compiler_and_agrees_with_compiled_code():
    script = SCRIPT.format(problem="sh.least_squares(1)", rule="sh.AdaGradNorm(1, 0.3)")
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)


def test_a_first_curve_that_overflows_ends_as_compiled_code_says():
    script = """
import symhigh as sh, warnings
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    curve = sh.derive(sh.phase_retrieval(), sh.Constant(3.0)).solve(sh.Spectrum.isotropic(), sh.Start(4, 1), 50)
assert not curve.complete and "diverged" in curve.message
assert any("diverged" in str(w.message) for w in seen)
"""
    subprocess.run([sys.executable, "-c", script], check=True)
