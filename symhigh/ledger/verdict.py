"""Verdicts, and how the verdicts of several lines of evidence combine into the verdict of a claim.

Stands at the bottom of the verification room: evidence produces findings, a claim combines them, the ledger
shows them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """How a claim, or one line of its evidence, ended."""

    PROVED = "proved"
    """Derived symbolically: the residual is zero under the symbols' assumptions."""
    VERIFIED = "verified"
    """Equal to the digits stated, at every point tried."""
    CONSISTENT = "consistent"
    """Direct simulation agrees within its error band."""
    REFUTED = "refuted"
    """A counterexample was found, or simulation disagrees."""
    SKIPPED = "skipped"
    """Not run, as asked for by quick mode."""
    FAILED = "failed"
    """Did not come to an end: out of time, or neither proved nor refuted."""
    ERROR = "error"
    """The evidence raised an error."""


_SUPPORT = (Verdict.PROVED, Verdict.VERIFIED, Verdict.CONSISTENT, Verdict.SKIPPED)
_AGAINST = (Verdict.REFUTED, Verdict.ERROR, Verdict.FAILED)


@dataclass(frozen=True)
class Finding:
    """What one line of evidence found: a verdict, its measure in words, the counterexample if any.

    ``counterexample`` lists names and values: the symbols, then both sides.
    """

    verdict: Verdict
    detail: str
    counterexample: tuple[tuple[str, str], ...] = ()


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a claim: refuted by any refutation, else any error or failure, else the best support.

    Raises ``ValueError`` where there is no verdict to combine.
    """
    found = set(verdicts)
    for verdict in (*_AGAINST, *_SUPPORT):
        if verdict in found:
            return verdict
    raise ValueError("combine: no verdict to combine; a claim needs at least one line of evidence")


def is_unfinished(verdict: Verdict) -> bool:
    """Whether a line with this verdict says nothing about the statement: its author must look at it."""
    return verdict in (Verdict.ERROR, Verdict.FAILED)
