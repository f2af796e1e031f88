"""Several passes over the same rows: the limit of least squares on a data set, with its loss on other data.

Stands beside ``solve``, whose limit it uses. A step on a row drawn at random with replacement has the mean gradient of
the mean loss L, and a noise of covariance ``(γ²/d²) E r²aaᵀ``. Where residuals r and rows a do not conspire
(``E r²aaᵀ ≈ 2L H``), this is one step of one-pass SGD on least squares with covariance H, target X̂ and label noise
``ω² = 2L̂`` (:mod:`symhigh.population.dataset`); so every rule's limit on these rows is the one already derived.

The loss on other data, ``½ (X - c)ᵀM(X - c) + least``, sees more than the distance in each mode. Under one-pass SGD the
mean of the iterate follows gradient flow in the clock ``Γ = ∫γ``, and its covariance is diagonal in the basis of H, as
the noise is. Hence

    R_M = R_M(flow at Γ) + ½ Σ_i M_ii (E (X - X̂)_i² - flow_i²),

the two-kernel Volterra equation of Paquette, Paquette, Adlam, Pennington (*Homogenization of SGD in high-dimensions*)
in another form; here for any rule whose rate is equal for all coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import sympy as sp

from symhigh.checks import array, instance, real, shown
from symhigh.derivation import derive
from symhigh.integration.curve import Curve
from symhigh.integration.solve import Progress, solve
from symhigh.meanfield import Reduction, ScalarState
from symhigh.population import Dataset, Start
from symhigh.population.spectrum import Array, Spectrum
from symhigh.problem import Problem, least_squares
from symhigh.rule import Rule
from symhigh.symbols import D2, X_STAR, OwnedSymbol, gamma, lam
from symhigh.system import MomentSystem
from symhigh.telling import telling, warn

WEIGHT, SPREAD, CLOCK = (OwnedSymbol(n, nonnegative=True) for n in ("kappa_M", "S_M", "Gamma"))
"""What other data make of a mode, Σ w κ D², and the clock ∫γ."""
ALIGNED = 0.2
"""How far the alignment of residuals and rows may be from 1 without a warning."""


@dataclass(frozen=True)
class Quadratic:
    """``½ (X - centre)ᵀ matrix (X - centre) + least``: a loss on other data than those passed over."""

    matrix: Array
    centre: Array
    least: float

    def __call__(self, X: Array) -> float:
        gap = X - self.centre
        return float(gap @ self.matrix @ gap) / 2 + self.least

    def turned(self, basis: Array) -> Quadratic:
        """The same loss in coordinates along the columns of ``basis``."""
        return Quadratic(basis.T @ self.matrix @ basis, basis.T @ self.centre, self.least)


@dataclass(frozen=True, eq=False)
class DataStart(Start):
    """A start with a further number a mode: what other data make of its distance."""

    weights: Array = field(default_factory=lambda: np.zeros(1))

    def further(self, spectrum: Spectrum) -> Mapping[sp.Symbol, Array]:
        return {WEIGHT: self.weights}


@telling
def solve_passes(
    data: Dataset,
    rule: Rule,
    t_end: float,
    t: Any = None,
    *,
    X0: Any = None,
    test: Any = None,
    rtol: float = 1e-8,
    progress: Progress | None = None,
) -> Curve:
    """The limit of SGD with ``rule`` on least squares, rows of ``data`` drawn with replacement; a :class:`Curve`.

    Time is steps/d, so that a pass over the n rows takes n/d. ``risk`` is the mean loss over the rows, ``distance`` the
    one to its minimiser X̂ of least norm. ``test`` adds the output ``test_risk``: another :class:`Dataset`, or a pair
    (K, X_star) or triple (K, X_star, ω) for the population risk ``½ (X - X*)ᵀK(X - X*) + ω²/2``.

    Parameters
    ----------
    t
        Increasing output times in [0, t_end], shape (T,); 201 equally spaced ones by default.
    X0
        The first iterate, shape (d,); zero by default.
    rtol, progress
        As for ``solve``.

    Assumes many effective dimensions, and residuals that do not conspire with the rows; both are measured, and a
    warning says where they fail. Rules must be invariant under rotations; for ``test`` the mean iterate must follow
    gradient flow (no momentum, averaging or weight decay). Raises ``ValueError`` for others, by name. Losses other
    than least squares have no such limit: their residuals on rows that were seen before are not Gaussian.
    """
    instance("solve_passes", "data", data, Dataset, "rows with labels")
    first = data.origin("solve_passes", X0)
    problem = problem_of(data)
    system = derive(problem, instance("solve_passes", "rule", rule, Rule, "a learning-rate rule"))
    check_rule("solve_passes", system)
    warn_of_alignment("solve_passes", data, first)
    start = data.start(first)
    if test is None:
        return solve(system, data.spectrum, start, t_end, t, rtol, progress=progress)
    other = quadratic("solve_passes", test, data.d).turned(data.basis)
    _check_flow(system)
    weights = _weights(data, other)
    spreading = _with_spread(system), data.spectrum, _weighted(start, weights)
    curve = solve(*spreading, t_end, t, rtol, progress=progress)
    outputs = dict(curve.outputs)
    spread, clock = outputs.pop("spread"), outputs.pop("clock")
    outputs["test_risk"] = _test_risk(data, first, other, weights, spread, clock)
    return replace(curve, outputs=outputs, system=system, start=start)


def problem_of(data: Dataset) -> Problem:
    """Least squares with the label noise that a step on a row of ``data`` sees."""
    return least_squares(noise=data.noise)


def check_rule(owner: str, system: MomentSystem) -> None:
    """Refuse rules that have no meaning, or no limit, on rows of data."""
    name = type(system.rule).__name__
    if not system.field.rotation_invariant:
        raise ValueError(
            f"{owner}(rule={name}): it moves every coordinate by itself, so its limit needs H = AᵀA/n diagonal; give a "
            "rule that is invariant under rotations"
        )
    if X_STAR in system.rule.step:
        raise ValueError(f"{owner}(rule={name}): it moves the target, which rows of data do not have")


def warn_of_alignment(owner: str, data: Dataset, first: Array) -> None:
    """Say where long rows carry large residuals, at the start or at the minimiser."""
    found = {"X0": data.alignment(first), "the minimiser": data.alignment()}
    place, worst = max(found.items(), key=lambda item: abs(item[1] - 1))
    if abs(worst - 1) > ALIGNED:
        warn(
            f"{owner}: at {place} the squares of residuals and of rows go together, E r²‖a‖² = {worst:.3g} E r² E‖a‖², "
            "where the limit has 1; its gradient noise is off by about that factor. Scale rows to one length, or leave "
            "out the longest",
        )


def quadratic(owner: str, test: Any, d: int) -> Quadratic:
    """The loss on other data, from a data set or (K, X_star[, ω])."""
    if isinstance(test, Dataset):
        if test.d != d:
            raise ValueError(f"{owner}(test={test}): the rows passed over have {d} features")
        return Quadratic(test.rows.T @ test.rows / test.n, test.minimiser, test.least)
    if not isinstance(test, tuple) or len(test) not in (2, 3):
        raise TypeError(f"{owner}(test={shown(test)}): test must be a Dataset, (K, X_star) or (K, X_star, omega)")
    matrix = array(owner, "test[0]", test[0], ndim=2, meaning="the population's covariance K")
    target = array(owner, "test[1]", test[1], meaning="the population's target X*")
    if matrix.shape != (d, d) or target.shape != (d,) or not np.allclose(matrix, matrix.T, atol=1e-10):
        raise ValueError(
            f"{owner}: test holds shapes {matrix.shape} and {target.shape}; K must be symmetric ({d}, {d}), and "
            f"X_star ({d},)"
        )
    noise = real(owner, "test[2]", test[2], least=0.0, meaning="the label noise ω") if len(test) == 3 else 0.0
    return Quadratic(matrix, target, noise**2 / 2)


# --- the loss on other data ------------------------------------------------------------------------------------------
def _check_flow(system: MomentSystem) -> None:
    """The mean iterate must follow gradient flow: the distance of a mode falls at 2γλ, and all else is noise."""
    states, rhs = system.family.states, system.family.rhs
    if states != (D2,) or sp.expand(rhs[0] + 2 * gamma * lam * D2).has(D2):
        raise ValueError(
            f"solve_passes(test=…): under {type(system.rule).__name__} the mean iterate does not follow gradient flow, "
            "and the loss on other data has no closed form here; leave test out, or simulate_passes(test=…)"
        )


def _with_spread(system: MomentSystem) -> MomentSystem:
    """The system with two more outputs: Σ w κ D² of the modes, and the clock."""
    family = system.family
    return replace(
        system,
        family=replace(
            family,
            coefficients=(*family.coefficients, WEIGHT),
            definitions={**family.definitions, WEIGHT: WEIGHT},
        ),
        reductions=(*system.reductions, Reduction(SPREAD, WEIGHT * D2)),
        states=(*system.states, ScalarState(CLOCK, gamma, sp.S.Zero)),
        outputs={**system.outputs, "spread": SPREAD, "clock": CLOCK},
    )


def _weights(data: Dataset, other: Quadratic) -> Array:
    """``M_ii`` averaged over each eigenspace, of a loss along the eigenvectors; 0 where λ = 0: nothing moves there."""
    sums = np.bincount(data.nodes, weights=np.diag(other.matrix))
    return np.where(data.spectrum.values > 0, sums / np.bincount(data.nodes), 0.0)


def _weighted(start: Start, weights: Array) -> DataStart:
    given = {name: getattr(start, name) for name in ("x0", "x_star", "overlap", "vectors_given")}
    return DataStart(**given, weights=weights)


def _test_risk(
    data: Dataset, first: Array, other: Quadratic, weights: Array, spread: Array, clock: Array
) -> Array:
    target = data.basis.T @ data.minimiser
    begun, decay = data.basis.T @ first - target, np.exp(-np.outer(clock, data.eigenvalues))
    gaps = decay * begun + target - other.centre
    flow = np.einsum("ti,ti->t", gaps @ other.matrix, gaps) / 2 + other.least
    still = decay**2 @ (weights[data.nodes] * begun**2)
    return np.asarray(flow + (spread - still) / 2)
