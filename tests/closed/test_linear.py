"""The normal form of linear modes: its constants by hand, memories at a rate, and what is not of this form."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.linear import LinearLimit, NotLinear, _through_kick, linear_limit, memory_at_rate
from symhigh.symbols import D2, distance, error_square, gamma, gradient_noise, kappa2, lam, omega, risk, tau

R = sp.Rational
g, b, s = sp.symbols("g b s", positive=True)
RESIDUAL = sh.x - sh.x_star
SCALED = sh.Problem(3 * (RESIDUAL - 2 * sh.eps) ** 2, noise=b)


@pytest.mark.parametrize(
    ("problem", "rule", "pull", "slope", "floor", "share", "least"),
    [
        (sh.least_squares(b), sh.Constant(g), 2, 1, omega**2, R(1, 2), omega**2 / 2),
        (sh.least_squares(b), sh.MiniBatch(sh.Constant(g), 4), 2, R(1, 4), omega**2 / 4, R(1, 2), omega**2 / 2),
        (SCALED, sh.Constant(g), 12, 36, 144 * omega**2, 3, 12 * omega**2),
        (sh.Problem(RESIDUAL**2 + 5, noise=0), sh.Constant(g), 4, 4, 0, 1, 5),
    ],
    ids=["square", "batch", "scaled", "offset"],
)  # fmt: skip
def test_constants_of_squares(
    problem: sh.Problem, rule: sh.Rule, pull: Any, slope: Any, floor: Any, share: Any, least: Any
) -> None:
    """With ``f = c (x - x* - kε)² + e``: ``f' = 2c r``, so p = 4c, α = 4c², β = 4c²k²ω², risk cQ + ck²ω² + e."""
    found = linear_limit(sh.derive(problem, rule))
    put = {s: v for s, v in found.system.parameters.items() if v.is_number}
    values = [sp.simplify(e.subs(put)) for e in (found.pull, found.slope, found.floor, found.share, found.least)]
    assert values == [sp.simplify(sp.sympify(e).subs(put)) for e in (pull, slope, floor, share, least)]
    (rhs,) = found.system.family.rhs
    assert sp.expand(rhs - lam * (-found.pull * gamma * D2 + gamma**2 * gradient_noise)) == 0
    quiet = found.noiseless
    assert (quiet.floor, quiet.least) == (sp.sympify(floor).subs(omega, 0), sp.sympify(least).subs(omega, 0))
    assert (quiet.pull, quiet.slope, quiet.share) == (found.pull, found.slope, found.share)
    written = found.expanded(2 * risk + 3 * gradient_noise)
    assert sp.expand(written - 2 * (found.share * error_square + found.least)
                     - 3 * (found.slope * error_square + found.floor)) == 0  # fmt: skip


def test_drifts_along_the_limit_by_hand() -> None:
    """``d<D²>/dt = -2γQ + γ²τI`` and ``dQ/dt = -2γ∫λ²D² + γ²κ₂I`` with I = Q + ω²."""
    found = linear_limit(sh.derive(sh.least_squares(b), sh.Constant(g)))
    noise = error_square + omega**2
    assert sp.expand(found.drift(distance) - (-2 * gamma * error_square + gamma**2 * tau * noise)) == 0
    moved = found.drift(error_square)
    rest = sp.expand(moved - gamma**2 * kappa2 * noise)
    (other,) = rest.free_symbols - {gamma}
    assert rest == -2 * gamma * other
    grown = linear_limit(sh.derive(sh.least_squares(b), sh.AdaGradNorm(g, s)))
    (memory,) = grown.system.states
    assert sp.expand(grown.drift(memory.name**2) - 2 * memory.name * grown.expanded(memory.rhs)) == 0
    timed = linear_limit(sh.derive(sh.least_squares(b), sh.Schedule(1 / (1 + sh.t))))
    assert sp.simplify(timed.drift(gamma) + 1 / (1 + sh.t) ** 2) == 0


def test_limits_of_equal_content_are_equal() -> None:
    one, same, other = (
        linear_limit(sh.derive(sh.least_squares(noise), sh.Constant(g))) for noise in (0.3, 0.5, 0.3)
    )
    assert one == same == other
    assert hash(one) == hash(same)
    assert one != linear_limit(sh.derive(sh.least_squares(0.3), sh.AdaGradNorm(g, b)))
    assert one != one.noiseless
    assert one != 3


@pytest.mark.parametrize(("problem", "rule"), [
    (sh.logistic_regression(), sh.Constant(g)), (sh.huber(0.4, 0.5), sh.Constant(g)),
    (sh.least_squares(0.5), sh.Momentum(g, 1)), (sh.phase_retrieval(), sh.Constant(g)),
    (sh.least_squares(0.5), sh.SignSGD(g)),
], ids=["logistic", "huber", "momentum", "phase", "sign"])  # fmt: skip
def test_modes_of_another_form(problem: sh.Problem, rule: sh.Rule) -> None:
    with pytest.raises(NotLinear, match=f"{problem.name} has no linear modes in closed form"):
        linear_limit(sh.derive(problem, rule))


def test_noise_of_modes_that_is_not_in_proportion() -> None:
    kick = sp.Symbol("kick")
    system: Any = SimpleNamespace(unfolded=lambda e: {gradient_noise: error_square + 1, kick: error_square}[e])
    with pytest.raises(NotLinear, match=r"the modes' noise kick is not in proportion to E f'\^2"):
        _through_kick(system, kick)


@pytest.mark.parametrize(
    ("rate", "value"),
    [
        (g / sp.sqrt(s), (g / gamma) ** 2), (g / s, g / gamma), (g * s**2, sp.sqrt(gamma / g)),
        (b * g * s ** R(-1, 3), (b * g / gamma) ** 3), (g, None), (g / (1 + s), None), (g / sp.sqrt(s) + b, None),
    ],
    ids=str,
)  # fmt: skip
def test_the_memory_at_a_rate(rate: sp.Expr, value: sp.Expr | None) -> None:
    memory = sp.Symbol("s", positive=True)
    limit: Any = SimpleNamespace(system=SimpleNamespace(states=(SimpleNamespace(name=memory),)), rate=rate)
    found = memory_at_rate(limit)
    if value is None:
        assert found is None
        return
    at = {gamma: R(7, 10), g: R(3, 2), b: R(1, 2)}
    assert float(found.subs(at)) == pytest.approx(float(value.subs(at)), rel=1e-14)
    assert float(rate.subs(memory, found).subs(at)) == pytest.approx(0.7, rel=1e-14)


def test_a_rate_of_the_sample_that_is_a_constant_is_taken_out() -> None:
    """f/f'² = 1/2 for the square: the modes of SGD at that rate, or at the cap."""
    for cap, value in ((2, R(1, 2)), (R(3, 10), R(3, 10))):
        found = linear_limit(sh.derive(sh.least_squares(), sh.StochasticPolyak(cap, damping=1)))
        known = {k: sp.sympify(v) for k, v in found.system.parameters.items()}
        assert (found.pull, found.slope) == (2, 1)
        rate = found.rate.subs(known).subs(tau, 1)
        assert float(rate) == pytest.approx(float(value), rel=1e-14)
        assert isinstance(found, LinearLimit)
