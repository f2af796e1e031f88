"""Direct simulation of SGD, from the same statement as the limit."""

from symhigh.simulate.runs import Runs
from symhigh.simulate.simulate import simulate

__all__ = ["Runs", "simulate"]
