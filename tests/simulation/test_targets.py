"""Simulators on all targets: the normals' bits, one problem of each kind, and what happens without a compiler."""

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen import kernels, llvm, target
from symhigh.codegen.c import translate
from symhigh.codegen.cache import load
from symhigh.codegen.compiler import compiler
from symhigh.codegen.gram import gram_source, refusal
from symhigh.codegen.llvm_objects import load_llvm
from symhigh.codegen.normal import POOL, normal_source, stream
from symhigh.codegen.objects import begin_object
from symhigh.codegen.signatures import GRAM, STEP
from symhigh.codegen.step import step_source
from symhigh.codegen.target import LLVM, NUMBA, NUMPY, C, llvm_is_usable
from symhigh.derivation import derive
from symhigh.derivation.limit import mean_field_of
from tests.codegen.test_c import needs_llvm
from tests.combinations import TWO, combinations

needs_compiler = pytest.mark.skipif(compiler() is None, reason="there is no C compiler")
ALL = combinations()


def data() -> sh.Dataset:
    rng = np.random.default_rng(5)
    rows = rng.standard_normal((30, 12)) * np.linspace(0.5, 1.5, 12)
    return sh.Dataset(rows, rows @ np.ones(12) + 0.1 * rng.standard_normal(30))


def runs(name: str, method: str = "direct", d: int = 20, end: float = 1.5, **given: object) -> Callable[[], sh.Runs]:
    problem, rule, population = ALL[name]
    return lambda: sh.simulate(
        problem, rule, *population, d=d, t_end=end, seeds=[3, 8], method=method, t=[0, end / 3, end], **given
    )


def classes() -> sh.Runs:
    nu, mu = sp.symbols("nu mu", real=True)
    mixture = sh.Mixture([sp.Rational(1, 2), sp.Rational(3, 10), sp.Rational(1, 5)], [nu, mu - nu / 2, 0], [0, 1, -2])
    problem = sh.Problem((sh.x - sh.x_star - sh.y - sh.eps) ** 2 / 2, 0.3, data=mixture)
    overlaps = sh.Overlaps(np.diag([0.5, 1.0, 0.8, 0.6]) + 0.1)
    return sh.simulate(problem, sh.Constant(0.6), sh.Spectrum.isotropic(), overlaps, 20, 2.0, [3, 8], t=[1.0, 2.0])


def learnt(method: str) -> Callable[[], sh.Runs]:
    a, b = sp.symbols("a b", real=True)
    loss = (a * sh.x + b - sh.x_star - 1 - sh.eps) ** 2 / 2
    problem, rule = sh.Problem(loss, noise=0.5, learnt={a: sh.Learnt(0.5, 2), b: 0}), sh.MiniBatch(sh.Constant(0.3), 2)
    return lambda: sh.simulate(problem, rule, *TWO, 20, 1.5, [3, 8], method, [0.5, 1.5])


KINDS: dict[str, Callable[[], sh.Runs]] = {
    "one direction": runs("AdaGrad-Norm, square, linear"),
    "several directions": runs("SGD, square, committee"),
    "vectors": runs("schedule-free, square, linear"),
    "cells": runs("Adam, square, linear"),
    "normals of the step's own": runs("noisy gradient, square, linear"),
    "mini-batch": runs("mini-batch with weight decay, square, linear"),
    "network": runs("SGD, square, network"),
    "cells of a network": runs("Adam, square, network"),
    "greedy": runs("line search, square, linear"),
    "noise by uniforms": runs("AdaGrad-Norm, Student"),
    "sampled labels": runs("AdaGrad-Norm, logistic, sampled"),
    "classes with means": classes,
    "learnt scalars": learnt("direct"),
    "covariance": runs("SGD, square, linear", covariance=np.diag(np.linspace(0.5, 2, 20)) + 0.1),
    "rows of data": lambda: sh.simulate_passes(data(), sh.Constant(0.2), 2.0, [3, 8], t=[0, 0.5, 2]),
    "Gram chain": runs("AdaGrad-Norm, square, linear", "gram"),
    "Gram chain with learnt scalars": learnt("gram"),
    "Gram chain of several": runs("SGD, square, committee", "gram"),
    "Gram chain of a batch": runs("mini-batch with weight decay, square, linear", "gram"),
    "Gram chain with its own normals": runs("noisy gradient, square, linear", "gram"),
}


def on(named: str, monkeypatch: pytest.MonkeyPatch, made: Callable[[], sh.Runs]) -> dict[str, np.ndarray]:
    monkeypatch.setenv("SYMHIGH_TARGET", named)
    return dict(made().outputs)


@lru_cache(maxsize=64)
def reference(kind: str) -> dict[str, np.ndarray]:
    """What NumPy makes of it, once for all targets."""
    with pytest.MonkeyPatch.context() as patch:
        return on("numpy", patch, KINDS[kind])


def agree(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> None:
    assert one.keys() == two.keys()
    for name, values in one.items():
        np.testing.assert_allclose(values, two[name], rtol=1e-11, atol=1e-13, err_msg=name)


def by_llvm(monkeypatch: pytest.MonkeyPatch, made: Callable[[], sh.Runs]) -> dict[str, np.ndarray]:
    """As on a machine without a C compiler, where no module of Python may be loaded instead."""

    def forbidden(source: str) -> None:
        raise AssertionError("generated code was loaded as a module")

    monkeypatch.delenv("SYMHIGH_TARGET", raising=False)
    monkeypatch.setattr(target, "compiler", lambda: None)
    monkeypatch.setattr(kernels, "load", forbidden)
    return dict(made().outputs)


@needs_compiler
@pytest.mark.parametrize("kind", KINDS)
def test_c_has_the_runs_of_the_reference(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    agree(on("c", monkeypatch, KINDS[kind]), reference(kind))


@pytest.mark.parametrize(
    "kind",
    [
        kind if kind == "cells of a network" else pytest.param(kind, marks=pytest.mark.slow)
        for kind in KINDS  # the Gram chain stands below, with a generator of NumPy's
    ],
)
def test_numba_has_the_runs_of_the_reference(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the Gram chain to the last bit."""
    numba = on("numba", monkeypatch, KINDS[kind])
    agree(numba, reference(kind))
    if kind.startswith("Gram"):
        for name, values in numba.items():
            np.testing.assert_array_equal(values, reference(kind)[name], err_msg=name)


@needs_llvm
@pytest.mark.parametrize("kind", KINDS)
def test_llvm_has_the_runs_of_the_reference(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no C compiler; those of the Gram chain to the last bit. Nothing of it needs Numba."""
    found = by_llvm(monkeypatch, KINDS[kind])
    agree(found, reference(kind))
    if kind.startswith("Gram"):
        for name, values in found.items():
            np.testing.assert_array_equal(values, reference(kind)[name], err_msg=name)


@needs_llvm
@pytest.mark.parametrize(
    "name",
    [
        "SGD, square, network", "Adam, square, network", "mini-batch with weight decay, square, linear",
        "SGD, square, committee", "sign SGD, square, linear",
    ],
)  # fmt: skip
def test_whole_pools_of_normals_are_used_where_they_are_made(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """d = 1300 is two pools and a part of one; the normal of the label noise moves their beginnings step by step."""
    statement, field = mean_field_of(*ALL[name][:2])
    made = runs(name, "direct", 1300, 3 / 1300)
    reference = on("numpy", monkeypatch, made)
    for of in (C, LLVM):
        assert "high = low + 512" in step_source(field, statement, False, of)
    if compiler() is not None:
        agree(on("c", monkeypatch, made), reference)
    agree(by_llvm(monkeypatch, made), reference)


@needs_compiler
def test_the_bits_of_the_normals_are_the_same_on_every_target() -> None:
    """Three pools and a part of one, after a cut, and the uniforms; NumPy's arrays share no code with the loops."""
    found = []
    exports = {"normals": STEP["normals"], "uniform": ("n", "b1")}
    for made in (
        load(f"{NUMPY.header}\n\n{normal_source(NUMPY)}"),
        load(f"{NUMBA.header}\n\n{normal_source(NUMBA)}"),
        begin_object(normal_source(C), exports, fused=True)(),
        *([load_llvm(normal_source(LLVM), exports, fused=True)] if llvm_is_usable() else []),
    ):
        rng, out = stream(12, 3), np.empty(3 * POOL + 100)
        made.normals(rng, out[:77])
        made.normals(rng, out[77:])
        found.append(np.append(out, [made.uniform(*rng) for _ in range(50)]).tobytes())
    assert len(set(found)) == 1


@pytest.mark.parametrize(
    "name", [name if k % 5 == 0 else pytest.param(name, marks=pytest.mark.slow) for k, name in enumerate(ALL)]
)
def test_every_combination_has_a_simulator_in_c_and_by_llvm(name: str) -> None:
    """The step of every combination, and its Gram chain where there is one, has both translations."""
    problem, rule, _ = ALL[name]
    try:
        statement, field = mean_field_of(problem, rule)
    except ValueError as refused:
        pytest.skip(str(refused))
    for made, of in ((translate, C), (llvm.translate, LLVM)):
        assert "enter_run(" in made(step_source(field, statement, False, of), STEP)
    if not refusal(statement):
        chain = gram_source(derive(problem, rule, reduce=False), statement, C)
        assert all("enter_run(" in made(chain, GRAM) for made in (translate, llvm.translate))


@pytest.mark.parametrize("method", ["direct", "gram"])
def test_numpys_generators_draw_by_numba(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The runs of the Gram chain to the last bit."""
    made = runs("AdaGrad-Norm, square, linear", method, generator=np.random.Philox)
    numba, plain = on("numba", monkeypatch, made), on("numpy", monkeypatch, made)
    agree(numba, plain)
    if method == "gram":
        for name, values in numba.items():
            np.testing.assert_array_equal(values, plain[name], err_msg=name)
    if compiler() is not None:
        agree(on("c", monkeypatch, made), plain)


@pytest.mark.parametrize("fault", ["none", "exit 1"])
def test_without_a_compiler_that_works_llvm_simulates(tmp_path: Path, fault: str) -> None:
    """None: not a word; one that fails: one warning, which names it. The runs are those of the reference."""
    folder = tmp_path / "bin"
    folder.mkdir()
    if fault != "none":
        (folder / "cc").write_text(f"#!/bin/sh\n{fault}\n")
        (folder / "cc").chmod(0o755)
    script = """
import sys, warnings
import symhigh as sh
from symhigh.codegen.target import llvm_is_usable
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    for seeds in (1, 2):
        problem, rule = sh.least_squares(1), sh.AdaGradNorm(1, 0.3)
        runs = sh.simulate(problem, rule, sh.Spectrum.isotropic(), sh.Start(), 20, 2, seeds, "direct")
assert "numba" not in sys.modules or not llvm_is_usable()
print(len(seen), *(w.message for w in seen))
print(repr(float(runs.risk[1, -1])))
"""
    environment = {k: v for k, v in os.environ.items() if k != "SYMHIGH_TARGET"} | {"PATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said, risk = done.stdout.splitlines()
    assert said == "0" if fault == "none" else said.startswith("1 ") and str(folder) in said and "instead" in said
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = sh.simulate(
            sh.least_squares(1), sh.AdaGradNorm(1, 0.3), sh.Spectrum.isotropic(), sh.Start(), 20, 2, 2, "direct"
        )
    assert float(risk) == pytest.approx(float(expected.risk[1, -1]), rel=1e-12)
