"""The statement of a derivation: what problem and rule say, on canonical symbols, without the user's numbers.

First pass. Everybody's symbols enter under a name space of their own (:class:`~symhigh.symbols.OwnedSymbol`), so that
no parameter of a loss is taken for one of a rule or of the library, and equal statements have one derivation. The rule
states the step of one entry; here every learnt coordinate gets a copy of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import sympy as sp

from symhigh.derivation.state_checks import check_closed, check_constant, check_names
from symhigh.derivation.state_scalars import NO_SCALARS, Scalars, scalars_of
from symhigh.problem import Problem
from symhigh.problem.model import theta_star
from symhigh.problem.noise import Component
from symhigh.problem.problem import Label
from symhigh.rule import Memory, Rule
from symhigh.symbols import (
    X_STAR,
    G,
    OwnedSymbol,
    Total,
    X,
    eps,
    gradient_square,
    owned,
    sample_loss,
    x,
    x_star,
    xi,
    xi_star,
)


@dataclass(frozen=True)
class Statement:
    """A problem and a rule on canonical symbols.

    ``learnt`` are the coordinates that move as X does, ``gradients`` their G's, ``effective`` the p-th student's weight
    where the gradient is taken, ``jacobian[p]`` its derivatives by the learnt coordinates, ``targets`` the entries of
    the fixed directions; ``vectors`` says what one step makes of every vector, ``begins`` and ``fixed`` where further
    vectors and constant directions start. ``scalars`` are what of the loss learns beside the directions.
    """

    owner: str
    students: tuple[sp.Symbol, ...]
    aims: tuple[sp.Symbol, ...]
    outcomes: tuple[Label, ...]
    noise: tuple[Component, ...]
    draw: sp.Expr
    learnt: tuple[sp.Symbol, ...]
    gradients: tuple[sp.Symbol, ...]
    effective: tuple[sp.Expr, ...]
    jacobian: tuple[tuple[sp.Expr, ...], ...]
    targets: tuple[sp.Symbol, ...]
    vectors: tuple[tuple[sp.Symbol, sp.Expr], ...]
    begins: tuple[tuple[sp.Symbol, sp.Expr], ...]
    cells: tuple[Memory, ...]
    fixed: tuple[tuple[sp.Symbol, sp.Expr], ...]
    memory: tuple[Memory, ...]
    rate: sp.Expr | None
    objective: sp.Expr | None
    multiple: sp.Expr
    batch: sp.Expr
    totals: tuple[tuple[sp.Symbol, sp.Expr], ...]
    linear: bool
    delayed: bool
    remedy: str
    reports: tuple[tuple[str, sp.Expr], ...] = ()
    scalars: Scalars = NO_SCALARS

    @property
    def of_a_mode(self) -> tuple[sp.Symbol, ...]:
        """The symbols that differ from mode to mode, λ apart: coordinates, what is constant in time, and cells."""
        return (*self.coordinates, *self.coefficients, *(m.name for m in self.cells))

    @property
    def of_sample(self) -> tuple[sp.Symbol, ...]:
        """What of the current sample a rate or a memory may look at."""
        return (gradient_square, sample_loss, *self.students, *self.aims, eps)

    @property
    def sampled(self) -> bool:
        """Whether the rate depends on the sample of the step."""
        return self.rate is not None and self.rate.has(*self.of_sample)

    @property
    def single(self) -> bool:
        """Whether there are one student x and one target x_star, and no classes: the setting of most closed forms.

        One of each under other names is a case of several directions.
        """
        return self.students == (x,) and self.aims == (x_star,) and not self.classes

    @property
    def classes(self) -> tuple[Label, ...]:
        """The classes of the data, whose means are in entries of fixed directions; none where all data are centred."""
        return self.outcomes if any(o.mean != 0 for o in self.outcomes) else ()

    @property
    def shifts(self) -> dict[sp.Symbol, sp.Expr]:
        """The mean of each prediction in each class, and what it is the average of over the coordinates."""
        weights = (*self.effective, *self.targets)
        places = ((q, k) for k in range(len(self.classes)) for q in range(len(weights)))
        found = {shift(q, k): sp.expand(weights[q] * self.classes[k].mean) for q, k in places}
        used = set().union(*(o.loss.free_symbols for o in self.classes))
        return {name: expr for name, expr in found.items() if name in used}

    @property
    def normals(self) -> tuple[sp.Symbol, ...]:
        """The standard normals that a step draws for every entry, beside the sample."""
        used = set().union(*(new.free_symbols for _, new in self.vectors))
        return tuple(sorted((s for s in used if s in (xi, xi_star) or s.name.startswith("xi_")), key=str))

    @property
    def coordinates(self) -> tuple[sp.Symbol, ...]:
        """The vectors that one step moves, entry by entry."""
        return tuple(v for v, _ in self.vectors)

    @property
    def coefficients(self) -> tuple[sp.Symbol, ...]:
        """The entries that stay: targets and constant directions."""
        moving = set(self.coordinates)
        return (*(s for s in self.targets if s not in moving), *(s for s, _ in self.fixed))

    @property
    def leads(self) -> dict[sp.Symbol, tuple[sp.Symbol, sp.Expr]]:
        """For each running maximum M of q, a name for ``q - M`` and that expression."""
        found = {m.name: m.maximum_of for m in self.memory}
        return {M: (OwnedSymbol(f"lead_{M.name}", real=True), q - M) for M, q in found.items() if q is not None}

    @property
    def maxima(self) -> dict[sp.Symbol, sp.Expr]:
        """Running maxima after the step's own update: at least the quantity whose maximum they are."""
        return {M: M + sp.Max(0, lead) for M, (lead, _) in self.leads.items()}

    def uses(self, symbol: sp.Symbol) -> bool:
        """Whether the rule's rate or memories look at ``symbol``."""
        return any(e.has(symbol) for e in (*(m.increment for m in self.memory), self.rate) if e is not None)


def shift(q: int, k: int) -> sp.Symbol:
    """The mean of the q-th prediction, students first, in the k-th class; both are counted from zero."""
    return OwnedSymbol(f"m_{q + 1}_{k + 1}", real=True)


def state(problem: Problem, rule: Rule) -> tuple[Statement, dict[sp.Symbol, sp.Expr]]:
    """The statement, and the values that the user gave for its parameters.

    Raises ``ValueError`` that names what is missing or named twice.
    """
    loss = {s: _scoped(s, "loss", v) for s, v in problem.values.items()}
    loss |= {s: OwnedSymbol(s.name, "loss", real=True) for s, _ in problem.learnt}
    vectors = [*rule.step, *rule.fixed, *rule.start]
    own = [*vectors, *(m.name for m in (*rule.memory, *rule.cells))]
    scope = {s: _scoped(s, "rule") for s in own} | {s: _scoped(s, "rule", v) for s, v in rule.values.items()}
    check_constant(rule, problem)
    check_names(rule)
    check_closed(rule, problem)
    if rule.rate is None and rule.objective is None:
        raise ValueError(f"rule {type(rule).__name__}: it states neither a rate nor an objective")
    copies, targets = _copies(problem)
    if X_STAR in rule.step and len(targets) != 1:
        raise ValueError(
            f"rule {type(rule).__name__}: it moves the one target X*; this problem has {len(targets)}, give it one"
        )
    totals: dict[sp.Expr, sp.Symbol] = {}

    def scoped(expr: sp.Expr) -> sp.Expr:
        return sp.sympify(expr, strict=True).xreplace(scope)

    def named(expr: sp.Expr) -> sp.Expr:
        """``expr`` with a name for every total."""
        for total in sorted(expr.atoms(Total), key=sp.default_sort_key):
            if total not in totals:
                name = "moved" if not totals else f"total_{len(totals) + 1}"
                totals[total] = OwnedSymbol(name, nonnegative=True if total.args[0].is_nonnegative else None)
        return expr.xreplace(totals)

    def memory(m: Memory, where: Mapping[sp.Symbol, sp.Expr]) -> Memory:
        return Memory(*(named(scoped(e)).xreplace(where) for e in (m.name, m.increment, m.initial)))

    extra = {scoped(s) for s in own if s not in (X, X_STAR)} - {scoped(m.name) for m in rule.memory}
    places = [_copy(c, targets[0] if targets else X_STAR, len(copies) > 1, extra) for c in copies]
    memories = tuple(memory(m, {}) for m in rule.memory)
    if problem.model.linear:
        effective = tuple(scoped(rule.at).xreplace(where) for where in places)
        jacobian = tuple(tuple(sp.Integer(p == q) for q in range(len(copies))) for p in range(len(copies)))
    else:
        if rule.at != X:
            raise ValueError(f"rule {type(rule).__name__}: it takes gradients elsewhere than at X; a network cannot")
        effective = (problem.model.effective,)
        jacobian = (tuple(sp.diff(problem.model.effective, c) for c in copies),)
    rate = None if rule.rate is None else named(scoped(rule.rate))
    scalars, sums = scalars_of(problem, rule, loss, scoped, named)
    statement = Statement(
        type(rule).__name__,
        problem.students,
        problem.targets,
        tuple(_outcome(o, k, loss, problem, targets) for k, o in enumerate(problem.outcomes)),
        tuple(_in_scope(c, loss) for c in problem.law.components) if problem.noisy else (),
        problem.law.draw.xreplace(loss) if problem.noisy else sp.S.Zero,
        copies,
        tuple(where[G] for where in places),
        effective,
        jacobian,
        targets,
        _once((scoped(v).xreplace(w), scoped(new).xreplace(w)) for w in places for v, new in rule.step.items()),
        _once((scoped(v).xreplace(w), scoped(e).xreplace(w)) for w in places for v, e in rule.start.items()),
        tuple(memory(m, where) for where in places for m in rule.cells),
        _once((scoped(v).xreplace(w), scoped(e).xreplace(w)) for w in places for v, e in rule.fixed.items()),
        memories,
        rate,
        rule.objective,
        scoped(rule.multiple),
        scoped(rule.batch),
        tuple((s, sp.Add(*(t_.args[0].xreplace(where) for where in (*places, *sums)))) for t_, s in totals.items()),
        problem.model.linear,
        rule.delayed,
        rule.remedy,
        tuple((name, scoped(e).xreplace(places[0])) for name, e in rule.reports.items()) if len(copies) == 1 else (),
        scalars,
    )
    values = {loss[s]: v for s, v in problem.values.items()} | {scope[s]: v for s, v in rule.values.items()}
    return statement, values


def _scoped(symbol: sp.Symbol, owner: str, value: sp.Expr | None = None) -> sp.Symbol:
    return symbol if isinstance(symbol, OwnedSymbol) else owned(symbol, owner, value)


def _in_scope(c: Component, scope: Mapping[sp.Symbol, sp.Symbol]) -> Component:
    parts = {f: getattr(c, f).xreplace(scope) for f in ("probability", "centre", "variance", "density", "order")}
    return replace(c, **parts)


def _outcome(
    o: Label, k: int, scope: Mapping[sp.Symbol, sp.Symbol], problem: Problem, targets: tuple[sp.Symbol, ...]
) -> Label:
    """An outcome on canonical symbols; of a class with its mean in entries, and the loss of centred predictions."""
    if problem.data is None:
        return Label(o.probability.xreplace(scope), o.loss.xreplace(scope))
    moved = {z: z + shift(q, k) for q, z in enumerate(problem.directions)}
    mean = o.mean.xreplace(dict(zip(problem.targets, targets, strict=True)))
    return Label(o.probability, o.loss.xreplace({**scope, **moved}), mean, o.label)


def _copies(problem: Problem) -> tuple[tuple[sp.Symbol, ...], tuple[sp.Symbol, ...]]:
    """The learnt coordinates, and the targets' entries."""
    if problem.model.coordinates != (X,):
        return problem.model.coordinates, (theta_star,)
    if problem.students == (x,) and problem.targets == (x_star,):
        return (X,), (X_STAR,)
    count = len(problem.students)
    return (
        tuple(OwnedSymbol(f"X_{p + 1}", real=True) for p in range(count)),
        tuple(OwnedSymbol(f"X_{count + q + 1}", real=True) for q in range(len(problem.targets))),
    )


def _copy(
    coordinate: sp.Symbol, target: sp.Symbol, several: bool, extra: set[sp.Symbol]
) -> dict[sp.Symbol, sp.Symbol]:
    """What the rule's symbols are called in the copy of its step for ``coordinate``."""
    if not several:
        return {X: coordinate, X_STAR: target, G: G}
    tag = coordinate.name.removeprefix("X_")
    own = {s: OwnedSymbol(f"{s.name}_{tag}", s.owner, **s._assumptions_orig) for s in (*extra, G, xi)}
    return {X: coordinate, X_STAR: target, **own}


def _once(pairs: Iterable[tuple[sp.Symbol, sp.Expr]]) -> tuple[tuple[sp.Symbol, sp.Expr], ...]:
    return tuple(dict(pairs).items())
