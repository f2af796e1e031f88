"""Figures: one curve, theory over simulation, and the house style; matplotlib is loaded when one is drawn.

Last room of the pipeline; every figure can be saved with the data behind it.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symhigh.checks import choice, whole
from symhigh.disk import keep
from symhigh.report.strict import strict_json

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from symhigh.integration.bands import Fluctuations
    from symhigh.integration.curve import Curve
    from symhigh.integration.network import NetworkCurve
    from symhigh.ledger.outcome import Comparison
    from symhigh.simulation.runs import Runs

COLOURS = ("#9ecae1", "#6baed6", "#3182bd", "#08519c", "#08306b")
"""Light to dark, for growing dimension."""
COLUMN = 3.4
"""The width of a journal's column, in inches, at which figures are read."""
THEORY = "#d6455d"
LABELS = {
    "risk": "risk $\\mathcal{R}$",
    "excess_risk": "excess risk",
    "learning_rate": "learning rate $\\gamma$",
    "distance": "$\\|X - X_\\star\\|^2$",
    "overlap": "$\\langle X, X_\\star\\rangle$",
}


def style(**more: Any) -> AbstractContextManager[None]:
    """Matplotlib settings of all figures, as a context manager; ``more`` are settings with _ for their points.

    The backend is loaded first, by a call that draws nothing. It sets parameters of its own, which it would lose at the
    end of the context, and a notebook would show no later figure.
    """
    import matplotlib.pyplot as plt

    plt.draw_if_interactive()
    return plt.rc_context(
        {
            "font.size": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.constrained_layout.use": True,
            "legend.frameon": False,
            "savefig.dpi": 200,
            **{key.replace("_", "."): value for key, value in more.items()},
        }
    )


def panels(count: int, height: float = 2.0) -> tuple[Figure, list[Axes]]:
    """A figure of one column's width with panels one below the other, which no notebook shows by itself."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(count, 1, figsize=(COLUMN, height * count), squeeze=False)
    plt.close(figure)
    return figure, list(axes[:, 0])


def legend_above(axes: Axes, columns: int = 3) -> None:
    """A legend above a panel, where it hides nothing."""
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, columnspacing=1.0, handlelength=1.5)


def shades(count: int) -> list[tuple[float, ...]]:
    """Colours of a parameter that grows, told apart by lightness alone, for all kinds of colour vision."""
    from matplotlib import colormaps

    return [tuple(colormaps["viridis"](0.85 * k / max(count - 1, 1))[:3]) for k in range(count)]


def plot_curve(curve: Curve | NetworkCurve, what: str, ax: Axes | None = None, **options: Any) -> Axes:
    """Draw one output of a limit against time."""
    axes = axes_for(ax)
    axes.plot(curve.t, getattr(curve, what), **{"color": THEORY, "label": "limit", **options})
    return _label(axes, what)


def plot_bands(
    runs: Runs,
    what: str = "risk",
    ax: Axes | None = None,
    low: float = 0.1,
    high: float = 0.9,
    colour: str | None = None,
) -> Axes:
    """Shade the ``low``-``high`` quantiles over the runs, by default in a colour that tells the dimension."""
    lower, upper = runs.quantiles(what, low, high)
    axes, colour = axes_for(ax), colour_of(runs.d) if colour is None else colour
    label = f"SGD, d = {runs.d}, {low:.0%}–{high:.0%}"
    axes.fill_between(runs.t, lower, upper, color=colour, alpha=0.55, lw=0, label=label)
    return _label(axes, what)


def plot_fluctuations(
    bands: Fluctuations,
    what: str,
    d: int | None,
    runs: Runs | None,
    ax: Axes | None,
    low: float,
    high: float,
) -> Axes:
    """Draw the ``low``-``high`` quantiles that the linear theory predicts at dimension ``d``, and the mean.

    With ``runs`` theirs are shaded below, and d is their dimension. Returns the axes.
    """
    if d is None and runs is None:
        raise ValueError("Fluctuations.plot(d=None): give the dimension d, or runs")
    if runs is not None and d not in (None, runs.d):
        raise ValueError(f"Fluctuations.plot(d={d}, runs at d = {runs.d}): leave d out, or simulate at d = {d}")
    size = runs.d if runs is not None else whole("Fluctuations.plot", "d", d, least=1, meaning="the dimension")
    lower, upper = bands.band(what, size, low, high)
    axes = axes_for(ax) if runs is None else plot_bands(runs, what, ax, low, high)
    middle, bias = bands.values[:, bands.names.index(what)], bands.bias(what, size)
    name = "limit" if bias is None else "limit and bias"
    axes.plot(bands.t, middle if bias is None else middle + bias, color=THEORY, label=name)
    for edge, label in ((lower, f"theory, d = {size}, {low:.0%}–{high:.0%}"), (upper, None)):
        axes.plot(bands.t, edge, color=THEORY, lw=0.9, ls="--", label=label)
    axes.legend()
    return _label(axes, what)


def colour_of(d: int) -> str:
    """The colour of runs at dimension d: between the colours of d = 16, the lightest, and d = 65536, by log d."""
    place = min(max((math.log2(d) - 4) / 12, 0.0), 1.0) * (len(COLOURS) - 1)
    k = min(int(place), len(COLOURS) - 2)
    ends = [[int(COLOURS[j][n : n + 2], 16) for n in (1, 3, 5)] for j in (k, k + 1)]
    mixed = [round(a + (place - k) * (b - a)) for a, b in zip(*ends, strict=True)]
    return "#" + "".join(f"{part:02x}" for part in mixed)


def plot_confrontation(
    curve: Curve | NetworkCurve, ensembles: Sequence[Runs], names: Sequence[str] = ("risk", "learning_rate")
) -> Figure:
    """A figure with a panel for each output: the limit over the bands of the runs, small dimensions behind."""
    import matplotlib.pyplot as plt

    with style():
        figure, panels = plt.subplots(1, len(names), figsize=(COLUMN * len(names), 2.6), squeeze=False)
        for axes, name in zip(panels[0], names, strict=True):
            for runs in sorted(ensembles, key=lambda r: r.d):
                plot_bands(runs, name, axes)
            plot_curve(curve, name, axes)
        panels[0][0].legend(fontsize=7)
    plt.close(figure)  # it is shown where it is returned, not a second time
    return figure


def plot_comparison(comparison: Comparison, what: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the error of an output, the 1/d bias removed, in its band; by default that of the worst output."""
    name = choice("Comparison.plot", "what", comparison.worst[0] if what is None else what, comparison.deviations)
    deviation, axes = comparison.deviations[name], axes_for(ax)
    label = f"band, false alarms at most {comparison.alarm:.2g}"
    axes.fill_between(comparison.t, -deviation.band, deviation.band, color=COLOURS[0], alpha=0.55, lw=0, label=label)
    axes.plot(comparison.t, deviation.error, color=THEORY, label="mean of the runs - limit")
    axes.axhline(0, color="black", lw=0.6)
    axes.legend()
    return _label(axes, what=f"error of {LABELS.get(name, name)}")


def save(figure: Figure, data: Mapping[str, Any], path: str | Path) -> list[Path]:
    """Write ``path``.png and ``path``.pdf, and beside them ``path``.json with the data drawn."""
    base = Path(path)
    base.parent.mkdir(parents=True, exist_ok=True)
    drawn = [keep("figure", base.with_suffix(f".{form}"), picture(figure, form)) for form in ("png", "pdf")]
    return [*drawn, keep("figure", base.with_suffix(".json"), strict_json(data) + "\n")]


def picture(figure: Figure, form: str) -> bytes:
    """The figure as a file of the form png or pdf."""
    stream = io.BytesIO()
    figure.savefig(stream, format=form)
    return stream.getvalue()


def axes_for(ax: Axes | None) -> Axes:
    """The axes given, or new ones in the house style."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    with style():
        return plt.subplots(figsize=(5, 3.4))[1]


def _label(axes: Axes, what: str) -> Axes:
    axes.set_xlabel("time $t$ = steps/$d$")
    axes.set_ylabel(LABELS.get(what, what))
    return axes
