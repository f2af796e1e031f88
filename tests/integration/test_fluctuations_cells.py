"""Fluctuations of rules that move every coordinate by itself, with cells or noise of its own: ensembles, Σ by hand."""

from dataclasses import dataclass

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.symbols import G, X, d, g, gradient_square, xi
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
S = sp.Symbol("s", positive=True)


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


def overlaps(X, target, lam):
    return np.array([((X - target) ** 2 @ lam) / 2 + 0.045, (X**2).sum(1), X @ target])


def recursion(size, steps, rate):
    """The exact mean of risk, norm and overlap under SGD, from E (X - X*)² and E X of every coordinate."""
    lam, (X, target) = HALVES.eigenvalues(size), FAR.vectors(HALVES, size)
    error, square = X - target, (X - target) ** 2
    for _ in range(steps):
        kick = rate**2 / size**2 * (2 * lam**2 * square + lam * (lam @ square + 0.09))
        square, error = square * (1 - 2 * rate * lam / size) + kick, error * (1 - rate * lam / size)
    norm = (square + 2 * error * target + target**2).sum()
    return np.array([lam @ square / 2 + 0.045, norm, (error + target) @ target])


def seen_bias(size, end, seeds, eta, b, rate):
    """The mean of AdaGrad's risk, norm and overlap, and its error; SGD on the same samples is taken out."""
    rng, lam, (start, target) = np.random.default_rng(size), HALVES.eigenvalues(size), FAR.vectors(HALVES, size)
    X = np.tile(start, (seeds, 1))
    beside, cell, steps = X.copy(), np.full_like(X, b**2), round(end * size)
    for _ in range(steps):
        a, noise = rng.standard_normal((seeds, size)) * np.sqrt(lam), 0.3 * rng.standard_normal(seeds)
        own, other = ((np.einsum("sd,sd->s", a, Z - target) - noise)[:, None] * a for Z in (X, beside))
        X, cell, beside = X - eta / size * own / np.sqrt(cell), cell + own**2 / size, beside - rate / size * other
    control = (overlaps(beside, target, lam) - recursion(size, steps, rate)[:, None]).T
    found = []
    for values in overlaps(X, target, lam):
        slope = np.linalg.lstsq(control - control.mean(0), values - values.mean(), rcond=None)[0]
        left = values - control @ slope
        found.append((left.mean(), left.std() / np.sqrt(seeds)))
    return np.array(found).T


def test_the_bias_of_cells_is_that_of_an_ensemble():
    """AdaGrad at d = 20 and 40, what is of order 1/d² taken out: within 4 standard errors, below 3 % of the bias."""
    bands = sh.derive(sh.least_squares(0.3), sh.AdaGrad(2, 2)).fluctuations(HALVES, FAR, 0.5, [0.5])
    names = "risk", "norm", "overlap"
    limit = np.array([bands.values[0, bands.names.index(name)] for name in names])
    (few, few_off), (many, many_off) = (seen_bias(size, 0.5, n, 2, 2, 0.9) for size, n in ((20, 8000), (40, 16000)))
    bias, off = 80 * (many - limit) - 20 * (few - limit), np.hypot(80 * many_off, 20 * few_off)
    predicted = np.array([bands.bias(name, 1)[0] for name in names])
    assert (off < 0.03 * np.abs(predicted)).all()
    assert (np.abs(bias - predicted) < 4 * off + 0.02 * np.abs(predicted)).all(), (bias, predicted, off)


def test_cells_that_stand_still_leave_the_bias_of_momentum():
    slow, still = sh.Adam(1.5, 2, 1e-9, 1.5), sh.Momentum(2, 2)
    bands, other = (sh.derive(sh.least_squares(0.3), r).fluctuations(HALVES, FAR, 1, [0.5, 1]) for r in (slow, still))
    for name in ("risk", "norm", "overlap"):
        np.testing.assert_allclose(bands.bias(name, 1), other.bias(name, 1), rtol=1e-4)


def test_one_step_of_signs_at_finite_dimension():
    """``E sign(a_i) sign(r) = 2/π arcsin ρ_i``: d times what it adds to the drift of the norm and the overlap."""
    e = equations(sh.least_squares(0.3), sh.SignSGD(0.4))
    shift = e(0.0).bent["shift"]
    ahead = {}
    for size in (10**4, 2 * 10**4):
        lam, (X, target) = HALVES.eigenvalues(size), FAR.vectors(HALVES, size)
        rho = np.sqrt(lam) * (X - target) / np.sqrt(lam @ (X - target) ** 2 + 0.09)
        step = -0.4 * 2 / np.pi * np.arcsin(rho)
        rows = [2 * size * X * step + 0.16, size * target * step]
        ahead[size] = np.array([[row[lam == k].mean() for k in (1.5, 0.5)] for row in rows])
    np.testing.assert_allclose(shift, 2 * 10**4 * (ahead[10**4] - ahead[2 * 10**4]), rtol=2e-3)


def test_a_random_start_has_gaussian_fourth_moments():
    """Drawn starts of a given law move as given ones do; their fourth moments are three times the squares."""
    start = sh.Start(0.5, 1, 0.3, random=True)
    e = equations(sh.least_squares(0.3), sh.SignSGD(0.4), start)
    states, y = e.theory.system.family.states, e.path(0.0).reshape(-1, 2)
    values = {s.name: y[k, 0] for k, s in enumerate(states)}
    assert values["Q_XXXX"] == pytest.approx(3 * 0.5**2)
    assert values["Q_XXX_starX_star"] == pytest.approx(0.5 + 2 * 0.3**2)


def test_a_bias_that_is_not_derived_is_not_given():
    batch = sh.derive(sh.least_squares(0.3), SignsOfTwo(0.5)).fluctuations(HALVES, FAR, 0.1, [0.1])
    assert batch.bias("risk", 100) is None
    assert "is not linear in the gradient and has a memory, s, for which B₁ is not derived" in batch.why
    start = sh.Start.from_vectors(np.array([1.0, 2, 0, 1]), np.array([0.0, 1, 1, 1]))
    grouped = sh.Spectrum.from_eigenvalues([1.5, 1.5, 0.5, 0.5])
    bands = sh.derive(sh.least_squares(0.3), sh.SignSGD(0.5)).fluctuations(grouped, start, 0.1, [0.1])
    assert bands.bias("risk", 4) is None
    assert "entries that share an eigenvalue" in bands.why


def test_an_output_that_is_not_linear_in_cells_has_no_bias():
    bands = sh.derive(sh.least_squares(0.3), sh.AdaGrad(2, 2)).fluctuations(HALVES, FAR, 0.1, [0.1])
    assert np.isnan(bands.bias("distance_threshold", 100)).all()
    assert np.isfinite(bands.bias("distance", 100)).all()


@pytest.mark.parametrize(
    "rule",
    [sh.Momentum(0.3, 1), pytest.param(sh.Adam(0.7, 2, 1, 0.5), marks=pytest.mark.slow)],
    ids=["momentum", "Adam"],
)
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
class SignsOfTwo(sh.Rule):
    """Signs of the gradient at a rate that falls with the squared gradients seen."""

    gamma: float

    @property
    def step(self):
        return {X: X - g / d * sp.sign(G)}

    @property
    def memory(self):
        return (sh.Memory(S, gradient_square / d**2, 1),)

    @property
    def rate(self):
        return sp.sympify(self.gamma) / sp.sqrt(S)


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
