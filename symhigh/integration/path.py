"""A limit with all its states at any time: the steps of the generated steppers, kept with the solution inside them.

Serves what is integrated along a limit, such as :mod:`symhigh.integration.fluctuations`.
"""

from __future__ import annotations

import time
from bisect import bisect_right

import numpy as np

from symhigh.codegen.control import LOOK, RUNNING
from symhigh.codegen.target import Target
from symhigh.integration.stepper import EXPLICIT, IMPLICIT, March, outlasts
from symhigh.population.spectrum import Array
from symhigh.system import MomentSystem


class Path:
    """The states y(t) of ``system`` on [0, end]; ``end`` is where the steppers stopped, by plan or not.

    ``data`` is (par, coef, w, const), ``y`` the start, ``size`` the magnitude of every state. ``knots`` are the times
    at which steps begin. Errors below ``rtol * least`` count as none. Raises ``ArithmeticError`` after the
    ``deadline``, a time of ``time.monotonic``.
    """

    def __init__(
        self, system: MomentSystem, target: Target, y: Array, data: tuple[Array, ...], size: Array, end: float,
        rtol: float, deadline: float = np.inf, least: Array | float = 0.0,
    ) -> None:  # fmt: skip
        limits = (rtol, rtol * np.maximum(1e-290 * size, least), np.maximum(1e12 * size, 1e12), size)
        kernels = EXPLICIT.kernels(system, target)
        march = March(system, target, EXPLICIT, np.empty(0), y.copy(), data, limits, kernels)
        self.knots: list[float] = []
        self._steps = []
        self.start, self.end, status = y.copy(), 0.0, RUNNING
        while status in (RUNNING, LOOK):
            status = march.advance(end, True, 1)
            if status != LOOK:
                continue
            if time.monotonic() > deadline:
                raise ArithmeticError("out of time")
            t, h = float(march.clock[0]), float(march.clock[1])
            march.kernels.densify(t, h, march.y, march.K, march.work, march.limit)
            self.knots.append(t)
            self._steps.append((march.kernels, h, march.y.copy(), march.work.copy()))
            self.end = float(march.clock[5])
            if march.stepper is EXPLICIT and outlasts(t, h, end, rtol):
                march.hand_over(IMPLICIT)

    def __call__(self, t: float) -> Array:
        """y(t)."""
        if not self._steps:
            return self.start
        k = max(0, bisect_right(self.knots, t) - 1)
        kernels, h, y, work = self._steps[k]
        out = np.empty_like(y)
        kernels.interpolate(min(1.0, (t - self.knots[k]) / h), y, work, out)
        return out
