"""What a result rests on, as BibTeX: :func:`cite`.

Part of the reports. Every rule, loss, formula and claim states its sources in words where it is defined; these are
collected, and looked up in :mod:`symhigh.report.bibliography`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from symhigh import __version__
from symhigh.checks import shown
from symhigh.closed.formula import Formula
from symhigh.entries import stated_source
from symhigh.ledger.claim import Claim
from symhigh.ledger.rows import Ledger, Row
from symhigh.population import Spectrum
from symhigh.problem import Problem
from symhigh.registry import LOSSES
from symhigh.report.bibliography import Work, works_named
from symhigh.rule import Rule
from symhigh.system import MomentSystem

_THEORY = "High Line"
"""Names the theory by which every limit is derived."""
_NETWORKS = "arXiv 2605.17177"
"""The paper on limits of diagonal networks."""
_HELD = ("system", "problem", "rule", "spectrum", "population", "origin", "curve", "schedule")
"""Where results keep what they are of."""


class Bibliography(tuple[Work, ...]):
    """The works that results rest on; prints as BibTeX."""

    __slots__ = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the entries."""
        return tuple(work.key for work in self)

    def __str__(self) -> str:
        return "\n\n".join(map(str, self))

    __repr__ = __str__


def cite(*results: Any) -> Bibliography:
    """The works that ``results`` rest on: symhigh first, then what is used of the literature; prints as BibTeX.

    A result is a problem, a rule, a spectrum, a system, a curve, runs, a formula, several formulas, a claim, a row or a
    ledger. Sources are those that losses, rules and formulas state; without results, symhigh and the theory of its
    limits are cited. Raises ``TypeError`` for what keeps no trace of where it comes from, such as a comparison: cite
    its curve.
    """
    texts = [_THEORY, *(text for result in results for text in _sources(result))]
    return Bibliography([_symhigh(), *works_named(texts)])


def _symhigh() -> Work:
    title = "symhigh: exact high-dimensional limits of stochastic gradient descent"
    return Work(
        "symhigh",
        "software",
        {"author": "{The symhigh developers}", "title": title, "version": __version__, "year": 2026},
    )


def _sources(result: Any) -> Iterator[str]:
    """The texts in which a result's sources stand."""
    found = list(_stated(result))
    if not found:
        kinds = "a problem, a rule, a system, a curve, runs, formulas, a claim or a ledger"
        raise TypeError(f"cite({shown(result)}): a {type(result).__name__} does not say what it rests on; give {kinds}")
    yield from found


def _stated(result: Any) -> Iterator[str]:
    if isinstance(result, Formula | Claim | Row):
        yield result.source
    elif isinstance(result, Ledger):
        yield from (row.source for row in result.rows)
    elif isinstance(result, Problem):
        yield _loss_source(result)
        if not result.model.linear:
            yield _NETWORKS
    elif isinstance(result, Rule):
        yield stated_source(type(result))
        yield from (s for f in _fields(result) if isinstance(f, Rule) for s in _stated(f))
    elif isinstance(result, Spectrum):
        yield "Marchenko and Pastur (1967)" if result.ratio is not None else _THEORY
    elif isinstance(result, MomentSystem):
        yield from (*_stated(result.problem), *_stated(result.rule))
    elif isinstance(result, Mapping):
        yield from _all(result.values())
    elif isinstance(result, tuple | list):
        yield from _all(result)
    else:
        held = getattr(result, "__dict__", {})
        yield from (s for name in _HELD if name in held for s in _stated(held[name]))


def _all(results: Iterable[Any]) -> Iterator[str]:
    for result in results:
        yield from _stated(result)


def _fields(rule: Rule) -> Iterator[Any]:
    if is_dataclass(rule):
        yield from (getattr(rule, f.name) for f in fields(rule))


@cache
def _by_title() -> dict[str, str]:
    """The sources of the losses that are known by name, by the titles of their problems at default parameters."""
    made = {entry: {p.name: p.default for p in entry.parameters} for entry in LOSSES.values()}
    return {_title(entry.make(**given).name): entry.source for entry, given in made.items()}


def _loss_source(problem: Problem) -> str:
    return _by_title().get(_title(problem.name), "")


def _title(name: str) -> str:
    """A title without its numbers: Hermite students of all degrees have one source."""
    return "".join(c for c in name if not c.isdigit()).strip()
