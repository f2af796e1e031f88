r"""Mean-field Fokker-Planck systems in one dimension: conservative, positive, implicit, second order in time.

Last stage of the pipeline for laws of coordinates; knows no network. Every class k of weight one obeys
``∂_t p = −∂_ξ(b p) + D ∂²_ξ p`` with exponential-polynomial drift, and all classes meet in one number R(t).

Method. Write ``ξ = m(t) + s(t) y``. The frame follows the density: with β the regression slope of b on ξ,

    m' = E b + β (m − E ξ),      (s²)' = 2 β s² + 2 D,

so that in exact arithmetic y keeps mean 0 and variance 1, and errors of either relax at the rate D/s². In y
the density obeys ``∂_t p = −∂_y(G p) + (D/s²) ∂²_y p``, ``G = ρ(y)/s − (D/s²) y``, where ρ is what the
linear regression of b on y leaves. Near the end of training, and near a point start (s = 0), ρ/s → 0: p
rests at the standard Gaussian, and the accuracy is that of the frame.

* Space: finite volumes, Scharfetter-Gummel fluxes whose exponents are exact integrals of G, so that discrete
  equilibria are exact; grid ``y = c sinh(q/c)``, uniform in q. Error O(h²) where the shape changes, spectral
  where it rests.
* Time: frame by the pair of Dormand and Prince, shape by the L-stable SDIRK method of order two on the
  operator at mid-step. Order two together. Steps from the embedded error and from predictor minus corrector.
* Positivity: the second-order fluxes are limited towards backward Euler (an M-matrix) where a cell would
  turn negative, as in flux-corrected transport; mass is the sum of cells and is conserved to rounding.

Sources: Scharfetter & Gummel 1969; Chang & Cooper 1970; Alexander 1977; Zalesak 1979; Dormand & Prince 1980.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symhigh.checks import array, real, whole

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class MeanFieldModel:
    """Numbers of a mean-field system; K classes, J exponential terms. ``I(t) = ∫₀ᵗ R``, ``α_k = alpha +
    alpha_rate I``.

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
        """The arrays in the order the kernel takes them: (K, 9) coefficients, (K, J) terms, exponents."""
        columns = (
            self.drift_constant, self.drift_slope, self.spread_constant, self.spread_rate,
            self.error_constant, self.error_slope, self.share, self.alpha, self.alpha_rate,
        )  # fmt: skip
        table = np.ascontiguousarray(np.stack(np.broadcast_arrays(*columns), axis=1), dtype=float)
        terms = (self.drift_terms, self.error_terms)
        return (table, *(np.ascontiguousarray(a, dtype=float) for a in terms), np.array(self.in_xi, float),
                np.array(self.in_alpha, float))  # fmt: skip


@dataclass(frozen=True, eq=False)
class Densities:
    """The solution at times ``t`` (T,): ``risk`` (T,), ``integral`` = ∫R (T,), frame ``centre``, ``scale``
    (T, K),

    and ``mass`` (T, K, n): probability of the cell around ``grid`` (n,) in the frame, ``ξ = centre + scale
    grid``. ``steps`` counts accepted steps.
    """

    t: Array
    risk: Array
    integral: Array
    centre: Array
    scale: Array
    mass: Array
    grid: Array
    cells: Array
    steps: int

    def between(self, first: int, last: int | None = None) -> Densities:
        """The same solution at its times from number ``first`` to before number ``last``."""
        moved = {
            name: getattr(self, name)[first:last]
            for name in ("t", "risk", "integral", "centre", "scale", "mass")
        }
        return replace(self, **moved)

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
    model: MeanFieldModel,
    start: Array,
    t: Array,
    *,
    nodes: int = 161,
    rtol: float = 1e-5,
    step: float | None = None,
) -> Densities:
    """Integrate from the points ``start`` (K,) at ``t[0]`` to the last of the increasing times ``t``.

    ``rtol`` bounds the error of one step, relative to the distance of a class from its equilibrium; ``step``
    switches to steps of that length, refined like sqrt(t) towards the point start (for convergence studies).
    ``nodes`` is odd, so that one sits in the centre of the frame.

    Raises
    ------
    ValueError
        ``nodes`` even or below 21, ``rtol`` or ``step`` not positive, times not increasing.
    Explosion
        The risk or the frame ceased to be finite, or the step fell below rounding: the mean-field limit
        explodes, which it can do far above the stability threshold. Carries the solution so far.
    """
    from symhigh.integration.fokker_planck_kernel import advance

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
    grid, cells = frame_grid(nodes)
    gaussian = np.exp(-(grid**2) / 2) * cells
    table, drift_terms, error_terms, in_xi, in_alpha = model.packed()
    shape = (times.size, table.shape[0])
    risk, integral = np.empty(times.size), np.empty(times.size)
    centre, scale, mass = np.empty(shape), np.empty(shape), np.empty((*shape, nodes))
    mass[0], centre[0], scale[0] = gaussian / gaussian.sum(), start, 0.0
    steps, reached, rows = advance(
        table, drift_terms, error_terms, in_xi, in_alpha, float(model.offset), grid, cells, times,
        float(rtol), -1.0 if step is None else float(step), risk, integral, centre, scale, mass,
    )  # fmt: skip
    found = Densities(times, risk, integral, centre, scale, mass, grid, cells, abs(int(steps)))
    if steps < 0:
        raise Explosion(
            f"solve_fokker_planck: no finite solution beyond t = {reached:.6g}; the risk explodes or the step fell "
            "below rounding. Reduce the step of SGD, or end before this time",
            found.between(0, int(rows)),
        )
    return found
