"""One step of SGD lowered to source, from the same loss and rule as the limit.

The module written simulates ``X⁺ = X - (g/d) f'(x, x*, ε) a`` in the eigenbasis of K, where the coordinates of a are
independent ``N(0, λ_i)``. SGD commutes with rotations of the data and the risk depends on X through B and the mode
moments alone, so no generality is lost. Functions, with ``mode`` the states and memory as the limit lays them out:

``lift(X, X_star, mode)``  the limit's states at the iterate, from the family's definitions;
``run(first, steps, rng, X, X_star, a, mode, par, coef, w, const, root, zx, zf, zw)``  steps numbers first, first+1, ….

together with the limit's ``prepare``, ``begin`` and ``observe``, which record the population values.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from symhigh.codegen.lower import Lowering, function_source
from symhigh.codegen.normal import normal_source
from symhigh.codegen.target import NUMBA, statements
from symhigh.derive.gaussian import recognise
from symhigh.problem.noise import NORMAL, UNIFORMS
from symhigh.problem.problem import Label
from symhigh.rule import Rule
from symhigh.symbols import d, eps, gamma, gradient_square, sample_loss, t, x, x_star
from symhigh.system import LimitSystem

SLOPE = sp.Symbol("slope", real=True)
RATE = sp.Symbol("rate", real=True)


def step_source(system: LimitSystem) -> str:
    """Source of the simulator of ``system.problem`` under ``system.rule``; Numba only, as it is made of loops."""
    lowering = Lowering(system, NUMBA)
    parts = [NUMBA.header, normal_source(), lowering.source(), _lift(lowering, system)]
    if system.rule.rate is None:
        parts.append(lowering.function_of(gamma, "greedy_rate"))
    return "\n\n".join([*parts, _run(lowering, system)])


def _lift(lowering: Lowering, system: LimitSystem) -> str:
    names = lowering.names
    loads = [f"{names(s)} = {array}[i]" for s, array in zip(pair_of(system), ("X", "X_star"), strict=True)]
    states = [f"mode[{k} * n + i] = {names.code(system.family.definitions[s])}" for k, s in enumerate(system.family.states)]
    loop = ["    " + line for line in (*loads, *states)]
    return function_source("lift(X, X_star, mode)", ["n = X.shape[0]", f"{names(d)} = float(n)",
                                                     "for i in range(n):", *loop])


def pair_of(system: LimitSystem) -> list[sp.Symbol]:
    """The symbols (X_i, X*_i) in which the family's states are defined."""
    used = set().union(*(e.free_symbols for e in system.family.definitions.values()))
    return sorted(used - {d}, key=str)


def _run(lowering: Lowering, system: LimitSystem) -> str:
    names = lowering.names
    rule = system.rule
    base = len(system.family.states)
    parameters = [f"{names(p)} = par[{k}]" for k, p in enumerate(system.parameters)]
    step = [
        "normals(rng, a, zx, zf, zw)",
        *(f"{names(s)} = 0.0" for s in (x, x_star)),
        "square = 0.0",
        "for i in range(n):",
        "    value = root[i] * a[i]",
        "    a[i] = value",
        f"    {names(x)} += value * X[i]",
        f"    {names(x_star)} += value * X_star[i]",
        "    square += value * value",
        f"{names(t)} = (first + k) / n",
    ]
    step += noise_lines(lowering, system)
    step += sample_lines(lowering, system)
    if rule.rate is None:
        step += ["lift(X, X_star, mode)", f"{names(RATE)} = greedy_rate({names(t)}, mode, par, coef, w, const)"]
    else:
        step += memory_lines(lowering, rule, base)
        step += [f"{names(RATE)} = {names.code(rule.rate)}"]
    step += [f"shift = {names(RATE)} * {names(SLOPE)} / n", "for i in range(n):", "    X[i] -= shift * a[i]"]
    load = [f"{names(m.name)} = mode[{base} * n + {j}]" for j, m in enumerate(rule.memory)]
    body = ["n = X.shape[0]", f"{names(d)} = float(n)", "one = numpy.empty(1)", *parameters, *load,
            "for k in range(steps):", *("    " + line for line in step)]
    return function_source("run(first, steps, rng, X, X_star, a, mode, par, coef, w, const, root, zx, zf, zw)", body)


def noise_lines(lowering: Lowering, system: LimitSystem, normal: str = "") -> list[str]:
    """The label noise of the sample; ``normal`` is a standard normal already drawn, or one is drawn here."""
    if not system.problem.noisy:
        return []
    names, drawn = lowering.names, system.problem.law.draw
    lines = []
    if NORMAL in drawn.free_symbols:
        lines = [] if normal else ["normals(rng, one, zx, zf, zw)"]
        lines.append(f"{names(NORMAL)} = {normal or 'one[0]'}")
    lines += [f"{names(u)} = uniform(rng)" for u in UNIFORMS if u in drawn.free_symbols]
    return [*lines, f"{names(eps)} = {names.code(drawn)}"]


def sample_lines(lowering: Lowering, system: LimitSystem) -> list[str]:
    """The slope f' of the drawn sample, and its loss where the rule looks at it."""
    names, outcomes = lowering.names, system.problem.outcomes
    wants_loss = any(m.increment.has(sample_loss) for m in system.rule.memory)
    lines: list[str] = []
    for j, outcome in enumerate(outcomes):
        loss = recognise(outcome.loss)
        wanted = [(SLOPE, sp.diff(loss, x))] + ([(sample_loss, loss)] if wants_loss else [])
        code = [f"{names(name)} = {names.code(e)}" for name, e in statements(wanted)]
        if len(outcomes) == 1:
            return code
        opening = f"if draw < {names.code(outcome.probability)}:" if j == 0 else (
            "else:" if j == len(outcomes) - 1 else f"elif draw < {names.code(_cumulative(outcomes[: j + 1]))}:")
        lines += [opening, *("    " + line for line in code)]
    return ["draw = uniform(rng)", *lines]


def _cumulative(outcomes: Sequence[Label]) -> sp.Expr:
    return sp.Add(*(o.probability for o in outcomes))


def memory_lines(lowering: Lowering, rule: Rule, base: int) -> list[str]:
    """All memories move at once, each from the old values, and are written back for the record."""
    names = lowering.names
    if not rule.memory:
        return []
    lines = [f"{names(gradient_square)} = {names(SLOPE)} * {names(SLOPE)} * square"]
    lines += [f"new_{j} = {names.code(m.name + m.increment)}" for j, m in enumerate(rule.memory)]
    for j, m in enumerate(rule.memory):
        lines += [f"{names(m.name)} = new_{j}", f"mode[{base} * n + {j}] = new_{j}"]
    return lines
