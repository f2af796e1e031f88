"""Several directions: the limit of SGD with l learnt and m fixed directions (multi-index models, committees).

A pass of the derivation, the counterpart of :mod:`symhigh.derivation.limit` without its reductions. Source: *The High
Line* (arXiv 2405.19585), section 2, for one direction; Saad and Solla (Phys. Rev. Lett. 74, 1995) for committees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations_with_replacement
from types import MappingProxyType
from typing import Any

import numpy as np
import sympy as sp

from symhigh.checks import array, expression, instance, mapping, parameter, shown
from symhigh.derivation.gaussian import expect
from symhigh.derivation.one_step import Mean, one_step
from symhigh.population import Spectrum
from symhigh.population.spectrum import Array
from symhigh.problem.problem import own_parameter
from symhigh.rule import Constant, Rule, Schedule
from symhigh.symbols import eps, gamma, lam, omega, risk
from symhigh.system import Family, LimitSystem, Reduction, Scalar


@dataclass(frozen=True)
class MultiIndex:
    """SGD on ``loss(x_1 … x_l, x*_1 … x*_m, ε)`` with data ``a ~ N(0, K)``, ``x_p = <a, X_p>``, ``x*_q = <a, X*_q>``.

    Parameters
    ----------
    students, targets
        The symbols of the predictions of the l learnt and m fixed directions.
    loss
        SymPy expression in them, ``sh.eps`` and symbols in ``parameters``.
    noise
        Standard deviation of ``eps``, a number or an expression.

    Every learnt direction moves by ``X_p⁺ = X_p - (g/d) ∂_p f a``. ``values`` and ``law`` are as for a Problem.
    """

    students: tuple[sp.Symbol, ...]
    targets: tuple[sp.Symbol, ...]
    loss: sp.Expr
    noise: Any = 0
    parameters: Mapping[sp.Symbol, Any] = field(default_factory=dict, hash=False)
    name: str = "multi-index model"

    def __post_init__(self) -> None:
        for name in ("students", "targets"):
            given = getattr(self, name)
            given = (given,) if isinstance(given, sp.Symbol) else given
            instance("MultiIndex", name, given, (tuple, list), "a tuple of SymPy symbols")
            chosen = tuple(
                instance("MultiIndex", name, s, sp.Symbol, "a tuple of SymPy symbols") for s in given
            )
            object.__setattr__(self, name, chosen)
        loss = expression(
            "MultiIndex", "loss", self.loss, "a SymPy expression in students, targets and sh.eps"
        )
        object.__setattr__(self, "loss", loss)
        own = {
            instance("MultiIndex", "parameters", s, sp.Symbol, "{symbol: number}"): own_parameter(
                "MultiIndex", s, v
            )
            for s, v in mapping("MultiIndex", "parameters", self.parameters, "{symbol: number}").items()
        }
        object.__setattr__(self, "parameters", own)
        instance("MultiIndex", "name", self.name, str, "a string")
        directions = (*self.students, *self.targets)
        if not self.students or len(set(directions)) < len(directions):
            raise ValueError(
                f"MultiIndex(students={self.students}): needs at least one student, and distinct symbols"
            )
        if foreign := sorted(map(str, self.loss.free_symbols - {*directions, eps, *self.parameters})):
            raise ValueError(
                f"MultiIndex(loss={shown(loss)}): foreign symbols {foreign}, not among students and targets; give "
                "their values in parameters={symbol: number}"
            )
        meaning = "the standard deviation of the label noise"
        object.__setattr__(
            self, "noise", parameter("MultiIndex", "noise", self.noise, positive=False, meaning=meaning)
        )

    def bound(self, values: Mapping[sp.Basic, sp.Expr]) -> MultiIndex:
        """The same problem with ``values`` put into its parameters and its noise, checked as a new one is."""
        own = {s: v.xreplace(values) for s, v in self.parameters.items()}
        return replace(self, noise=self.noise.xreplace(values), parameters=own)

    @property
    def directions(self) -> tuple[sp.Symbol, ...]:
        return (*self.students, *self.targets)

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        noise = {omega: self.noise} if eps in self.loss.free_symbols else {}
        return {**self.parameters, **noise}


def overlap(kind: str, p: int, q: int) -> sp.Symbol:
    """``V_pq`` or ``B_pq``, p and q counted from zero, students first; symmetric, printed from one."""
    low, high = min(p, q), max(p, q)
    name = f"{kind}_{low + 1}_{high + 1}"
    return sp.Symbol(name, nonnegative=True) if low == high else sp.Symbol(name, real=True)


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Starting overlaps ``<W_p, W_q>`` of all directions, an (l+m) × (l+m) matrix, spread evenly over the modes."""

    matrix: Any

    def __post_init__(self) -> None:
        _ = self.values

    @cached_property
    def values(self) -> Array:
        values = array("Overlaps", "matrix", self.matrix, ndim=2, meaning="overlaps of all directions")
        if values.shape[0] != values.shape[1] or not np.allclose(values, values.T):
            raise ValueError(
                f"Overlaps(matrix of shape {values.shape}): the matrix must be square and symmetric"
            )
        if np.linalg.eigvalsh(values)[0] < -1e-12 * np.abs(values).max():
            raise ValueError("Overlaps(matrix): the matrix of overlaps must be positive semidefinite")
        return values

    def mode_values(self, spectrum: Spectrum) -> dict[sp.Symbol, Array]:
        """Every ``V_pq`` at the nodes of the spectrum."""
        ones = np.ones(spectrum.numeric("solve")[0].size)
        size = self.values.shape[0]
        return {overlap("V", p, q): self.values[p, q] * ones for p, q in _pairs(size)}

    def mode_size(self, spectrum: Spectrum) -> Array:
        """The trace of the overlaps, which tolerances are relative to."""
        return np.full(spectrum.numeric("solve")[0].size, np.trace(self.values))


def derive_several(problem: MultiIndex, rule: Rule) -> LimitSystem:
    """The limit of SGD on a multi-index problem: one family ``V_pq`` (p learnt), coupled through all ``B_pq``.

    ``dV_pq/dt = -λγ Σ_r (C_pr V_rq + C_qr V_rp) + λγ² I_pq`` with ``C_pr = E ∂_r ∂_p f`` and
    ``I_pq = E ∂_p f ∂_q f``. The loss must have slopes whose derivatives are functions; the rule must be a constant or
    a schedule. Starts are :class:`Overlaps`.

    Raises ``TypeError`` for another rule: memories of several directions are not derived yet.
    """
    instance("derive_several", "problem", problem, MultiIndex, "a symhigh.MultiIndex")
    instance("derive_several", "rule", rule, (Constant, Schedule), "Constant or Schedule")
    students, size = len(problem.students), len(problem.directions)
    slopes = [sp.diff(problem.loss, s) for s in problem.students]
    law = sp.Matrix(size, size, lambda p, q: overlap("B", p, q))
    stein = {(p, r): sp.Symbol(f"C_{p + 1}_{r + 1}", real=True) for p in range(students) for r in range(size)}
    noise = {(p, q): sp.Symbol(f"I_{p + 1}_{q + 1}", real=True) for p, q in _pairs(students)}
    scalars = [
        *(
            Scalar(c, _mean(sp.diff(slopes[p], problem.directions[r]), problem, law))
            for (p, r), c in stein.items()
        ),
        *(Scalar(i, _mean(slopes[p] * slopes[q], problem, law)) for (p, q), i in noise.items()),
        Scalar(risk, _mean(problem.loss, problem, law)),
        Scalar(gamma, rule.rate),
    ]
    drift = _drift(students, size, stein, noise)
    fixed = [overlap("V", p, q) for p, q in _pairs(size) if p >= students]
    reductions = [Reduction(overlap("B", p, q), lam * overlap("V", p, q)) for p, q in _pairs(size)]
    lengths = [Reduction(overlap("N", p, q), overlap("V", p, q)) for p, q in _pairs(size)]
    outputs = {
        "risk": risk,
        "learning_rate": gamma,
        **{f"overlap_{p + 1}_{q + 1}": overlap("N", p, q) for p, q in _pairs(size)},
    }
    return LimitSystem(
        problem,  # type: ignore[arg-type]
        rule,
        Family(tuple(drift), (lam, *fixed), tuple(drift.values())),
        (*reductions, *lengths),
        tuple(scalars),
        (),
        MappingProxyType({**problem.values, **rule.values}),
        MappingProxyType(outputs),
    )


def _pairs(size: int) -> Iterator[tuple[int, int]]:
    return combinations_with_replacement(range(size), 2)


def _drift(
    students: int,
    size: int,
    stein: Mapping[tuple[int, int], sp.Symbol],
    noise: Mapping[tuple[int, int], sp.Symbol],
) -> dict[sp.Symbol, sp.Expr]:
    """The drift of every overlap that moves, from the one-step expansion."""
    step = one_step(students, size - students)
    names: dict[sp.Expr, sp.Expr] = {s: overlap("V", p, q) for (p, q), s in step.overlaps.items()}
    for (p, r), c in stein.items():
        names[Mean(sp.diff(step.gradients[p], step.predictions[r]))] = c
    for (p, q), i in noise.items():
        names[Mean(step.gradients[p] * step.gradients[q])] = i
    return {overlap("V", p, q): step.drift[p, q].subs(names) for p, q in _pairs(size) if p < students}


def _mean(expr: sp.Expr, problem: MultiIndex, law: sp.Matrix) -> sp.Expr:
    """E over the predictions and the noise, over as few of them as each term holds."""
    variables: Sequence[sp.Symbol] = (*problem.directions, eps)
    cov = sp.diag(law, omega**2)
    total = sp.S.Zero
    for term in sp.Add.make_args(sp.expand(expr)):
        used = [i for i, v in enumerate(variables) if term.has(v)]
        total += expect(term, cov.extract(used, used), [variables[i] for i in used]) if used else term
    return total
