"""Direct simulation of SGD, from the same statement as the limit."""

from symhigh.simulation.grid import Sweep, sweep
from symhigh.simulation.network import NetworkRuns, simulate_network
from symhigh.simulation.runner import simulate
from symhigh.simulation.runs import Runs

__all__ = ["NetworkRuns", "Runs", "Sweep", "simulate", "simulate_network", "sweep"]
