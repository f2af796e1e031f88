"""One step of the exact Gram chain lowered to source, from the same loss and rule as the direct step.

Let K have m distinct eigenvalues λ_b with eigenspaces of dimension n_b, and let X_b, X*_b be the parts of X, X* there.
Write ``X*_b = s_b e₁`` and ``X_b = α_b e₁ + β_b e₂`` with e₁, e₂ orthonormal, β_b ≥ 0. A sample is ``a_b = √λ_b z_b``
with z_b standard normal and independent of the past, hence of e₁ and e₂, so that

    g₁ = <z_b, e₁>, g₂ = <z_b, e₂> are N(0, 1), and q = ‖z_b‖² - g₁² - g₂² is χ² with n_b - 2 degrees of freedom,

all independent (for n_b = 1 there is g₁ alone). Then ``x = Σ √λ_b (α_b g₁ + β_b g₂)``, ``x* = Σ √λ_b s_b g₁``,
``‖a‖² = Σ λ_b (g₁² + g₂² + q)``, and the step ``X⁺_b = X_b - c_b z_b`` with ``c_b = (g/d) f' √λ_b`` gives

    α_b⁺ = α_b - c_b g₁,    β_b⁺² = (β_b - c_b g₂)² + c_b² q.

So ``(α_b, β_b)`` is a Markov chain whose law is exactly that of direct simulation, at every d, jointly with the
memory of the rule; risk, distance and overlaps are functions of it. Weight decay shortens X first. The mean gradient
of a batch has the mean of ``f' g_j`` along e_j, and a normal vector beyond, ``q Σ f'²/m²`` its square. For a rule that
looks at ``‖X - X0‖`` the fixed frame holds X0 too: ``X0_b = p₁ e₁ + p₂ e₂``, and X has a third coordinate along a
moving e₃, which takes the part of β above, with one degree of freedom less in q. In the source ``X[j, i]`` is the
coordinate of X_i along e_{j+1}, the last one moving, ``X_start`` that of X0 and ``X_star[i]`` is s_i.

χ² variates of k ≥ 2 degrees of freedom come by rejection (Marsaglia, Tsang, *A simple method for generating gamma
variables*, ACM Trans. Math. Software 26, 2000): with ``a = k/2 - 1/3``, z standard normal, ``t = z/√(9a)`` and
``v = (1 + t)³`` the variate is ``2 a v``, kept with probability ``exp(-b)``, ``b = a (v - 1 - log v) - z²/2``, hence
where ``U > 1 - exp(-b)`` for the uniform ``U = erf(|w|/√2)`` of one more normal w. Almost always neither function is
needed: ``U ≥ 0.68 min(|w|, 1)`` as erf is concave there, ``1 - exp(-b) ≤ b``, and ``b ≤ 1.35 a t⁴`` for ``|t| ≤ 1/2``
from ``log(1 + t) ≥ t - t²/2 + t³/3 - t⁴/4 - (2/5)|t|⁵``. ``shape`` and ``scale`` hold a and 1/√(9a).
"""

from __future__ import annotations

import sympy as sp

from symhigh.codegen.lower import Lowering, function_source
from symhigh.codegen.normal import normal_source
from symhigh.codegen.step import (
    RATE,
    SLOPE,
    knowing_lines,
    knowledge,
    late,
    looks_at,
    noise_lines,
    sample_lines,
)
from symhigh.codegen.target import NUMBA
from symhigh.derivation.limit import X_I, X_STAR_I, X_START_I
from symhigh.symbols import d, moved, t, x, x_star
from symhigh.system import LimitSystem

_ARGUMENTS = (
    "first, steps, d_, rng, X, X_star, X_start, count, shape, scale, draws, rest, mode, par, coef, w, const, "
    "root"
)


def directions(system: LimitSystem) -> int:
    """Orthonormal directions an eigenspace's frame needs: for X* and X, and for X0 where the rule looks at it."""
    return 3 if looks_at(system.rule, moved) else 2


def gram_source(system: LimitSystem) -> str:
    """Source of ``lift(d, X, X_star, X_start, count, mode)`` and ``run`` for the chain; Numba only.

    Raises ``ValueError`` where a state of the family is not a quadratic form in (X, X*, X0): then the Gram matrices
    do not determine it.
    """
    lowering = Lowering(system, NUMBA)
    lowering.names.reserve(
        "source", "words", "pool", "at", "keep", "together", "chi_cube", "spread", "g0", "g1", "g2"
    )
    parts = [NUMBA.header, normal_source(), CHI_SQUARE, lowering.source(), _lift(lowering, system)]
    return "\n\n".join([*parts, *knowledge(lowering, system), _run(lowering, system)])


def _lift(lowering: Lowering, system: LimitSystem) -> str:
    """The mean of a mode's state over an eigenspace: its form at each direction's coordinates, summed, over n_b."""
    names, frame = lowering.names, directions(system)
    vectors = X_I, X_STAR_I, X_START_I
    at = [tuple(sp.Symbol(f"{v.name}_{j}", real=True) for v in vectors) for j in range(frame)]
    lines = []
    for j in range(frame):
        target = "X_star[i]" if j == 0 else "0.0"
        start = f"X_start[{j}, i]" if j < frame - 1 else "0.0"
        lines += [f"{names(s)} = {c}" for s, c in zip(at[j], (f"X[{j}, i]", target, start), strict=True)]
    for k, state in enumerate(system.family.states):
        form = system.family.definitions[state]
        if not sp.Poly(form, *vectors).is_homogeneous or sp.Poly(form, *vectors).total_degree() != 2:
            raise ValueError(f"Gram chain: {state} = {form} is not a quadratic form in (X, X*, X0)")
        total = sp.Add(*(form.xreplace(dict(zip(vectors, there, strict=True))) for there in at))
        lines.append(f"mode[{k} * n + i] = ({names.code(total)}) / count[i]")
    return function_source(
        "lift(d_, X, X_star, X_start, count, mode)",
        ["n = count.shape[0]", f"{names(d)} = d_", "for i in range(n):", *("    " + line for line in lines)],
    )


def _run(lowering: Lowering, system: LimitSystem) -> str:
    names, rule = lowering.names, system.rule
    base = len(system.family.states)
    frame, group = directions(system), 126 // (directions(system) + 2)
    last, wants_moved = frame - 1, frame == 3
    kept = "" if rule.ridge == 0 else "keep * "
    move = [
        "move = shift * root[i]",
        *(f"X[{j}, i] = {kept}X[{j}, i] - move * draws[{frame} * i + {j}]" for j in range(last)),
        f"aside = {kept}X[{last}, i] - move * draws[{frame} * i + {last}]",
        f"X[{last}, i] = sqrt(aside * aside + move * move * rest[i])",
    ]
    g = [f"g{j}" for j in range(frame)]
    drawn = ", ".join(f"pool[at + {k}]" for k in range(frame + 2))
    step = [
        *(f"{names(s)} = 0.0" for s in (x, x_star, *([moved] if wants_moved else []))),
        "square = 0.0",
        f"for low in range(0, n, {group}):  # of {group} eigenspaces at a time four requests fill a pool",
        f"    high = min(n, low + {group})",
        f"    at = together(source, words, {frame + 2} * (high - low) + 1)",
        "    for i in range(low, high):",
        *("        " + line for line in move),
        *(
            f"        {names(moved)} += (X[{j}, i] - X_start[{j}, i]) * (X[{j}, i] - X_start[{j}, i])"
            for j in range(frame)
            if wants_moved
        ),
        f"        {', '.join(g)}, z, v = {drawn}",
        f"        at += {frame + 2}",
        "        if shape[i] > 0.0:",
        "            aside = scale[i] * z",
        "            if abs(aside) > 0.5 or 0.68 * min(abs(v), 1.0) <= 1.35 * shape[i] * aside**4:",
        "                v = chi_cube(source, words, shape[i], scale[i], z, v)",
        "            else:",
        "                v = (1.0 + aside)**3",
        "            rest[i] = 2.0 * shape[i] * v",
        "        else:",
        f"            rest[i] = z * z if count[i] == {frame + 1} else 0.0",
        *(f"            g{j} = g{j} if count[i] > {j} else 0.0" for j in range(1, frame)),
        *(f"        draws[{frame} * i + {j}] = {g[j]}" for j in range(frame)),
        f"        {', '.join(g)} = {', '.join(f'root[i] * {one}' for one in g)}",
        f"        {names(x)} += {' + '.join(f'X[{j}, i] * {g[j]}' for j in range(frame))}",
        f"        {names(x_star)} += X_star[i] * g0",
        f"        square += {' + '.join(f'{one} * {one}' for one in g)} + root[i] * root[i] * rest[i]",
        f"{names(t)} = (first + k{late(rule)}) / d_",
    ]
    step += noise_lines(lowering, system, "pool[at]")
    step += sample_lines(lowering, system)
    if rule.batch != 1:
        step = _batch_lines(step, names(SLOPE), names.code(rule.batch), frame)
    step += knowing_lines(lowering, rule, base, "lift(d_, X, X_star, X_start, count, mode)")
    step.append(f"shift = {names(RATE)} * {names(SLOPE)} / d_")
    if kept:
        step.append(f"keep = 1.0 - {names(RATE)} * {names.code(rule.ridge)} / d_")
    load = [f"{names(m.name)} = mode[{base} * n + {j}]" for j, m in enumerate(rule.memory)]
    parameters = [f"{names(p)} = par[{k}]" for k, p in enumerate(system.parameters)]
    body = [
        "n = count.shape[0]",
        f"{names(d)} = d_",
        "source, words = rng",
        "pool = words.view(numpy.float64)",
        *(["total = numpy.empty(draws.shape[0])"] if rule.batch != 1 else []),
        *parameters,
        *load,
        "shift, keep = 0.0, 1.0  # nothing is left from before",
        "for k in range(steps):",
        *("    " + line for line in step),
        "for i in range(n):",
        *("    " + line for line in move),
    ]
    return function_source(f"run({_ARGUMENTS})", body)


def _batch_lines(sample: list[str], slope: str, size: str, frame: int) -> list[str]:
    """m samples: afterwards ``draws`` and ``rest`` are those of their mean gradient, of slope one."""
    return [
        "total[:] = 0.0",
        "spread = 0.0",
        f"for j in range(int({size})):",
        *("    " + line for line in sample),
        "    shift, keep = 0.0, 1.0  # X has moved; the other samples find it there",
        "    for i in range(draws.shape[0]):",
        f"        total[i] += {slope} * draws[i]",
        f"    spread += {slope} * {slope}",
        "square = 0.0",
        "for i in range(n):",
        f"    rest[i] *= spread / ({size} * {size})",
        "    square += root[i] * root[i] * rest[i]",
        f"    for j in range({frame} * i, {frame} * i + {frame}):",
        f"        draws[j] = total[j] / {size}",
        "        square += root[i] * root[i] * draws[j] * draws[j]",
        f"{slope} = 1.0",
    ]


CHI_SQUARE = '''@njit
def chi_cube(source, words, shape, scale, z, w):
    """The cube v of Marsaglia and Tsang where the quick test failed: the exact test, then fresh draws."""
    while True:
        v = (1.0 + scale * z)**3
        if v > 0.0 and erf(abs(w) / sqrt(2.0)) > -expm1(0.5 * z * z - shape * (v - 1.0 - log(v))):
            return v
        radius = sqrt(-2.0 * log(uniform(source, words)))  # not from the pool, which is being read
        angle = 2.0 * pi * uniform(source, words)
        z, w = radius * cos(angle), radius * sin(angle)
'''
