"""The field's notation in LaTeX: ``V_{11,i}(t)``, ``\\mathcal{R}(t)``, ``x_\\star``, ``\\gamma^2(t)``.

Stands beside the symbols that it prints, before every room; reads expressions, computes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import sympy as sp
from sympy.printing.latex import LatexPrinter

_NAMES = {
    "eps": r"\varepsilon",
    "x_star": r"x_\star",
    "X_star": r"X_\star",
    "theta_star": r"\theta_\star",
    "risk": r"\mathcal{R}",
    "distance": "D^2",
    "D2": "D^2",
    "MD": "M_D",
    "norm": r"\|X\|^2",
    "overlap": r"\langle X, X_\star\rangle",
    "target_norm": r"\|X_\star\|^2",
    "moved": r"\|X - X_0\|^2",
    "along_target": r"A_\star",
    "along_start": r"A_0",
    "shift_square": r"\Delta_{00}",
    "shift_target": r"\Delta_{0\star}",
    "shift_start": r"\Delta_{0X}",
    "b_k^2": r"\mathsf{b}^2",
}
_PRODUCT = re.compile(r"([A-Z])([0-9A-Z]{2,})")
"""Names of averages of products, such as B12, V1M and N10."""
_OF_OUTPUT = re.compile("(Var|bias)_(.+)")
_INCREMENT = re.compile(r"d([A-Za-z](?:_\d+)?)")
"""Increments of an Itô equation, such as dt and dB_1."""
_SETTINGS = {"fold_short_frac": False, "inv_trig_style": "full", "ln_notation": False}


class FieldLatexPrinter(LatexPrinter):  # type: ignore[misc]
    """SymPy's printer with the field's names, modes as subscripts, and powers of functions before their argument."""

    def __init__(self) -> None:
        super().__init__(dict(_SETTINGS))

    def name(self, name: str) -> str:
        """A symbol's name as LaTeX."""
        if name.startswith("lead_"):
            return rf"\Delta({self.name(name.removeprefix('lead_'))})"
        if match := _OF_OUTPUT.fullmatch(name):
            return rf"\operatorname{{{match[1]}}}_{{\text{{{match[2].replace('_', ' ')}}}}}"
        if match := _PRODUCT.fullmatch(name):
            return f"{match[1]}_{{{match[2]}}}"
        if match := _INCREMENT.fullmatch(name):
            return rf"\mathrm{{d}}{self.name(match[1])}"
        if name in _NAMES:
            return _NAMES[name]
        # SymPy's reading of names: Greek letters, sub- and superscripts
        text = str(super()._print_Symbol(sp.Symbol(name)))
        return rf"\mathrm{{{text}}}" if re.fullmatch("[A-Za-z]{2,}", text) else text

    def _print_Symbol(self, expr: sp.Symbol, style: str = "plain") -> str:
        return self.name(expr.name)

    def _print_AppliedUndef(self, expr: Any, exp: str | None = None) -> str:
        if expr.func.__name__ == "Sum_classes":
            return rf"\sum_{{\text{{classes}}}} {self._print(expr.args[0])}"
        name, arguments = self.name(expr.func.__name__), list(expr.args)
        modes = []
        while arguments and isinstance(arguments[0], sp.Symbol) and arguments[0].name in ("i", "j", "k", "l"):
            modes.append(self._print(arguments.pop(0)))
        if modes:
            base, _, power = name.partition("^")
            mode = " ".join(modes)
            name = (f"{base[:-1]},{mode}}}" if base.endswith("}") and "_{" in base else f"{base}_{{{mode}}}") + (
                f"^{power}" if power else ""
            )
        applied = f"({', '.join(map(self._print, arguments))})" if arguments else ""
        if exp is None:
            return name + applied
        return rf"\left({name}{applied}\right)^{{{exp}}}" if "^" in name else f"{name}^{{{exp}}}{applied}"

    def _as_ordered_terms(self, expr: sp.Expr, order: Any = None) -> list[sp.Expr]:
        """A sum opens with a term that bears no minus sign, where it has one."""
        terms = list(super()._as_ordered_terms(expr, order))
        first = next((k for k, a in enumerate(terms) if not a.could_extract_minus_sign()), 0)
        return [terms.pop(first), *terms]

    _print_Function = LatexPrinter._print_Function


def html_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A small HTML table of text, escaped; LaTeX between dollars is set by a notebook."""
    cells = [f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows]
    head = "".join(f"<th>{escape(title)}</th>" for title in header)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(cells)}</tbody></table>"


def latex(expr: Any) -> str:
    """``expr`` as LaTeX in the field's notation."""
    return str(FieldLatexPrinter().doprint(expr))
