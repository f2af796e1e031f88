"""Figure 6 of *The High Line* (arXiv 2405.19585) in kind: several passes of AdaGrad-Norm over features of real data.

The paper passes over images; here the rows are patches of the elevation model that Matplotlib ships, whitened, through
one random ReLU layer, and their middle is to be predicted from what lies around it. Lines are the limits, from the
rows' own covariance, on the rows and on other patches; bands are 10-90 % of runs on the rows. Such features have few
effective dimensions, so the limit is right to some per cent only.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from symhigh.integration.passes import solve_passes
from symhigh.population import Dataset, EffectiveDimensionWarning
from symhigh.report.figures import legend_above, panels, shades
from symhigh.report.gallery import Drawn, Progress, between, expect, part, recipe
from symhigh.rule import AdaGradNorm
from symhigh.simulation.passes import simulate_passes

Array = np.ndarray[Any, Any]
NAME, SIZE, OTHERS, PASSES = "high-line/6", 9, 2000, 20
NEAR = 0.2
"""How far the mean of the runs may be from the limit, relative to it."""


def patches(count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """What lies around the middle of random patches of the landscape, and the middle, in units of the patch."""
    from matplotlib import cbook

    heights = np.load(cbook.get_sample_data("jacksboro_fault_dem.npz", asfileobj=False))["elevation"].astype(float)
    rows, columns = (rng.integers(0, n - SIZE, count) for n in heights.shape)
    cut = np.array([heights[i : i + SIZE, j : j + SIZE].ravel() for i, j in zip(rows, columns, strict=True)])
    around = np.delete(cut, SIZE**2 // 2, axis=1)
    mean, spread = around.mean(axis=1), around.std(axis=1)
    return (around - mean[:, None]) / spread[:, None], (cut[:, SIZE**2 // 2] - mean) / spread


def features(inputs: Array, d: int, rng: np.random.Generator) -> Array:
    """Whitened inputs through one random ReLU layer of width d, centred, every row of length √d."""
    values, basis = np.linalg.eigh(np.cov(inputs.T))
    white = (inputs - inputs.mean(axis=0)) @ (basis / np.sqrt(values + 0.01))
    hidden = np.maximum(white @ rng.standard_normal((white.shape[1], d)), 0.0)
    hidden -= hidden.mean(axis=0)
    return np.asarray(hidden * (np.sqrt(d) / np.linalg.norm(hidden, axis=1))[:, None])


@recipe(NAME, "Several passes over real data")
def figure(quick: bool = False, progress: Progress | None = None) -> Drawn:
    """Mean loss on the rows and on others against passes, for fewer and more rows than features."""
    d = 200 if quick else 300
    sizes, rng = (d // 2, 2 * d, 8 * d), np.random.default_rng(0)
    inputs, labels = patches(OTHERS + sizes[-1], rng)
    rows, rule = features(inputs, d, rng), AdaGradNorm(1, 1)
    others = Dataset(rows[-OTHERS:], labels[-OTHERS:])
    picture, axes = panels(2)
    data: dict[str, Any] = {"d": d, "passes": PASSES}
    done = 0.0
    for n, colour in zip(sizes, shades(len(sizes)), strict=True):
        given, end = Dataset(rows[:n], labels[:n]), PASSES * n / d
        times = end * np.linspace(0, 1, 61) ** 2
        with warnings.catch_warnings():  # what they say of few effective dimensions stands above
            warnings.simplefilter("ignore", EffectiveDimensionWarning)
            warnings.filterwarnings("ignore", "solve_passes.* the squares of residuals", RuntimeWarning)
            curve = solve_passes(given, rule, end, times, test=others)
            report = part(progress, done, n / sum(sizes))
            runs = simulate_passes(given, rule, end, 10, times, test=others, progress=report)
        done += n / sum(sizes)
        data[f"n={n}"] = {"t": times}
        for panel, output in zip(axes, ("risk", "test_risk"), strict=True):
            low, high = runs.quantiles(output)
            passed = times * d / n
            panel.fill_between(passed, low, high, color=colour, alpha=0.35, lw=0)
            panel.plot(passed, curve.outputs[output], color=colour, label=f"$n = {n}$")
            mean = runs.outputs[output].mean(axis=0)
            gap = float((np.abs(curve.outputs[output] - mean) / mean).max())
            between(NAME, 0, gap, NEAR, f"n = {n}: {output} of the runs is off the limit by {gap:.0%}")
            data[f"n={n}"] |= {output: curve.outputs[output], f"{output} low": low, f"{output} high": high}
        fit = data[f"n={n}"]["risk"][-1] / data[f"n={n}"]["test_risk"][-1]
        expect(NAME, n > 2 * d or fit < 0.7, f"n = {n}: so few rows are not fitted better than others, {fit:.2f}")
    ends = [data[f"n={n}"]["test_risk"][-1] for n in sizes]
    expect(NAME, (np.diff(ends) < 0).all(), f"more rows do not serve the loss on others: {ends}")
    for panel, label in zip(axes, ("loss on the rows", "loss on others"), strict=True):
        panel.set(yscale="log", xlabel="passes over the rows", ylabel=label)
    legend_above(axes[0])
    return Drawn(picture, data)
