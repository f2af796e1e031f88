"""Figure 2 of *The High Line* (arXiv 2405.19585): exact line search against Polyak's rate on power-law spectra.

d = 400, ``X₀ ~ N(0, I/d)``, ``‖X*‖ = 1``, no label noise, ``λ_i ∝ (i/(d+1))^{-2/s}`` of mean one. Above the risk,
below the learning rate of line search over λ_min/κ₂, which tends to a number between 1 and 2 (13). Runs end at t = 20:
this rule knows the risk, which in doubles is lost to rounding where it has fallen to 1e-15.
"""

from __future__ import annotations

import numpy as np

from symhigh.derivation import derive
from symhigh.integration.solve import solve
from symhigh.population import Spectrum, Start
from symhigh.problem import least_squares
from symhigh.report.figures import legend_above, panels, shades
from symhigh.report.gallery import Drawn, Progress, between, expect, part, recipe
from symhigh.report.gallery.high_line_5 import limiting_rate
from symhigh.rule import LineSearch, Polyak
from symhigh.simulation.runner import simulate

NAME, D, END, RUN = "high-line/2", 400, 60.0, 20.0
EXPONENTS = (3.5, 4.0, 5.5, 7.5)


def power_spectrum(d: int, s: float) -> Spectrum:
    """``λ_i = (i/(d+1))^{-2/s}``, i = 1 … d, scaled to mean one."""
    values = (np.arange(1, d + 1) / (d + 1)) ** (-2 / s)
    return Spectrum.from_eigenvalues(values / values.mean())


@recipe(NAME, "Line search against Polyak's rate")
def figure(quick: bool = False, progress: Progress | None = None) -> Drawn:
    """The limits of both rules, and the 10-90 % band of line search by direct SGD."""
    problem, start = least_squares(), Start(x0=1, x_star=1, random=True)
    greedy, polyak = derive(problem, LineSearch()), derive(problem, Polyak())
    seeds, times = 5 if quick else 30, np.linspace(0.0, END, 61)
    data: dict[str, object] = {"t": times, "seeds": seeds}
    picture, (above, below) = panels(2)
    for k, (s, colour) in enumerate(zip(EXPONENTS, shades(len(EXPONENTS)), strict=True)):
        spectrum = power_spectrum(D, s)
        unit = spectrum.lambda_min / spectrum.moment(2)
        line, other = (solve(system, spectrum, start, END, t=times) for system in (greedy, polyak))
        share = part(progress, k / len(EXPONENTS), 1 / len(EXPONENTS))
        runs = simulate(problem, LineSearch(), spectrum, start, D, RUN, seeds, t=times[:21], progress=share)
        low, high = runs.quantiles("risk")
        above.fill_between(runs.t, low, high, color=colour, alpha=0.35, lw=0)
        above.plot(times, line.risk, color=colour, label=f"$s = {s:g}$")
        above.plot(times, other.risk, color=colour, ls="--")
        below.plot(times, line.learning_rate / unit, color=colour)
        rate = line.learning_rate / unit
        data[f"s={s:g}"] = {
            "line search": line.risk, "Polyak": other.risk, "low": low, "high": high, "rate": rate,
            "lambda_min/kappa_2": unit,
        }  # fmt: skip
        expect(NAME, (np.diff(line.risk) < 0).all() and (np.diff(other.risk) < 0).all(), "a risk grows")
        expect(NAME, np.allclose(other.learning_rate, 1 / spectrum.moment(1)), "Polyak's rate is not 1/τ")
        between(NAME, 1 - 1e-9, rate.min(), np.inf, f"s = {s:g}: line search goes below λ_min/κ₂")
        final = limiting_rate(spectrum.values) / unit
        between(NAME, 1, final, 2, f"s = {s:g}: γ∞ κ₂/λ_min = {final:.3f} is not between 1 and 2")
        last = rate[-1] / final
        between(NAME, 0.9, last, 1.1, f"s = {s:g}: γ ends {last - 1:.1%} off its limit")
        below.axhline(final, color=colour, lw=0.6, ls=":")
        middle = np.median(runs.risk, axis=0)
        off = np.abs(np.log(middle / line.risk[: middle.size])).max()
        between(NAME, 0, off, 0.5, f"s = {s:g}: the runs stray from the limit by a factor {np.exp(off):.2f}")
    above.set(yscale="log", ylabel="risk", xlabel="$t$")
    above.plot([], [], color="0.3", label="line search")
    above.plot([], [], color="0.3", ls="--", label="Polyak")
    legend_above(above)
    below.axhspan(1, 2, color="0.9", lw=0)
    below.set(ylabel=r"$\gamma\,\kappa_2/\lambda_{\min}$", xlabel="$t$", yscale="log")
    return Drawn(picture, data)
