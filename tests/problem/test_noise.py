"""Laws of the noise: the mixture that is averaged over and the draws are the law of SciPy's name."""

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import quad
from scipy.stats import kstest, laplace, norm, t

import symhigh as sh
from symhigh.problem.noise import MIXING, NORMAL, UNIFORMS, NoiseLaw

LAWS = {
    "Gaussian": (sh.Gaussian(0.7), norm(scale=0.7).cdf),
    "Rademacher": (sh.Rademacher(0.7), lambda a: np.where(a < -0.7, 0.0, np.where(a < 0.7, 0.5, 1.0))),
    "Laplace": (sh.Laplace(0.7), laplace(scale=0.7).cdf),
    "Student": (sh.StudentT(5, 0.7), t(5, scale=0.7).cdf),
    "Student of 1.5": (sh.StudentT(1.5), t(1.5).cdf),
    "contaminated": (
        sh.Contaminated(sh.Gaussian(0.3), sh.Laplace(2), 0.1),
        lambda a: 0.9 * norm(scale=0.3).cdf(a) + 0.1 * laplace(scale=2).cdf(a),
    ),
}


def below(law: NoiseLaw, level: float) -> float:
    """``P(ε ≤ level)`` from the components: one integral over the mixing variance."""
    total = 0.0
    for c in law.components:
        parts = (c.probability, c.centre, c.variance, c.density)
        p, centre, variance, density = (e.xreplace(law.values) for e in parts)
        if density == 1:
            scale = float(sp.sqrt(variance)) or 1e-300  # a point
            share = norm.cdf(level, float(centre), scale)
        else:
            pair = sp.lambdify(MIXING, (density, sp.sqrt(variance)))
            value = lambda s, pair=pair: pair(s)[0] * norm.cdf(level / pair(s)[1])  # noqa: E731
            share = quad(value, 0, 1)[0] + quad(value, 1, np.inf)[0]
        total += float(p) * share
    return total


@pytest.mark.parametrize("name", LAWS)
def test_the_mixture_is_the_law(name: str) -> None:
    law, distribution = LAWS[name]
    for level in (-2.1, -0.69, 0.1, 0.71, 3.0):
        assert below(law, level) == pytest.approx(float(distribution(level)), abs=1e-8)


@pytest.mark.parametrize("name", LAWS)
def test_draws_have_the_law(name: str) -> None:
    """Kolmogorov and Smirnov over 4000 draws; by chance one in 10⁶ would fail."""
    law, distribution = LAWS[name]
    rng = np.random.default_rng(3)
    symbols = (NORMAL, *UNIFORMS)
    given = (rng.standard_normal(4000), *rng.uniform(size=(3, 4000)))
    draws = np.asarray(sp.lambdify(symbols, law.draw.xreplace(law.values), "numpy")(*given))
    if name == "Rademacher":
        assert set(draws) == {0.7, -0.7}
        assert abs((draws > 0).mean() - 0.5) < 5 * 0.5 / np.sqrt(4000)
    else:
        assert kstest(draws, distribution).pvalue > 1e-6


def test_moments_that_exist() -> None:
    assert [c.order for c in sh.StudentT(5).components] == [5]
    assert [c.order for c in sh.Contaminated(sh.Gaussian(1), sh.StudentT(3), 0.1).components] == [sp.oo, 3]
    assert sh.StudentT(sp.Rational(5, 2)).dof == sp.Rational(5, 2)
    assert sh.StudentT(2.5).dof == sp.Rational(5, 2)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: sh.Gaussian(-1), ValueError, r"Gaussian\(sigma=-1\): sigma must be >= 0"),
        (lambda: sh.Rademacher(0), ValueError, r"Rademacher\(scale=0\): scale must be > 0"),
        (lambda: sh.Laplace(0), ValueError, r"Laplace\(scale=0\): scale must be > 0"),
        (lambda: sh.StudentT(0), ValueError, r"StudentT\(dof=0\): dof must be"),
        (lambda: sh.Contaminated(sh.Gaussian(1), 2, 0.1), TypeError, "outliers must be Gaussian, Rademacher"),
        (lambda: sh.Contaminated(sh.Contaminated(sh.Gaussian(1), sh.Laplace(1), 0.1), sh.Laplace(1), 0.1), TypeError,
         "clean must not be contaminated itself"),
        (lambda: sh.Contaminated(sh.Gaussian(1), sh.Laplace(1), 0), ValueError, "share must be > 0"),
    ],
)  # fmt: skip
def test_refusals(make, error: type, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=message):
        make()
