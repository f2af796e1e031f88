"""One sample of the data lowered to source: its label noise, its slopes, what the rule makes of them.

Shared by the two simulators, :mod:`~symhigh.codegen.step` and :mod:`~symhigh.codegen.gram`, from the same statement as
the limit.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from symhigh.codegen.lower import Lowering
from symhigh.codegen.target import Names, statements
from symhigh.derivation.gaussian import recognise
from symhigh.derivation.state import Statement
from symhigh.derivation.state_checks import KNOWN
from symhigh.problem.noise import NORMAL, UNIFORMS
from symhigh.problem.problem import Label
from symhigh.rule import Memory
from symhigh.symbols import OwnedSymbol, eps, g, gamma, gradient_square, risk, sample_loss, t, x, x_star

RATE = OwnedSymbol("rate", real=True)
_DRAW = "draw = uniform(source, words)"


def slope(p: int) -> sp.Symbol:
    """The slope ``∂f/∂x_p`` of the current sample."""
    return OwnedSymbol(f"slope_{p}", real=True)


def predictions(s: Statement) -> tuple[tuple[sp.Symbol, sp.Expr], ...]:
    """Each prediction, and the weight of the sample's entry in it.

    A loss of the residual ``x - x_star`` is given that as x, one sum over the coordinates, and ``x_star`` as zero.
    """
    if not _of_residual(s):
        return *zip(s.students, s.effective, strict=True), *zip(s.aims, s.targets, strict=True)
    return (x, s.effective[0] - s.targets[0]), (x_star, sp.S.Zero)


def _of_residual(s: Statement) -> bool:
    """Whether nothing of a step sees the two predictions but through their difference."""
    steps = (*(new for _, new in s.vectors), *(m.increment for m in (*s.memory, *s.cells, *s.scalars.memory)))
    given = (s.draw, s.rate, *steps, *(o.probability for o in s.outcomes))
    seen = {e for e in given if e is not None and e.has(x, x_star)}
    return s.single and not seen and not any(o.loss.xreplace({x: x + x_star}).has(x_star) for o in s.outcomes)


def noise_lines(lowering: Lowering, s: Statement, normal: str) -> list[str]:
    """The label noise of the sample, from ``normal``, the source of a standard normal."""
    if not s.noise:
        return []
    names, drawn = lowering.names, s.draw
    lines = []
    if NORMAL in drawn.free_symbols:
        lines.append(f"{names(NORMAL)} = {normal}")
    lines += [f"{names(u)} = uniform(source, words)" for u in UNIFORMS if u in drawn.free_symbols]
    return [*lines, f"{names(eps)} = {names.code(drawn)}"]


def sample_lines(lowering: Lowering, s: Statement) -> list[str]:
    """The slopes of the drawn sample in students and learnt scalars, and its loss where the rule looks at it."""
    names, outcomes = lowering.names, s.outcomes
    here = dict.fromkeys(s.shifts, sp.S.Zero)  # a drawn prediction holds the mean of its class
    wants_loss = s.uses(sample_loss)
    codes = []
    for outcome in outcomes:
        loss = recognise(outcome.loss.xreplace(here))
        wanted = [(slope(p), sp.diff(loss, x)) for p, x in enumerate(s.students)]
        wanted += [(f, sp.diff(loss, a)) for a, f in zip(s.scalars.learnt, s.scalars.slopes, strict=True)]
        wanted += [(sample_loss, loss)] if wants_loss else []
        codes.append([f"{names(name)} = {names.code(e)}" for name, e in statements(wanted)])
    lines = _branches(lowering, outcomes, codes)
    return lines if s.classes or len(outcomes) == 1 else [_DRAW, *lines]


def class_lines(lowering: Lowering, s: Statement, root: sp.Expr) -> list[str]:
    """Draw the class of a sample, and what its mean takes of the entry of each target, ``mean_0`` …."""
    if not s.classes:
        return []
    shares = [[sp.expand(o.mean).coeff(target) / root for target in s.targets] for o in s.classes]
    codes = [[f"mean_{q} = {lowering.names.code(share)}" for q, share in enumerate(own)] for own in shares]
    return [_DRAW, *_branches(lowering, s.classes, codes)]


def _branches(lowering: Lowering, outcomes: Sequence[Label], codes: Sequence[list[str]]) -> list[str]:
    """The code of the outcome that ``draw`` falls on; of a single one without a condition."""
    if len(outcomes) == 1:
        return codes[0]
    lines, last = [], len(outcomes) - 1
    for j, code in enumerate(codes):
        below = lowering.names.code(sp.Add(*(o.probability for o in outcomes[: j + 1])))
        opening = "else:" if j == last else f"{'elif' if j else 'if'} draw < {below}:"
        lines += [opening, *("    " + line for line in code)]
    return lines


def knowledge(s: Statement) -> list[sp.Symbol]:
    """What of the whole system the rate or a memory looks at."""
    return [q for q in (*(name for name, _ in s.totals), *KNOWN) if s.uses(q)]


def knowledge_sources(lowering: Lowering, s: Statement) -> list[str]:
    """Functions of ``(t_, y, par, coef, w, const)`` for what the rule knows, and for a greedy rule its rate."""
    known = dict(zip(lowering.output_names, lowering.outputs, strict=True))
    sources = [
        lowering.function_of(q if q == risk or q in dict(s.totals) else known[q.name], f"known_{k}")
        for k, q in enumerate(knowledge(s))
    ]
    return sources if s.rate is not None else [*sources, lowering.function_of(gamma, "greedy_rate")]


def late(s: Statement) -> str:
    """Of a rate that is infinite at t = 0 a step takes the value at its end: a term to add to the step's number."""
    begun = sp.S.Zero if s.rate is None else s.rate.subs(t, 0)
    return " + 1" if begun.has(sp.oo, sp.zoo, sp.nan) else ""


def rate_lines(lowering: Lowering, s: Statement, place: str) -> list[str]:
    """The memories' update and the rate, in the rule's order, then learnt scalars; without slope no rate is needed.

    ``place`` is where y keeps the memories, such as ``"3 * n"``; y holds the coordinates as they are before the step.
    """
    return [*_rate_lines(lowering, s, place), *scalar_lines(lowering, s, place)]


def _rate_lines(lowering: Lowering, s: Statement, place: str) -> list[str]:
    names = lowering.names
    known = [f"{names(q)} = known_{k}({_arguments(lowering)})" for k, q in enumerate(knowledge(s))]
    memories = memory_lines(lowering, s, place)
    if s.rate is None:
        return [*known, *memories, f"{names(RATE)} = greedy_rate({_arguments(lowering)})"]
    rate = names.code(s.rate)
    if s.rate.has(gradient_square):
        moves = " or ".join(f"{names(slope(p))} != 0.0" for p in range(len(s.students)))
        rate = f"({rate}) if {moves} else 0.0"
    lines = [memories, [f"{names(RATE)} = {rate}"]]
    return [*known, *(line for part in (reversed(lines) if s.delayed else lines) for line in part)]


def _arguments(lowering: Lowering) -> str:
    """The arguments of a function of the state, as the simulator calls it."""
    return f"{lowering.names(t)}, y, par, coef, w, const"


def memory_lines(lowering: Lowering, s: Statement, place: str) -> list[str]:
    """All memories move at once, each from the old values, and are written back for the record."""
    names = lowering.names
    return _moved(names, s.memory, [m.name + m.increment for m in s.memory], place, 0)


def scalar_lines(lowering: Lowering, s: Statement, place: str) -> list[str]:
    """The step of the learnt scalars, which y keeps after the rule's memories."""
    names, put = lowering.names, {g: RATE}
    drawn = [f"{names(xi)} = pool[together(source, words, 1)]" for xi in s.scalars.normals]
    new = [m.name + m.increment.xreplace(put) for m in s.scalars.memory]
    return [*drawn, *_moved(names, s.scalars.memory, new, place, len(s.memory))]


def _moved(
    names: Names, memory: Sequence[Memory], new: Sequence[sp.Expr], place: str, first: int
) -> list[str]:
    lines = [f"new_{j} = {names.code(value)}" for j, value in enumerate(new)]
    for j, m in enumerate(memory):
        lines += [f"{names(m.name)} = new_{j}", f"y[{place} + {first + j}] = new_{j}"]
    return lines


def loaded(names: Names, s: Statement, place: str) -> list[str]:
    """The memories and learnt scalars, as y keeps them."""
    return [f"{names(m.name)} = y[{place} + {j}]" for j, m in enumerate((*s.memory, *s.scalars.memory))]


def batch_slopes(names: Names, s: Statement, size: str) -> tuple[list[str], list[str], list[str]]:
    """The slopes in learnt scalars over a batch: before its samples, after each of them, and their means."""
    slopes = [(f"total_{names(f)}", names(f)) for f in s.scalars.slopes]
    return (
        [f"{total} = 0.0" for total, _ in slopes],
        [f"{total} += {one}" for total, one in slopes],
        [f"{one} = {total} / {size}" for total, one in slopes],
    )

