"""The ledger as a web page: self-contained, readable in light and dark, formulas in MathML.

A view of the ledger; computes nothing.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symhigh.ledger.rows import Ledger, Line, Row
    from symhigh.ledger.tally import Tally

_STYLE = """
.ledger{color-scheme:light dark;font:15px/1.45 system-ui,sans-serif;color:CanvasText;max-width:72rem}
.ledger table{border-collapse:collapse;width:100%}
.ledger th,.ledger td{text-align:left;vertical-align:top;padding:.45rem .6rem;border-bottom:1px solid #8886}
.ledger math{font-size:1.08em}
.ledger .verdict{white-space:nowrap;font-weight:600}
.ledger .good{color:light-dark(#176b2c,#6fd08c)}
.ledger .bad{color:light-dark(#a4171f,#ff8a8a)}
.ledger .quiet{opacity:.75;font-size:.92em}
.ledger details>summary{cursor:pointer}
.ledger ul{margin:.3rem 0;padding-left:1.2rem}
.ledger code{font-size:.93em}
"""
_ATTRIBUTE = (
    r"\s(?:mathvariant|linethickness|open|close|separators|fence|stretchy|accent|displaystyle)"
    r"=\"[\w.,()\[\]{}| ]*\""
)
_TAGS = "m(?:row|i|n|o|text|frac|sqrt|root|style|sub|sup|subsup|under|over|underover|fenced|table|tr|td|space|enclose)"
_NO_TAG = re.compile(rf"<(?!(?:{_TAGS}(?:{_ATTRIBUTE})*\s?/?|/{_TAGS})>)")
"""An opening bracket that does not begin one of the tags that SymPy writes."""


def page(ledger: Ledger) -> str:
    """A complete HTML document."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<title>Ledger of claims</title>"
        "<style>body{margin:1.5rem auto;padding:0 1rem;max-width:74rem;color-scheme:light dark}</style>"
        "</head>"
        f"<body>{fragment(ledger)}</body></html>\n"
    )


def fragment(ledger: Ledger) -> str:
    """The ledger as an HTML fragment with its own style, for notebooks."""
    quality = "good" if ledger.as_expected else "bad"
    settings = f"seed {ledger.seed}" + (", quick" if ledger.quick else "")
    rows = "".join(_row(row) for row in ledger.rows)
    return (
        f'<div class="ledger"><style>{_STYLE}</style><h1>Ledger of claims</h1>'
        f'<p class="{quality}">{escape(ledger.summary())}</p><p class="quiet">{settings}</p>'
        "<table><thead><tr><th>Verdict</th><th>Claim</th><th>Statement, part by part, as tested</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>{''.join(map(_tally, ledger.tallies))}</div>"
    )


def _tally(tally: Tally) -> str:
    """The denominators of a source: a line of counts, and every number with its claims or its reason."""
    quality = "good" if tally.complete else "bad"
    entries = "".join(
        f"<tr><td>{escape(e.name)}</td><td>{escape(e.verdict.value)}</td>"
        f"<td>{escape(', '.join(e.claims) or e.reason)}</td></tr>"
        for e in (*tally.numbers, *tally.results)
    )
    return (
        f'<h2>Denominators</h2><p class="{quality}">{escape(tally.summary)}</p><details><summary>Number by number'
        "</summary><table><thead><tr><th>Number</th><th>Verdict</th><th>Claims, or why there is none</th></tr>"
        f"</thead><tbody>{entries}</tbody></table></details>"
    )


def _row(row: Row) -> str:
    quality, mark = ("good", "✓") if row.as_expected else ("bad", "✗")
    expected = "" if row.as_expected else f'<br/><span class="quiet">expected: {row.expect.value}</span>'
    source = " · ".join(p for p in (row.source, row.id if row.id != row.name else "") if p)
    given = f'<div class="quiet">for {escape(row.hypotheses)}</div>' if row.hypotheses else ""
    comment = f'<div class="quiet">“{escape(row.comment)}”</div>' if row.comment else ""
    return (
        f'<tr><td class="verdict {quality}">{mark} {escape(row.verdict_text)}{expected}</td>'
        f'<td><strong>{escape(row.name)}</strong><div class="quiet">{escape(source)}</div>{comment}{given}</td>'
        f"<td><ul>{''.join(_line(line) for line in row.lines)}</ul></td></tr>"
    )


def _only_mathml(text: str) -> str:
    """Presentation MathML with everything else shown as text: the names of symbols arrive unescaped."""
    return _NO_TAG.sub("&lt;", text)


def _line(line: Line) -> str:
    role = line.kind if line.part else f"check, {line.kind}"
    title = f" <em>{escape(line.title)}</em>" if line.title else ""
    stated = "".join(
        f"<div><math>{_only_mathml(s.mathml)}</math></div>" if s.mathml else f"<div><code>{escape(s.text)}</code></div>"
        for s in dict.fromkeys(line.shown)
    )
    values = "".join(f"<li><code>{escape(k)} = {escape(v)}</code></li>" for k, v in line.counterexample)
    word = "Margin" if line.kind == "twin" else "Counterexample"
    example = f"<div>{word}:<ul>{values}</ul></div>" if values else ""
    return (
        f"<li>{escape(role)}{title}: <strong>{escape(line.verdict_text)}</strong>, {escape(line.detail)} "
        f'<span class="quiet">({line.seconds:.2f} s)</span>{stated}{example}</li>'
    )
