"""Every loss that needs quadrature, over B11, B22 in [1e-8, 1e3] and all correlations, ends included.

The second route shares nothing with the generated code: dense trapezoidal grids for analytic integrands, and for
kinks Gauss-Legendre panels that shrink geometrically towards every place where the integrand may be steep.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import sympy as sp
from scipy.special import log_ndtr, ndtr

import symhigh as sh
from symhigh.codegen.mixture import lower_means
from symhigh.derivation.statistics import statistics
from symhigh.symbols import B11, B12, B22

VARIANCES = (1e-8, 0.3, 2.0, 60.0, 1e3)
CORRELATIONS = (0.0, 0.3, -0.8, 0.97, -0.9999, 1.0, -1.0)
NAMES = ("risk", "gradient_noise", "c1", "c2")
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


def generated(problem: sh.Problem) -> Callable[..., list[float]]:
    """Risk, I, c₁, c₂ as compiled functions of (B11, B12, B22)."""
    numba = pytest.importorskip("numba")
    stats = statistics(problem.outcomes, problem.law.components if problem.noisy else ())
    exprs = [getattr(stats, name).subs(problem.values) for name in NAMES]
    source, lowered = lower_means(exprs)
    njit = numba.njit(error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
    space: dict[str, Any] = {"math": math, "numpy": np, "njit": njit}
    exec(source, space)  # generated here
    return sp.lambdify((B11, B12, B22), lowered, [space, "math"])


def corners() -> Iterator[tuple[float, float, float]]:
    for a, b in itertools.product(VARIANCES, repeat=2):
        for r in CORRELATIONS:
            yield a, r * math.sqrt(a * b), b


def dense(f: Callable[..., Any], a: float, b12: float, b: float) -> float:
    """``E f(x, x*)`` for f analytic in strips of half-width π/2: error e^{-40} and reach 9."""
    r = max(-1.0, min(1.0, b12 / math.sqrt(a * b)))
    step = min(0.35, math.pi**2 / math.sqrt(max(a, b)) / 40)
    z = np.arange(-9, 9 + step / 2, step)
    weight = np.exp(-z * z / 2) * step / math.sqrt(2 * math.pi)
    total = 0.0
    for part, w in zip(np.array_split(z, 8), np.array_split(weight, 8), strict=True):
        x, y = (
            math.sqrt(a) * part[:, None],
            math.sqrt(b) * (r * part[:, None] + math.sqrt(1 - r * r) * z[None, :]),
        )
        total += float(w @ np.broadcast_to(f(x, y), (part.size, z.size)) @ weight)
    return total


def panelled(f: Callable[[Any], Any], cuts: list[float]) -> float:
    """``E f(z)``, z standard normal, f smooth but steep near the cuts."""
    ends = {-9.0, 9.0}
    for cut in cuts:
        ends |= {cut, *(cut + side * 2.0**-k for side in (1, -1) for k in range(-3, 46))}
    edges = np.array(sorted(e for e in ends if -9 <= e <= 9))
    half, middle = np.diff(edges)[:, None] / 2, (edges[1:] + edges[:-1])[:, None] / 2
    z = middle + half * NODES
    return float((half * WEIGHTS * np.exp(-z * z / 2) * f(z)).sum() / math.sqrt(2 * math.pi))


def agree(problem: sh.Problem, references: dict[str, Callable[..., float]], grows: bool = False) -> None:
    """Every quantity within 1e-10 of its reference, relative to its size; with ``grows``, to parts that may cancel."""
    value = generated(problem)
    for at in corners():
        found = dict(zip(NAMES, value(*at), strict=True))
        for name, second in references.items():
            exact = second(*at)
            size = max(1.0, abs(exact), *(at[::2] if grows else ()))
            assert abs(found[name] - exact) < 1e-10 * size, (name, at, found[name], exact)


def sigmoid(u: Any) -> Any:
    return 0.5 * (1 + np.tanh(u / 2))


@pytest.mark.slow
def test_logistic() -> None:
    softplus = lambda u: np.logaddexp(0, u)  # noqa: E731
    agree(sh.logistic_regression(), {
        "risk": lambda *at: dense(lambda x, y: softplus(x) - x * sigmoid(y), *at),
        "gradient_noise": lambda *at: dense(lambda x, y: (sigmoid(x) - sigmoid(y)) ** 2, *at),
        "c1": lambda *at: dense(lambda x, y: sigmoid(x) * sigmoid(-x), *at),
        "c2": lambda *at: -dense(lambda x, y: sigmoid(y) * sigmoid(-y), *at),
    })  # fmt: skip


@pytest.mark.slow
def test_sampled_logistic() -> None:
    agree(sh.logistic_regression(sampled=True), {
        "gradient_noise": lambda *at: dense(
            lambda x, y: sigmoid(y) * sigmoid(-x) ** 2 + sigmoid(-y) * sigmoid(x) ** 2, *at),
    })  # fmt: skip


@pytest.mark.slow
def test_tanh_student() -> None:
    slope = lambda x: 1 - np.tanh(x) ** 2  # noqa: E731
    agree(sh.tanh_student(0.3), {
        "risk": lambda *at: dense(lambda x, y: ((np.tanh(x) - np.tanh(y)) ** 2 + 0.09) / 2, *at),
        "gradient_noise": lambda *at: dense(
            lambda x, y: ((np.tanh(x) - np.tanh(y)) ** 2 + 0.09) * slope(x) ** 2, *at),
        "c1": lambda *at: dense(
            lambda x, y: slope(x) ** 2 - 2 * (np.tanh(x) - np.tanh(y)) * np.tanh(x) * slope(x), *at),
        "c2": lambda *at: -dense(lambda x, y: slope(x) * slope(y), *at),
    })  # fmt: skip


@pytest.mark.slow
def test_pseudo_huber() -> None:
    def on_residual(f: Callable[..., Any]) -> Callable[..., float]:
        return lambda a, b12, b: panelled(
            lambda z: f(math.sqrt(max(a - 2 * b12 + b + 0.25, 0)) * z / 0.8), [0.0]
        )

    agree(sh.pseudo_huber(0.8, 0.5), {
        "risk": on_residual(lambda u: 0.64 * (np.sqrt(1 + u**2) - 1)),
        "gradient_noise": on_residual(lambda u: 0.64 * u**2 / (1 + u**2)),
        "c1": on_residual(lambda u: (1 + u**2) ** -1.5), "c2": on_residual(lambda u: -((1 + u**2) ** -1.5)),
    })  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("squared", [False, True], ids=["hinge", "squared hinge"])
def test_hinges(squared: bool) -> None:
    """Given x, the label is 1 with probability ``0.1 + 0.8 Φ(κ x)``, ``κ = B12/√(B11 (B11 B22 - B12²))``."""

    def given_x(f: Callable[..., Any]) -> Callable[..., float]:
        def mean(a: float, b12: float, b: float) -> float:
            lack = a * b - b12 * b12
            root = math.sqrt(a)
            with np.errstate(over="ignore"):
                slope = math.copysign(1e300, b12) if lack <= 1e-15 * a * b else b12 / math.sqrt(lack)
            return panelled(lambda z: f(root * z, 0.1 + 0.8 * ndtr(slope * z)), [0.0, 1 / root, -1 / root])

        return mean

    power, scale = (2, 0.5) if squared else (1, 1.0)

    def margin(x: Any, p: Any) -> Any:
        return scale * (p * np.maximum(0, 1 - x) ** power + (1 - p) * np.maximum(0, 1 + x) ** power)

    def square(x: Any, p: Any) -> Any:
        return p * np.maximum(0, 1 - x) ** 2 + (1 - p) * np.maximum(0, 1 + x) ** 2

    def step(x: Any, p: Any) -> Any:
        return p * (x < 1) + (1 - p) * (x > -1)

    loss = sh.squared_hinge(0.1) if squared else sh.hinge(0.1)
    references = {"risk": given_x(margin), "gradient_noise": given_x(square if squared else step)}
    agree(loss, {**references, **({"c1": given_x(step)} if squared else {})})


@pytest.mark.slow
def test_probit_likelihood() -> None:
    """``-log Φ(yx)`` with labels drawn by the logistic of x*."""
    phi = (1 + sp.erf(sh.x / sp.sqrt(2))) / 2
    chance = 1 / (1 + sp.exp(-sh.x_star))
    loss = sp.Piecewise((-sp.log(phi), sh.y > 0), (-sp.log(1 - phi), True))
    problem = sh.Problem(loss, labels={1: chance, -1: 1 - chance})
    risk = lambda x, y: -sigmoid(y) * log_ndtr(x) - sigmoid(-y) * log_ndtr(-x)  # noqa: E731
    agree(problem, {"risk": lambda *at: dense(risk, *at)}, grows=True)
