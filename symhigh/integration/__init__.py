"""Integration of limits: generated steppers, and the curves that they return."""

from symhigh.integration.curve import Curve
from symhigh.integration.solve import solve

__all__ = ["Curve", "solve"]
