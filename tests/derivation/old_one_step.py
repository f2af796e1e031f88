"""One step of SGD, expanded to order 1/d: the drift of every overlap, by Stein's lemma.

First pass of the derivation. Nothing is assumed of the loss: its derivative is a formal function F of the
predictions. Source of the mathematics: *The High Line* (arXiv 2405.19585), section 2; derived here.

The argument, in the eigenbasis of K, for one mode with eigenvalue λ. Let ``W = [X_1 … X_l | X*_1 … X*_m]`` and
write a coordinate of W as ``v_p δ`` with ``δ = 1/√d``, so that ``V_pq = v_p v_q = d W_p W_q`` is of order one.
The data coordinate ``a ~ N(0, λ)`` and the predictions z are jointly Gaussian with ``Cov(a, z_p) = λ δ v_p``.
A step moves each student, ``X_p⁺ = X_p - (g/d) F_p a``, that is ``v_p⁺ = v_p - g δ F_p a``. Hence

    V_pq⁺ - V_pq = -g δ (F_p v_q + F_q v_p) a + g² δ² F_p F_q a².

Powers of a are removed by Stein's lemma, ``E[a^k G(z)] = λ (k-1) E[a^{k-2} G] + Σ_p λ δ v_p E[a^{k-1} ∂_p G]``.
A batch of m samples averages m independent ``F_p a``: its square has m equal pairs among m², and for the others E
factorises into two terms of order δ each, beyond the order kept. Weight decay κ takes ``(g/d) κ X_p`` from ``X_p``.
What is left of order δ² = 1/d is the drift per unit of time. The rate uses the memory after the step, so it is
``g = γ + δ² q(z)`` with q formal; the expansion itself shows that this shift does not reach order 1/d.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from symhigh.symbols import gamma, lam

_DELTA = sp.Symbol("delta", positive=True)
_A = sp.Symbol("a", real=True)


class Mean(sp.Function):  # type: ignore[misc]
    """Formal expectation over one sample; :mod:`symhigh.derivation.limit` gives it a value for a loss."""

    nargs = 1


@dataclass(frozen=True)
class OneStep:
    """``drift[p, q]`` is dV_pq/dt, in ``overlaps[p, q]``, λ, γ and :class:`Mean` of derivatives of ``gradients``.

    ``predictions`` are the formal arguments z_p; students come first, then targets.
    """

    predictions: tuple[sp.Symbol, ...]
    gradients: tuple[sp.Expr, ...]
    overlaps: dict[tuple[int, int], sp.Symbol]
    drift: dict[tuple[int, int], sp.Expr]


@lru_cache(maxsize=16)
def one_step(
    students: int = 1, targets: int = 1, batch: sp.Expr = sp.S.One, ridge: sp.Expr = sp.S.Zero
) -> OneStep:
    """Drifts of all overlaps of ``students`` learnt and ``targets`` fixed directions, for batches and weight decay."""
    size = students + targets
    z = sp.symbols(f"z:{size}", real=True)
    v = sp.symbols(f"v:{size}", real=True)
    F = tuple(sp.Function(f"F_{p}")(*z) if p < students else sp.S.Zero for p in range(size))
    rate = gamma + _DELTA**2 * sp.Function("q")(*z)
    pairs = [(p, q) for p in range(size) for q in range(p, size)]
    overlaps = {(p, q): sp.Symbol(f"V_{p + 1}{q + 1}") for p, q in pairs}
    drift = {}
    for p, q in pairs:
        change = sp.expand(
            _moved(v[p], F[p], rate, ridge if p < students else sp.S.Zero)
            * _moved(v[q], F[q], rate, ridge if q < students else sp.S.Zero)
            - v[p] * v[q]
        )
        average = sp.expand(_remove_data(change, z, v, batch))
        drift[p, q] = _as_overlaps(average.coeff(_DELTA, 2), v, overlaps)
    return OneStep(z, F[:students], overlaps, drift)


def _moved(v: sp.Expr, F: sp.Expr, rate: sp.Expr, ridge: sp.Expr) -> sp.Expr:
    """A coordinate after the step; for a target F and ``ridge`` are zero."""
    return v - rate * _DELTA * F * _A - rate * _DELTA**2 * ridge * v


def _remove_data(
    expr: sp.Expr, z: tuple[sp.Symbol, ...], v: tuple[sp.Symbol, ...], batch: sp.Expr
) -> sp.Expr:
    """E of a polynomial in the data coordinate a, with terms beyond δ² dropped; squares are shared by a batch."""
    return sum(
        (
            _moment(coefficient, power, z, v) / (batch if power == 2 else 1)
            for (power,), coefficient in sp.Poly(expr, _A).terms()
        ),
        sp.S.Zero,
    )


def _moment(G: sp.Expr, power: int, z: tuple[sp.Symbol, ...], v: tuple[sp.Symbol, ...]) -> sp.Expr:
    """``E[a^power G(z)]`` to order δ², by repeated use of Stein's lemma."""
    G = sum((term for term in sp.Add.make_args(sp.expand(G)) if sp.degree(term, _DELTA) <= 2), sp.S.Zero)
    if power == 0 or G == 0:
        return sum((_mean_of_term(term) for term in sp.Add.make_args(G)), sp.S.Zero)
    own = lam * (power - 1) * _moment(G, power - 2, z, v) if power > 1 else sp.S.Zero
    return own + sum(_moment(lam * _DELTA * v[p] * sp.diff(G, z[p]), power - 1, z, v) for p in range(len(z)))


def _mean_of_term(term: sp.Expr) -> sp.Expr:
    """``c E[G]`` for a product of a constant c and a random G."""
    constant, random = term.as_independent(sp.Derivative, sp.core.function.AppliedUndef)
    return constant * (Mean(random) if random != 1 else 1)


def _as_overlaps(
    expr: sp.Expr, v: tuple[sp.Symbol, ...], overlaps: dict[tuple[int, int], sp.Symbol]
) -> sp.Expr:
    """Rewrite ``v_p v_q`` as ``V_pq``; terms free of v stay."""
    result = sp.S.Zero
    for powers, coefficient in sp.Poly(expr, *v).terms():
        index = [p for p, n in enumerate(powers) for _ in range(n)]
        if len(index) not in (0, 2):
            raise AssertionError(f"one step left a term of degree {len(index)} in the coordinates")
        result += coefficient * (overlaps[index[0], index[1]] if index else 1)
    return result
