"""What a limit is posed on: spectra of the data covariance, and starts."""

from symhigh.population.spectrum import Spectrum
from symhigh.population.start import Start

__all__ = ["Spectrum", "Start"]
