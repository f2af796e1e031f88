"""Several passes over real rows: random ReLU features of patches of a landscape, on both sides of n = d.

The middle of a 9 × 9 patch of an elevation model is predicted from what lies around it. Lines: the limit of SGD under
AdaGrad-Norm, from the rows' own covariance; bands: 10-90 % of runs on the rows. Features of real data have few
effective dimensions, which the library says; the limit is then good to some ten per cent.

Run: python examples/several_passes.py, which writes several_passes.png, several_passes.pdf and the data behind them.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import cbook

import symhigh as sh
from symhigh.report.figures import COLOURS, THEORY, save

SIZE, FEATURES, TEST = 9, 300, 2000
HEIGHTS = np.load(cbook.get_sample_data("jacksboro_fault_dem.npz", asfileobj=False))["elevation"].astype(float)


def patches(count, rng):
    """What lies around the middle of random patches, and the middle, in units of the patch."""
    rows, columns = (rng.integers(0, n - SIZE, count) for n in HEIGHTS.shape)
    cut = np.array([HEIGHTS[i : i + SIZE, j : j + SIZE].ravel() for i, j in zip(rows, columns, strict=True)])
    around = np.delete(cut, SIZE**2 // 2, axis=1)
    mean, spread = around.mean(axis=1), around.std(axis=1)
    return (around - mean[:, None]) / spread[:, None], (cut[:, SIZE**2 // 2] - mean) / spread


def features(inputs, rng):
    """Whitened inputs through one random ReLU layer, centred, every row of length √d."""
    values, basis = np.linalg.eigh(np.cov(inputs.T))
    white = (inputs - inputs.mean(axis=0)) @ (basis / np.sqrt(values + 0.01))
    hidden = np.maximum(white @ rng.standard_normal((white.shape[1], FEATURES)), 0.0)
    hidden -= hidden.mean(axis=0)
    return hidden * (np.sqrt(FEATURES) / np.linalg.norm(hidden, axis=1))[:, None]


rng = np.random.default_rng(0)
inputs, labels = patches(TEST + 600, rng)
rows = features(inputs, rng)
test = sh.Dataset(rows[-TEST:], labels[-TEST:])
rule, kept = sh.AdaGradNorm(eta=1, b=1), {}
figure, axes = plt.subplots(figsize=(4.5, 3.2), layout="constrained")
for n, colour in ((150, COLOURS[3]), (600, THEORY)):
    data = sh.Dataset(rows[:n], labels[:n])
    end = 20 * n / FEATURES  # twenty passes
    times = end * np.linspace(0, 1, 61) ** 2
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        curve = sh.solve_passes(data, rule, end, times, test=test)
    print(f"n = {n}: {said[0].message if said else 'no warning'}")
    runs = sh.simulate_passes(data, rule, end, 10, times, test=test)
    for name, line, label in (("risk", "-", "on the rows"), ("test_risk", "--", "on others")):
        mean = runs.outputs[name].mean(axis=0)
        gap = (np.abs(curve.outputs[name] - mean) / mean).max()
        print(f"  {name}: {curve.outputs[name][0]:.4f} → {curve.outputs[name][-1]:.4f}, runs within {gap:.1%}")
        assert gap < 0.2
        axes.plot(curve.t * FEATURES / n, curve.outputs[name], line, color=colour, label=f"n = {n}, loss {label}")
        low, high = np.quantile(runs.outputs[name], (0.1, 0.9), axis=0)
        axes.fill_between(runs.t * FEATURES / n, low, high, color=colour, alpha=0.3, linewidth=0)
        kept |= {f"{name}_{n}": curve.outputs[name], f"runs_{name}_{n}": runs.outputs[name]}
    kept |= {f"t_{n}": curve.t, f"runs_t_{n}": runs.t}
axes.set(yscale="log", xlabel="passes over the rows", ylabel="mean loss")
axes.legend()
save(figure, kept, "several_passes")
