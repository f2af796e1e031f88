"""Stochastic differential equations as typed objects: Itô and Stratonovich.

The first object of the Itô toolbox; every other file of the package takes an ``ItoSDE`` and returns
expressions or another ``ItoSDE``. Source: Øksendal, *Stochastic Differential Equations*, ch. 3-5.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from symhigh.checks import expression, instance


def _checked(owner: str, states: tuple[sp.Symbol, ...], drift: tuple[sp.Expr, ...], noise: sp.Matrix) -> None:
    if not states or len(set(states)) != len(states):
        raise ValueError(f"{owner}(states={states}): states must be distinct symbols, at least one")
    if len(drift) != len(states):
        raise ValueError(f"{owner}(drift={drift}): drift must have one entry a state, {len(states)} in all")
    if noise.rows != len(states):
        raise ValueError(
            f"{owner}(diffusion with {noise.rows} rows): diffusion must have one row a state, "
            f"{len(states)} in all, "
            "and one column a Brownian motion"
        )


@dataclass(frozen=True)
class ItoSDE:
    """``dX = drift dt + diffusion dB`` in the sense of Itô.

    ``states`` are n symbols, ``drift`` n expressions, ``diffusion`` an n × m matrix over m independent
    Brownian motions. Symbols that are not states are parameters, or mean-field quantities given as functions
    of time.
    """

    states: tuple[sp.Symbol, ...]
    drift: tuple[sp.Expr, ...]
    diffusion: sp.ImmutableMatrix

    def __post_init__(self) -> None:
        states = tuple(instance("ItoSDE", "states", s, sp.Symbol, "SymPy symbols") for s in self.states)
        object.__setattr__(self, "states", states)
        drift = tuple(expression("ItoSDE", "drift", entry, "SymPy expressions") for entry in self.drift)
        object.__setattr__(self, "drift", drift)
        if not isinstance(self.diffusion, sp.MatrixBase):
            for entry in (
                e for row in self.diffusion for e in (row if isinstance(row, list | tuple) else (row,))
            ):
                expression("ItoSDE", "diffusion", entry, "a matrix of SymPy expressions")
        object.__setattr__(self, "diffusion", sp.ImmutableMatrix(self.diffusion))
        _checked("ItoSDE", self.states, self.drift, self.diffusion)

    @property
    def covariance(self) -> sp.ImmutableMatrix:
        """``A = diffusion diffusionᵀ``, the n × n rate of quadratic covariation of the states."""
        return sp.ImmutableMatrix(self.diffusion * self.diffusion.T)

    @property
    def brownian(self) -> tuple[sp.Symbol, ...]:
        """Symbols that stand for the increments dB_1 … dB_m when the equations are printed."""
        count = self.diffusion.cols
        return (sp.Symbol("dB"),) if count == 1 else tuple(sp.Symbol(f"dB_{j + 1}") for j in range(count))

    def equations(self) -> list[sp.Eq]:
        """The equations in differential form, ``dX_i = drift_i dt + sum_j diffusion_ij dB_j``."""
        dt = sp.Symbol("dt")
        noise = (
            self.diffusion * sp.Matrix(self.brownian)
            if self.diffusion.cols
            else sp.zeros(len(self.states), 1)
        )
        return [
            sp.Eq(sp.Symbol(f"d{state.name}"), drift * dt + noise[row], evaluate=False)
            for row, (state, drift) in enumerate(zip(self.states, self.drift, strict=True))
        ]

    def subs(self, values: dict[sp.Expr, sp.Expr]) -> ItoSDE:
        """The same equation with parameters replaced."""
        for value in values.values():
            expression("ItoSDE.subs", "values", value, "{symbol: expression}")
        return ItoSDE(self.states, tuple(b.subs(values) for b in self.drift), self.diffusion.subs(values))


@dataclass(frozen=True)
class StratonovichSDE:
    """``dX = drift dt + diffusion ∘ dB`` in the sense of Stratonovich; same shapes as :class:`ItoSDE`."""

    states: tuple[sp.Symbol, ...]
    drift: tuple[sp.Expr, ...]
    diffusion: sp.ImmutableMatrix

    def __post_init__(self) -> None:
        object.__setattr__(self, "diffusion", sp.ImmutableMatrix(self.diffusion))
        _checked("StratonovichSDE", self.states, self.drift, self.diffusion)

    def to_ito(self) -> ItoSDE:
        """The Itô equation with the same solutions: ``drift_i + (1/2) sum_kj σ_kj ∂σ_ij/∂x_k``.

        Exact where the diffusion's parameters do not themselves depend on the states.
        """
        sigma = self.diffusion
        correction = [
            sum(
                (
                    sigma[k, j] * sp.diff(sigma[i, j], self.states[k])
                    for k in range(sigma.rows)
                    for j in range(sigma.cols)
                ),
                sp.Integer(0),
            )
            / 2
            for i in range(sigma.rows)
        ]
        drift = tuple(sp.expand(b + c) for b, c in zip(self.drift, correction, strict=True))
        return ItoSDE(self.states, drift, sigma)
