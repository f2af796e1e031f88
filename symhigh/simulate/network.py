"""Direct simulation of SGD on diagonal networks: every parametrization, diagonal and general K.

The step kernel is generated from the update that the derivation averages (``codegen/network.py``); population
values are recorded at the iterates. Model: ``problem/network.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp

from symhigh.checks import real, whole
from symhigh.problem.network import DiagonalNetwork, NetworkClasses, theta_star, u, v
from symhigh.symbols import lam

Array = np.ndarray[Any, Any]
Statistic = Callable[[Array, Array, Array, Array], Array]
BLOCK = 256
"""Samples of a general covariance are drawn this many at a time."""


@dataclass(frozen=True, eq=False)
class NetworkRuns:
    """Population values along n runs at T times, each of shape (n, T), per coordinate as in ``NetworkCurve``.

    ``u``, ``v`` (n, d) are the last iterates, ``extra`` holds the observables asked for. A run that left the
    range of floating point holds NaN from there on.
    """

    t: Array
    risk: Array
    curvature: Array
    distance: Array
    l1: Array
    u: Array
    v: Array
    d: int
    seeds: tuple[int, ...]
    network: DiagonalNetwork
    classes: NetworkClasses
    extra: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Coordinates:
    """The d coordinates of a run: ``lam`` = K_ii, ``target`` = θ*, starts ``u``, ``v`` (d,), and K, None if
    diagonal."""

    lam: Array
    target: Array
    u: Array
    v: Array
    covariance: Array | None

    def pull(self, error: Array) -> Array:
        """``K error`` for errors of shape (…, d)."""
        return np.asarray(error * self.lam if self.covariance is None else error @ self.covariance)


def coordinates(classes: NetworkClasses, d: int, covariance: Any = None) -> Coordinates:
    """Spread ``classes`` over d coordinates; with ``covariance`` (d, d), its diagonal takes the place of
    λ."""
    values, target, first, second = classes.coordinates(d)
    if covariance is None:
        return Coordinates(values, target, first, second, None)
    matrix = np.asarray(covariance, dtype=float)
    if (
        matrix.shape != (d, d)
        or not np.isfinite(matrix).all()
        or not np.allclose(matrix, matrix.T, atol=1e-10)
    ):
        raise ValueError(
            f"coordinates(covariance of shape {matrix.shape}): covariance must be a finite symmetric "
            f"{d} x {d} matrix"
        )
    return Coordinates(np.diagonal(matrix).copy(), target, first, second, (matrix + matrix.T) / 2)


@dataclass(frozen=True, eq=False)
class Record:
    """Population values of an iterate (u, v): a mapping of names to numbers, for arrays (…, d)."""

    at: Coordinates
    network: DiagonalNetwork
    extra: Mapping[str, Statistic]

    def __call__(self, first: Array, second: Array) -> dict[str, Array]:
        effective = self.network.parametrization.effective
        gradient = sp.diff(effective, u) ** 2 + sp.diff(effective, v) ** 2
        bend = sp.diff(effective, u, 2) + sp.diff(effective, v, 2)
        theta, square, second_order = (
            np.asarray(sp.lambdify((u, v), e, "numpy")(first, second), dtype=float)
            for e in (effective, gradient, bend)
        )
        error = theta - self.at.target
        pull = self.at.pull(error)
        mean = {
            "risk": np.mean(error * pull, axis=-1) / 2 + self.network.numbers()[1] ** 2 / 2,
            "curvature": np.mean(self.at.lam * square + pull * second_order, axis=-1),
            "distance": np.mean(error**2, axis=-1),
            "l1": np.mean(np.abs(theta), axis=-1),
        }
        for name, phi in self.extra.items():
            mean[name] = np.mean(phi(first, second, self.at.target, self.at.lam), axis=-1)
        return mean


def simulate_network(
    network: DiagonalNetwork,
    classes: NetworkClasses,
    d: int,
    t_end: float,
    seeds: int | Sequence[int] = 10,
    t: Any = None,
    *,
    covariance: Any = None,
    observables: Mapping[str, Statistic | sp.Expr] | None = None,
) -> NetworkRuns:
    """Run one-pass SGD at dimension ``d`` to ``t_end`` (d·t_end steps) once per seed.

    ``seeds`` is a number n, for 0 … n−1, or the seeds themselves; ``t`` the times to record, 101 equal ones
    by default, each taken at the nearest whole step. ``covariance`` (d, d) replaces ``diag(λ)``: a step
    costs O(d²) then. ``observables`` are functions φ(u, v, θ*, λ) or SymPy expressions, averaged over the
    coordinates.
    """
    from symhigh.codegen.network import network_kernels
    from symhigh.codegen.normal import stream, ziggurat

    size = whole(
        "simulate_network", "d", d, least=classes.size, meaning="the dimension, one coordinate a class"
    )
    end = real(
        "simulate_network", "t_end", t_end, above=0.0, meaning="the end of the time interval, in steps/d"
    )
    step, noise = network.numbers()
    times = np.linspace(0.0, end, 101) if t is None else np.atleast_1d(np.asarray(t, dtype=float))
    if times[0] < 0 or times[-1] > end or (np.diff(times) <= 0).any():
        raise ValueError(f"simulate_network(t): times must increase within [0, t_end = {end:g}]")
    marks = np.rint(times * size).astype(np.int64)
    chosen = tuple(range(seeds)) if isinstance(seeds, int) else tuple(int(s) for s in seeds)
    if not chosen:
        raise ValueError(f"simulate_network(seeds={seeds}): give at least one seed")
    at = coordinates(classes, size, covariance)
    extra = {
        name: sp.lambdify((u, v, theta_star, lam), phi, "numpy") if isinstance(phi, sp.Expr) else phi
        for name, phi in (observables or {}).items()
    }
    record = Record(at, network, extra)
    kernels = network_kernels(network.parametrization)
    factor = None if at.covariance is None else _root(at.covariance)
    rows: list[dict[str, list[Any]]] = []
    last: list[tuple[Array, Array]] = []
    for seed in chosen:
        first, second = at.u.copy(), at.v.copy()
        state, generator = stream(seed, 0), np.random.default_rng([seed, 1])
        sample, done = np.empty(size), 0
        row: dict[str, list[Any]] = {}
        for mark in marks:
            if factor is None:
                kernels.run(
                    mark - done,
                    state,
                    np.sqrt(at.lam),
                    noise,
                    sample,
                    first,
                    second,
                    at.target,
                    step,
                    *ziggurat(),
                )
            else:
                for begin in range(done, mark, BLOCK):
                    count = min(BLOCK, mark - begin)
                    samples = generator.standard_normal((count, size)) @ factor
                    kernels.run_samples(
                        samples, noise * generator.standard_normal(count), first, second, at.target, step
                    )
            done = int(mark)
            with np.errstate(over="ignore", invalid="ignore"):
                for name, value in record(first, second).items():
                    row.setdefault(name, []).append(float(value) if np.isfinite(value) else np.nan)
        rows.append(row)
        last.append((first, second))
    found = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    own = ("risk", "curvature", "distance", "l1")
    return NetworkRuns(
        marks / size,
        *(found[name] for name in own),
        u=np.array([pair[0] for pair in last]),
        v=np.array([pair[1] for pair in last]),
        d=size,
        seeds=chosen,
        network=network,
        classes=classes,
        extra={name: found[name] for name in extra},
    )


def _root(covariance: Array) -> Array:
    """The symmetric square root of a covariance; raises ``ValueError`` where an eigenvalue is negative."""
    values, basis = np.linalg.eigh(covariance)
    if values[0] < -1e-10 * max(values[-1], 1.0):
        raise ValueError(f"covariance has the eigenvalue {values[0]:g}; all must be >= 0")
    return np.asarray((basis * np.sqrt(np.maximum(values, 0.0))) @ basis.T)
