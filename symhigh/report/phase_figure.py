"""The picture of a phase diagram: its quantity in colours, and every point without a value in a shade that is named.

Beside :mod:`symhigh.report.figures`, in its style; matplotlib is loaded when one is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from symhigh.integration.many import COMPLETE, IMPRECISE
from symhigh.report.figures import LABELS, axes_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from symhigh.integration.phase import PhaseDiagram

_SHADES = ("#4d4d4d", "#bdbdbd", "#d9b38c", "#969696", "#e6e6e6", "#737373")
_WIDE = 100.0
"""The ratio of the largest to the smallest value from which on colours follow the logarithm."""


def plot_phase_diagram(diagram: PhaseDiagram, ax: Axes | None = None, **options: Any) -> Axes:
    """Draw a phase diagram; points that have no value are shaded by their status, which the legend names."""
    from matplotlib.colors import ListedColormap, LogNorm
    from matplotlib.patches import Patch

    axes = axes_for(ax)
    across, up = np.argsort(diagram.x), np.argsort(diagram.y)
    x, y = diagram.x[across], diagram.y[up]
    values, status = (a[np.ix_(across, up)].T for a in (diagram.values, diagram.status))
    grid: dict[str, Any] = {"shading": "nearest", "rasterized": True}
    known = values[np.isfinite(values)]
    if known.size:
        wide = known.min() > 0 and known.max() > _WIDE * known.min()
        norm = {"norm": LogNorm(known.min(), known.max())} if wide else {}
        mesh = axes.pcolormesh(x, y, values, **{**grid, **norm, **options})
        label = LABELS.get(diagram.quantity, diagram.quantity)
        when = r"t\to\infty" if np.isinf(diagram.t) else f"t = {diagram.t:g}"
        axes.figure.colorbar(mesh, ax=axes, label=f"{label}, ${when}$")
    patches = []
    words = [w for w in np.unique(status).tolist() if w not in (COMPLETE, IMPRECISE)]
    for word, shade in zip(words, _SHADES, strict=False):
        there = np.where(status == word, 1.0, np.nan)
        axes.pcolormesh(x, y, there, cmap=ListedColormap([shade]), **grid)
        patches.append(Patch(color=shade, label=word))
    if patches:
        axes.legend(handles=patches, loc="best", framealpha=0.9, frameon=True)
    axes.set_xlabel(diagram.x_name)
    axes.set_ylabel(diagram.y_name)
    return axes
