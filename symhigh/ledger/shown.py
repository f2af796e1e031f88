"""What was tested, as text and LaTeX: rendered from the very objects that the evidence received.

Stands below the evidence. Prose is never rendered here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symhigh.notation import latex

_LONGEST = 400
"""Characters of a formula that a reader can still take in; longer ones are cut in text and have no typeset form."""
_PLAIN_NAME = re.compile(r"[\w*^′' ,.()+-]*")


@dataclass(frozen=True)
class Shown:
    """One tested relation: ``text`` always, ``latex`` where it can be typeset."""

    text: str
    latex: str = ""


SIGNS = {
    sp.Eq: ("=", "="), sp.Gt: (">", ">"), sp.Ge: ("≥", r"\geq"), sp.Lt: ("<", "<"), sp.Le: ("≤", r"\leq"),
    sp.Ne: ("≠", r"\neq"),
}  # fmt: skip


def show(left: Any, sign: str, right: Any, latex_sign: str = "", tail: str = "", latex_tail: str = "") -> Shown:
    """``left sign right`` followed by ``tail``; a side that is a function goes by its name."""
    sides, plain = (left, right), (_plain(left), _plain(right))
    text = f"{_cut(plain[0])} {sign} {_cut(plain[1])}{tail}"
    if not any(isinstance(s, sp.Basic) for s in sides) or sum(map(len, plain)) > _LONGEST:
        return Shown(text)
    if not all(isinstance(s, sp.Basic | str) and all(map(_PLAIN_NAME.fullmatch, _names(s))) for s in sides):
        return Shown(text)
    end = latex_tail or (rf"\quad\text{{{tail.strip()}}}" if tail else "")
    return Shown(text, f"{_side_latex(left)} {latex_sign or sign} {_side_latex(right)}{end}")


def _names(side: Any) -> list[str]:
    """The names in a side, which LaTeX must not take for commands: its symbols and functions, or its words."""
    return [side] if isinstance(side, str) else [str(n) for n in side.atoms(sp.Symbol, sp.core.function.AppliedUndef)]


def _side_latex(side: Any) -> str:
    """A side in the field's notation; a word is a word, a letter a letter."""
    if not isinstance(side, str):
        return latex(side)
    return side if len(side) == 1 and side.isalpha() else rf"\text{{{side.replace('_', ' ').replace('^', ' ')}}}"


def side_text(side: Any, longest: int = _LONGEST) -> str:
    """A side in one line of text, cut where it is too long to read."""
    return _cut(_plain(side), longest)


def _plain(side: Any) -> str:
    """A side as SymPy writes it, or the name of a function."""
    return str(side) if isinstance(side, sp.Basic | str) else getattr(side, "__name__", "function")


def _cut(text: str, longest: int = _LONGEST) -> str:
    text = pretty(text.replace("<lambda>", "function"))
    return text if len(text) <= longest else text[: longest - 1] + "…"


def pretty(text: str) -> str:
    """SymPy's plain form with the comparison signs of mathematics."""
    return text.replace(">=", "≥").replace("<=", "≤")


def approach(variable: sp.Symbol, end: sp.Expr) -> tuple[str, str]:
    """``as t → ∞``, as text and as LaTeX."""
    text = "∞" if end is sp.oo else str(end)
    return f" as {variable} → {text}", rf"\quad\text{{as }} {latex(variable)} \to {latex(end)}"
