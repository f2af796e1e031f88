"""Numbers read off the eigenvalues of an exact matrix: the slowest decay of a linear flow, and its critical rate.

Nodes of closed forms, beside those of :mod:`symhigh.closed.nodes`: SymPy expressions evaluated to any precision.
Textbook linear algebra; of the critical rate, the theorem of Perron and Frobenius for maps that keep a cone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import mpmath
import sympy as sp

from symhigh.closed.nodes import numeric


class _OfMatrix(sp.Expr):  # type: ignore[misc]
    """A number that depends on exact matrices, its arguments."""

    def _eval_evalf(self, prec: int) -> sp.Expr:
        if self.free_symbols:
            return self
        with mpmath.workprec(prec + 40):
            return sp.Float._new(self._value()._mpf_, prec)

    def _value(self) -> Any:
        raise NotImplementedError


class SlowestDecay(_OfMatrix):
    """``-max Re μ`` over the eigenvalues μ of a matrix A: the rate of decay of ``dz/dt = A z``."""

    def __new__(cls, matrix: sp.Matrix) -> sp.Expr:
        if (short := _explicit(matrix)) is not None:
            return short
        return sp.Expr.__new__(cls, sp.ImmutableMatrix(matrix))

    def _value(self) -> Any:
        return -max(mpmath.re(e) for e in _eigenvalues_at(*self.args, mpmath.mp.prec))

    def _latex(self, printer: Any) -> str:
        return rf"-\max\operatorname{{Re}}\,\operatorname{{spec}}{printer._print(*self.args)}"

    def _sympystr(self, printer: Any) -> str:
        (matrix,) = self.args
        return f"SlowestDecay({matrix.rows} x {matrix.cols} matrix)"


class CriticalRate(_OfMatrix):
    """The smallest γ > 0 at which ``γ drift + γ² noise`` ceases to be stable; infinite where there is none.

    ``drift`` generates second moments under a stable linear flow and ``noise`` maps second moments to such, so that
    ``-drift⁻¹ noise`` keeps their cone: its spectral radius is an eigenvalue r, and ``γ = 1/r``.
    """

    def __new__(cls, drift: sp.Matrix, noise: sp.Matrix) -> sp.Expr:
        return sp.Expr.__new__(cls, sp.ImmutableMatrix(drift), sp.ImmutableMatrix(noise))

    def _value(self) -> Any:
        drift, noise = map(_numbers, self.args)
        largest = max(mpmath.re(e) for e in eigenvalues(mpmath.inverse(drift) * -noise))
        return 1 / largest if largest > 0 else mpmath.inf

    def _latex(self, printer: Any) -> str:
        drift, noise = map(printer._print, self.args)
        return rf"1/\operatorname{{spr}}\left(-{drift}^{{-1}}{noise}\right)"

    def _sympystr(self, printer: Any) -> str:
        return f"CriticalRate({self.args[0].rows} x {self.args[0].cols} matrices)"


def _explicit(matrix: sp.Matrix) -> sp.Expr | None:
    """The slowest decay of one or two variables in radicals."""
    if matrix.rows == 1:
        return -matrix.trace()
    if matrix.rows == 2:
        trace = sp.factor(matrix.trace())
        square = sp.factor(matrix.trace() ** 2 - 4 * matrix.det())
        return -(trace + sp.sqrt(square if square.is_nonnegative else sp.Max(square, 0))) / 2
    return None


def _numbers(matrix: sp.ImmutableMatrix) -> Any:
    return mpmath.matrix([[numeric(e, ())() for e in matrix.row(i)] for i in range(matrix.rows)])


@lru_cache(maxsize=64)
def _eigenvalues_at(matrix: sp.ImmutableMatrix, bits: int) -> tuple[Any, ...]:
    return tuple(eigenvalues(_numbers(matrix)))


def eigenvalues(matrix: Any) -> list[Any]:
    """The eigenvalues of a matrix of mpmath numbers, of any size."""
    return list(matrix) if matrix.rows == 1 else list(mpmath.eig(matrix, right=False))
