"""What a limit is posed on: spectra of the data covariance, and starts."""

from symhigh.population.data import stable_rate
from symhigh.population.dimension import EffectiveDimensionWarning
from symhigh.population.spectrum import Spectrum
from symhigh.population.start import Start

__all__ = ["EffectiveDimensionWarning", "Spectrum", "Start", "stable_rate"]
