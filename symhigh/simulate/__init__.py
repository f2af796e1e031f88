"""Direct simulation of SGD, from the same statement as the limit."""

from symhigh.simulate.grid import Sweep, sweep
from symhigh.simulate.network import NetworkRuns, simulate_network
from symhigh.simulate.runner import simulate
from symhigh.simulate.runs import Runs

__all__ = ["NetworkRuns", "Runs", "Sweep", "simulate", "simulate_network", "sweep"]
