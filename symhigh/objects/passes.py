"""SGD on the rows of a data set: :func:`solve_passes` and :func:`simulate_passes`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symhigh.integration import passes as limit
from symhigh.integration.solve import Progress
from symhigh.objects.curve import Curve
from symhigh.objects.runs import Runs
from symhigh.objects.view import documented_by, seen_as
from symhigh.population import Dataset
from symhigh.rule import Rule
from symhigh.simulation import passes as simulator


@documented_by(limit.solve_passes)
def solve_passes(
    data: Dataset, rule: Rule, t_end: float, t: Any = None, *, X0: Any = None, test: Any = None, rtol: float = 1e-8,
    progress: Progress | None = None,
) -> Curve:  # fmt: skip
    return seen_as(Curve, limit.solve_passes(data, rule, t_end, t, X0=X0, test=test, rtol=rtol, progress=progress))


@documented_by(simulator.simulate_passes)
def simulate_passes(
    data: Dataset, rule: Rule, t_end: float, seeds: int | Sequence[int] = 10, t: Any = None, *, X0: Any = None,
    test: Any = None, shuffled: bool = False, threads: int | None = None, progress: Progress | None = None,
) -> Runs:  # fmt: skip
    return seen_as(Runs, simulator.simulate_passes(
        data, rule, t_end, seeds, t, X0=X0, test=test, shuffled=shuffled, threads=threads, progress=progress
    ))  # fmt: skip
