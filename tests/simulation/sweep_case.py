"""An experiment that other processes can import, and a sweep of it, to be killed: run as a module with a folder."""

import sys
import time
from pathlib import Path

import numpy as np

import symhigh as sh

OVER = {"eta": [0.5, 1.0, 1.5, 2.0], "d": [4, 8, 16, 32, 64]}
SEEDS = 10


def walk(eta, d, seed):
    """A short random recursion: ten numbers that depend on every bit of the arguments."""
    rng = np.random.default_rng([seed, d])
    time.sleep(0.01)
    return {
        "step": np.arange(10),
        "value": eta * np.cumsum(rng.standard_normal(10)) / d,
        "norm": float(rng.random()),
    }


def curve(eta, seed):
    return sh.derive(sh.least_squares(1), sh.AdaGradNorm(eta, 1)).solve(
        sh.Spectrum.isotropic(), sh.Start(), 2.0, t=[1.0, 2.0]
    )


def runs(eta, count, seed):
    rule, where = sh.Constant(eta), (sh.Spectrum.isotropic(), sh.Start())
    return sh.simulate(sh.least_squares(), rule, *where, 8, 1.0, range(seed, seed + count), t=[0.5, 1.0])


def fails(d, seed):
    if d == 2:
        raise ArithmeticError("no such dimension")
    return {"value": d}


def sleeps(place, seed):
    (Path(place) / "begun").touch()
    time.sleep(300)


if __name__ == "__main__" and len(sys.argv) == 2:
    sh.sweep(walk, OVER, SEEDS, out=sys.argv[1])
elif __name__ == "__main__":
    sh.sweep(sleeps, {"place": sys.argv[1:2]}, 2, out=Path(sys.argv[1]) / "sweep")
