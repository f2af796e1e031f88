"""Figures by name: each draws itself from what the library computes, and checks the data behind it.

Part of the reports. A figure is a function with ``@recipe(name, title)``; it returns the picture and its data, and
raises ``ArithmeticError`` where the data does not show what the figure is to show.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from symhigh.entries import discover

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Drawn:
    """A figure and the data that it shows."""

    figure: Figure
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Recipe:
    """How a figure is drawn; ``quick`` means smaller dimensions and fewer runs, never a lesser check."""

    name: str
    title: str
    function: Callable[..., Drawn]

    def draw(self, quick: bool = False, progress: Progress | None = None) -> Drawn:
        """The figure, drawn to be read at the width of a column."""
        from symhigh.report.figures import style

        with style(font_size=8, legend_fontsize=6.5, lines_linewidth=1.2):
            return self.function(quick, progress)


_RECIPES: dict[str, Recipe] = {}


def recipe(name: str, title: str) -> Callable[[Callable[..., Drawn]], Callable[..., Drawn]]:
    """Enter a function of ``quick`` and ``progress`` that draws the figure ``name``."""

    def enter(function: Callable[..., Drawn]) -> Callable[..., Drawn]:
        _RECIPES[name] = Recipe(name, title, function)
        return function

    return enter


def recipes() -> dict[str, Recipe]:
    """All figures by name, in order."""
    discover(sys.modules[__name__])
    return dict(sorted(_RECIPES.items()))


def chosen(names: tuple[str, ...]) -> list[Recipe]:
    """The figures of these names, or of their last part; ``networks`` is all of that family, ``all`` all of them."""
    known = recipes()
    found: dict[str, Recipe] = {}
    for name in names:
        wanted = [r for r in known.values() if name in ("all", r.name, *r.name.split("/"))]
        if not wanted:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}, and all"
            raise ValueError(f"there is no figure {name!r}; {hint}")
        found |= {r.name: r for r in wanted}
    return list(found.values())


def expect(name: str, condition: object, message: str) -> None:
    """Raise ``ArithmeticError`` unless the data of the figure ``name`` shows what it is to show."""
    if not condition:
        raise ArithmeticError(f"figure {name}: {message}")


def between(name: str, low: float, value: float, high: float, message: str) -> None:
    """Raise ``ArithmeticError`` unless a number of the figure ``name`` lies between two others, which it may equal."""
    expect(name, low <= value <= high, message)


def part(progress: Progress | None, done: float, share: float) -> Progress | None:
    """A progress report for one part of the work."""
    return None if progress is None else lambda fraction: progress(done + share * fraction)
