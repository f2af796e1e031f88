"""Several directions by their short name: committees and multi-index models.

First room of the pipeline. Saad and Solla (Phys. Rev. Lett. 74, 1995) for committees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symhigh.problem.mixture import Mixture
from symhigh.problem.model import LINEAR, Model
from symhigh.problem.problem import Problem


@dataclass(frozen=True, init=False)
class MultiIndex(Problem):
    """SGD on ``loss(x_1 … x_l, x*_1 … x*_m, ε)`` with data ``a ~ N(0, K)``, ``x_p = <a, X_p>``, ``x*_q = <a, X*_q>``.

    Parameters
    ----------
    students, targets
        The symbols of the predictions of the l learnt and m fixed directions.
    loss
        SymPy expression in them, ``sh.eps`` and symbols in ``parameters``.
    noise
        Standard deviation of ``eps``, a number or an expression, or a law.
    learnt
        Symbols of the loss that learn, ``{symbol: start}`` or ``{symbol: Learnt(start, speed)}``, such as second-layer
        weights.

    Every learnt direction moves by ``X_p⁺ = X_p - (g/d) ∂_p f a``. The same as ``Problem(loss, noise, parameters,
    students=students, targets=targets)``.
    """

    labels: tuple[tuple[sp.Expr, sp.Expr], ...] = field(init=False, default=())
    model: Model = field(init=False, default=LINEAR)
    data: Mixture | None = field(init=False, default=None)

    def __init__(
        self,
        students: Sequence[sp.Symbol],
        targets: Sequence[sp.Symbol],
        loss: sp.Expr,
        noise: Any = 0,
        parameters: Mapping[sp.Symbol, Any] | None = None,
        name: str = "multi-index model",
        learnt: Mapping[sp.Symbol, Any] | None = None,
    ) -> None:
        super().__init__(
            loss, noise, parameters=parameters, name=name, students=students, targets=targets, learnt=learnt
        )

    def bound(self, values: Mapping[sp.Basic, sp.Expr]) -> MultiIndex:
        """The same problem with ``values`` put into its parameters and its noise, checked as a new one is."""
        made = super().bound(values)
        own, learnt = dict(made.parameters), dict(made.learnt)
        return MultiIndex(self.students, self.targets, self.loss, made.noise, own, self.name, learnt)
