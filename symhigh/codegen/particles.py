"""A mean field lowered to source for its particles: averages, drift and noise of every particle.

The functions of :mod:`~symhigh.codegen.lower` over ``y = [coordinates | cells | memories]``, and
``kick(t_, y, out, par, coef, w, const)``, what multiplies the increments of a particle's Brownian motion.
"""

from __future__ import annotations

import sympy as sp

from symhigh.codegen.lower import Lowering, function_source
from symhigh.codegen.target import NUMBA, Target
from symhigh.system import MomentSystem


def particle_source(system: MomentSystem, noise: sp.ImmutableMatrix, target: Target = NUMBA) -> str:
    """Source of the module, one column of ``noise`` after the other in ``out`` (columns, coordinates * n)."""
    lowering = Lowering(system, target, noise_entries(noise))
    rows = noise.rows
    places = [
        (f"out[{k // rows}, {k % rows} * n + i]", f"out[{k // rows}, {k % rows} * n:{k % rows + 1} * n]", e)
        for k, e in enumerate(lowering.more)
    ]
    kick = function_source("kick(t_, y, out, par, coef, w, const)", lowering.mode_lines(places))
    return "\n\n".join([target.header, lowering.source(), kick])


def noise_entries(noise: sp.ImmutableMatrix) -> list[sp.Expr]:
    """The entries of ``noise``, one column after the other."""
    return [e for column in range(noise.cols) for e in noise[:, column]]
