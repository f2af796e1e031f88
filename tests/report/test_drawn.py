"""What figures and tables hold: the lines, bands, colours and labels drawn, and the numbers written, one by one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import LogNorm, to_hex, to_rgb

import symhigh as sh
from symhigh.integration.many import COMPLETE, IMPRECISE
from symhigh.ledger.bands import Deviation
from symhigh.report import figures
from symhigh.report.figures import COLOURS, COLUMN, LABELS, THEORY, colour_of, shades
from symhigh.report.phase_figure import plot_phase_diagram
from symhigh.report.tables import _number, comparison_latex, outputs_latex

SPECTRUM, START = sh.Spectrum.from_eigenvalues([1.5, 0.5]), sh.Start()
PROBLEM, RULE = sh.least_squares(0.3), sh.Constant(0.4)


def test_colours_of_dimensions_go_through_the_five_by_the_logarithm() -> None:
    assert [colour_of(d) for d in (2, 16, 128, 1024, 8192, 65536, 10**7)] == [
        COLOURS[0], COLOURS[0], COLOURS[1], COLOURS[2], COLOURS[3], COLOURS[4], COLOURS[4]
    ]  # fmt: skip
    between = np.mean([to_rgb(COLOURS[1]), to_rgb(COLOURS[2])], axis=0)
    np.testing.assert_allclose(to_rgb(colour_of(round(2**8.5))), between, atol=0.01)


def test_shades_are_told_apart_by_lightness() -> None:
    found = np.array(shades(5))
    lightness = found @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) > 0.05).all()
    np.testing.assert_allclose(found[[0, -1]], [plt.get_cmap("viridis")(x)[:3] for x in (0.0, 0.85)])
    assert len(shades(1)) == 1


def test_panels_stand_one_below_the_other_in_a_column() -> None:
    shown = plt.get_fignums()
    figure, axes = figures.panels(3, 1.5)
    assert figure.get_size_inches().tolist() == [COLUMN, 4.5]
    assert len(axes) == 3
    assert axes[0].get_position().y0 > axes[1].get_position().y1
    assert plt.get_fignums() == shown
    axes[0].plot([0, 1], label="a")
    figures.legend_above(axes[0])
    assert axes[0].get_legend().get_bbox_to_anchor().y0 == pytest.approx(axes[0].bbox.y1)


def test_a_confrontation_has_a_panel_an_output_and_small_dimensions_behind() -> None:
    curve = sh.derive(PROBLEM, RULE).solve(SPECTRUM, START, 1)
    runs = [sh.simulate(PROBLEM, RULE, SPECTRUM, START, d, 1, 4) for d in (64, 16)]
    figure = figures.plot_confrontation(curve, runs, ["risk", "distance"])
    assert figure.get_size_inches().tolist() == [2 * COLUMN, 2.6]
    for axes, name in zip(figure.axes, ("risk", "distance"), strict=True):
        (line,) = axes.get_lines()
        assert (line.get_ydata() == getattr(curve, name)).all()
        assert to_hex(line.get_color()) == THEORY
        assert [to_hex(band.get_facecolor()[0]) for band in axes.collections] == [colour_of(16), colour_of(64)]
        assert axes.get_ylabel() == LABELS[name]
        assert axes.get_xlabel() == "time $t$ = steps/$d$"
        low, high = runs[1].quantiles(name, 0.1, 0.9)
        corners = axes.collections[0].get_paths()[0].vertices
        assert {*low[:5], *high[:5]} <= set(corners[:, 1])
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert texts == ["SGD, d = 16, 10%–90%", "SGD, d = 64, 10%–90%", "limit"]
    assert figure.axes[1].get_legend() is None


def deviation(error: list[float], band: list[float]) -> Deviation:
    zero = np.zeros(len(error))
    return Deviation(np.array(error), np.array(band), zero, zero, zero, zero)


def test_a_comparison_draws_its_worst_output_in_its_band() -> None:
    small, large = deviation([0.1, 0.2], [1.0, 1.0]), deviation([0.5, -0.9], [1.0, 1.0])
    found: Any = SimpleNamespace(
        t=np.array([1.0, 2.0]), deviations={"risk": small, "odd": large}, worst=("odd", 2.0, 0.9), alarm=0.01
    )
    axes = figures.plot_comparison(found)
    error, axis = axes.get_lines()
    assert error.get_ydata().tolist() == [0.5, -0.9]
    assert list(axis.get_ydata()) == [0, 0]
    assert set(axes.collections[0].get_paths()[0].vertices[:, 1]) == {-1.0, 1.0}
    assert axes.get_ylabel() == "error of odd"
    assert axes.get_legend().get_texts()[0].get_text() == "band, false alarms at most 0.01"
    assert figures.plot_comparison(found, "risk").get_ylabel() == f"error of {LABELS['risk']}"
    plt.close("all")


def diagram(values: Any, status: Any, t: float = 3.0) -> Any:
    return SimpleNamespace(
        x=np.array([2.0, 1.0]), y=np.array([5.0, 6.0]), values=np.array(values), status=np.array(status), t=t,
        quantity="risk", x_name="a", y_name="b",
    )  # fmt: skip


def test_phase_diagrams_are_sorted_and_wide_ranges_are_logarithmic() -> None:
    all_known = [[COMPLETE, IMPRECISE], [COMPLETE, COMPLETE]]
    axes = plot_phase_diagram(diagram([[1.0, 2.0], [3.0, 101.0]], all_known))
    (mesh,) = axes.collections
    np.testing.assert_array_equal(np.asarray(mesh.get_array()).reshape(2, 2), [[3, 1], [101, 2]])
    assert isinstance(mesh.norm, LogNorm)
    assert axes.get_legend() is None
    assert mesh.colorbar.ax.get_ylabel() == LABELS["risk"] + ", $t = 3$"
    for values in ([[1.0, 2.0], [3.0, 100.0]], [[0.0, 2.0], [3.0, 1000.0]]):
        (mesh,) = plot_phase_diagram(diagram(values, all_known, np.inf)).collections
        assert not isinstance(mesh.norm, LogNorm)
        assert mesh.colorbar.ax.get_ylabel() == LABELS["risk"] + r", $t\to\infty$"
    status = [["refused", COMPLETE], [COMPLETE, "diverged"]]
    marked = plot_phase_diagram(diagram([[np.nan, 2.0], [3.0, np.nan]], status))
    assert [text.get_text() for text in marked.get_legend().get_texts()] == ["diverged", "refused"]
    shaded = [np.ma.filled(np.ma.asarray(m.get_array(), dtype=float), np.nan).reshape(2, 2) for m in marked.collections]
    np.testing.assert_array_equal(shaded[1:], [[[np.nan, np.nan], [1, np.nan]], [[np.nan, 1], [np.nan, np.nan]]])
    nothing = plot_phase_diagram(diagram(np.full((2, 2), np.nan), np.full((2, 2), "refused")))
    assert len(nothing.collections) == 1
    plt.close("all")


def test_tables_hold_means_at_equally_spaced_times() -> None:
    t = np.linspace(0, 4, 9)
    text = outputs_latex("f", t, {"risk": np.array([t, 3 * t]), "odd_name": t**2}, 3)
    rows = [line for line in text.splitlines() if line.startswith("$") and "10" not in line]
    assert rows[0] == rf"$t$ & {LABELS['risk']} & odd name \\"
    assert rows[1:] == [r"$0$ & $0$ & $0$ \\", r"$2$ & $4$ & $4$ \\", r"$4$ & $8$ & $16$ \\"]
    assert outputs_latex("f", t, {"risk": t}, 1).count(r"$0$ & $0$ \\") == 1
    assert outputs_latex("f", t, {"risk": t}, 99).count(r" \\") == 10
    with pytest.raises(ValueError, match=r"f\(rows=0\): rows must be >= 1"):
        outputs_latex("f", t, {"risk": t}, 0)
    worst = comparison_latex(np.array([1.0, 2.0]), {"risk": deviation([0.1, -0.9], [1, 1]), "none": deviation([], [])})
    assert rf"{LABELS['risk']} & $-0.9$ & $1$ & $2$ \\" in worst
    assert "none" not in worst


def test_numbers_have_five_digits_and_powers_of_ten() -> None:
    assert [_number(v) for v in (1.0, 0.123456, -1.5e-7, 1e12, np.nan, np.inf)] == [
        "$1$", "$0.12346$", r"$-1.5 \times 10^{-7}$", r"$1 \times 10^{12}$", "--", "--"
    ]  # fmt: skip
