"""Whether a limit has label noise, of whatever law, and the Gaussian noise that linear modes cannot tell from it.

Serves the finders of closed forms. Limits with linear modes see the noise through ``E ε²`` alone.
"""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from symhigh.closed.linear import LinearLimit, NotLinear, linear_limit
from symhigh.derivation import derive
from symhigh.derivation.mixture import mixed
from symhigh.problem.noise import Gaussian
from symhigh.symbols import OwnedSymbol, omega
from symhigh.system import MomentSystem

_SIZE = OwnedSymbol("size", positive=True)


def has_noise(system: MomentSystem) -> bool:
    """Whether the loss looks at label noise that is not stated to be zero; laws other than Gaussian never are."""
    problem = system.problem
    return problem.noisy and not (isinstance(problem.law, Gaussian) and system.parameters[omega].is_zero)


def of_gaussian_noise(limit: LinearLimit) -> tuple[MomentSystem, sp.Expr] | None:
    """The same limit under Gaussian noise, and its standard deviation; None where the noise is Gaussian already."""
    system = limit.system
    problem = system.problem
    if not problem.noisy or isinstance(problem.law, Gaussian):
        return None
    variance = sum((c.probability * (c.centre**2 + mixed(c.variance, c)) for c in problem.law.components), sp.S.Zero)
    size = sp.sqrt(sp.simplify(variance))
    twin = derive(replace(problem, noise=_SIZE), system.rule)
    try:
        other = linear_limit(twin)
    except NotLinear:
        return None
    own = (limit.pull, limit.slope, limit.floor, limit.share, limit.least, limit.rate)
    its = (other.pull, other.slope, other.floor, other.share, other.least, other.rate)
    if any(sp.simplify(a - b.subs(omega, size)) != 0 for a, b in zip(own, its, strict=True)):
        return None
    return twin, size
