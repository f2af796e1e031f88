"""Laws of the label noise: moments, averages over mixtures by a second route, draws, refusals."""

import mpmath
import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.mixture import mixing_rule
from symhigh.derivation.growth import growth
from symhigh.derivation.mixture import MixtureMean, mixed
from symhigh.derivation.statistics import statistics
from symhigh.notation import latex
from symhigh.problem.noise import MIXING, NORMAL, SCALE, UNIFORMS, NoiseLaw
from symhigh.symbols import B11, B12, B22, eps

LAWS = {
    "Rademacher": (sh.Rademacher(0.7), 0.7**2),
    "Laplace": (sh.Laplace(0.7), 2 * 0.7**2),
    "Student": (sh.StudentT(5, 0.7), 0.7**2 * 5 / 3),
    "contaminated": (sh.Contaminated(sh.Gaussian(0.3), sh.StudentT(3, 0.5), 0.1), 0.9 * 0.09 + 0.1 * 0.75),
}
POINT = {B11: sp.Rational(6, 5), B12: sp.Rational(2, 5), B22: sp.Rational(9, 10)}


@pytest.mark.parametrize("name", LAWS)
def test_least_squares_needs_the_variance_alone(name: str) -> None:
    """``h = (Q + Var ε)/2`` and ``I = 2h``, in closed form for every law."""
    law, variance = LAWS[name]
    stats = statistics(sh.least_squares(law).outcomes, law.components)
    assert not stats.risk.has(MixtureMean)
    values = POINT | law.values
    assert float(stats.risk.subs(values)) == pytest.approx((1.3 + variance) / 2, rel=1e-12)
    assert float(stats.gradient_noise.subs(values)) == pytest.approx(1.3 + variance, rel=1e-12)


@pytest.mark.parametrize("name", LAWS)
def test_draws_have_the_law(name: str) -> None:
    """E cos(fε + 1) of 10⁶ draws against the mixture's, within five standard errors at three frequencies."""
    law, _ = LAWS[name]
    rng = np.random.default_rng(3)
    arguments = {NORMAL: rng.standard_normal(10**6), **{u: rng.random(10**6) for u in UNIFORMS}}
    draw = sp.lambdify(list(arguments), law.draw.subs(law.values), "numpy")
    sample = draw(*arguments.values())
    for frequency in (0.5, 1.0, 3.0):
        expected = 0.0
        for c in law.components:
            p, m, v = (
                sp.lambdify(MIXING, e.subs(law.values), "mpmath")
                for e in (c.probability, c.centre, c.variance)
            )
            density = sp.lambdify(MIXING, c.density, "mpmath")

            def weighted(s, m=m, v=v, density=density, f=frequency):  # type: ignore[no-untyped-def]
                return mpmath.cos(f * m(s)) * mpmath.exp(-v(s) * f**2 / 2) * density(s)

            value = weighted(1) if c.density == 1 else mpmath.quad(weighted, [0, 0.1, 1, 10, 1e3, mpmath.inf])
            expected += float(p(1) * value)
        waves = np.cos(frequency * sample + 1)
        assert abs(waves.mean() - np.cos(1) * expected) < 5 * waves.std() / 1e3


def test_huber_under_laplace_noise_by_direct_integration() -> None:
    """c₁ = P(|r| < c), with r = normal + Laplace, integrated over ε instead of over its variance."""
    problem = sh.huber(0.8, sh.Laplace(0.7))
    stats = statistics(problem.outcomes, problem.law.components)
    found = float(sp.N(stats.c1.subs(POINT | problem.values), 15))
    root = mpmath.sqrt(1.3)

    def inside(e: mpmath.mpf) -> mpmath.mpf:
        return (
            (mpmath.ncdf((0.8 + e) / root) - mpmath.ncdf((-0.8 + e) / root)) * mpmath.exp(-abs(e) / 0.7) / 1.4
        )

    assert found == pytest.approx(
        float(mpmath.quad(inside, [-mpmath.inf, -0.8, 0, 0.8, mpmath.inf])), rel=1e-10
    )


@pytest.mark.parametrize("law", [sh.Laplace(1), sh.StudentT(1.5), sh.StudentT(2.1), sh.StudentT(60)], ids=str)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_mixing_rule_integrates_to_rounding(law: NoiseLaw, scale: float) -> None:
    """A bounded function with a feature at any scale of s, against mpmath in log s."""
    (component,) = law.components
    density = sp.lambdify(MIXING, component.density, "mpmath")
    s, weights = mixing_rule(component.density)
    found = float((weights / np.sqrt(1 + s / scale)).sum())
    in_logarithm = lambda u: mpmath.exp(u) * density(mpmath.exp(u)) / mpmath.sqrt(1 + mpmath.exp(u) / scale)  # noqa: E731
    exact = mpmath.quad(in_logarithm, [-60, -20, -10, -5, -2, 0, 2, 5, 10, 20, 60, 120])
    assert found == pytest.approx(float(exact), rel=1e-12)


def test_mixture_mean_differentiates_under_the_integral() -> None:
    node = MixtureMean(sp.sqrt(B11 + SCALE * MIXING), sp.exp(-MIXING))
    assert sp.diff(node, B11) == MixtureMean(1 / (2 * sp.sqrt(B11 + SCALE * MIXING)), sp.exp(-MIXING))
    assert node.free_symbols == {B11, SCALE}
    assert MixtureMean(SCALE * MIXING, sp.exp(-MIXING)).subs(SCALE, 2).evalf() == pytest.approx(2)
    assert node.evalf() == node


def test_moments_of_a_mixing_law_are_closed_where_they_exist() -> None:
    """Of Student's law with three degrees of freedom the variance, 3, and not the fourth moment."""
    (component,) = sh.StudentT(3).components
    found = mixed(2 * MIXING**2 + B11 * MIXING + 5, component)
    (rest,) = found.atoms(MixtureMean)
    assert rest == MixtureMean(MIXING**2, component.density)
    assert sp.simplify(found - 2 * rest - 3 * B11 - 5) == 0


@pytest.mark.parametrize(
    ("power", "expr"), [(2, eps**2 + eps), (1, sp.sqrt(1 + (sh.x - eps) ** 2)), (0, sp.tanh(eps))]
)
def test_growth(power: int, expr: sp.Expr) -> None:
    assert growth(expr) == power


def test_integrals_are_printed_with_the_parentheses_that_they_need() -> None:
    """A sum inside is multiplied by the density as a whole, and a power is one of the whole integral."""
    a, law = sp.Symbol("a", positive=True), sp.exp(-MIXING)
    mean = MixtureMean(a + sp.erf(MIXING), law)
    integral = r"\int_0^\infty \left(a + \operatorname{erf}{\left(s \right)}\right)\, e^{- s}\, ds"
    assert latex(mean) == integral
    assert latex(1 + 2 * mean) == f"2 {integral} + 1"
    assert latex(mean**2) == rf"\left({integral}\right)^{{2}}"
    assert "(a" not in latex(MixtureMean(a * sp.erf(a * MIXING), law))


def test_infinite_variance_is_refused_where_it_matters() -> None:
    with pytest.raises(ValueError, match=r"infinite for the loss .* grows like \|eps\|\^2 .* below 2 exist"):
        sh.derive(sh.least_squares(sh.StudentT(2)), sh.Constant(1))
    assert sh.derive(sh.huber(1, sh.StudentT(1.5)), sh.Constant(1)).scalars
    with pytest.raises(ValueError, match="risk E f is infinite"):
        sh.derive(sh.huber(1, sh.StudentT(1)), sh.Constant(1))
    for law in (sh.Laplace(1), sh.StudentT(5)):
        with pytest.raises(ValueError, match="grows exponentially in eps; use Gaussian"):
            sh.derive(sh.Problem(sp.exp(sh.x - eps), law), sh.Constant(1))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: sh.Laplace(-1), ValueError, "scale must be > 0"),
        (lambda: sh.StudentT(0), ValueError, "dof must be"),
        (lambda: sh.Gaussian(-1), ValueError, "sigma must be >= 0"),
        (lambda: sh.Contaminated(sh.Gaussian(1), sh.Laplace(1), 1), ValueError, "share must be < 1"),
        (lambda: sh.Contaminated(1, sh.Laplace(1), 0.5), TypeError, "clean must be"),
        (lambda: sh.least_squares("heavy"), TypeError, "noise must be"),
    ],
)
def test_refusals(make, error, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=message):
        make()


def test_a_gaussian_law_is_its_standard_deviation() -> None:
    assert sh.least_squares(sh.Gaussian(0.5)) == sh.least_squares(0.5)
