r"""Mean-field Fokker-Planck systems in one dimension: conservative, positive, implicit, second order in time.

Last stage of the pipeline for laws of coordinates; knows no network. Every class k of weight one obeys
``∂_t p = −∂_ξ(b p) + D ∂²_ξ p`` with exponential-polynomial drift; the classes meet in averages, of which functions of
time follow, the channels, that b and D are sums over; memories evolve beside.

Method. Write ``ξ = m(t) + s(t) y``. The frame follows the density: with β the regression slope of b on ξ,

    m' = E b + β (m − E ξ),      (s²)' = 2 β s² + 2 D,

so that in exact arithmetic y keeps mean 0 and variance 1, and errors of either relax at the rate D/s². In y
the density obeys ``∂_t p = −∂_y(G p) + (D/s²) ∂²_y p``, ``G = ρ(y)/s − (D/s²) y``, where ρ is what the
linear regression of b on y leaves. Near the end of training, and near a point start (s = 0), ρ/s → 0: p
rests at the standard Gaussian, and the accuracy is that of the frame.

* Space: finite volumes, Scharfetter-Gummel fluxes whose exponents are exact integrals of G, so that discrete
  equilibria are exact; grid ``y = c sinh(q/c)``, uniform in q. Error O(h²) where the shape changes, spectral
  where it rests.
* Time: frame and memories by the pair of Dormand and Prince, shape by the L-stable SDIRK method of order two on
  the operator at mid-step. Order two together. Steps from the embedded error and from predictor minus corrector.
* Positivity: the second-order fluxes are limited towards backward Euler (an M-matrix) where a cell would
  turn negative, as in flux-corrected transport; mass is the sum of cells and is conserved to rounding.

Sources: Scharfetter & Gummel 1969; Chang & Cooper 1970; Alexander 1977; Zalesak 1979; Dormand & Prince 1980.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symhigh.checks import array, real, whole
from symhigh.codegen.densities import Coupled, solver_kernels

Array = np.ndarray[Any, Any]
NONE = np.zeros(0)


@dataclass(frozen=True, eq=False)
class Coupling:
    """How classes meet, as compiled functions with the arguments of :mod:`symhigh.codegen.density`.

    ``averages`` adds a class's share to ``size`` sums, from its ``row`` of numbers (K, …); ``forces`` turns sums,
    memories, parameters and ``const`` into channels and the rates of the memories, ``memory`` at first. ``kernels``
    holds the solver of their target.
    """

    averages: Callable[..., None]
    forces: Callable[..., None]
    kernels: Any
    row: Array
    size: int
    const: Array = field(default_factory=lambda: NONE)
    memory: Array = field(default_factory=lambda: NONE)


@dataclass(frozen=True, eq=False)
class ChannelModel:
    """Numbers of a mean-field system of C channels, K classes and J exponentials ``exp(in_xi[j] ξ + in_alpha[j] α_k)``.

    * drift ``b_k = Σ_c c(t) (flat[0, c, k] + flat[1, c, k] ξ + Σ_j terms[c, k, j] exp_j)``; the first channel is 1;
    * diffusion ``D_k = Σ_c c(t) flat[2, c, k]``, half the rate of quadratic variation, ≥ 0;
    * ``dα_k/dt = Σ_c c(t) flat[3, c, k]``, from ``alpha[k]``.
    """

    in_xi: Array
    in_alpha: Array
    flat: Array
    terms: Array
    alpha: Array
    coupling: Coupling

    def coupled(self, pair: tuple[Any, Any], grid: Array, cells: Array) -> Any:
        """What the solver is told, with a pair of functions of averages and of what is made of them."""
        given = (self.flat, self.terms, self.alpha, self.in_xi, self.in_alpha, self.coupling.row, self.coupling.const)
        arrays = (np.ascontiguousarray(a, dtype=float) for a in given)
        return Coupled._make((*pair, *arrays, np.zeros(self.coupling.size), grid, cells))


@dataclass(frozen=True, eq=False)
class MeanFieldModel:
    """A system with one channel beside 1, the mean square R of an error; ``I(t) = ∫₀ᵗ R``.

    ``α_k = alpha + alpha_rate I``, and

    * drift ``b_k = drift_constant + drift_slope ξ + Σ_j drift_terms[k, j] exp(in_xi[j] ξ + in_alpha[j]
      α_k)``;
    * diffusion ``D_k = spread_constant + spread_rate R`` (half the rate of quadratic variation), ≥ 0;
    * error ``e_k = error_constant + error_slope ξ + Σ_j error_terms[k, j] exp(…)`` with the same exponents;
    * ``R = offset + Σ_k share[k] E e_k²``.
    """

    in_xi: Array
    in_alpha: Array
    drift_constant: Array
    drift_slope: Array
    drift_terms: Array
    spread_constant: Array
    spread_rate: Array
    error_constant: Array
    error_slope: Array
    error_terms: Array
    share: Array
    alpha: Array
    alpha_rate: Array
    offset: float

    def packed(self) -> tuple[Array, ...]:
        """Tables for particles: (K, 9) coefficients, (K, J) terms of drift and error, exponents."""
        columns = (
            self.drift_constant, self.drift_slope, self.spread_constant, self.spread_rate,
            self.error_constant, self.error_slope, self.share, self.alpha, self.alpha_rate,
        )  # fmt: skip
        table = np.ascontiguousarray(np.stack(np.broadcast_arrays(*columns), axis=1), dtype=float)
        terms = (self.drift_terms, self.error_terms)
        return (table, *(np.ascontiguousarray(a, dtype=float) for a in terms), np.array(self.in_xi, float),
                np.array(self.in_alpha, float))  # fmt: skip

    def channels(self) -> ChannelModel:
        """The same system with its channels 1 and R."""
        kernels = solver_kernels()
        table, drift, error, in_xi, in_alpha = self.packed()
        none = np.zeros(table.shape[0])
        flat = [[table[:, 0], none], [table[:, 1], none], [table[:, 2], table[:, 3]], [none, table[:, 8]]]
        row = np.column_stack([table[:, 6], table[:, 4], table[:, 5], error])
        offset = np.array([float(self.offset)])
        coupling = Coupling(kernels.squared_error, kernels.risk_of_squares, kernels, row, 1, offset)
        return ChannelModel(
            in_xi, in_alpha, np.array(flat), np.stack([drift, np.zeros_like(drift)]), table[:, 7], coupling
        )


@dataclass(frozen=True, eq=False)
class Densities:
    """The solution at times ``t`` (T,): frame ``centre``, ``scale`` (T, K), and ``mass`` (T, K, n).

    ``mass`` is the probability of the cell around ``grid`` (n,) in the frame, ``ξ = centre + scale grid``. ``channels``
    (T, C) are the channels and ``clocks`` their integrals, the first being 1 and t; ``memory`` (T, M). ``steps`` counts
    accepted steps.
    """

    t: Array
    channels: Array
    clocks: Array
    memory: Array
    centre: Array
    scale: Array
    mass: Array
    grid: Array
    cells: Array
    steps: int

    @property
    def risk(self) -> Array:
        """The channel after 1, (T,): the risk of least squares at a constant rate."""
        return np.asarray(self.channels[:, 1])

    @property
    def integral(self) -> Array:
        """Its integral, (T,)."""
        return np.asarray(self.clocks[:, 1])

    def at(self, rows: Any) -> Densities:
        """The same solution at some of its times."""
        names = ("t", "channels", "clocks", "memory", "centre", "scale", "mass")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def points(self) -> Array:
        """ξ at the nodes, shape (T, K, n)."""
        return np.asarray(self.centre[:, :, None] + self.scale[:, :, None] * self.grid)

    def density(self) -> Array:
        """p(t, ξ) at the nodes, shape (T, K, n); infinite where a class sits in one point (scale 0)."""
        with np.errstate(divide="ignore"):
            return np.asarray(self.mass / (self.scale[:, :, None] * self.cells))


class Explosion(ArithmeticError):
    """No finite solution goes on beyond a time; ``found`` is the solution at the output times before it."""

    def __init__(self, message: str, found: Densities) -> None:
        super().__init__(message)
        self.found = found


def frame_grid(nodes: int, half_width: float = 12.0, core: float = 4.0) -> tuple[Array, Array]:
    """Nodes ``y = core sinh(q/core)`` with uniform q on ``[−half_width, half_width]`` in y, and the widths
    of their cells."""
    q = np.linspace(-1.0, 1.0, nodes) * np.arcsinh(half_width / core)
    return core * np.sinh(q), core * np.cosh(q) * (q[1] - q[0])


def solve_fokker_planck(
    model: ChannelModel | MeanFieldModel,
    start: Array,
    t: Array,
    *,
    nodes: int = 161,
    rtol: float = 1e-5,
    step: float | None = None,
    parameters: Array | None = None,
) -> Densities:
    """Integrate from the points ``start`` (K,) at ``t[0]`` to the last of the increasing times ``t``.

    ``rtol`` bounds the error of one step, relative to the distance of a class from its equilibrium; ``step``
    switches to steps of that length, refined like sqrt(t) towards the point start (for convergence studies).
    ``nodes`` is odd, so that one sits in the centre of the frame. ``parameters`` (T, P) are those of the coupling
    between each time and the one before.

    Raises
    ------
    ValueError
        ``nodes`` even or below 21, ``rtol`` or ``step`` not positive, times not increasing.
    Explosion
        A channel, a memory or the frame ceased to be finite, or the step fell below rounding: the mean-field limit
        explodes, which it can do far above the stability threshold. Carries the solution so far.
    """
    times = array("solve_fokker_planck", "t", t, meaning="the output times")
    if times.ndim != 1 or times.size < 1 or (np.diff(times) <= 0).any() or not np.isfinite(times).all():
        raise ValueError("solve_fokker_planck(t): times must be finite and increasing")
    owner = "solve_fokker_planck"
    count = whole(
        owner, "nodes", nodes, least=21, most=100_001, meaning="the cells of the grid, an odd number"
    )
    if count % 2 == 0:
        raise ValueError(f"{owner}(nodes={nodes}): nodes must be odd and >= 21")
    real(owner, "rtol", rtol, least=1e-13, below=1.0, meaning="the error of one step")
    if step is not None:
        real(owner, "step", step, above=0.0, meaning="the time step; None for adaptive steps")
    numbers = model.channels() if isinstance(model, MeanFieldModel) else model
    grid, cells = frame_grid(count)
    gaussian = np.exp(-(grid**2) / 2) * cells
    channels, classes, _ = numbers.terms.shape
    coupling = numbers.coupling
    path = np.empty((times.size, 2 * classes + channels + coupling.memory.size))
    rates, mass = np.empty_like(path), np.empty((times.size, classes, count))
    mass[0], path[0] = gaussian / gaussian.sum(), 0.0
    path[0, :classes], path[0, 2 * classes + channels :] = start, coupling.memory
    steps, reached, rows = coupling.kernels.advance(
        numbers.coupled((coupling.averages, coupling.forces), grid, cells),
        np.zeros((times.size, 0)) if parameters is None else np.ascontiguousarray(parameters, dtype=float),
        times, float(rtol), -1.0 if step is None else float(step), path, rates, mass,
    )  # fmt: skip
    end = 2 * classes + channels
    parts = (path[:, 2 * classes : end], path[:, end:], path[:, :classes])
    scale = np.sqrt(np.maximum(path[:, classes : 2 * classes], 0.0))
    found = Densities(times, rates[:, 2 * classes : end], *parts, scale, mass, grid, cells, abs(int(steps)))
    if steps < 0:
        raise Explosion(
            f"solve_fokker_planck: no finite solution beyond t = {reached:.6g}; the risk explodes or the step fell "
            "below rounding. Reduce the step of SGD, or end before this time",
            found.at(slice(0, int(rows))),
        )
    return found
