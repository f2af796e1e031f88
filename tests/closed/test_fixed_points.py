"""Fixed points of losses that see both overlaps: against hand computation, integration, a numeric search and SGD."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
import sympy as sp
from scipy.optimize import root

import symhigh as sh
from symhigh.closed.fixed_points import Plane
from symhigh.symbols import B11, B12

g, w = sp.symbols("g omega", positive=True)
ISOTROPIC = sh.Spectrum.isotropic()
NOISY_PHASE = sh.Problem((sh.x**2 - sh.x_star**2 - sh.eps) ** 2 / 4, noise=w)


def by_name(problem: sh.Problem, start: sh.Start | None = None) -> dict[str, list[sh.FixedPoint]]:
    points = sh.fixed_points(problem, sh.Constant(g), ISOTROPIC, start)
    return {name: list(group) for name, group in itertools.groupby(points, key=lambda q: q.name)}


def test_phase_retrieval_by_hand() -> None:
    """``ṁ = 3γ(1 - p)m``, ``ṗ = -2γ((3p - 1)p - 2m²) + γ²(15p³ - 6p² + 3p - 24pm² + 12m²)`` for B22 = 1."""
    found = by_name(sh.phase_retrieval(), sh.Start())
    root_ = sp.sqrt(9 - 12 * g - 36 * g**2)
    saddle, outer = found["no overlap"]
    assert sp.simplify(saddle.B11.expr - (3 * (1 + g) - root_) / (15 * g)) == 0
    assert sp.simplify(outer.B11.expr - (3 * (1 + g) + root_) / (15 * g)) == 0
    assert sp.simplify(saddle.eigenvalues[1].expr - 3 * g * (1 - saddle.B11.expr)) == 0
    assert {sp.expand(e.expr) for e in found["origin"][0].eigenvalues} == {3 * g, sp.expand(g * (2 + 3 * g))}
    for name, side in (("aligned", 1), ("opposed", -1)):
        (minimiser,) = found[name]
        assert (minimiser.B11.expr, minimiser.B12.expr, minimiser.risk.expr) == (1, side, 0)
        assert {sp.expand(e.expr) for e in minimiser.eigenvalues} == {-6 * g, sp.expand(-4 * g * (1 - 3 * g))}
    assert [q.stable(g=0.2) for q in (saddle, outer, *found["aligned"])] == [False, False, True]
    with pytest.raises(ValueError, match="is broken"):
        saddle.B11.evaluate(g=0.4)  # there is no saddle any more


def test_targets_of_a_sign_have_their_point() -> None:
    problem = sh.sign_regression(0.3)
    found = sh.fixed_points(problem, sh.Constant(0.2), sh.Spectrum.isotropic(), sh.Start(1, 1, 0.5))
    assert (found.complete, len(found)) == (True, 1)
    curve = sh.derive(problem, sh.Constant(0.2)).solve(sh.Spectrum.isotropic(), sh.Start(1, 1, 0.5), t_end=200.0)
    assert float(found[0].risk.evaluate()) == pytest.approx(curve.risk[-1], rel=1e-7)
    assert float(found[0].B12.evaluate()) == pytest.approx((2 / np.pi) ** 0.5)


def test_escape_and_threshold_come_out_of_limits() -> None:
    found = sh.limits(sh.phase_retrieval(), sh.Constant(g))
    assert (
        found["threshold"].expr.subs("B22", 1) == sp.Rational(1, 3)
        or sp.simplify(found["threshold"].expr * 3 * found["threshold"].symbols[0]) == 1
    )
    assert float(found["escape_rate"].evaluate(g=1e-9, B22=1)) == pytest.approx(2e-9, rel=1e-6)
    with pytest.raises(ValueError, match="is broken"):
        found["risk"].evaluate(g=0.34, B22=1)


@pytest.mark.parametrize(
    ("problem", "rate"),
    [
        (sh.phase_retrieval(), 0.15),
        pytest.param(sh.absolute_phase_retrieval(), 0.8, marks=pytest.mark.slow),
        pytest.param(NOISY_PHASE, 0.1, marks=pytest.mark.slow),
    ],
    ids=["phase", "absolute", "noisy"],
)
def test_escape_rate_is_that_of_the_integrated_limit(problem: sh.Problem, rate: float) -> None:
    """From a start at the saddle with overlap 1e-8 the overlap's logarithm grows at the escape rate, to 1e-6."""
    if problem is NOISY_PHASE:
        problem = sh.Problem(problem.loss, noise=0.5)
    rule = sh.Constant(sp.Rational(str(rate)))
    exact = sh.limits(problem, rule, ISOTROPIC, sh.Start())
    saddle = next(
        q
        for q in sh.fixed_points(problem, rule, ISOTROPIC, sh.Start())
        if q.name == "no overlap" and sp.N(q.eigenvalues[1].expr - exact["escape_rate"].expr) == 0
    )
    start = sh.Start(x0=float(saddle.B11.evaluate()), x_star=1, overlap=1e-8)
    curve = sh.derive(problem, rule, reduce=False).solve(
        ISOTROPIC, start, 4.0, t=[1.0, 4.0], rtol=1e-12, atol=1e-18
    )
    speed = np.log(curve.outputs["overlap"][1] / curve.outputs["overlap"][0]) / 3.0
    assert speed == pytest.approx(float(exact["escape_rate"].evaluate()), rel=1e-6)
    assert curve.risk[0] == pytest.approx(float(exact["saddle_risk"].evaluate()), rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problem", "rate"),
    [
        (sh.phase_retrieval(), 0.2),
        (sh.hermite_student(2, 0.3), 0.1),
        (sh.hermite_student(3, 0.1), 0.02),
        (sh.absolute_phase_retrieval(), 0.8),
        (sh.erf_student(), 1.0),
        (sh.relu_student(), 1.3),
    ],
    ids=lambda v: getattr(v, "name", v),
)
def test_rest_and_rate_are_those_of_the_integrated_limit(problem: sh.Problem, rate: float) -> None:
    rule, begin = sh.Constant(sp.Rational(str(rate))), sh.Start(x0=1.2, x_star=1, overlap=0.9)
    found = sh.limits(problem, rule, ISOTROPIC, begin)
    speed = float(found["rate"].evaluate())
    times = [t / speed for t in (12.0, 15.0, 60.0)]
    curve = sh.derive(problem, rule, reduce=False).solve(
        ISOTROPIC, begin, times[-1], t=times, rtol=1e-12, atol=1e-14
    )
    rest = float(found["risk"].evaluate())
    assert curve.risk[-1] == pytest.approx(rest, rel=1e-8, abs=1e-10)
    gap = np.abs(curve.risk[:2] - rest)
    assert np.log(gap[0] / gap[1]) * speed / 3.0 == pytest.approx(speed, rel=2e-2)


@pytest.mark.slow
@pytest.mark.parametrize(
    "problem",
    [sh.phase_retrieval(), sh.hermite_student(2, 0.3), sh.hermite_student(3), sh.absolute_phase_retrieval()],
    ids=lambda p: p.name,
)
def test_no_fixed_point_is_missed(problem: sh.Problem) -> None:
    """Newton's method from a grid of overlaps ends at the points found, for rate 1/50, and nowhere else."""
    rule = sh.Constant(sp.Rational(1, 50))
    known = [
        (float(q.B11.evaluate()), float(q.B12.evaluate()))
        for q in sh.fixed_points(problem, rule, ISOTROPIC, sh.Start())
        if _exists(q)
    ]
    plane = Plane(sh.derive(problem, rule, reduce=False), ISOTROPIC, sh.Start())
    flow = sp.lambdify((B11, B12), [f.subs(plane.values) for f in plane.flow], "numpy")
    ends = set()
    for p, correlation in itertools.product((0.05, 0.3, 0.9, 1.1, 3.0), (-0.9, -0.4, 0.0, 0.1, 0.5, 0.9)):
        with np.errstate(all="ignore"):
            found = root(lambda v: flow(*v), [p, correlation * np.sqrt(p)], tol=1e-13)
        a, b = found.x
        if found.success and 0 < a < 20 and b**2 < a * (1 - 1e-9) and np.abs(flow(a, b)).max() < 1e-12:
            ends.add((round(a, 6), round(b, 6)))
    assert ends
    for end in ends:
        assert min(np.hypot(end[0] - p, end[1] - m) for p, m in known) < 2e-6, end


def _exists(point: sh.FixedPoint) -> bool:
    try:
        point.B11.evaluate()
    except ValueError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problem", "rate"), [(sh.phase_retrieval(), 0.1), (sh.absolute_phase_retrieval(), 0.8)]
)
def test_sgd_leaves_the_saddle_at_the_escape_rate(problem: sh.Problem, rate: float) -> None:
    """From the saddle with overlap 0.02, SGD's mean overlap at d = 10⁶ grows as the linearised limit says."""
    rule = sh.Constant(rate)
    points = [
        q
        for q in sh.fixed_points(problem, rule, ISOTROPIC, sh.Start())
        if q.name == "no overlap" and _exists(q)
    ]
    saddle = min(points, key=lambda q: q.B11.evaluate())
    speed = float(saddle.eigenvalues[1].evaluate())
    start = sh.Start(x0=float(saddle.B11.evaluate()), x_star=1, overlap=0.02)
    runs = sh.simulate(
        problem, rule, ISOTROPIC, start, 10**6, 0.8 / speed, 24, method="gram", t=[0.0, 0.8 / speed]
    )
    grown = runs.outputs["overlap"][:, 1] / runs.outputs["overlap"][:, 0]
    error = grown.std(ddof=1) / np.sqrt(grown.size)
    assert abs(grown.mean() - np.exp(0.8)) < 4 * error + 0.01


RULES = [sh.AdaGrad(1, 1), sh.RMSprop(0.2, 1, 1), sh.Momentum(0.2, 1), sh.Averaged(sh.Constant(0.2))]


@pytest.mark.parametrize("rule", RULES, ids=lambda r: type(r).__name__)
@pytest.mark.parametrize("problem", [sh.phase_retrieval(), sh.least_squares(0.3)], ids=lambda p: p.name)
def test_rules_with_states_of_their_own_have_no_point_in_two_overlaps(problem: sh.Problem, rule: sh.Rule) -> None:
    """A mode of theirs has cells or further vectors, which a point in B11 and B12 leaves open."""
    with pytest.raises(ValueError, match=r"fixed_points: a mode of it has \w+.* too; use Constant"):
        sh.fixed_points(problem, rule)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="learning rate moves"):
        sh.fixed_points(sh.phase_retrieval(), sh.AdaGradNorm(1, 1))
    with pytest.raises(ValueError, match="2 eigenvalues"):
        sh.fixed_points(sh.phase_retrieval(), sh.Constant(1), sh.Spectrum.from_eigenvalues([1, 2]))
    with pytest.raises(ValueError, match="without closed form"):
        sh.fixed_points(sh.logistic_regression(), sh.Constant(1))
    with pytest.raises(ValueError, match="no stable fixed point"):
        sh.limits(sh.probit_regression(sampled=True), sh.Constant(1))


@pytest.mark.parametrize(
    ("problem", "place"),
    [
        (sh.relu_student(0.5), (1.07989991, 0.99472275)),
        (sh.erf_student(0.5), (1.31507575, 1.1131875)),
    ],
    ids=["relu", "erf"],
)
def test_students_with_label_noise_rest_off_the_lines_of_symmetry(problem, place) -> None:
    """Against known values, and against where the integrated limit comes to rest."""
    points = sh.fixed_points(problem, sh.Constant(0.5), ISOTROPIC, sh.Start())
    (point,) = points
    assert point.name == "aligned"
    assert (float(point.B11.evaluate()), float(point.B12.evaluate())) == pytest.approx(place, abs=6e-9)
    assert point.stable()
    curve = sh.derive(problem, sh.Constant(0.5), reduce=False).solve(
        ISOTROPIC, sh.Start(0.5, 1, 0.5), 600.0, rtol=1e-10
    )
    assert curve.norm[-1] == pytest.approx(place[0], rel=1e-6)
    assert curve.overlap[-1] == pytest.approx(place[1], rel=1e-6)
    assert float(point.risk.evaluate()) == pytest.approx(curve.risk[-1], rel=1e-6)
    assert not points.complete
    assert "others may exist" in repr(points)


def test_the_limits_of_a_student_with_label_noise() -> None:
    found = sh.limits(sh.relu_student(0.5), sh.Constant(0.5), ISOTROPIC, sh.Start())
    curve = sh.derive(sh.relu_student(0.5), sh.Constant(0.5)).solve(
        ISOTROPIC, sh.Start(0.5, 1, 0.5), 200.0, rtol=1e-10, until="steady"
    )
    assert float(found["risk"].evaluate()) == pytest.approx(curve.risk[-1], rel=1e-6)


def test_points_whose_assumptions_the_numbers_break_are_left_out() -> None:
    """Absolute phase retrieval at γ = 1/2: the outer point without overlap would have a negative radius."""
    points = sh.fixed_points(
        sh.absolute_phase_retrieval(), sh.Constant(sp.Rational(1, 2)), ISOTROPIC, sh.Start()
    )
    assert [q.name for q in points] == ["no overlap", "aligned", "opposed"]
    for point in points:
        point.B11.evaluate()


def test_a_list_says_whether_it_is_complete() -> None:
    whole = sh.fixed_points(sh.phase_retrieval(), sh.Constant(0.1), ISOTROPIC, sh.Start())
    assert whole.complete
    assert "partial" not in repr(whole)
    open_ = sh.fixed_points(sh.relu_student(w), sh.Constant(g))
    assert not open_.complete
    assert "give numbers" in open_.message
    again = pickle.loads(pickle.dumps(open_))
    assert (again.message, list(again)) == (open_.message, list(open_))


def test_stable_is_strictly_inside() -> None:
    def point(trace: float, determinant: float) -> sh.FixedPoint:
        zero, *both = (sh.Formula(sp.sympify(e)) for e in (0, trace, determinant))
        return sh.FixedPoint("x", zero, zero, zero, (zero, zero), *both)

    cases = {(-1, 1): True, (0, 1): False, (-1, 0): False, (1, 1): False, (-1, -1): False}
    assert {at: point(*at).stable() for at in cases} == cases


def test_assumptions_are_of_what_is_in_doubt() -> None:
    found = by_name(sh.phase_retrieval())
    (origin,) = found["origin"]
    assert [str(r) for r in origin.B11.assumptions] == ["B22 > 0"]
    assert len(found["no overlap"][0].B11.assumptions) > 1
    given = by_name(sh.phase_retrieval(), sh.Start())["aligned"][0].B11.assumptions
    assert all(r.free_symbols for r in given)


def test_several_directions_need_more_than_a_start() -> None:
    with pytest.raises(ValueError, match="several directions, which overlap in more than a plane"):
        sh.fixed_points(sh.committee(2, 1, "linear"), sh.Constant(0.1), ISOTROPIC, sh.Start())
