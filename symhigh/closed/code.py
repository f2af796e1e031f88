"""Source code of a formula: a Python function, or a C99 function that needs nothing but libm.

Reads formulas, writes text. Assumptions become checks: an exception in Python, NaN in C.
"""

from __future__ import annotations

import keyword
from typing import Any

import sympy as sp
from sympy.printing.c import C99CodePrinter
from sympy.printing.pycode import PythonCodePrinter

from symhigh.checks import shown
from symhigh.closed.formula import Formula, identifiers
from symhigh.closed.nodes import Average, Choice, Root

_WIDE = 2**31
_PYTHON_ROOT = '''
def _root(f, low, high):
    """The sign change of f in the open interval (low, high); high may be infinite."""
    for k in range(1, 53):
        a = low + (1.0 if math.isinf(high) else high - low) * 2.0**-k
        b = low + 2.0**k if math.isinf(high) else high - (high - low) * 2.0**-k
        if a < b and f(a) * f(b) <= 0:
            return brentq(f, a, b, xtol=4e-16 * abs(a), rtol=1e-15)
    raise ValueError("no root in the interval")
'''

_NO_FORM = "fixed points of several unknowns, and eigenvalues, have no short form"
_C_LAMBERT = """/* Lambert's W on branch 0 or -1 (z < 0), by Halley's iteration. */
static double lambert_w(double z, int branch) {
    double p = sqrt(fmax(0.0, 2.0 * (M_E * z + 1.0)));
    double w = branch ? (z < -0.25 ? -1.0 - p - p * p / 3.0 : log(-z) - log(-log(-z)))
                      : (z < 1.0 ? p - 1.0 : log(z) - log(fmax(1.0, log(z))));
    for (int k = 0; k < 60; ++k) {
        double e = exp(w), f = w * e - z, step = f / (e * (w + 1.0) - (w + 2.0) * f / (2.0 * w + 2.0));
        if (!(fabs(step) > 1e-16 * fabs(w))) break;
        w -= step;
    }
    return w;
}

"""


class _Python(PythonCodePrinter):  # type: ignore[misc]
    def _print_Bickley(self, expr: sp.Expr) -> str:
        raise ValueError("generated code holds no Bickley functions; use evaluate, to any precision")

    def _print_LambertW(self, expr: sp.Expr) -> str:
        branch = expr.args[1] if len(expr.args) > 1 else 0
        return f"lambertw({self._print(expr.args[0])}, {branch}).real"

    def _print_Root(self, expr: Root) -> str:
        plain = sp.Symbol(f"{expr.unknown.name}_")
        equation, low, high = (
            self._print(e.xreplace({expr.unknown: plain})) for e in (expr.args[0], *expr.args[2:])
        )
        return f"_root(lambda {plain}: {equation}, {low}, {high})"

    def _print_Average(self, expr: Average) -> str:
        if not expr.measure.args:
            raise ValueError("Formula.python: the spectrum is open; give limits(…, spectrum=…)")
        values, weights = (", ".join(repr(float(n)) for n in part.args) for part in expr.measure.args)
        inner = expr.args[0].xreplace(
            {s: sp.Symbol("lam_") for s in expr.args[0].atoms(sp.Dummy) if s.name == "lambda"}
        )
        return f"math.fsum(w_*({self._print(inner)}) for lam_, w_ in zip(({values},), ({weights},)))"

    def _print_HalfTurn(self, expr: sp.Expr) -> str:
        raise ValueError(
            "Formula.python: an integral over a bulk of eigenvalues has no short form; use Formula.evaluate"
        )

    def _print_AtRest(self, expr: sp.Expr) -> str:
        raise ValueError(f"Formula.python: {_NO_FORM}; use Formula.evaluate")

    _print_SlowestDecay = _print_CriticalRate = _print_SlowestRoot = _print_AtRest

    def _print_Choice(self, expr: Choice) -> str:
        test, above, below = map(self._print, expr.args)
        return f"(({above}) if ({test}) > 0 else ({below}))"


class _C(C99CodePrinter):  # type: ignore[misc]
    def _print_LambertW(self, expr: sp.Expr) -> str:
        branch = expr.args[1] if len(expr.args) > 1 else 0
        return f"lambert_w({self._print(expr.args[0])}, {branch})"

    def _print_AtRest(self, expr: sp.Expr) -> str:
        raise ValueError(f"Formula.c: {_NO_FORM}; use Formula.evaluate")

    _print_SlowestDecay = _print_CriticalRate = _print_SlowestRoot = _print_AtRest

    def _print_Choice(self, expr: Choice) -> str:
        test, above, below = map(self._print, expr.args)
        return f"(({test}) > 0 ? ({above}) : ({below}))"

    def _print_Root(self, expr: Root) -> str:
        raise ValueError(
            "Formula.c: roots in an interval and averages over a spectrum have no C form; use Formula.python "
            "or Formula.evaluate"
        )

    _print_Average = _print_HalfTurn = _print_Root


def python_source(formula: Formula, name: str) -> str:
    """A function of the formula's symbols, keyword arguments, that raises ``ValueError`` outside its assumptions."""
    _check_name(name)
    symbols = formula.symbols
    plain = {s: sp.Symbol(identifier) for s, identifier in identifiers(symbols).items()}
    printer = _Python({"fully_qualified_modules": True})
    body = printer.doprint(narrowed(formula.expr, "Formula.python").xreplace(plain))
    checks = [(printer.doprint(_plainly(r, plain, "Formula.python")), r) for r in formula.assumptions]
    lines = [
        f'    if not {c}:\n        raise ValueError("{name}: needs {r.lhs} {r.rel_op} {r.rhs}")\n'
        for c, r in checks
    ]
    needs = "".join(text for key, text in _IMPORTS if key in body)
    signature = f"*, {', '.join(p.name for p in plain.values())}" if symbols else ""
    return (
        f"import math\n{needs}{_PYTHON_ROOT if '_root(' in body else ''}\n\ndef {name}({signature}):\n"
        f'    """{formula.statement or name}. Source: {formula.source}."""\n{"".join(lines)}    return {body}\n'
    )


def c_source(formula: Formula, name: str) -> str:
    """A function ``double name(double …)`` of the formula's symbols in order of name; NaN outside its assumptions."""
    _check_name(name)
    plain = {s: sp.Symbol(identifier) for s, identifier in identifiers(formula.symbols).items()}
    printer: Any = _C()
    body = printer.doprint(narrowed(formula.expr, "Formula.c").xreplace(plain))
    checks = [printer.doprint(_plainly(r, plain, "Formula.c")) for r in formula.assumptions]
    guard = f"    if (!({' && '.join(checks)})) return NAN;\n" if checks else ""
    arguments = ", ".join(f"double {p.name}" for p in plain.values()) or "void"
    helper = _C_LAMBERT if "lambert_w(" in body else ""
    return (
        f"#define _GNU_SOURCE\n#include <math.h>\n\n{helper}"
        f"/* {formula.statement or name}. Source: {formula.source}. */\n"
        f"double {name}({arguments}) {{\n{guard}    return {body};\n}}\n"
    )


_IMPORTS = (
    ("lambertw(", "from scipy.special import lambertw\n"),
    ("_root(", "from scipy.optimize import brentq\n"),
)


def narrowed(expr: sp.Expr, owner: str) -> sp.Expr:
    """``expr`` with constants that hold integers too long for a double, or a C ``int``, as one float each.

    Constant factors and terms are taken together, since each alone may be beyond doubles.
    """
    if not any(abs(n.p) >= _WIDE or n.q >= _WIDE for n in expr.atoms(sp.Rational)):
        return expr
    if not (expr.free_symbols or expr.atoms(sp.Dummy)):
        value = expr.evalf(20, maxn=4000)
        if value.is_real and (value == 0 or 1e-300 < abs(value) < 1e300):
            return sp.Float(value, 17)
        raise ValueError(
            f"{owner}: a constant of the formula is beyond what doubles hold; use Formula.evaluate"
        )
    if isinstance(expr, (sp.Add, sp.Mul)):
        moving = [a for a in expr.args if a.free_symbols or a.atoms(sp.Dummy)]
        constant = expr.func(*(a for a in expr.args if a not in moving))
        return expr.func(narrowed(constant, owner), *(narrowed(a, owner) for a in moving))
    return expr.func(*(narrowed(a, owner) if isinstance(a, sp.Expr) else a for a in expr.args))


def _plainly(relation: Any, plain: dict[sp.Symbol, sp.Symbol], owner: str) -> sp.Basic:
    """The relation in identifiers, as written."""
    left, right = (narrowed(side, owner).xreplace(plain) for side in (relation.lhs, relation.rhs))
    return relation.func(left, right, evaluate=False)


def _check_name(name: str) -> None:
    if not isinstance(name, str) or not name.isidentifier() or not name.isascii() or keyword.iskeyword(name):
        kind = ValueError if isinstance(name, str) else TypeError
        raise kind(
            f"Formula.python, Formula.c (name={shown(name)}): name must be an identifier, of the function"
        )
