"""Generated linear algebra for many limits: regression values; and C against NumPy."""

from pathlib import Path

import numpy as np
import pytest

import symhigh as sh
from symhigh.codegen.jacobian import jacobian
from symhigh.codegen.kernels import implicit_kernels, limit_kernels
from symhigh.codegen.target import NUMPY, C
from tests.combinations import combinations, somewhere
from tests.tables import Entry, check

ALL = combinations()
IMPLICIT = [
    *(f"{rule}, square, linear" for rule in ("SGD", "AdaGrad-Norm", "line search", "averaged", "clipped gradient")),
    "AdaGrad, square, linear", "DoG, square", "AdaGrad-Norm, erf", "cosine, square",
]  # fmt: skip
TWINS = ["SGD, Huber, linear", "AdaGrad-Norm, logistic, sampled", "momentum, quantile, linear", "RMSprop-Norm, square"]
W = np.array([0.25, 0.75])


def point(system: sh.MomentSystem) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Parameters, coefficients and states of two modes."""
    par = np.array([float(v) for v in system.parameters.values()])
    names = (*system.family.states,)
    y = np.array([[float(somewhere(s)), 0.8 * float(somewhere(s))] for s in names]).ravel()
    y = np.concatenate([y, [float(somewhere(s.name)) for s in system.states]])
    coef = np.array([[float(somewhere(s)), 0.7] for s in system.family.coefficients])
    return par, coef, y


def values(kernels: object, system: sh.MomentSystem) -> list[np.ndarray]:
    par, coef, y = point(system)
    const, dy, out = np.zeros(len(system.reductions)), np.zeros(y.size), np.zeros(len(system.outputs))
    kernels.prepare(par, coef, W, const)  # type: ignore[attr-defined]
    kernels.rhs(0.3, y, dy, par, coef, W, const)  # type: ignore[attr-defined]
    kernels.observe(0.3, y, out, par, coef, W, const)  # type: ignore[attr-defined]
    return [const, dy, out]


@pytest.mark.parametrize("name", IMPLICIT)
def test_linear_algebra_has_not_changed(name: str) -> None:
    system = sh.derive(*ALL[name][:2])
    kernels = implicit_kernels(system, NUMPY)
    par, coef, y = point(system)
    n, sigma = len(jacobian(system).coupling), 1.7
    const, slope, A, z = np.zeros(len(system.reductions)), np.zeros(99), np.zeros((n, n)), np.zeros(n)
    found, drift = np.zeros(y.size), np.zeros(y.size)
    kernels.prepare(par, coef, W, const)
    kernels.linearise(0.3, y, slope, par, coef, W, const)
    kernels.factor(sigma, y, slope, A, par, coef, W, const)
    kernels.solve(sigma, y, np.linspace(-1, 1, y.size), found, slope, A, z, par, coef, W, const)
    kernels.drift(y, drift, slope, par, coef, W, const)
    entry: Entry = {"slope": slope.tolist(), "solved": found.tolist(), "drift": drift.tolist()}
    check(Path(__file__).with_suffix(".json"), name, entry)


@pytest.mark.parametrize("name", TWINS)
def test_c_computes_what_numpy_does(name: str) -> None:
    system = sh.derive(*ALL[name][:2])
    kernels = limit_kernels(system, C)
    if kernels.target is not C:
        pytest.skip("there is no C compiler")
    for one, other in zip(values(kernels, system), values(limit_kernels(system, NUMPY), system), strict=True):
        assert one == pytest.approx(other, rel=1e-10, abs=1e-12)
