"""The user's spectrum and start as closed forms read them: symbolic, discrete, or left open.

Turns averages over modes into explicit sums, into :class:`~symhigh.closed.nodes.Average`, or into τ, κ₂ and D²(0).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import sympy as sp

from symhigh.checks import instance
from symhigh.closed.marchenko_pastur import MarchenkoPastur
from symhigh.closed.nodes import Average
from symhigh.population import Spectrum, Start
from symhigh.population.dimension import warn_of_few_dimensions
from symhigh.symbols import D2, V22, OwnedSymbol, distance, kappa2, lam, tau

_FEW = 8
LAMBDA_MIN = OwnedSymbol("lambda_min", positive=True)
LAMBDA_MAX = OwnedSymbol("lambda_max", positive=True)
"""The edges of an open spectrum."""


@dataclass(frozen=True)
class Modes:
    """Eigenvalues ``values`` > 0 with ``weights``, starting ``errors`` D²_λ(0) and ``targets`` V22; None where open.

    Modes with λ = 0 never move and are never seen; they are left out, so weights may sum to less than one.
    ``law`` is the continuous measure where it is known exactly: averages over λ are then closed forms, and the values
    serve averages over the start only.
    """

    values: tuple[sp.Expr, ...] | None = None
    weights: tuple[sp.Expr, ...] | None = None
    errors: tuple[sp.Expr, ...] | None = None
    law: MarchenkoPastur | None = None
    targets: tuple[sp.Expr, ...] | None = None

    def mean(self, summand: sp.Expr, above: bool = False) -> sp.Expr:
        """``∫ summand dμ`` for a summand in λ and, if linear in it, D²_λ(0) or V22.

        A pole in λ lies below the spectrum, or ``above`` it.
        """
        summand = sp.sympify(summand, strict=True)
        if summand.has(V22):
            return self.mean(summand.subs(V22, 0)) + self._over_targets(sp.diff(summand, V22))
        if summand.is_polynomial(lam, D2):
            terms = sp.Poly(sp.expand(summand), lam, D2).terms()
            return sp.Add(*(c * self._moment(power, error) for (power, error), c in terms))
        if self.law is not None:
            return self.law.mean(summand, above)
        if self.values is None or self.weights is None:
            return Average(summand)
        if len(self.values) > _FEW:
            return Average(summand, sp.Tuple(sp.Tuple(*self.values), sp.Tuple(*self.weights)))
        return sp.Add(*(w * summand.subs(lam, v) for v, w in zip(self.values, self.weights, strict=True)))

    def _over_targets(self, summand: sp.Expr) -> sp.Expr:
        """``∫ summand V22 dμ``."""
        if self.targets is None or self.values is None or self.weights is None:
            raise ValueError("limits: this formula needs start=…, how the target is spread over the modes")
        if len(set(self.targets)) == 1:
            return self.targets[0] * self.mean(summand)
        rows = zip(self.weights, self.values, self.targets, strict=True)
        return sp.Add(*(w * summand.subs(lam, v) * x for w, v, x in rows))

    def _moment(self, power: int, error: int) -> sp.Expr:
        """``∫ λ^power (D²_λ(0))^error dμ`` over the modes with λ > 0; the whole mass is taken as one where open."""
        if self.law is not None and (not error or self.even is not None):
            return self.law.moment(power) * (self.even or 0) ** error
        if self.values is None or self.weights is None:
            known = {(0, 0): sp.S.One, (1, 0): tau, (2, 0): kappa2, (0, 1): distance}
            return known.get((power, error), Average(lam**power * D2**error))
        if error and self.errors is None:
            if power:
                raise ValueError("limits: this formula needs start=…, how the error is spread over the modes")
            return distance
        errors = self.errors or self.values
        rows = zip(self.weights, self.values, errors, strict=True)
        return sp.Add(*(w * v**power * e**error for w, v, e in rows))

    @property
    def few(self) -> bool:
        """Whether there are few enough modes for explicit polynomials."""
        return self.values is not None and self.law is None and len(self.values) <= _FEW

    @property
    def edge(self) -> sp.Expr:
        """The smallest positive eigenvalue, or the left end of a continuous law."""
        if self.law is not None:
            return self.law.edge
        return LAMBDA_MIN if self.values is None else _extreme(min, sp.Min, self.values)

    @property
    def end(self) -> sp.Expr:
        """The largest eigenvalue, or the right end of a continuous law."""
        if self.law is not None:
            return (1 + sp.sqrt(self.law.ratio)) ** 2
        return LAMBDA_MAX if self.values is None else _extreme(max, sp.Max, self.values)

    @property
    def even(self) -> sp.Expr | None:
        """D²(0), where it is the same in all modes."""
        return self.errors[0] if self.errors and len(set(self.errors)) == 1 else None

    @property
    def isotropic(self) -> bool:
        return self.few and self.values is not None and len(self.values) == 1


def _extreme(of_numbers: Any, of_expressions: Any, values: tuple[sp.Expr, ...]) -> sp.Expr:
    """The least or largest value: SymPy's own search is slow on the thousands of numbers of a spectrum."""
    return of_numbers(values) if all(v.is_Number for v in values) else of_expressions(*values)


def check_population(owner: str, spectrum: Any, start: Any) -> None:
    """Refuse, by name, what is neither None nor a spectrum, a start."""
    if spectrum is not None:
        instance(owner, "spectrum", spectrum, Spectrum, "a symhigh.Spectrum, or None")
    if start is not None:
        instance(owner, "start", start, Start, "a symhigh.Start, or None")


def read_modes(spectrum: Spectrum | None, start: Start | None) -> Modes:
    """What closed forms need of a spectrum and a start; either may be missing."""
    if spectrum is None:
        if start is not None:
            raise ValueError("limits(start=…): a start is spread over a spectrum; give spectrum=… too")
        return Modes()
    if not spectrum.is_symbolic:
        given = None if start is None else start.dimension
        warn_of_few_dimensions("limits", spectrum, given)
    number = rational if spectrum.values.size <= _FEW else _long
    values, weights = (tuple(map(number, part)) for part in (spectrum.values, spectrum.weights))
    errors, aims = (
        None if start is None else tuple(map(number, part(spectrum, start))) for part in (_errors, _targets)
    )
    keep = [i for i, v in enumerate(values) if not v.is_zero]
    first: dict[sp.Expr, list[int]] = {}
    for i in keep:
        first.setdefault(values[i], []).append(i)
    merged = [sp.Add(*(weights[i] for i in same)) for same in first.values()]

    def shared(column: tuple[sp.Expr, ...] | None) -> tuple[sp.Expr, ...] | None:
        """The average of a column over the nodes of each eigenvalue."""
        if column is None:
            return None
        sums = (sp.Add(*(weights[i] * column[i] for i in same)) for same in first.values())
        return tuple(total / w for total, w in zip(sums, merged, strict=True))

    law = None if spectrum.ratio is None else MarchenkoPastur(rational(spectrum.ratio))
    return Modes(tuple(first), tuple(merged), shared(errors), law, shared(aims))


def rational(value: Any) -> sp.Expr:
    """A number as the simplest fraction that is the same float, ``0.1`` as 1/10; also inside expressions."""
    if isinstance(value, sp.Expr):
        return value.xreplace({f: rational(float(f)) for f in value.atoms(sp.Float)})
    given = Fraction(float(value))
    simple = given.limit_denominator(10**6)
    return sp.Rational(*(simple if float(simple) == float(value) else given).as_integer_ratio())


def _errors(spectrum: Spectrum, start: Start) -> list[Any]:
    if start.profile == 1 and start.vectors_given is None:
        return [start.distance] * spectrum.values.size
    v11, v12, v22 = start.modes(spectrum)
    return list(v11 - 2 * v12 + v22)


def _targets(spectrum: Spectrum, start: Start) -> list[Any]:
    if start.profile == 1 and start.vectors_given is None:
        return [start.x_star] * spectrum.values.size
    return list(start.modes(spectrum)[2])


def _long(value: Any) -> sp.Expr:
    """A number to 40 digits, for sums over many modes; a float counts as in few modes, so that a twelfth is one."""
    if isinstance(value, sp.Expr):
        return sp.Float(rational(value), 40) if value.is_number else value
    return _decimal(float(value))


@lru_cache(maxsize=8192)
def _decimal(value: float) -> sp.Float:
    """Kept, since SymPy has each number's sign and the like computed once, and many modes start alike."""
    return sp.Float(rational(value), 40)
