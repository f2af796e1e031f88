"""The normal law's tail under names of its own: log erfc and e^{-u²}/erfc u, which exp and erf alone lose to underflow.

Serves the first pass of a Gaussian expectation. With ``H(u) = e^{-u²}/erfc(u)``, ``(log erfc)' = -(2/√π) H`` and
``H' = (2/√π) H² - 2uH``, every derivative of a probit likelihood ``-log Φ(x)`` is a polynomial in x and H.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

_FACTOR = 2 / sp.sqrt(sp.pi)


class LogErfc(sp.Function):  # type: ignore[misc]
    """``log erfc(u)``: about ``-u²`` far to the right, ``log 2`` far to the left."""

    @classmethod
    def eval(cls, u: sp.Expr) -> sp.Expr | None:
        return sp.S.Zero if u.is_zero else None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return -_FACTOR * Hazard(self.args[0])

    def _eval_rewrite_as_erfc(self, u: sp.Expr, **_: Any) -> sp.Expr:
        return sp.log(sp.erfc(u))

    def _eval_is_extended_real(self) -> bool | None:
        return self.args[0].is_extended_real

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.rewrite(sp.erfc)._eval_evalf(prec)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        body = rf"\log\operatorname{{erfc}}\left({printer._print(self.args[0])}\right)"
        return rf"\left({body}\right)^{{{exp}}}" if exp else body


class Hazard(sp.Function):  # type: ignore[misc]
    """``H(u) = e^{-u²}/erfc(u)``, positive: about ``√π u`` far to the right, ``e^{-u²}/2`` far to the left."""

    @classmethod
    def eval(cls, u: sp.Expr) -> sp.Expr | None:
        return sp.S.One if u.is_zero else None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return self * (_FACTOR * self - 2 * self.args[0])

    def _eval_rewrite_as_erfc(self, u: sp.Expr, **_: Any) -> sp.Expr:
        return sp.exp(-(u**2)) / sp.erfc(u)

    def _eval_is_positive(self) -> bool | None:
        return True if self.args[0].is_extended_real else None

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.rewrite(sp.erfc)._eval_evalf(prec)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        return rf"H{power}\left({printer._print(self.args[0])}\right)"


def tail_of(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """``(c, u)`` where ``expr`` is ``c erfc(u)`` with c > 0, written as ``c ± c erf(±u)``."""
    constant, rest = expr.as_coeff_Add()
    weight, function = rest.as_coeff_Mul()
    if not (isinstance(function, sp.erf) and constant.is_positive and abs(weight) == constant):
        return None
    return constant, -sp.sign(weight) * function.args[0]
