"""A loss of your own: log cosh of the residual, its limit, direct SGD, and one picture.

Run: python examples/own_loss.py, which writes own_loss.png, own_loss.pdf and the data, own_loss.json.
"""

import sympy as sp

import symhigh as sh
from symhigh.report.figures import plot_bands, plot_curve, save

residual = sh.x - sh.x_star - sh.eps
problem = sh.Problem(sp.log(sp.cosh(residual)), noise=0.3, name="log cosh")
rule = sh.AdaGradNorm(eta=1, b=0.5)
spectrum, start = sh.Spectrum.marchenko_pastur(ratio=0.5), sh.Start(x0=0, x_star=4)

system = sh.derive(problem, rule)
print(system)

curve = system.solve(spectrum, start, t_end=10)
runs = sh.simulate(problem, rule, spectrum, start, d=400, t_end=10, seeds=20)
comparison = sh.compare(curve, runs)
print(comparison.summary())
assert comparison.agrees

axes = plot_curve(curve, "risk", plot_bands(runs))
axes.legend()
save(axes.figure, {"t": curve.t, "limit": curve.risk, "runs_t": runs.t, "runs": runs.risk}, "own_loss")
