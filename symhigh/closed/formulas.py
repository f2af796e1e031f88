"""Formulas by name, as ``limits`` returns them: a mapping that prints as a table and suggests near names.

Part of the room of closed forms; holds what finders found, computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from symhigh.closed.formula import Formula
from symhigh.notation import html_table, latex

_SHORT = 60


class Formulas(Mapping[str, Formula]):
    """Formulas by name, read-only, in the order in which they were found."""

    def __init__(self, formulas: Mapping[str, Formula], missing: Mapping[str, str] | None = None) -> None:
        self._formulas = dict(formulas)
        self.missing = dict(missing or {})

    def __getitem__(self, name: str) -> Formula:
        if name in self._formulas:
            return self._formulas[name]
        if name in self.missing:
            raise KeyError(f"{name}: {self.missing[name]}")
        near = get_close_matches(str(name), self._formulas, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(self._formulas)}"
        raise KeyError(f"{name!r} is no formula of this limit; {hint}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._formulas)

    def __len__(self) -> int:
        return len(self._formulas)

    def __repr__(self) -> str:
        lines = [f"{name}: {_short(str(formula))}" for name, formula in self.items()]
        return f"Formulas({'; '.join(lines)})" if len(lines) < 2 else "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [
            (name, f"${latex(f.expr)}$", ", ".join(f"${latex(r)}$" for r in f.assumptions), f.statement, f.source)
            for name, f in self.items()
        ]
        return html_table(("name", "formula", "where", "what it is", "source"), rows)

    def to_latex(self) -> str:
        """One ``aligned`` environment, a formula a line with what it assumes."""
        lines = [rf"\text{{{name.replace('_', ' ')}}} &= {f.latex(assumptions=True)}" for name, f in self.items()]
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def _short(text: str) -> str:
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"
