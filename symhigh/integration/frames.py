"""The coordinates of a mode that an integrator sees: about the origin, about the target, or about the start.

Between a limit and its integration. Digits of a small ``‖X - X*‖²`` or ``‖X - X0‖²`` are lost where it is a difference
of large moments; so the modes are integrated as moments of ``X - c`` with c the point that X is near, and everything
polynomial in averages is rewritten in averages of those, where what is large cancels symbolically.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import sympy as sp

from symhigh.integration.cancellation import is_open, resolved
from symhigh.meanfield import Family, Reduction, Scalar
from symhigh.population.spectrum import Array
from symhigh.symbols import (
    D2,
    V00,
    V10,
    V11,
    V12,
    V20,
    V22,
    OwnedSymbol,
    along_start,
    along_target,
    c1,
    c2,
    lam,
    shift_square,
    shift_start,
    shift_target,
)
from symhigh.system import MomentSystem


@dataclass(frozen=True)
class Frame:
    """``states`` of a mode, and the family's own states as affine functions of them with the family's coefficients."""

    name: str
    states: tuple[sp.Symbol, ...]
    moments: tuple[tuple[sp.Symbol, sp.Expr], ...]
    side: int
    """The s of the point s X* that SGD converges to; 0 for another point."""
    exact: bool = False
    """Whether scalars that are no quotients of polynomials are written without cancellation too."""


TARGET = Frame(
    "target", (D2, along_target), ((V11, D2 + 2 * along_target + V22), (V12, along_target + V22)), 1
)
"""``‖X - X*‖²`` and ``<X - X*, X*>`` of a mode."""

OPPOSITE = Frame(
    "opposite", (D2, along_target), ((V11, D2 + 2 * along_target + V22), (V12, -along_target - V22)), -1
)
"""``‖X + X*‖²`` and ``-<X + X*, X*>``: losses that are even in X know the target up to its sign."""

START = Frame(
    "start",
    (shift_square, shift_target, shift_start),
    ((V11, shift_square + 2 * shift_start + V00), (V12, shift_target + V20), (V10, shift_start + V00)),
    0,
)
"""``‖X - X0‖²``, ``<X - X0, X*>`` and ``<X - X0, X0>``, all zero at the start."""

MOVED = Frame(
    "moved",
    (D2, along_target, along_start),
    ((V11, D2 + 2 * along_target + V22), (V12, along_target + V22), (V10, along_start + V20)),
    1,
)
"""The target's frame with ``<X - X*, X0>``, for iterates that have left their start."""

_PULL = OwnedSymbol("pull", real=True)
NEAR, SMALL, _LEFT = 0.05, 0.05, 0.1
"""How near the target, how small a part of it, and how far from the start X is where other frames begin."""
CLOSE = 1e-3
"""How near the target averages are taken of differences, which takes longer for those that are integrals."""


def frame_at(system: MomentSystem, coef: Array, states: Array, w: Array) -> Frame | None:
    """The frame for modes at ``states`` (states, N): None, the family's own, where X is small or far from ±X*."""
    own = system.family.states
    if own == (V11, V12, V10):
        return START
    if own != (V11, V12) or V22 not in system.family.coefficients:
        return None
    v11, v12 = states
    target = float((w * coef[system.family.coefficients.index(V22)]).sum())
    size, overlap = float((w * v11).sum()), float((w * v12).sum())
    if min(size, abs(overlap)) < SMALL * target or target <= 0:
        return None
    return TARGET if overlap > 0 else OPPOSITE


def leaves_start(system: MomentSystem, coef: Array, states: Array, w: Array) -> bool:
    """Whether modes in the start's frame have left it by a good part of the way to the target, on its side of 0."""
    square, to_target, _ = states
    at = dict(zip(system.family.coefficients, coef, strict=True))
    if not {V00, V20, V22} <= set(at):
        return False
    begun = float((w * (at[V00] - 2 * at[V20] + at[V22])).sum())
    overlap = float((w * (to_target + at[V20])).sum())
    return float((w * square).sum()) > _LEFT * begun and overlap >= 0 < float((w * at[V22]).sum())


def nears_target(system: MomentSystem, coef: Array, states: Array, w: Array, within: float = NEAR) -> bool:
    """Whether ``‖X ∓ X*‖²`` has become small against ``‖X‖² + ‖X*‖²``, in the family's own states."""
    if system.family.states != (V11, V12) or V22 not in system.family.coefficients:
        return False
    v11, v12 = states
    v22 = coef[system.family.coefficients.index(V22)]
    both = float((w * (v11 + v22)).sum())
    return both > 0 and float((w * (v11 - 2 * np.abs(v12) + v22)).sum()) < within * both


def keeps_digits(system: MomentSystem) -> bool:
    """Whether all scalars are quotients of polynomials in averages: then a frame keeps the digits of what is small."""
    key = system.content
    if key not in _kept:
        _kept[key] = _keeps_digits(system)
    return _kept[key]


def may_cancel(system: MomentSystem) -> bool:
    """Whether digits of what is small near the target may be lost, and other moments keep them."""
    return system.family.states == (V11, V12) and V22 in system.family.coefficients and not keeps_digits(system)


_kept: dict[object, bool] = {}


def _keeps_digits(system: MomentSystem) -> bool:
    averages = {r.name for r in system.reductions}
    return all(
        s.expression.is_rational_function(*(s.expression.free_symbols & averages)) for s in system.scalars
    )


def closer(system: MomentSystem, frame: Frame) -> Frame | None:
    """The frame that keeps digits of what is no polynomial too; None where one is not known without cancellation."""
    averages = {r.name for r in system.reductions}
    written = [s.expression for s in system.scalars] + [s.rhs for s in system.states] + [*system.outputs.values()]
    if any(is_open(e, averages) for e in written):  # seen before anything is rewritten
        return None
    exact = replace(frame, exact=True)
    framed(system, exact)
    return exact if (system.content, exact) in _whole else None


def into(system: MomentSystem, frame: Frame, coef: Array, states: Array) -> Array:
    """The frame's states of modes whose own states are given; shapes (states, N)."""
    change = _change(frame, system.family.states, system.family.coefficients)
    return np.array([np.broadcast_to(row, states.shape[1:]) for row in change(*states, *coef)])


def out_of(system: MomentSystem, frame: Frame, coef: Array, states: Array) -> Array:
    """The modes' own states, from those in the frame; shapes (states, N)."""
    own = _own_moments(frame, system.family.coefficients)
    return np.array([np.broadcast_to(row, states.shape[1:]) for row in own(*states, *coef)])


@lru_cache(maxsize=16)
def _own_moments(frame: Frame, coefficients: tuple[sp.Symbol, ...]) -> Callable[..., list[Array]]:
    """The family's states as a function of the frame's and of coefficients."""
    return sp.lambdify((*frame.states, *coefficients), [e for _, e in frame.moments], "numpy")


@lru_cache(maxsize=16)
def _change(
    frame: Frame, states: tuple[sp.Symbol, ...], coefficients: tuple[sp.Symbol, ...]
) -> Callable[..., list[Array]]:
    """The frame's states as a function of the family's states and coefficients."""
    return sp.lambdify((*states, *coefficients), list(_inverse(frame)), "numpy")


@lru_cache(maxsize=4)
def _inverse(frame: Frame) -> tuple[sp.Expr, ...]:
    """The frame's states as expressions in the family's own."""
    solved = sp.solve([v - e for v, e in frame.moments], frame.states, dict=True)[0]
    return tuple(solved[s] for s in frame.states)


def framed(system: MomentSystem, frame: Frame) -> MomentSystem:
    """``system`` with its modes in the frame's states; its averages become scalars of averages of those."""
    key = (system.content, frame)
    if key not in _found:
        _found[key] = _framed(system, frame)
    return replace(_found[key], problem=system.problem, rule=system.rule, parameters=system.parameters)


_found: dict[object, MomentSystem] = {}
_whole: set[object] = set()
"""Systems and frames in which nothing cancels."""


def _framed(system: MomentSystem, frame: Frame) -> MomentSystem:
    moments = dict(frame.moments)
    rates = dict(zip(system.family.states, system.family.rhs, strict=True))
    old = [v for v, _ in frame.moments]
    change = sp.Matrix(_inverse(frame)).jacobian(old)
    rhs = change * sp.Matrix([rates[v] for v in old])
    names: dict[sp.Expr, sp.Symbol] = {}

    def averaged(summand: sp.Expr) -> sp.Expr:
        """The average of a polynomial in a mode's symbols, by monomials."""
        symbols = (*frame.states, *system.family.coefficients)
        total = sp.S.Zero
        if not summand.is_polynomial(*symbols):  # linear in the states, with other functions of the coefficients
            for term in sp.Add.make_args(sp.expand(summand)):
                factor, monomial = term.as_independent(*symbols, as_Add=False)
                total += factor * names.setdefault(monomial, OwnedSymbol(f"average_{len(names)}", real=True))
            return total
        for powers, coefficient in sp.Poly(summand, *symbols).terms():
            monomial = sp.prod(s**n for s, n in zip(symbols, powers, strict=True))
            name = names.setdefault(monomial, OwnedSymbol(f"average_{len(names)}", real=True))
            total += coefficient * name
        return total

    averages = {r.name: averaged(r.summand.subs(moments)) for r in system.reductions}
    held = set(averages)

    small = [name for monomial, name in names.items() if monomial.has(*frame.states)]
    open_: list[sp.Expr] = []

    def rewritten(expr: sp.Expr) -> sp.Expr:
        """Quotients of polynomials in averages are expanded, so that what cancels does; others read them as scalars."""
        used = sorted(expr.free_symbols & held, key=str)
        if used and not expr.is_rational_function(*used) and frame.exact:
            found = resolved(expr, averages, small, frame.side)
            open_.extend([expr] if found is None else [])
            return expr if found is None else found
        if not used or not expr.is_rational_function(*used):
            return expr
        top, bottom = sp.fraction(sp.together(expr)) if not expr.is_polynomial(*used) else (expr, sp.S.One)
        return sp.expand(top.xreplace(averages)) / sp.expand(bottom.xreplace(averages))

    stein = {s.name: s.expression for s in system.scalars if s.name in (c1, c2)}
    scalars = [Scalar(name, e) for name, e in averages.items()]
    scalars += [Scalar(s.name, rewritten(s.expression)) for s in system.scalars]
    if len(stein) == 2 and frame.side:  # the pull on X* vanishes at the target, though c1 and c2 do not
        scalars.append(Scalar(_PULL, rewritten(stein[c1] + frame.side * stein[c2])))
        rhs = rhs.xreplace({c2: frame.side * (_PULL - c1)})
    states = tuple(replace(s, rhs=_inside(s.rhs, rewritten)) for s in system.states)
    outputs = {name: rewritten(e) for name, e in system.outputs.items()}
    family = Family(
        frame.states,
        system.family.coefficients,
        tuple(sp.collect(sp.expand(e.subs(moments)), lam) for e in rhs),
    )
    reductions = tuple(Reduction(name, monomial) for monomial, name in names.items())
    if not open_:
        _whole.add((system.content, frame))
    return replace(
        system, family=family, reductions=reductions, scalars=tuple(scalars), states=states, outputs=outputs
    )


def _inside(expr: sp.Expr, rewritten: Callable[[sp.Expr], sp.Expr]) -> sp.Expr:
    """``rewritten`` applied within Max, Min and Piecewise, where it does not see a polynomial from outside."""
    if isinstance(expr, sp.Piecewise):
        return sp.Piecewise(*((_inside(e, rewritten), c) for e, c in expr.args))
    if isinstance(expr, sp.Max | sp.Min):
        return expr.func(*(_inside(a, rewritten) for a in expr.args))
    if isinstance(expr, sp.Add | sp.Mul) and expr.has(sp.Max, sp.Min, sp.Piecewise):
        return expr.func(*(_inside(a, rewritten) for a in expr.args))
    return rewritten(expr)
