"""Rates that depend on the sample: losses in pieces and the stochastic Polyak step."""

from __future__ import annotations

import pytest
import sympy as sp

import symhigh as sh
from symhigh.rule.stochastic_polyak import CAP, DAMPING
from symhigh.symbols import c1, c2, gradient_noise, tau


@pytest.mark.parametrize(
    "problem", [sh.squared_hinge(0.1), sh.relu_student(0.3), sh.sign_regression(0.3)], ids=lambda p: p.name
)
def test_losses_that_are_squares_move_at_one_rate(problem: sh.Problem) -> None:
    """``f = s²/2`` with ``f' = ±s`` on each piece: f/f'² = 1/2, so g = min(cap, 1/(2cτ)) wherever SGD moves."""
    sampled = sh.derive(problem, sh.StochasticPolyak(cap=2), reduce=False)
    plain = sh.derive(problem, sh.Constant(1), reduce=False)
    g = sp.Min(CAP, 1 / (2 * DAMPING * tau))
    point = {
        s: sp.Rational(k + 3, k + 2)
        for k, s in enumerate(sorted(plain.expanded(c1 + c2 + gradient_noise).free_symbols, key=str))
    }
    point |= {
        sp.Symbol("B12", real=True): sp.Rational(2, 5),
        DAMPING: sp.Rational(1, 3),
        tau: sp.Rational(5, 4),
    }
    for cap in (sp.Rational(1, 2), sp.Integer(9)):
        at = {**point, CAP: cap}
        for name, power in ((c1, 1), (c2, 1), (gradient_noise, 2)):
            found, one = (sp.N(system.expanded(name).subs(at), 25) for system in (sampled, plain))
            assert abs(found - one * g.subs(at) ** power) < 1e-20


def test_pieces_with_curved_edges_are_one_node() -> None:
    """A condition is no expression of its own: branches and condition together are the integrand of one node."""
    disc = sp.Piecewise((sh.x**2, sh.x**2 + sh.x_star**2 < 1), (0, True))
    node = sh.expect(disc, sp.eye(2))
    assert node.dimension == 2
    assert node.integrand.has(sp.Piecewise)
