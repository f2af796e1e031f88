"""Figure 1 of *The High Line* (arXiv 2405.19585): AdaGrad-Norm's risk, limit over bands of direct SGD.

Above, least squares with ω = 1, η = 1, b = 0.3; below, logistic regression with η = b = 1. K = I, X₀ = 0 and
X* ~ N(0, I/d), 30 runs a dimension, 10-90 % bands. (The paper's caption says b = 1 for the first panel; its public
script uses b = 0.3.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from symhigh.derivation import derive
from symhigh.integration.curve import Curve
from symhigh.integration.solve import solve
from symhigh.population import Spectrum, Start
from symhigh.problem import Problem, least_squares, logistic_regression
from symhigh.report.figures import panels as stacked
from symhigh.report.figures import plot_bands, plot_curve
from symhigh.report.gallery import Drawn, Progress, between, part, recipe
from symhigh.rule import AdaGradNorm, Rule
from symhigh.simulation.runner import simulate
from symhigh.simulation.runs import Runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Panel:
    """One experiment of the figure."""

    title: str
    problem: Problem
    rule: Rule
    t_end: float
    dimensions: tuple[int, ...]
    shown: str


def panels(largest: int = 4096) -> tuple[Panel, Panel]:
    """The two panels, the left one with dimensions 2⁸, 2¹⁰, … up to ``largest``."""
    left = tuple(d for d in (256, 1024, 4096, 16384) if d <= largest)
    return (
        Panel(
            "least squares, $\\omega = 1$", least_squares(noise=1), AdaGradNorm(1, 0.3), 10.0, left, "risk"
        ),
        Panel(
            "logistic regression",
            logistic_regression(),
            AdaGradNorm(1, 1),
            20.0,
            (16, 32, 64, 128),
            "excess_risk",
        ),
    )


def figure1(
    largest: int = 4096, seeds: int = 30, method: str = "direct", progress: Progress | None = None
) -> tuple[Figure, dict[str, Any]]:
    """Simulate, integrate and draw; returns the figure and the data behind it.

    ``largest`` bounds the left panel's dimensions; ``method`` is that of :func:`symhigh.simulation.simulate`.
    """
    spectrum, start = Spectrum.isotropic(), Start(x0=0, x_star=1, random=True)
    chosen = panels(largest)
    cost = [panel.t_end * d * d for panel in chosen for d in panel.dimensions]
    shares = iter(np.diff(np.cumsum([0.0, *cost]) / sum(cost)))
    done = 0.0
    data: dict[str, Any] = {"seeds": seeds, "band": [0.1, 0.9], "method": method}
    figure, axes = stacked(2, 2.4)
    for panel, ax in zip(chosen, axes, strict=True):
        curve = solve(derive(panel.problem, panel.rule), spectrum, start, panel.t_end)
        ensembles = []
        for d in panel.dimensions:
            share = next(shares)
            experiment = (panel.problem, panel.rule, spectrum, start, d, panel.t_end, seeds, method)
            ensembles.append(simulate(*experiment, progress=part(progress, done, share)))
            done += share
        _draw(ax, panel, curve, ensembles)
        data[panel.problem.name] = _data(panel, curve, ensembles)
    return figure, data


def _draw(ax: Axes, panel: Panel, curve: Curve, ensembles: Sequence[Runs]) -> None:
    for runs in ensembles:
        plot_bands(runs, panel.shown, ax)
    plot_curve(curve, panel.shown, ax)
    ax.set_title(panel.title)
    if panel.shown == "excess_risk":
        ax.set_yscale("log")
    ax.legend(loc="lower left" if panel.shown == "excess_risk" else "upper right")


def _data(panel: Panel, curve: Curve, ensembles: Sequence[Runs]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "shown": panel.shown,
        "t": curve.t,
        "limit": getattr(curve, panel.shown),
        "learning_rate": curve.learning_rate,
    }
    for runs in ensembles:
        lower, upper = runs.quantiles(panel.shown)
        mean = getattr(runs, panel.shown).mean(axis=0)
        result[f"d={runs.d}"] = {"t": runs.t, "low": lower, "high": upper, "mean": mean}
    return result


@recipe("high-line/1", "AdaGrad-Norm, limit over direct SGD")
def named(quick: bool = False, progress: Progress | None = None) -> Drawn:
    """The figure, checked: bands hold the limit at most times, and shrink like d^(-1/2)."""
    largest, seeds = (1024, 12) if quick else (4096, 30)
    figure, data = figure1(largest, seeds, progress=progress)
    for panel in panels(largest):
        check(panel, data[panel.problem.name])
    return Drawn(figure, data)


def check(panel: Panel, entry: Mapping[str, Any]) -> None:
    """Raise ``ArithmeticError`` unless the bands hold the limit at most times and shrink like d^(-1/2)."""
    widths = []
    for d in panel.dimensions:
        band = entry[f"d={d}"]
        limit = np.interp(band["t"], entry["t"], entry["limit"])
        inside = float(((band["low"] <= limit) & (limit <= band["high"])).mean())
        held = f"the band holds the limit at {inside:.0%} of the times"
        between("high-line/1", 0.5, inside, 1.0, f"{panel.title}, d = {d}: {held}")
        widths.append((band["high"] - band["low"]).mean())
    ratio, wanted = widths[0] / widths[-1], np.sqrt(panel.dimensions[-1] / panel.dimensions[0])
    words = f"{panel.title}: bands shrink by {ratio:.2f}, not {wanted:.2f}"
    between("high-line/1", 0.5, ratio / wanted, 1.5, words)
