"""Figures are drawn from data that is saved beside them, and the data agrees with the library."""

import json
from pathlib import Path

import numpy as np
import pytest

import symhigh as sh
from symhigh.report.figure1 import figure1, panels
from symhigh.report.figures import save


@pytest.mark.slow
def test_figure_1(tmp_path: Path) -> None:
    """Bands shrink with d and hold the limit almost everywhere: 10-90 % of 20 runs around the median."""
    figure, data = figure1(largest=1024, seeds=20)
    assert {f.suffix for f in save(figure, data, tmp_path / "figure1")} == {".png", ".pdf", ".json"}
    stored = json.loads((tmp_path / "figure1.json").read_text())
    for panel in panels(1024):
        entry = stored[panel.problem.name]
        limit_at = lambda t, e=entry: np.interp(t, e["t"], e["limit"])  # noqa: E731
        widths = []
        for d in panel.dimensions:
            band = {k: np.array(v) for k, v in entry[f"d={d}"].items()}
            inside = (band["low"] <= limit_at(band["t"])) & (limit_at(band["t"]) <= band["high"])
            assert inside.mean() > 0.5
            widths.append((band["high"] - band["low"]).mean())
        # width ~ d^(-1/2); 20 runs fix a 10-90 % width to about 20 %
        ratio = widths[0] / widths[-1]
        expected = np.sqrt(panel.dimensions[-1] / panel.dimensions[0])
        assert ratio == pytest.approx(expected, rel=0.5)


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
