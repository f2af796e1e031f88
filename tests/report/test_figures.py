"""Figures are drawn from data that is saved beside them, and the data agrees with the library."""

import json
import os
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

import symhigh as sh
from symhigh.report.figures import save
from symhigh.report.gallery.high_line_1 import Panel, figure1, panels


def test_curve_and_bands_in_one_plot() -> None:
    problem, rule, spectrum, start = (
        sh.least_squares(1),
        sh.Constant(0.5),
        sh.Spectrum.isotropic(),
        sh.Start(),
    )
    from symhigh.report.figures import plot_bands

    axes = plot_bands(sh.simulate(problem, rule, spectrum, start, 30, 1, 5))
    curve = sh.derive(problem, rule).solve(spectrum, start, 1)
    curve.plot(ax=axes)
    (line,) = axes.get_lines()
    assert (line.get_ydata() == curve.risk).all()
    assert len(axes.collections) == 1
    import matplotlib.pyplot as plt

    plt.close(axes.figure)


NOTEBOOK = """
import nbformat
from nbclient import NotebookClient
cells = [
    "import symhigh as sh; s = sh.derive(sh.least_squares(), sh.Constant(.5))",
    "curve = s.solve(sh.Spectrum.isotropic(), sh.Start(), 2)",
    "curve.plot();", "curve.plot('distance');",
    "runs = sh.simulate(s, sh.Spectrum.isotropic(), sh.Start(), d=16, t_end=2, seeds=4); runs.plot();",
    "sh.compare(curve, runs).plot();",
    "n = sh.derive(sh.DiagonalNetwork(.4)).solve(sh.NetworkClasses(1, 1, 1.2, .2), 1, nodes=21); n.plot('curvature');",
    "sh.Experiment(s.problem, s.rule, (sh.Spectrum.isotropic(), sh.Start()), 1).run().plot()",
    "import matplotlib.pyplot as plt; plt.plot([1, 2]); None", "plt.subplots()[1].plot([1, 2]); None",
]
book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
NotebookClient(book, timeout=100, kernel_name="python3").execute()
shown = [[o for o in c.outputs if o.output_type != "stream"] for c in book.cells]  # a slow call says so
print([["image/png" in o.get("data", {}) for o in found] for found in shown][2:])
"""


def test_every_figure_of_a_notebook_is_shown() -> None:
    """The user's own after ours too: the notebook's backend is not lost in a context of settings."""
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    plain = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK], env=plain, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str([[True]] * 8)


def test_the_data_of_a_figure_is_strict_json(tmp_path: Path) -> None:
    import matplotlib.pyplot as plt

    figure = plt.figure()
    save(
        figure,
        {"x": np.array([1.0, np.nan, np.inf]), "nested": {"y": [np.float64("nan")]}},
        tmp_path / "name",
    )
    plt.close(figure)
    assert json.loads((tmp_path / "name.json").read_text()) == {
        "x": [1.0, None, None],
        "nested": {"y": [None]},
    }


def test_figure_1_reports_its_progress_by_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of the work costs d² t_end; small panels in place of the figure's own."""
    loss, rule = (sh.x - sh.x_star) ** 2 / 2, sh.AdaGradNorm(1, 0.3)
    small = tuple(
        Panel(name, sh.Problem(loss, name=name), rule, end, dims, shown)
        for name, end, dims, shown in (("left", 2.0, (8, 16), "risk"), ("right", 4.0, (8, 24), "excess_risk"))
    )
    monkeypatch.setattr("symhigh.report.gallery.high_line_1.panels", lambda largest: small)
    reported: list[float] = []

    def halves(*experiment, progress, **options):  # type: ignore[no-untyped-def]
        progress(0.5)
        progress(1.0)
        return sh.simulate(*experiment, **options)

    monkeypatch.setattr("symhigh.report.gallery.high_line_1.simulate", halves)
    figure, data = figure1(seeds=3, progress=reported.append)
    costs = np.repeat([panel.t_end * d**2 / 2 for panel in small for d in panel.dimensions], 2)
    assert reported == pytest.approx(np.cumsum(costs) / costs.sum())
    assert [ax.get_yscale() for ax in figure.axes] == ["linear", "log"]
    assert set(data) == {"seeds", "band", "method", "left", "right"}
    assert data["left"]["shown"] == "risk"
    assert set(data["left"]) == {"shown", "t", "limit", "learning_rate", "d=8", "d=16"}


def test_the_left_panel_has_the_dimensions_up_to_the_largest() -> None:
    found = [panels(largest)[0].dimensions for largest in (1024, 4096, 16384)]
    assert found == [(256, 1024), (256, 1024, 4096), (256, 1024, 4096, 16384)]


def test_predicted_bands_lie_over_those_of_the_runs() -> None:
    problem, rule, spectrum = sh.least_squares(0.3), sh.Constant(0.4), sh.Spectrum.from_eigenvalues([1.5, 0.5])
    bands = sh.derive(problem, rule).fluctuations(spectrum, sh.Start(), 1, [0.25, 0.5, 1])
    runs = sh.simulate(problem, rule, spectrum, sh.Start(), 100, 1, 20, t=[0.25, 0.5, 1])
    axes = bands.plot("risk", runs=runs)
    middle, low, high = (np.asarray(line.get_ydata()) for line in axes.lines)
    np.testing.assert_array_equal([low, high], bands.band("risk", 100))
    np.testing.assert_allclose(middle, (low + high) / 2)
    assert len(axes.collections) == 1
    assert "theory, d = 100" in axes.get_legend().get_texts()[2].get_text()
    alone = bands.plot("distance", 50, low=0.25, high=0.75)
    np.testing.assert_array_equal(alone.lines[1].get_ydata(), bands.band("distance", 50, 0.25, 0.75)[0])
    assert not alone.collections
    with pytest.raises(ValueError, match="give the dimension d, or runs"):
        bands.plot()
    with pytest.raises(ValueError, match="leave d out"):
        bands.plot("risk", 50, runs=runs)
    for figure in (axes.figure, alone.figure):
        plt.close(figure)
