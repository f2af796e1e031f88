"""Steps, residuals, memories and outputs on inputs made by hand: values by quadrature, and what is refused by name."""

from __future__ import annotations

import itertools
import math
from types import SimpleNamespace
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import sympy as sp
from scipy.stats import multivariate_normal, norm

import symhigh as sh
from symhigh.derivation import nodes, scaling
from symhigh.derivation.cells import Cell
from symhigh.derivation.entry import ENTRY, hermite_mean, power_mean
from symhigh.derivation.entry import over_entry as averaged
from symhigh.derivation.invariance import differences
from symhigh.derivation.kicks import kicks_of, signs_squared
from symhigh.derivation.mean_field import mean_field
from symhigh.derivation.one_step import DELTA, Stein, _joined, _leading, _signs_apart, one_step, shared
from symhigh.derivation.reduction import reduce_to_error
from symhigh.derivation.residual import _P, _R, Residual, _laurent, _Law, _linear_forms, of_residual
from symhigh.derivation.state import state
from symhigh.derivation.statistics import Sample, effective, in_pieces
from symhigh.meanfield import Family, Scalar
from symhigh.meanfield import Reduction as Average
from symhigh.symbols import (
    B11,
    B12,
    B22,
    D2,
    V11,
    V12,
    V22,
    X_STAR,
    G,
    X,
    c1,
    c2,
    d,
    distance,
    error_square,
    g,
    gamma,
    gradient_noise,
    gradient_square,
    lam,
    risk,
    sample_loss,
    xi,
)  # fmt: skip
from symhigh.symbols import (
    norm as norm_,
)
from tests.derivation.stated import Stated

R = sp.Rational
u = sp.Symbol("u", positive=True)
a, b = sp.symbols("a b", positive=True)
SQUARE = sh.least_squares(R(3, 10))


# --- moments on a cell of the residual --------------------------------------------------------------------------
ENDS = [(0, sp.oo), (0, R(3, 2)), (R(1, 2), 2), (R(3, 4), sp.oo)]


@pytest.mark.parametrize(("low", "high"), ENDS)
@pytest.mark.parametrize("side", [1, -1])
def test_moments_on_a_cell_against_quadrature(low: Any, high: Any, side: int) -> None:
    P = R(7, 5)
    cell = Cell(side, u, sp.sympify(low), sp.sympify(high), sp.S.One)
    below = [-2, -4] if low else []
    places = [float(low), *([2, 5, 20] if high == sp.oo else [float(high)])]
    for centre, powers in ((R(3, 10), range(6)), (R(-6, 5), range(4)), (sp.S.Zero, [0, 1, 2, 5, *below])):
        law = _Law(centre)
        density = lambda x, c=float(centre): math.exp(-((side * x - c) ** 2) / 2.8) / math.sqrt(2.8 * math.pi)  # noqa: E731
        for n in powers:
            exact = mp.fp.quad(lambda x, n=n, p=density: x**n * p(x), places)
            assert float(law._moment(n, cell).subs(_P, P)) == pytest.approx(exact, rel=1e-9), (centre, n)
            whole = law.mean(Cell(side, u, cell.low, cell.high, 3 * u**n))
            assert float(whole.subs(_P, P).evalf(15)) == pytest.approx(3 * exact, rel=1e-9)
        node = law._node(Cell(side, u, cell.low, cell.high, sp.exp(-u) * u))
        exact = mp.fp.quad(lambda x, p=density: x * math.exp(-x) * p(x), places)
        assert float(node.subs(_P, P).evalf(12)) == pytest.approx(exact, rel=1e-8)


def test_laurent_polynomials_by_power() -> None:
    assert _laurent(3 * u**2 - a / u + 5, u) == {2: 3, -1: -a, 0: 5}
    assert _laurent((u + a) ** 2, u) == {2: 1, 1: 2 * a, 0: a**2}
    for form in (sp.sqrt(u), sp.exp(u), 1 / (1 + u)):
        assert _laurent(form + u, u) is None


def test_functions_of_one_linear_form() -> None:
    x, y, z = sp.symbols("x1 x2 y1", real=True)
    law = sp.Matrix([[2, R(1, 2), 0], [R(1, 2), 1, R(-1, 3)], [0, R(-1, 3), 3]])
    found = of_residual(sp.Abs(x - 2 * y + z - 3 * sh.eps) ** 3, (x, y, z), law)
    assert found is not None
    w = np.array([float(v) for v in (*found.weights, found.noise)])
    assert w / w[0] == pytest.approx([1, -2, 1, -3])
    v = sp.Matrix(found.weights)
    assert sp.simplify((v.T * law * v)[0] - found.spread) == 0
    at = {x: R(3, 7), y: R(-2, 5), z: R(5, 3), sh.eps: R(1, 9)}
    value = sum(c * at[s] for c, s in zip((*found.weights, found.noise), (x, y, z, sh.eps), strict=True))
    assert found.form.subs(_R, value) == (sp.Abs(x - 2 * y + z - 3 * sh.eps) ** 3).subs(at)
    assert of_residual(x * (x - y), (x, y, z), law) is None
    alone = of_residual(sp.cos(y), (x, y, z), law)
    assert alone is not None
    assert (alone.weights, alone.spread, alone.noise) == ((0, 1, 0), 1, 0)
    forms = _linear_forms(sp.sin(x + y) * (x + y + z + 2) * sp.exp(a * x), (x, y, z))
    assert forms[0] in (x + y + z, x + y)
    assert len(forms[0].args) == 3
    assert a not in set().union(*(f.free_symbols for f in forms))
    assert isinstance(found, Residual)


# --- the entry and the normals of a step ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("term", "mean"),
    [(ENTRY**4, 3 * a**2), (ENTRY**3, 0), (sp.Abs(ENTRY), sp.sqrt(2 * a / sp.pi)), (sp.sign(ENTRY), 0), (sp.S(5), 5),
     (sp.sign(ENTRY) * ENTRY, sp.sqrt(2 * a / sp.pi)), (sp.sign(ENTRY) ** 2, 1), (b * sp.Abs(ENTRY) * ENTRY**2, None),
     (sp.sign(ENTRY) * ENTRY**2, 0), (sp.Abs(ENTRY) ** R(1, 2), None), (sp.S.Zero, 0),
     (b * sp.sign(ENTRY) ** 3 * ENTRY, None)],
    ids=str,
)  # fmt: skip
def test_averages_of_powers_signs_and_sizes(term: sp.Expr, mean: Any) -> None:
    found = power_mean(term, ENTRY, a, "rule")
    if mean is not None:
        assert sp.simplify(found - mean) == 0
    values = {a: R(7, 5), b: 2}
    f = sp.lambdify(ENTRY, term.subs(values), "mpmath")
    exact = mp.quad(lambda x: f(x) * mp.npdf(x, 0, mp.sqrt(mp.mpf(7) / 5)), [-14, -3, 0, 3, 14])
    assert float(found.subs(values)) == pytest.approx(float(exact), abs=1e-12)


def test_what_has_no_average_over_the_entry() -> None:
    for term in (sp.sin(ENTRY), sp.exp(ENTRY), ENTRY ** R(1, 3), sp.sign(ENTRY - 1)):
        with pytest.raises(ValueError, match=r"rule own: no average of .* is known; powers, signs and abs"):
            power_mean(term, ENTRY, a, "own")
    for n in range(5):
        f = sp.sign(ENTRY) * (1 + ENTRY**2)
        u_ = ENTRY / sp.sqrt(lam)
        hermite = [sp.S.One, u_, u_**2 - 1, u_**3 - 3 * u_, u_**4 - 6 * u_**2 + 3][n]
        g_ = sp.lambdify(ENTRY, (f * hermite).subs(lam, 2), "mpmath")
        exact = mp.quad(lambda x, g_=g_: g_(x) * mp.npdf(x, 0, mp.sqrt(2)), [-16, -3, 0, 3, 16]) / mp.mpf(2) ** (n / 2)
        assert float(hermite_mean(f, n, "rule").subs(lam, 2)) == pytest.approx(float(exact), abs=1e-10)
    z = sp.Symbol("z", real=True)
    F = [sp.Function(f"F_{k}", real=True)(z) for k in range(3)]
    bounded = [sp.Max(-1, sp.Min(1, ENTRY * f)) for f in F]
    assert averaged(bounded[0] * bounded[1], "own")
    with pytest.raises(ValueError, match=r"rule own: its step holds .*, a function of the gradients of three students"):
        averaged(sp.Mul(*bounded), "own")
    one, batch = (state(SQUARE, rule)[0] for rule in (sh.Constant(1), sh.MiniBatch(sh.Constant(1), 3)))
    assert [shared(phi, one) for phi in (sp.S.One, ENTRY, ENTRY**2, sp.sign(ENTRY))] == [1] * 4
    assert [shared(phi, batch) for phi in (sp.S.One, ENTRY)] == [1, 1]
    assert shared(ENTRY**2, batch) == 1 / batch.batch
    with pytest.raises(ValueError, match="which for a mean over several samples is not a function of each"):
        shared(sp.sign(ENTRY), batch)


def test_leading_orders_and_signs_of_products() -> None:
    assert _leading(1 / (a + DELTA * b)) == 1 / a
    assert _leading(DELTA / (DELTA + DELTA**2 * b)) == 1
    assert _leading((a + DELTA) ** 2) == (a + DELTA) ** 2
    s, t = sp.symbols("s t", real=True)
    assert _signs_apart(sp.sign(s * t) * s) == sp.sign(s) * sp.sign(t) * s
    assert _signs_apart(sp.sign(s + t)) == sp.sign(s + t)
    assert signs_squared(sp.sign(s) ** 2 * t + sp.sign(s) ** 3) == t + sp.sign(s)
    assert signs_squared(s**2) == s**2


def test_a_rate_of_the_sample_joins_the_gradient() -> None:
    s, _ = state(SQUARE, sh.StochasticPolyak(2, R(7, 10)))
    (gradient,), rate = s.gradients, sp.Symbol("rate")
    assert _joined(-g * gradient * a + b, s, rate) == -gradient * a + b
    assert _joined(g**2 * gradient**2, s, rate) == gradient**2
    assert _joined(g * X * a, s, rate) == rate * X * a
    assert _joined(g**3 * X, s, rate) == rate**3 * X
    for bad in (g * gradient**2, gradient, g**2 * gradient, g * sp.sign(gradient), sp.sin(g)):
        with pytest.raises(ValueError, match="such a rate may only multiply the gradient, as in X - g/d"):
            _joined(bad, s, rate)


# --- the random parts of a step ---------------------------------------------------------------------------------
def test_waves_of_a_rate_of_the_sample_on_the_weights() -> None:
    """``X → X - g/d (G + κ X)``: a product with the target moves with g alone, one with itself also with F²."""
    rule = sh.WeightDecay(sh.StochasticPolyak(2, R(7, 10)), R(3, 10))
    s, _ = state(SQUARE, rule)
    found = kicks_of(s)
    (F,), (kappa,) = found.step.slopes, [v for v in rule.values if v.name == "kappa"]
    assert found.product(X, X_STAR) == {found.step.rate: -kappa * X * X_STAR}
    own = found.product(X, X)
    assert {k: sp.expand(v) for k, v in own.items()} == {found.step.rate: -2 * kappa * X**2, F**2: lam}
    assert found.rated
    assert not kicks_of(state(SQUARE, sh.StochasticPolyak(2, R(7, 10)))[0]).rated


def test_what_a_step_draws_itself_is_a_kick_of_its_own() -> None:
    s, _ = state(SQUARE, sh.NoisyGradient(sh.Constant(R(1, 2)), R(7, 10)))
    found = kicks_of(s)
    entries = {k.entry for k in found.parts}
    assert ENTRY in entries
    assert any(e.has(*s.normals) for e in entries)
    r = next(i for i, k in enumerate(found.parts) if k.entry == ENTRY)
    assert found.reach(r) == lam
    for i, k in enumerate(found.parts):
        if i != r:
            assert found.reach(i) == 0
            assert found.meeting(i, r) == 0
            assert found.meeting(i, i) != 0, k


def test_drifts_of_a_step_of_signs_and_of_its_own_noise() -> None:
    """``E sign(a) F`` to order δ: ``√(2λ/π) π_p E ∂_p ψ``; noise of the step adds its square to the covariance."""
    s, _ = state(SQUARE, Stated({X: X - g / d * sp.sign(G) + 2 * xi / d}))
    found = one_step(s)
    square = sp.expand(found.covariance[X, X])
    assert square.subs(gamma, 0) == 4
    assert sp.degree(square, gamma) == 2
    assert sp.expand(found.drift[X].subs(dict.fromkeys((X, X_STAR), 0))) == 0
    factors = {sp.expand(found.drift[X]).coeff(f) / v for f, v in zip(sorted(found.drift[X].atoms(Stein), key=str),
                                                                      (X, X_STAR), strict=True)}  # fmt: skip
    assert {sp.simplify(f + gamma * sp.sqrt(2 * lam / sp.pi)) for f in factors} == {0}


# --- refusals of a mean field -----------------------------------------------------------------------------------
def test_a_rate_of_infinite_mean_may_only_multiply_the_gradient() -> None:
    rate = sp.sqrt(d / gradient_square) / 9
    with pytest.raises(ValueError, match=r"the mean of its rate .* is infinite, and so is what a step does in prop"):
        sh.derive(SQUARE, sh.WeightDecay(Stated(speed=rate), R(1, 5)))
    assert sh.derive(SQUARE, Stated(speed=rate)).scalar("gamma") is sp.oo


def test_scalars_that_learn_have_no_target() -> None:
    scale = sp.Symbol("scale", real=True)
    problem = sh.Problem((scale * sh.x - sh.x_star) ** 2 / 2, learnt={scale: 1})
    with pytest.raises(ValueError, match="its step looks at X_star, which a scalar that learns"):
        sh.derive(problem, Stated({X: X - g / d * (G - X_STAR)}))


def test_batches_of_scalars_that_learn() -> None:
    scale = sp.Symbol("scale", real=True)
    problem = sh.Problem((scale * sh.x - sh.x_star) ** 2 / 2, learnt={scale: 1})
    rules = sh.Constant(R(1, 2)), sh.MiniBatch(sh.Constant(R(1, 2)), 3)
    one, many = (sh.derive(problem, rule).states[0].rhs for rule in rules)
    assert one == many  # the mean of a mean
    with pytest.raises(ValueError, match=r"its step is not linear in the gradient|not a function of each"):
        sh.derive(problem, sh.MiniBatch(sh.SignSGD(1), 3))


def test_predictions_made_elsewhere_have_one_name_a_pair() -> None:
    """Of a rule that takes the gradient beside its iterate the student's covariances are computed, the target's not."""
    s, _ = state(SQUARE, sh.ScheduleFree(R(1, 2), R(9, 10)))
    assert s.effective != s.learnt
    names = [x.name.name for x in mean_field(s).scalars]
    assert len(names) == len(set(names))
    assert {"B11", "B12"} <= set(names)
    assert "B22" not in names


# --- outputs ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("labels", [[1, -1], [-1, 1]])
def test_how_often_a_sign_is_not_the_label(labels: list[int]) -> None:
    mu = sp.Symbol("mu", real=True)
    shares = [R(1, 4), R(3, 4)]
    loss = sp.log(1 + sp.exp(-sh.y * sh.x))
    system = sh.derive(sh.Problem(loss, data=sh.Mixture(shares, [mu, -2 * mu], labels)), sh.Constant(1))
    wrong = system.unfolded(system.outputs["zero_one_error"])
    names = {s.name: s for s in wrong.free_symbols}
    spread = next(s for n, s in names.items() if n.startswith("B"))
    at = {s: R(3, 10) for n, s in names.items() if s != spread} | {spread: R(9, 4)}
    full = wrong.subs(at)
    means = [0.3, -0.6] if len(at) == 2 else None
    if means is not None:
        exact = sum(float(p) * norm.cdf(-y * m / 1.5) for p, y, m in zip(shares, labels, means, strict=True))
        assert float(full) == pytest.approx(exact)
    assert wrong.subs(spread, 0) == sp.S.Half


@pytest.mark.parametrize("count", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_how_often_the_largest_output_is_anothers(count: int) -> None:
    means = sp.symbols(f"m_1:{count + 1}", real=True)
    shares = [R(1, 2), R(1, 2)] if count == 2 else [R(1, 2), R(3, 10), R(1, 5)]
    system = sh.derive(sh.softmax(count, sh.Mixture(shares, means)), sh.Constant(1))
    wrong = system.unfolded(system.outputs["zero_one_error"])
    rng = np.random.default_rng(count)
    root = rng.standard_normal((2 * count, 2 * count))
    B = root @ root.T / count
    at: dict[Any, Any] = {}
    for s in wrong.free_symbols:
        p, q = (int(n) - 1 for n in s.name.split("_")[1:])
        at[s] = sp.Float(B[p, q])
    value = float(wrong.subs(at).evalf(12))
    exact = 0.0
    shift = {s.name: float(v) for s, v in at.items()}
    for k, share in enumerate(shares):
        mean = np.array([shift[f"N_{p + 1}_{count + k + 1}"] for p in range(count)])
        others = [p for p in range(count) if p != k]
        D = np.array([[float(i == k) - float(i == p) for i in range(count)] for p in others])
        cov = D @ B[:count, :count] @ D.T
        right = norm.cdf(D @ mean / np.sqrt(cov[0, 0]))[0] if count == 2 else multivariate_normal.cdf(D @ mean, cov=cov)
        exact += float(share) * (1 - right)
    assert value == pytest.approx(exact, abs=2e-5)


def test_other_labels_have_no_error_rate() -> None:
    mu = sp.Symbol("mu", real=True)
    for labels in ([1, 2], [0, 1], [1, 1]):
        data = sh.Mixture([R(1, 2), R(1, 2)], [mu, -mu], labels)
        system = sh.derive(sh.Problem((sh.x - sh.y) ** 2 / 2, data=data), sh.Constant(1))
        assert "zero_one_error" not in system.outputs


# --- differences of predictions ---------------------------------------------------------------------------------
def test_losses_of_differences_lose_one_prediction_of_each_group() -> None:
    x1, x2, x3, y1, y2 = names = sp.symbols("x1 x2 x3 y1 y2", real=True)
    law = sp.ImmutableMatrix(5, 5, lambda i, j: R(3 if i == j else 1, 2 + abs(i - j)))
    for loss, lost in (
        ((x1 - x2) ** 2 + sp.cos(x2 - x3), (x3,)), ((x1 - x2) ** 2 + x3**2, ()),
        ((x1 - x3) ** 4 * (y1 - y2) ** 2, (x3, y2)),
        ((x1 - 2 * x2 + x3) ** 2 * sp.exp(y1 - y2), (x3, y2)), ((x1 - y1) ** 2 + (x2 - y2) ** 2 + x3**2, ()),
        ((y1 - y2) * x1, (y2,)), (x1 - x2 + sp.S.One, (x3,)),
    ):  # fmt: skip
        s: Any = SimpleNamespace(
            students=(x1, x2, x3), aims=(y1, y2), outcomes=(SimpleNamespace(loss=loss, probability=sp.S.One),)
        )
        found = differences.__wrapped__(s, Sample((x1, x2, x3), (y1, y2), law))
        assert set(found.lost) == set(lost), loss
        if not lost:
            assert found.sample.law == law
            continue
        assert found.of(loss) == loss.xreplace(dict.fromkeys(lost, sp.S.Zero))
        kept = [z for z in names if z not in lost]
        turn = sp.zeros(len(kept), 5)
        for i, z in enumerate(kept):
            turn[i, names.index(z)] = 1
            group = (x1, x2, x3) if z in (x1, x2, x3) else (y1, y2)
            if group[-1] in lost:
                turn[i, names.index(group[-1])] = -1
        assert sp.Matrix(found.sample.law) == turn * sp.Matrix(law) * turn.T
        assert found.sample.directions == tuple(kept)


# --- nodes, quotients and pieces --------------------------------------------------------------------------------
def test_few_predictions_are_averaged_at_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "long", lambda system: True)
    for students, teachers, taken in ((2, 2, True), (3, 1, True), (3, 2, False), (2, 3, False)):
        system = sh.derive(sh.committee(students, teachers, "linear", R(1, 2)), sh.Constant(1))
        assert nodes.at_nodes(system) is taken
    monkeypatch.undo()
    two, three = (sh.derive(sh.committee(k, 1, "erf"), sh.Constant(1)) for k in (1, 2))
    assert not nodes.long(two)
    assert nodes.long(three)
    assert not nodes.long(sh.derive(sh.committee(2, 2, "linear"), sh.Constant(1)))


def test_conjugated_quotients_are_the_quotient() -> None:
    x = sp.Symbol("x", real=True)
    root = sp.sqrt(1 + x**2)
    for quotient in (
        (6 * a * root - 6 * a) / (x**2 * (b + x**2)), (2 * root - 2 - x**2) / x**4, (a * root - a) / x,
        (3 * a * b * root - 3 * a * b) / (x**2 * (1 + x)), (root + x) / (1 + x), (root * (1 + x) - 1 - x) / x**2,
    ):  # fmt: skip
        found = scaling.conjugated(quotient)
        for at in (R(3, 7), R(-11, 5)):
            put = {x: at, a: R(5, 3), b: R(7, 4)}
            assert abs((found - quotient).subs(put).evalf(25)) < 1e-20


def test_rates_in_pieces_meet_slopes_in_the_same_pieces_only() -> None:
    x = sh.x
    factor = sp.Piecewise((a, x > 1), (b, True))
    pieces = [((x, x > 1), (x**2, True)), ((x, x > 2), (x**2, True)), ((x, x > 1), (x**2, x > 0), (1, True))]
    for slope in (*(sp.Piecewise(*p) for p in pieces), sp.Piecewise((x, x < 1), (x**2, True)), x**3):
        found = effective(factor, slope)
        for at in (R(-1, 2), R(1, 2), R(3, 2), R(5, 2)):
            assert found.subs(x, at) == (factor * slope).subs(x, at)
    joint = effective(factor, sp.Piecewise((x, x > 1), (x**2, True)))
    assert joint.args[0] == (a * x, x > 1)
    folded = in_pieces(sp.Max(0, 1) * sp.Piecewise((x, x > 0), (0, True)) + 1)
    assert folded == sp.Piecewise((x + 1, x > 0), (1, True))


# --- reductions to the error ------------------------------------------------------------------------------------
def parts(slope: sp.Expr, extra: dict[str, sp.Expr], second: sp.Expr | None = None) -> Any:
    first = -2 * gamma * lam * (c1 * V11 + c2 * V12) + gamma**2 * lam * gradient_noise
    rhs = (first, -gamma * lam * (c1 * V12 + c2 * V22))
    scalars = (Scalar(c1, slope), Scalar(c2, -slope if second is None else second), Scalar(gradient_noise, 2 * risk),
               Scalar(risk, (B11 - 2 * B12 + B22) / 2), Scalar(gamma, a))  # fmt: skip
    averages = tuple(Average(name, e) for name, e in (
        (B11, lam * V11), (B12, lam * V12), (B22, lam * V22), (norm_, V11), (distance, V11 - 2 * V12 + V22),
    ))  # fmt: skip
    family = Family((V11, V12), (lam, V22), rhs, {V11: X**2, V12: X * X_STAR, V22: X_STAR**2})
    return family, averages, scalars, (), extra


def test_one_state_a_mode_where_everything_closes_on_it() -> None:
    family, averages, scalars, states, outputs = reduce_to_error(*parts(sp.S.One, {"risk": risk, "norm": norm_}))
    assert family.states == (D2,)
    assert sp.expand(family.rhs[0] - (-2 * gamma * lam * c1 * D2 + gamma**2 * lam * gradient_noise)) == 0
    assert family.definitions == {D2: (X - X_STAR) ** 2}
    assert {x.name for x in scalars} == {c1, gradient_noise, risk, gamma}
    assert next(x.expression for x in scalars if x.name == risk) == error_square / 2
    assert set(outputs) == {"risk"}
    assert states == ()
    assert {r.name for r in averages} == {error_square}
    given = (sp.S.One, {"risk": risk}, sp.S.Zero), (1 + B11, {"risk": risk}), (1 / (1 + norm_), {})
    for kept in (parts(*each) for each in given):
        assert reduce_to_error(*kept)[0] is kept[0]
    moving = parts(1 / (1 + (B11 - 2 * B12 + B22)), {"risk": risk})
    assert reduce_to_error(*moving)[0].states == (D2,)


def test_losses_and_rates_that_see_the_sample_are_told() -> None:
    for rule, sampled in ((sh.Constant(1), False), (Stated(speed=sample_loss), True), (sh.StochasticPolyak(), True)):
        assert bool(state(SQUARE, rule)[0].sampled) is sampled
    names = [k for k, _ in itertools.groupby(str(s) for s in state(SQUARE, sh.Momentum(1, 2))[0].coordinates)]
    assert len(names) == 2
