"""The exact Gram chain: SGD on a K of few distinct eigenvalues, at a cost per step that does not depend on d.

One of the two simulators; :mod:`symhigh.codegen.gram` states its law, which is that of direct simulation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symhigh.codegen.gram import directions
from symhigh.codegen.kernels import gram_kernels
from symhigh.codegen.normal import stream
from symhigh.population import Spectrum, Start
from symhigh.population.eigenvalues import apportion
from symhigh.population.spectrum import Array
from symhigh.simulation.walk import START_STREAM, Experiment, Modes, modes_of, starting_mode
from symhigh.symbols import V00, V20
from symhigh.system import LimitSystem


@dataclass(frozen=True, eq=False)
class Eigenspaces:
    """The m distinct eigenvalues of K at dimension d, and the dimensions ``count`` of their eigenspaces.

    ``order`` and ``place`` (number of nodes) say how many coordinates each node of the spectrum has and to which
    eigenspace they belong, in the order of ``Spectrum.eigenvalues(d)``.
    """

    values: Array
    count: Array
    order: Array
    place: Array


def eigenspaces(spectrum: Spectrum, d: int) -> Eigenspaces | None:
    """The eigenspaces of the finite problem, in O(nodes) time and memory; None for a continuous spectrum."""
    if spectrum.quantile is not None:
        return None
    nodes, weights = spectrum.numeric("simulate")
    order = apportion(weights, d)
    values, place = np.unique(nodes, return_inverse=True)
    count = np.bincount(place, weights=order).astype(np.int64)
    if (count == 0).any():
        kept = count > 0
        place, values, count = (np.cumsum(kept) - 1)[place], values[kept], count[kept]
    return Eigenspaces(values, count, order, place)


def start_in(
    spaces: Eigenspaces, start: Start, spectrum: Spectrum, d: int, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """``(α, β, s)`` of the start in each eigenspace: those of ``Start.vectors``, or, where random, of their law."""
    if start.vectors_given is not None:
        return _of_vectors(spaces, *start.vectors(spectrum, d))
    m11, m12, m22 = (float(m) for m in (start.x0, start.overlap, start.x_star))
    root = np.sqrt(start.profile_at(spaces.values) / d)
    rho = m12 / np.sqrt(m11 * m22) if m11 * m22 > 0 else 0.0
    across = np.sqrt(max(0.0, 1 - rho**2))
    count = spaces.count.astype(float)
    if start.random:
        # X* along e₁ has a χ length; of an independent normal vector one coordinate lies along it
        length, along = np.sqrt(rng.chisquare(count)), rng.standard_normal(count.size)
        beside = np.sqrt(np.where(count > 1, rng.chisquare(np.maximum(count - 1, 1)), 0.0))
    else:
        # the target is constant, X₀ alternates around it: sums of the signs over each eigenspace
        first = np.cumsum(spaces.order) - spaces.order
        signs = np.where(spaces.order % 2 == 1, 1 - 2 * (first % 2), 0)
        total = np.bincount(
            spaces.place[spaces.order > 0], weights=signs[spaces.order > 0], minlength=count.size
        )
        length, along, beside = np.sqrt(count), total / np.sqrt(count), np.sqrt(count - total**2 / count)
    return (
        np.sqrt(m11) * root * (rho * length + across * along),
        np.sqrt(m11) * root * across * beside,
        np.sqrt(m22) * root * length,
    )


def _of_vectors(spaces: Eigenspaces, X: Array, X_star: Array) -> tuple[Array, Array, Array]:
    place = np.repeat(spaces.place, spaces.order)
    m = spaces.values.size
    s = np.sqrt(np.bincount(place, weights=X_star**2, minlength=m))
    pivot = s > 0
    unit = X_star / np.where(pivot, s, 1.0)[place]
    alpha = np.bincount(place, weights=X * unit, minlength=m)
    beta = np.sqrt(np.bincount(place, weights=(X - alpha[place] * unit) ** 2, minlength=m))
    # where X* vanishes any direction serves as e₁; X itself keeps β = 0 in eigenspaces of one dimension
    return np.where(pivot, alpha, beta), np.where(pivot, beta, 0.0), s


class GramWalk:
    """One run of the chain, in the coordinates (α, β) of every eigenspace; O(m) memory."""

    def __init__(self, e: Experiment, seed: int) -> None:
        self.e = e
        spaces = eigenspaces(e.spectrum, e.d)
        if spaces is None:
            raise ValueError(
                f"simulate(method='gram'): {e.spectrum.name} is continuous, so its d={e.d} eigenvalues "
                "are distinct; use method='direct' or Spectrum.from_eigenvalues"
            )
        self.count = spaces.count
        frame, n = directions(e.system), spaces.count
        alpha, beta, self.X_star = start_in(
            spaces, e.start, e.spectrum, e.d, np.random.default_rng([seed, START_STREAM])
        )
        self.X = np.zeros((frame, n.size))
        self.X[0], self.X[1] = alpha, beta
        self.X_start = self.X.copy()
        start = {V20: e.d * self.X_star * alpha / n, V00: e.d * (alpha**2 + beta**2) / n}
        self.modes: Modes = modes_of(
            e, gram_kernels(e.system), spaces.values, n / e.d, e.d * self.X_star**2 / n, start
        )
        self.mode: Array = starting_mode(e, self.modes)
        free = n - frame
        self.shape = np.where(free > 1, free / 2 - 1 / 3, 0.0)
        self.scale = 1 / np.sqrt(9 * np.where(self.shape > 0, self.shape, 1.0))
        self.draws, self.rest = np.zeros(frame * n.size), np.zeros(n.size)
        self.rng = stream(seed, 0, generator=e.generator)

    @staticmethod
    def load(system: LimitSystem) -> None:
        """Generate the kernels once, before threads ask for them."""
        gram_kernels(system)

    def run(self, first: int, steps: int) -> None:
        m = self.modes
        m.kernels.run(
            first,
            steps,
            float(self.e.d),
            self.rng,
            self.X,
            self.X_star,
            self.X_start,
            self.count,
            self.shape,
            self.scale,
            self.draws,
            self.rest,
            self.mode,
            self.e.par,
            m.coef,
            m.w,
            m.const,
            m.root,
        )

    def lift(self) -> None:
        self.modes.kernels.lift(float(self.e.d), self.X, self.X_star, self.X_start, self.count, self.mode)

    def overlap(self) -> float:
        return float(self.X_star @ self.X[0])

    def norm(self) -> float:
        return float((self.X * self.X).sum())
