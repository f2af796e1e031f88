"""Direct simulation of SGD, from the same statement as the limit."""

from symhigh.simulation.grid import Sweep, sweep
from symhigh.simulation.runner import simulate
from symhigh.simulation.runs import Runs

__all__ = ["Runs", "Sweep", "simulate", "sweep"]
