"""How cost grows with the number of modes, the dimension, the horizon and the number of runs; one figure."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import symhigh as sh
from benchmarks.measure import Contest


def _seconds(call: Callable[[], object], turns: int = 3) -> float:
    call()
    times = []
    for _ in range(turns):
        begin = time.process_time()
        call()
        times.append(time.process_time() - begin)
    return float(np.median(times))


def _modes(n: int):
    lam = ((np.arange(n) + 0.5) / n) ** 1.25
    return sh.Spectrum.from_eigenvalues(lam), sh.Start.from_vectors(np.zeros(n), np.sqrt(lam**-1.2 / n))


def million(n: int = 10**6) -> Contest:
    """A power law of a million explicit eigenvalues to t = 10⁷: time and peak memory."""
    system = sh.derive(sh.least_squares(), sh.AdaGradNorm(1, 1))
    spectrum, start = _modes(n)
    times = np.geomspace(0.1, 1e7, 60)
    system.solve(*_modes(100), 1e7, t=times, rtol=1e-6)  # compiles, or loads, both steppers
    begin = time.process_time()
    curve = system.solve(spectrum, start, 1e7, t=times, rtol=1e-6)
    took = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    steps = curve.statistics["steps"]
    source, target = np.ones((8, n)), np.empty((8, n))
    copy = _seconds(lambda: np.copyto(target, source)) * steps
    return Contest(
        "power law, 10⁶ eigenvalues, to t = 10⁷",
        {"symhigh": took, "one copy of eight stages a step": copy},
        {"one copy of eight stages a step": copy / took},
        f"{steps} steps, peak memory of the process {peak / 2**20:.2g} GB",
    )


def write(folder: Path) -> str:
    """Measure, draw ``scaling.png`` and return the Markdown of the tables behind it."""
    from matplotlib.figure import Figure

    system = sh.derive(sh.least_squares(), sh.AdaGradNorm(1, 1))
    law, start = sh.Spectrum.power_law(0.2), sh.Start.power_law(1.2)
    problem, rule, two = (
        sh.least_squares(1),
        sh.AdaGradNorm(1, 0.3),
        sh.Spectrum.from_eigenvalues([1.0, 0.25]),
    )

    def run(d, seeds, method):
        return lambda: sh.simulate(
            problem, rule, two, sh.Start(), d, 4096 / d, seeds, method=method, t=[0, 4096 / d]
        )

    panels: dict[str, tuple[str, dict[str, dict[float, float]]]] = {
        "modes N": ("curve to t = 10⁴, s", {"implicit": {
            n: _seconds(lambda n=n: system.solve(*_modes(n), 1e4, t=[1.0, 1e4], rtol=1e-6))
            for n in (100, 1000, 10_000, 100_000)}}),
        "horizon t": ("curve, 600 nodes, s", {"automatic": {
            t: _seconds(lambda t=t: system.solve(law, start, t, t=[t / 2, t], rtol=1e-6))
            for t in (1e1, 1e3, 1e5, 1e7, 1e9)}}),
        "dimension d": ("4096 steps, s", {m: {d: _seconds(run(d, 1, m)) for d in (64, 256, 1024, 4096)}
                                          for m in ("direct", "gram")}),
        "runs": ("4096 steps at d = 256, s", {m: {n: _seconds(run(256, n, m)) for n in (1, 4, 16)}
                                              for m in ("direct", "gram")}),
    }  # fmt: skip
    figure = Figure(figsize=(11, 2.8), layout="constrained")
    text = ["## Scaling", ""]
    for ax, (name, (what, lines)) in zip(figure.subplots(1, 4), panels.items(), strict=True):
        for label, points in lines.items():
            ax.loglog(list(points), list(points.values()), "o-", label=label)
            text.append(
                f"- {what}, {label}, against {name}: "
                + ", ".join(f"{x:g}: {y:.2g}" for x, y in points.items())
            )
        ax.set(xlabel=name, ylabel=what)
        ax.legend()
    figure.savefig(folder / "scaling.png", dpi=110)
    return "\n".join([*text, "", "![scaling](scaling.png)", ""])
