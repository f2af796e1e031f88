"""Closed forms: conservation laws, secular equations, fixed points, asymptotics, and the formulas they end in."""

from symhigh.closed.formula import Formula
from symhigh.closed.limits import limits

__all__ = ["Formula", "limits"]
