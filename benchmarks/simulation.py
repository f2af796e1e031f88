"""Simulation: the direct kernel against the time to draw its normals and a NumPy loop, and the exact Gram chain."""

from __future__ import annotations

import time

import numpy as np

import symhigh as sh
from benchmarks import baselines as base
from benchmarks.measure import Contest, contest
from symhigh.codegen.normal import stream
from symhigh.simulation.direct import DirectWalk
from symhigh.simulation.gram import GramWalk
from symhigh.simulation.runner import prepare

PROBLEM, RULE = sh.least_squares(1), sh.AdaGradNorm(1, 0.3)
TWO = sh.Spectrum.from_eigenvalues([1.0, 0.25])


def against_normals(problem, rule, population, d: int, work: int):
    """A run of about ``work`` coordinate-steps, and the drawing of as many normals, of ours and by NumPy."""
    steps = max(1, work // d)
    walk = DirectWalk(prepare(problem, rule, population, d, 1.0, "direct")[1], 0)
    theirs, rng = np.random.default_rng(0), stream(1, 0)
    out = np.empty(16384)  # large enough for calls not to count
    normals = walk.kernels.held("normals", rng, out)

    def draw():
        for _ in range(round(steps * d / out.size)):
            normals({})

    def draw_numpy():
        for _ in range(round(steps * d / out.size)):
            theirs.standard_normal(out.size, out=out)

    return steps, lambda: walk.run(0, steps), draw, draw_numpy


def network(d: int, work: int = 2_000_000) -> Contest:
    """One core: ns a coordinate-step of a diagonal network of four classes, against drawing its normals."""
    classes = sh.NetworkClasses([1, 1, 0.4, 0.4], [1, -0.5, 1, -0.5], 1.2, 0.2)
    steps, run, draw, _ = against_normals(sh.DiagonalNetwork(0.4, 0.3), None, (classes,), d, work)
    return contest(f"SGD of a diagonal network, d = {d}, a coordinate-step", run, {
        "drawing the normals, same generator": draw,
    }, turns=9, unit=float(steps * d))  # fmt: skip


def direct(d: int, work: int = 2_000_000) -> Contest:
    """One core: ns a coordinate-step, against drawing the same number of normals, and NumPy."""
    steps, run, draw, draw_numpy = against_normals(PROBLEM, RULE, (sh.Spectrum.isotropic(), sh.Start()), d, work)

    return contest(f"SGD, d = {d}, a coordinate-step", run, {
        "drawing the normals, same generator": draw,
        "drawing the normals, NumPy": draw_numpy,
        "NumPy loop": lambda: base.sgd_loop(d, steps, 1, 0.3, 1),
    }, unit=float(steps * d))  # fmt: skip


def two_threads(d: int = 4096) -> Contest:
    """Two runs on two threads against two runs on one."""

    def runs(threads):
        isotropic, start = sh.Spectrum.isotropic(), sh.Start()
        return sh.simulate(PROBLEM, RULE, isotropic, start, d, 8, 2, "direct", t=[0, 8], threads=threads)

    return contest(
        f"two runs, d = {d}, two threads",
        lambda: runs(2),
        {"one thread": lambda: runs(1)},
        note="wall time",
        clock=time.perf_counter,
    )


def chain(d: int, steps: int = 200_000) -> Contest:
    """The Gram chain with two eigenvalues: ns a step, against a NumPy loop in d = 4096 dimensions."""
    walk = GramWalk(prepare(PROBLEM, RULE, (TWO, sh.Start()), d, 1.0, "gram")[1], 0)
    few = 400

    return contest(f"Gram chain, 2 eigenvalues, d = {d:.0e}, a step", lambda: walk.run(0, steps), {
        "NumPy loop, d = 4096": lambda: base.sgd_loop(4096, few, 1, 0.3, 1),
    }, unit=float(steps), units={"NumPy loop, d = 4096": float(few)})  # fmt: skip


def figure_one() -> Contest:
    """Figure 1, left, its largest dimension: d = 2¹⁴, 30 runs, t ≤ 10."""
    return contest(
        "30 runs, d = 2¹⁴, t ≤ 10 (Gram chain)",
        lambda: sh.simulate(PROBLEM, RULE, sh.Spectrum.isotropic(), sh.Start(), 2**14, 10.0, 30),
        {},
        turns=3,
    )
