"""The neighbours' ledger ends as expected, and mistakes planted in its formulas are refuted."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.residual import grows_slower
from symhigh.ledger import PROVED, REFUTED, Claim, symbolic, verify

FOLDER = Path(__file__).resolve().parents[2] / "derivations" / "neighbours"


def module(name: str):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.mark.parametrize(
    "name",
    [
        "finite_d",
        pytest.param("marchenko_pastur", marks=pytest.mark.slow),
        pytest.param("clipped", marks=pytest.mark.slow),
    ],
)
def test_claims_end_as_expected(name: str) -> None:
    ledger = verify(FOLDER / f"{name}.py", quick=True, jobs=1)
    assert ledger.as_expected, str(ledger)
    assert len(ledger.rows) >= 3


@pytest.mark.parametrize("change", [1, sp.Rational(1, 2)])
def test_fourth_moments_matter(change) -> None:
    """Without the 1/m of α, or with half of it, one step is not the update's."""
    finite = module("finite_d")
    (found,), (value,), (e,) = finite.one_step(1, 1)
    risk = (value * e**2 + finite.w**2) / 2
    alpha = finite.ALPHA.subs({finite.lam: value, finite.d: 1, finite.m: 1})
    push = 2 * finite.g**2 * value * risk
    wrong = alpha - change * finite.g**2 * value**2
    for factor, verdict in ((alpha, PROVED), (wrong, REFUTED)):
        claim = Claim("one step", evidence=symbolic(found, factor * e**2 + push), expect=verdict)
        assert claim.examine(quick=True).verdict is verdict


def test_finite_d_differs_from_its_limit() -> None:
    """At d = 5 the exact equation is far from the limit, so that its agreement with simulation says something."""
    finite = module("finite_d")
    values, times = np.full(5, 1.0), np.arange(11) / 5
    exact = finite.expected_risk(values, np.full(5, 0.2), 1.0, 0.5, 1, 10)
    curve = sh.derive(sh.least_squares(0.5), sh.Constant(1.0)).solve(
        sh.Spectrum.isotropic(), sh.Start(), 2.0, t=times
    )
    assert abs(exact[-1] / curve.risk[-1] - 1) > 0.2
    alone = finite.expected_risk(
        np.ones(1), np.ones(1), 0.7, 0.0, 1, 200
    )  # above 2/3, the threshold in d = 1
    assert alone[-1] > alone[0]


@pytest.mark.parametrize(
    ("clip", "noise", "rate"),
    [(0.8, 0.6, 0.7), pytest.param(0.8, 0.6, 3.0, marks=pytest.mark.slow), (0.5, 0.0, 3.0)],
)
def test_rest_point_of_clipped_sgd(clip: float, noise: float, rate: float) -> None:
    problem, rule, spectrum = (
        sh.huber(clip, noise),
        sh.Constant(rate),
        sh.Spectrum.from_eigenvalues([0.5, 1.5]),
    )
    found = sh.limits(problem, rule, spectrum)
    end = 35 / float(found["rate"].evaluate())
    curve = sh.derive(problem, rule).solve(spectrum, sh.Start(), end, t=[end], rtol=1e-11)
    assert curve.risk[0] == pytest.approx(float(found["risk"].evaluate()), rel=1e-9)
    assert curve.excess_risk[0] == pytest.approx(float(found["excess_risk"].evaluate()), rel=1e-9)
    assert found["threshold"].evaluate() == 2


def test_large_clip_is_least_squares_and_symbols_stay() -> None:
    c, g, w = sp.symbols("c g w", positive=True)
    found = sh.limits(sh.huber(c, w), sh.Constant(g))
    values = {"c": 30, "g": 0.5, "w": 0.7, "tau": 1.2}
    plain = sh.limits(sh.least_squares(w), sh.Constant(g))
    for name in ("risk", "excess_risk"):
        here = found[name].evaluate(**values)
        assert float(here) == pytest.approx(
            float(plain[name].evaluate(**{k: v for k, v in values.items() if k != "c"})), rel=1e-12
        )


def test_quantile_loss_rests_by_its_quadratic() -> None:
    """I is constant, c₁ = 1/√(2π(Q + ω²)): Q² = A²(Q + ω²), A = γτI√(2π)/2."""
    found = sh.limits(sh.quantile(sp.Rational(1, 3), 0.5), sh.Constant(0.7), sh.Spectrum.isotropic())
    A = 0.35 * (1 / 9 - 1 / 3 + 1 / 2) * np.sqrt(2 * np.pi)
    Q = (A**2 + np.sqrt(A**4 + A**2)) / 2
    assert float(found["risk"].evaluate()) == pytest.approx(np.sqrt((Q + 0.25) / (2 * np.pi)), rel=1e-12)
    assert found["threshold"].evaluate() == 0


def test_which_losses_have_one_rest_point() -> None:
    r = sh.x - sh.x_star - sh.eps
    c = sp.Symbol("c", positive=True)
    assert grows_slower(sh.huber(c))
    assert grows_slower(sh.pseudo_huber(1))
    assert not grows_slower(sh.Problem(r**4))
    assert not grows_slower(sh.logistic_regression())
    assert not grows_slower(sh.huber(1, sh.StudentT(5)))
    with pytest.raises(ValueError, match="integrate system"):
        sh.limits(sh.huber(1), sh.Polyak())
