"""What a limit is posed on: spectra of the data covariance, starts, classes of coordinates, overlaps."""

from symhigh.population.classes import NetworkClasses
from symhigh.population.data import stable_rate
from symhigh.population.dataset import Dataset
from symhigh.population.dimension import EffectiveDimensionWarning
from symhigh.population.overlaps import Overlaps
from symhigh.population.population import Population
from symhigh.population.spectrum import Spectrum
from symhigh.population.start import Start

__all__ = [
    "Dataset",
    "EffectiveDimensionWarning",
    "NetworkClasses",
    "Overlaps",
    "Population",
    "Spectrum",
    "Start",
    "stable_rate",
]
