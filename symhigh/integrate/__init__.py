"""Integration of limits: generated steppers, and the curves that they return."""

from symhigh.integrate.curve import Curve
from symhigh.integrate.solve import solve

__all__ = ["Curve", "solve"]
