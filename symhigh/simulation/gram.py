"""The exact Gram chain: SGD on a K of few distinct eigenvalues, at a cost per step that does not depend on d.

One of the two simulators; :mod:`symhigh.codegen.gram` states its law, which is that of direct simulation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import sympy as sp

from symhigh.codegen.gram_frame import sources
from symhigh.codegen.normal import stream
from symhigh.codegen.simulators import gram_kernels
from symhigh.codegen.target import Target
from symhigh.integration.doubts import Doubts
from symhigh.population import Overlaps, Spectrum, Start
from symhigh.population.eigenvalues import apportion
from symhigh.population.population import cholesky
from symhigh.population.spectrum import Array
from symhigh.simulation.walk import START_STREAM, Experiment, Walk, constants, starting_memory
from symhigh.symbols import lam


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


def coordinates(e: Experiment, spaces: Eigenspaces, rng: np.random.Generator) -> tuple[Array, Array]:
    """The starting coordinates, times √d, of moving and resting vectors in the frame of each eigenspace.

    Shapes (moving, frame, m) and (resting, resting, m), both lower triangular, see :mod:`symhigh.codegen.gram`.
    """
    s = e.statement
    names = (*s.targets, *s.learnt)
    match e.population.origin:
        case (_, Start() as start):
            alpha, beta, along = start_in(spaces, start, e.population.origin[0], e.d, rng)
            base = np.array([[along, np.zeros_like(along)], [alpha, beta]])
        case (_, Overlaps() as overlaps):
            size, count = len(names), len(s.learnt)
            order = [*range(count, size), *range(count)]
            factor = cholesky(overlaps.values[np.ix_(order, order)][None])[0]
            base = factor[:, :, None] * np.sqrt(spaces.count / e.d)
            if (spaces.count < size).any():
                raise ValueError(
                    f"simulate(d={e.d}): an eigenspace of dimension {spaces.count.min()} cannot hold {size} "
                    "directions; take a larger d, or method='direct'"
                )
        case other:
            raise TypeError(f"simulate(method='gram'): needs a Spectrum and a Start or Overlaps, not {other}")
    places = dict(zip(names, np.sqrt(e.d) * base, strict=True))
    for vector, factors in _others(e):
        places[vector] = sum((factors[v] * places[v] for v in names), np.zeros_like(base[0]))
    resting, moving = s.coefficients, s.coordinates
    table = np.array([places[v] for v in (*resting, *moving)])  # (vectors, base axes, m)
    triangular = np.asarray(np.linalg.qr(table.transpose(2, 1, 0), mode="r")).transpose(2, 1, 0)
    frame = np.zeros((len(table), len(table), spaces.values.size))
    frame[:, : triangular.shape[1]] = triangular
    return np.ascontiguousarray(frame[len(resting) :]), np.ascontiguousarray(frame[: len(resting), : len(resting)])


@lru_cache(maxsize=4)
def _others(e: Experiment) -> list[tuple[sp.Symbol, dict[sp.Symbol, float]]]:
    """The vectors that are neither targets nor learnt, and how each starts as a combination of these."""
    s, field, found = e.statement, e.system.field, []
    names = (*s.targets, *s.learnt)
    for vector in (*field.coordinates, *s.coefficients):
        if vector not in names:
            begin = sp.Poly(field.begins.get(vector, sp.S.Zero), *names)
            if begin.total_degree() > 1 or begin.coeff_monomial(1) != 0:
                raise ValueError(f"rule {s.owner}: {vector} starts at {begin.as_expr()}, not linear in the iterate")
            found.append((vector, {v: float(begin.coeff_monomial(v)) for v in names}))
    return found


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


@dataclass(frozen=True, eq=False)
class Chain:
    """What all runs of an experiment share: the eigenspaces, and the laws of what a step adds beyond the frame.

    ``shape`` and ``scale`` of the χ² variables, (sources · eigenspaces,); ``width`` normals a step and eigenspace.
    """

    spaces: Eigenspaces
    shape: Array
    scale: Array
    width: int


@lru_cache(maxsize=4)
def _chain(e: Experiment) -> Chain:
    spectrum = e.population.origin[0]
    spaces = eigenspaces(spectrum, e.d)
    if spaces is None:
        raise ValueError(
            f"simulate(method='gram'): {spectrum.name} is continuous, so its d={e.d} eigenvalues "
            "are distinct; use method='direct' or Spectrum.from_eigenvalues"
        )
    frame, drawn = len(e.statement.coordinates) + len(e.statement.coefficients), sources(e.statement)
    free = np.concatenate([spaces.count - frame - k for k in range(drawn)])
    shape = np.where(free > 1, free / 2 - 1 / 3, 0.0)
    scale = 1 / np.sqrt(9 * np.where(shape > 0, shape, 1.0))
    return Chain(spaces, shape, scale, frame if drawn == 1 else drawn * (frame + drawn))


@lru_cache(maxsize=4)
def _shared(e: Experiment) -> tuple[Array, Array]:
    """The starting coordinates of every run, where no seed has a part in them."""
    return coordinates(e, _chain(e).spaces, np.random.default_rng(0))


@lru_cache(maxsize=4)
def _kernels(e: Experiment, target: Target) -> Any:
    return gram_kernels(e.system, e.statement, target)


class GramWalk(Walk):
    """One run of the chain, in the coordinates of every eigenspace; O(m) memory."""

    def __init__(self, e: Experiment, seed: int) -> None:
        super().__init__(e)
        self.kernels, chain = _kernels(e, e.target), _chain(e)
        spaces, n = chain.spaces, chain.spaces.count
        self.count, self.shape, self.scale = n, chain.shape, chain.scale
        if e.population.random:
            self.moving, self.fixed = coordinates(e, spaces, np.random.default_rng([seed, START_STREAM]))
        else:
            moving, self.fixed = _shared(e)
            self.moving = moving.copy()
        self.w, self.root = n / e.d, np.sqrt(spaces.values)
        self.coef = self._coefficients(spaces)
        self.const = constants(e, self.kernels, self.coef, self.w)
        self.y: Array = np.concatenate(
            [np.zeros(len(e.system.family.states) * n.size), starting_memory(e, self.kernels, self.const)]
        )
        self.draws, self.rest = np.zeros(chain.width * n.size), np.zeros(n.size)
        self.rng = stream(seed, 0, generator=e.generator)
        self.seen = np.empty(len(e.system.outputs))
        self.state = (
            float(e.d), self.rng, self.moving, self.fixed, self.count, self.shape, self.scale, self.draws, self.rest,
            self.y, e.par, self.coef, self.w, self.const, self.root,
        )  # fmt: skip
        at = self.fixed[0] if e.statement.single and e.statement.coefficients else None
        self.target = np.nan if at is None else float(spaces.values @ (at**2).sum(axis=0)) / e.d

    # each function has its arguments packed once, when it is called first

    @cached_property
    def step(self) -> Callable[[dict[int, Any]], Any]:
        return self._held("run", 0, 0, *self.state)

    @cached_property
    def lift(self) -> Callable[[dict[int, Any]], Any]:
        return self._held("lift", self.moving, self.fixed, self.count, self.y)

    @cached_property
    def observe(self) -> Callable[[dict[int, Any]], Any]:
        return self._held("observe", 0.0, self.y, self.seen, self.e.par, self.coef, self.w, self.const)

    def _held(self, name: str, *given: Any) -> Callable[[dict[int, Any]], Any]:
        found: Callable[[dict[int, Any]], Any] = self.kernels.held(name, *given)
        return found

    def _coefficients(self, spaces: Eigenspaces) -> Array:
        """λ and the moments that do not change, of every eigenspace."""
        resting = dict(zip(self.e.statement.coefficients, self.fixed, strict=True))
        rows = []
        for c in self.e.system.family.coefficients:
            if c == lam:
                rows.append(spaces.values)
                continue
            v, w = _pair(self.e.system.family.definitions[c])
            rows.append((resting[v] * resting[w]).sum(axis=0) / spaces.count)
        return np.array(rows)

    @staticmethod
    def load(e: Experiment) -> None:
        """Generate the kernels once, before threads ask for them."""
        gram_kernels(e.system, e.statement, e.target)

    @property
    def at_once(self) -> bool:
        return True

    def run(self, first: int, steps: int) -> None:
        self.step({0: first, 1: steps})

    def record(self, time: float, out: Array) -> None:
        self.lift({})
        self.observe({0: time})
        out[:] = self.seen

    def doubt(self, time: float, doubts: Doubts) -> None:
        doubts.look(self.e.system, self.kernels, time, self.y, (self.e.par, self.coef, self.w, self.const), time)

    def size(self) -> float:
        return float((self.moving * self.moving).sum()) / self.e.d


def _pair(product: sp.Expr) -> tuple[sp.Symbol, sp.Symbol]:
    """The two factors of a second moment."""
    found = [s for s, n in product.as_powers_dict().items() for _ in range(int(n))]
    return found[0], found[1]
