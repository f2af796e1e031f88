"""One row of the ledger as plain text, wrapped: what the command line prints for a claim.

A view of the row; computes nothing.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symhigh.ledger.rows import Row


def row_text(row: Row, width: int = 100, details: bool = False) -> str:
    """One row as text: mark, verdict, name, source and support; see :meth:`Ledger.text`."""
    mark = "✓" if row.as_expected else "✗"
    expected = "" if row.as_expected else f"  (expected: {row.expect.value})"
    name = row.name if row.id == row.name else f"{row.id}: {row.name}"
    taken = f"  (examined {row.examined})" if row.examined else ""
    head = f"{mark} {row.verdict_text:<10} {name}  [{row.source}]{expected}{taken}"
    everything = details or not row.as_expected
    body = [f"“{row.comment}”"] if row.comment and everything else []
    if row.hypotheses:
        body.append(f"for {row.hypotheses}")
    for line in row.lines if everything else row.parts:
        title = f" ({line.title})" if line.title and everything else ""
        role = line.kind if line.part else f"check, {line.kind}"
        path = f" [{line.paths}]" if line.paths and details else ""
        stated = f"{line.stated}: " if line.shown else ""
        body.append(f"{role}{title}: {stated}{line.verdict_text}, {line.detail}{path}")
        if line.counterexample:
            word = "margin" if line.kind == "twin" else "counterexample"
            body.append(f"{word}: " + ", ".join(f"{k} = {v}" for k, v in line.counterexample))
    if details:
        body.append(row.score_text)
    wrapped = [textwrap.fill(b, width, initial_indent=" " * 4, subsequent_indent=" " * 8) for b in body]
    return "\n".join([head, *wrapped])
