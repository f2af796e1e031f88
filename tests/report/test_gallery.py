"""Figures by name: found, drawn with their data, and refused where the data does not show what they are to show."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from matplotlib.colors import to_hex, to_rgba

import symhigh as sh
from symhigh.cli import main
from symhigh.report.figures import COLUMN, colour_of, shades
from symhigh.report.gallery import Drawn, between, chosen, expect, high_line_4, high_line_5, recipes
from tests.tables import check

FAST = ("high-line/4", "networks/density")


OF_RUNS = ("low", "high", "mean", "eta=", "d=", "SDE", "sgd", "shrunken", "diagonal", "sample")
"""Data that hold random numbers, whose shapes alone are kept."""


def picture(drawn: Drawn) -> dict[str, Any]:
    """What is drawn, without the values of runs."""
    return {
        "size": drawn.figure.get_size_inches().tolist(),
        "axes": [panel(axes) for axes in drawn.figure.axes],
        "data": {key: summary(key, value) for key, value in drawn.data.items()},
    }


def panel(axes: Any) -> dict[str, Any]:
    """Words, scales and ranges of one panel, its lines and areas."""
    legend = axes.get_legend()
    ranges = {"x": axes.get_xlim(), "y": axes.get_ylim()}
    free = {"x": axes.get_autoscalex_on(), "y": axes.get_autoscaley_on()}
    return {
        "words": [axes.get_title(), axes.get_xlabel(), axes.get_ylabel(), axes.get_xscale(), axes.get_yscale()],
        "ranges": {key: list(ends) for key, ends in ranges.items() if not free[key]},
        "legend": legend and [text.get_text() for text in legend.get_texts()],
        "texts": [[t.get_text(), to_hex(t.get_color()), *t.get_position()] for t in axes.texts],
        "lines": [line(each) for each in axes.lines],
        "areas": [
            [np.round(to_rgba(colour), 4).tolist() for colour in each.get_facecolor()[:1]]
            + [shown(each), np.atleast_1d(each.get_linewidth()).tolist()]
            for each in axes.collections
        ],
    }


def line(drawn: Any) -> list[Any]:
    x = np.asarray(drawn.get_xdata(), dtype=float)
    style = [drawn.get_linewidth(), drawn.get_linestyle(), drawn.get_marker(), drawn.get_markersize()]
    ends = x[[0, -1]].tolist() if x.size else []
    straight = np.asarray(drawn.get_ydata(), dtype=float).tolist() if x.size == 2 else []
    return [shown(drawn), to_hex(drawn.get_color()), *style, x.size, *ends, *straight]


def shown(artist: Any) -> str:
    """Its label, where a legend shows it."""
    label = str(artist.get_label())
    return "" if label.startswith("_") else label


def summary(key: str, value: Any) -> Any:
    """Shape and ends of an array, none of them of random numbers."""
    if isinstance(value, dict):
        return {name: summary(f"{key} {name}", entry) for name, entry in value.items()}
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "if" or (any(word in key for word in OF_RUNS) and "limit" not in key):
        return [*numbers.shape]
    return [*numbers.shape, *numbers.ravel()[[0, -1]].tolist(), float(numbers.mean())]


COMPUTING = (
    *("simulate", "simulate_passes", "solve", "solve_network", "solve_network_sde", "solve_passes", "limits"),
    *("best_rate", "optimal_schedule", "coordinates", "linearise", "limiting_rate"),
)
"""What figures call to have their numbers."""
SOUGHT = {("symhigh.report.gallery.schedules", "solve")}
"""As often as the search for a minimum takes."""


def asked(monkeypatch: pytest.MonkeyPatch, module: Any) -> list[Any]:
    """What a figure will ask of the library: names, numbers, the ends of arrays."""
    calls: list[Any] = []

    def given(value: Any) -> Any:
        if isinstance(value, (bool, int, float, str)) or value is None:
            return value
        if isinstance(value, (np.ndarray, list, tuple, range)) and np.asarray(value).dtype.kind in "if":
            numbers = np.asarray(value, dtype=float)
            return [*numbers.shape, *numbers.ravel()[[0, -1]].tolist(), float(numbers.mean())]
        words = repr(value)
        return type(value).__name__ if " at 0x" in words or "array(" in words or callable(value) else words

    def recorded(name: str, function: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            options_given = {key: given(v) for key, v in options.items() if key != "progress"}
            calls.append([name, *map(given, arguments), options_given])
            return function(*arguments, **options)

        return call

    def bounded(name: str, low: float, value: float, high: float, message: str) -> None:
        calls.append(["between", low if np.isfinite(low) else None, high if np.isfinite(high) else None])
        between(name, low, value, high, message)

    if hasattr(module, "between"):
        monkeypatch.setattr(module, "between", bounded)
    for name in COMPUTING:
        if hasattr(module, name) and (module.__name__, name) not in SOUGHT:
            monkeypatch.setattr(module, name, recorded(name, getattr(module, name)))
    return calls


def call(*arguments: str) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_names_stand_for_figures_and_families() -> None:
    names = list(recipes())
    assert {"high-line/1", "high-line/2", "high-line/3", "high-line/4", "high-line/5", "high-line/6"} <= set(names)
    assert [r.name for r in chosen(("all",))] == names
    assert [r.name for r in chosen(("networks",))] == [n for n in names if n.startswith("networks/")]
    assert len(chosen(("all", "networks", "high-line/1"))) == len(names)


@pytest.mark.parametrize("name", FAST)
def test_a_figure_is_saved_with_its_data(name: str, tmp_path: Path) -> None:
    result = call("figure", name, "--quick", "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert [Path(line) for line in result.stdout.splitlines()] == [
        (tmp_path / name).with_suffix(end) for end in (".png", ".pdf", ".json")
    ]
    assert json.loads((tmp_path / f"{name}.json").read_text())["t"]


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) if n == "high-line/1" else n for n in recipes()],
)
def test_every_figure_shows_what_it_is_to_show(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own checks hold, it asks for what it asked for, and it is the picture that it was: axes, lines, areas, words,
    and the limits' numbers."""
    (recipe,) = chosen((name,))
    calls = asked(monkeypatch, sys.modules[recipe.function.__module__])
    told: list[float] = []
    drawn = recipe.draw(quick=True, progress=told.append)
    assert drawn.figure.get_figwidth() == COLUMN
    assert told == sorted(told)
    assert not told or told[-1] == pytest.approx(1.0)
    found = {**picture(drawn), "asked": calls}
    check(Path(__file__).with_name("test_gallery.json"), name, found, rtol=1e-5)


def test_dotted_lines_end_with_the_curve_and_have_the_predicted_slope() -> None:
    drawn = high_line_4.figure(quick=True)
    totals = [total for total in high_line_4.SUMS if total != 1]
    for axes, name, place in zip(drawn.figure.axes, ("risk", "learning_rate"), (0, 1), strict=True):
        dotted = [each for each in axes.lines if each.get_linestyle() == ":"]
        assert len(dotted) == len(totals)
        for each, total in zip(dotted, totals, strict=True):
            x, y = (np.log(np.asarray(values)) for values in (each.get_xdata(), each.get_ydata()))
            assert y[-1] == pytest.approx(np.log(drawn.data[f"{total:g}"][name][-1]))
            assert (y[-1] - y[0]) / (x[-1] - x[0]) == pytest.approx(high_line_4.slopes(total)[place], abs=1e-9)


def test_data_that_shows_something_else_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("symhigh.report.gallery.high_line_4.slopes", lambda total: (total - 2.2, 0.0))
    result = call("figure", "high-line/4", "--quick", "--out", str(tmp_path))
    assert result.exit_code == 1
    assert "figure high-line/4: β + δ = 0.2: the slopes" in result.output
    assert not list(tmp_path.rglob("*.png"))
    with pytest.raises(ArithmeticError, match="figure x: not so"):
        expect("x", False, "not so")
    expect("x", True, "not so")
    for inside in (1.0, 1.5, 2.0):
        between("x", 1.0, inside, 2.0, "not so")
    for outside in (0.999, 2.001, float("nan")):
        with pytest.raises(ArithmeticError, match="figure x: not so"):
            between("x", 1.0, outside, 2.0, "not so")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("high-line/7",), "did you mean high-line/"), (("nonsense",), "there are high-line/1"), ((), "or all")],
)
def test_unknown_figures_are_status_2(arguments: tuple[str, ...], words: str) -> None:
    result = call("figure", *arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())


def test_figures_are_listed() -> None:
    assert [line.split()[0] for line in call("figure", "--list").output.splitlines()] == list(recipes())


@pytest.mark.parametrize(("small", "rate"), [(0.5, 1.16775006), (0.25, 0.86983422), (0.125, 0.48367675)])
def test_the_limit_of_line_search_is_that_of_the_closed_form(small: float, rate: float) -> None:
    found = high_line_5.limiting_rate(np.array([1.0, small]))
    assert found == pytest.approx(rate, abs=5e-9)
    spectrum = sh.Spectrum.from_eigenvalues([1.0, small])
    form = sh.limits(sh.least_squares(), sh.LineSearch(), spectrum, sh.Start())["learning_rate"]
    assert found == pytest.approx(float(form.evaluate()), rel=1e-10)


def test_colours_grow_darker_with_what_they_stand_for() -> None:
    """Told apart by lightness, whatever the colour vision: the luminance is monotone."""
    for colours in ([tuple(int(colour_of(2**k)[n : n + 2], 16) for n in (1, 3, 5)) for k in range(4, 17)],):
        light = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in colours]
        assert (np.diff(light) < 0).all()
    light = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in shades(6)]
    assert (np.diff(light) > 0.05).all()
