"""How fast modes of several vectors come to rest: the secular equation of the limit linearised there.

Serves :mod:`symhigh.closed.rest`. With y the second moments and cells of a mode, f their right-hand sides, J = ∂f/∂y
and h = ∂f/∂Q at rest, a perturbation ``y e^{-ρt}`` obeys ``(-ρ - J) y = h q`` with ``q = ∫ ∇(λ E(w·r)²)·y dμ``, hence

    ∫ ∇(λ E(w·r)²)·(-ρ - J)^{-1} h dμ = 1.

Without cells, and where the drift does not see Q or there is one vector with h ≥ 0, this is the Laplace transform of a
kernel that is nowhere negative: it grows with ρ up to its first pole, twice the slowest decay of ``e^{At}``, and no
complex root decays more slowly than the real one. Otherwise all roots are compared (:class:`SlowestRoot`). New.
"""

from __future__ import annotations

from typing import Any

import mpmath
import sympy as sp
from sympy.polys.matrices import DomainMatrix

from symhigh.closed.finder import Formulas
from symhigh.closed.formula import Formula, positive
from symhigh.closed.modes import Modes
from symhigh.closed.nodes import Root, numeric
from symhigh.closed.resting import LEVEL, RestingModes
from symhigh.closed.secular import RHO, Secular
from symhigh.symbols import lam

_SOURCE = "new"
_WORDS = "the exponential rate of the risk's approach to its limit"


class SlowestRoot(sp.Expr):  # type: ignore[misc]
    """The real part of the root ρ of smallest real part of ``Σ_i w_i summand(λ_i) = 1``, a rational function of ρ.

    ``level`` is put for the level in the summand, ``measure`` is ``Tuple(values, weights)``. With ``turning``, the size
    of that root's imaginary part.
    """

    def __new__(cls, summand: sp.Expr, level: sp.Expr, measure: sp.Tuple, turning: Any = False) -> SlowestRoot:
        return sp.Expr.__new__(cls, summand.xreplace(_BOUND), level, measure, sp.sympify(bool(turning), strict=True))

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        own = self.args[0].free_symbols - set(_BOUND.values())
        return own.union(*(a.free_symbols for a in self.args[1:3]))

    def _eval_evalf(self, prec: int) -> sp.Expr:
        if self.free_symbols:
            return self
        with mpmath.workprec(2 * prec + 60):
            roots = mpmath.polyroots(self._coefficients(), maxsteps=500, extraprec=2 * prec + 200)
            slowest = min(roots, key=mpmath.re)
            part = abs(mpmath.im(slowest)) if self.args[3] == sp.true else mpmath.re(slowest)
            part = mpmath.mpf(0) if abs(part) < mpmath.mpf(2) ** (-prec) * abs(slowest) else part
            return sp.Float._new(mpmath.mpf(part)._mpf_, prec)

    def _coefficients(self) -> list[Any]:
        """The numerator of the equation as a polynomial in ρ, highest power first."""
        summand, level, (values, weights), _ = self.args
        rho, size, held = (_BOUND[s] for s in (RHO, lam, LEVEL))
        top, bottom = sp.fraction(summand)
        # a pole that all modes share belongs to no motion of their sum but once
        shared = [f**n for f, n in sp.factor_list(bottom, rho)[1] if not f.has(size)]
        common = sp.Mul(*shared)
        parts = [
            [numeric(c, (size, held)) for c in sp.Poly(e, rho).all_coeffs()]
            for e in (top, sp.cancel(bottom / common), common)
        ]
        at_level = numeric(level, ())()
        whole, rest = [c(mpmath.mpf(1), at_level) for c in parts[2]], [mpmath.mpf(0)]
        product = [mpmath.mpf(1)]
        for value, w in zip(values, weights, strict=True):
            point, size_of = (numeric(value, ())(), at_level), numeric(w, ())()
            above, below = ([c(*point) for c in part] for part in parts[:2])
            rest = _plus(_times(rest, below), [size_of * c for c in _times(product, above)])
            product = _times(product, below)
        return _plus(rest, [-c for c in _times(whole, product)])

    def _latex(self, printer: Any) -> str:
        name = r"\operatorname{Im}" if self.args[3] == sp.true else r"\operatorname{Re}"
        back = {new: old for old, new in _BOUND.items()}
        average = printer._print(self.args[0].xreplace(back))
        equation = rf"\int {average}\, d\mu(\lambda) = 1"
        return rf"{name}\,\operatorname{{slowest\ root}}_{{\rho}}\left({equation}\right)"


_BOUND = {
    RHO: sp.Dummy("rho", dummy_index=8_140_208),
    lam: sp.Dummy("lambda", dummy_index=8_140_209, positive=True),
    LEVEL: sp.Dummy("p", dummy_index=8_140_210, positive=True),
}


def _times(p: list[Any], q: list[Any]) -> list[Any]:
    found = [mpmath.mpf(0)] * (len(p) + len(q) - 1)
    for i, a in enumerate(p):
        for j, b in enumerate(q):
            found[i + j] += a * b
    return found


def _plus(p: list[Any], q: list[Any]) -> list[Any]:
    size = max(len(p), len(q))
    p, q = ([mpmath.mpf(0)] * (size - len(e)) + e for e in (p, q))
    return [a + b for a, b in zip(p, q, strict=True)]


def approach(
    rest: RestingModes,
    core: list[int],
    weight: sp.Matrix,
    offset: sp.Expr,
    modes: Modes,
    level: sp.Expr,
    where: tuple[sp.Basic, ...],
) -> Formulas:
    """``rate``, and ``frequency`` where it may oscillate; nothing where no root is known to be the slowest."""
    summand, monotone = secular_summand(rest, core, weight)
    A = rest.drift[0].extract(core, core)
    if not monotone:
        return _compared(summand, modes, level, where)
    if modes.law is not None and (A.rows > 1 or not summand.is_rational_function(lam)):
        return {}
    end = _end(A, modes)
    if end is None or (modes.values is None and A.rows > 1):
        return {}
    if A.rows == 1:
        (pull,) = A
        profile = sp.cancel(summand / lam)
        root = Secular(RHO, summand, profile, sp.expand(-2 * pull)).root(modes)
    elif modes.few:
        equation = Secular(RHO, summand, summand, lam).polynomial(modes)
        root = Root(equation, RHO, 0, end)
    else:
        root = Root(modes.mean(summand) - 1, RHO, 0, end)
    if offset != 0:  # the part of the error along the target decays by e^{At} itself
        root = sp.Min(root, end / 2)
    root = root.subs(LEVEL, level) if root.has(LEVEL) else root
    return {"rate": Formula(root, (*where, *positive(modes.edge)), _SOURCE, _WORDS)}


def secular_summand(rest: RestingModes, core: list[int], weight: sp.Matrix) -> tuple[sp.Expr, bool]:
    """What is averaged over the spectrum to one, in ρ and the level; and whether its kernel has no change of sign."""
    size = len(core)
    A, N = (m.extract(core, core) for m in rest.free)
    names = {(i, j): sp.Dummy(f"S{i}{j}") for i in range(size) for j in range(i, size)}
    S = sp.Matrix(size, size, lambda i, j: names[min(i, j), max(i, j)])
    moved = A * S + S * A.T + N
    cells = [c for c, _ in rest.cells]
    y = [*names.values(), *cells]
    f = sp.Matrix([*(moved[i, j] for i, j in names), *rest.cell_drift])
    (still, *_) = rest.moments(core)
    root = sp.Dummy("l", positive=True)  # √λ, so that all entries are rational
    at = {s: still[i, j] for (i, j), s in names.items()} | dict(rest.cells)
    per_error = sp.diff(rest.error, LEVEL)
    h = (f.diff(LEVEL) / per_error).subs(at)
    J = f.jacobian(y).subs(at).subs(lam, root**2)
    (seen,) = weight.T * S * weight
    read = [sp.diff(lam * seen, s) for s in y]
    answer = _solved(-RHO * sp.eye(len(y)) - J, h.subs(lam, root**2))
    product = sum((a * b for a, b in zip(read, answer, strict=True)), sp.S.Zero)
    summand = sp.cancel(product.subs(lam, root**2)).subs(root, sp.sqrt(lam))
    monotone = not cells and (not A.has(LEVEL) or (size == 1 and bool(sp.cancel(h[0]).is_nonnegative)))
    return summand, monotone


def _solved(matrix: sp.Matrix, right: sp.Matrix) -> list[sp.Expr]:
    """The solution of a linear system with rational entries."""
    augmented = DomainMatrix.from_Matrix(matrix.row_join(right)).to_field()
    size = matrix.rows
    found = augmented[:, :size].lu_solve(augmented[:, size:])
    return list(found.to_Matrix())


def _end(A: sp.Matrix, modes: Modes) -> sp.Expr | None:
    """Twice the slowest decay of ``e^{At}`` over the spectrum.

    Of one or two vectors it is concave enough in λ to be least at an end: that no root of ``μ² - tr A μ + det A`` has
    a real part above -r/2 is ``r ≤ -tr A`` and ``r²/4 + r tr A/2 + det A ≥ 0``, which bound λ (or √λ) on either side
    where trace and determinant are linear in it.
    """
    if A.rows == 1:
        (pull,) = A
        return sp.expand(-2 * pull).subs(lam, modes.edge)
    if A.rows > 2:
        return None
    trace, det = -A.trace(), A.det()
    size = sp.Dummy("l", positive=True)
    powers = {n for e in (trace, det) for (n,) in sp.Poly(e.subs(lam, size**2), size).monoms()}
    if not (powers <= {0, 1} or powers <= {0, 2}):
        return None
    slow = trace - sp.sqrt(sp.Max(trace**2 - 4 * det, 0))
    ends = {slow.subs(lam, modes.edge), slow.subs(lam, modes.end)}
    return sp.Min(*ends)


def _compared(summand: sp.Expr, modes: Modes, level: sp.Expr, where: tuple[sp.Basic, ...]) -> Formulas:
    """The slowest of all roots, for few modes."""
    if not modes.few or modes.values is None or modes.weights is None:
        return {}
    measure = sp.Tuple(sp.Tuple(*modes.values), sp.Tuple(*modes.weights))
    slowest = (SlowestRoot(summand, level, measure, turning) for turning in (False, True))
    bound = (*where, *positive(modes.edge))
    words = (_WORDS, "the angular frequency of that approach; 0: none")
    return {
        name: Formula(root, bound, _SOURCE, text)
        for name, root, text in zip(("rate", "frequency"), slowest, words, strict=True)
    }
