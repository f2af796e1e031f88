"""Direct simulation of SGD, from the same statement as the limit."""

from symhigh.simulate.runs import Runs
from symhigh.simulate.simulate import simulate
from symhigh.simulate.sweep import Sweep, sweep

__all__ = ["Runs", "Sweep", "simulate", "sweep"]
