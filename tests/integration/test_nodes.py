"""Averages at nodes, against closed forms, and the fluctuations of committees that rest on them, against runs."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.derivation import fluctuations
from symhigh.derivation.nodes import AtNodes, at_nodes, long
from symhigh.derivation.sample import sample_of
from symhigh.integration import fluctuations as driver
from symhigh.integration.nodes import Averages

X1, X2, Y1, Y2 = sp.symbols("x1 x2 y1 y2", real=True)
HALVES = sh.Spectrum.from_eigenvalues([1.5, 0.5])
OVERLAPS = sh.Overlaps([[0.5, 0.1, 0.3, 0], [0.1, 0.4, 0, 0.2], [0.3, 0, 1, 0], [0, 0.2, 0, 1]])


def g(u):
    return sp.erf(u / sp.sqrt(2))


ERROR = g(X1) + g(X2) - g(Y1) - g(Y2)
PAIR = sh.MultiIndex((X1, X2), (Y1, Y2), ERROR**2 / 2)
NOISY = sh.MultiIndex((X1, X2), (Y1,), (g(X1) + g(X2) - 2 * g(Y1) - sh.eps) ** 2 / 2, noise=0.3)


@pytest.mark.parametrize("problem", [pytest.param(PAIR, marks=pytest.mark.slow), NOISY])
def test_averages_and_their_derivatives_are_those_of_the_closed_forms(problem):
    """Names of the limit's averages, their values at nodes, and their derivatives in the law (up to third order)."""
    system = sh.derive(problem, sh.Constant(0.5))
    assert at_nodes(system)
    sample = AtNodes.of_sample(sample_of(system))
    through = sample.through()
    nodes, size = sample.nodes(), len(sample.predictions)
    root = np.random.default_rng(3).standard_normal((size, size))
    law = root @ root.T / (3 * size) + 0.1 * np.eye(size)
    values = Averages(nodes, 1e-4).values(law, np.array([0.09]))
    found = dict(zip((name for name, *_ in nodes.asked), values, strict=True))
    at = {sample.law.law[k, l]: sp.Float(law[k, l]) for k in range(size) for l in range(size)}
    at |= {s: sp.Float(0.3) for s in system.parameters if s.name == "omega"}
    expressions = {s.name: s.expression for s in system.scalars}
    for name, derivatives in through.items():
        for entry, value in list(derivatives.items())[::3]:
            exact = float(sp.diff(expressions[name], entry).xreplace(at))
            assert float(value.xreplace(found)) == pytest.approx(exact, abs=3e-4), (name, entry)


P, CHOSEN = sp.Symbol("p", real=True), np.array([0.7, -0.4, 0.9])
ORDERS = ((), (0,), (2,), (0, 1), (2, 2), (0, 1, 2), (1, 1, 2))
ASKED = [("", k, ks) for k in (0, 1) for ks in ORDERS]


def waves():
    """``cos(a·z + p + ε)`` and ``sin`` of half of it, whose averages are known with all derivatives."""
    z = (X1, X2, Y1)
    phase = sum(sp.Float(a) * v for a, v in zip(CHOSEN, z, strict=True)) + P + sh.eps
    exprs = [sp.cos(phase), sp.sin(phase / 2)]
    return SimpleNamespace(variables=z, given=(P, sp.Symbol("v")), exprs=exprs, asked=ASKED)


@pytest.mark.parametrize("least", [0.5, 0.01])
def test_averages_of_waves_and_their_derivatives_to_third_order(least):
    """``E ∂_k cos(a·z + p) = Re i a_k e^{ip - a·Λa/2}``, and so on; an axis of variance below 0.05 is flat."""
    turn = np.linalg.qr(np.random.default_rng(2).standard_normal((3, 3)))[0]
    law, p, noise = turn @ np.diag([least, 0.9, 1.4]) @ turn.T, 0.3, 0.25
    averages = Averages(waves(), 1e-7)
    found = averages.values(law, np.array([p, noise]))
    for (_, place, ks), value in zip(ASKED, found, strict=True):
        a = CHOSEN * (0.5 if place else 1.0)
        factor = 0.5 if place else 1.0
        whole = np.exp(1j * factor * p - (a @ law @ a + factor**2 * noise) / 2) * np.prod([1j * a[k] for k in ks])
        assert value == pytest.approx(whole.imag if place else whole.real, abs=2e-6), (place, ks)
    assert averages._widest == pytest.approx(1.2 * 1.4)
    step = averages._step
    averages.values(1.1 * law, np.array([p, noise]))
    assert (averages._widest, averages._step) == (pytest.approx(1.2 * 1.4), step)
    averages.values(3 * law, np.array([p, noise]))
    assert averages._widest == pytest.approx(1.2 * 1.4 * 3)
    for lost in (np.nan, np.inf):
        assert np.isnan(averages.values(law + np.diag([0, 0, lost]), np.array([p, noise]))).all()


def test_the_lattice_is_as_fine_as_it_must_be():
    averages = Averages(waves(), 1e-8)
    averages._settle(np.eye(3), np.array([0.3, 0.25]), 2.0)
    points, weights = averages._lattice(0.0, 0)
    assert weights.sum() == pytest.approx(1)
    assert (points**2).sum(axis=1).max() <= 36
    assert np.diff(np.unique(points[:, 0].round(9))).max() == pytest.approx(averages._step / np.sqrt(4.5))
    np.testing.assert_allclose(points.T * weights @ points, np.eye(3), atol=1e-6)
    assert averages._lattice(0.0, 0)[0] is points
    shifted, _ = averages._lattice(0.5, 0)
    assert np.abs(shifted[:, 0]).min() == pytest.approx(averages._step / np.sqrt(4.5) / 2)
    flat, _ = averages._lattice(0.0, 2)
    assert len(np.unique(flat[:, 0])) == len(np.unique(flat[:, 1])) == 11
    assert averages._step == pytest.approx(1.1 * 0.85**3)  # what a relative 1e-8 takes


def test_functions_are_evaluated_once_a_point_for_all_values_of_the_noise():
    averages, sizes = Averages(waves(), 1e-4), []
    evaluated = averages._functions

    def counted(*arguments):
        sizes.append(len(arguments[0]))
        return evaluated(*arguments)

    law, given = np.diag([0.6, 0.9, 1.4]), np.array([0.3, 0.25])
    averages.values(law, given)
    averages._functions = counted
    averages.values(law, given)
    assert sum(sizes) == len(averages._lattice(0.0, 0)[0])


def test_a_law_without_inverse_is_that_of_its_neighbours():
    sample = AtNodes.of_sample(sample_of(sh.derive(NOISY, sh.Constant(0.5))))
    sample.through()
    nodes, noise = sample.nodes(), np.array([0.09])
    laws = (np.diag([x, 0.4, 1.0]) for x in (0.0, 1e-4))
    one, two = (Averages(nodes, 1e-4).values(law, noise) for law in laws)
    np.testing.assert_allclose(one, two, atol=2e-3)


def test_functions_that_no_lattice_resolves_are_refused():
    sample = AtNodes.of_sample(sample_of(sh.derive(PAIR, sh.Constant(0.5))))
    sample.mean(sample.slopes[0])
    with pytest.raises(ArithmeticError, match="not resolved by 3000000 points"):
        Averages(sample.nodes(), 1e-9).values(1e4 * np.eye(4), np.zeros(1))


def test_what_is_taken_at_nodes():
    for loss in ((X1 * X2 - Y1) ** 2, (sp.Max(0, X1) + sp.Max(0, X2) - Y1) ** 2):
        assert not at_nodes(sh.derive(sh.MultiIndex((X1, X2), (Y1,), loss / 2), sh.Constant(0.1)))
    assert not long(sh.derive(sh.logistic_regression(), sh.Constant(0.1)))


@pytest.mark.slow
def test_a_committee_has_the_width_predicted():
    """Three predictions, noise and a memory: 1500 runs at d = 600; their standard deviation is known to 1.8 %."""
    rule, d, began = sh.AdaGradNorm(0.8, 1), 600, time.process_time()
    start = sh.Overlaps([[0.5, 0.1, 0.3], [0.1, 0.4, 0], [0.3, 0, 1]])
    bands = sh.derive(NOISY, rule).fluctuations(HALVES, start, 1, [0.5, 1], rtol=1e-3)
    assert time.process_time() - began < 60
    runs = sh.simulate(NOISY, rule, HALVES, start, d, 1, seeds=1500, method="gram", t=[0.5, 1])
    for name in ("risk", "learning_rate", "overlap_1_1", "overlap_1_3"):
        values = getattr(runs, name)
        np.testing.assert_allclose(np.sqrt(bands.variance(name, d)), values.std(0), rtol=0.07)
        shift = values.mean(0) - bands.values[:, bands.names.index(name)] - bands.bias(name, d)
        assert (np.abs(shift) < 3.5 * values.std(0) / np.sqrt(1500)).all(), name


@pytest.mark.parametrize("rule", [
    pytest.param(sh.Constant(0.3), id="constant", marks=pytest.mark.slow),
    pytest.param(sh.AdaGradNorm(0.5, 1), id="memory"),
])  # fmt: skip
def test_the_bias_at_nodes_is_that_of_closed_forms(rule, monkeypatch):
    """A committee whose averages are polynomials: derivatives of averages by SymPy, or Hermite's of order five."""
    problem = sh.MultiIndex((X1, X2), (Y1,), (X1 + X2**2 / 2 - Y1 - sh.eps) ** 2 / 2, noise=0.3)
    start, found = sh.Overlaps([[0.5, 0.1, 0.2], [0.1, 0.4, 0.1], [0.2, 0.1, 1]]), []
    for forced in (False, True):
        monkeypatch.setattr(fluctuations, "at_nodes", lambda system, forced=forced: forced)
        monkeypatch.setattr(driver, "_known", {})
        bands = sh.derive(problem, rule).fluctuations(HALVES, start, 0.5, [0.25, 0.5], rtol=1e-4)
        found.append((bands.spread, bands.drift))
    for closed, nodes in zip(*found, strict=True):
        np.testing.assert_allclose(nodes, closed, rtol=2e-3, atol=1e-3 * np.abs(closed).max())


@pytest.mark.slow
def test_two_teachers_and_two_students():
    """10-90 % of 6000 runs at d = 1000, within 5 %."""
    d = 1000
    bands = sh.derive(PAIR, sh.Constant(1)).fluctuations(HALVES, OVERLAPS, 1, [0.5, 1])
    runs = sh.simulate(PAIR, sh.Constant(1), HALVES, OVERLAPS, d, 1, seeds=6000, method="gram", t=[0.5, 1])
    for name in ("risk", "overlap_1_1", "overlap_1_2", "overlap_2_4"):
        (low, high), seen = bands.band(name, d), np.quantile(getattr(runs, name), [0.1, 0.9], axis=0)
        np.testing.assert_allclose(high - low, seen[1] - seen[0], rtol=0.05)
