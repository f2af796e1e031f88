"""Numbers at a fixed point that no elementary expression holds: followed there as the learning rate rises from zero.

Nodes of closed forms for several directions (:mod:`symhigh.closed.several`). At a vanishing rate the fixed points of a
limit are those of gradient flow; where its linearisation is regular, each moves along one branch as the rate grows
(implicit function theorem). The branch is followed in double precision by Newton's method and closed to any precision,
with the residual as the proof; off the branch, evaluation says so. A plateau is where the flow settles among points
with a symmetry, which are given by fewer coordinates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache, partial
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from symhigh.closed.compiled import by_name
from symhigh.closed.spectral import eigenvalues
from symhigh.symbols import gamma

_FIRST, _STEPS = 0.02, 400
_PLAIN = sp.Tuple()


class AtRest(sp.Expr):  # type: ignore[misc]
    """The value of ``quantity`` where ``velocity = 0``, on the branch that leaves ``start`` as the rate rises from 0.

    With a matrix ``fold``, whose columns are orbits of unknowns, it is instead where the flow settles that starts at
    ``start`` and keeps the unknowns of an orbit equal. ``layers`` are pairs ``(name, expression)`` in the unknowns and
    in layers before it, the learning rate one of them.
    """

    stable = True

    def __new__(
        cls, quantity: sp.Expr, unknowns: Sequence[sp.Symbol], layers: Any, velocity: Any, start: Any,
        fold: sp.Basic = _PLAIN, *more: sp.Basic,
    ) -> AtRest:  # fmt: skip
        parts = (sp.Tuple(*unknowns), sp.Tuple(*(sp.Tuple(*layer) for layer in layers)))
        return sp.Expr.__new__(cls, quantity, *parts, sp.Tuple(*velocity), sp.Tuple(*start), fold, *more)

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        own = set().union(*(a.free_symbols for a in (self.args[0], *self.args[6:])))
        return (own | _free(self.flow)) - set(self.args[1]) - {layer[0] for layer in self.args[2]}

    @property
    def flow(self) -> sp.Tuple:
        """Unknowns, layers, velocity, start and fold: what the fixed point depends on."""
        return sp.Tuple(*self.args[1:6])

    def _eval_evalf(self, prec: int) -> sp.Expr:
        if self.free_symbols:
            return self
        value = self._value(prec + 20)
        if abs(value) < mpmath.mpf(2) ** (-prec - 10):  # the overlaps are of order one, so that this is zero
            return sp.S.Zero
        return sp.Float._new(value._mpf_, prec)

    def _value(self, bits: int) -> Any:
        rest = solved(self.flow, bits, self.stable)
        with mpmath.workprec(bits):
            return rest.of(self.args[0])

    def _latex(self, printer: Any) -> str:
        return rf"\left.{printer._print(self.args[0])}\right|_{{\mathrm{{rest}}}}"

    def _sympystr(self, printer: Any) -> str:
        return f"{type(self).__name__}({printer._print(self.args[0])}, {len(self.args[1])} unknowns)"


@lru_cache(maxsize=64)
def _free(flow: sp.Tuple) -> frozenset[sp.Symbol]:
    return frozenset(flow.free_symbols)


class AtSaddle(AtRest):
    """The value at a fixed point that the flow leaves."""

    stable = False


class DecayAtRest(AtRest):
    """The exponential rate of the approach of ``quantity`` to its value at rest: the slowest that it shows.

    An eigenvalue whose eigenvector the gradient of the quantity misses shows in its square, at twice its rate.
    """

    def _value(self, bits: int) -> Any:
        rest = solved(self.flow, bits, self.stable)
        with mpmath.workprec(bits):
            values, right = mpmath.eig(rest.jacobian)
            slope = rest.gradient(self.args[0])
            size = mpmath.norm(slope)
            rates = []
            for k, value in enumerate(values):
                vector = right[:, k]
                (along,) = slope.T * vector
                seen = abs(along) > size * mpmath.norm(vector) * mpmath.mpf(2) ** (-bits // 3)
                rates.append(-mpmath.re(value) * (1 if seen else 2))
            return min(rates)


class GrowthAtRest(AtRest):
    """The largest real part of the eigenvalues along directions that the linearisation keeps, the last argument.

    Its columns span a space that the Jacobian maps to itself, by symmetry.
    """

    stable = False

    def _value(self, bits: int) -> Any:
        rest = solved(self.flow, bits, self.stable)
        with mpmath.workprec(bits):
            span = mpmath.matrix(self.args[6].tolist())
            inside = mpmath.inverse(span.T * span) * (span.T * (rest.jacobian * span))
            return max(mpmath.re(e) for e in eigenvalues(inside))


class EigenvalueAtRest(AtSaddle):
    """The real part of an eigenvalue of the linearisation there: of the k-th by decreasing real part, k the last."""

    def _value(self, bits: int) -> Any:
        rest = solved(self.flow, bits, self.stable)
        with mpmath.workprec(bits):
            return sorted((mpmath.re(e) for e in eigenvalues(rest.jacobian)), reverse=True)[int(self.args[6])]


class Rest:
    """A fixed point in numbers: ``at``, the unknowns, to the precision that it was made with."""

    def __init__(self, flow: Numbers, at: list[Any], bits: int) -> None:
        self.flow, self.at, self.bits = flow, at, bits

    def of(self, quantity: sp.Expr) -> Any:
        """The value of an expression in unknowns and layers."""
        return self.flow.exact(quantity)(self.at)

    @cached_property
    def jacobian(self) -> Any:
        """Of the velocity in the unknowns, by central differences at three times the precision."""
        return _slopes(self.flow.exact(None), self.at, self.bits)

    def gradient(self, quantity: sp.Expr) -> Any:
        """Of an expression in unknowns and layers."""
        function = self.flow.exact(quantity)
        return _slopes(lambda at: [function(at)], self.at, self.bits).T


def _slopes(function: Callable[[list[Any]], list[Any]], at: list[Any], bits: int) -> Any:
    with mpmath.workprec(3 * bits + 40):
        h = mpmath.mpf(2) ** (-bits - 10)
        columns = []
        for k in range(len(at)):
            sides = [function([v + side * h if j == k else v for j, v in enumerate(at)]) for side in (1, -1)]
            columns.append([(a - b) / (2 * h) for a, b in zip(*sides, strict=True)])
        return mpmath.matrix(columns).T


class Numbers:
    """The flow of a node as functions of numbers, in double precision and in mpmath's."""

    def __init__(self, flow: sp.Tuple) -> None:
        self.unknowns, self.layers, self.velocity, self.start, self.fold = flow
        self._kept: dict[Any, Any] = {}

    def _functions(self, module: str) -> tuple[list[tuple[sp.Symbol, Any]], Any]:
        if module not in self._kept:
            layers = [(name, by_name(expr, module)) for name, expr in self.layers]
            self._kept[module] = layers, [by_name(e, module) for e in self.velocity]
        return self._kept[module]

    def _known(self, at: Sequence[Any], share: Any, module: str) -> dict[sp.Symbol, Any]:
        known = dict(zip(self.unknowns, at, strict=True))
        for name, function in self._functions(module)[0]:
            value = function(known)
            known[name] = share * value if name == gamma else value
        return known

    def rough(self, at: Any, share: float) -> Any:
        """The velocity in double precision, at a share of the learning rate."""
        known = self._known(at, share, "math")
        return np.array([f(known) for f in self._functions("math")[1]], dtype=float)

    def exact(self, quantity: sp.Expr | None) -> Callable[[list[Any]], Any]:
        """The velocity, or a quantity, at the working precision."""
        if quantity is None:
            velocity = self._functions("mpmath")[1]
            return lambda at: [f(known) for known in (self._known(at, 1, "mpmath"),) for f in velocity]
        function = by_name(quantity, "mpmath")
        return lambda at: mpmath.mpmathify(function(self._known(at, 1, "mpmath")))


@lru_cache(maxsize=32)
def _numbers(flow: sp.Tuple) -> Numbers:
    return Numbers(flow)


@lru_cache(maxsize=64)
def followed(flow: sp.Tuple) -> Any:
    """The fixed point in double precision, and the Jacobian there."""
    numbers = _numbers(flow)
    at = np.array([float(e.evalf(20)) for e in numbers.start])
    if numbers.fold != _PLAIN:
        outward = np.array(numbers.fold.tolist(), dtype=float)
        inward = (outward / outward.sum(axis=0)).T
        at = outward @ settled(lambda u: inward @ numbers.rough(outward @ u, 1.0), inward @ at)
        return at, slopes(partial(numbers.rough, share=1.0), at)
    share, step = 0.0, _FIRST
    for _ in range(_STEPS):
        ahead = min(1.0, share + step)
        found = newton(partial(numbers.rough, share=ahead), at)
        if found is not None and np.abs(found - at).max() < 0.3 * max(1.0, np.abs(at).max()):
            share, at, step = ahead, found, 2 * step
        else:
            step /= 2
        if share == 1.0:
            return at, slopes(partial(numbers.rough, share=1.0), at)
        if step < 1e-6:
            break
    raise ValueError(
        f"limits: the fixed point that small learning rates lead to ceases to exist at {share:.4g} times this learning "
        "rate; give a smaller one"
    )


@lru_cache(maxsize=64)
def solved(flow: sp.Tuple, bits: int, stable: bool) -> Rest:
    """The fixed point to so many bits, checked to be one of overlaps and, where asked for, stable."""
    rough, J = followed(flow)
    numbers = _numbers(flow)
    if stable and (worst := float(np.linalg.eigvals(J).real.max())) >= 0:
        raise ValueError(
            f"limits: the fixed point that small learning rates lead to is not stable at this learning rate (it grows "
            f"at the rate {worst:.6g}); give a smaller one"
        )
    with mpmath.workprec(bits + 20):
        velocity, inverse = numbers.exact(None), mpmath.matrix(np.linalg.inv(J).tolist())
        at = mpmath.matrix([mpmath.mpf(float(v)) for v in rough])
        size = 1 + max(abs(v) for v in at)
        for _ in range(8 + bits // 8):
            move = inverse * mpmath.matrix(velocity(list(at)))
            at -= move
            if max(abs(v) for v in move) < size * mpmath.mpf(2) ** (-bits - 5):
                return Rest(numbers, list(at), bits)
    raise ValueError("limits: Newton's method does not close on the fixed point to this precision")


def settled(function: Callable[[Any], Any], start: Any) -> Any:
    """Where ``du/dt = function(u)`` comes to rest from ``start``: implicit Euler steps that grow as it slows down."""
    at, value, step = start, function(start), 1.0
    for _ in range(_STEPS):
        try:
            J = slopes(function, at)
            move = np.linalg.solve(np.eye(at.size) / step - J, value)
            ahead = function(at + move)
        except (ValueError, ZeroDivisionError, np.linalg.LinAlgError, TypeError, OverflowError):
            step /= 4
            continue
        if np.abs(move).max() < 1e-9 * (1 + np.abs(at).max()) and step > 1:
            if np.linalg.eigvals(J).real.max() < 0:
                return at + move
            break
        if np.abs(move).max() > 0.05 * np.abs(at).max():
            step /= 4
            continue
        at, value, step = at + move, ahead, 2 * step
    raise ValueError("limits: the flow settles on no symmetric plateau at this learning rate; give a smaller one")


def newton(function: Callable[[Any], Any], start: Any, rounds: int = 30) -> Any | None:
    """The zero near ``start`` in double precision; None where there is none or the function leaves its domain."""
    at = start
    try:
        for _ in range(rounds):
            value = function(at)
            move = np.linalg.solve(slopes(function, at), value)
            at = at - move
            if np.abs(move).max() < 1e-11 * (1 + np.abs(at).max()):
                return at
    except (ValueError, ZeroDivisionError, np.linalg.LinAlgError, TypeError, OverflowError):
        return None
    return None


def slopes(function: Callable[[Any], Any], at: Any) -> Any:
    """The Jacobian by central differences."""
    steps = 1e-6 * np.maximum(np.abs(at), 0.1)
    sides = [(function(at + h), function(at - h)) for h in np.diag(steps)]
    return np.array([(up - down) / (2 * s) for s, (up, down) in zip(steps, sides, strict=True)]).T
