"""Closed forms: conservation laws, secular equations, fixed points, asymptotics, and the formulas they end in."""

from symhigh.closed.adam_constants import AdamConstants, adam_constants
from symhigh.closed.best_momentum import BestMomentum, best_momentum
from symhigh.closed.best_rate import BestRate, best_rate
from symhigh.closed.enclosure import Ball
from symhigh.closed.exponents import ComputeOptimal, compute_optimal
from symhigh.closed.fixed_points import FixedPoint, fixed_points
from symhigh.closed.formula import Formula
from symhigh.closed.limits import limits
from symhigh.closed.solving import Attempt, within
from symhigh.closed.volterra import RenewalEquation, renewal_equation

__all__ = [
    "AdamConstants",
    "Attempt",
    "Ball",
    "BestMomentum",
    "BestRate",
    "ComputeOptimal",
    "FixedPoint",
    "Formula",
    "RenewalEquation",
    "adam_constants",
    "best_momentum",
    "best_rate",
    "compute_optimal",
    "fixed_points",
    "limits",
    "renewal_equation",
    "within",
]
