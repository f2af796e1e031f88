"""Figure 3 of *The High Line* (arXiv 2405.19585): what AdaGrad-Norm's learning rate tends to.

Above, with label noise, it falls like ``η/√(b² + τω²t)``; in the middle, without noise, on the spectra of figure 2, it
tends to one number, for τ is the same and the condition number does not matter; below, it depends on ‖X₀ − X*‖².
The limits are those of :func:`symhigh.limits`, by the Lambert function.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symhigh.closed.limits import limits
from symhigh.derivation import derive
from symhigh.integration.solve import solve
from symhigh.population import Spectrum, Start
from symhigh.problem import least_squares
from symhigh.report.figures import THEORY, panels, plot_bands, shades
from symhigh.report.gallery import Drawn, Progress, between, expect, recipe
from symhigh.report.gallery.high_line_2 import power_spectrum
from symhigh.rule import AdaGradNorm
from symhigh.simulation.runner import simulate

NAME, ETA = "high-line/3", 2.5
EXPONENTS, DISTANCES = (2.1, 3.0, 3.5, 4.0, 5.5), (1, 2, 4, 8, 16)


@recipe(NAME, "The learning rate of AdaGrad-Norm")
def figure(quick: bool = False, progress: Progress | None = None) -> Drawn:
    """Three panels; runs at d = 500 in the first."""
    picture, (noisy, spectra, distances) = panels(3)
    data: dict[str, Any] = {"noise": _noisy(noisy, 10 if quick else 30, progress)}
    rule = AdaGradNorm(ETA, 0.5)
    system, times = derive(least_squares(), rule), np.concatenate([[0.0], np.geomspace(0.01, 100.0, 120)])
    size = 200 if quick else 1000
    for s, colour in zip(EXPONENTS, shades(5), strict=True):
        spectrum, start = power_spectrum(size, s), Start(x0=1, x_star=1)
        data[f"s={s:g}"] = _settles(spectra, system, spectrum, start, times, colour, f"$s = {s:g}$")
    final = [data[f"s={s:g}"]["limit"] for s in EXPONENTS]
    between(NAME, 0, np.ptp(final), 1e-9, "the limits differ between spectra of one τ")
    for square, colour in zip(DISTANCES, shades(5), strict=True):
        start = Start(x0=0, x_star=square)
        label = rf"$\|X_0 - X_\star\|^2 = {square}$"
        found = _settles(distances, system, Spectrum.isotropic(), start, times, colour, label)
        data[f"distance={square}"] = found
    reached = [data[f"distance={square}"]["limit"] for square in DISTANCES]
    expect(NAME, (np.diff(reached) < 0).all(), "the limit does not fall with the distance")
    return Drawn(picture, {"t": times, **data})


def _noisy(axes: Any, seeds: int, progress: Progress | None) -> dict[str, Any]:
    problem, rule, spectrum, start = least_squares(1), AdaGradNorm(ETA, 1), Spectrum.isotropic(), Start()
    times = np.geomspace(0.02, 2000.0, 101)
    near = times[times <= 20.0]
    curve = solve(derive(problem, rule), spectrum, start, 2000.0, t=times)
    runs = simulate(problem, rule, spectrum, start, 500, 20.0, seeds, t=near, progress=progress)
    plot_bands(runs, "learning_rate", axes)
    axes.plot(times, curve.learning_rate, color=THEORY, label="limit")
    law = ETA / np.sqrt(1 + times)
    axes.plot(times, law, color="black", ls=":", label=r"$\eta/\sqrt{b^2 + \tau\omega^2 t}$")
    axes.set(xscale="log", yscale="log", xlabel="$t$", ylabel=r"$\gamma$")
    axes.legend(loc="lower left")
    ratio = curve.learning_rate / law
    between(NAME, 0.95, ratio[-1], 1.05, f"γ ends at {ratio[-1]:.2f} times its law with noise")
    late = times > 5
    expect(NAME, (np.diff(np.abs(ratio[late] - 1)) < 0).all(), "γ does not approach its law with noise")
    low, high = runs.quantiles("learning_rate")
    limit = np.interp(runs.t, times, curve.learning_rate)
    inside = float(((low <= limit) & (limit <= high)).mean())
    between(NAME, 0.5, inside, 1, f"the limit is inside the band of the runs at {inside:.0%} of the times only")
    return {"t": times, "limit": curve.learning_rate, "law": law, "runs t": runs.t, "low": low, "high": high}


def _settles(
    axes: Any, system: Any, spectrum: Spectrum, start: Start, times: Any, colour: Any, label: str
) -> dict[str, Any]:
    """Draw γ(t) and the number that it tends to; check that it comes near it from above."""
    curve = solve(system, spectrum, start, float(times[-1]), t=times)
    end = float(limits(system.problem, system.rule, spectrum, start)["learning_rate"].evaluate())
    axes.plot(times[1:], curve.learning_rate[1:], color=colour, label=label)
    axes.axhline(end, color=colour, lw=0.6, ls=":")
    axes.set(xscale="log", xlabel="$t$", ylabel=r"$\gamma$")
    axes.legend(loc="upper right")
    gap = curve.learning_rate / end - 1
    between(NAME, -1e-6, gap.min(), np.inf, f"{label}: γ falls below its limit")
    between(NAME, -1e-6, gap[-1], 0.02, f"{label}: γ ends {gap[-1]:.1%} above its limit")
    return {"learning_rate": curve.learning_rate, "limit": end}
