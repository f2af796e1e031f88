"""A limit that is exact and yet misleads: phase retrieval from a start without overlap.

At overlap zero the limit sits on a saddle for ever: dB12/dt = 3γ(B22 - B11) B12 vanishes with B12. Real SGD has an
overlap of order d^(-1/2) after a few steps, which grows at the saddle's rate s = 3γ(B22 - B11), so it escapes after
a time log(d)/(2s) + O(1): the limit d → ∞ and the horizon do not commute. Run: python examples/limits_that_fail.py
"""

import numpy as np

import symhigh as sh

GAMMA, T_END, SEEDS = 0.1, 100.0, 16
spectrum, start = sh.Spectrum.isotropic(), sh.Start(x0=0.1, x_star=1, overlap=0)
problem, rule = sh.phase_retrieval(), sh.Constant(GAMMA)

curve = sh.derive(problem, rule).solve(spectrum, start, T_END)
assert not curve.overlap.any(), "the limit never leaves the saddle"
growth = 3 * GAMMA * (1 - curve.norm[-1])
print(
    f"limit: overlap 0 for all t, ||X||^2 settles at {curve.norm[-1]:.4f}, growth rate of overlaps {growth:.4f}"
)

dimensions = [100, 1_000, 10_000, 50_000]
escapes = []
for d in dimensions:
    runs = sh.simulate(problem, rule, spectrum, start, d, T_END, SEEDS, t=np.arange(1, 1001) / 10)
    escaped = np.abs(runs.overlap) > 0.2
    assert escaped.any(axis=1).all(), "every run escapes"
    escapes.append(runs.t[escaped.argmax(axis=1)].mean())
    print(f"SGD, d = {d:>7}: |overlap| passes 0.2 at t = {escapes[-1]:6.2f} on average over {SEEDS} runs")

slope = np.polyfit(np.log(dimensions), escapes, 1)[0]
print(
    f"escape time grows by {slope:.2f} per unit of log d; the saddle's rate predicts {1 / (2 * growth):.2f}"
)
assert abs(slope * 2 * growth - 1) < 0.3
