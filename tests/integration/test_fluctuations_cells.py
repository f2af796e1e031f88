"""Fluctuations of rules that move every coordinate by itself, with cells or noise of its own: ensembles, Σ by hand."""

from dataclasses import dataclass

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.symbols import G, X, d, g, xi
from tests.integration.test_fluctuations import FAR, HALVES, Damped, equations, unscaled

QUICK = {
    "AdaGrad": (sh.phase_retrieval(), sh.AdaGrad(0.2, 2)),
    "noisy gradients": (sh.least_squares(0.3), sh.NoisyGradient(sh.Constant(0.5), 0.7)),
}
MORE = {
    "signs": (sh.least_squares(0.3), sh.SignSGD(0.5)),
    "signs of logistic regression": (sh.logistic_regression(True), sh.SignSGD(0.5)),
    "signs of Huber's slopes": (sh.huber(0.8, 0.5), sh.SignSGD(0.5)),
    "AdaGrad on least squares": (sh.least_squares(0.3), sh.AdaGrad(0.7, 0.5)),
    "RMSprop": (sh.least_squares(0.3), sh.RMSprop(0.7, 1, 0.5)),
    "Adam": (sh.least_squares(0.3), sh.Adam(0.7, 2, 1, 0.5)),
    "a target that drifts": (sh.least_squares(0.3), sh.Drifting(sh.Constant(0.5), 0.7)),
    "a rate of the sample on more than the gradient": (sh.least_squares(0.3), sh.WeightDecay(Damped(), 0.4)),
}


def check_widths(problem, rule, size, seeds, rtol):
    times = [0.25, 0.5]
    bands = sh.derive(problem, rule).fluctuations(HALVES, FAR, 0.5, times)
    runs = sh.simulate(problem, rule, HALVES, FAR, size, 0.5, seeds=seeds, t=times)
    for name in {"risk", "distance", "norm", "overlap"} & set(bands.names):
        values = getattr(runs, name)
        np.testing.assert_allclose(np.sqrt(bands.variance(name, size)), values.std(0), rtol=rtol, err_msg=name)
        if seeds >= 6000:
            (low, high), seen = bands.band(name, size), np.quantile(values, [0.1, 0.9], axis=0)
            np.testing.assert_allclose(high - low, seen[1] - seen[0], rtol=0.05)
    return bands


@pytest.mark.parametrize("name", QUICK)
def test_an_ensemble_has_the_width_predicted(name):
    """The standard deviation of 1200 runs is known to 2 %."""
    check_widths(*QUICK[name], size=300, seeds=1200, rtol=0.09)


@pytest.mark.slow
@pytest.mark.parametrize("name", {**QUICK, **MORE})
def test_larger_ensembles(name):
    """10-90 % widths of 6000 runs at d = 1000, within 5 %."""
    check_widths(*{**QUICK, **MORE}[name], size=1000, seeds=6000, rtol=0.05)


def test_signs_of_one_sample_by_hand():
    """Σ of V₁₁: signs of two coordinates are independent given the residual's, which leaves minus the mean's square."""
    e = equations(sh.least_squares(0.3), sh.SignSGD(0.4))
    lam, w, (v11, v12, v22), gamma = np.array([1.5, 0.5]), 0.5, FAR_MOMENTS, 0.4
    P = v11 - 2 * v12 + v22 + 0.3**2
    pull = -np.sqrt(2 / np.pi) * np.sqrt(lam) * np.sqrt(2 / np.pi / P) * gamma
    rows = np.concatenate([2 * pull * (v11 - v12), pull * (v12 - v22)])
    own = np.array([[4 * v11, 2 * v12], [2 * v12, v22]]) * gamma**2 / w
    exact = np.kron(own, np.eye(2)) - np.outer(rows, rows)
    np.testing.assert_allclose(unscaled(e, e(0.0).sigma), exact, rtol=1e-12, atol=1e-14)


FAR_MOMENTS = 0.5, 0.3, 1.0


def test_cells_share_what_they_stray_by():
    """Σ of AdaGrad's cells of least squares, with each other and with V₁₂, by Isserlis' theorem."""
    eta, b = 0.7, 0.5
    e = equations(sh.least_squares(0.3), sh.AdaGrad(eta, b))
    lam, (v11, v12, v22) = np.array([1.5, 0.5]), FAR_MOMENTS
    P = v11 - 2 * v12 + v22 + 0.3**2
    found = unscaled(e, e(0.0).sigma).reshape(3, 2, 3, 2)
    np.testing.assert_allclose(found[2, :, 2], np.outer(lam, lam) * 2 * P**2, rtol=1e-12)
    # h₁₂ = -η/b r s⋆ with Cov(s⋆, r) = λ (v₁₂ - v₂₂), h_s = λ r²: Cov(r s⋆, r²) = 2 P Cov(s⋆, r)
    crossed = -eta / b * np.outer(lam * (v12 - v22), lam) * 2 * P
    np.testing.assert_allclose(found[1, :, 2], crossed, rtol=1e-12)


def test_a_bias_that_holds_fourth_moments_is_not_given():
    bands = sh.derive(sh.least_squares(0.3), sh.Adam(0.7, 2, 1, 0.5)).fluctuations(HALVES, FAR, 0.1, [0.1])
    assert bands.bias("risk", 100) is None
    assert "keeps a scalar for every coordinate, s, so that its mean at order 1/d holds fourth moments" in bands.why


@pytest.mark.parametrize("rule", [sh.Momentum(0.3, 1), sh.Adam(0.7, 2, 1, 0.5)], ids=["momentum", "Adam"])
def test_a_start_at_zero_whose_variances_grow_with_high_powers(rule):
    """X = M = 0: the norm's variance grows as t⁹ and faster, so its relative error does not fall with the step."""
    bands = sh.derive(sh.least_squares(0.3), rule).fluctuations(HALVES, sh.Start(), 1, [0.5, 1])
    near = sh.derive(sh.least_squares(0.3), rule).fluctuations(HALVES, sh.Start(1e-6, 1, 0), 1, [0.5, 1])
    for name in ("risk", "norm"):
        np.testing.assert_allclose(bands.variance(name, 1), near.variance(name, 1), rtol=1e-3)


def test_cells_start_where_each_rule_says():
    """Rules that differ in numbers alone share their derivation, not the start of their cells."""
    late = [
        sh.derive(sh.least_squares(0.3), sh.AdaGrad(b, b)).fluctuations(HALVES, FAR, 0.1, [0.1]).variance("risk", 1)[0]
        for b in (50, 500)
    ]
    assert late[0] == pytest.approx(late[1], rel=1e-3)


@dataclass(frozen=True)
class Multiplied(sh.Rule):
    """Noise in proportion to the entry."""

    @property
    def step(self):
        return {X: X - g / d * G + X * xi / sp.sqrt(d)}

    @property
    def rate(self):
        return sp.Rational(1, 2)


def test_noise_in_proportion_to_the_entries_is_refused():
    with pytest.raises(ValueError, match="in proportion to the coordinate's own entries"):
        sh.derive(sh.least_squares(0.3), Multiplied()).fluctuations(HALVES, FAR, 1)
