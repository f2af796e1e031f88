"""One step of SGD lowered to source, from the same loss and rule as the limit.

The module written simulates ``X⁺ = X - (g/d) f'(x, x*, ε) a`` in the eigenbasis of K, where the coordinates of a are
independent ``N(0, λ_i)``. SGD commutes with rotations of the data and the risk depends on X through B and the mode
moments alone, so no generality is lost. Functions, with ``mode`` the states and memory as the limit lays them out:

``lift(X, X_star, X_start, mode)``  the limit's states at the iterate, from the family's definitions;
``run(first, steps, rng, X, X_star, X_start, a, mode, par, coef, w, const, root)``  steps numbers first, first+1, ….

together with the limit's ``prepare``, ``begin`` and ``observe``, which record the population values. A step is one
pass over the coordinates: what the step before subtracts, the new sample and its products with X and X* are computed
from each block of normals while it is near; ``run`` ends with X complete.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from symhigh.codegen.lower import Lowering, function_source
from symhigh.codegen.normal import normal_source
from symhigh.codegen.target import NUMBA, statements
from symhigh.derivation.gaussian import recognise
from symhigh.derivation.limit import X_I, X_STAR_I, X_START_I
from symhigh.derivation.memory import KNOWN
from symhigh.problem.noise import NORMAL, UNIFORMS
from symhigh.problem.problem import Label
from symhigh.rule import Rule
from symhigh.symbols import d, eps, gamma, gradient_square, moved, sample_loss, t, x, x_star
from symhigh.system import LimitSystem

SLOPE = sp.Symbol("slope", real=True)
RATE = sp.Symbol("rate", real=True)


def step_source(system: LimitSystem) -> str:
    """Source of the simulator of ``system.problem`` under ``system.rule``; Numba only, as it is made of loops."""
    lowering = Lowering(system, NUMBA)
    lowering.names.reserve("source", "words", "pool", "at", "ready", "together", "keep", "last", "begun")
    parts = [NUMBA.header, normal_source(), lowering.source(), _lift(lowering, system)]
    return "\n\n".join([*parts, *knowledge(lowering, system), _run(lowering, system)])


def _lift(lowering: Lowering, system: LimitSystem) -> str:
    names = lowering.names
    arrays = {X_I: "X", X_STAR_I: "X_star", X_START_I: "X_start"}
    loads = [f"{names(s)} = {array}[i]" for s, array in arrays.items()]
    states = [
        f"mode[{k} * n + i] = {names.code(system.family.definitions[s])}"
        for k, s in enumerate(system.family.states)
    ]
    loop = ["    " + line for line in (*loads, *states)]
    return function_source(
        "lift(X, X_star, X_start, mode)",
        ["n = X.shape[0]", f"{names(d)} = float(n)", "for i in range(n):", *loop],
    )


def _run(lowering: Lowering, system: LimitSystem) -> str:
    names = lowering.names
    rule = system.rule
    base = len(system.family.states)
    parameters = [f"{names(p)} = par[{k}]" for k, p in enumerate(system.parameters)]
    wants_moved = looks_at(rule, moved)
    kept = "" if rule.ridge == 0 else "keep * "
    sweep = [
        *(f"{names(s)} = 0.0" for s in (x, x_star, *([moved] if wants_moved else []))),
        "square = 0.0",
        "low = 0",
        "while low < n:",
        "    at, count = ready(source, words, n - low)",
        "    high = low + count",
        "    draws, roots, part = pool[at : at + count], root[low:high], X[low:high]",
        "    aims, last = X_star[low:high], a[low:high]",
        *(["    begun = X_start[low:high]"] if wants_moved else []),
        "    for i in range(count):",
        f"        v = {kept}part[i] - shift * last[i]",
        "        part[i] = v",
        *([f"        {names(moved)} += (v - begun[i]) * (v - begun[i])"] if wants_moved else []),
        "        value = roots[i] * draws[i]",
        "        last[i] = value",
        f"        {names(x)} += value * v",
        f"        {names(x_star)} += value * aims[i]",
        "        square += value * value",
        "    low = high",
        f"{names(t)} = (first + k{late(rule)}) / n",
    ]
    sample = (
        sweep
        + noise_lines(lowering, system, "pool[together(source, words, 1)]")
        + sample_lines(lowering, system)
    )
    step = sample if rule.batch == 1 else _batch_lines(lowering, sample, names.code(rule.batch))
    step += knowing_lines(lowering, rule, base, "lift(X, X_star, X_start, mode)")
    step.append(f"shift = {names(RATE)} * {names(SLOPE)} / n")
    if kept:
        step.append(f"keep = 1.0 - {names(RATE)} * {names.code(rule.ridge)} / n")
    load = [f"{names(m.name)} = mode[{base} * n + {j}]" for j, m in enumerate(rule.memory)]
    room = [] if rule.batch == 1 else ["total = numpy.empty(n)"]
    body = [
        "n = X.shape[0]",
        f"{names(d)} = float(n)",
        "source, words = rng",
        "pool = words.view(numpy.float64)",
        *room,
        *parameters,
        *load,
        "shift, keep = 0.0, 1.0  # nothing is left from before",
        "for k in range(steps):",
        *("    " + line for line in step),
        "for i in range(n):",
        f"    X[i] = {kept}X[i] - shift * a[i]",
    ]
    return function_source(
        "run(first, steps, rng, X, X_star, X_start, a, mode, par, coef, w, const, root)", body
    )


def _batch_lines(lowering: Lowering, sample: list[str], size: str) -> list[str]:
    """m samples: afterwards ``a`` is their mean gradient, of slope one, and ``square`` its square."""
    names = lowering.names
    return [
        "for i in range(n):",
        "    total[i] = 0.0",
        f"for j in range(int({size})):",
        *("    " + line for line in sample),
        "    shift, keep = 0.0, 1.0  # X has moved; the other samples find it there",
        "    for i in range(n):",
        f"        total[i] += {names(SLOPE)} * a[i]",
        "square = 0.0",
        "for i in range(n):",
        f"    a[i] = total[i] / {size}",
        "    square += a[i] * a[i]",
        f"{names(SLOPE)} = 1.0",
    ]


def late(rule: Rule) -> str:
    """Of a rate that is infinite at t = 0 a step takes the value at its end: a term to add to the step's number."""
    begun = sp.S.Zero if rule.rate is None else rule.rate.subs(t, 0)
    return " + 1" if begun.has(sp.oo, sp.zoo, sp.nan) else ""


def looks_at(rule: Rule, symbol: sp.Symbol) -> bool:
    """Whether the rule's memories or rate hold ``symbol``."""
    return any(e is not None and e.has(symbol) for e in (rule.rate, *(m.increment for m in rule.memory)))


def knowledge(lowering: Lowering, system: LimitSystem) -> list[str]:
    """Sources of the functions by which an idealised rule knows its rate, or quantities of the iterate."""
    if system.rule.rate is None:
        return [lowering.function_of(gamma, "greedy_rate")]
    at = dict(zip(system.outputs, lowering.outputs, strict=True))
    return [lowering.function_of(at.get(s.name, s), f"known_{s.name}") for s in _known(system.rule)]


def knowing_lines(lowering: Lowering, rule: Rule, base: int, lift: str) -> list[str]:
    """The memories' update and the rate, after ``lift`` where the rule is an idealised one."""
    names, arguments = lowering.names, f"({lowering.names(t)}, mode, par, coef, w, const)"
    if rule.rate is None:
        return [lift, f"{names(RATE)} = greedy_rate{arguments}"]
    known = [f"{names(s)} = known_{s.name}{arguments}" for s in _known(rule)]
    return [*([lift] if known else []), *known, *rate_lines(lowering, rule, base)]


def _known(rule: Rule) -> list[sp.Symbol]:
    return [s for s in KNOWN if looks_at(rule, s)]


def noise_lines(lowering: Lowering, system: LimitSystem, normal: str) -> list[str]:
    """The label noise of the sample, from ``normal``, the source of a standard normal."""
    if not system.problem.noisy:
        return []
    names, drawn = lowering.names, system.problem.law.draw
    lines = []
    if NORMAL in drawn.free_symbols:
        lines.append(f"{names(NORMAL)} = {normal}")
    lines += [f"{names(u)} = uniform(source, words)" for u in UNIFORMS if u in drawn.free_symbols]
    return [*lines, f"{names(eps)} = {names.code(drawn)}"]


def sample_lines(lowering: Lowering, system: LimitSystem) -> list[str]:
    """The slope f' of the drawn sample, and its loss where the rule looks at it."""
    names, outcomes = lowering.names, system.problem.outcomes
    wants_loss = looks_at(system.rule, sample_loss)
    lines: list[str] = []
    for j, outcome in enumerate(outcomes):
        loss = recognise(outcome.loss)
        wanted = [(SLOPE, sp.diff(loss, x))] + ([(sample_loss, loss)] if wants_loss else [])
        code = [f"{names(name)} = {names.code(e)}" for name, e in statements(wanted)]
        if len(outcomes) == 1:
            return code
        opening = (
            f"if draw < {names.code(outcome.probability)}:"
            if j == 0
            else (
                "else:"
                if j == len(outcomes) - 1
                else f"elif draw < {names.code(_cumulative(outcomes[: j + 1]))}:"
            )
        )
        lines += [opening, *("    " + line for line in code)]
    return ["draw = uniform(source, words)", *lines]


def _cumulative(outcomes: Sequence[Label]) -> sp.Expr:
    return sp.Add(*(o.probability for o in outcomes))


def rate_lines(lowering: Lowering, rule: Rule, base: int) -> list[str]:
    """The memories' update and the rate, in the rule's order; a sample without slope needs no rate."""
    names = lowering.names
    assert rule.rate is not None
    rate = names.code(rule.rate)
    if rule.rate.has(gradient_square):
        rate = f"({rate}) if {names(SLOPE)} != 0.0 else 0.0"
    lines = [memory_lines(lowering, rule, base), [f"{names(RATE)} = {rate}"]]
    square = [f"{names(gradient_square)} = {names(SLOPE)} * {names(SLOPE)} * square"]
    needed = square if looks_at(rule, gradient_square) else []
    return [*needed, *(line for part in (reversed(lines) if rule.delayed else lines) for line in part)]


def memory_lines(lowering: Lowering, rule: Rule, base: int) -> list[str]:
    """All memories move at once, each from the old values, and are written back for the record."""
    names = lowering.names
    if not rule.memory:
        return []
    lines = [f"new_{j} = {names.code(m.name + m.increment)}" for j, m in enumerate(rule.memory)]
    for j, m in enumerate(rule.memory):
        lines += [f"{names(m.name)} = new_{j}", f"mode[{base} * n + {j}] = new_{j}"]
    return lines
