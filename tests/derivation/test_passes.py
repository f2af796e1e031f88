"""The passes of a derivation on inputs made by hand: names of averages, limits in d, drifts, and their refusals."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import sympy as sp

import symhigh as sh
from symhigh.derivation import memories, scaling
from symhigh.derivation.averages import Averages
from symhigh.derivation.close.additive import NoReduction, reduction_of
from symhigh.derivation.gaussian.basis import sign_basis
from symhigh.derivation.gaussian.moments import _expanded
from symhigh.derivation.ito import ItoSDE
from symhigh.derivation.mean_field import along, averages_of, known_of, labels, rotation_invariant
from symhigh.derivation.state import shift, state
from symhigh.problem.model import u, v
from symhigh.rule import Memory, Rule
from symhigh.symbols import (
    B11,
    B12,
    B22,
    D2,
    V11,
    V12,
    X_STAR,
    G,
    Total,
    X,
    d,
    distance,
    error_square,
    g,
    gamma,
    gradient_square,
    kappa2,
    lam,
    norm,
    overlap,
    risk,
    sample_loss,
    tau,
    xi,
)
from tests.derivation.stated import SGD, Stated

R = sp.Rational
a, b = sp.symbols("a b", positive=True)
step = sp.Symbol("step", positive=True)


# --- averages -----------------------------------------------------------------------------------------------
def test_averages_of_monomials_have_names() -> None:
    averages = Averages()
    assert averages.of(lam * V11 + 3 * lam - 2 * lam**2 * a + 5) == B11 + 3 * tau - 2 * a * kappa2 + 5
    assert averages.of(V11 - 2 * V12) == norm - 2 * overlap
    assert averages.of(lam * D2 + D2) == error_square + distance
    names = [str(averages.of(e)) for e in (lam**2 * V11, lam**3 * V12, lam**4, lam**5 * D2, lam**6 * V11)]
    assert names == ["M11", "L12", "K", "JD", "P6_11"]
    assert str(averages.of(lam * V11 * V12)) == "B1112"
    assert [str(averages.of(e)) for e in (sp.sqrt(lam), sp.Abs(V12), 2 * a * sp.sqrt(lam))] == ["A_1", "A_2", "2*a*A_1"]
    assert averages.of(lam**2 * V11) == averages.of(lam**2 * V11)
    kept = averages.reductions([tau * a, sp.Symbol("A_1")])
    assert [(r.name, r.summand) for r in kept] == [(tau, lam)]
    whole = Averages({u: "u", v: "v"}, {lam * u * v: B12}, whole=True)
    assert whole.of(3 * a * lam * u * v + 7) == 3 * a * B12 + 7
    assert str(whole.of(lam * u**2 + 2 * lam * v**2)) == "A_1"  # one average, not two


def test_averages_of_one_direction_and_of_several() -> None:
    one, _ = state(sh.least_squares(), sh.Constant(1))
    found = averages_of(one)
    named = [found.of(e) for e in (lam * X**2, lam * X * X_STAR, lam * X_STAR**2, X**2, lam, lam**2)]
    assert named == [B11, B12, B22, norm, tau, kappa2]
    assert labels(one) == {X: "1", X_STAR: "2"}
    many, _ = state(sh.committee(2, 1, "linear"), sh.Constant(1))
    p, q = many.learnt
    (target,) = many.targets
    found = averages_of(many)
    pairs = (p**2, p * q, q * target, target**2)
    assert [str(found.of(lam * e)) for e in pairs] == ["B_1_1", "B_1_2", "B_2_3", "B_3_3"]
    assert [str(found.of(e)) for e in (p**2, p * q, target**2)] == ["N_1_1", "N_1_2", "N_3_3"]
    assert [found.of(lam), found.of(lam**2)] == [tau, kappa2]
    network, _ = state(sh.least_squares(model=sh.PRODUCT), sh.Constant(1))
    found = averages_of(network)
    aim = network.targets[0]
    assert [found.of(e) for e in (lam * u**2 * v**2, lam * u * v * aim, lam * aim**2)] == [B11, B12, B22]
    assert str(shift(0, 1)) == "m_1_2"


def test_what_a_rule_may_know() -> None:
    s: Any = SimpleNamespace(
        owner="R", single=True, effective=(u * v,), targets=(a,), learnt=(u, v),
        uses=lambda k: k in (distance, norm, risk),
    )
    averages: Any = SimpleNamespace(of=lambda e: 2 * e)
    found = known_of(s, averages)
    assert set(found) == {distance, norm}
    assert sp.expand(found[distance] - 2 * (u * v - a) ** 2) == 0
    assert found[norm] == 2 * u**2 + 2 * v**2
    s.uses = lambda k: k == overlap
    assert known_of(s, averages) == {overlap: 2 * a * u * v}
    s.uses = lambda k: k == risk
    assert known_of(s, averages) == {}
    s.single, s.uses = False, lambda k: k == norm
    with pytest.raises(ValueError, match="it looks at norm, which several directions do not have; use Total"):
        known_of(s, averages)
    assert along(a**2 * b, {a: sp.Integer(3), b: sp.Integer(5)}) == 6 * a * b + 5 * a**2


def test_steps_that_rotations_leave_alone() -> None:
    for rule, invariant in ((sh.Constant(1), True), (sh.SignSGD(1), False), (sh.Adam(1, 1, 1, 1), False)):
        assert rotation_invariant(state(sh.least_squares(), rule)[0]) is invariant
    assert not rotation_invariant(state(sh.least_squares(model=sh.PRODUCT), sh.Constant(1))[0])


# --- limits in d --------------------------------------------------------------------------------------------
def test_powers_of_d_are_taken_out() -> None:
    assert scaling.homogeneous(sp.Max(a * step, b * step), step) == step * sp.Max(a, b)
    assert scaling.homogeneous(sp.Max(0, a * step**2 - b * step**2), step) == step**2 * sp.Max(0, a - b)
    mixed = sp.Min(a * step, b)
    assert scaling.homogeneous(mixed, step) == mixed
    assert scaling.homogeneous(a + sp.Min(a / step, 2 / step), step) == a + sp.Min(a, 2) / step


def test_false_poles_are_taken_out() -> None:
    x = sp.Symbol("x", real=True)
    near = scaling.conjugated((sp.sqrt(1 + x**2) - 1) / x**2)
    assert sp.simplify(near - 1 / (sp.sqrt(1 + x**2) + 1)) == 0
    assert near.subs(x, 0) == R(1, 2)
    shared = scaling.conjugated((6 * a * sp.sqrt(1 + x**2) - 6 * a) / x**2)
    assert sp.simplify(shared - 6 * a / (sp.sqrt(1 + x**2) + 1)) == 0
    assert shared.subs(x, 0) == 3 * a
    two = sp.sqrt(x**2 + 1) + sp.sqrt(x**2 + 2)
    below, above = 1 / (x + sp.sqrt(1 + x**2)), sp.exp(sp.sqrt(1 + x**2)) / x
    for kept in (sp.sqrt(x**2 + 1) / x, 1 / sp.sqrt(1 + x**2), two, x**2, (2 + x) / x, below, above):
        assert scaling.conjugated(kept) == kept


def test_what_is_left_as_d_grows() -> None:
    limit = memories._in_the_limit
    G2 = memories._GRADIENT
    assert limit(gradient_square / d * a) == a * G2
    assert limit(d / (gradient_square + b)) == 1 / G2
    assert limit(a + 1 / d) == a
    assert limit(sp.Max(a * d, b * d) / d) == sp.Max(a, b)
    assert limit(gradient_square) is None
    assert limit(d * a) is None
    assert limit(a) == a
    assert memories._is_linear(a * G2 + b)
    assert not any(memories._is_linear(e) for e in (a, G2**2, sp.sqrt(G2)))


def test_the_rate_that_lowers_an_objective_fastest() -> None:
    drifts = {risk: -3 * a * gamma + b * gamma**2, distance: gamma**2 - gamma}
    assert memories.greedy_rate(risk, drifts) == 3 * a / (2 * b)
    assert sp.simplify(memories.greedy_rate(risk + 2 * distance, drifts) - (3 * a + 2) / (2 * b + 4)) == 0
    with pytest.raises(ValueError, match="its drift has no γ² term"):
        memories.greedy_rate(risk, {risk: -gamma})


# --- what a rule may not say --------------------------------------------------------------------------------
m, n = sp.symbols("m n", positive=True)
CLASSES = sh.Problem(sp.log(1 + sp.exp(-sh.y * sh.x)), data=sh.Mixture([0.5, 0.5], [a, -a], [1, -1]))


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Stated(remembers=(Memory(m, a / d, 1), Memory(m, a / d, 1)), given={a: 1}), "the memory m is named twice"),
        (Stated(remembers=(Memory(m, m / d, 1),), holds=(Memory(m, G**2 / d, 1),)), "the cell m is named twice"),
        (Stated(speed=a, given={a: 1 / (1 + sh.t)}), r"its parameter a = 1/\(t \+ 1\) depends on the time t"),
        (Stated(speed=a), "its rate depends on a, so the system does not close"),
        (Stated(remembers=(Memory(m, a / d, 1),)), "the increment of m depends on a"),
        (Stated(remembers=(Memory(m, m / d, a),)), "the start of m depends on a"),
        (Stated(moves={X: SGD - a / d}), "the step of X depends on a"),
        (Stated(holds=(Memory(m, a * G**2 / d, 1),)), "the increment of the cell m depends on a"),
        (Stated(speed=1 / (1 + Total(X**2 * a))), "its rate depends on a"),
        (Stated(speed=None), "states neither a rate nor an objective"),
        (Stated(remembers=(Memory(m, gradient_square, 1),)), r"its increment gradient_square is not O\(1/d\)"),
        (Stated(speed=d), "depends on d; a step is rate/d times the gradient"),
        (Stated(speed=gradient_square), "has no limit other than 0 as d"),
        (Stated(speed=1 / gradient_square), "has no limit other than 0 as d"),
        (Stated(moves={X: X - g * G}), "moves a coordinate by more than its own size: it has no limit"),
        (Stated(moves={X: SGD - X / sp.sqrt(d)}), "on average, more than 1/d: it has no limit"),
        (Stated(moves={X: X - g / d * sp.tanh(G)}), "which is no product of functions of F and of a|holds"),
        (Stated(speed=sample_loss, moves={X: X - g / d * sp.sign(G) ** 2 * G}), "such a rate may only multiply|holds"),
    ],
)
def test_rules_that_have_no_limit_say_why(rule: Rule, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        sh.derive(sh.least_squares(), rule)


def test_what_a_rule_sees_of_a_problem() -> None:
    two = sh.committee(2, 2, "linear")
    assert state(two, sh.Constant(1))[0].single is False
    with pytest.raises(ValueError, match="it moves the one target"):
        state(two, sh.Drifting(sh.Constant(1), 1))
    with pytest.raises(ValueError, match="looks at the prediction x itself, which for data with classes"):
        state(CLASSES, Stated(speed=sh.x**2))
    batch = Stated(remembers=(Memory(m, gradient_square**2 / d**3, 1),))
    with pytest.raises(ValueError, match="the increment of m is not linear in gradient_square, so with batches"):
        sh.derive(sh.least_squares(), sh.MiniBatch(batch, 2))
    with pytest.raises(ValueError, match="its rate depends on the sample, of which a batch has several"):
        sh.derive(sh.least_squares(), sh.MiniBatch(Stated(speed=sample_loss), 2))


def test_fluctuations_name_what_they_cannot_follow() -> None:
    from symhigh.derivation.kicks import kicks_of

    def of(rule: Rule) -> Any:
        return kicks_of(state(sh.least_squares(), rule)[0])

    assert [str(k.entry) for k in of(sh.Constant(1)).parts] == [str(of(sh.Constant(1)).parts[0].entry)]
    with pytest.raises(ValueError, match=r"moves X at random by .*, in proportion to the coordinate's own entries"):
        of(Stated(moves={X: SGD + X * xi / sp.sqrt(d)}))
    with pytest.raises(ValueError, match="moves the cell m by more than 1/d in a step"):
        of(Stated(holds=(Memory(m, G / sp.sqrt(d), 1),)))


# --- networks -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("drift", "noise", "words"),
    [
        ((-u, -v), (u, v), "no equal and opposite pair|additive"),
        ((-u * v, -v), (u, -v), "its drift .* depends on the state"),
    ],
)
def test_coordinates_without_additive_noise(drift: Any, noise: Any, words: str) -> None:
    with pytest.raises(NoReduction, match=words):
        reduction_of(ItoSDE((u, v), drift, sp.Matrix(noise)), sh.PRODUCT)


# --- small things of the Gaussian passes --------------------------------------------------------------------
def test_zero_is_seen_as_a_rational_function() -> None:
    assert _expanded(a / (a + b) + b / (a + b) - 1) == 0
    assert _expanded(a / (a + b) - 1) != 0
    assert _expanded((a + b) ** 2) == a**2 + 2 * a * b + b**2


def test_a_form_of_one_variable_keeps_its_place() -> None:
    S = sp.Integer
    single = (S(0), S(0), S(2))
    found = sign_basis([(S(1), S(0), S(1)), single], 3)
    assert found.forward == ((1, 0, 1), (0, 1, 0), (0, 0, 1))  # the place of x_3 is taken by the sign of x_3 alone


def test_the_random_parts_of_a_step() -> None:
    """SGD: the kick is a ψ, waves of ``d v w`` are ``v γ F``… of order 1/d by Itô's formula."""
    from symhigh.derivation.kicks import kicks_of
    from symhigh.derivation.one_step import DELTA, ENTRY

    s, _ = state(sh.least_squares(), sh.Constant(1))
    found = kicks_of(s)
    (F,) = found.step.slopes
    assert [(k.entry, k.slope) for k in found.parts] == [(ENTRY, F)]
    assert found.factors == {X: (-gamma,)}
    assert (found.reach(0), found.meeting(0, 0)) == (lam, lam)
    assert found.exact
    assert not found.rated
    change = found.step.changes[X]
    second = sp.expand(2 * X * change + change**2).coeff(DELTA, 2)
    assert found.product(X, X) == {F**2: gamma**2 * lam}
    assert sp.expand(second.coeff(F, 2) - gamma**2 * ENTRY**2) == 0
    assert found.product(X, X_STAR) == {}
    assert found.error(X) == {F**2: gamma**2 * lam}
    assert found.pull((X,)) == ((0,),)
    decayed, _ = state(sh.least_squares(), sh.WeightDecay(sh.Constant(1), 3))
    kappa = next(iter(sh.WeightDecay(sh.Constant(1), 3).values.keys() - sh.Constant(1).values.keys()))
    assert kicks_of(decayed).pull((X,)) == ((-gamma * kappa,),)


def test_what_is_remembered_of_a_product_of_vectors() -> None:
    from symhigh.derivation.kicks import kicks_of
    from symhigh.rule.momentum import M as momentum

    s, _ = state(sh.least_squares(), sh.Momentum(1, 2, 3))
    found = kicks_of(s)
    (F,) = found.step.slopes
    names = {v.name: v for v in s.coordinates}
    M = names[momentum.name]
    direct, one = (found.factors[v][0] for v in (X, M))
    assert one == 1
    assert found.product(X, M) == {F**2: direct * lam}
    assert found.product(M, M) == {F**2: lam}


def test_decay_takes_the_mean_of_a_rate_of_the_sample() -> None:
    system = sh.derive(sh.least_squares(0.5), sh.WeightDecay(sh.StochasticPolyak(2, 0.7), 0.3))
    drift = system.family.rhs[list(map(str, system.family.states)).index("V11")]
    kappa = next(s for s in drift.free_symbols if s.name == "kappa")
    assert sp.expand(drift).coeff(kappa, 1) == -2 * gamma * V11


# --- statements and networks --------------------------------------------------------------------------------
def test_what_a_statement_keeps_of_a_rule() -> None:
    s, _ = state(sh.least_squares(), sh.DoG(0.1, 1))
    ((name, raised),) = s.maxima.items()
    ((lead, q),) = s.leads.values()
    assert raised == name + sp.Max(0, lead)
    assert q.has(name)
    assert len(state(sh.least_squares(), sh.Averaged(sh.Constant(1), 2))[0].reports) == 1
    assert state(sh.committee(2, 1, "linear"), sh.Averaged(sh.Constant(1), 2))[0].reports == ()
    with pytest.raises(ValueError, match=r"the mean of its rate .* is infinite, and so is what a step does"):
        sh.derive(sh.least_squares(), sh.WeightDecay(Stated(speed=sp.sqrt(d / gradient_square)), 1))


def test_terms_of_a_drift_are_told_apart() -> None:
    from symhigh.derivation.close.additive import Reduction, alpha
    from symhigh.derivation.close.additive import xi as place
    from symhigh.derivation.close.channels import channels, exponential_terms

    drift = 3 * a - b * place + 2 * sp.exp(2 * place - alpha) - a * sp.exp(2 * place - alpha) + sp.exp(-place)
    constant, slope, table = exponential_terms(drift, place, alpha)
    assert (sp.expand(constant - 3 * a), slope) == (0, -b)
    assert table == {(2, -1): 2 - a, (-1, 0): 1}
    for wrong in (place**2, sp.exp(place**2), sp.sin(place)):
        with pytest.raises(ValueError, match="is neither constant, linear in"):
            exponential_terms(wrong, place, alpha)
    moving = sp.Symbol("R", positive=True)
    sde = ItoSDE((alpha, place), (-a * moving, a * moving * sp.exp(place) - a), sp.Matrix([0, sp.sqrt(2 * moving)]))
    found = channels(Reduction(sde, (u, v), {}, u), (a,))
    assert found.names == (1, moving)
    assert (found.level, found.constant, found.slope, found.spread) == ({moving: -a}, {1: -a}, {}, {moving: 1})
    assert found.terms == {moving: {(1, 0): a}}


def test_the_balance_of_a_network_decays_as_it_says() -> None:
    from symhigh.derivation.ito import generator

    system = sh.derive(sh.least_squares(0.5, sh.PRODUCT), sh.Constant(0.4))
    balance = system.balance
    moved = generator(system.sde, balance.function)
    rate = balance.rate.subs(dict(system.parameters))
    assert sp.simplify(moved + rate * balance.function) == 0
    law = system.balance_law
    assert law.lhs.args[0].has(sp.Function("u"))
    assert sp.simplify(law.rhs / law.lhs.args[0] + balance.rate.subs(system._in_time)) == 0
    assert system.plain
    assert system.numbers() == (0.4, 0.5)
    other = sh.derive(sh.huber(1, 0.5, sh.PRODUCT), sh.Constant(0.4))
    assert not other.plain
    with pytest.raises(ValueError, match="is not least squares at a constant rate"):
        other.numbers()
    with pytest.raises(ValueError, match="is no square of the residual"):
        _ = other.noise_square
    with pytest.raises(ValueError, match="step must be a number"):
        sh.derive(sh.least_squares(0.5, sh.PRODUCT), sh.Constant(a)).numbers()
