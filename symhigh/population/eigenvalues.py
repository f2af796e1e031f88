"""Eigenvalues as users and linear algebra give them: read, checked, and freed of what rounding leaves of zero.

Serves :mod:`symhigh.population.spectrum`. A computed eigenvalue of a d×d matrix is off by up to about ``d eps ‖K‖``
(Golub and Van Loan, *Matrix Computations*, section 8.1), which is also how the rank of a matrix is usually decided.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symhigh.telling import warn

Array = np.ndarray[Any, Any]

_GAP = 1e3
"""How far rounding lies below the smallest eigenvalue that is none, at the least."""


def precision(given: Any) -> float:
    """The spacing of floats at one in the type that numbers were given in; that of doubles for other types."""
    kind = np.asarray(given).dtype
    return float(np.finfo(kind if kind.kind == "f" else float).eps)


def rounding(values: Array, eps: float) -> float:
    """``d eps max|values|``, up to which a computed eigenvalue cannot be told from zero."""
    return float(values.size * max(eps, np.finfo(float).eps) * np.abs(values).max())


def without_rounding(owner: str, values: Array, eps: float) -> Array:
    """Eigenvalues of a matrix with what rounding leaves of zero put to zero; ``ValueError`` where one is negative.

    A negative eigenvalue tells how large the rounding was; up to 1e-10 of the largest it is taken for that.
    """
    if not np.isfinite(values).all():
        raise ValueError(f"{owner}: K has eigenvalues beyond the range of doubles; give it in units of another size")
    if not values.any():
        raise ValueError(f"{owner}: all eigenvalues of K are zero; at least one must be > 0")
    bound, lowest = rounding(values, eps), float(-values.min())
    if lowest > max(bound, 1e-10 * float(values.max())):
        raise ValueError(f"{owner}: K has the eigenvalue {-lowest:g}, all must be >= 0")
    return np.where(values > max(bound, lowest), values, 0.0)


def settled(owner: str, values: Array, eps: float, listed: bool) -> Array:
    """``values`` with what is rounding put to zero; ``ValueError`` for what is negative, not finite, or all zero.

    ``listed`` tells that the values are the eigenvalues of a matrix, one each, and so may have been computed.
    """
    if not np.isfinite(values).all():
        bad = values[~np.isfinite(values)][0]
        raise ValueError(f"{owner}: eigenvalue {bad:g} is not allowed; they must be >= 0, and finite")
    bound = rounding(values, eps)
    if (bad := values[values < -bound]).size:
        raise ValueError(
            f"{owner}(values={float(bad[0])}): values must be >= 0, up to rounding, {bound:.2g} here; this one "
            "is not allowed"
        )
    if not values.any():
        raise ValueError(f"{owner}: all eigenvalues are zero; at least one must be > 0")
    negative = values < 0
    small = listed & (values > 0) & (values <= bound)
    if not small.any():
        return np.where(negative, 0.0, values)
    apart = values[values > bound].min() > _GAP * values[small].max()
    if not (apart or negative.any()):
        return values
    if not negative.any():
        warn(
            f"{owner}: {int(small.sum())} eigenvalues, up to {values[small].max():.3g}, are within rounding of zero "
            f"({bound:.2g}) and are taken as zero; give weights=… to keep them",
        )
    return np.where(negative | small, 0.0, values)


def apportion(weights: Array, total: int) -> Array:
    """Whole numbers that sum to ``total``, within one of ``total * weights``.

    Running totals are rounded, so that what rounding takes from one mode it gives to a neighbour: the measure, not
    one end of it, is kept even where ``total`` is smaller than the number of modes.
    """
    reached = np.rint(np.cumsum(weights) * (total / weights.sum()))
    return np.diff(reached, prepend=0.0).astype(int)
