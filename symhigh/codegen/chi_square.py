"""χ² variates for generated kernels, from normals that are drawn with all others.

Part of the Gram chain (:mod:`symhigh.codegen.gram`).

Those of k ≥ 2 degrees of freedom come by rejection (Marsaglia, Tsang, *A simple method for generating gamma
variables*, ACM Trans. Math. Software 26, 2000): with ``a = k/2 - 1/3``, z standard normal, ``t = z/√(9a)`` and
``v = (1 + t)³`` the variate is ``2 a v``, kept with probability ``exp(-b)``, ``b = a (v - 1 - log v) - z²/2``, hence
where ``U > 1 - exp(-b)`` for the uniform ``U = erf(|w|/√2)`` of one more normal w. Almost always neither function is
needed: ``U ≥ 0.68 min(|w|, 1)`` as erf is concave there, ``1 - exp(-b) ≤ b``, and ``b ≤ 1.35 a t⁴`` for ``|t| ≤ 1/2``
from ``log(1 + t) ≥ t - t²/2 + t³/3 - t⁴/4 - (2/5)|t|⁵``. ``shape`` and ``scale`` hold a and 1/√(9a).
"""

from __future__ import annotations

CHI_SQUARE = '''@njit
def chi_cube(source, words, shape, scale, z, w):
    """The cube v of Marsaglia and Tsang where the quick test failed: the exact test, then fresh draws."""
    while True:
        v = (1.0 + scale * z) * (1.0 + scale * z) * (1.0 + scale * z)
        if v > 0.0 and erf(abs(w) / sqrt(2.0)) > -expm1(0.5 * z * z - shape * (v - 1.0 - log(v))):
            return v
        radius = sqrt(-2.0 * log(uniform(source, words)))  # not from the pool, which is being read
        angle = 2.0 * pi * uniform(source, words)
        z, w = radius * cos(angle), radius * sin(angle)
'''
