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
    text = f"{side_text(left)} {sign} {side_text(right)}{tail}"
    sides = (left, right)
    if not all(isinstance(s, sp.Basic) for s in sides) or sum(len(str(s)) for s in sides) > _LONGEST:
        return Shown(text)
    names = (n for s in sides for n in map(str, s.atoms(sp.Symbol, sp.core.function.AppliedUndef)))
    if not all(_PLAIN_NAME.fullmatch(name) for name in names):
        return Shown(text)
    end = latex_tail or (rf"\quad\text{{{tail.strip()}}}" if tail else "")
    return Shown(text, f"{latex(left)} {latex_sign or sign} {latex(right)}{end}")


def side_text(side: Any, longest: int = _LONGEST) -> str:
    """A side in one line of text, cut where it is too long to read."""
    text = str(side) if isinstance(side, sp.Basic | str) else getattr(side, "__name__", "function")
    text = pretty(text.replace("<lambda>", "function"))
    return text if len(text) <= longest else text[: longest - 1] + "…"


def pretty(text: str) -> str:
    """SymPy's plain form with the comparison signs of mathematics."""
    return text.replace(">=", "≥").replace("<=", "≤")


def approach(variable: sp.Symbol, end: sp.Expr) -> tuple[str, str]:
    """``as t → ∞``, as text and as LaTeX."""
    text = "∞" if end is sp.oo else str(end)
    return f" as {variable} → {text}", rf"\quad\text{{as }} {latex(variable)} \to {latex(end)}"
