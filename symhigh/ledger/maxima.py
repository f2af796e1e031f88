"""A second algebra system: identities that SymPy proved, written out for Maxima and reduced to zero by it.

Stands beside the symbolic evidence. Maxima shares no code with SymPy; what it has no name for enters as an
unknown, the same for equal expressions, so a zero holds whatever that unknown is. Without Maxima nothing is said.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from symhigh.derivation.gaussian.smooth import Sigmoid, Softplus, explicit
from symhigh.derivation.gaussian.tails import Hazard, LogErfc

SECONDS = 20.0
"""Time that Maxima has for the identities of one line."""
_FUNCTIONS = {
    sp.log: "log", sp.sin: "sin", sp.cos: "cos", sp.tan: "tan", sp.sinh: "sinh", sp.cosh: "cosh", sp.tanh: "tanh",
    sp.asin: "asin", sp.acos: "acos", sp.atan: "atan", sp.asinh: "asinh", sp.acosh: "acosh", sp.atanh: "atanh",
    sp.erf: "erf", sp.gamma: "gamma", sp.Abs: "abs", sp.sign: "signum", sp.factorial: "factorial",
}  # fmt: skip
_CONSTANTS = {sp.pi: "%pi", sp.E: "%e", sp.I: "%i", sp.EulerGamma: "%gamma"}
_WRITTEN = (Sigmoid, Softplus, LogErfc, Hazard)
_PROGRAM = """display2d: false$
algebraic: true$
tried(f, e) := block([r: errcatch(apply(f, [e]))], if r = [] then e else r[1])$
other(e) := radcan(trigsimp(exponentialize(e)))$
zero(e) := block([r: tried(fullratsimp, e)],
  if r # 0 then r: tried(radcan, r),
  if r # 0 then r: tried(other, e),
  if r # 0 then r: tried(fullratsimp, r),
  is(r = 0))$
"""


@dataclass(frozen=True)
class Second:
    """What Maxima found: ``reduced`` of ``count`` identities to zero."""

    reduced: int
    count: int

    @property
    def all(self) -> bool:
        """Whether there are identities, and all were reduced."""
        return self.reduced == self.count > 0

    def __str__(self) -> str:
        return f"Maxima reduces {self.reduced} of {self.count} identities to zero"


def program() -> str | None:
    """Where Maxima is; ``None`` where it is not installed."""
    return shutil.which("maxima")


def reduce_to_zero(identities: Sequence[tuple[sp.Expr, sp.Expr]], seconds: float = SECONDS) -> Second:
    """How many of ``identities``, ``(left, right)``, Maxima reduces to zero within ``seconds`` together.

    Raises ``FileNotFoundError`` where there is no Maxima. What it does not reduce is not refuted.
    """
    maxima = program()
    if maxima is None:
        raise FileNotFoundError("Maxima is not installed, so no second algebra system was asked")
    text = _PROGRAM + "".join(_asked(number, *written(*sides)) for number, sides in enumerate(identities))
    command = [maxima, "--very-quiet", "--batch-string", text]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL)
        output = done.stdout
    except subprocess.TimeoutExpired as late:
        output = late.stdout.decode(errors="replace") if isinstance(late.stdout, bytes) else late.stdout or ""
    zeros = set(re.findall(r'^"?zero (\d+) (?:true)"?', output, re.MULTILINE))
    return Second(len(zeros), len(identities))


def _asked(number: int, residual: str, positive: Sequence[str]) -> str:
    known = f"assume({', '.join(f'{name} > 0' for name in positive)})$\n" if positive else ""
    asked = f"print(sconcat(\"zero {number} \", zero({residual})))$"
    return f"supcontext(c{number})$\n{known}{asked}\nkillcontext(c{number})$\n"


def written(left: sp.Expr, right: sp.Expr) -> tuple[str, list[str]]:
    """``left - right`` in Maxima's grammar, and the names in it that stand for something positive."""
    names: dict[sp.Expr, str] = {}
    text = f"{_text(left, names)} - {_text(right, names)}"
    return text, [name for what, name in names.items() if what.is_positive]


def _text(expr: sp.Expr, names: dict[sp.Expr, str]) -> str:
    def of(part: sp.Expr) -> str:
        return _text(part, names)

    if expr in _CONSTANTS:
        return _CONSTANTS[expr]
    if isinstance(expr, sp.Rational):
        return f"({expr.p}/{expr.q})" if expr.q != 1 else f"({expr.p})"
    if isinstance(expr, sp.Add | sp.Mul):
        return "(" + (" + " if isinstance(expr, sp.Add) else "*").join(map(of, expr.args)) + ")"
    if isinstance(expr, sp.exp):
        return f"exp({of(expr.args[0])})"
    if isinstance(expr, sp.Pow):
        return f"({of(expr.base)})^({of(expr.exp)})"
    if isinstance(expr, _WRITTEN):
        return of(explicit(expr))
    if isinstance(expr, sp.erfc):
        return f"(1 - erf({of(expr.args[0])}))"
    if type(expr) in _FUNCTIONS:
        return f"{_FUNCTIONS[type(expr)]}({of(expr.args[0])})"
    return names.setdefault(expr, f"x{len(names) + 1}")
