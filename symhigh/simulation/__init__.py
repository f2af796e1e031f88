"""Direct simulation of SGD, from the same statement as the limit, and its exact mean where there is one."""

from symhigh.simulation.exact_mean import ExactMean, exact_mean
from symhigh.simulation.grid import Sweep, sweep
from symhigh.simulation.runner import simulate
from symhigh.simulation.runs import Runs

__all__ = ["ExactMean", "Runs", "Sweep", "exact_mean", "simulate", "sweep"]
