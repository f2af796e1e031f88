"""The loss's expectations: values for the formal averages of one step, as functions of the covariance B.

Third pass. Source: *The High Line* (arXiv 2405.19585), section 2, and Stein's lemma; the Gaussian engine is
:mod:`symhigh.derivation.gaussian`, the averages of plain slopes are :mod:`symhigh.derivation.statistics`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement

import sympy as sp

from symhigh.derivation.gaussian import recognise
from symhigh.derivation.invariance import differences
from symhigh.derivation.one_step import ClassMean, Mean, OneStep, Stein
from symhigh.derivation.residual import of_residual
from symhigh.derivation.state import Statement
from symhigh.derivation.statistics import (
    ONE_DIRECTION,
    Sample,
    check_loss,
    check_scalars,
    effective,
    in_pieces,
    mean_over_sample,
    sampled_mean,
    sampled_steins,
    statistics,
    stein_coefficient,
)
from symhigh.meanfield import Scalar
from symhigh.symbols import OwnedSymbol, c1, c2, gamma, gradient_noise, lam, product_symbol, risk


@dataclass(frozen=True)
class Expectations:
    """``names`` gives every formal average a symbol, or its value where that differs by mode, ``scalars`` gives that
    symbol a value; ``noise[p, q]`` is
    ``E F_p F_q`` and ``stein[p, r]`` the Stein coefficient ``E ∂_r F_p`` of the slopes, effective ones where the rate
    looks at the sample."""

    names: Mapping[sp.Expr, sp.Expr]
    scalars: tuple[Scalar, ...]
    noise: Mapping[tuple[int, int], sp.Expr]
    stein: Mapping[tuple[int, int], sp.Expr]
    sample: Sample

    @property
    def by_mode(self) -> bool:
        """Whether an average depends on the eigenvalue of a mode."""
        return any(value.has(lam) for value in self.names.values())


def sample_of(s: Statement) -> Sample:
    """The predictions and their covariance: B11, B12, B22 of one direction, ``B_p_q`` of several."""
    if s.single:
        return ONE_DIRECTION
    size = len(s.students) + len(s.aims)
    return Sample(s.students, s.aims, sp.ImmutableMatrix(size, size, lambda p, q: numbered("B", p, q)))


def numbered(kind: str, p: int, q: int) -> sp.Symbol:
    """``B_p_q`` and its like, p and q counted from zero, students first; symmetric, printed from one."""
    low, high = min(p, q), max(p, q)
    return product_symbol(f"{kind}_{low + 1}_{high + 1}", low == high)


def expectations(
    s: Statement, step: OneStep, rates: tuple[sp.Expr, ...] | None
) -> Expectations:
    """Values for all formal averages of ``step``; ``rates`` are the sample's rates, one an outcome, if it has any."""
    exprs = [*step.drift.values(), *step.covariance.values(), *step.cells.values(), *step.scalars.values()]
    exprs += [Mean(F) for F in step.pulls if s.objective is not None]
    atoms = sorted(set().union(*(e.atoms(Mean, Stein, ClassMean) for e in exprs)), key=sp.default_sort_key)
    sample = sample_of(s)
    check_scalars(s.outcomes, sample, s.scalars.learnt)
    plain = _one_direction(s, step, rates) if s.single else _several(s, step, sample, rates)
    names: dict[sp.Expr, sp.Expr] = dict(plain.names)
    scalars = list(plain.scalars)
    for atom in atoms:
        if atom in names:
            continue
        if atom == Mean(step.rate):
            names[atom] = gamma
            continue
        value = _value(atom, s, step, sample, rates)
        if atom.has(lam):  # it differs by mode
            names[atom] = value
            continue
        if isinstance(atom, ClassMean) and atom.args[0] in step.slopes:
            name = OwnedSymbol(f"s_{step.slopes.index(atom.args[0]) + 1}_{int(atom.args[1]) + 1}", real=True)
        elif isinstance(atom, Mean) and atom.args[0] in step.pulls:
            name = OwnedSymbol(f"F_{s.scalars.learnt[step.pulls.index(atom.args[0])].name}", real=True)
        else:
            name = OwnedSymbol(f"{'I' if isinstance(atom, Mean) else 'c'}'{len(names) + 1}", real=True)
        names[atom] = name
        scalars.insert(len(scalars) - 1, Scalar(name, value))
    return Expectations(names, tuple(scalars), plain.noise, plain.stein, sample)


def _one_direction(s: Statement, step: OneStep, rates: tuple[sp.Expr, ...] | None) -> Expectations:
    """c₁, c₂, I and the risk of one student and one target."""
    (F,) = step.slopes
    stats = statistics(s.outcomes, s.noise, rates)
    names = {Stein(F, 0): c1, Stein(F, 1): c2, Mean(F**2): gradient_noise}
    scalars = (
        Scalar(c1, stats.c1),
        Scalar(c2, stats.c2),
        Scalar(gradient_noise, stats.gradient_noise),
        Scalar(risk, stats.risk),
    )
    return Expectations(names, scalars, {(0, 0): gradient_noise}, {(0, 0): c1, (0, 1): c2}, ONE_DIRECTION)


def _several(
    s: Statement, step: OneStep, sample: Sample, rates: tuple[sp.Expr, ...] | None
) -> Expectations:
    """``C_p_r = E ∂_r F_p``, ``I_p_q = E F_p F_q`` and the risk; F_p is f_p', times the sample's rate if it has one."""
    check_loss(s.outcomes, sample)
    count, size = len(s.students), len(sample.directions)
    stein = {(p, r): OwnedSymbol(f"C_{p + 1}_{r + 1}", real=True) for p in range(count) for r in range(size)}
    pairs = list(combinations_with_replacement(range(count), 2))
    noise: dict[tuple[int, int], sp.Expr] = {
        (p, q): OwnedSymbol(f"I_{p + 1}_{q + 1}", real=True) for p, q in pairs
    }
    names = {Stein(step.slopes[p], r): c for (p, r), c in stein.items()}
    names |= {Mean(step.slopes[p] * step.slopes[q]): i for (p, q), i in noise.items()}
    left = differences(s, sample)
    several = len(s.outcomes) > 1 and not s.classes
    losses = [(o.probability, o.loss) for o in s.outcomes]
    loss = _over_label(losses) if several else sp.Add(*(recognise(p) * recognise(f) for p, f in losses))
    scalars = (
        *(Scalar(name, _value(atom, s, step, sample, rates)) for atom, name in names.items()),
        Scalar(risk, mean_over_sample(left.of(loss), s.noise, left.sample)),
    )
    return Expectations(names, scalars, noise, stein, sample)


def _weighted(values: list[tuple[sp.Expr, sp.Expr]]) -> sp.Expr:
    """``Σ_k p_k v_k`` term by term."""
    weighted = [recognise(recognise(p) * v) for p, v in values]
    return weighted[0] if len(weighted) == 1 else sp.expand(sp.Add(*weighted))


def _over_label(values: list[tuple[sp.Expr, sp.Expr]]) -> sp.Expr:
    """The same for probabilities that sum to one: ``v_last + Σ_k p_k (v_k - v_last)``.

    What all labels have in common is then no product with a probability, and is averaged over fewer predictions.
    """
    *others, (_, last) = values
    total = recognise(last)
    for p, v in others:
        apart = sp.expand(recognise(v) - recognise(last))
        total += sp.Add(*(recognise(p) * term for term in sp.Add.make_args(apart)))
    return total


def _value(
    atom: sp.Expr, s: Statement, step: OneStep, sample: Sample, rates: tuple[sp.Expr, ...] | None
) -> sp.Expr:
    """The average over label and sample of a function of the slopes, or a Stein coefficient of it."""
    by_mode = atom.has(lam)
    values: list[tuple[sp.Expr, sp.Expr]] = []
    for k, o in enumerate(s.outcomes):
        if isinstance(atom, ClassMean) and k != int(atom.args[1]):
            continue
        loss, factor = (recognise(o.loss), sp.S.One) if rates is None else (in_pieces(o.loss), rates[k])
        loss = in_pieces(loss) if by_mode else loss
        moved = zip((*step.slopes, *step.pulls), (*s.students, *s.scalars.learnt), strict=True)
        slopes = {F: effective(factor, sp.diff(loss, x)) for F, x in moved}
        values.append((o.probability, atom.args[0].xreplace({**slopes, step.rate: factor})))
    sampled = len(values) > 1 and not s.classes and rates is None and not by_mode
    expr = _over_label(values) if sampled else _weighted(values)
    if by_mode and of_residual(expr, sample.directions, sample.law) is None:
        raise ValueError(
            f"rule {s.owner}: its step averages the gradient's entry mode by mode, which is done over a residual, "
            f"and the loss {s.outcomes[0].loss} sees the sample through more; use a loss of x - x* - ε, such as "
            "least_squares, huber or quantile, or a rule that clips the whole gradient, ClippedGradient"
        )
    if rates is not None or by_mode:
        if isinstance(atom, Mean | ClassMean):
            return sampled_mean(expr, s.noise, sample)
        return sampled_steins(expr, s.noise, sample)[int(atom.args[1])]
    left = differences(s, sample)
    expr = left.of(expr)
    if isinstance(atom, Mean | ClassMean):
        return mean_over_sample(expr, s.noise, left.sample)
    place = sample.directions[int(atom.args[1])]
    if place not in left.lost:
        return stein_coefficient(expr, place, s.noise, left.sample)
    group = left.sample.students if place in s.students else left.sample.targets
    return -sp.Add(*(stein_coefficient(expr, z, s.noise, left.sample) for z in group))
