"""The one-step expansion of a coordinate: against equations by hand, and against the expansion of overlaps.

``old_one_step.py`` expands the products V_pq themselves by Stein's lemma; it shares no code with the library, which
expands a coordinate by Mehler's formula and closes the products by Itô's.
"""

import itertools

import pytest
import sympy as sp

import symhigh as sh
from symhigh.derivation.close.moments import second_moments
from symhigh.derivation.expectations import numbered
from symhigh.derivation.mean_field import mean_field
from symhigh.derivation.one_step import Mean, Stein, one_step
from symhigh.derivation.state import state
from symhigh.rule.wrapped import DECAY
from symhigh.symbols import V10, V11, V12, V20, V22, X_STAR, X, batch_size, c1, c2, gamma, gradient_noise, lam
from tests.derivation import old_one_step

x1, x2, y1, y2 = sp.symbols("x1 x2 y1 y2", real=True)


def step_of(rule: sh.Rule, problem: sh.Problem = sh.phase_retrieval()):  # noqa: B008
    return one_step(state(problem, rule)[0])


def test_sgd_by_hand() -> None:
    step = step_of(sh.Constant(1))
    (F,) = step.slopes
    pull = lam * gamma * (X * Stein(F, 0) + X_STAR * Stein(F, 1))
    assert sp.expand(step.drift[X] + pull) == 0
    assert sp.expand(step.covariance[X, X] - gamma**2 * lam * Mean(F**2)) == 0


@pytest.mark.parametrize("rule", [
    sh.Constant(1), sh.WeightDecay(sh.Constant(1), 2), sh.MiniBatch(sh.Constant(1), 3), sh.DoG(1, 1),
    sh.MiniBatch(sh.WeightDecay(sh.DoG(1, 1), 1), 2),
], ids=lambda r: type(r).__name__)  # fmt: skip
def test_moments_of_one_direction_are_those_of_the_old_expansion(rule: sh.Rule) -> None:
    s, _ = state(sh.phase_retrieval(), rule)
    family, _ = second_moments(s, mean_field(s))
    decay = DECAY if any(new.has(DECAY) for _, new in s.vectors) else 0
    old = old_one_step.one_step(
        1, 2 if s.fixed else 1, batch_size if s.batch != 1 else sp.S.One, sp.sympify(decay)
    )
    (F,), (z, z_star, *rest) = old.gradients, old.predictions
    places = {(0, 0): V11, (0, 1): V12, (1, 1): V22, (0, 2): V10, (1, 2): V20}
    names = {old_one_step.Mean(sp.diff(F, z)): c1, old_one_step.Mean(sp.diff(F, z_star)): c2}
    names |= {old_one_step.Mean(F**2): gradient_noise, **{old_one_step.Mean(sp.diff(F, r)): 0 for r in rest}}
    names |= {symbol: places[pair] for pair, symbol in old.overlaps.items() if pair in places}
    for state_, rhs in zip(family.states, family.rhs, strict=True):
        pair = next(p for p, v in places.items() if v == state_)
        assert sp.expand(rhs - old.drift[pair].subs(names)) == 0


@pytest.mark.parametrize(("students", "targets"), [((x1, x2), (y1,)), ((x1, x2), (y1, y2))])
def test_several_directions_are_those_of_the_old_expansion(students, targets) -> None:
    loss = (sum(students) ** 2 - sum(targets)) ** 2
    s, _ = state(sh.MultiIndex(students, targets, loss), sh.Constant(1))
    field = mean_field(s)
    family, _ = second_moments(s, field)
    rhs = dict(zip(family.states, family.rhs, strict=True))
    old = old_one_step.one_step(len(students), len(targets))
    size = len(students) + len(targets)
    names = {symbol: numbered("V", p, q) for (p, q), symbol in old.overlaps.items()}
    for p in range(len(students)):
        for r in range(size):
            derivative = old_one_step.Mean(sp.diff(old.gradients[p], old.predictions[r]))
            names[derivative] = sp.Symbol(f"C_{p}_{r}")
        for q in range(p, len(students)):
            names[old_one_step.Mean(old.gradients[p] * old.gradients[q])] = sp.Symbol(f"I_{p}_{q}")
    own = {c.name: c.name for c in field.scalars}
    ours = {x.name: sp.Symbol(f"{x.name.name[0]}_" + "_".join(str(int(k) - 1) for k in x.name.name.split("_")[1:]))
            for x in field.scalars if x.name.name[0] in "CI"}  # fmt: skip
    assert own
    for p, q in itertools.combinations_with_replacement(range(size), 2):
        if p < len(students):
            assert sp.expand(rhs[numbered("V", p, q)].subs(ours) - old.drift[p, q].subs(names)) == 0


def test_a_step_of_order_one_is_refused() -> None:
    class Fast(sh.Constant):
        @property
        def step(self):
            return {X: X / 2}

    with pytest.raises(ValueError, match="more than 1/d"):
        sh.derive(sh.least_squares(), Fast(1))


def test_the_sign_of_a_slope_in_pieces() -> None:
    """Huber's slope has the sign of the residual: ``E ∂ sign = √(2/π)/√P``, and a square of one; a hinge's has less."""
    def averages(problem: sh.Problem) -> tuple[list[sp.Expr], sp.Expr]:
        system = sh.derive(problem, sh.SignSGD(1), reduce=False)
        held = {s.name.name: system.unfolded(s.expression) for s in system.scalars}
        noise = system.unfolded(system.family.rhs[0].subs(dict.fromkeys(system.family.states, 0)))
        return [e for name, e in held.items() if name.startswith("c'")], noise

    stein, noise = averages(sh.huber(0.4, 0.5))
    B = {s.name: s for s in stein[0].free_symbols}
    P = B["B11"] - 2 * B["B12"] + B["B22"] + B["omega"] ** 2
    assert sp.simplify(stein[0] * sp.sqrt(P) - sp.sqrt(2 / sp.pi)) == 0
    assert not noise.has(B["B11"])
    assert averages(sh.hinge())[1].has(B["B11"]), "samples with a margin do not move"


@pytest.mark.parametrize(("rule", "columns"), [
    (sh.Constant(0.4), 1), (sh.MiniBatch(sh.Momentum(0.4, 1, 0.3), 2), 1), (sh.SignSGD(0.3), 1),
    (sh.NoisyGradient(sh.Constant(0.4), 0.3), 3), (sh.Adam(0.3, 2, 1, 1), 1),
], ids=lambda r: type(r).__name__)  # fmt: skip
def test_a_random_number_of_the_step_is_a_column_of_the_noise(rule: sh.Rule, columns: int) -> None:
    """Of a network: what the sample does to u and v at once, and what each draws itself."""
    field = mean_field(state(sh.least_squares(0.3, model=sh.PRODUCT), rule)[0])
    assert field.noise is not None
    assert field.noise.cols == columns
    assert (field.noise * field.noise.T - field.covariance).applyfunc(sp.expand).is_zero_matrix
