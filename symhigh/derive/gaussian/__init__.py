"""Gaussian expectations: closed forms by Isserlis, Stein, Price and conditioning, and quadrature nodes for the rest.

First pass of every derivation. Source of the mathematics: Stein's lemma and Price's theorem, see each module.
"""

from symhigh.derive.gaussian.expectation import expect
from symhigh.derive.gaussian.kinks import KINKS, affine_kinks
from symhigh.derive.gaussian.node import GaussianMean
from symhigh.derive.gaussian.smooth import Sigmoid, Softplus, explicit, recognise
from symhigh.derive.gaussian.tails import Hazard, LogErfc

__all__ = [
    "KINKS",
    "GaussianMean",
    "Hazard",
    "LogErfc",
    "Sigmoid",
    "Softplus",
    "affine_kinks",
    "expect",
    "explicit",
    "recognise",
]
