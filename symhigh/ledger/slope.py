"""How the error of one run shrinks with d: the slope of log error against log d.

The second way by which simulation becomes evidence. Theorem 2.1 of *The High Line* (arXiv 2405.19585): the
error of one run is d^{-ε} at worst for every ε < 1/2, and its fluctuations are of order d^{-1/2}; so the
slope is -1/2. What this verifies is that errors shrink at that rate over the dimensions given. It does not verify the
curve: one that is wrong by less than the errors at the largest d goes unseen, and :func:`~symhigh.compare` finds much
less. Nor does a right curve obey a power law at small d, where terms of the next order in 1/d bend the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symhigh.checks import instance, real, several
from symhigh.integration.curve import Curve
from symhigh.integration.network import NetworkCurve
from symhigh.ledger.directions import pooled, shrunk, thinned
from symhigh.ledger.outcome import checked_alarm, independent
from symhigh.ledger.reference import Reference, outputs_of
from symhigh.population.spectrum import Array
from symhigh.simulation.runs import Runs
from symhigh.telling import telling

_MOST = 12
"""How many times an error is measured at."""


@dataclass(frozen=True, eq=False)
class ErrorSlope:
    """The fitted slope and its ``interval``; ``sup_errors`` are geometric means of sup_t |run - curve| at each of
    ``dims``."""

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

    @property
    def stated(self) -> str:
        """What agreement states: how errors shrink, not that the curve is right."""
        return f"the error of a run shrinks like d^{self.expected:g} at d = {', '.join(map(str, self.dims))}"

    def summary(self) -> str:
        """One line: verdict, slope, interval, expected slope, dimensions, and what it says."""
        low, high = self.interval
        return (
            f"{'agrees' if self.agrees else 'disagrees'}: error ~ d^{self.slope:.3f}, interval [{low:.3f}, {high:.3f}] "
            f"at {1 - self.alarm:.4g}, expected {self.expected:g}; d = {', '.join(map(str, self.dims))}; verifies that "
            "errors shrink, not that the curve is right"
        )

    def __str__(self) -> str:
        return self.summary()


@telling
def error_slope(
    curve: Curve | NetworkCurve, runs: Sequence[Runs], what: str = "risk", expected: float = -0.5, alarm: float = 0.01
) -> ErrorSlope:
    """The slope of the log error of one run against log d, over runs at two or more dimensions.

    Returns an :class:`ErrorSlope`. The error of a run is taken in the norm of its own fluctuations,
    ``√(eᵀ (d·Cov)⁻¹ e/m)`` at up to 12 times, with the covariance of all runs pooled; its logarithm varies by half as
    much as that of ``sup_t |e|``. The mean log error at each d is fitted by least squares, and the interval is
    Student's, of coverage ``1 - alarm`` for a power law. Choose dimensions a factor 4 apart, the smallest some
    hundreds.

    Raises ``ValueError`` for fewer than two dimensions, an output that is not there, seeds that repeat, runs that
    diverged, or a sup-error of zero.
    """
    rate = checked_alarm("error_slope", alarm)
    slope = real("error_slope", "expected", expected, above=-np.inf, meaning="the slope to be expected")
    instance("error_slope", "curve", curve, (Curve, NetworkCurve), "a curve, such as derive(…).solve(…)")
    several("error_slope", "runs", runs, Runs, "a list of Runs at different dimensions")
    instance("error_slope", "what", what, str, "the name of an output")
    ordered = sorted(runs, key=lambda r: r.d)
    dims = [r.d for r in ordered]
    if len(set(dims)) < max(2, len(dims)):
        raise ValueError(f"error_slope(runs at d = {dims}): give runs at two or more different dimensions")
    for r in ordered:
        independent("error_slope", f"runs at d = {r.d}", r.seeds)
        if what not in outputs_of(curve) or what not in r.outputs:
            both = [name for name in outputs_of(curve) if name in r.outputs]
            raise ValueError(f"error_slope(what={what!r}): no such output; there are {', '.join(both)}")
    reference = Reference.of(curve, [what])
    errors = [_errors(reference, r, what) for r in ordered]
    sizes = [np.abs(e).max(axis=1) for e in errors]
    for size, d in zip(sizes, dims, strict=True):
        if not (size > 0).all():
            raise ValueError(
                f"error_slope: {what} of a run at d = {d} equals the curve exactly, so its error has no "
                "logarithm; choose an output that fluctuates"
            )
    fitted, half = _fit(dims, [np.log(n) for n in _norms(errors, dims) or sizes], rate)
    means = np.exp([np.log(size).mean() for size in sizes])
    return ErrorSlope(fitted, (fitted - half, fitted + half), slope, tuple(dims), means, rate)


def _errors(reference: Reference, runs: Runs, what: str) -> Array:
    """Run minus curve, shape (runs, T)."""
    if runs.messages:
        seed, text = next(iter(runs.messages.items()))
        raise ValueError(
            f"error_slope: {len(runs.messages)} runs at d = {runs.d} diverged (seed {seed} {text}); choose a "
            "stable learning rate"
        )
    limit = reference.at(runs)
    if limit.message:
        raise ValueError(f"error_slope: the curve {limit.message}")
    return np.asarray(runs.outputs[what] - limit.outputs[what])


def _norms(errors: Sequence[Array], dims: Sequence[int]) -> list[Array]:
    """The error of every run in the norm of its fluctuations, (runs,) at each d; empty where nothing fluctuates.

    Ensembles that recorded at other steps, rounded to another d, are taken at the same places in their grids.
    """
    count = min(e.shape[1] for e in errors)
    places = [np.rint(np.linspace(0, e.shape[1] - 1, count)).astype(int) for e in errors]
    taken = [e[:, at] for e, at in zip(errors, places, strict=True)]
    noisy = np.flatnonzero(np.all([e.std(axis=0) > 1e-12 * np.abs(e).max() for e in taken], axis=0))
    if not noisy.size:
        return []
    freedom = sum(len(e) - 1 for e in errors)
    at = thinned(noisy, int(np.clip(freedom // 5, 4, _MOST)))
    inverse = np.linalg.inv(shrunk(*pooled([e[:, at] for e in taken], dims)))
    return [np.sqrt(np.einsum("ni,ij,nj->n", e[:, at], inverse, e[:, at]) / at.size) for e in taken]


def _fit(dims: Sequence[int], logs: Sequence[Array], alarm: float) -> tuple[float, float]:
    """Slope of the group means, and the half-width of its Student interval, the variance pooled over all d."""
    from scipy.special import stdtrit

    centred = np.log(dims) - np.mean(np.log(dims))
    lever = centred / (centred @ centred)
    slope = float(lever @ [log.mean() for log in logs])
    freedom = sum(log.size - 1 for log in logs)
    variance = sum(float(log.var() * log.size) for log in logs) / freedom
    size = np.sqrt(variance * sum(part**2 / log.size for part, log in zip(lever, logs, strict=True)))
    return slope, float(-stdtrit(freedom, alarm / 2) * size)
