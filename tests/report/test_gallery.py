"""Figures by name: found, drawn with their data, and refused where the data does not show what they are to show."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import symhigh as sh
from symhigh.cli import main
from symhigh.report.figures import COLUMN, colour_of, shades
from symhigh.report.gallery import chosen, expect, high_line_5, recipes

FAST = ("high-line/4", "networks/density")


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
    [pytest.param(n, marks=pytest.mark.slow) if n == "high-line/1" else n for n in recipes() if n not in FAST],
)
def test_every_figure_shows_what_it_is_to_show(name: str) -> None:
    (recipe,) = chosen((name,))
    drawn = recipe.draw(quick=True)
    assert drawn.figure.get_figwidth() == COLUMN
    assert drawn.data


def test_data_that_shows_something_else_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("symhigh.report.gallery.high_line_4.slopes", lambda total: (total - 2.2, 0.0))
    result = call("figure", "high-line/4", "--quick", "--out", str(tmp_path))
    assert result.exit_code == 1
    assert "figure high-line/4: β + δ = 0.2: the slopes" in result.output
    assert not list(tmp_path.rglob("*.png"))
    with pytest.raises(ArithmeticError, match="figure x: not so"):
        expect("x", False, "not so")


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
