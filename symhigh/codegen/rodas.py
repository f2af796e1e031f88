"""The implicit method as data: Rodas5P, a Rosenbrock-Wanner method of order 5(4), stiffly accurate and L-stable.

Read by :mod:`symhigh.codegen.implicit`. Source: G. Steinebach, *Construction of Rosenbrock-Wanner method Rodas5P and
numerical benchmarks within the Julia Differential Equations package* (BIT 63:27, 2023), in the form without matrix
products of Hairer and Wanner, *Solving Ordinary Differential Equations II*, IV.7:

    (1/(hγ) - J) u_j = f(t + c_j h, y + Σ_k a_jk u_k) + Σ_k C_jk u_k / h + h d_j ∂f/∂t,    y⁺ = y + Σ_k a_8k u_k + u_8,

with u_8 the difference to the embedded solution of order 4. With s in [0, 1] the solution between steps, of order 4, is
``(1-s) y + s (y⁺ + (1-s)(k₁ + s (k₂ + s k₃)))``, ``k = H u``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symhigh.population.spectrum import Array


@dataclass(frozen=True)
class Rosenbrock:
    """A Rosenbrock-Wanner method in the form above; tables of shapes (8, 8), vectors (8,), dense (3, 8)."""

    order: int
    diagonal: float
    a: Array
    C: Array
    c: Array
    d: Array
    dense: Array


def rodas_5p() -> Rosenbrock:
    """Order 5, with an embedded solution of order 4."""
    a = np.zeros((8, 8))
    for row, entries in enumerate(_A):
        a[row, : len(entries)] = entries
    a[6, :6] = [*_A[5], 1.0]
    a[7, :7] = [*_A[5], 1.0, 1.0]
    C = np.zeros((8, 8))
    for row, entries in enumerate(_C):
        C[row, : len(entries)] = entries
    return Rosenbrock(5, _GAMMA, a, C, np.array(_c), np.array(_d), np.array(_H))


_GAMMA = 0.21193756319429014
_A: list[list[float]] = [
    [],
    [3.0],
    [2.849394379747939, 0.45842242204463923],
    [-6.954028509809101, 2.489845061869568, -10.358996098473584],
    [2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641],
    [-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946],
]
_C: list[list[float]] = [
    [],
    [-14.155112264123755],
    [-17.97296035885952, -2.859693295451294],
    [147.12150275711716, -1.41221402718213, 71.68940251302358],
    [165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306],
    [24.854864614690072, -3.0009227002832186, 47.4931110020768, 5.5814197821558125, -0.6610691825249471],
    [30.91273214028599, -3.1208243349937974, 77.79954646070892, 34.28646028294783, -19.097331116725623,
     -28.087943162872662],
    [37.80277123390563, -3.2571969029072276, 112.26918849496327, 66.9347231244047, -40.06618937091002,
     -54.66780262877968, -9.48861652309627],
]  # fmt: skip
_c = [0.0, 0.6358126895828704, 0.4095798393397535, 0.9769306725060716, 0.4288403609558664, 1.0, 1.0, 1.0]
_d = [0.21193756319429014, -0.42387512638858027, -0.3384627126235924, 1.8046452872882734, 2.325825639765069,
      0.0, 0.0, 0.0]  # fmt: skip
_H = [
    [25.948786856663858, -2.5579724845846235, 10.433815404888879, -2.3679251022685204, 0.524948541321073,
     1.1241088310450404, 0.4272876194431874, -0.17202221070155493],
    [-9.91568850695171, -0.9689944594115154, 3.0438037242978453, -24.495224566215796, 20.176138334709044,
     15.98066361424651, -6.789040303419874, -6.710236069923372],
    [11.419903575922262, 2.8879645146136994, 72.92137995996029, 80.12511834622643, -52.072871366152654,
     -59.78993625266729, -0.15582684282751913, 4.883087185713722],
]  # fmt: skip
