"""One step of the exact Gram chain lowered to source, from the same loss and rule as the direct step.

Let K have m distinct eigenvalues λ_b with eigenspaces of dimension n_b, and let X_b, X*_b be the parts of X, X* there.
Write ``X*_b = s_b e₁`` and ``X_b = α_b e₁ + β_b e₂`` with e₁, e₂ orthonormal, β_b ≥ 0. A sample is ``a_b = √λ_b z_b``
with z_b standard normal and independent of the past, hence of e₁ and e₂, so that

    g₁ = <z_b, e₁>, g₂ = <z_b, e₂> are N(0, 1), and q = ‖z_b‖² - g₁² - g₂² is χ² with n_b - 2 degrees of freedom,

all independent (for n_b = 1 there is g₁ alone). Then ``x = Σ √λ_b (α_b g₁ + β_b g₂)``, ``x* = Σ √λ_b s_b g₁``,
``‖a‖² = Σ λ_b (g₁² + g₂² + q)``, and the step ``X⁺_b = X_b - c_b z_b`` with ``c_b = (g/d) f' √λ_b`` gives

    α_b⁺ = α_b - c_b g₁,    β_b⁺² = (β_b - c_b g₂)² + c_b² q.

So ``(α_b, β_b)`` is a Markov chain whose law is exactly that of direct simulation, at every d, jointly with the
memory of the rule; risk, distance and overlaps are functions of it. χ² variates of k ≥ 2 degrees of freedom are
``2 a v`` with ``a = k/2 - 1/3`` and ``v = (1 + z/√(9a))³``, by rejection: Marsaglia and Tsang, *A simple method for
generating gamma variables* (ACM Trans. Math. Software 26, 2000); ``shape`` and ``scale`` hold a and 1/√(9a).
"""

from __future__ import annotations

import sympy as sp

from symhigh.codegen.lower import Lowering, function_source
from symhigh.codegen.normal import normal_source
from symhigh.codegen.step import RATE, SLOPE, beyond_overlaps, noise_lines, rate_lines, sample_lines
from symhigh.codegen.target import NUMBA
from symhigh.derive.limit import X_I, X_STAR_I
from symhigh.symbols import d, gamma, t, x, x_star
from symhigh.system import LimitSystem

_ARGUMENTS = (
    "first, steps, d_, rng, alpha, beta, s, count, shape, scale, draws, marks, rest, "
    "mode, par, coef, w, const, root, zx, zf, zw"
)


def gram_source(system: LimitSystem) -> str:
    """Source of ``lift(d, alpha, beta, s, count, mode)`` and ``run`` for the chain; Numba only.

    Raises ``ValueError`` where a state of the family is not a quadratic form in (X, X*): then the Gram matrices do not
    determine it.
    """
    if reason := beyond_overlaps(system.rule):
        raise ValueError(
            f"simulate(method='gram'): the chain cannot follow {system.rule}, as {reason}; use 'direct'"
        )
    lowering = Lowering(system, NUMBA)
    parts = [NUMBA.header, normal_source(), CHI_SQUARE, lowering.source(), _lift(lowering, system)]
    if system.rule.rate is None:
        parts.append(lowering.function_of(gamma, "greedy_rate"))
    return "\n\n".join([*parts, _run(lowering, system)])


def _lift(lowering: Lowering, system: LimitSystem) -> str:
    """The mean of a mode's state over an eigenspace: its form at (α, s) plus at (β, 0), over n_b."""
    names = lowering.names
    pair = X_I, X_STAR_I
    along, across, target = (sp.Symbol(name) for name in ("along", "across", "target"))
    lines = []
    for k, state in enumerate(system.family.states):
        form = system.family.definitions[state]
        if not sp.Poly(form, *pair).is_homogeneous or sp.Poly(form, *pair).total_degree() != 2:
            raise ValueError(f"Gram chain: {state} = {form} is not a quadratic form in (X, X*)")
        first = form.subs(dict(zip(pair, (along, target), strict=True)), simultaneous=True)
        second = form.subs(dict(zip(pair, (across, 0), strict=True)), simultaneous=True)
        lines.append(f"mode[{k} * n + i] = ({names.code(first)} + {names.code(second)}) / count[i]")
    body = [f"{names(along)} = alpha[i]", f"{names(across)} = beta[i]", f"{names(target)} = s[i]", *lines]
    return function_source(
        "lift(d_, alpha, beta, s, count, mode)",
        ["n = count.shape[0]", f"{names(d)} = d_", "for i in range(n):", *("    " + line for line in body)],
    )


def _run(lowering: Lowering, system: LimitSystem) -> str:
    names, rule = lowering.names, system.rule
    base = len(system.family.states)
    step = [
        "normals(rng, draws, zx, zf, zw)",
        "uniforms(rng, marks)",
        *(f"{names(s)} = 0.0" for s in (x, x_star)),
        "square = 0.0",
        "for i in range(n):",
        "    if count[i] < 2:",
        "        draws[n + i] = 0.0",
        "    z = draws[2 * n + i]",
        "    if shape[i] > 0.0:",
        "        v = 1.0 + scale[i] * z",
        "        v = v * v * v",
        "        if not marks[i] < 1.0 - 0.0331 * z * z * z * z or v <= 0.0:",
        "            v = chi_cube(rng, shape[i], scale[i], z, marks[i], zx, zf, zw)",
        "        rest[i] = 2.0 * shape[i] * v",
        "    else:",
        "        rest[i] = z * z if count[i] == 3 else 0.0",
        f"    {names(x)} += root[i] * (alpha[i] * draws[i] + beta[i] * draws[n + i])",
        f"    {names(x_star)} += root[i] * s[i] * draws[i]",
        "    square += root[i] * root[i] * (draws[i] * draws[i] + draws[n + i] * draws[n + i] + rest[i])",
        f"{names(t)} = (first + k) / d_",
    ]
    step += noise_lines(lowering, system, "draws[3 * n]")
    step += sample_lines(lowering, system)
    if rule.rate is None:
        step += [
            "lift(d_, alpha, beta, s, count, mode)",
            f"{names(RATE)} = greedy_rate({names(t)}, mode, par, coef, w, const)",
        ]
    else:
        step += rate_lines(lowering, rule, base)
    step += [
        f"shift = {names(RATE)} * {names(SLOPE)} / d_",
        "for i in range(n):",
        "    move = shift * root[i]",
        "    alpha[i] -= move * draws[i]",
        "    aside = beta[i] - move * draws[n + i]",
        "    beta[i] = sqrt(aside * aside + move * move * rest[i])",
    ]
    load = [f"{names(m.name)} = mode[{base} * n + {j}]" for j, m in enumerate(rule.memory)]
    parameters = [f"{names(p)} = par[{k}]" for k, p in enumerate(system.parameters)]
    body = [
        "n = count.shape[0]",
        f"{names(d)} = d_",
        *parameters,
        *load,
        "for k in range(steps):",
        *("    " + line for line in step),
    ]
    return function_source(f"run({_ARGUMENTS})", body)


CHI_SQUARE = '''@njit
def uniforms(rng, out):
    for i in range(out.shape[0]):
        out[i] = uniform(rng)


@njit
def chi_cube(rng, shape, scale, z, u, zx, zf, zw):
    """The cube v of Marsaglia and Tsang where the quick test failed: the exact test, then fresh draws."""
    one = numpy.empty(1)
    while True:
        v = 1.0 + scale * z
        v = v * v * v
        if v > 0.0 and log(u) < 0.5 * z * z + shape * (1.0 - v + log(v)):
            return v
        normals(rng, one, zx, zf, zw)
        z = one[0]
        u = uniform(rng)
'''
