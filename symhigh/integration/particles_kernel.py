"""Numba kernel of the particle system: drift, error and their averages in one pass over the particles.

Imported only where particles are run. Columns of ``table`` as ``MeanFieldModel.packed`` gives them. Cost: O(K N J).
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numba import njit

from symhigh.codegen.entries import keep


@njit(error_model="numpy")
def pull_particles(table, drift_terms, error_terms, in_xi, in_alpha, integral, xi, drift, second):
    """Fill ``drift`` (K, N); fill ``second`` (K, 2) with the averages of e² and e⁴, e being the error."""
    classes, count, terms = xi.shape[0], xi.shape[1], in_xi.size
    push, error = np.empty(terms), np.empty(terms)
    for k in range(classes):
        alpha = table[k, 7] + table[k, 8] * integral
        for j in range(terms):
            factor = math.exp(in_alpha[j] * alpha)
            push[j], error[j] = drift_terms[k, j] * factor, error_terms[k, j] * factor
        total = fourth = 0.0
        for i in range(count):
            at = xi[k, i]
            b, e = table[k, 0] + table[k, 1] * at, table[k, 4] + table[k, 5] * at
            wave = 1.0
            for j in range(terms):
                mirrored = j > 0 and in_xi[j] == -in_xi[j - 1]
                wave = 1.0 / wave if mirrored else math.exp(in_xi[j] * at)
                b += push[j] * wave
                e += error[j] * wave
            drift[k, i] = b
            total += e * e
            fourth += e * e * e * e
        second[k, 0], second[k, 1] = total / count, fourth / count


@njit(error_model="numpy")
def move_particles(xi, drift, ahead, h, width, normals, out):
    """``out = xi + h (drift + ahead)/2 + width normals``, all (K, N), ``width`` (K)."""
    for k in range(xi.shape[0]):
        for i in range(xi.shape[1]):
            out[k, i] = xi[k, i] + h * (drift[k, i] + ahead[k, i]) / 2.0 + width[k] * normals[k, i]


keep(globals(), Path(__file__).read_text("utf-8"))
