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
from symhigh.closed.network import numeric
from symhigh.integration.network_values import Record, coordinates, square_root
from symhigh.problem.network import DiagonalNetwork, NetworkClasses, theta_star, u, v
from symhigh.symbols import lam

Array = np.ndarray[Any, Any]
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

    def __repr__(self) -> str:
        times = f"{self.t.size} times to t = {self.t[-1]:g}"
        return f"NetworkRuns({len(self.seeds)} runs at d = {self.d}; {times})"


def simulate_network(
    network: DiagonalNetwork,
    classes: NetworkClasses,
    d: int,
    t_end: float,
    seeds: int | Sequence[int] = 10,
    t: Any = None,
    *,
    covariance: Any = None,
    observables: Mapping[str, Callable[..., Array] | sp.Expr] | None = None,
) -> NetworkRuns:
    """Run one-pass SGD at dimension ``d`` to ``t_end`` (d·t_end steps) once per seed.

    ``seeds`` is a number n, for 0 … n−1, or the seeds themselves; ``t`` the times to record, 101 equal ones
    by default, each taken at the nearest whole step. ``covariance`` (d, d) replaces ``diag(λ)``: a step
    costs O(d²) then. ``observables`` are functions φ(u, v, θ*, λ) or SymPy expressions, averaged over the
    coordinates.
    """
    from symhigh.codegen.network import network_kernels
    from symhigh.codegen.normal import stream

    size = whole(
        "simulate_network", "d", d, least=classes.size, meaning="the dimension, one coordinate a class"
    )
    end = real(
        "simulate_network", "t_end", t_end, above=0.0, meaning="the end of the time interval, in steps/d"
    )
    step, noise = network.numbers()
    times = np.linspace(0.0, end, 101) if t is None else np.atleast_1d(np.asarray(t, dtype=float))
    if times.size == 0 or not np.isfinite(times).all():
        raise ValueError("simulate_network(t): times must be finite, at least one")
    if times[0] < 0 or times[-1] > end or (np.diff(times) <= 0).any():
        raise ValueError(f"simulate_network(t): times must increase within [0, t_end = {end:g}]")
    marks = np.unique(np.rint(times * size).astype(np.int64))
    chosen = tuple(range(seeds)) if isinstance(seeds, int) else tuple(int(s) for s in seeds)
    if not chosen:
        raise ValueError(f"simulate_network(seeds={seeds}): give at least one seed")
    if len(set(chosen)) < len(chosen):
        raise ValueError(
            "simulate_network(seeds=…): seeds repeat, so runs would not be independent; give distinct ones"
        )
    at = coordinates(classes, size, covariance)
    extra = {
        name: numeric((u, v, theta_star, lam), phi) if isinstance(phi, sp.Expr) else phi
        for name, phi in (observables or {}).items()
    }
    record = Record(at, network, extra)
    kernels = network_kernels(network.parametrization)
    factor = None if at.covariance is None else square_root(at.covariance)
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
    return NetworkRuns(
        marks / size,
        risk=found["risk"],
        curvature=found["curvature"],
        distance=found["distance"],
        l1=found["l1"],
        u=np.array([pair[0] for pair in last]),
        v=np.array([pair[1] for pair in last]),
        d=size,
        seeds=chosen,
        network=network,
        classes=classes,
        extra={name: found[name] for name in extra},
    )
