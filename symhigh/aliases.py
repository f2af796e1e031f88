"""Old names, which warn and forward: one ``derive``, ``simulate`` and ``compare`` serve every problem now.

Stands after the rooms that it forwards to.
"""

from __future__ import annotations

import warnings
from typing import Any

from symhigh.objects.comparison import Comparison, compare
from symhigh.objects.runs import Runs, simulate
from symhigh.objects.systems import MomentSystem, derive
from symhigh.population import NetworkClasses
from symhigh.problem import DiagonalNetwork, MultiIndex
from symhigh.rule import Rule


def derive_several(problem: MultiIndex, rule: Rule) -> MomentSystem:
    """The old name of :func:`symhigh.derive` for several directions."""
    _warn("derive_several(problem, rule)", "derive(problem, rule)")
    return derive(problem, rule)


def derive_network(network: DiagonalNetwork) -> MomentSystem:
    """The old name of :func:`symhigh.derive` for a diagonal network."""
    _warn("derive_network(network)", "derive(network)")
    return derive(network)


def simulate_network(
    network: DiagonalNetwork, classes: NetworkClasses, d: int, t_end: float, seeds: Any = 10, t: Any = None,
    **options: Any,
) -> Runs:  # fmt: skip
    """The old name of :func:`symhigh.simulate` for a diagonal network, ``simulate(network, None, classes, d=d, …)``."""
    _warn(
        "simulate_network(network, classes, d, t_end)", "simulate(network, None, classes, d=d, t_end=t_end)"
    )
    return simulate(network, None, classes, None, d, t_end, seeds, t=t, **options)


def compare_network(curve: Any, runs: Runs, *arguments: Any, **options: Any) -> Comparison:
    """The old name of :func:`symhigh.compare` for a diagonal network."""
    _warn("compare_network(curve, runs)", "compare(curve, runs)")
    return compare(curve, runs, *arguments, **options)


def _warn(old: str, new: str) -> None:
    warnings.warn(f"symhigh.{old} is an old name; use symhigh.{new}", FutureWarning, stacklevel=3)
