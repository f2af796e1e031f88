"""The NumPy reference against C and Numba, and the stability of generated source."""

import os
import subprocess
import sys

import numpy as np
import pytest

import symhigh as sh
from symhigh.codegen.cache import load
from symhigh.codegen.kernels import limit_kernels, limit_source
from symhigh.codegen.simulators import step_kernels
from symhigh.codegen.target import NUMBA, NUMPY, C, Target
from symhigh.derivation.limit import mean_field_of
from tests.scenarios import SCENARIOS, START, TWO_HALVES

BY_NUMBA = ("least squares, line search",)
"""What Numba, whose compiler takes seconds for each, compiles here in every run; the rest of them with ``-m slow``.
A quadrature that it compiles is met in tests/integration/test_first_curve.py."""


@pytest.mark.parametrize(("name", "target"), [
    *(pytest.param(name, C, id=f"{name}-c") for name in SCENARIOS),
    *(pytest.param(name, NUMBA, id=f"{name}-numba", marks=[] if name in BY_NUMBA else pytest.mark.slow)
      for name in SCENARIOS),
])  # fmt: skip
def test_targets_agree_on_random_states(name: str, target: Target) -> None:
    s = SCENARIOS[name]
    system = sh.derive(s.problem, s.rule, reduce=False)
    rng = np.random.default_rng(7)
    kernels = limit_kernels(system, NUMPY), limit_kernels(system, target)
    par = np.array([float(v) for v in system.parameters.values()])
    for n in (1, 5):
        coef, w = rng.uniform(0.1, 1, (2, n)), rng.dirichlet(np.ones(n))
        v11, angle = rng.uniform(0.1, 2, n), rng.uniform(-1, 1, n)
        y = np.concatenate([v11, angle * np.sqrt(v11 * coef[1]), rng.uniform(0.5, 2, len(system.states))])
        results = []
        for k in kernels:
            const, dy, out = np.zeros(len(system.reductions)), np.zeros(y.size), np.zeros(len(system.outputs))
            k.prepare(par, coef, w, const)
            k.rhs(0.3, y, dy, par, coef, w, const)
            k.observe(0.3, y, out, par, coef, w, const)
            results.append(np.concatenate([const, dy, out]))
        assert results[0] == pytest.approx(results[1], rel=1e-11, abs=1e-12)


def test_numbers_compile_nothing() -> None:
    numbers = [(1, 0, 1, 1), (2, 0.5, 3, 0.1)]
    systems = [
        sh.derive(sh.huber(c, noise), sh.AdaGradNorm(eta, b))
        for c, noise, eta, b in numbers
    ]
    assert limit_kernels(systems[0]) is limit_kernels(systems[1])
    simulators = [mean_field_of(sh.huber(c, noise), sh.AdaGradNorm(eta, b)) for c, noise, eta, b in numbers]
    assert step_kernels(*simulators[0][::-1]) is step_kernels(*simulators[1][::-1])
    for spectrum in (TWO_HALVES, sh.Spectrum.power_law(0.2)):
        systems[0].solve(spectrum, START, 1)
    other = sh.derive(sh.least_squares(1), sh.Constant(1))
    assert limit_kernels(systems[0]).advance is limit_kernels(other).advance  # one stepper for all


def test_source_is_the_same_in_every_process() -> None:
    """Hashes of strings and symbols differ between processes; the generated source must not."""
    program = (
        "import symhigh as sh; from symhigh.codegen.kernels import limit_source\n"
        "for p in (sh.logistic_regression(), sh.huber(1, 1)):\n"
        "    print(limit_source(sh.derive(p, sh.LineSearch())))"
    )
    problems = sh.logistic_regression(), sh.huber(1, 1)
    here = "".join(f"{limit_source(sh.derive(p, sh.LineSearch()))}\n" for p in problems)
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    there = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": seed},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert there == here


def test_cache_keeps_modules_on_disk(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("SYMHIGH_CACHE", str(tmp_path / "cache"))
    module = load("answer = 42\n")
    assert module.answer == 42
    assert load("answer = 42\n") is module
    (file,) = (tmp_path / "cache").glob("m_*.py")
    assert file.read_text() == "answer = 42\n"


def test_source_is_readable_python() -> None:
    source = limit_source(sh.derive(sh.least_squares(1), sh.AdaGradNorm(1, 1)), NUMPY)
    compile(source, "generated", "exec")
    assert "def rhs(" in source
