"""Populations of every kind, as nodes, weights, finite samples and refusals: regression values."""

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
from scipy.stats import norm

import symhigh as sh
from symhigh.population.measure import _clocks, compress, error_between, gauss_of, rule_of_density
from tests.tables import Entry, check

ROWS = np.random.default_rng(4).standard_normal((40, 6)) @ np.diag([2.0, 1.5, 1.0, 1.0, 0.5, 0.0])
K = ROWS.T @ ROWS / 40
LIST = [0.5, 2.0, 0.5, 1.0]
SPECTRA: dict[str, Callable[[], sh.Spectrum]] = {
    "isotropic": lambda: sh.Spectrum.isotropic(1.5),
    "list with equal ones": lambda: sh.Spectrum.from_eigenvalues(LIST),
    "weights": lambda: sh.Spectrum.from_eigenvalues([0.5, 2.0, 0.5, 0.0], [0.1, 0.2, 0.3, 0.4]),
    "symbols": lambda: sh.Spectrum.from_eigenvalues([sp.Symbol("a", positive=True), 2]),
    "fractions": lambda: sh.Spectrum.from_eigenvalues([sp.Rational(1, 3), 2], [sp.Rational(1, 4), sp.Rational(3, 4)]),
    "rounding": lambda: sh.Spectrum.from_eigenvalues([1.0, 0.5, 3e-17, -2e-17]),
    "rounding, none negative": lambda: sh.Spectrum.from_eigenvalues([1.0, 0.5, 3e-17, 1e-17]),
    "covariance": lambda: sh.Spectrum.from_covariance(K),
    "single precision": lambda: sh.Spectrum.from_covariance(K.astype(np.float32)),
    "almost symmetric": lambda: sh.Spectrum.from_covariance(K + np.triu(np.full((6, 6), 0.9e-10 * K.max()), 1)),
    "rank one": lambda: sh.Spectrum.from_covariance(np.ones((5, 5))),
    "data": lambda: sh.Spectrum.from_data(ROWS),
    "power law": lambda: sh.Spectrum.power_law(0.4),
    "steep power law": lambda: sh.Spectrum.power_law(0.95, 1e-6, 1e5),
    "negative power": lambda: sh.Spectrum.power_law(-2, 1e-8, 1e3),
    "Marchenko-Pastur": lambda: sh.Spectrum.marchenko_pastur(0.5, rtol=1e-8, horizon=1e4),
    "Marchenko-Pastur, atom": lambda: sh.Spectrum.marchenko_pastur(2.0, rtol=1e-6),
    "Marchenko-Pastur, edge": lambda: sh.Spectrum.marchenko_pastur(1.0, rtol=1e-6, horizon=1e6),
    "Marchenko-Pastur, nodes": lambda: sh.Spectrum.marchenko_pastur(3.0, nodes=5),
    "density": lambda: sh.Spectrum.from_density(lambda v: v * (2 - v), 0.1, 2.0, rtol=1e-9),
    "histogram": lambda: sh.Spectrum.from_histogram([0, 0.5, 1, 3], [2, 0, 5], rtol=1e-6, horizon=100),
    "compressed": lambda: sh.Spectrum.from_eigenvalues(np.linspace(0, 2, 300)).compressed(1e-6, 50),
    "compressed, few": lambda: sh.Spectrum.from_eigenvalues(LIST).compressed(),
    "beta of one": lambda: sh.Spectrum.power_law(1.0),
    "not symmetric": lambda: sh.Spectrum.from_covariance(K + np.triu(np.full((6, 6), 1.2e-10 * K.max()), 1)),
    "not square": lambda: sh.Spectrum.from_covariance(K[:4]),
    "indefinite": lambda: sh.Spectrum.from_covariance(K - 0.1 * np.eye(6)),
    "negative": lambda: sh.Spectrum.from_eigenvalues([1.0, -1e-3]),
    "shares": lambda: sh.Spectrum.from_eigenvalues([1.0, 2.0], [0.5, 0.5 + 2e-9]),
    "no share": lambda: sh.Spectrum.from_eigenvalues([1.0, 2.0], [1.0, 0.0]),
    "shares of symbols": lambda: sh.Spectrum.from_eigenvalues([sp.Symbol("a"), 2], [sp.S.Half, sp.Rational(1, 3)]),
    "lengths": lambda: sh.Spectrum.from_eigenvalues([1.0, 2.0], [1.0]),
    "nothing": lambda: sh.Spectrum.from_eigenvalues([0.0, 0.0]),
    "falling edges": lambda: sh.Spectrum.from_histogram([0, 1, 1], [1, 1]),
    "edges below zero": lambda: sh.Spectrum.from_histogram([-1, 0, 1], [1, 1]),
    "edges and bins": lambda: sh.Spectrum.from_histogram([0, 1, 2], [1]),
    "counts below zero": lambda: sh.Spectrum.from_histogram([0, 1, 2], [1, -1]),
    "no counts": lambda: sh.Spectrum.from_histogram([0, 1, 2], [0, 0]),
    "density below zero": lambda: sh.Spectrum.from_density(lambda v: v - 1, 0, 2),
    "no density": lambda: sh.Spectrum.from_density(3, 0, 2),  # type: ignore[arg-type]
    "raising density": lambda: sh.Spectrum.from_density(lambda v: 1 / 0, 0, 2),
    "ends": lambda: sh.Spectrum.from_density(np.ones_like, 2, 1),
    "tolerance": lambda: sh.Spectrum.power_law(0.5, rtol=1e-15),
    "horizon": lambda: sh.Spectrum.power_law(0.5, horizon=1e60),
    "one node": lambda: sh.Spectrum.marchenko_pastur(0.5, nodes=1),
}  # fmt: skip
VECTORS = np.linspace(-1, 1, 4), np.array([1.0, 2.0, -1.0, 0.5])
CLASSES = sh.NetworkClasses([1.0, 0.5, 2.0], [1.0, -1.0, 0.5], 1.2, 0.2, [0.5, 0.3, 0.2])
a = sp.Symbol("a", positive=True)
STARTS: dict[str, Callable[[], Any]] = {
    "even": lambda: sh.Start(0.5, 1, 0.3),
    "aligned": lambda: sh.Start(0.25, 1, -0.5),
    "nothing": lambda: sh.Start(0, 1),
    "random": lambda: sh.Start(0.5, 1, 0.3, random=True),
    "vectors": lambda: sh.Start.from_vectors(*VECTORS),
    "too aligned": lambda: sh.Start(0.25, 1, 0.5 + 1e-9),
    "symbols": lambda: sh.Start(a, 1, 0.1),
    "negative": lambda: sh.Start(-1, 1),
    "lengths": lambda: sh.Start.from_vectors([1, 2], [1, 2, 3]),
    "power": lambda: sh.Start.power_law(0.7),
    "steep power": lambda: sh.Start.power_law(1.6),
    "too steep power": lambda: sh.Start.power_law(3),
    "power below zero": lambda: sh.Start.power_law(-1),
    "overlaps": lambda: sh.Overlaps([[1, 0.2], [0.2, 1]]),
    "overlaps, singular": lambda: sh.Overlaps([[1, 1], [1, 1]]),
    "overlaps, indefinite": lambda: sh.Overlaps([[1, 1.1], [1.1, 1]]),
    "overlaps, not symmetric": lambda: sh.Overlaps([[1, 0.2], [0.3, 1]]),
    "overlaps, not square": lambda: sh.Overlaps([[1, 0.2]]),
    "classes": lambda: CLASSES,
    "law": lambda: sh.NetworkClasses.from_law(3, lam=1.0, theta_star=norm(0, 1).ppf, u=0.5, v=lambda p: p / 2),
    "law of one": lambda: sh.NetworkClasses.from_law(0, lam=1.0, theta_star=1, u=0.5, v=1),
    "no law": lambda: sh.NetworkClasses.from_law(3, lam=1.0, theta_star=1, u=0.5),
    "raising law": lambda: sh.NetworkClasses.from_law(3, lam=1.0, theta_star=1, u=0.5, v=lambda p: 1 / 0),
    "classes, negative": lambda: sh.NetworkClasses([1, -1e-9], 1, 1, 1),
    "classes, lengths": lambda: sh.NetworkClasses([1, 2], [1, 2, 3], 1, 1),
    "classes, weights": lambda: sh.NetworkClasses([1, 2], 1, 1, 1, [1]),
    "classes, shares": lambda: sh.NetworkClasses([1, 2], 1, 1, 1, [0.5, 0.5 + 2e-9]),
    "classes, no share": lambda: sh.NetworkClasses([1, 2], 1, 1, 1, [1, 0]),
}  # fmt: skip
with warnings.catch_warnings():
    warnings.simplefilter("ignore", sh.EffectiveDimensionWarning)
    ROTATED = sh.Spectrum.from_covariance(K[:4, :4] + np.eye(4))
PLACES = {
    "two": sh.Spectrum.from_eigenvalues([0.5, 2.0], [0.25, 0.75]),
    "list": sh.Spectrum.from_eigenvalues(LIST),
    "power law": sh.Spectrum.power_law(0.4, 1e-4, 10),
    "with zero": sh.Spectrum.from_eigenvalues([0.0, 2.0], [0.25, 0.75]),
    "covariance": ROTATED,
}


def numbers(values: Any) -> Entry:
    if getattr(values, "dtype", None) is np.dtype(object):
        return [str(v) for v in values]
    array = np.asarray(values, dtype=float).ravel()
    if array.size <= 12:
        return list(map(float, array))
    return [array.size, *map(float, (array.min(), array.max(), array.mean(), (array**2).mean(), array[7], array[-3]))]


def attempt(make: Callable[[], Entry]) -> Entry:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            found = make()
        except (ValueError, TypeError, ArithmeticError) as refusal:
            found = re.sub("0x[0-9a-f]+", "0x", f"{type(refusal).__name__}: {refusal}")
    return [found, *(str(w.message) for w in said)] if said else found


def of_spectrum(make: Callable[[], sh.Spectrum]) -> Entry:
    s = make()
    found: dict[str, Any] = {"values": numbers(s.values), "weights": numbers(s.weights), "shown": repr(s)}
    found |= {"given": s.given, "error": s.error, "symbolic": s.is_symbolic, "least": str(s.lambda_min)[:6]}
    found |= {"dimension": s.dimension, "stable": s.stable_rate, "ratio": s.ratio}
    found |= {"members": None if s.members is None else numbers(s.members), "moment": str(s.moment(2))[:8]}
    for d in (7, 40):
        found[f"at {d}"] = attempt(lambda d=d: numbers(s.eigenvalues(d)))  # type: ignore[misc]
    if s.basis is not None:
        found["back"] = numbers(s.basis @ np.diag(s.eigenvalues(s.given)) @ s.basis.T)
    return found


def of_start(make: Callable[[], Any]) -> Entry:
    start, found = make(), {}
    if isinstance(start, sh.NetworkClasses):
        found = {k: numbers(getattr(start, k)) for k in ("lam", "theta_star", "u", "v", "weight")}
        found |= {"counts": numbers(start.counts(10)), "coordinates": [numbers(c) for c in start.coordinates(11)]}
        return found | {"too few": attempt(lambda: numbers(start.counts(2)))}
    if isinstance(start, sh.Overlaps):
        return {"values": numbers(start.values)}
    found = {"distance": str(start.distance), "dimension": start.dimension, "exponent": start.exponent}
    for name, place in PLACES.items():
        found[f"modes, {name}"] = attempt(lambda p=place: [numbers(m) for m in start.modes(p)])  # type: ignore[misc]
        found[f"vectors, {name}"] = attempt(
            lambda p=place: [numbers(v) for v in start.vectors(p, 4, np.random.default_rng(1))]  # type: ignore[misc]
        )
        found[f"infinite, {name}"] = attempt(lambda p=place: bool(start.distance_is_infinite(p)))  # type: ignore[misc]
    return found


TABLE = Path(__file__).with_suffix(".json")


@pytest.mark.parametrize("name", SPECTRA)
def test_spectra_have_not_changed(name: str) -> None:
    check(TABLE, f"spectrum: {name}", attempt(lambda: of_spectrum(SPECTRA[name])))


@pytest.mark.parametrize("name", STARTS)
def test_starts_have_not_changed(name: str) -> None:
    check(TABLE, f"start: {name}", attempt(lambda: of_start(STARTS[name])))


@pytest.mark.parametrize("d", [5, 8])
@pytest.mark.parametrize("overlaps", [[[1, 0.2], [0.2, 2]], np.ones((4, 4)) + np.eye(4)], ids=["two", "four"])
def test_rows_of_populations_have_the_overlaps(overlaps: Any, d: int) -> None:
    """At each node of the table, and over neighbouring coordinates of a finite problem, exactly."""
    size = len(overlaps) // 2
    names = sp.symbols(f"w:{2 * size}")
    population = sh.Population.of(names[:size], names[size:], PLACES["two"], sh.Overlaps(overlaps))
    table = np.stack([population.columns[s] for s in names])
    wanted = np.asarray(overlaps, dtype=float)
    assert np.einsum("anr,bnr->nab", table, table) / table.shape[2] == pytest.approx(np.stack([wanted] * 2))
    values, columns = population.at(d)
    entries = np.stack([columns[s] for s in names])[:, : 4 * (d // 4)]
    assert entries @ entries.T / entries.shape[1] == pytest.approx(wanted)
    assert values.tolist() == PLACES["two"].eigenvalues(d).tolist()
    whole = population.finite(d)
    assert whole.weights.sum() == pytest.approx(1)
    assert whole.column(names[0]).shape == (d, 1)


@pytest.mark.parametrize("points", [1, 2, 5])
def test_gauss_rules_have_the_moments_and_no_more(points: int) -> None:
    rng = np.random.default_rng(2)
    values, weights = np.sort(rng.uniform(0.3, 2, 40)), rng.dirichlet(np.ones(40)) * 3
    nodes, shares = gauss_of(values, weights, points)
    exact = np.array([weights @ values**k for k in range(2 * points + 1)])
    found = np.array([shares @ nodes**k for k in range(2 * points + 1)])
    assert found[:-1] == pytest.approx(exact[:-1], rel=1e-11)
    assert abs(found[-1] / exact[-1] - 1) > 1e-9


def test_rules_of_densities_integrate_what_limits_ask_for() -> None:
    """``∫ λ^k e^{-2λu}`` over λ² on (0, 1) by SciPy's incomplete gamma functions, far below the horizon and at it."""
    from scipy.special import gamma, gammainc

    nodes, weights = rule_of_density(lambda v: 3 * v**2, 0.0, 1.0, 1e-10, 1e6)
    for u in (0.0, 0.3, 40.0, 1e4, 1e6):
        for k in (0, 1, 2):
            exact = 3 * gamma(3 + k) * gammainc(3 + k, 2 * u) / (2 * u) ** (3 + k) if u else 3 / (3 + k)
            assert weights @ (nodes**k * np.exp(-2 * nodes * u)) == pytest.approx(exact, rel=1e-9, abs=0)


def test_clocks_and_the_error_of_a_rule() -> None:
    clocks = _clocks(2.0, 1e3)
    assert clocks[0] == 0
    assert clocks[1] == pytest.approx(0.01)
    assert clocks[-1] == pytest.approx(4e3)
    assert clocks.size == 1 + 5 + 2 * 3
    assert _clocks(1.0, 1e-3)[-1] == pytest.approx(10)
    one, other = (np.array([1.0, 2.0]), np.array([0.5, 0.5])), (np.array([1.0, 2.0]), np.array([0.5, 0.6]))
    assert error_between(one, one) == 0
    assert error_between(one, other, 1e-9) == pytest.approx(0.1 / (0.5 * 0.5**2 + 0.5))  # of λ² at u = 0
    assert error_between((np.array([1.0]), np.array([1.0])), (np.array([1.1]), np.array([1.0])), 1e-9) > 0.2


def test_what_compression_says_it_is_right_to() -> None:
    values = np.geomspace(1e-3, 2, 400)
    weights = np.full(400, 1 / 400)
    for rtol in (1e-3, 1e-9):
        nodes, shares, error = compress(values, weights, rtol, 1e3)
        assert nodes.size < 200
        assert 0 < error <= rtol
        assert error_between((values, weights), (nodes, shares), 1e3) == pytest.approx(error, rel=1e-3, abs=0)
