"""Spectra: how many nodes a rule takes for its accuracy and horizon, and a million eigenvalues made into few."""

from __future__ import annotations

import numpy as np

import symhigh as sh
from benchmarks.measure import Contest, contest


def rules() -> list[Contest]:
    """The power law β = 0.2 to t = 10⁷ under AdaGrad-Norm, by rules of three accuracies."""
    system, start = sh.derive(sh.least_squares(), sh.AdaGradNorm(1, 1)), sh.Start.power_law(1.2)
    times = np.geomspace(0.1, 1e7, 60)
    exact = system.solve(sh.Spectrum.power_law(0.2), start, 1e7, t=times, rtol=1e-11).risk
    rows = []
    for rtol, horizon in ((1e-4, 1e7), (1e-8, 1e7), (1e-12, 1e20)):
        law = sh.Spectrum.power_law(0.2, rtol, horizon)
        curve = system.solve(law, start, 1e7, t=times, rtol=1e-9)
        note = (
            f"{law.values.size} nodes; largest relative error of the risk, integrated at 1e-9: "
            f"{np.abs(curve.risk / exact - 1).max():.1e}"
        )
        rows.append(
            contest(
                f"power-law rule, {rtol:g} up to the clock {horizon:g}",
                lambda rtol=rtol, horizon=horizon: sh.Spectrum.power_law(0.2, rtol, horizon),
                {},
                note=note,
            )
        )
    return rows


def compression(n: int = 10**6) -> Contest:
    """A million eigenvalues of a power law to few nodes, at 1e-8."""
    spectrum = sh.Spectrum.from_eigenvalues(((np.arange(n) + 0.5) / n) ** 1.25)
    small = spectrum.compressed(1e-8)
    note = f"{small.values.size} nodes; measured error of averages {small.error:.1e}"
    return contest("10⁶ eigenvalues compressed", lambda: spectrum.compressed(1e-8), {}, turns=1, note=note)
