"""Verdicts, kinds of proof, and how the verdicts of the parts of a statement combine into that of a claim.

Stands at the bottom of the room: evidence produces findings, a claim combines them, the ledger shows them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symhigh.ledger.maxima import Second
    from symhigh.ledger.shown import Shown


class Verdict(Enum):
    """How a claim, or one line of its evidence, ended."""

    PROVED = "proved"
    """Derived symbolically; :class:`Proof` says in which sense."""
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
    """The evidence raised an error, or has nothing to test."""


class Proof(Enum):
    """In which sense a line is proved."""

    ALGEBRA = "algebra"
    """An identity or inequality between expressions that the file writes down; nothing of the library is in it."""
    DERIVATION = "formal derivation"
    """What the library derives, formally as d → ∞, equals what the file writes down."""
    ASYMPTOTICS = "asymptotics"
    """A limit, an order or an asymptotic equivalence, by SymPy's limits."""
    THEOREM = "cited theorem"
    """The hypotheses of a cited theorem hold; its conclusion is the theorem's."""


_SUPPORT = (Verdict.SKIPPED, Verdict.CONSISTENT, Verdict.VERIFIED, Verdict.PROVED)
"""From weakest to strongest."""
_AGAINST = (Verdict.REFUTED, Verdict.ERROR, Verdict.FAILED)


@dataclass(frozen=True)
class Finding:
    """What one line of evidence found: a verdict, its measure in words, the counterexample if any.

    ``counterexample`` lists names and values: the symbols, then both sides. ``shown`` is what was tested,
    rendered from the objects that were tested; ``assumed`` what the assumptions of its symbols say; ``second`` what a
    second algebra system says of the identities that are proved.
    """

    verdict: Verdict
    detail: str
    counterexample: tuple[tuple[str, str], ...] = ()
    proof: Proof | None = None
    shown: tuple[Shown, ...] = ()
    assumed: tuple[str, ...] = ()
    second: Second | None = None


def combine(parts: Iterable[Verdict], checks: Iterable[Verdict] = ()) -> Verdict:
    """The verdict of a claim: any refutation, error or failure, else the weakest support among its ``parts``.

    ``checks`` are second routes to what the parts state: they can refute, and add nothing. A part that quick
    mode leaves out is passed over where another part was examined.

    Raises ``ValueError`` where there is no part.
    """
    found = list(parts)
    everything = {*found, *checks}
    for verdict in _AGAINST:
        if verdict in everything:
            return verdict
    if not found:
        raise ValueError("combine: no verdict to combine; a claim needs at least one line of evidence")
    return min((v for v in found if v is not Verdict.SKIPPED), key=_SUPPORT.index, default=Verdict.SKIPPED)


def is_unfinished(verdict: Verdict) -> bool:
    """Whether a line with this verdict says nothing about the statement: its author must look at it."""
    return verdict in (Verdict.ERROR, Verdict.FAILED)


def is_against(verdict: Verdict) -> bool:
    """Whether a line with this verdict keeps a claim from being supported."""
    return verdict in _AGAINST


def plain(value: Any) -> Any:
    """An enumeration's value, or ``None``: what goes to JSON."""
    return None if value is None else value.value
