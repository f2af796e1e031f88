"""What simulations and sweeps refuse, in their words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp

import symhigh as sh

WHERE = sh.Spectrum.isotropic(), sh.Start(0, 1)
SYSTEM = sh.derive(sh.least_squares(0.3), sh.Constant(0.4))
OVERLAPS = sh.Overlaps(np.eye(4))
NAMES = sp.symbols("p:4", real=True)
MANY = sh.MultiIndex(NAMES[:2], NAMES[2:], (sum(NAMES[:2]) - sum(NAMES[2:])) ** 2 / 2)
CASES: dict[str, tuple[Callable[[Path], Any], type[Exception], str]] = {
    "start after a system": (
        lambda _: sh.simulate(SYSTEM, *WHERE, sh.Start(), 20, 1.0), TypeError, "give d=… and t_end=… by name"
    ),
    "unknown observable": (
        lambda _: sh.simulate(
            sh.least_squares(), sh.Constant(0.4), *WHERE, 20, 1.0, 1, observables={"z": sp.Symbol("foreign")}
        ), ValueError, "unknown .'foreign'.; it may hold",
    ),
    "an eigenspace too small": (
        lambda _: sh.simulate(MANY, sh.Constant(0.1), WHERE[0], OVERLAPS, 3, 1.0, 1, method="gram"),
        ValueError, "cannot hold 4 directions",
    ),
    "Gram chain of a network": (
        lambda _: sh.simulate(
            sh.DiagonalNetwork(0.3), None, sh.NetworkClasses(1, 1, 1, 0.5), None, 20, 1.0, 1, method="gram"
        ), Exception, "gram|Gram",
    ),
    "exact mean of a number": (
        lambda _: sh.exact_mean(1, sh.Constant(0.4), *WHERE, 8, 1.0), TypeError, "problem must be a Problem"
    ),
    "exact mean over too many steps": (
        lambda _: sh.exact_mean(sh.least_squares(), sh.Constant(0.4), *WHERE, 8, 2.0**63), ValueError, "t_end must be"
    ),
    "grid of objects": (
        lambda out: sh.sweep(lambda seed, x: {"y": 1.0}, {"x": [object()]}, out=out), TypeError,
        "neither a number, a boolean nor text",
    ),
    "grid of seeds": (
        lambda out: sh.sweep(lambda seed: {"y": 1.0}, {"seed": [1]}, out=out), ValueError, "seeds are given by seeds=",
    ),
    "sweep of nothing": (lambda out: sh.sweep(None, {"x": [1]}, out=out), TypeError, "experiment must be a function"),
    "sweep into a number": (lambda _: sh.sweep(lambda x, seed: {}, {"x": [1]}, out=3), TypeError, "out must be a path"),
    "grid of a number": (
        lambda out: sh.sweep(lambda x, seed: {}, {"x": 3}, out=out), TypeError, r"over\['x'\] must be a list of values"
    ),
    "grid of a name that is no text": (
        lambda out: sh.sweep(lambda x, seed: {}, {3: [1]}, out=out), TypeError, r"over\[3\]"
    ),
    "random start without a generator": (
        lambda _: sh.Start(1, 1, 0, random=True).vectors(WHERE[0], 4), ValueError, "rng is needed"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_refusals(name: str, tmp_path: Path) -> None:
    make, kind, words = CASES[name]
    if name == "grid of objects":
        pytest.importorskip("pyarrow")  # what a grid holds is looked at where it is written
    with pytest.raises(kind, match=words):
        make(tmp_path / "sweep")
