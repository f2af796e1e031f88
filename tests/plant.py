"""Errors planted in what the shipped claims display: each must be refuted. ``python -m tests.plant [FILE …]``.

An error is one number, exponent, sign, order or condition of a displayed statement, changed in the very object that is
displayed, or a domain that reaches a tenth too far. Statements with no number get a factor. Prints every error that
survives, and the share that is refuted; the counts by claim go into ``scores.toml`` beside the files.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import sympy as sp

from symhigh.clock import OutOfTime, time_limit
from symhigh.closed.nodes import Root
from symhigh.ledger import REFUTED, Claim, Trial, Verdict
from symhigh.ledger.asymptotics import Asymptotic, Bounded
from symhigh.ledger.domain import Domain
from symhigh.ledger.empirical import Integrated
from symhigh.ledger.equivalence import Equivalence
from symhigh.ledger.evidence import Numeric, Symbolic
from symhigh.ledger.load import find_files, loaded
from symhigh.ledger.relation import Relation
from symhigh.ledger.score import Score, write_scores
from symhigh.ledger.twin import MustFail
from tests.guarantees import record

ROOT = Path(__file__).resolve().parents[1] / "derivations"
MOST, EACH = 12, 3
"""How many errors a run plants at most in each line of a claim, and how many of one kind in one expression."""
FLIPPED = {
    sp.StrictGreaterThan: sp.StrictLessThan,
    sp.StrictLessThan: sp.StrictGreaterThan,
    sp.GreaterThan: sp.StrictLessThan,
    sp.LessThan: sp.StrictGreaterThan,
    sp.Ne: sp.Eq,
}


@dataclass(frozen=True)
class Plant:
    """One planted error: where, which, and what became of it."""

    claim: str
    line: str
    error: str
    verdict: Verdict
    detail: str

    @property
    def refuted(self) -> bool:
        return self.verdict is REFUTED


# --- errors in expressions ----------------------------------------------------------------------------------------
def places(expr: sp.Basic, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], sp.Basic, bool]]:
    """Numbers in an expression: where, which, and whether it is an exponent.

    Bounds of integrals, the ends between which a root is looked for, and shapes of matrices are left out.
    """
    entries = isinstance(expr, sp.MatrixBase)
    if isinstance(expr, sp.Rational):
        yield path, expr, False
    for index, part in enumerate(expr.args):
        if not isinstance(part, sp.Basic) or isinstance(part, sp.Tuple) is not entries:
            continue
        if isinstance(expr, Root) and index > 1:
            continue
        if isinstance(expr, sp.Pow) and index == 1 and isinstance(part, sp.Rational):
            yield (*path, index), part, True
        else:
            yield from places(part, (*path, index))


def sums(expr: sp.Basic, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], sp.Add]]:
    """Sums in an expression, each place by itself: one that changes wherever it stands may be another variable."""
    if isinstance(expr, sp.Add):
        yield path, expr
    for index, part in enumerate(expr.args):
        if isinstance(part, sp.Basic):
            yield from sums(part, (*path, index))


def put(expr: sp.Basic, path: tuple[int, ...], value: sp.Basic) -> sp.Basic:
    """The expression with ``value`` at the place."""
    if not path:
        return value
    parts = list(expr.args)
    parts[path[0]] = put(parts[path[0]], path[1:], value)
    return expr.func(*parts)


def wrong(expr: sp.Expr, random: Random, each: int = 1) -> Iterator[tuple[str, sp.Expr]]:
    """Wrong variants, ``each`` of a kind: a number, an exponent, a sign; and a factor where there is no number."""
    found = list(places(expr))
    random.shuffle(found)
    numbers, exponents = ([f for f in found if f[2] is kind] for kind in (False, True))
    for kind, chosen in (("number", numbers), ("exponent", exponents)):
        for path, value, _ in chosen[:each]:
            changed = value + 1 if value in (0, -1) or kind == "exponent" else value * sp.Rational(11, 10)
            if kind == "exponent" and value == -1:
                changed = sp.Integer(-2)
            yield f"{kind} {value} → {changed}", put(expr, path, changed)
    terms = [(path, whole, term) for path, whole in sums(expr) for term in whole.args]
    for path, whole, term in random.sample(terms, min(each, len(terms))):
        yield f"sign of {str(term)[:40]}", put(expr, path, whole - 2 * term)
    if not numbers and not exponents:
        yield "factor 11/10", expr * sp.Rational(11, 10)


def errors(stated: Any, random: Random, each: int = 1) -> Iterator[tuple[str, Any]]:
    """Wrong variants of one displayed statement."""
    match stated:
        case Relation(left=left, right=right, kind=kind) if kind is sp.Eq:
            sides = [s for s in ("right", "left") if isinstance(getattr(stated, s), sp.Expr)]
            if right == 0 and isinstance(left, sp.Limit):
                sides = ["right"]  # what tends to zero does so with other numbers, too
            side = next((s for s in sides if getattr(stated, s) != 0), sides[0] if sides else "")
            for text, changed in wrong(getattr(stated, side), random, each) if side else ():
                yield text, replace(stated, **{side: changed})
        case Relation(kind=kind) if kind in FLIPPED:
            yield "order reversed", replace(stated, kind=FLIPPED[kind])
        case Asymptotic(right=right):
            for text, changed in wrong(right, random, each):
                yield text, replace(stated, right=changed)
        case Bounded(order=order, variable=variable, end=end):
            smaller = order * variable if end == 0 else order / variable
            yield "order", replace(stated, order=smaller)
        case Equivalence(second=second):
            yield "order reversed", replace(stated, second=FLIPPED[second.func](*second.args, evaluate=False))
            moved = sp.Rational(11, 10) * second.rhs + _none(second.rhs)
            yield "boundary", replace(stated, second=second.func(second.lhs, moved, evaluate=False))


def _none(side: sp.Expr) -> sp.Expr:
    return sp.Rational(1, 10) if side == 0 else sp.S.Zero


# --- claims -------------------------------------------------------------------------------------------------------
def plants(claim: Claim, most: int, each: int = 1, seed: int = 0) -> Iterator[Plant]:
    """Errors planted in a claim, and what became of them: ``most`` a line, ``each`` of a kind in an expression."""
    random = Random(f"{seed}/{claim.id}")
    for text, domain in widened(claim.domain):
        yield _beyond(claim, text, domain, seed)
    for place, line in enumerate((*claim.evidence, *claim.checks)):
        trial = claim._trial(place, True, seed)
        where = f"{line.kind} {line.title}".strip()
        if isinstance(line, Integrated):
            planted = _integrated(line, trial, random, most, each)
        elif isinstance(line, MustFail):
            found = line.examine(trial)
            kept = REFUTED if found.verdict is Verdict.VERIFIED else Verdict.FAILED
            planted = iter([("the twin", lambda kept=kept, found=found: (kept, found.detail))])
        else:
            planted = _by_formula(line, trial, random, most, each)
        for error, examine in planted:
            try:
                with time_limit(60.0):
                    verdict, detail = examine()
            except OutOfTime:
                verdict, detail = Verdict.FAILED, "out of time"
            except Exception as raised:
                verdict, detail = Verdict.ERROR, f"{type(raised).__name__}: {raised}"
            yield Plant(claim.id, where, error, verdict, detail)


def widened(domain: Domain) -> Iterator[tuple[str, Domain]]:
    """The domain with one condition moved outwards by a tenth: an end that depends on other symbols."""
    for symbol, where in domain.ranges.items():
        for name, factor in (("inf", sp.Rational(9, 10)), ("sup", sp.Rational(11, 10))):
            end = getattr(where, name, sp.S.Zero)
            if end.free_symbols:
                ends = {"inf": where.inf, "sup": where.sup} | {name: factor * end}
                ranges = {**domain.ranges, symbol: sp.Interval.open(ends["inf"], ends["sup"])}
                yield f"domain {symbol}: {end} → {factor * end}", replace(domain, ranges=ranges)


def _beyond(claim: Claim, text: str, domain: Domain, seed: int) -> Plant:
    """What the lines by formula say on a domain that is too wide: it is refuted where one of them is."""
    found = Verdict.VERIFIED, "every line holds beyond the domain"
    for place, line in enumerate(claim.evidence):
        if isinstance(line, Symbolic | Numeric):
            trial = replace(claim._trial(place, False, seed), domain=domain)
            try:
                finding = line.examine(trial)
            except Exception:  # a line that has no value there says nothing
                continue
            if finding.verdict is REFUTED:
                return Plant(claim.id, f"{line.kind} {line.title}".strip(), text, REFUTED, finding.detail)
    return Plant(claim.id, "all lines", text, *found)


def _by_formula(line: Any, trial: Trial, random: Random, most: int, each: int) -> Iterator[tuple[str, Any]]:
    if isinstance(line, Symbolic):
        stated = line.stated
    elif isinstance(line, Numeric):
        stated = line.stated_on(trial.domain)
    elif isinstance(line, Asymptotic | Equivalence):
        stated = [line]
    else:
        return
    found = [(f"{text} in {one}", changed) for one in stated for text, changed in errors(one, random, each)]
    random.shuffle(found)
    for text, changed in found[:most]:
        settle = line.settle if isinstance(line, Symbolic | Numeric) else None

        def examine(changed: Any = changed, settle: Any = settle) -> tuple[Verdict, str]:
            result = settle([changed], trial) if settle else changed.settle(trial.domain, trial.seed)
            return result.verdict, result.detail

        yield text, examine


def _same(side: Any, formula: sp.Expr) -> bool:
    """Whether a side is the formula; an array is not."""
    return isinstance(side, sp.Expr) and side == formula


def _integrated(line: Integrated, trial: Trial, random: Random, most: int, each: int) -> Iterator[tuple[str, Any]]:
    """Errors in the formulas of the pairs, each wherever the formula stands."""
    pairs = list(line.pairs(trial))
    formulas = list(dict.fromkeys(side for pair in pairs for side in pair[:2] if isinstance(side, sp.Expr)))
    for formula in random.sample(formulas, min(most, len(formulas))):
        for text, changed in list(wrong(formula, random, each))[:each]:
            put_in = [
                [*(changed if _same(side, formula) else side for side in pair[:2]), *pair[2:]]
                for pair in pairs
                if any(_same(side, formula) for side in pair[:2])
            ]

            def examine(put_in: list[Any] = put_in) -> tuple[Verdict, str]:
                result = line.settle(put_in)
                return result.verdict, result.detail

            yield f"{text} in {formula}", examine


def score_of(planted: list[Plant]) -> Score:
    """The score of a claim, with the errors that its evidence missed."""
    missed = tuple(f"{p.line}: {p.error[:200]}" for p in planted if not p.refuted)
    return Score(len(planted), len(planted) - len(missed), missed)


def main(paths: list[str]) -> int:
    """Plant errors in every claim of the files, by default all that ship; print survivors and the share refuted."""
    found: list[Plant] = []
    claims_scores: dict[str, Score] = {}
    for file in [f for p in paths or [str(ROOT)] for f in find_files(p)]:
        begin, count = time.perf_counter(), len(found)
        scores: dict[str, Score] = {}
        with loaded(file) as claims:
            for claim in claims:
                if claim.expect is REFUTED:
                    continue
                planted = list(plants(claim, MOST, EACH))
                scores[claim.id] = score_of(planted)
                for plant in planted:
                    found.append(plant)
                    if not plant.refuted:
                        print(f"SURVIVES {plant.claim} [{plant.line}] {plant.error[:200]}: "
                              f"{plant.verdict.value}, {plant.detail[:200]}", flush=True)  # fmt: skip
        write_scores(file, scores)
        claims_scores |= scores
        here = found[count:]
        print(f"{file.name}: {sum(p.refuted for p in here)} of {len(here)} refuted, "
              f"{time.perf_counter() - begin:.0f} s", flush=True)  # fmt: skip
    share = sum(p.refuted for p in found) / max(1, len(found))
    print(f"{len(found)} errors planted, {share:.1%} refuted")
    if not paths:
        figures = {"errors planted": len(found), "refuted": sum(p.refuted for p in found), "share": f"{share:.1%}"}
        scored = {key: score for key, score in claims_scores.items() if score.planted}
        figures |= {"claims with errors planted in them": len(scored)}
        figures |= {"claims that refuted all of theirs": sum(not score.missed for score in scored.values())}
        left = [p for p in found if not p.refuted]
        survivors = {f"{p.claim}, {p.error[:200]}": f"{p.verdict.value}, {p.detail[:200]}" for p in left}
        none = dict.fromkeys(claims_scores.keys() - scored.keys(), "displays nothing that an error could be planted in")
        record("planted", "python -m tests.plant", figures, survivors | dict(sorted(none.items())))
    return 0 if share >= 0.98 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
