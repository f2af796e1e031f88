"""Fluctuations around a limit that has come to rest: the stationary covariance and bias, by one Lyapunov equation.

Where ``F(y) = 0`` the equations of :mod:`symhigh.derivation.fluctuations` are linear with constant coefficients, and so

    J C + C Jᵀ + Σ = 0,     J m + ½ F″:C + B₁ = 0.

The rest is followed along the limit's path, and closed by Newton's method with the same J.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import solve_continuous_lyapunov

from symhigh.codegen.target import Target
from symhigh.derivation.fluctuations import Deviations
from symhigh.integration.bands import Fluctuations
from symhigh.integration.deviations import Equations
from symhigh.population import Spectrum
from symhigh.population.spectrum import Array

_LONGEST = 1e5
"""Times up to which a limit is followed;"""
HORIZON = 1e3
"""the time for which continuous spectra are resolved."""
_FIRST, _FURTHER = 30.0, 5.0
"""The first time at which rest is looked for, and by what the next are longer."""
_SLOW = 1e-7
"""Speed of the states, against their sizes, from which Newton's method closes in."""
_CORRECTIONS = 6


def at_rest(
    theory: Deviations, par: Array, spectrum: Spectrum, start: Any, rtol: float, target: Target
) -> Fluctuations:
    """Covariances and biases at the rest that the limit from ``start`` comes to, as results at the time infinity.

    Raises ``ValueError`` where it comes to none, and where deviations do not fade there.
    """
    with np.errstate(all="ignore"):
        e, y = _followed(theory, par, spectrum, start, target)
        here = _closed(e, y, rtol)
        if here.in_time.any():
            raise ValueError("fluctuations(t_end=inf): the rate is a function of time; give a finite t_end")
        values = np.linalg.eigvals(here.J)
        slowest = float(values.real.max())
        if not slowest < -1e-9 * np.abs(values).max():
            raise ValueError(
                f"fluctuations(t_end=inf): at rest some deviations do not fade (their rate is {slowest:.3g}), so they "
                "have no stationary covariance; give a finite t_end"
            )
        C = solve_continuous_lyapunov(here.J, -here.sigma)
        C = (C + C.T) / 2
        m = np.linalg.solve(here.J, -(here.bend(C) + here.force))
        doubts = e.doubts((e.path.end,), rtol, "the stationary covariance")
        doubts.settle("fluctuations")
        found, covariance, bias = here.outputs(C, m)
    names = tuple(theory.system.outputs)
    return Fluctuations(np.array([np.inf]), names, found[None], covariance[None], bias[None], theory.why)


def _followed(
    theory: Deviations, par: Array, spectrum: Spectrum, start: Any, target: Target
) -> tuple[Equations, Array]:
    """The equations along a path that ends near rest, and the states there."""
    end = _FIRST
    while True:
        e = Equations(theory, target, par, spectrum, start, end, 1e-10)
        y = e.path(e.path.end)
        if e.path.end < end:
            raise ValueError(
                f"fluctuations(t_end=inf): the limit stops at t = {e.path.end:.6g}, before it comes to rest; solve "
                "says why"
            )
        speed = float(np.abs(_speed(e, y) / e.size).max())
        if speed < _SLOW:
            return e, y
        if end * _FURTHER > _LONGEST:
            raise ValueError(
                f"fluctuations(t_end=inf): at t = {end:g} the limit still moves, by {speed:.2g} of its size per unit "
                "of time, as where a rate falls for ever or eigenvalues reach zero; give a finite t_end"
            )
        end *= _FURTHER


def _closed(e: Equations, y: Array, rtol: float) -> Any:
    """The equations at the rest near ``y``, by Newton's method."""
    end, y = e.path.end, y.copy()
    for _ in range(_CORRECTIONS):
        at: Any = _Still(y, end)
        e.path = at
        here = e(end)
        move = np.linalg.lstsq(here.J, e.scale * _speed(e, y)[e.kept], rcond=1e-13)[0] / e.scale
        if np.abs(move / e.size[e.kept]).max() < 1e-3 * rtol:
            return here
        y[e.kept] -= move
    raise ArithmeticError("fluctuations(t_end=inf): Newton's method does not close in on the rest; give a finite t_end")


class _Still:
    """A path that stays where it is."""

    def __init__(self, y: Array, end: float) -> None:
        self.y, self.end = y, end

    def __call__(self, t: float) -> Array:
        return self.y


def _speed(e: Equations, y: Array) -> Array:
    out = np.empty_like(y)
    e.kernels.rhs(e.path.end, y, out, *e.data)
    return out
