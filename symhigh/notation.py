"""The field's notation in LaTeX: ``V_{11,i}(t)``, ``\\mathcal{R}(t)``, ``x_\\star``, ``\\gamma^2(t)``.

Stands beside the symbols that it prints, before every room; reads expressions, computes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.printing.latex import LatexPrinter

from symhigh import symbols

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
    "r_k^2": "r^2",
    "gradient_square": r"\|\nabla f\|^2",
    "sample_loss": "f",
    "xi_star": r"\xi_\star",
}
_PRODUCT = re.compile(r"([A-Z])([0-9A-Z]{2,})")
"""Names of averages of products, such as B12, V1M and N10."""
_OF_OUTPUT = re.compile("(Var|bias)_(.+)")
_INCREMENT = re.compile(r"d([A-Za-z](?:_\d+)?)")
"""Increments of an Itô equation, such as dt and dB_1."""
_SETTINGS = {"fold_short_frac": False, "fold_frac_powers": True, "inv_trig_style": "full", "ln_notation": False}
_SUBSCRIPT = re.compile(r"_\{([A-Za-z]{2,})\}")
"""Subscripts of several letters, which are words."""
_HALF = sp.Rational(1, 2)
_NONNEGATIVE = {s.name for s in vars(symbols).values() if isinstance(s, sp.Symbol) and s.is_nonnegative}


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
        text = _SUBSCRIPT.sub(r"_{\\mathrm{\1}}", str(super()._print_Symbol(sp.Symbol(name))))
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
            head, _, below = base.rpartition("_")
            mode = " ".join(modes)
            inside = f"{below.strip('{}')},{mode}" if head else mode
            name = f"{head or base}_{{{inside}}}" + (f"^{power}" if power else "")
        applied = f"({', '.join(map(self._print, arguments))})" if arguments else ""
        if exp is None:
            return name + applied
        return rf"\left({name}{applied}\right)^{{{exp}}}" if "^" in name else f"{name}^{{{exp}}}{applied}"

    def _as_ordered_terms(self, expr: sp.Expr, order: Any = None) -> list[sp.Expr]:
        """A sum opens with a term that bears no minus sign, where it has one."""
        terms = list(super()._as_ordered_terms(expr, order))
        if any(_is_increment(f) for a in terms for f in sp.Mul.make_args(a)):
            return sorted(terms, key=lambda a: sp.Symbol("dt") not in a.free_symbols)
        first = next((k for k, a in enumerate(terms) if not a.could_extract_minus_sign()), 0)
        return [terms.pop(first), *terms]

    def _print_Pow(self, expr: sp.Pow) -> str:
        """The root of what is named as a square is its name: ``\\mathsf{b}`` and not the root of ``\\mathsf{b}^2``."""
        name = self._root_name(expr.base) if abs(expr.exp) == _HALF else ""
        if name:
            return name if expr.exp == _HALF else rf"\frac{{1}}{{{name}}}"
        if expr.exp.is_even and expr.base.is_Add and any(a.is_Number and a.is_negative for a in expr.base.args):
            expr = sp.Pow(-expr.base, expr.exp, evaluate=False) if _is_difference(-expr.base) else expr
        return str(super()._print_Pow(expr))

    def _root_name(self, base: sp.Expr) -> str:
        if not isinstance(base, sp.Symbol | AppliedUndef):
            return ""
        name = self.name(base.name if isinstance(base, sp.Symbol) else base.func.__name__)
        if not name.endswith("^2"):
            return ""
        return str(self._print(base)).replace("^2", "", 1)

    def _print_ExpBase(self, expr: sp.Expr, exp: str | None = None) -> str:
        """A fraction in the exponent stands behind exp, so that nothing is set on three levels."""
        inside = self._print(expr.args[0])
        if inside.count(r"\frac") > 1:
            inside = self._print(sp.expand(expr.args[0]))
        if r"\frac" not in inside and r"\sum" not in inside:
            return str(super()._print_ExpBase(expr, exp))
        return r"\exp" + (f"^{{{exp}}}" if exp else "") + rf"\left({inside}\right)"

    def _print_Derivative(self, expr: sp.Derivative) -> str:
        """A product or a sum stands in brackets behind its derivative."""
        text = str(super()._print_Derivative(expr))
        if not isinstance(expr.expr, sp.Mul):
            return text
        inside = self._print(expr.expr)
        head = text.removesuffix(inside).rstrip()
        return rf"{head} \left[{inside}\right]" if text.endswith(inside) else text

    def _print_Total(self, expr: sp.Expr) -> str:
        inside = expr.args[0]
        if inside.is_Pow and inside.exp == 2:
            return rf"\|{self._print(inside.base)}\|^2"
        return rf"\sum_i {self.parenthesize(inside, 50)}"

    def _print_Mul(self, expr: sp.Mul) -> str:
        """Increments last, numbers before what is integrated, one root above and below, no sign that a sum can take."""
        last = [f for f in expr.args if _is_increment(f)]
        if last and len(last) < len(expr.args):
            first = sp.Mul(*(f for f in expr.args if f not in last))
            return " ".join(["-" if first == -1 else self._factor(first, first=True), *map(self._print, last)])
        number, rest = expr.as_coeff_Mul()
        if number.is_Rational and number.q != 1 and _is_long(rest):
            sign = "- " if number < 0 else ""
            return rf"{sign}{self._print(abs(number))} {self._print(rest)}"
        found = (_turned(expr) if number.is_negative else None) or radicals(expr)
        if found and (decimals := [f for f in expr.args if f.is_Float]):
            return self._decimal(sp.Mul(*decimals), radicals(sp.Mul(*(f for f in expr.args if not f.is_Float))), expr)
        return self._fraction(found) if found else str(super()._print_Mul(expr))

    def _decimal(self, number: sp.Expr, found: Radicals | None, expr: sp.Mul) -> str:
        """A decimal number before the roots that it multiplies; behind one it would be read as a part of it."""
        if found is None:
            return str(super()._print_Mul(expr))
        value = -number * found.over if found.negative else number * found.over
        rest = self._fraction(replace(found, negative=False, over=1))
        return f"{self._print(value)} {rest}"

    def _factor(self, expr: sp.Expr, first: bool = False) -> str:
        text = str(self._print(expr))
        return rf"\left({text}\right)" if self._needs_mul_brackets(expr, first=first, last=True) else text

    def _fraction(self, r: Radicals) -> str:
        over = self._side(r.over, r.root_over, r.rest_over)
        under = self._side(r.under, r.root_under, r.rest_under)
        text = over or "1"
        return ("- " if r.negative else "") + (rf"\frac{{{text}}}{{{under}}}" if under else text)

    def _side(self, number: int, root: tuple[sp.Expr, ...], rest: sp.Expr) -> str:
        """A number, a root, and the other factors, each where it is not one; letters stand before a root of letters."""
        found = [] if number == 1 else [str(number)]
        names = [name for base in root if (name := self._root_name(base))]
        under = [base for base in root if not self._root_name(base)]
        alone = number == 1 and not root
        others = [] if rest == 1 else [str(self._print(rest)) if alone else self._factor(rest)]
        if under:
            inside = self._print(under[0]) if len(under) == 1 else " ".join(map(self._factor, under))
            names.insert(0, rf"\sqrt{{{inside}}}")
        letters = all(f.as_base_exp()[0].is_Symbol for f in sp.Mul.make_args(rest)) and not sp.Mul(*under).is_number
        return " ".join([*found, *others, *names] if letters else [*found, *names, *others])

    _print_Function = LatexPrinter._print_Function


@dataclass(frozen=True)
class Radicals:
    """A product as ``± over √root_over rest_over / (under √root_under rest_under)``: one root above and one below."""

    negative: bool
    over: int
    root_over: tuple[sp.Expr, ...]
    rest_over: sp.Expr
    under: int
    root_under: tuple[sp.Expr, ...]
    rest_under: sp.Expr


def radicals(expr: sp.Mul) -> Radicals | None:
    """The product with its square roots joined, or None where it has no two of them, and no root of a number.

    Roots are joined where their arguments are known not to be negative, so that the value stays what it is.
    """
    number, factors = expr.as_coeff_mul()
    roots = [f for f in factors if f.is_Pow and abs(f.exp) == _HALF and _is_nonnegative(f.base)]
    numeric = [f for f in roots if f.base.is_Rational]
    if not number.is_Rational or not (numeric or len(roots) > 1):
        return None
    square = sp.Mul(number**2, *(f.base ** (2 * f.exp) for f in numeric))
    (over, left), (under, below) = map(_square_part, (square.p, square.q))
    rest = sp.fraction(sp.Mul(*(f for f in factors if f not in roots)), exact=True)
    above, beneath = (
        [f.base for f in roots if f not in numeric and f.exp == sign * _HALF] for sign in (1, -1)
    )
    return Radicals(
        bool(number.is_negative),
        over,
        (*([sp.Integer(left)] if left > 1 else []), *above),
        rest[0],
        under,
        (*([sp.Integer(below)] if below > 1 else []), *beneath),
        rest[1],
    )


def _square_part(number: int) -> tuple[int, int]:
    """``(a, n)`` with ``number = a² n`` and n free of squares."""
    outside = sp.prod([p ** (k // 2) for p, k in sp.factorint(number).items()])
    return int(outside), int(number // outside**2)


def _turned(expr: sp.Mul) -> Radicals | None:
    """A product with a minus sign as one without: ``-1/(a - 2)`` as ``1/(2 - a)``, below first."""
    number, factors = expr.as_coeff_mul()
    for power in (-1, 1):
        for factor in factors:
            base, exponent = factor.as_base_exp()
            if exponent == power and base.is_Add and any(a.is_Number for a in base.args) and _is_difference(base):
                content, turned = (-base).as_content_primitive()
                number *= -(content**exponent)
                if not number.is_Rational:
                    return None
                others = sp.Mul(*(f for f in factors if f is not factor))
                over, under = sp.fraction(others * turned**exponent, exact=True)
                return Radicals(False, int(number.p), (), over, int(number.q), (), under)
    return None


def _is_difference(expr: sp.Add) -> bool:
    return any(a.could_extract_minus_sign() for a in expr.args)


def _is_long(expr: sp.Basic) -> bool:
    """Whether an expression reads on to the right, so that a number stands before it and not below it."""
    if isinstance(expr, AppliedUndef):
        return expr.func.__name__ == "Sum_classes"
    return isinstance(expr, sp.Derivative | sp.Integral | sp.Sum) or type(expr).__name__ == "GaussianMean"


def _is_nonnegative(base: sp.Expr) -> bool:
    """Whether a root may be joined with another: known of symbols, and of the library's own as functions of time."""
    return bool(base.is_nonnegative) or (isinstance(base, AppliedUndef) and base.func.__name__ in _NONNEGATIVE)


def _is_increment(factor: sp.Expr) -> bool:
    name = factor.name if isinstance(factor, sp.Symbol) else factor.func.__name__ if factor.is_Function else ""
    return bool(_INCREMENT.fullmatch(name))


def html_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A small HTML table of text, escaped; LaTeX between dollars is set by a notebook."""
    cells = [f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows]
    head = "".join(f"<th>{escape(title)}</th>" for title in header)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(cells)}</tbody></table>"


def latex_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A LaTeX table of cells that are LaTeX already, numbers to the right, with the rules of ``booktabs``."""
    lines = [" & ".join(cells) + r" \\" for cells in rows]
    kind = "l" + "r" * (len(header) - 1)
    head = [rf"\begin{{tabular}}{{{kind}}}", r"\toprule", " & ".join(header) + r" \\", r"\midrule"]
    return "\n".join([*head, *lines, r"\bottomrule", r"\end{tabular}"])


def latex(expr: Any) -> str:
    """``expr`` as LaTeX in the field's notation."""
    return str(FieldLatexPrinter().doprint(expr))
