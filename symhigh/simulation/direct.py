"""Direct simulation: every step draws all d coordinates of its sample.

One of the two simulators; :mod:`symhigh.codegen.step` holds its mathematics.
"""

from __future__ import annotations

import numpy as np

from symhigh.codegen.kernels import step_kernels
from symhigh.codegen.normal import stream
from symhigh.population.spectrum import Array
from symhigh.simulation.walk import START_STREAM, Experiment, Modes, modes_of, starting_mode
from symhigh.symbols import V00, V20
from symhigh.system import LimitSystem


class DirectWalk:
    """One run in ``R^d``, in the eigenbasis of K; O(d) memory."""

    def __init__(self, e: Experiment, seed: int) -> None:
        d = e.d
        self.e = e
        rng = np.random.default_rng([seed, START_STREAM])
        self.X, self.X_star = e.start.vectors(e.spectrum, d, rng)
        self.X_start = self.X.copy()
        start = {V20: d * self.X_star * self.X, V00: d * self.X**2}
        self.modes: Modes = modes_of(
            e,
            step_kernels(e.system),
            np.ascontiguousarray(e.spectrum.eigenvalues(d)),
            np.full(d, 1.0 / d),
            d * self.X_star**2,
            start,
        )
        self.mode: Array = starting_mode(e, self.modes)
        self.a = np.zeros(d)
        self.rng = stream(seed, 0, generator=e.generator)

    @staticmethod
    def load(system: LimitSystem) -> None:
        """Generate the kernels once, before threads ask for them."""
        step_kernels(system)

    def run(self, first: int, steps: int) -> None:
        m = self.modes
        m.kernels.run(
            first,
            steps,
            self.rng,
            self.X,
            self.X_star,
            self.X_start,
            self.a,
            self.mode,
            self.e.par,
            m.coef,
            m.w,
            m.const,
            m.root,
        )

    def lift(self) -> None:
        self.modes.kernels.lift(self.X, self.X_star, self.X_start, self.mode)

    def overlap(self) -> float:
        return float(self.X @ self.X_star)

    def norm(self) -> float:
        return float(self.X @ self.X)
