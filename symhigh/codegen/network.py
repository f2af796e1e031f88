"""One step of SGD on a diagonal network lowered to source, from the same symbolic update as the limit.

Functions of the module written, all arrays of shape (d,):

``update(a, error, u, v, target, eta)``  one step with the sample ``a`` and the label noise ``error``;
``run(steps, rng, root, noise, a, u, v, target, eta)``  steps with ``a_i = root_i`` times a
normal; ``run_samples(samples, errors, u, v, target, eta)``  steps with the given rows of ``samples`` (any
covariance).
"""

from __future__ import annotations

from functools import lru_cache
from types import ModuleType

import sympy as sp

from symhigh.codegen.cache import load
from symhigh.codegen.lower import function_source
from symhigh.codegen.normal import normal_source
from symhigh.codegen.target import NUMBA, Names
from symhigh.derivation.network import feature, increments, residual
from symhigh.problem.network import Parametrization, eta, u, v
from symhigh.symbols import d


def network_source(parametrization: Parametrization) -> str:
    """Source of the simulator's kernels; the increments of (u, v) are those that the derivation averages."""
    names = Names(reserved=("a", "u", "v", "i", "n", "target", "error", "step", "total"))
    root = sp.Symbol("root_d", positive=True)
    steps = [sp.expand(step).subs(sp.sqrt(d), root) for step in increments(parametrization)]
    load_pair = [f"{names(s)} = {array}[i]" for s, array in ((u, "u"), (v, "v"))]
    body = [
        "n = u.shape[0]",
        f"{names(root)} = math.sqrt(n)",
        "total = 0.0",
        "for i in range(n):",
        *("    " + line for line in load_pair),
        f"    total += a[i] * ({names.code(parametrization.effective)} - target[i])",
        f"{names(residual)} = total / {names(root)} - error",
        f"{names(eta)} = step",
        "for i in range(n):",
        *("    " + line for line in (*load_pair, f"{names(feature)} = a[i]")),
        *(f"    {array}[i] += {names.code(step)}" for array, step in zip(("u", "v"), steps, strict=True)),
    ]
    run = [
        "one = numpy.empty(1)",
        "for k in range(steps):",
        "    normals(rng, a)",
        "    for i in range(u.shape[0]):",
        "        a[i] *= root[i]",
        "    if noise > 0.0:",
        "        normals(rng, one)",
        "        update(a, noise * one[0], u, v, target, step)",
        "    else:",
        "        update(a, 0.0, u, v, target, step)",
    ]
    samples = [
        "for k in range(samples.shape[0]):",
        "    update(samples[k], errors[k], u, v, target, step)",
    ]
    return "\n\n".join(
        [
            NUMBA.header,
            normal_source(),
            function_source("update(a, error, u, v, target, step)", body),
            function_source("run(steps, rng, root, noise, a, u, v, target, step)", run),
            function_source("run_samples(samples, errors, u, v, target, step)", samples),
        ]
    )


@lru_cache(maxsize=16)
def network_kernels(parametrization: Parametrization) -> ModuleType:
    """The compiled kernels, from the cache on disk where an earlier process made them."""
    return load(network_source(parametrization))
