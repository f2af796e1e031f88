"""Diagonal networks whose coordinates follow continuous laws: classes by quadrature, with an estimated error.

Beside ``network.py``: the same Fokker-Planck system, solved on rules of n, 2n, 4n, … nodes a law until two agree.
Source: Gauss-Legendre quadrature in the level of each quantile function; the estimate is the change on doubling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from symhigh.checks import real, refuse_type, whole
from symhigh.integration.network import NetworkCurve, solve_network
from symhigh.population import NetworkClasses
from symhigh.telling import telling, warn

if TYPE_CHECKING:
    from symhigh.derivation.close.density import DensitySystem

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class LawCurve:
    """``curve`` on the finest rule, with ``nodes`` nodes a law; ``error`` (T,) estimates that of its risk, absolute.

    ``error`` is the distance to the risk on half the nodes. Where the quadrature's error falls at least like 1/nodes,
    that is no less than the error of ``curve.risk``: geometric decay for bounded analytic quantile functions,
    algebraic for unbounded tails with second moments. The Fokker-Planck solver's own error comes
    on top, see ``curve.error``.
    """

    curve: NetworkCurve
    nodes: int
    error: Array


@telling
def solve_law(
    limit: DensitySystem, t_end: float, t: Any = None, *, law: dict[str, Any], tolerance: float = 1e-5,
    least_nodes: int = 2, most_classes: int = 4096, nodes: int = 161, rtol: float | None = None,
    step: float | None = None,
) -> LawCurve:  # fmt: skip
    """Solve to ``t_end`` where ``law`` gives ``lam, theta_star, u, v``, each a number or a quantile function.

    Laws are independent; see :meth:`~symhigh.problem.network.NetworkClasses.from_law`. Nodes double, from
    ``least_nodes``, until the risk changes by at most ``tolerance`` × its largest value at all times ``t``. A density
    has one resolution for all classes, ``nodes``, ``rtol`` and ``step`` as in
    :func:`~symhigh.integration.network.solve_network`. Warns (``RuntimeWarning``), with the
    estimate reached, where the next rule would have more than ``most_classes`` classes. Raises ``ValueError`` on bad
    options, and where ``most_classes`` leaves no two rules to compare.
    """
    goal = real("solve_law", "tolerance", tolerance, above=0.0, meaning="the relative error of the risk")
    points = whole(
        "solve_law", "least_nodes", least_nodes, least=1, most=1024, meaning="quadrature nodes of each law"
    )
    most = whole("solve_law", "most_classes", most_classes, least=1, meaning="the largest number of classes")
    if not isinstance(law, dict):
        refuse_type(
            "solve_law", "law", law, "a dictionary", "lam, theta_star, u, v: a number or a quantile function"
        )
    laws = sum(callable(value) for value in law.values())
    if laws and (2 * points) ** laws > most:
        raise ValueError(
            f"solve_law(most_classes={most}): {laws} laws need at least {(2 * points) ** laws} classes for two rules "
            f"of {points} and {2 * points} nodes; allow more classes, or replace a law by a number"
        )

    def solved(count: int) -> NetworkCurve:
        classes = NetworkClasses.from_law(count, **law)
        return solve_network(limit, classes, t_end, t, nodes=nodes, rtol=rtol, step=step)

    curve = solved(points)
    if not laws:
        return LawCurve(curve, 1, np.zeros_like(curve.risk))
    while True:
        points *= 2
        finer = solved(points)
        curve, error = finer, np.abs(finer.risk - curve.risk)
        reached = float(error.max() / np.abs(finer.risk).max())
        if reached <= goal:
            return LawCurve(curve, points, error)
        if (2 * points) ** laws > most:
            warn(
                f"solve_law(tolerance={goal:g}): {points} nodes a law ({points**laws} classes) reach {reached:.2g}; "
                "raise most_classes or tolerance",
            )
            return LawCurve(curve, points, error)
