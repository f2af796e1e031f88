"""Starting overlaps of several directions.

Second room of the pipeline, beside starts of one direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symhigh.checks import array
from symhigh.population.spectrum import Array


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Starting overlaps ``<W_p, W_q>`` of all directions, an (l+m) × (l+m) matrix, spread evenly over the modes.

    Students come first. The matrix must be symmetric and positive semidefinite.
    """

    matrix: Any

    def __post_init__(self) -> None:
        _ = self.values  # a wrong matrix is refused where it is given

    @cached_property
    def values(self) -> Array:
        values = array("Overlaps", "matrix", self.matrix, ndim=2, meaning="overlaps of all directions")
        if values.shape[0] != values.shape[1] or not np.allclose(values, values.T):
            raise ValueError(
                f"Overlaps(matrix of shape {values.shape}): the matrix must be square and symmetric"
            )
        if np.linalg.eigvalsh(values)[0] < -1e-12 * np.abs(values).max():
            raise ValueError("Overlaps(matrix): the matrix of overlaps must be positive semidefinite")
        return values
