"""One claim of a ledger as HTML: verdict, hypotheses, what was tested as formulas, and the evidence line by line.

Part of the ledger's page; computes nothing. Formulas are MathML made of the LaTeX that each line shows, and stand in
readable text beside the evidence; whatever comes from a file of claims is escaped.
"""

from __future__ import annotations

import re
import shlex
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from symhigh.ledger.verdict import Verdict
from symhigh.mathml import GREEK, mathml

_WIDE = 80
"""Characters of a formula that fit a narrow screen."""

if TYPE_CHECKING:
    from symhigh.ledger.rows import Ledger, Line, Row
    from symhigh.ledger.shown import Shown


def claim(row: Row, anchor: str, ledger: Ledger) -> str:
    """An ``<article>`` with the permanent id of the claim."""
    source = " · ".join(p for p in (row.source, row.id if row.id != row.name else "") if p)
    comment = f'<p class="quiet">“{escape(row.comment)}”</p>' if row.comment else ""
    given = f'<p class="quiet">for {escape(_greek(row.hypotheses))}</p>' if row.hypotheses else ""
    stated = "".join(map(_formula, dict.fromkeys(s for line in row.parts for s in line.shown)))
    evidence = "".join(map(_line, row.lines))
    score = f'<p class="quiet">{escape(row.score_text)}</p>'
    opened = "" if row.as_expected else ' open="open"'
    again = f'<p class="quiet">Again: <code>{escape(command(row, ledger))}</code></p>' if row.file else ""
    return (
        f'<article class="claim" id="{escape(anchor)}" data-verdict="{row.verdict.value}"><h4>{badge(row)}'
        f'<span>{escape(row.name)}</span><a href="#{escape(anchor)}" aria-label="link to this claim">#</a></h4>'
        f'<p class="quiet">{escape(source)}</p>{comment}{given}{stated}'
        f"<details{opened}><summary>Evidence: {_count(row)}{_score(row)}, {row.seconds:.1f} s{_taken(row)}</summary>"
        f'<ul class="lines">{evidence}</ul>{score}{again}</details></article>'
    )


def badge(row: Row) -> str:
    """The verdict in words and colour, and whether it is the one that the author expects."""
    if row.as_expected and row.expect is Verdict.REFUTED:
        return '<span class="verdict note">✓ refuted, as expected</span>'
    if row.as_expected:
        return f'<span class="verdict good">✓ {escape(row.verdict_text)}</span>'
    return f'<span class="verdict bad">✗ {escape(row.verdict_text)}, expected: {row.expect.value}</span>'


def command(row: Row, ledger: Ledger) -> str:
    """The command line that examines the claim again, with the same points and simulations."""
    quick = " --quick" if ledger.quick else ""
    return f"symhigh verify {shlex.quote(f'{_short(row.file)}::{row.id}')}{quick} --seed {ledger.seed}"


def _short(file: str) -> str:
    """A path from the current folder where it lies below that, else as it is."""
    path = Path(file).resolve()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file


def _greek(text: str) -> str:
    """Names of Greek letters as letters: ``0 < omega`` as ``0 < ω``."""
    return re.sub(r"[^\W\d_]+", lambda word: GREEK.get(word[0], word[0]), text)


def _taken(row: Row) -> str:
    """When an earlier run examined the row, where it was taken from there."""
    return f", examined {row.examined}" if row.examined else ""


def _count(row: Row) -> str:
    parts, checks = len(row.parts), len(row.checks)
    return f"{parts} part{'s' * (parts != 1)}" + (f", {checks} check{'s' * (checks != 1)}" if checks else "")


def _score(row: Row) -> str:
    found = row.score
    return f"; planted errors: {found.refuted} of {found.planted}" if found and found.planted else ""


def _formula(shown: Shown) -> str:
    """The formula where it can be set, else its text."""
    try:
        inside = mathml(shown.latex, block=True, spoken=shown.text) if shown.latex else ""
    except ValueError:
        inside = ""
    reached = ' tabindex="0"' if len(shown.text) > _WIDE else ""  # what may be scrolled must be reached by keys
    return f'<div class="formula"{reached}>{inside or f"<code>{escape(shown.text)}</code>"}</div>'


def _line(line: Line) -> str:
    role = line.kind if line.part else f"check, {line.kind}"
    title = f" <em>{escape(line.title)}</em>" if line.title else ""
    stated = "".join(f"<div><code>{escape(s.text)}</code></div>" for s in dict.fromkeys(line.shown))
    paths = f' <span class="quiet">[{escape(line.paths)}]</span>' if line.paths else ""
    values = "".join(f"<li><code>{escape(k)} = {escape(v)}</code></li>" for k, v in line.counterexample)
    word = "Margin" if line.kind == "twin" else "Counterexample"
    example = f"<div>{word}:<ul>{values}</ul></div>" if values else ""
    return (
        f"<li>{escape(role)}{title}: <strong>{escape(line.verdict_text)}</strong>, {escape(line.detail)}{paths} "
        f'<span class="quiet">({line.seconds:.2f} s)</span>{stated}{example}</li>'
    )
