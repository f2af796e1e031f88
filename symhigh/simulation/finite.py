"""The modes that a simulation at dimension d has, for whatever is computed at that d without simulating.

Stands between the simulators and what is compared with them. A limit, or an exact mean, of the very modes that were
simulated has no error from rounding a spectrum to d eigenvalues.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from symhigh.population import Spectrum, Start
from symhigh.population.spectrum import Array
from symhigh.simulation.gram import eigenspaces, start_in


@dataclass(frozen=True, eq=False)
class FiniteStart(Start):
    """The mode moments of a start at finite d, one entry a mode of the spectrum that goes with it."""

    moments: tuple[Array, Array, Array] = field(default_factory=lambda: (np.zeros(1),) * 3)

    def modes(self, spectrum: Spectrum) -> tuple[Array, Array, Array]:
        return self.moments


def finite_spectrum(spectrum: Spectrum, d: int) -> Spectrum:
    """The spectrum of d eigenvalues, equal ones taken together."""
    spaces = eigenspaces(spectrum, d)
    if spaces is None:
        return Spectrum(spectrum.eigenvalues(d), np.full(d, 1 / d))
    return Spectrum(spaces.values, spaces.count / d)


def finite_problem(spectrum: Spectrum, start: Start, d: int) -> tuple[Spectrum, FiniteStart]:
    """The modes that a simulation at dimension d has, equal eigenvalues taken together.

    Averages over an eigenspace move by the same linear equation as its modes. A random start is taken at
    its expectation.
    """
    spaces, finite = eigenspaces(spectrum, d), finite_spectrum(spectrum, d)
    if start.random:
        moments = start.modes(finite)
    elif spaces is None:
        X0, X_star = start.vectors(spectrum, d)
        moments = d * X0**2, d * X0 * X_star, d * X_star**2
    else:
        alpha, beta, s = start_in(spaces, start, spectrum, d, np.random.default_rng(0))
        w = spaces.count / d
        moments = (alpha**2 + beta**2) / w, alpha * s / w, s**2 / w
    return finite, FiniteStart(moments=moments)
