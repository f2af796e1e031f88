"""One file of claims, row by row: from an earlier run where that is asked for and may be, else examined.

Stands between claims and the runner, whose processes call it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import mpmath
from sympy.external.gmpy import GROUND_TYPES

from symhigh.codegen.compiler import compiler
from symhigh.codegen.target import chosen
from symhigh.ledger.claim import Claim, explain
from symhigh.ledger.earlier import Earlier, reading
from symhigh.ledger.load import loaded
from symhigh.ledger.maxima import program
from symhigh.ledger.rows import Line, Row
from symhigh.ledger.score import scores
from symhigh.ledger.select import Selection
from symhigh.ledger.surroundings import installed, machine, settings
from symhigh.ledger.verdict import Verdict
from symhigh.simulation.identity import library_hash

Done = tuple[float, Row]
"""A row, and the share of its file that is then done."""


@dataclass(frozen=True)
class How:
    """How claims are examined: the settings of a run, and whether rows of earlier runs are taken."""

    quick: bool = False
    seed: int = 0
    second: bool = False
    resume: bool = False

    @property
    def settings(self) -> tuple[bool, int, bool]:
        """As :meth:`Claim.examine` takes them."""
        return self.quick, self.seed, self.second


@lru_cache(maxsize=8)
def _surroundings(target: str, second: str) -> str:
    """What rows rest on beside their source and their settings."""
    numbers = GROUND_TYPES, mpmath.libmp.BACKEND
    return repr((target, compiler(), second, library_hash(), *numbers, *machine().values(), *installed(), *settings()))


def examine_file(file: Path, how: How, selection: Selection) -> Iterator[Done]:
    """The rows of one file, as they are done; an error row where the file itself fails."""
    try:
        second = str(program()) if how.second else ""
        earlier = Earlier.of(file, how.settings, _surroundings(chosen().name, second))
        scored = scores(file, earlier.source if earlier else None)
        if how.resume and earlier and (known := earlier.all()) is not None:
            rows = selection.of(known, file)
            for number, row in enumerate(rows, 1):
                yield number / len(rows), row.located(str(file), scored.get(row.id))
            return
        with ExitStack() as stack:
            with reading(earlier) as at_load:
                found = stack.enter_context(loaded(file))
            if earlier:
                earlier.expect(claim.id for claim in found)
            claims = selection.of(found, file)
            for number, claim in enumerate(claims, 1):
                taken = earlier.take(claim.id) if earlier and how.resume else None
                row = taken or _examined(claim, how, earlier, at_load)
                yield number / len(claims), row.located(str(file), scored.get(claim.id))
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # SystemExit, too, would leave the file unread
        yield 1.0, broken(file, explain(error))


def _examined(claim: Claim, how: How, earlier: Earlier | None, at_load: set[str]) -> Row:
    """The row of a claim, kept for later runs where nothing was read that these could not notice."""
    with reading(earlier) as meanwhile, redirect_stdout(sys.stderr):  # standard output is for the ledger
        row = claim.examine(*how.settings)
    if earlier and not at_load | meanwhile:
        earlier.keep(claim.id, row)
    return row


def broken(file: Path, message: str) -> Row:
    """The row of a file that could not be read to its end."""
    line = Line("file", str(file), Verdict.ERROR, message)
    return Row(
        name=file.name,
        id=file.name,
        comment="The file could not be read to its end.",
        source="",
        domain="",
        expect=Verdict.PROVED,
        verdict=Verdict.ERROR,
        lines=(line,),
        seconds=0.0,
        file=str(file),
    )
