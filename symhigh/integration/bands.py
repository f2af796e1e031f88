"""The result of a linear theory: variances, biases and bands of a limit's outputs, at any dimension.

Stands between :mod:`symhigh.integration.fluctuations` and whatever reads it (comparison, figures).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from symhigh.checks import instance, real, whole
from symhigh.population.spectrum import Array


@dataclass(frozen=True, eq=False)
class Fluctuations:
    """Covariances and biases of the outputs ``names`` at the times ``t`` (T,), to leading order in 1/d.

    At dimension d an output has mean ``values + drift/d`` and covariance ``spread/d``: arrays (T, O), (T, O) and
    (T, O, O). Where the bias is not known ``drift`` holds NaN and ``why`` says the reason. ``between/d``, (K, O, K, O),
    are the covariances between the times ``marks`` (K,), those asked for by ``joint``.
    """

    t: Array
    names: tuple[str, ...]
    values: Array
    spread: Array
    drift: Array
    why: str = ""
    marks: Array = field(default_factory=lambda: np.empty(0))
    between: Array = field(default_factory=lambda: np.empty((0, 0, 0, 0)))

    def covariance(self, first: str, second: str, d: int) -> Array:
        """Covariance of two outputs of one run at dimension d, shape (T,)."""
        return np.asarray(self.spread[:, self._place(first), self._place(second)] / _dimension(d))

    def variance(self, name: str, d: int) -> Array:
        """Variance of an output of one run at dimension d, shape (T,)."""
        return self.covariance(name, name, d)

    def two_times(self, first: str, second: str, d: int) -> Array:
        """Covariance of ``first`` at each of ``marks`` with ``second`` at each of them, in one run; shape (K, K)."""
        if not self.marks.size:
            raise ValueError("Fluctuations.two_times: no times were asked for; ask with joint=True")
        return np.asarray(self.between[:, self._place(first), :, self._place(second)] / _dimension(d))

    def bias(self, name: str, d: int) -> Array | None:
        """The mean of an output over runs at dimension d minus the limit's, (T,); None where ``why`` says so.

        NaN for what is no quantity of a run and holds averages that are not linear in the states of a mode, such as the
        ``distance_threshold`` of rules with cells.
        """
        place = self._place(name)
        return None if self.why else np.asarray(self.drift[:, place] / _dimension(d))

    def band(self, name: str, d: int, low: float = 0.1, high: float = 0.9) -> tuple[Array, Array]:
        """The quantiles ``low`` and ``high`` of an output over runs at dimension d, two arrays (T,).

        Gaussian ones around the limit, moved by the bias where it is known.
        """
        low, high = (
            real("Fluctuations.band", name, value, above=0.0, below=1.0, meaning="a probability")
            for name, value in (("low", low), ("high", high))
        )
        if not low < high:
            raise ValueError(f"Fluctuations.band(low={low}, high={high}): low must be below high")
        centre, bias = self.values[:, self._place(name)], self.bias(name, d)
        centre = centre if bias is None else centre + bias
        width = np.sqrt(np.maximum(self.variance(name, d), 0.0))
        from scipy.special import ndtri  # the ledger is imported without it

        return centre + ndtri(low) * width, centre + ndtri(high) * width

    def _place(self, name: str) -> int:
        instance("Fluctuations", "name", name, str, "the name of an output")
        if name not in self.names:
            raise KeyError(f"Fluctuations has {', '.join(self.names)}, not {name!r}")
        return self.names.index(name)

    def __repr__(self) -> str:
        span = f"t = {self.t[0]:g} … {self.t[-1]:g}, " if self.t.size else ""
        known = f", no bias: {self.why}" if self.why else ""
        return f"Fluctuations({', '.join(self.names)}; {span}{self.t.size} times{known})"


def _dimension(d: int) -> int:
    return whole("Fluctuations", "d", d, least=1, meaning="the dimension")
