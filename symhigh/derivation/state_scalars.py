"""The statement of what learns beside the directions: each scalar of the loss takes the rule's step of an entry of X.

Part of the first pass, :mod:`symhigh.derivation.state`. A scalar, its momentum and its cell are numbers of order one
whose change in a step is of order 1/d, so they are remembered as a rule's memories are, but move with the vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sympy as sp

from symhigh.problem import Problem
from symhigh.problem.learnt import slope_of, speed_of, start_of
from symhigh.rule import Memory, Rule
from symhigh.symbols import X_STAR, G, OwnedSymbol, X, xi, xi_star


@dataclass(frozen=True)
class Scalars:
    """``learnt`` are symbols of the loss, ``slopes`` those of ``∂f/∂a`` of a sample, one each.

    ``memory`` holds every scalar and what the rule keeps for it, with its increment in one step, in the slopes and the
    learning rate; ``normals`` are standard normals of the step's own.
    """

    learnt: tuple[sp.Symbol, ...] = ()
    slopes: tuple[sp.Symbol, ...] = ()
    memory: tuple[Memory, ...] = ()

    @property
    def normals(self) -> tuple[sp.Symbol, ...]:
        """The standard normals that a step draws for scalars."""
        used: set[sp.Symbol] = set().union(*(m.increment.free_symbols for m in self.memory))
        return tuple(sorted((s for s in used if s.name.startswith("xi_") and s.name != xi_star.name), key=str))


NO_SCALARS = Scalars()


def scalars_of(
    problem: Problem,
    rule: Rule,
    loss: Mapping[sp.Symbol, sp.Symbol],
    scoped: Callable[[sp.Expr], sp.Expr],
    named: Callable[[sp.Expr], sp.Expr],
) -> tuple[Scalars, list[dict[sp.Symbol, sp.Expr]]]:
    """The scalars, and what the symbols of the rule's step stand for in the copy of each of them.

    Raises ``ValueError`` for a rule whose step of an entry of X makes no sense for a number: one that looks at the
    target, takes the gradient elsewhere than at X, or reports other weights than X.
    """
    if not problem.learnt:
        return NO_SCALARS, []
    owner = type(rule).__name__
    reported = rule.reports and len(problem.students) == 1 and problem.model.linear
    if rule.at != X or reported:
        what = "takes the gradient elsewhere than at X" if rule.at != X else "reports other weights than X"
        raise ValueError(
            f"rule {owner}: it {what}, where the scalars that learn ({problem.learnt[0][0]}) have no values of their "
            "own; give the loss without learnt scalars, or use a rule on X"
        )
    memory, places = [], []
    for a, _ in problem.learnt:
        own = loss[a]
        begin = start_of(a)
        extra = {scoped(v) for v in (*rule.step, *(m.name for m in rule.cells)) if v not in (X, X_STAR)}
        where: dict[sp.Symbol, sp.Expr] = {X: own, G: speed_of(a) * slope_of(a)}
        where |= {v: OwnedSymbol(f"{v.name}_{a.name}", v.owner, **v._assumptions_orig) for v in extra}
        where[xi] = OwnedSymbol(f"xi_{a.name}", "learnt", real=True)
        at_start = {X: begin}
        where |= {scoped(v): scoped(e).xreplace(at_start) for v, e in rule.fixed.items()}
        starts = {scoped(v): scoped(e).xreplace(at_start) for v, e in rule.start.items()} | {X: begin}
        for v, new in rule.step.items():
            if v == X_STAR:
                continue
            change = sp.expand(scoped(new) - scoped(v))
            if foreign := change.free_symbols & {X_STAR, xi_star}:
                raise ValueError(
                    f"rule {owner}: its step looks at {foreign.pop()}, which a scalar that learns ({a}) does not have"
                )
            start = starts.get(scoped(v), sp.S.Zero)
            memory.append(Memory(where[scoped(v)], named(change).xreplace(where), start))
        for m in rule.cells:
            cell = where[scoped(m.name)]
            memory.append(Memory(cell, named(scoped(m.increment)).xreplace(where), scoped(m.initial)))
        places.append(where)
    names = [m.name.name for m in (*memory, *rule.memory)]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(
            f"rule {owner}: with the scalars that learn it keeps two quantities called {twice[0]}; rename the scalar"
        )
    learnt = tuple(loss[a] for a, _ in problem.learnt)
    return Scalars(learnt, tuple(slope_of(a) for a, _ in problem.learnt), tuple(memory)), places


