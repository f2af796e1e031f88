"""Where a noiseless diagonal network ends: its conserved quantities, with the integral of the risk from its curve.

Stands beside the curve of a network (``integration/network.py``); the closed forms are those of ``closed/network.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symhigh.closed.network import linearise, numeric
from symhigh.derivation.close.density import DensitySystem
from symhigh.integration.network import solve_network
from symhigh.population import NetworkClasses
from symhigh.population.spectrum import Array
from symhigh.problem.network import u, v
from symhigh.symbols import lam, risk


@dataclass(frozen=True, eq=False)
class LongTime:
    """Where a noiseless run ends: ``integral`` = ∫₀^∞ R, exponential ``rate`` of R, ``slope`` S and
    ``balance`` (K,).

    ``effective_start`` (K,) is the factor exp(−rate ∫R) by which the noise has shrunk the balance: gradient
    flow from the shrunken balance has the same limit.
    """

    integral: float
    rate: float
    slope: Array
    balance: Array
    effective_start: Array


def long_time(limit: DensitySystem, classes: NetworkClasses, t_end: float) -> LongTime:
    """Solve to ``t_end``, close ∫R with the exponential tail R(t_end)/rate, and read the limits off
    conservation.

    Assumes a noiseless network that converges; raises ``ValueError`` otherwise. The error is that of the
    tail: of relative order R(t_end).
    """
    if limit.numbers()[1] != 0:
        raise ValueError(
            f"long_time(noise={limit.noise}): the risk is integrable without label noise only"
        )
    curve = solve_network(limit, classes, t_end, t=[0.0, t_end])
    total = float(curve.densities.integral[-1])
    for _ in range(3):  # the rate depends on the limit of the balance, and that on the tail
        at_end = linearise(limit, classes, total)
        rate = at_end.rate()
        if not rate > 0:
            raise ValueError(
                f"long_time: load {at_end.load:.4g} >= 1, the step exceeds the threshold; the risk does "
                "not vanish"
            )
        total = float(curve.densities.integral[-1] + curve.risk[-1] / rate)
    law = limit.balance
    if law is None:
        raise ArithmeticError("long_time: this parametrization has no balance law")
    shrink = np.exp(-numeric((lam,), law.rate / risk)(classes.lam) * total)
    start = numeric((u, v), law.function)(classes.u, classes.v)
    return LongTime(total, rate, at_end.slope, start * shrink, shrink)
