"""A diagonal network from its SGD update to its curve: SDE, balance law and PDE derived, solved, and held
against SGD.

Run: python examples/diagonal_network.py
"""

from symhigh import compare, derive, simulate
from symhigh.closed.network import linearise
from symhigh.integration.network_end import long_time
from symhigh.population import NetworkClasses
from symhigh.problem.network import DiagonalNetwork

network = DiagonalNetwork(step=0.4, noise=0.3)
limit = derive(network)
for equation in limit.equations():
    print(equation)

# classes of coordinates: eigenvalue, target, start; four equal shares here
classes = NetworkClasses(lam=[1, 1, 0.4, 0.4], theta_star=[1, -0.5, 1, -0.5], u=1.2, v=0.2)
curve = limit.solve(classes, t_end=5)
runs = simulate(network, None, classes, None, d=512, t_end=5, seeds=20, t=[0, 1, 2, 3, 4, 4.9])
comparison = compare(curve, runs)
print(comparison.summary())
assert comparison.agrees

# without label noise the risk vanishes exponentially; rate and limits are known before any run
noiseless = derive(DiagonalNetwork(step=0.4))
ends = long_time(noiseless, classes, t_end=60)
print(
    f"rate {ends.rate:.6f}, balance shrinks by {ends.effective_start}, threshold load "
    f"{linearise(noiseless, classes).load:.3f}"
)
assert abs(ends.rate - 0.5049) < 2e-4
