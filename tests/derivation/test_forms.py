"""Forms on cells, channels of a density and reductions: what is put together again is what was split."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import pytest
import sympy as sp

import symhigh as sh
from symhigh.derivation.cells import NotCut, _by_sign, cells_of
from symhigh.derivation.close import additive
from symhigh.derivation.close.additive import NoReduction, alpha, reduce, sde_of, side_w, side_z, xi
from symhigh.derivation.close.channels import exponential_terms, joined
from symhigh.derivation.close.density import density_equations, gradient_noise_is_twice_the_risk
from symhigh.derivation.ito import ItoSDE
from symhigh.meanfield import Family, Scalar, ScalarState
from symhigh.meanfield import Reduction as Average
from symhigh.problem.model import u, v
from symhigh.symbols import gamma, gradient_noise, lam, risk, t

R = sp.Rational
r = sp.Symbol("r", real=True)
a, c = sp.symbols("a c", positive=True)
s = sp.Symbol("s", real=True)

# --- cells of one variable ------------------------------------------------------------------------------------
FORMS = [
    sp.Abs(r), sp.Max(r, c), sp.Min(r, -c, 3), sp.Max(0, sp.Abs(r) - c) ** 2, sp.Max(r**2 - 3 * c * r + c**2, 0),
    sp.Max(-(r**2) + 3 * c * r - c**2, r), sp.Abs(r**2 - c), sp.Abs(c - r**2) * sp.sign(r + 1),
    sp.Abs(r**2 + c * r + a),
    sp.sign(2 * r**2 - 5 * r - 3) * r, sp.sign(-2 * r**2 + 5 * r + 3), sp.Heaviside(r - a) * sp.exp(-r),
    sp.Heaviside(a - 2 * r), sp.Piecewise((r**2, sp.Abs(r) < a), (2 * a * sp.Abs(r) - a**2, True)),
    sp.Piecewise((0, sp.Eq(r, 2)), (r, sp.Ne(r, 5)), (7, True)), sp.Piecewise((1, r <= -c), (r, r >= c), (r**3, True)),
    sp.Max(1 / (r - c), 0),
    sp.Max(sp.Min(r, c), -c) ** 2, sp.Abs(sp.Abs(r) - 1), sp.Max(r**2, r), sp.Min(r**2, 4), sp.Max(r * (r - c) ** 2, 0),
    sp.Abs(r) ** R(3, 2) * sp.sign(r),
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_every_point_lies_in_one_cell_whose_form_is_the_function(form: sp.Expr) -> None:
    for values in ({c: R(7, 10), a: R(9, 5)}, {c: R(5, 2), a: R(1, 3)}):
        pieces = cells_of(form, r)
        assert len(pieces) > 1
        for at in (R(-41, 10), R(-8, 5), R(-3, 10), R(1, 7), R(4, 5), R(3, 2), R(29, 10), R(27, 5)):
            found = [
                p for p in pieces
                if sp.N(p.low.subs(values)) < p.side * at < sp.N(p.high.subs(values))
            ]  # fmt: skip
            assert len(found) == 1
            there = found[0].form.subs(values).subs(found[0].variable, found[0].side * at)
            assert float(there) == pytest.approx(float(form.subs(values).subs(r, at)), rel=1e-12, abs=1e-12)
            slope = found[0].differentiated().form.subs(values).subs(found[0].variable, found[0].side * at)
            ends = [float(form.subs(values).subs(r, at + h)) for h in (R(1, 10**5), R(-1, 10**5))]
            assert float(slope) == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-4, abs=1e-6)


def test_cells_cover_each_half_line_in_order() -> None:
    for form in FORMS[::2]:
        pieces = cells_of(form.subs({c: R(7, 10), a: R(9, 5)}), r)
        for side in (1, -1):
            ends = [(float(p.low), float(p.high)) for p in pieces if p.side == side]
            assert ends[0][0] == 0
            assert ends[-1][1] == float("inf")
            assert all(p[1] == q[0] and p[0] < p[1] for p, q in itertools.pairwise(ends))


def test_what_is_not_cut_is_one_cell() -> None:
    for form in (sp.Max(sp.sin(r), 0), sp.Max(r**3 - r - a, 0), sp.Max((r - a) * (r - c), 0)):
        (whole,) = cells_of(form, r)
        assert (whole.side, whole.low, whole.high, whole.form) == (1, -sp.oo, sp.oo, form)
        assert not whole.smooth
    x = sp.Symbol("x", positive=True)
    for gap in (s * x - s, (x - a) * (x - c), x**3 - 2, s * x**2 - 1, sp.sin(x), s + 0 * x):
        with pytest.raises(NotCut):
            _by_sign(gap, x, sp.Integer)


@pytest.mark.parametrize(("form", "limit"), [(sp.sin(s) / s, 1), ((sp.exp(s) - 1) / s, 1), (sp.log(1 + s) / s, 1),
                                             (s**2 + 4, 4), (sp.cos(s), 1)], ids=str)  # fmt: skip
def test_a_form_at_the_origin_is_its_limit(form: sp.Expr, limit: int) -> None:
    x = sp.Symbol("x", positive=True)
    (cell, _) = cells_of(form.subs(s, r), r)
    assert cell.at(sp.S.Zero) == limit
    assert cell.at(x) == form.subs(s, x)


# --- exponentials and channels --------------------------------------------------------------------------------
def test_exponential_terms_add_up_to_the_expression() -> None:
    terms = 3 * a - c * xi / 2 + a * sp.exp(2 * xi - alpha) - 5 * sp.exp(-xi)
    terms += sp.exp(alpha) * (c - sp.exp(3 * xi)) ** 2
    constant, slope, table = exponential_terms(terms, xi, alpha)
    assert (constant, slope) == (3 * a, -c / 2)
    assert table == {(2, -1): a, (-1, 0): -5, (0, 1): c**2, (3, 1): -2 * c, (6, 1): 1}
    assert exponential_terms(sp.S.Zero, xi, alpha) == (0, 0, {})
    for bad in (xi**2, xi * sp.exp(xi), sp.exp(xi**2), sp.sin(xi), sp.exp(xi * alpha), 1 / (1 + sp.exp(xi)), alpha):
        with pytest.raises(ValueError, match="is neither constant, linear in xi, nor an exponential"):
            exponential_terms(a + bad, xi, alpha)


NETWORKS = {
    "least squares": (sh.least_squares(0.3, sh.PRODUCT), sh.Constant(0.4)),
    "squares": (sh.least_squares(0.3, sh.SQUARES), sh.Constant(0.4)),
    "decay": (sh.least_squares(0.3, sh.PRODUCT), sh.WeightDecay(sh.AdaGradNorm(0.8, 0.9), 0.2)),
    "Huber": (sh.huber(0.8, 0.3, sh.PRODUCT), sh.Schedule(1 / (1 + t))),
    "batches": (sh.least_squares(0.3, sh.SQUARES), sh.MiniBatch(sh.Constant(0.4), 2)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_channels_times_what_they_multiply_are_drift_and_noise(name: str) -> None:
    system: Any = sh.derive(*NETWORKS[name])
    found, sde = system.channels, additive.reduction_of(sde_of(system.field), system.parametrization).sde

    def total(table: dict[sp.Expr, sp.Expr]) -> sp.Expr:
        return sp.Add(*(factor * channel for channel, factor in table.items()))

    waves = {
        channel: sum(f * sp.exp(k * xi + m * alpha) for (k, m), f in terms.items())
        for channel, terms in found.terms.items()
    }
    drift = total(found.constant) + total(found.slope) * xi + total(waves)
    gaps = (total(found.level) - sde.drift[0], drift - sde.drift[1], 2 * total(found.spread) - sde.covariance[1, 1])
    for gap in gaps:
        assert sp.simplify(sp.expand(sp.powsimp(sp.expand(gap)))) == 0
    held = {*found.level, *found.constant, *found.slope, *found.spread, *found.terms}
    assert found.names[0] == 1
    assert set(found.names) == held | {sp.S.One}
    assert len(found.names) == len(set(found.names))
    moving = set().union(*(e.free_symbols for e in found.names))
    tables = (found.level, found.constant, found.slope, found.spread, *found.terms.values())
    factors = [f for table in tables for f in table.values()]
    assert not moving & set().union(*(f.free_symbols for f in factors))
    assert all(f != 0 for f in factors)


def test_averages_that_are_added_are_one() -> None:
    A, B, C, E, m = sp.symbols("A B C E m", real=True)
    given = (
        Family((m,), (lam,), (m,), {}),
        tuple(Average(name, e) for name, e in ((A, lam * u**2), (B, lam * u * v), (C, lam * v**2), (E, u - v))),
        (Scalar(risk, (A - 2 * B + C) / 2 + a), Scalar(gamma, c * (A - C) * sp.exp(B - A) + 3 * E)),
        (ScalarState(m, 6 * B - 3 * A - 3 * C + m * (C - 2 * B + A), sp.S.One),),
        {"risk": risk, "none": a + 1, "one": 2 * A},
    )
    family, reductions, scalars, states, outputs = joined(given)
    names = {r.name: r.summand for r in reductions}
    assert family == given[0]
    for new, old in zip((*(x.expression for x in scalars), *(x.rhs for x in states), *outputs.values()),
                        (*(x.expression for x in given[2]), *(x.rhs for x in given[3]), *given[4].values()),
                        strict=True):  # fmt: skip
        put = {r.name: r.summand for r in given[1]}
        gap = (new.subs(names) - old.subs(put)).subs({u: R(2, 3), v: R(-1, 5), lam: R(3, 2), m: R(1, 7), a: 1, c: 2})
        assert abs(gap.evalf(20)) < 1e-15
    (square,) = [name for name, e in names.items() if sp.expand(e - lam * (u - v) ** 2) == 0]
    assert scalars[0].expression == square / 2 + a
    assert sp.expand(states[0].rhs - (m - 3) * square) == 0
    assert names[square] == lam * (u - v) ** 2  # factored, so that it keeps its digits
    assert E in names


# --- reductions of a network ----------------------------------------------------------------------------------
@pytest.mark.parametrize("parametrization", [sh.PRODUCT, sh.SQUARES], ids=["product", "squares"])
def test_forms_are_what_their_logarithms_say(parametrization: Any) -> None:
    found = reduce(parametrization)
    sides = (side_w * sp.exp(alpha + xi), side_z * sp.exp(alpha - xi))
    for form, side in zip(found.forms, sides, strict=True):
        assert sp.expand(form.subs(found.inverse) - side) == 0
    theta = parametrization.effective.subs(found.inverse)
    assert sp.expand(sp.powsimp(sp.expand(theta)) - found.effective) == 0
    assert set(found.inverse) == {u, v}


def test_a_reduction_that_does_not_return_the_coordinate_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    sde = additive.coordinate_sde(sh.PRODUCT)
    wrong = SimpleNamespace(drift=sp.S.One, noise=[sp.S.Zero])
    monkeypatch.setattr(additive, "ito_formula", lambda *_: wrong)
    with pytest.raises(ArithmeticError, match="Itô's formula does not return the SDE of u; gaps"):
        additive.reduction_of.__wrapped__(sde, sh.PRODUCT)
    exact = additive.ito_formula
    assert exact(None, None) is wrong


def test_two_random_numbers_a_step_have_no_density() -> None:
    for field in (SimpleNamespace(noise=None), SimpleNamespace(noise=sp.eye(2))):
        whole: Any = SimpleNamespace(scalars=(Scalar(gamma, a), Scalar(risk, c)), **vars(field))
        with pytest.raises(NoReduction, match="draws more than one random number of its own"):
            sde_of(whole)


def test_what_is_known_of_a_field_is_put_in() -> None:
    one = sp.Symbol("one")
    field: Any = SimpleNamespace(
        coordinates=(u, v), drift=(gamma * u * one, v * gradient_noise), noise=sp.Matrix([gamma, gradient_noise]),
        scalars=(Scalar(one, R(3, 2)), Scalar(gradient_noise, 2 * c + 2 * a), Scalar(risk, a + c), Scalar(gamma, a)),
    )  # fmt: skip
    found = sde_of(field)
    assert found == ItoSDE((u, v), (a * u * R(3, 2), 2 * risk * v), sp.Matrix([a, 2 * risk]))
    field.scalars = (*field.scalars[:1], Scalar(gradient_noise, 2 * c + a), field.scalars[2], Scalar(gamma, R(1, 2)))
    kept = sde_of(field)
    assert kept.drift == (gamma * u * R(3, 2), gradient_noise * v)  # a rate in numbers stays


def test_least_squares_alone_has_twice_the_risk_for_its_noise() -> None:
    for problem, rule, twice in (
        (sh.least_squares(0.3), sh.Constant(1), True), (sh.huber(1, 0.3), sh.Constant(1), False),
        (sh.least_squares(sh.Laplace(1)), sh.Constant(1), True), (sh.least_squares(), sh.StochasticPolyak(), False),
        (sh.phase_retrieval(), sh.Constant(1), False),
    ):  # fmt: skip
        assert gradient_noise_is_twice_the_risk(sh.derive(problem, rule).field) is twice


def test_equations_of_a_density_by_name() -> None:
    """Of least squares six; of others also the scalars, memories and averages by which the classes meet."""
    plain: Any = sh.derive(*NETWORKS["least squares"])
    assert plain.plain
    assert len(density_equations(plain)) == 6
    step, noise = plain.numbers()
    assert (step, noise) == pytest.approx((0.4, 0.3))
    assert float(plain.noise_square.subs(plain.parameters)) == pytest.approx(0.09)
    decay: Any = sh.derive(*NETWORKS["decay"])
    assert not decay.plain
    memory = str(decay.states[0].name)
    more = density_equations(decay)[6:]
    names = [str(e.lhs) for e in more]
    assert sum(name.startswith("Derivative") for name in names) == 1
    assert any(memory in name for name in names if name.startswith("Derivative"))
    assert "R(t)" not in names
    assert str(gamma) in names
    assert len(names) == len(set(names))
    law = decay.balance_law
    rate = -law.rhs / law.lhs.args[0]
    values = {s: R(1, 2) for s in rate.free_symbols} | {f: R(1, 2) for f in rate.atoms(sp.core.function.AppliedUndef)}
    assert float(rate.subs(values)) > 0
    other: Any = sh.derive(*NETWORKS["Huber"])
    for ask in (other.numbers, lambda: other.noise_square):
        with pytest.raises(ValueError, match=r"is not least squares at a constant rate|is no square of the residual"):
            ask()


def test_the_balance_of_products_and_squares_decays_as_written_by_hand() -> None:
    """``d(u² - v²)/dt = -2γ²λR (u² - v²)``, and with weight decay κ at rate γ also ``-2γκ``."""
    g, k, lev = sp.symbols("g k R", positive=True)
    for rule, extra in ((sh.Constant(g), 0), (sh.WeightDecay(sh.Constant(g), k), 2 * g * k)):
        system: Any = sh.derive(sh.least_squares(0, sh.PRODUCT), rule)
        law = system.balance_law
        rate = sp.simplify(-law.rhs / law.lhs.args[0]).subs(sp.Function("R")(t), lev).subs(sp.Function("gamma")(t), g)
        by_name = {s: {"g": g, "k": k}.get(s.name, s) for s in rate.free_symbols}
        assert sp.expand(rate.subs(by_name) - 2 * g**2 * lam * lev - extra) == 0


def test_a_law_of_the_density_averages_by_its_share() -> None:
    system: Any = sh.derive(*NETWORKS["least squares"])
    risk_of = system.risk_equation
    assert risk_of.lhs == sp.Function("R")(t)
    inner = next(iter(risk_of.rhs.atoms(sp.Integral))).function
    p = sp.Function("p")(t, xi)
    theta = system.reduction.effective.subs(alpha, sp.Function("alpha")(t))
    values: dict[Any, Any] = {xi: R(1, 3), side_w: 1, side_z: -1, lam: R(3, 2), sp.Function("alpha")(t): R(1, 5)}
    aim = next(s for s in inner.free_symbols if "theta" in s.name)
    hand = lam * (theta - aim) ** 2
    gap = ((inner / p) - hand).subs(values).subs(aim, R(2, 7))
    assert abs(float(gap.evalf(20))) < 1e-15
    rest = risk_of.rhs.subs(dict.fromkeys(risk_of.rhs.atoms(sp.Function("Sum_classes")(1).func), 0))
    assert float(rest) == pytest.approx(0.045)
    half = risk_of.rhs.coeff(next(iter(risk_of.rhs.atoms(sp.Function("Sum_classes")(1).func))))
    assert half == R(1, 2)
