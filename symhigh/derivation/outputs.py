"""What a curve carries beside risk and learning rate: distances, overlaps, curvature, errors, thresholds.

Part of the passes, joined by :mod:`symhigh.derivation.mean_field`.
"""

from __future__ import annotations

import sympy as sp

from symhigh.derivation.averages import Averages
from symhigh.derivation.expectations import Expectations
from symhigh.derivation.memories import greedy_rate
from symhigh.derivation.state import Statement, shift
from symhigh.derivation.statistics import mean_over_sample, statistics
from symhigh.meanfield import MeanField
from symhigh.symbols import B11, B12, X, distance, gamma, lam, risk


def outputs_of(
    s: Statement, field: MeanField, stats: Expectations, averages: Averages, drifts: dict[sp.Symbol, sp.Expr]
) -> dict[str, sp.Expr]:
    """What a curve carries beside risk and learning rate."""
    if not s.single:
        size = len(s.learnt) + len(s.targets)
        directions = (*s.learnt, *s.targets)
        return {
            f"overlap_{p + 1}_{q + 1}": averages.of(directions[p] * directions[q])
            for p in range(size)
            for q in range(p, size)
        } | _zero_one_error(s, stats)
    (theta,), (aim,) = s.effective, s.targets
    found = {"distance": averages.of(sp.expand((theta - aim) ** 2))}
    if s.linear:
        found |= {"overlap": averages.of(X * aim), "norm": averages.of(X**2)}
    else:
        c1, c2 = stats.stein[0, 0], stats.stein[0, 1]
        if s.sampled:  # the curvature is that of the risk, without the sample's rates
            plain = statistics(s.outcomes, s.noise, None)
            c1, c2 = plain.c1, plain.c2
        bend = sum((sp.diff(theta, c, 2) for c in s.learnt), sp.S.Zero)
        square = sum((sp.diff(theta, c) ** 2 for c in s.learnt), sp.S.Zero)
        found |= {
            "curvature": averages.of(sp.expand(c1 * lam * (square + theta * bend) + c2 * lam * aim * bend)),
            "l1": averages.of(sp.Abs(theta)),
            "l2": averages.of(sp.expand(theta**2)),
        }
    for name, weight in s.reports:
        found |= _report(name, weight, s, stats, averages)
    if not stats.by_mode and (threshold := _threshold(s, drifts[distance], stats)) is not None:
        found["distance_threshold"] = threshold
    return found


def _zero_one_error(s: Statement, stats: Expectations) -> dict[str, sp.Expr]:
    """How often the sign of one student's prediction is not the label, where the classes have the labels ±1.

    Of two or three outputs and as many labels 0, 1, …: how often the largest output is another one's.
    """
    if {o.label for o in s.classes} == set(range(len(s.students))) and len(s.students) in (2, 3):
        return {"zero_one_error": _wrong_output(s, stats)}
    if len(s.students) > 1 or not s.classes or {o.label for o in s.classes} != {sp.S.One, sp.S.NegativeOne}:
        return {}
    spread = stats.sample.law[0, 0]
    margins = [(o.probability, o.label * shift(0, k)) for k, o in enumerate(s.classes)]
    wrong = sum(share * sp.erfc(margin / sp.sqrt(2 * spread)) / 2 for share, margin in margins)
    return {"zero_one_error": sp.Piecewise((sp.S.Half, spread <= 0), (wrong, True))}


def _wrong_output(s: Statement, stats: Expectations) -> sp.Expr:
    """One less the probability that the label's output is the largest; at equal outputs it is drawn among them."""
    right, place = sp.S.Zero, range(len(s.students))
    for k, o in enumerate(s.classes):
        label = int(sp.sympify(o.label, strict=True))
        outputs = [x + shift(q, k) for q, x in enumerate(s.students)]
        leads = [sp.Heaviside(outputs[label] - outputs[q], sp.S.Half) for q in place if q != label]
        right += o.probability * mean_over_sample(sp.Mul(*leads), (), stats.sample)
    law = stats.sample.law
    spread = sp.Add(*(law[p, p] + law[q, q] - 2 * law[p, q] for p in place for q in place if p < q))
    return sp.Piecewise((1 - sp.Rational(1, len(place)), spread <= 0), (1 - right, True))


def _report(
    name: str, weight: sp.Expr, s: Statement, stats: Expectations, averages: Averages
) -> dict[str, sp.Expr]:
    """Risk and distance of other weights than those that learn."""
    (aim,), head = s.targets, f"{name}_" if name else ""
    value = next(x.expression for x in stats.scalars if x.name == risk)
    there = {B11: averages.of(sp.expand(lam * weight**2)), B12: averages.of(sp.expand(lam * weight * aim))}
    return {
        f"{head}risk": value.subs(there, simultaneous=True),
        f"{head}distance": averages.of(sp.expand((weight - aim) ** 2)),
    }


def _threshold(s: Statement, drift: sp.Expr, stats: Expectations) -> sp.Expr | None:
    """The rate beyond which the distance grows; None where its drift is not quadratic in the rate."""
    if s.sampled:  # a factor γ on every rate of the sample
        factors = {**dict.fromkeys(stats.stein.values(), gamma), **dict.fromkeys(stats.noise.values(), gamma**2)}
        drift = drift.subs({name: factor * name for name, factor in factors.items()})
    powers = sp.Poly(drift, gamma) if drift.is_polynomial(gamma) else None
    if powers is None or powers.degree() != 2 or powers.coeff_monomial(1) != 0:
        return None
    threshold = 2 * greedy_rate(distance, {distance: drift})
    return gamma * threshold if s.sampled else threshold
