"""How the error of one run shrinks with d: the slope of log sup-error against log d.

The second way by which simulation becomes evidence. Theorem 2.1 of *The High Line* (arXiv 2405.19585): the
error of one run is d^{-ε} at worst for every ε < 1/2, and its fluctuations are of order d^{-1/2}; so the
slope is -1/2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symhigh.integration import Curve
from symhigh.ledger.reference import reference
from symhigh.population.spectrum import Array
from symhigh.simulation import Runs


@dataclass(frozen=True, eq=False)
class ErrorSlope:
    """The fitted slope and its ``interval``; ``sup_errors`` are geometric means at each of ``dims``."""

    slope: float
    interval: tuple[float, float]
    expected: float
    dims: tuple[int, ...]
    sup_errors: Array
    alarm: float

    @property
    def consistent(self) -> bool:
        """Whether the expected slope lies in the interval."""
        return self.interval[0] <= self.expected <= self.interval[1]

    @property
    def agrees(self) -> bool:
        """The same as ``consistent``: a slope is simulation evidence like a comparison."""
        return self.consistent

    def summary(self) -> str:
        """One line: verdict, slope, interval, expected slope, dimensions."""
        low, high = self.interval
        return (
            f"{'agrees' if self.agrees else 'disagrees'}: error ~ d^{self.slope:.3f}, interval [{low:.3f}, {high:.3f}] "
            f"at {1 - self.alarm:.0%}, expected {self.expected:g}; d = {', '.join(map(str, self.dims))}"
        )

    def __str__(self) -> str:
        return self.summary()


def error_slope(
    curve: Curve, runs: Sequence[Runs], what: str = "risk", expected: float = -0.5, alarm: float = 0.01
) -> ErrorSlope:
    """The slope of log sup_t |run - curve| against log d, over runs at two or more dimensions.

    Returns an :class:`ErrorSlope`. The mean of log sup-error at each d is fitted by least squares. The
    interval has coverage ``1 - alarm`` for a power law; with three or more dimensions it is widened by the
    change of slope when the smallest is left out, which estimates what finite-d corrections do. Choose
    dimensions a factor 4 apart.

    Raises ``ValueError`` for fewer than two dimensions, runs that diverged, or a sup-error of zero.
    """
    ordered = sorted(runs, key=lambda r: r.d)
    dims = [r.d for r in ordered]
    if len(set(dims)) < max(2, len(dims)):
        raise ValueError(f"error_slope(runs at d = {dims}): give runs at two or more different dimensions")
    if few := [r for r in ordered if len(r.seeds) < 3]:
        raise ValueError(
            f"error_slope: {len(few[0].seeds)} runs at d = {few[0].d}; at least 3 seeds are needed"
        )
    logs = [np.log(_sup_errors(curve, r, what)) for r in ordered]
    slope, half = _fit(dims, logs, alarm)
    if len(dims) > 2:
        half += abs(slope - _fit(dims[1:], logs[1:], alarm)[0])
    means = np.exp([log.mean() for log in logs])
    return ErrorSlope(slope, (slope - half, slope + half), expected, tuple(dims), means, alarm)


def _sup_errors(curve: Curve, runs: Runs, what: str) -> Array:
    """``sup_t |run(t) - curve(t)|`` of every run, shape (runs,)."""
    if runs.messages:
        seed, text = next(iter(runs.messages.items()))
        raise ValueError(
            f"error_slope: {len(runs.messages)} runs at d = {runs.d} diverged (seed {seed} {text}); choose a "
            "stable learning rate"
        )
    values, message = reference(curve, runs, [what])
    if message:
        raise ValueError(f"error_slope: the curve {message}")
    sup = np.asarray(np.abs(runs.outputs[what] - values[what]).max(axis=1))
    if not (sup > 0).all():
        raise ValueError(
            f"error_slope: {what} of a run at d = {runs.d} equals the curve exactly, so its error has no "
            "logarithm; choose an output that fluctuates"
        )
    return sup


def _fit(dims: Sequence[int], logs: Sequence[Array], alarm: float) -> tuple[float, float]:
    """Slope of the group means, and the half-width of its Student interval (Welch)."""
    from scipy.special import stdtrit

    x = np.log(dims)
    variance = np.array([log.var(ddof=1) / log.size for log in logs])
    centred = x - x.mean()
    lever = centred / (centred @ centred)
    slope = float(lever @ [log.mean() for log in logs])
    parts = lever**2 * variance
    if not parts.any():  # all runs of a dimension have one and the same error
        return slope, 0.0
    freedom = parts.sum() ** 2 / sum(p**2 / (log.size - 1) for p, log in zip(parts, logs, strict=True))
    return slope, float(-stdtrit(freedom, alarm / 2) * np.sqrt(parts.sum()))
