"""Kernel of the exact mean: one step of the second moments, in the eigenbasis of K, for all targets.

Imported only where an exact mean is computed; :mod:`symhigh.simulation.exact_mean` states the recursion.
"""

from __future__ import annotations

from typing import Any

from symhigh.codegen.kernels import module_kernels

SOURCE = '''@exact
def advance(rates, d, slope, decay, batch, noise, lam, weights, v22, distance, overlap):
    """One step for each entry of ``rates``; ``distance`` (N,) and ``overlap`` (N,) are moved in place."""
    for k in range(rates.shape[0]):
        total = noise
        for i in range(lam.shape[0]):
            total += weights[i] * lam[i] * distance[i]
        pull = rates[k] * decay / d
        push = rates[k] * slope / d
        for i in range(lam.shape[0]):
            keep = 1.0 - pull - push * lam[i]
            spread = push * push / batch * lam[i] * (lam[i] * distance[i] + d * total)
            drawn = pull * (pull * v22[i] - 2.0 * keep * (overlap[i] - v22[i]))
            distance[i] = keep * keep * distance[i] + drawn + spread
            overlap[i] = keep * overlap[i] + push * lam[i] * v22[i]
'''


def advance(*given: Any) -> None:
    """Call ``advance`` of :data:`SOURCE`, compiled."""
    exports = {"advance": ("a1", *["d"] * 5, *["a1"] * 5)}
    kernels = module_kernels("exact mean", SOURCE, None, lambda target: f"{target.header}\n\n{SOURCE}", exports)
    kernels.advance(*given)
