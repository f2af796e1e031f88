"""What a rule may not say: names that stand for two things, and quantities that nobody states.

Part of the first pass, :mod:`symhigh.derivation.state`.
"""

from __future__ import annotations

import sympy as sp

from symhigh.problem import Problem
from symhigh.rule import Rule
from symhigh.symbols import (
    X_STAR,
    G,
    Total,
    X,
    d,
    distance,
    eps,
    g,
    gradient_square,
    inverse_time,
    norm,
    overlap,
    risk,
    sample_loss,
    t,
    xi,
    xi_star,
)

KNOWN = (risk, distance, norm, overlap)
"""What an idealised rate or memory may know of the whole system."""


def check_names(rule: Rule) -> None:
    """No two quantities of a rule share a name: printing, ``bind`` and events go by names."""
    seen: set[str] = set()
    for kind, symbols in (("memory", [m.name for m in rule.memory]), ("cell", [m.name for m in rule.cells])):
        for symbol in symbols:
            if symbol.name in seen:
                raise ValueError(
                    f"rule {type(rule).__name__}: the {kind} {symbol.name} is named twice; give every memory and "
                    "cell a name of its own"
                )
            seen.add(symbol.name)


def check_constant(rule: Rule, problem: Problem) -> None:
    """No parameter moves in time: closed forms and runs take them for numbers."""
    for owner, values in ((f"rule {type(rule).__name__}", rule.values), (f"problem {problem.name}", problem.values)):
        for symbol, value in values.items():
            if t in sp.sympify(value, strict=True).free_symbols:
                raise ValueError(
                    f"{owner}: its parameter {symbol.name} = {value} depends on the time t; give a number, and a "
                    "learning rate in time as Schedule(expression in t) or Modulated(rule, factor)"
                )


def check_closed(rule: Rule, problem: Problem) -> None:
    """Every symbol of the rule is one of its own, of the sample, or of what an idealised rule may know."""
    scalars = (*(m.increment for m in rule.memory), sp.S.Zero if rule.rate is None else rule.rate)
    looked = set().union(*(sp.sympify(e, strict=True).free_symbols for e in scalars))
    if problem.data is not None and (seen := sorted(map(str, looked & set(problem.directions)))):
        raise ValueError(
            f"rule {type(rule).__name__}: it looks at the prediction {seen[0]} itself, which for data with classes is "
            "not supported; use sample_loss or gradient_square"
        )
    own = {*rule.values, *(m.name for m in rule.memory), d, t}
    sample = {gradient_square, sample_loss, *problem.students, *problem.targets, eps}
    entries = {*rule.step, *rule.fixed, X, X_STAR, *(m.name for m in rule.cells)}
    scalar, entry = own | sample | set(KNOWN), own | entries | {G, g, xi, xi_star, inverse_time}
    places = [(f"the increment of {m.name}", m.increment, scalar) for m in rule.memory]
    places += [(f"the start of {m.name}", m.initial, own) for m in (*rule.memory, *rule.cells)]
    places += [("its rate", rule.rate, scalar)] if rule.rate is not None else []
    places += [(f"the step of {v}", new, entry) for v, new in rule.step.items()]
    places += [(f"the increment of the cell {m.name}", m.increment, entry) for m in rule.cells]
    places += [("where it takes the gradient", rule.at, entry)]
    places += [(f"its report {name!r}", e, entry) for name, e in rule.reports.items()]
    for place, expr, known in places:
        found = sp.sympify(expr, strict=True)
        free = found.xreplace(dict.fromkeys(found.atoms(Total), sp.S.Zero)).free_symbols
        inside = set().union(*(total.free_symbols for total in found.atoms(Total))) - entries - own
        if missing := sorted(map(str, (free - known) | inside)):
            raise ValueError(
                f"rule {type(rule).__name__}: {place} depends on {', '.join(missing)}, so the system does not close: "
                "declare each as a Memory with its increment, or give its number in `values`"
            )
