"""LaTeX in the notation of the field: ``V_{11,i}(t)``, ``\\mathcal{R}``, ``x_\\star``.

Last room of the pipeline; reads expressions, computes nothing.
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.printing.latex import LatexPrinter

_NAMES = {
    "lambda": r"\lambda",
    "w": "w",
    "tau": r"\tau",
    "kappa_2": r"\kappa_2",
    "gamma": r"\gamma",
    "gamma_0": r"\gamma_0",
    "omega": r"\omega",
    "eta": r"\eta",
    "eps": r"\varepsilon",
    "x_star": r"x_\star",
    "risk": r"\mathcal{R}",
    "distance": r"D^2",
    "norm": r"\|X\|^2",
    "overlap": r"\langle X, X_\star\rangle",
    "target_norm": r"\|X_\star\|^2",
    "V11": "V_{11}",
    "V12": "V_{12}",
    "V22": "V_{22}",
    "D2": "D^2",
    "B11": "B_{11}",
    "B12": "B_{12}",
    "B22": "B_{22}",
    "M11": "M_{11}",
    "M12": "M_{12}",
    "M22": "M_{22}",
    "MD": "M_D",
    "c1": "c_1",
    "c2": "c_2",
    "b_k^2": r"\mathsf{b}^2",
}


class FieldLatexPrinter(LatexPrinter):  # type: ignore[misc]
    """SymPy's printer with the field's names, and modes as subscripts."""

    def _print_Symbol(self, expr: sp.Symbol, style: str = "plain") -> str:
        return _NAMES.get(expr.name) or str(super()._print_Symbol(expr, style))

    def _print_AppliedUndef(self, expr: Any, exp: str | None = None) -> str:
        name = _NAMES.get(expr.func.__name__, expr.func.__name__)
        arguments = list(expr.args)
        subscript = ""
        if arguments and isinstance(arguments[0], sp.Symbol) and arguments[0].name == "i":
            base, _, power = name.partition("^")
            inner, closing = (
                (base[:-1] + ",", "}") if base.endswith("}") and "_{" in base else (base + "_{", "}")
            )
            name = f"{inner}{self._print(arguments.pop(0))}{closing}" + (f"^{power}" if power else "")
        if arguments:
            subscript = r"\left(" + ", ".join(self._print(a) for a in arguments) + r"\right)"
        text = name + subscript
        return rf"\left({text}\right)^{{{exp}}}" if exp is not None else text

    _print_Function = LatexPrinter._print_Function


def latex(expr: Any) -> str:
    """``expr`` as LaTeX in the field's notation."""
    return str(FieldLatexPrinter({"fold_short_frac": False}).doprint(expr))
