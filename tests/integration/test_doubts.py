"""Averages that resist quadrature are told of, and refused, wherever they are used, in the same words.

The loss has a boundary, so its averages are taken by nested rules in two variables, which estimate their error. A bad
quadrature is planted by adding to the estimates.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.compiler import compiler
from symhigh.codegen.lower import averages
from symhigh.integration.deviations import Equations
from symhigh.integration.doubts import Doubts

LOSS = sp.Abs(sh.x**2 - sh.x_star**2) ** sp.Rational(3, 2) / 9
G = sp.Symbol("g", positive=True)
ISOTROPIC, CLASSES = sh.Spectrum.isotropic(), sh.NetworkClasses(1.0, 0.7, 0.8, 0.6)
START, RULE = sh.Start(1, 1, sp.Rational(1, 2)), sh.Constant(sp.Rational(1, 10))
LIGHT = sh.Problem(sp.Abs(sh.x - sh.x_star) ** sp.Rational(3, 2) * (1 + sh.x_star**2) / 9)  # a straight boundary
PLAIN, PAIR = sh.Problem(LOSS), sh.Problem(LOSS, model=sh.PRODUCT)
MIXED = sh.Problem(sp.Abs(sh.x - 1 - sh.eps) ** sp.Rational(3, 2) / 9, sh.StudentT(9))
HEAVY = sh.Problem(sp.Abs(sh.x**2 - sh.x_star**2 - sh.eps) ** sp.Rational(3, 2) / 9, sh.StudentT(9))


def solved(problem: sh.Problem, *population: Any, **more: Any) -> Any:
    return sh.derive(problem, RULE).solve(*population, 0.1, t=[0.1], **more)


def many() -> Any:
    system = sh.derive(PLAIN, sh.Constant(G))
    return system.solve_many({G: [0.1, 0.2]}, ISOTROPIC, START, t_end=0.1, t=[0.1])


def phases() -> Any:
    factor = sp.Symbol("k", positive=True)
    system = sh.derive(sh.Problem(factor * LOSS, parameters={factor: factor}), sh.Constant(G))
    return sh.phase_diagram(system, (G, [0.1, 0.2]), ("k", [1.0]), "risk", ISOTROPIC, START, t_end=0.1)


def runs(**more: Any) -> Any:
    return sh.simulate(PLAIN, RULE, ISOTROPIC, START, d=50, t_end=0.1, seeds=2, t=[0.1], threads=1, **more)


# fmt: off
slow = pytest.mark.slow
USES: list[Any] = [
    pytest.param(lambda: solved(LIGHT, ISOTROPIC, START), id="moments"),
    pytest.param(lambda: solved(PLAIN, ISOTROPIC, START), id="moments, across a curve", marks=slow),
    pytest.param(lambda: solved(MIXED, ISOTROPIC, START), id="mixing law"),
    pytest.param(lambda: solved(PAIR, CLASSES, nodes=41, tolerance=1e-7), id="density", marks=slow),
    pytest.param(
        lambda: solved(sh.Problem(LOSS, model=sh.powers(3)), CLASSES, particles=64, step=0.1), id="particles"
    ),
    pytest.param(
        lambda: sh.derive(PLAIN, RULE).fluctuations(ISOTROPIC, START, 0.1, t=[0.1], rtol=1e-6), id="fluctuations",
        marks=slow,
    ),
    pytest.param(many, id="many", marks=slow),
    pytest.param(phases, id="phases", marks=slow),
    pytest.param(lambda: runs(method="gram"), id="chain", marks=slow),
    pytest.param(lambda: runs(method="direct"), id="direct", marks=slow),
    pytest.param(lambda: runs(method="direct", covariance=np.eye(50)), id="rotated", marks=slow),
    pytest.param(lambda: solved(PLAIN, ISOTROPIC, START).excess_risk, id="excess risk", marks=slow),
]
# fmt: on


@pytest.mark.parametrize("use", USES)
def test_a_bad_quadrature_is_told_wherever_it_is_used(use: Callable[[], Any], monkeypatch: Any) -> None:
    taken, planted = Doubts.take, [0.0]

    def take(self: Doubts, nodes: Any, errors: Any, now: float) -> None:
        taken(self, nodes, errors + planted[0], now)

    monkeypatch.setattr(Doubts, "take", take)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        use()
    planted[0] = 1e-5 / 2
    with pytest.warns(RuntimeWarning, match=r"the average of .* is known to .* of its size only: .* is no better"):
        use()
    planted[0] = 1e-3
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        text = ""
        try:
            use()
        except ValueError as refusal:
            text = str(refusal)
    assert any("of its size only; write the loss" in t for t in (text, *(str(w.message) for w in seen)))


@pytest.mark.skipif(compiler() is None, reason="the reference takes minutes")
def test_an_average_ends_within_its_evaluations() -> None:
    """Three variables with a curved boundary, at each of fifty-five variances: all are refused within seconds."""
    with pytest.raises(ValueError, match=r"the average of .* is not found in 1e\+08 evaluations of it; write the loss"):
        solved(HEAVY, ISOTROPIC, START)


def escape() -> Any:
    return sh.escape(sh.phase_retrieval(), RULE, ISOTROPIC, sh.Start(0.3, 1, 0))


def best() -> Any:
    return sh.optimal_schedule(sh.least_squares(0.5), ISOTROPIC, START, 0.1, t=[0.1])


@pytest.mark.parametrize("use", [escape, best])
def test_consequences_of_the_linear_theory_tell_it_too(use: Callable[[], Any], monkeypatch: Any) -> None:
    """Planted where they ask: their own averages have closed forms, for speed."""
    node = averages(sh.derive(PLAIN, RULE))
    planted = [1e-5]

    def asked(self: Equations, times: Any, rtol: float, result: str) -> Doubts:
        doubts = Doubts(rtol, result)
        doubts.take(node[:1], np.array(planted), 0.0)
        return doubts

    monkeypatch.setattr(Equations, "doubts", asked)
    with pytest.warns(RuntimeWarning, match=r"the average of .* is known to .* of its size only: .* is no better"):
        use()
    planted[0] = 1e-3
    with pytest.raises(ValueError, match="of its size only; write the loss"):
        use()
