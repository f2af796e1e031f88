"""Rows of real data: the largest constant rate at which SGD on the rows themselves converges in mean square.

Serves :meth:`symhigh.population.Spectrum.from_data`. One step on a row a drawn at random is ``X⁺ = X - (γ/d) r a``, so
the second moments of the error move by ``M⁺ = M - g(KM + MK) + g² F(M)``, g = γ/d, ``F(M) = E (aᵀMa) a aᵀ``. The step
is a positive map, the average of ``M ↦ (1 - gaaᵀ)M(1 - gaaᵀ)``, so by Perron and Frobenius it loses stability where it
has a fixed M ≥ 0: ``KM + MK = g F(M)``. Hence γ = d/ρ, with ρ the spectral radius of the positive map ``L⁻¹F``,
``LM = KM + MK``. Textbook: Defossez and Bach (AISTATS 2015) for the operator.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symhigh.checks import array, real, whole

Array = np.ndarray[Any, Any]


_SMALLEST, _LARGEST = 1e-140, 1e140
MOST_WORK = 1e9
"""n d² up to which the stable rate of rows is computed without being asked for."""


def read_rows(owner: str, rows: Any) -> Array:
    """Samples as a float array (n, d); ``ValueError`` where they are not finite, or all zero."""
    samples = array(owner, "rows", rows, ndim=2, meaning="samples times features")
    if not samples.any():
        raise ValueError(f"{owner}: rows must be finite and not all zero")
    with np.errstate(over="ignore"):
        size = float(np.sum(samples**2))
    if not _SMALLEST < size < _LARGEST:
        raise ValueError(
            f"{owner}: the squares of rows sum to {size:.3g}, beyond the range of doubles where they are multiplied; "
            "rows must be in units of another size"
        )
    return samples


def stable_rate(rows: Any, batch: int = 1, rtol: float = 1e-10) -> float:
    """The least upper bound of the rates γ at which least squares by SGD on ``rows`` (n, d) converges in mean square.

    Rows are drawn with replacement, ``batch`` of them a step. By power iteration on matrices, to ``rtol``, at a cost of
    n d² an iteration; directions that no row has are left out.
    """
    samples = read_rows("stable_rate", rows)
    size = whole("stable_rate", "batch", batch, least=1, meaning="samples a step")
    close = real("stable_rate", "rtol", rtol, above=0.0, below=1.0, meaning="the relative error allowed")
    n, d = samples.shape
    _, singular, basis = np.linalg.svd(samples, full_matrices=False)
    seen = singular > max(n, d) * np.finfo(float).eps * singular[0]
    values, turned = singular[seen] ** 2 / n, samples @ basis[seen].T
    sums = values[:, None] + values[None, :]
    moments, radius = np.diag(1 / values), 0.0
    for _ in range(10_000):
        quadratic = np.einsum("ni,ij,nj->n", turned, moments, turned, optimize=True)
        pushed = (turned * quadratic[:, None]).T @ turned / n
        pushed = pushed / size + (1 - 1 / size) * values[:, None] * moments * values[None, :]
        following = pushed / sums
        last, radius = radius, float(np.linalg.norm(following) / np.linalg.norm(moments))
        moments = following / np.linalg.norm(following)
        if abs(radius - last) <= close * radius:
            return d / radius
    raise ArithmeticError(f"stable_rate(rtol={rtol:g}): not reached in 10000 iterations; loosen rtol")
