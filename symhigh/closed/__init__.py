"""Closed forms: conservation laws, secular equations, fixed points, asymptotics, and the formulas they end in."""

from symhigh.closed.best_rate import BestRate, best_rate
from symhigh.closed.enclosure import Ball
from symhigh.closed.fixed_points import FixedPoint, fixed_points
from symhigh.closed.formula import Formula
from symhigh.closed.limits import limits
from symhigh.closed.solving import Attempt, within
from symhigh.closed.volterra import RenewalEquation, renewal_equation

__all__ = [
    "Attempt",
    "Ball",
    "BestRate",
    "FixedPoint",
    "Formula",
    "RenewalEquation",
    "best_rate",
    "fixed_points",
    "limits",
    "renewal_equation",
    "within",
]
