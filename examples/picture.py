"""The picture of the README: risk and learning rate of AdaGrad-Norm, the limit over runs of SGD at growing dimension.

Run: python examples/picture.py [FOLDER], which writes picture.png and the data behind it, picture.json, by default
where the manual keeps them. The picture bears the digest of its data.
"""

import hashlib
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

import symhigh as sh
from symhigh.report.figures import plot_confrontation
from symhigh.report.strict import strict_json

PROBLEM, RULE = sh.least_squares(noise=1), sh.AdaGradNorm(eta=1, b=0.3)
SPECTRUM, START, T_END = sh.Spectrum.power_law(beta=0.2), sh.Start(x0=0, x_star=1), 10
NAMES = ("risk", "learning_rate")


def draw(folder: Path, dimensions: tuple[int, ...] = (64, 256, 1024), seeds: int = 40) -> Path:
    """The picture and its data, written to ``folder``."""
    times = np.linspace(0, T_END, 101)
    curve = sh.derive(PROBLEM, RULE).solve(SPECTRUM, START, T_END, t=times)
    ensembles = [sh.simulate(PROBLEM, RULE, SPECTRUM, START, d, T_END, seeds, t=times) for d in dimensions]
    widths = [float(np.ptp(runs.quantiles("risk"), axis=0)[50:].mean()) for runs in ensembles]
    assert all(1.5 < a / b < 2.7 for a, b in pairwise(widths)), "bands halve as d grows fourfold"
    data = {
        "t": times,
        "limit": {name: curve.outputs[name] for name in NAMES},
        "bands": {str(r.d): {name: r.quantiles(name) for name in NAMES} for r in ensembles},
    }
    text = strict_json(data) + "\n"
    (folder / "picture.json").write_text(text, "utf-8")
    path = folder / "picture.png"
    digest = hashlib.sha256(text.encode()).hexdigest()
    plot_confrontation(curve, ensembles, NAMES).savefig(path, dpi=130, metadata={"Description": f"data {digest}"})
    return path


if __name__ == "__main__":
    print(draw(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parents[1] / "docs" / "_static"))
