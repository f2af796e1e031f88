"""The first curve of a process: the bits of every later one by C or LLVM, and by the reference without either."""

import os
import subprocess
import sys

import numpy as np
import pytest

import symhigh as sh
from symhigh.codegen.compiler import compiler
from symhigh.codegen.target import NUMBA, C, llvm_is_usable

SCRIPT = """
import sys
import numpy as np
import symhigh as sh
system = sh.derive({problem}, {rule})
first = system.solve(sh.Spectrum.isotropic(), sh.Start(), 5)
assert "numba" not in sys.modules
second = system.solve(sh.Spectrum.isotropic(), sh.Start(), 5)
"""
OLD = "import symhigh.codegen.target as target\ntarget.llvm_is_usable = lambda: False\n"
"""An llvmlite of another interface."""
SAME = """
assert "numba" not in sys.modules
np.testing.assert_array_equal(first.risk, second.risk)
np.testing.assert_array_equal(first.learning_rate, second.learning_rate)
print(np.concatenate([first.risk, first.learning_rate]).tobytes().hex())
"""
DIVERGES = """
import symhigh as sh, warnings
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    curve = sh.derive(sh.phase_retrieval(), sh.Constant(3.0)).solve(sh.Spectrum.isotropic(), sh.Start(4, 1), 50)
assert not curve.complete and "diverged" in curve.message
assert any("diverged" in str(w.message) for w in seen)
"""


def run(script: str, **environment: str) -> str:
    env = {k: v for k, v in os.environ.items() if k != "SYMHIGH_TARGET"} | environment
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def without_compiler(tmp_path, monkeypatch) -> dict[str, str]:  # type: ignore[no-untyped-def]
    """An environment whose path has no compiler."""
    (tmp_path / "nothing").mkdir()
    return {"PATH": str(tmp_path / "nothing")}


@pytest.mark.parametrize("by", ["C", "LLVM"])
def test_the_first_curve_has_the_bits_of_later_ones_whatever_the_cache(by, without_compiler, tmp_path) -> None:  # type: ignore[no-untyped-def]
    if compiler() is None if by == "C" else not llvm_is_usable():
        pytest.skip(f"{by} is not there")
    environment = {"SYMHIGH_CACHE": str(tmp_path / "cache")} | ({} if by == "C" else without_compiler)
    script = SCRIPT.format(problem="sh.logistic_regression()", rule="sh.AdaGradNorm(1, 0.3)") + SAME
    cold = run(script, **environment)
    assert cold == run(script, **environment)


def test_without_one_the_first_curves_wait_for_none_and_agree_with_compiled_code(without_compiler) -> None:  # type: ignore[no-untyped-def]
    """An average over two predictions too, which is a product there; and many modes."""
    script = SCRIPT.format(problem="sh.logistic_regression()", rule="sh.AdaGradNorm(1, 0.3)") + SAME
    many = SCRIPT.format(problem="sh.least_squares(1)", rule="sh.AdaGradNorm(1, 0.3)")
    many = many.replace("isotropic()", "marchenko_pastur(0.5)") + "assert 'numba' not in sys.modules"
    told = np.frombuffer(bytes.fromhex(run(OLD + script + many, **without_compiler)))
    system = sh.derive(sh.logistic_regression(), sh.AdaGradNorm(1, 0.3))
    compiled = system.solve(sh.Spectrum.isotropic(), sh.Start(), 5, target=NUMBA if compiler() is None else C)
    np.testing.assert_allclose(told, [*compiled.risk, *compiled.learning_rate], rtol=1e-12)


def test_the_reference_hands_over_what_it_has_no_time_for(without_compiler) -> None:  # type: ignore[no-untyped-def]
    """To LLVM's code where there is any, which is made sooner than Numba's."""
    by, module = ("LLVM", "llvmlite") if llvm_is_usable() else ("NUMBA", "numba")
    script = f"{OLD}import symhigh.integration.solve as s\ns._FEW, s.NUMBA = 10**9, target.{by}\n"
    script += SCRIPT.format(problem="sh.least_squares(1)", rule="sh.AdaGradNorm(1, 0.3)")
    run(script.replace("\"numba\" not in", f"\"{module}\" in"), **without_compiler)


def test_a_first_curve_that_overflows_ends_as_compiled_code_says(without_compiler) -> None:  # type: ignore[no-untyped-def]
    namespace: dict[str, object] = {}
    exec(DIVERGES, namespace)
    run(DIVERGES, **without_compiler)
