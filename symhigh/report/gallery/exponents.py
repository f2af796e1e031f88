"""Phases of compute-optimal training on power-law random features: the best share of compute for parameters.

The exponent of the best parameter count over the plane of the features' α and the target's β, by a tropical program
over the monomials of the derived risk; the lines between the phases are checked to be 2β = 1 and α = β. The subject is
that of arXiv 2405.15074.
"""

from __future__ import annotations

import numpy as np
import sympy as sp

from symhigh.closed.exponents import ComputeOptimal, compute_optimal
from symhigh.report.figures import panels
from symhigh.report.gallery import Drawn, Progress, expect, recipe

NAME = "scaling/phases"
PLACES = {"I": (1.2, 0.25), "II": (1.25, 0.8), "III": (0.8, 1.2)}


@recipe(NAME, "Compute-optimal exponents of power-law random features")
def figure(quick: bool = False, progress: Progress | None = None) -> Drawn:
    """The exponents of the best parameter count and of the risk."""
    count = 13 if quick else 41
    alpha = [sp.Rational(1, 2) + sp.Rational(k + 1, count) for k in range(count)]
    beta = [sp.Rational(3 * (2 * k + 1), 4 * count) for k in range(count)]
    found: list[list[ComputeOptimal]] = []
    for k, b in enumerate(beta):
        found.append([compute_optimal(a, b) for a in alpha])
        if progress is not None:
            progress((k + 1) / count)
    # no point of the grid lies on a line between phases: 4 count β is odd, 2 count and 4 count α are even
    for a, b, point in ((a, b, found[j][i]) for j, b in enumerate(beta) for i, a in enumerate(alpha)):
        phase = "I" if b < sp.S.Half else "II" if b < a else "III"
        expect(NAME, point.phase == phase, f"α = {a}, β = {b} is in phase {point.phase}, not {phase}")
    picture, axes = panels(2)
    across, up = np.array([float(a) for a in alpha]), np.array([float(b) for b in beta])
    data: dict[str, object] = {"alpha": across, "beta": up}
    for ax, name, title in zip(axes, ("parameters", "risk"), ("$d$", "the risk"), strict=True):
        values = np.array([[float(getattr(point, name)) for point in line] for line in found])
        data[name] = values
        mesh = ax.pcolormesh(across, up, values, cmap="viridis", shading="nearest", rasterized=True)
        picture.colorbar(mesh, ax=ax, label=f"exponent of {title}")
        edge = [across[0], across[-1]]
        ax.plot(edge, [0.5, 0.5], color="white", lw=1)
        ax.plot(edge, edge, color="white", lw=1)
        for phase, place in PLACES.items():
            colour = "black" if phase == "III" and name == "parameters" else "white"
            ax.text(*place, phase, color=colour, ha="center", va="center")
        ax.set(xlabel=r"$\alpha$", ylabel=r"$\beta$", ylim=(0, 1.5), xlim=edge)
    return Drawn(picture, data)
