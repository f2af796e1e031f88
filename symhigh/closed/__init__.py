"""Closed forms: conservation laws, secular equations, fixed points, asymptotics, and the formulas they end in."""

from symhigh.closed.formula import Formula
from symhigh.closed.limits import limits
from symhigh.closed.volterra import RenewalEquation, renewal_equation

__all__ = ["Formula", "RenewalEquation", "limits", "renewal_equation"]
