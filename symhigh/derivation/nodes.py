"""Averages over a sample that have no common closed form, asked for by name, to be taken at nodes of the predictions.

Serves :mod:`symhigh.derivation.fluctuations`: a product of four slopes of a committee falls into hundreds of averages,
each a page long, while all of them at once are one sum over points (:mod:`symhigh.integration.nodes`). Mathematics:
``E ∂_k … ∂_l G = E G H_{k…l}`` with Hermite's polynomials of the covariance of the predictions, for smooth G.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import combinations_with_replacement

import sympy as sp

from symhigh.derivation.chain import Through
from symhigh.derivation.gaussian import KINKS, recognise
from symhigh.derivation.sample import OneSample
from symhigh.derivation.state import Statement, state
from symhigh.symbols import OwnedSymbol, eps, risk
from symhigh.system import MomentSystem

_TERMS = 100
"""Averages that a product of four slopes may fall into for closed forms to be derived in seconds."""
_DIMENSION = 4
"""Predictions, at most, over which a sum over points is quick."""
DEGREE = 8
"""A product of four slopes, each of degree one in the noise, is a polynomial below this degree."""


@dataclass(frozen=True, eq=False)
class Nodes:
    """Averages of ``exprs`` over predictions, ``variables``, of covariance ``law``, and over the noise ε.

    They are polynomials in ε, of a degree below :data:`DEGREE`; ``given`` are the other symbols in them, and last the
    variance of ε. ``asked`` are (name, number of the expression, numbers of the variables by which it is
    differentiated).
    """

    variables: tuple[sp.Symbol, ...]
    law: sp.Matrix
    given: tuple[sp.Expr, ...]
    exprs: tuple[sp.Expr, ...]
    asked: tuple[tuple[sp.Symbol, int, tuple[int, ...]], ...]


@dataclass(frozen=True, eq=False)
class AtNodes(OneSample):
    """A sample whose averages are names."""

    names: dict[tuple[sp.Expr, tuple[int, ...]], sp.Symbol] = field(default_factory=dict)

    @classmethod
    def of_sample(cls, sample: OneSample) -> AtNodes:
        """The same sample."""
        return cls(**{f.name: getattr(sample, f.name) for f in fields(OneSample)})

    def mean(self, values: Sequence[sp.Expr]) -> sp.Expr:
        return self._name(self._weighted(values), ())

    def stein(self, values: Sequence[sp.Expr]) -> tuple[sp.Expr, ...]:
        return tuple(self._name(self._weighted(values), (k,)) for k in range(len(self.predictions)))

    def curvature(self, mean: sp.Expr, k: int, l: int) -> sp.Expr:
        found = next((key for key, name in self.names.items() if name == mean), None)
        return sp.S.Zero if found is None else self._name(found[0], tuple(sorted((*found[1], k, l))))

    @cached_property
    def averages(self) -> dict[sp.Symbol, sp.Expr]:
        """The averages of the limit, by their names there."""
        F, found = self.slopes, dict[sp.Symbol, sp.Expr]()
        for p in range(self.students):
            found |= {OwnedSymbol(f"C_{p + 1}_{r + 1}", real=True): c for r, c in enumerate(self.stein(F[p]))}
            for q in range(p, self.students):
                both = [f * h for f, h in zip(F[p], F[q], strict=True)]
                found[OwnedSymbol(f"I_{p + 1}_{q + 1}", real=True)] = self.mean(both)
        found[risk] = self.mean([o.loss for o in self.outcomes])
        return found

    def through(self) -> Through:
        """The derivatives of the limit's averages in the law, by Price's theorem."""
        return {name: dict(self._along_law(value)) for name, value in self.averages.items()}

    def again(self, name: sp.Symbol) -> dict[tuple[sp.Expr, sp.Expr], sp.Expr]:
        """Second derivatives of one of them."""
        law, value = self.law.law, self.averages[name]
        return {
            (law[k, l], entry): slope / (2 if k == l else 1)
            for k, l in self._places()
            for entry, slope in self._along_law(self.curvature(value, k, l))
        }

    def _along_law(self, value: sp.Expr) -> Iterator[tuple[sp.Expr, sp.Expr]]:
        for k, l in self._places():
            yield self.law.law[k, l], self.curvature(value, k, l) / (2 if k == l else 1)

    def _places(self) -> list[tuple[int, int]]:
        return list(combinations_with_replacement(range(len(self.predictions)), 2))

    def nodes(self) -> Nodes:
        """What has been asked for."""
        noise = self.statement.noise[0].variance if self.statement.noise else sp.S.Zero
        exprs = tuple(dict.fromkeys(expr for expr, _ in self.names))
        given = sorted(set().union(*(e.free_symbols for e in exprs)) - {*self.predictions, eps}, key=str)
        asked = tuple((name, exprs.index(expr), ks) for (expr, ks), name in self.names.items())
        return Nodes(self.predictions, sp.Matrix(self.law.law), (*given, noise), exprs, asked)

    def _name(self, expr: sp.Expr, ks: tuple[int, ...]) -> sp.Expr:
        if not expr.has(*self.drawn):
            return sp.S.Zero if ks else expr
        return self.names.setdefault((expr, ks), OwnedSymbol(f"node_{len(self.names)}", real=True))


def long(system: MomentSystem) -> bool:
    """Whether products of four slopes fall into so many averages that closed forms take minutes to derive."""
    problem = system.problem
    if len(problem.directions) <= 2 or all(o.loss.is_polynomial(*problem.directions) for o in problem.outcomes):
        return False
    slopes = (sp.diff(o.loss, student) for o in problem.outcomes for student in problem.students)
    return max(len(sp.Add.make_args(sp.expand(slope))) for slope in slopes) ** 4 > _TERMS


def at_nodes(system: MomentSystem) -> bool:
    """Whether averages are to be taken at nodes: they are long, and of smooth functions of few Gaussian variables."""
    s, _ = state(system.problem, system.rule)
    gaussian = not s.noise or (len(s.noise) == 1 and s.noise[0].density == 1 and s.noise[0].centre == 0)
    few = len(s.students) + len(s.aims) <= _DIMENSION
    return few and gaussian and not s.sampled and _smooth(s) and long(system)


def _smooth(s: Statement) -> bool:
    """Whether losses have no kinks and are quadratic in the noise, and memories see no more than squares of slopes."""
    losses = [recognise(o.loss) for o in s.outcomes]
    noise = all(e.is_polynomial(eps) and sp.degree(sp.expand(e), eps) <= 2 for e in losses if e.has(eps))
    seen = all(sp.expand(m.increment).is_polynomial(*s.of_sample) for m in s.memory)
    return noise and seen and not any(e.has(*KINKS) for e in (*losses, *(o.probability for o in s.outcomes)))
