"""Every loss: its golden answers, Stein's coefficients by a second route, singular covariances, refusals."""

import math

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.kernels import limit_kernels
from symhigh.codegen.target import NUMPY
from symhigh.derivation.statistics import statistics
from symhigh.problem.losses.classification import FLIP
from symhigh.problem.losses.robust import HUBER_THRESHOLD, LEVEL
from symhigh.symbols import B11, B12, B22, omega

POINT = {
    B11: sp.Rational(6, 5),
    B12: sp.Rational(2, 5),
    B22: sp.Rational(9, 10),
    omega: sp.Rational(1, 2),
    HUBER_THRESHOLD: sp.Rational(4, 5),
    LEVEL: sp.Rational(1, 3),
    FLIP: sp.Rational(1, 10),
}
RHO = B12 / sp.sqrt(B11 * B22)
Q = B11 - 2 * B12 + B22

LOSSES = {
    "least squares": sh.least_squares(1),
    "probit": sh.probit_regression(),
    "probit, sampled": sh.probit_regression(sampled=True),
    "phase retrieval": sh.phase_retrieval(),
    "absolute phase retrieval": sh.absolute_phase_retrieval(),
    "ReLU student": sh.relu_student(1),
    "erf student": sh.erf_student(1),
    "tanh student": sh.tanh_student(1),
    "sign regression": sh.sign_regression(1),
    "Hermite student": sh.hermite_student(3, 1),
    "Huber": sh.huber(1, 1),
    "pseudo-Huber": sh.pseudo_huber(1, 1),
    "quantile": sh.quantile(0.3, 1),
    "hinge": sh.hinge(0.1),
    "squared hinge": sh.squared_hinge(0.1),
    "logistic": sh.logistic_regression(),
    "logistic, sampled": sh.logistic_regression(sampled=True),
}


def at(expr: sp.Expr, point: dict[sp.Symbol, sp.Expr] = POINT) -> float:
    return float(sp.N(expr.subs(point), 20))


class OneMode:
    """The generated right-hand side of a loss for one mode of eigenvalue one, whose moments are B itself."""

    def __init__(self, problem: sh.Problem) -> None:
        self.system = sh.derive(problem, sh.Constant(1), reduce=False)
        self.kernels = limit_kernels(self.system, NUMPY)
        self.par = np.array([float(POINT.get(p, 1)) for p in self.system.parameters])

    def at(self, b11: float, b12: float, b22: float) -> tuple[float, np.ndarray]:
        """The risk and ``(dV11/dt, dV12/dt)``."""
        y, dy, out = np.array([b11, b12]), np.zeros(2), np.zeros(len(self.system.outputs))
        const, w, coef = np.zeros(len(self.system.reductions)), np.ones(1), np.array([[1.0], [b22]])
        self.kernels.prepare(self.par, coef, w, const)
        self.kernels.rhs(0.0, y, dy, self.par, coef, w, const)
        self.kernels.observe(0.0, y, out, self.par, coef, w, const)
        return out[0], dy


@pytest.mark.parametrize("name", LOSSES)
def test_steins_coefficients_are_derivatives_of_the_risk(name: str) -> None:
    """``c₁ B12 + c₂ B22 = 2B12 ∂h/∂B11 + B22 ∂h/∂B12`` (Price), the right side by differences of order four."""
    mode = OneMode(LOSSES[name])
    b11, b12, b22 = (float(POINT[s]) for s in (B11, B12, B22))
    step, weights = 0.01, {-2: 1, -1: -8, 1: 8, 2: -1}
    by_11 = sum(w * mode.at(b11 + k * step, b12, b22)[0] for k, w in weights.items()) / (12 * step)
    by_12 = sum(w * mode.at(b11, b12 + k * step, b22)[0] for k, w in weights.items()) / (12 * step)
    assert -mode.at(b11, b12, b22)[1][1] == pytest.approx(2 * b12 * by_11 + b22 * by_12, abs=2e-6)


@pytest.mark.parametrize(
    "name", ["absolute phase retrieval", "ReLU student", "quantile", "hinge", "sign regression"]
)
def test_slopes_that_jump_agree_with_their_moments(name: str) -> None:
    """Dirac measures at the jumps against ``(c1, c2) = B⁻¹ (E x f', E x* f')``, which needs f' alone."""
    from symhigh.derivation.statistics import mean_over_sample

    problem = LOSSES[name]
    stats = statistics(problem.outcomes)
    slope = sp.Add(*(o.probability * sp.diff(o.loss, sh.x) for o in problem.outcomes))
    first, second = mean_over_sample(sh.x * slope), mean_over_sample(sh.x_star * slope)
    moments = sp.Matrix([[B11, B12], [B12, B22]]).inv() * sp.Matrix([first, second])
    assert at(stats.c1) == pytest.approx(at(moments[0]), rel=1e-12)
    assert at(stats.c2) == pytest.approx(at(moments[1]), rel=1e-12)


GOLDEN = {
    ("probit", "c1"): 1 / sp.sqrt(2 * sp.pi * (1 + B11)),
    ("probit", "c2"): -1 / sp.sqrt(2 * sp.pi * (1 + B22)),
    ("probit", "gradient_noise"): (
        sp.asin(B11 / (1 + B11))
        + sp.asin(B22 / (1 + B22))
        - 2 * sp.asin(B12 / sp.sqrt((1 + B11) * (1 + B22)))
    )
    / (2 * sp.pi),
    ("phase retrieval", "risk"): (3 * B11**2 - 2 * B11 * B22 - 4 * B12**2 + 3 * B22**2) / 4,
    ("absolute phase retrieval", "risk"): (B11 + B22) / 2
    - 2 / sp.pi * (sp.sqrt(B11 * B22 - B12**2) + B12 * sp.asin(RHO)),
    ("ReLU student", "risk"): B11 / 4
    + B22 / 4
    + omega**2 / 2
    - (sp.sqrt(B11 * B22 - B12**2) + B12 * (sp.pi - sp.acos(RHO))) / (2 * sp.pi),
    ("erf student", "risk"): omega**2 / 2
    + (
        sp.asin(B11 / (1 + B11))
        + sp.asin(B22 / (1 + B22))
        - 2 * sp.asin(B12 / sp.sqrt((1 + B11) * (1 + B22)))
    )
    / sp.pi,
    ("sign regression", "risk"): (B11 + 1 + omega**2) / 2 - sp.sqrt(2 / sp.pi) * B12 / sp.sqrt(B22),
    ("sign regression", "c1"): sp.S.One,
    ("sign regression", "c2"): -sp.sqrt(2 / (sp.pi * B22)),
    ("quantile", "risk"): sp.sqrt((Q + omega**2) / (2 * sp.pi)),
    ("quantile", "c1"): 1 / sp.sqrt(2 * sp.pi * (Q + omega**2)),
    ("quantile", "gradient_noise"): LEVEL**2 - LEVEL + sp.S.Half,
    ("pseudo-Huber", "gradient_noise"): HUBER_THRESHOLD**2
    * (
        1
        - sp.sqrt(sp.pi / 2)
        * (HUBER_THRESHOLD / sp.sqrt(Q + omega**2))
        * sp.exp(HUBER_THRESHOLD**2 / (Q + omega**2) / 2)
        * sp.erfc(HUBER_THRESHOLD / sp.sqrt(2 * (Q + omega**2)))
    ),
    ("hinge", "c2"): -(1 - 2 * FLIP)
    * sp.sqrt(2 / (sp.pi * B22))
    * (1 + sp.erf(1 / sp.sqrt(2 * (B11 - B12**2 / B22))))
    / 2,
}


@pytest.mark.parametrize(("name", "what"), GOLDEN)
def test_golden_answers(name: str, what: str) -> None:
    problem = LOSSES[name]
    found = getattr(statistics(problem.outcomes, problem.law.components), what)
    assert at(found) == pytest.approx(at(GOLDEN[name, what]), rel=1e-13)


@pytest.mark.parametrize(
    "name", ["absolute phase retrieval", "sign regression", "squared hinge", "least squares"]
)
def test_noise_of_the_gradient_is_twice_the_risk(name: str) -> None:
    """``f'² = 2f`` for a square of a kinked residual whose slope has size one or none."""
    stats = statistics(LOSSES[name].outcomes)
    assert at(stats.gradient_noise) == pytest.approx(2 * at(stats.risk), rel=1e-10)


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_hermite_students_are_orthonormal(degree: int) -> None:
    stats = statistics(sh.hermite_student(degree).outcomes)
    assert sp.expand(stats.risk.subs({B11: 1, B22: 1}) - (1 - B12**degree + omega**2 / 2)) == 0


def test_pseudo_huber_tends_to_least_squares() -> None:
    stats = statistics(LOSSES["pseudo-Huber"].outcomes)
    far = POINT | {HUBER_THRESHOLD: sp.Integer(10) ** 4}
    assert at(stats.gradient_noise, far) == pytest.approx(at(Q + omega**2, far), rel=1e-6)
    assert at(stats.c1, far) == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "c2"),
    [
        ("probit", -1 / math.sqrt(2 * math.pi * 1.9)),
        ("quantile", -1 / math.sqrt(2 * math.pi * 1.15)),
        ("hinge", -0.8 * math.sqrt(2 / (math.pi * 0.9))),
        ("squared hinge", -0.8 * math.sqrt(2 / (math.pi * 0.9))),
        ("Huber", -math.erf(0.8 / math.sqrt(2 * 1.15))),
    ],
)
def test_start_at_zero(name: str, c2: float) -> None:
    """At X₀ = 0, where B is singular, the limit's right-hand side is finite; c₂ there by hand."""
    _, drift = OneMode(LOSSES[name]).at(0.0, 0.0, 0.9)
    assert drift[1] == pytest.approx(-0.9 * c2, rel=1e-9)
    assert np.isfinite(drift).all()


R = sh.x - sh.x_star


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (sh.student(sp.sign).loss, "it jumps as x varies, so it has no first derivative"),
        (sp.Piecewise((R**2, R < 1), (2, True)), "it jumps as x varies, so it has no first derivative"),
        (sp.Piecewise((1, sh.x * sh.x_star < 0), (0, True)), "it jumps as x varies"),
        (sp.floor(R) ** 2, "no first derivative in x, by which SGD could move"),
        (sp.Mod(sh.x, 1), "no first derivative in x"),
        (sp.DiracDelta(R), "no first derivative in x"),
        (sp.sqrt(sp.Abs(R)), r"grows like \|u\|\^-0.5 where u = x - x_star vanishes, so E f'\^2 is infinite"),
        (sp.log(sp.Abs(R)), r"grows like \|u\|\^-1 where u"),
        (1 / sh.x**2, r"grows like \|u\|\^-3 where u = x vanishes"),
        (sp.tan(R), r"grows like \|u\|\^-2 where u"),
    ],
)
def test_losses_without_a_slope_are_refused(loss: sp.Expr, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sh.derive(sh.Problem(loss), sh.Constant(1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sh.quantile(1.5), "q must be < 1"),
        (lambda: sh.hinge(0.5), "flip must be < 1/2"),
        (lambda: sh.hermite_student(0), "degree must be >= 1"),
        (lambda: sh.pseudo_huber(0), "c must be > 0"),
    ],
)
def test_refusals(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        make()


def test_links_are_functions() -> None:
    with pytest.raises(TypeError, match="functions of a SymPy expression"):
        sh.student("tanh")
