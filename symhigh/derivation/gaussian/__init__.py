"""Gaussian expectations: closed forms by Isserlis, Stein, Price and conditioning, and quadrature nodes for the rest.

First pass of every derivation. Source of the mathematics: Stein's lemma and Price's theorem, see each module.
"""

from symhigh.derivation.gaussian.cells import KINKS, STEPS, boundaries
from symhigh.derivation.gaussian.expectation import expect
from symhigh.derivation.gaussian.gradient import mean_gradient
from symhigh.derivation.gaussian.jumps import jumps
from symhigh.derivation.gaussian.lazy import lazy_cse
from symhigh.derivation.gaussian.node import GaussianMean
from symhigh.derivation.gaussian.orthant import FourSigns
from symhigh.derivation.gaussian.smooth import Sigmoid, Softplus, explicit, recognise
from symhigh.derivation.gaussian.tails import Hazard, LogErfc

__all__ = [
    "KINKS",
    "STEPS",
    "FourSigns",
    "GaussianMean",
    "Hazard",
    "LogErfc",
    "Sigmoid",
    "Softplus",
    "boundaries",
    "expect",
    "explicit",
    "jumps",
    "lazy_cse",
    "mean_gradient",
    "recognise",
]
