"""Which directions a problem may exchange, and which target each student may come to.

Serves the closed limits of several directions (:mod:`symhigh.closed.several`). Permutations of directions that change
neither the loss nor the overlaps of the targets map the flow of overlaps to itself. Elementary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations, product

import sympy as sp

from symhigh.closed.flow import Flow

Swap = dict[sp.Symbol, sp.Symbol]


def assignments(flow: Flow) -> Iterator[dict[sp.Symbol, tuple[sp.Symbol, int]]]:
    """``{student: (target, sign)}`` for every way to give each student a target of its own, the plain one first."""
    learnt, aims = flow.system.field.learnt, flow.system.field.targets
    if len(learnt) != len(aims):
        return
    for signs in product((1, -1), repeat=len(aims)):
        for order in permutations(aims):
            yield dict(zip(learnt, zip(order, signs, strict=True), strict=True))


def exchanges(flow: Flow, pairs: Sequence[Swap]) -> list[Swap]:
    """Those of the swaps of directions, given by names of coordinates and targets, under which nothing changes."""
    return [swap for swap in pairs if _same_loss(flow, swap) and _same_targets(flow, swap)]


def student_swaps(flow: Flow) -> list[Swap]:
    """Exchanges of two students, with all vectors that each moves."""
    return [_vectors_swapped(flow, p, q) for p, q in combinations(range(len(flow.system.field.learnt)), 2)]


def target_swaps(flow: Flow) -> list[Swap]:
    """Exchanges of two targets."""
    return [{a: b, b: a} for a, b in combinations(flow.system.field.targets, 2)]


def joint_swaps(flow: Flow, assigned: dict[sp.Symbol, tuple[sp.Symbol, int]]) -> list[Swap]:
    """Exchanges of two students together with their targets."""
    found = []
    for p, q in combinations(range(len(flow.system.field.learnt)), 2):
        (first, one), (second, other) = (assigned[flow.system.field.learnt[k]] for k in (p, q))
        if one == other:
            found.append(_vectors_swapped(flow, p, q) | {first: second, second: first})
    return found


def orbits(flow: Flow, swaps: Sequence[Swap]) -> list[list[int]]:
    """The states of a mode, as places in the family, that the swaps carry to each other."""
    place = {frozenset(pair): k for k, pair in enumerate(flow.pairs)}
    leader = list(range(len(flow.pairs)))

    def lead(k: int) -> int:
        while leader[k] != k:
            k = leader[k]
        return k

    for swap in swaps:
        for k, (v, w) in enumerate(flow.pairs):
            leader[lead(place[frozenset((swap.get(v, v), swap.get(w, w)))])] = lead(k)
    found: dict[int, list[int]] = {}
    for k in range(len(leader)):
        found.setdefault(lead(k), []).append(k)
    return list(found.values())


def _vectors_swapped(flow: Flow, p: int, q: int) -> Swap:
    """The vectors of two students exchanged; those of one student stand side by side."""
    vectors, count = flow.system.field.coordinates, len(flow.system.field.learnt)
    each = len(vectors) // count
    first, second = (vectors[k * each : (k + 1) * each] for k in (p, q))
    return dict(zip((*first, *second), (*second, *first), strict=True))


def _same_loss(flow: Flow, swap: Swap) -> bool:
    problem, field = flow.system.problem, flow.system.field
    place = dict(zip((*field.learnt, *field.targets), problem.directions, strict=True))
    moved = {place[v]: place[w] for v, w in swap.items() if v in place}
    return all(
        sp.expand(e.xreplace(moved) - e) == 0 for o in problem.outcomes for e in (o.loss, o.probability)
    )


def _same_targets(flow: Flow, swap: Swap) -> bool:
    aims = flow.system.field.targets
    order = [aims.index(swap.get(a, a)) for a in aims]
    return all(
        flow.targets[p, q] == flow.targets[order[p], order[q]] for p in range(len(aims)) for q in range(len(aims))
    )
