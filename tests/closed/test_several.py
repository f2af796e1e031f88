"""Where committees rest, and the plateau before: against integrated limits, Saad and Solla's equations, 30 digits."""

import itertools
import pickle
from functools import lru_cache

import mpmath
import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.formulas import Formulas
from tests.derivation.test_several import saad_solla

X, Y = sp.symbols("x_1 x_2", real=True), sp.symbols("y_1 y_2", real=True)
ISOTROPIC, TWO = sh.Spectrum.isotropic(), sh.Spectrum.from_eigenvalues([1.5, 0.5])
START = sh.Overlaps([[0.25, 0.05, 0.1, 0], [0.05, 0.25, 0, 0.1], [0.1, 0, 1, 0], [0, 0.1, 0, 1]])
g = sp.Symbol("g", positive=True)
PAIRS = list(itertools.combinations_with_replacement(range(2), 2)) + list(itertools.product((0, 1), (2, 3)))


def committee(noise: float = 0) -> sh.MultiIndex:
    unit = [sp.erf(u / sp.sqrt(2)) for u in (*X, *Y)]
    return sh.MultiIndex(X, Y, (unit[0] + unit[1] - unit[2] - unit[3] - sh.eps) ** 2 / 2, noise)


def distinct(noise: float = 0) -> sh.MultiIndex:
    """Two units of different kinds: Hermite polynomials of degree three and two."""
    parts = [f(v) for f, v in zip((lambda u: u**3 - 3 * u, lambda u: u**2) * 2, (*X, *Y), strict=True)]
    return sh.MultiIndex(X, Y, (parts[0] + parts[1] - parts[2] - parts[3] - sh.eps) ** 2 / 2, noise)


@lru_cache(maxsize=1)
def found() -> Formulas:
    return sh.limits(committee(), sh.Constant(g))


def by_hand(eta: mpmath.mpf, level: mpmath.mpf, *overlaps: mpmath.mpf) -> list[mpmath.mpf]:
    """The equations of Saad and Solla for orthonormal targets, and what label noise of that level adds."""
    C = np.array([[mpmath.mpf(i == j) for j in range(4)] for i in range(4)], dtype=object)
    for (p, q), value in zip(PAIRS, overlaps, strict=True):
        C[p, q] = C[q, p] = value
    rates = saad_solla(C, eta, mpmath)
    for p, q in PAIRS[:3]:
        root = mpmath.sqrt((1 + C[p, p]) * (1 + C[q, q]) - C[p, q] ** 2 if p != q else 1 + 2 * C[p, p])
        rates[p, q] += (eta * level) ** 2 * 2 / mpmath.pi / root
    return [rates[pair] for pair in PAIRS]


def jacobian(eta: mpmath.mpf, level: mpmath.mpf, at: list[mpmath.mpf]) -> mpmath.matrix:
    rates = lru_cache(lambda *u: by_hand(eta, level, *u))  # the rows ask at the same points
    return mpmath.matrix([
        [mpmath.diff(lambda *u, k=k: rates(*u)[k], tuple(at), tuple(int(i == j) for i in range(7)))
         for j in range(7)]
        for k in range(7)
    ])  # fmt: skip


TARGET = [mpmath.mpf(v) for v in (1, 0, 1, 1, 0, 0, 1)]


@pytest.mark.slow
@pytest.mark.parametrize("eta", ["2.1"])
def test_decay_at_the_target_by_the_equations_of_saad_and_solla(eta: str) -> None:
    """The risk is linear in the second moments relative to the target, and quadratic in the overlaps."""
    with mpmath.workdps(40):
        values = sorted(-mpmath.re(e) for e in mpmath.eig(jacobian(mpmath.mpf(eta), 0, TARGET), right=False))
        hessian = (8 * mpmath.sqrt(3) - mpmath.sqrt(129)) / (18 * mpmath.pi) * mpmath.mpf(eta)
        assert min(abs(v - hessian) for v in values) < 1e-15
        expected = min(2 * hessian, min(v for v in values if abs(v - hessian) > 1e-9))
    assert found()["rate"].evaluate(25, g=sp.Rational(eta)) == pytest.approx(expected, rel=1e-14)


def test_threshold_by_the_equations_of_saad_and_solla() -> None:
    with mpmath.workdps(30):
        edge = found()["threshold"].evaluate(25)
        for side in (-1, 1):
            values = mpmath.eig(jacobian(edge * (1 + side * mpmath.mpf("1e-6")), 0, TARGET), right=False)
            assert (max(mpmath.re(e) for e in values) > 0) == (side == 1)
    with pytest.raises(ValueError, match="is broken"):
        found()["risk"].evaluate(g=2.4)


def test_the_plateau_of_saad_and_solla() -> None:
    """At small rates ε = (K/π)(π/6 - K arcsin 1/(2K)) and μ = (2/π) γ K/(√(2K-1) (2K+1)^{3/2}), K = 2."""
    K = sp.Integer(2)
    risk = K / sp.pi * (sp.pi / 6 - K * sp.asin(1 / (2 * K)))
    growth = 2 / sp.pi * g * K / (sp.sqrt(2 * K - 1) * sp.sqrt(2 * K + 1) ** 3)
    assert sp.simplify(found()["saddle_risk_small_rate"].expr - risk) == 0
    assert sp.simplify(found()["escape_rate_small_rate"].expr - growth) == 0


def test_the_plateau_at_a_finite_rate_by_hand() -> None:
    """A root of three equations with students apart, and the derivative along R11 - R12 - R21 + R22, to 25 digits."""
    with mpmath.workdps(30):
        eta = mpmath.mpf("0.5")

        def three(s: mpmath.mpf, C: mpmath.mpf, R: mpmath.mpf) -> list[mpmath.mpf]:
            rates = by_hand(eta, 0, C + s, C, C + s, R, R, R, R)
            return [(rates[0] - rates[1]) / s, rates[1], rates[3]]

        s, C, R = mpmath.findroot(three, (0.1, 0.33, 0.41))
        Q = C + s
        along = lambda s: by_hand(eta, 0, Q, C, Q, R + s, R - s, R - s, R + s)[3]  # noqa: E731
        growth = mpmath.diff(along, 0)
        root = 1 + Q
        risk = (2 * mpmath.asin(Q / root) + 2 * mpmath.asin(C / root) + mpmath.pi / 3) / mpmath.pi
        risk -= 8 * mpmath.asin(R / mpmath.sqrt(2 * root)) / mpmath.pi
        assert abs(found()["escape_rate"].evaluate(25, g=sp.S.Half) - growth) < 1e-22
        assert abs(found()["saddle_risk"].evaluate(25, g=sp.S.Half) - risk) < 1e-22


def test_runs_wait_on_the_plateau() -> None:
    """From a symmetric start, and leaving it at the escape rate, by the integrated limit."""
    near = [[0.435, 0.31, 0.426, 0.426], [0.31, 0.435, 0.426, 0.426], [0.426, 0.426, 1, 0], [0.426, 0.426, 0, 1]]
    even = np.array(near)
    odd = np.zeros((4, 4))
    odd[:2, 2:] = odd[2:, :2] = [[1, -1], [-1, 1]]
    system = sh.derive(committee(), sh.Constant(1.0))
    rest = system.solve(ISOTROPIC, sh.Overlaps(even), 400, t=[400], rtol=1e-11)
    assert rest.risk[-1] == pytest.approx(float(found()["saddle_risk"].evaluate(g=1)), rel=1e-5)
    leaving = system.solve(ISOTROPIC, sh.Overlaps(even + 1e-9 * odd), 240, t=[200, 240], rtol=1e-11).outputs
    apart = leaving["overlap_1_3"] - leaving["overlap_1_4"]
    growth = np.log(apart[1] / apart[0]) / 40
    assert growth == pytest.approx(float(found()["escape_rate"].evaluate(g=1)), rel=1e-3)


def test_floor_and_rate_under_label_noise_by_hand() -> None:
    """The risk shows deviations that are alike for both units at once, and the others squared."""
    limits = sh.limits(committee(0.1), sh.Constant(0.5), ISOTROPIC, START)
    with pytest.raises(KeyError, match="with label noise the edge of stability"):
        limits["threshold"]
    with mpmath.workdps(30):
        eta, level = mpmath.mpf("0.5"), mpmath.mpf("0.1")
        at = list(mpmath.findroot(lambda *u: by_hand(eta, level, *u), tuple(TARGET)))
        even = mpmath.matrix([[0] * 4 for _ in range(4)])
        for column, moved in enumerate(((0, 2), (1,), (3, 6), (4, 5))):
            along = lru_cache(lambda s, m=moved: by_hand(eta, level, *(v + s * (k in m) for k, v in enumerate(at))))
            for row, k in enumerate((0, 1, 3, 4)):
                even[row, column] = mpmath.diff(lambda s, k=k, f=along: f(s)[k], 0)
        slowest = min(-mpmath.re(e) for e in mpmath.eig(even, right=False))
        pairs = {**dict(zip(PAIRS, at, strict=True)), (2, 2): 1, (3, 3): 1, (2, 3): 0}
        risk = level**2 / 2
        for (p, q), c in pairs.items():
            sign, own = (1 if (p < 2) == (q < 2) else -1), (1 + pairs[p, p]) * (1 + pairs[q, q])
            risk += sign * (1 if p == q else 2) * mpmath.asin(c / mpmath.sqrt(own)) / mpmath.pi
        assert abs(limits["risk"].evaluate(25) - risk) < 1e-22
        assert abs(limits["rate"].evaluate(20) - slowest) < 1e-17


@pytest.mark.parametrize(("rule", "late"), [
    pytest.param(rule, late, marks=[] if k == 0 else pytest.mark.slow) for k, (rule, late) in enumerate((
        (sh.Constant(0.5), 1500), (sh.RMSpropNorm(0.5, 1, 0.5), 600), (sh.Momentum(0.8, 2), 700),
        (sh.MiniBatch(sh.Schedule(0.4 + 0.3 * sp.exp(-sh.t)), 2), 1500),
    ))
], ids=lambda x: type(x).__name__)  # fmt: skip
def test_floors_are_where_curves_rest(rule: sh.Rule, late: int) -> None:
    limits = sh.limits(committee(0.1), rule, TWO, START)
    curve = sh.derive(committee(0.1), rule).solve(TWO, START, late, t=[late], rtol=1e-9)
    assert curve.risk[-1] == pytest.approx(float(limits["risk"].evaluate()), rel=5e-6)
    assert curve.learning_rate[-1] == pytest.approx(float(limits["learning_rate"].evaluate()), rel=2e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    "rule", [sh.AdaGradNorm(1, 1), sh.Schedule(0.5 / sp.sqrt(1 + sh.t))], ids=lambda r: type(r).__name__
)
def test_rates_that_fall_for_ever(rule: sh.Rule) -> None:
    """The relative error falls like t^{-1/2}."""
    limits = sh.limits(committee(0.1), rule, ISOTROPIC, START)
    curve = sh.derive(committee(0.1), rule).solve(ISOTROPIC, START, 1e6, t=[1e6])
    assert limits["risk"].evaluate() == pytest.approx(0.005)
    for name, value in (("learning_rate", curve.learning_rate[-1]), ("excess_risk", curve.risk[-1] - 0.005)):
        assert value == pytest.approx(float(limits[f"{name}_asymptotic"].evaluate(t=1e6)), rel=1e-2)


def test_the_threshold_does_not_see_the_spectrum() -> None:
    """Second moments of all modes are alike at the threshold, which Tr(K)/d alone decides."""
    first, second = (sh.limits(distinct(), sh.Constant(g), s)["threshold"].evaluate() for s in (ISOTROPIC, TWO))
    assert second == pytest.approx(first, rel=1e-13)


@pytest.mark.parametrize(("problem", "rule", "reason"), [
    (distinct(), sh.AdaGradNorm(1, 1), "without label noise its memory"),
    (distinct(0.1), sh.LineSearch(), "learning rate follows averages of the state"),
    (distinct(), sh.WeightDecay(sh.Constant(0.5), 0.1), "do not rest at the target"),
    (distinct(), sh.Averaged(sh.Constant(0.5)), "average with a decay"),
    (distinct(), sh.Schedule(0.5 / (1 + sh.t)), "depends on the whole path"),
    (sh.MultiIndex(X, Y, (sum(X) - sum(Y) - sh.eps) ** 2 / 2, 0.1), sh.Constant(0.5), "not isolated"),
    (sh.MultiIndex(X, Y[:1], (sum(X) - Y[0]) ** 2 / 2), sh.Constant(0.5), r"more students \(2\) than targets"),
    (sh.MultiIndex(X, Y, (sp.tanh(sum(X)) - sp.tanh(sum(Y))) ** 2 / 2), sh.Constant(0.5), "without closed form"),
], ids=lambda x: type(x).__name__ if isinstance(x, sh.Rule) else None)  # fmt: skip
def test_what_is_not_known_is_refused_with_the_reason(problem: sh.Problem, rule: sh.Rule, reason: str) -> None:
    with pytest.raises(ValueError, match=f"several directions: .*{reason}"):
        sh.limits(problem, rule)


def test_a_missing_plateau_is_named_with_its_reason() -> None:
    limits = sh.limits(distinct(), sh.Constant(g))
    with pytest.raises(KeyError, match="exchanging two students changes the problem"):
        limits["escape_rate"]
    again = pickle.loads(pickle.dumps(limits))
    assert (again.missing, again["rate"]) == (limits.missing, limits["rate"])


def test_populations_that_do_not_fit_are_refused() -> None:
    with pytest.raises(TypeError, match="several directions: give Overlaps"):
        sh.limits(distinct(), sh.Constant(0.5), ISOTROPIC, sh.Start())
    with pytest.raises(TypeError, match="one direction: give a Start"):
        sh.limits(sh.least_squares(), sh.Constant(0.5), ISOTROPIC, START)
    with pytest.raises(ValueError, match="students first"):
        sh.limits(distinct(), sh.Constant(0.5), ISOTROPIC, sh.Overlaps(np.eye(3)))
    with pytest.raises(ValueError, match="at most 8"):
        sh.limits(distinct(), sh.Constant(0.5), sh.Spectrum.from_eigenvalues(np.linspace(1, 2, 9)))


def test_a_target_without_a_plateau_among_the_fixed_points() -> None:
    """The risk decays by one of its eigenvalues, or by twice one; the message says what is missing."""
    points = sh.fixed_points(distinct(), sh.Constant(sp.Rational(1, 200)))
    (target,) = points
    assert (target.name, points.complete) == ("target", False)
    assert "exchanging two students changes the problem" in points.message
    assert target.stable()
    decays = [-float(e.evaluate()) for e in target.eigenvalues]
    rate = float(sh.limits(distinct(), sh.Constant(sp.Rational(1, 200)))["rate"].evaluate())
    assert decays[0] < rate <= 2 * decays[0] * (1 + 1e-12)
    assert min(abs(rate / (k * decay) - 1) for decay in decays for k in (1, 2)) < 1e-12
    assert "target at 7 overlaps" in repr(points)


@pytest.mark.slow
def test_fixed_points_and_their_eigenvalues() -> None:
    """Target and plateau; one eigenvalue of the plateau grows, at the escape rate; the target's slowest by hand."""
    points = sh.fixed_points(committee(), sh.Constant(sp.Rational(1, 2)))
    target, plateau = points
    assert (target.name, plateau.name, points.complete) == ("target", "plateau", False)
    assert target.stable()
    assert not plateau.stable()
    ones = {"V_1_1", "V_1_3", "V_2_2", "V_2_4"}
    assert all(f.evaluate() == pytest.approx(float(name in ones)) for name, f in target.overlaps.items())
    growing = [float(f.evaluate()) for f in plateau.eigenvalues[:2]]
    assert growing[0] == pytest.approx(float(found()["escape_rate"].evaluate(g=sp.S.Half)), rel=1e-12)
    assert growing[1] < 0
    hessian = (8 * np.sqrt(3) - np.sqrt(129)) / (36 * np.pi)  # of E, even and odd
    assert [float(f.evaluate()) for f in target.eigenvalues[:2]] == pytest.approx([-hessian, -hessian], rel=1e-12)


@pytest.mark.parametrize("language", ["python", "c"])
def test_code_of_what_has_no_short_form_is_refused_in_words(language: str) -> None:
    limits = sh.limits(distinct(), sh.Constant(sp.Rational(1, 200)))
    with pytest.raises(ValueError, match=r"have no short form; use Formula\.evaluate"):
        getattr(limits["threshold"], language)()


def test_escape_of_a_committee_names_where_its_rate_is() -> None:
    with pytest.raises(ValueError, match=r"limits\(…\)\['escape_rate'\]"):
        sh.escape(distinct(), sh.Constant(0.5), ISOTROPIC, START)
