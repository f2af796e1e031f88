"""What is to be optimised: losses, label noise, spectra, starts."""

from symhigh.problem.losses import huber, least_squares, logistic_regression, phase_retrieval
from symhigh.problem.problem import Problem
from symhigh.problem.spectrum import Spectrum
from symhigh.problem.start import Start

__all__ = ["Problem", "Spectrum", "Start", "huber", "least_squares", "logistic_regression", "phase_retrieval"]
