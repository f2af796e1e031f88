"""Figure 5 of *The High Line* (arXiv 2405.19585): exact line search on two eigenvalues, λ = (1, 2^{-j}) in halves.

Risk, the quotient of the two modes' distances, and the learning rate, each with its limit: γ∞ is the root below
2λ_min/κ₂ of ``∫ γλ²/(2λ − γκ₂) dμ = 1``, and ``D²_λ ∝ λ/(2λ − γ∞κ₂)``. No label noise, ``X₀ = 0``, ``‖X*‖ = 1``.
Runs end at t = 20, before rounding is what this rule sees.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import brentq

from symhigh.derivation import derive
from symhigh.integration.solve import solve
from symhigh.population import Spectrum, Start
from symhigh.problem import least_squares
from symhigh.report.figures import legend_above, panels, shades
from symhigh.report.gallery import Drawn, Progress, between, part, recipe
from symhigh.rule import LineSearch
from symhigh.simulation.runner import simulate

NAME, D, END, RUN = "high-line/5", 400, 60.0, 20.0
POWERS = (1, 2, 3, 4, 5)


def limiting_rate(values: Any) -> float:
    """γ∞ of line search on eigenvalues of equal weight."""
    second, small = float((values**2).mean()), float(values.min())

    def excess(rate: float) -> float:
        return float((rate * values**2 / (2 * values - rate * second)).mean() - 1)

    return float(brentq(excess, 1e-9, 2 * small / second * (1 - 1e-13), xtol=1e-15, rtol=1e-14))


@recipe(NAME, "Line search on two eigenvalues")
def figure(quick: bool = False, progress: Progress | None = None) -> Drawn:
    """The limits with bands of direct SGD at d = 400 around the risk."""
    problem, start, rule = least_squares(), Start(), LineSearch()
    system, times = derive(problem, rule), np.linspace(0.0, END, 121)
    picture, (risk, quotient, rate) = panels(3)
    seeds, data = 5 if quick else 30, dict[str, Any](t=times)
    for k, (j, colour) in enumerate(zip(POWERS, shades(len(POWERS)), strict=True)):
        small = 2.0**-j
        spectrum = Spectrum.from_eigenvalues([1.0, small])
        curve = solve(system, spectrum, start, END, t=times, rtol=1e-11)
        report = part(progress, k / len(POWERS), 1 / len(POWERS))
        runs = simulate(problem, rule, spectrum, start, D, RUN, seeds, t=times[:41], progress=report)
        data[f"j={j}"] = _one(curve, runs, small, (risk, quotient, rate), colour, rf"$\lambda_2 = 2^{{-{j}}}$")
    risk.set(yscale="log", ylabel="risk", xlabel="$t$", ylim=(1e-14, 2))
    quotient.set(ylabel=r"$D_{\lambda_2}/D_{\lambda_1}$", xlabel="$t$")
    rate.set(ylabel=r"$\gamma$", xlabel="$t$")
    legend_above(risk)
    return Drawn(picture, data)


def _one(curve: Any, runs: Any, small: float, axes: tuple[Any, ...], colour: Any, label: str) -> dict[str, Any]:
    second, end = (1 + small**2) / 2, limiting_rate(np.array([1.0, small]))
    # R = (D₁² + small D₂²)/4 and the distance (D₁² + D₂²)/2 tell the two modes
    other = (2 * curve.distance - 4 * curve.risk) / (1 - small)
    quotient = np.sqrt(other / (2 * curve.distance - other))
    final = np.sqrt(small * (2 - end * second) / (2 * small - end * second))
    low, high = runs.quantiles("risk")
    axes[0].fill_between(runs.t, low, high, color=colour, alpha=0.35, lw=0)
    axes[0].plot(curve.t, curve.risk, color=colour, label=label)
    for panel, values, limit in ((axes[1], quotient, final), (axes[2], curve.learning_rate, end)):
        panel.plot(curve.t, values, color=colour)
        panel.axhline(limit, color=colour, lw=0.6, ls=":")
    units = curve.learning_rate * second / small
    between(NAME, 1 - 1e-9, units.min(), np.inf, f"{label}: line search goes below λ_min/κ₂")
    between(NAME, 1, end * second / small, 2, f"{label}: γ∞ breaks its bounds")
    gap, apart = curve.learning_rate[-1] / end - 1, quotient[-1] / final - 1
    between(NAME, -0.02, gap, 0.02, f"{label}: γ ends {gap:.1%} off its limit")
    between(NAME, -0.05, apart, 0.05, f"{label}: the quotient ends {apart:.1%} off its limit")
    return {
        "risk": curve.risk, "low": low, "high": high, "quotient": quotient, "quotient at the end": final,
        "learning_rate": curve.learning_rate, "learning rate at the end": end,
    }  # fmt: skip
