"""From an SDE to its partial differential equations: Fokker-Planck, Kolmogorov backward, stationary density.

The step from paths to laws in the Itô toolbox. Source: Risken, *The Fokker-Planck Equation*, ch. 4-5.
"""

from __future__ import annotations

import sympy as sp
from sympy.core.function import AppliedUndef

from symhigh.derivation.ito.calculus import generator
from symhigh.derivation.ito.sde import ItoSDE
from symhigh.symbols import t


def fokker_planck(sde: ItoSDE, density: AppliedUndef | None = None) -> sp.Eq:
    """Return ``∂p/∂t = -Σ ∂_i(b_i p) + (1/2) Σ ∂_i∂_j(A_ij p)`` for the density ``p(t, states)``; not
    expanded."""
    p = density if density is not None else sp.Function("p")(t, *sde.states)
    states, a = sde.states, sde.covariance
    transport = sum((sp.Derivative(b * p, x) for b, x in zip(sde.drift, states, strict=True)), sp.Integer(0))
    spread = sp.Integer(0)
    for i, first in enumerate(states):
        for j, second in enumerate(states):
            if a[i, j] != 0:
                spread += sp.Derivative(a[i, j] * p, first, second) / 2
    return sp.Eq(sp.Derivative(p, t), spread - transport)


def kolmogorov_backward(sde: ItoSDE, value: AppliedUndef | None = None) -> sp.Eq:
    """Return ``∂f/∂t + L f = 0`` for ``f(t, x) = E[φ(X_T) | X_t = x]``."""
    f = value if value is not None else sp.Function("f")(t, *sde.states)
    return sp.Eq(sp.Derivative(f, t) + generator(sde, f), 0)


def stationary_density(sde: ItoSDE) -> sp.Expr:
    """Return the unnormalised zero-flux density ``exp(∫ 2b/A dx)/A`` of a one-dimensional SDE.

    It is a density where it is integrable; that is not checked here. Raises ``ValueError`` beyond dimension
    one.
    """
    if len(sde.states) != 1:
        raise ValueError(f"stationary_density: one state is needed, got {sde.states}")
    state, drift, spread = sde.states[0], sde.drift[0], sde.covariance[0, 0]
    return sp.exp(sp.integrate(sp.expand(2 * drift / spread), state)) / spread
