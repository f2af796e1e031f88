"""The one-step expansion against the equations written by hand."""

import itertools

import pytest
import sympy as sp

from symhigh.derivation.one_step import Mean, one_step
from symhigh.symbols import gamma, lam


def test_single_direction_is_equation_9() -> None:
    step = one_step(1, 1)
    (F,), (z, zs) = step.gradients, step.predictions
    c1, c2, noise = Mean(sp.diff(F, z)), Mean(sp.diff(F, zs)), Mean(F**2)
    v11, v12, v22 = step.overlaps[0, 0], step.overlaps[0, 1], step.overlaps[1, 1]
    assert sp.expand(step.drift[0, 0] + 2 * lam * gamma * (c1 * v11 + c2 * v12) - lam * gamma**2 * noise) == 0
    assert sp.expand(step.drift[0, 1] + lam * gamma * (c1 * v12 + c2 * v22)) == 0
    assert step.drift[1, 1] == 0


@pytest.mark.parametrize(("students", "targets"), [(2, 1), (2, 2)])
def test_several_directions(students: int, targets: int) -> None:
    """dV_pq/dt = -λγ Σ_r (E∂_rF_p V_rq + E∂_rF_q V_rp) + λγ² E F_pF_q, with F = 0 for targets."""
    step = one_step(students, targets)
    size, z = students + targets, step.predictions

    def F(p: int) -> sp.Expr:
        return step.gradients[p] if p < students else sp.S.Zero

    def V(p: int, q: int) -> sp.Symbol:
        return step.overlaps[min(p, q), max(p, q)]

    def mean(expr: sp.Expr) -> sp.Expr:
        return Mean(expr) if expr != 0 else sp.S.Zero

    for p, q in itertools.combinations_with_replacement(range(size), 2):
        pull = sum(
            mean(sp.diff(F(p), z[r])) * V(r, q) + mean(sp.diff(F(q), z[r])) * V(r, p) for r in range(size)
        )
        by_hand = -lam * gamma * pull + lam * gamma**2 * mean(F(p) * F(q))
        assert sp.expand(step.drift[p, q] - by_hand) == 0
