"""How many dimensions a problem has for its limit: where few carry the trace of K, a limit is not what SGD does.

Serves every room that knows d. Second moments of Gaussian samples, ``E (aᵀMa) a aᵀ = tr(KM) K + 2KMK``, have a last
term that limits drop. In mode i it adds ``2γ²λ_i²/d`` to the decay ``2γλ_i``: the part ``γλ_i/d`` of it, at the rate
γ = 1/τ at most ``λ_max/tr K``, one over the effective dimension.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from symhigh.telling import warn

if TYPE_CHECKING:
    from symhigh.population.spectrum import Spectrum

LEAST = 20.0
"""The effective dimension tr K/λ_max below which users are warned."""
HEAVY = 0.8
"""The part of the limit's threshold below which the rows' own stable rate is told."""


class EffectiveDimensionWarning(RuntimeWarning):
    """Few directions carry the trace of K, so that the terms which a limit drops are not small."""


def effective_dimension(spectrum: Spectrum, d: int | None = None) -> float | None:
    """``tr K/λ_max``, with d the spectrum's own dimension unless given; None where d is not known."""
    size = spectrum.dimension if d is None else d
    if size is None:
        return None
    values, weights = spectrum.numeric("effective_dimension")
    return float(size * (weights @ values) / values.max())


def warn_of_few_dimensions(owner: str, spectrum: Spectrum, d: int | None = None) -> None:
    """Warn (:class:`EffectiveDimensionWarning`), with the size of what limits drop, where it is not small.

    And where given rows are so far from Gaussian ones that SGD on them is stable for far smaller rates only.
    """
    own = spectrum.dimension if d is None else d
    size = effective_dimension(spectrum, own)
    if own is None or size is None:
        return
    values, weights = spectrum.numeric("effective_dimension")
    stable, threshold = spectrum.stable_rate, 2 / float(weights @ values)
    heavy = stable is not None and stable < HEAVY * threshold
    if size >= LEAST and not heavy:
        return
    parts = []
    if size < LEAST:
        parts.append(
            f"the effective dimension tr K/λ_max is {size:.3g} (d = {own}): the limit d → ∞ drops the part "
            f"γ λ_max/d = {float(values.max()) / own:.3g} γ of the decay of the largest mode, {1 / size:.2g} of it at "
            "the rate γ = 1/τ"
        )
    if stable is not None:
        parts.append(
            f"SGD on the given rows is stable below the rate {stable:.6g}, by their fourth moments, the limit below "
            f"2/τ = {threshold:.6g}"
        )
    warn(
        f"{owner}: {'; '.join(parts)}. Take the exact mean at finite d where it is known (least squares), or simulate; "
        "leave out leading directions or rows that are not of interest",
        EffectiveDimensionWarning,
    )
