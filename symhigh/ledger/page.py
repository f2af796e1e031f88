"""The ledger as a web page: one self-contained file in sections by source and topic, for screen, dark screen and paper.

A view of the ledger; computes nothing. Style and filter stand beside it in ``page.css`` and ``page.js``; without the
script the page shows everything.
"""

from __future__ import annotations

import ast
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib.metadata import PackageNotFoundError, version
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from symhigh.ledger.glossary import occurring
from symhigh.ledger.page_row import badge, claim
from symhigh.ledger.verdict import Proof, Verdict
from symhigh.mathml import mathml
from symhigh.notation import FieldLatexPrinter

if TYPE_CHECKING:
    from symhigh.ledger.rows import Ledger, Row
    from symhigh.ledger.tally import Tally

_HERE = Path(__file__).parent
_PACKAGES = ("symhigh", "sympy", "mpmath", "numpy", "scipy")
WORDS = {
    f"{Verdict.PROVED.value} ({Proof.ALGEBRA.value})": "an identity or inequality between expressions that the file "
    "writes down. Assumed: SymPy's simplification; each relation has also been tried at random points of its domain.",
    f"{Verdict.PROVED.value} ({Proof.DERIVATION.value})": "what the library derives equals what the file writes down. "
    "Assumed: SymPy's algebra, and d → ∞ taken formally, by expanding one step to order 1/d. That runs concentrate on "
    "the limit is a theorem of the literature, not proved here.",
    f"{Verdict.PROVED.value} ({Proof.ASYMPTOTICS.value})": "a limit, an order or an asymptotic equivalence. Assumed: "
    "SymPy's limits.",
    f"{Verdict.PROVED.value} ({Proof.THEOREM.value})": "the hypotheses of a cited theorem hold. Assumed: the theorem.",
    "lemma": "nothing of the library stands on either side of the line.",
    "circular": "both sides come from the same results of the library, so the line shows nothing.",
    Verdict.VERIFIED.value: "equal to the digits stated, at every point tried.",
    Verdict.CONSISTENT.value: "direct simulation agrees within its error band.",
    Verdict.REFUTED.value: "a counterexample was found, or simulation disagrees. Misprints and planted mistakes are "
    "expected to be refuted, and marked so.",
    Verdict.SKIPPED.value: "not run, as asked for by quick mode.",
    "planted errors": "errors put, one by one, into what the claim displays: a number, an exponent, a sign, an order, "
    "a domain. So many did its own evidence refute in a planted run of the claim as it stands.",
    "check": "a second route to what the parts state, or a planted twin that must fail: it can refute, not add.",
}
"""What the verdicts say and assume."""


@dataclass(frozen=True)
class Topic:
    """The claims of one file, in their order, under the first sentence of its documentation."""

    title: str
    source: str
    file: str
    rows: tuple[Row, ...]


def page(ledger: Ledger) -> str:
    """A complete HTML document, which needs neither a server nor a network."""
    style, script = ((_HERE / f"page.{kind}").read_text("utf-8") for kind in ("css", "js"))
    topics = _topics(ledger.rows)
    sources = list(dict.fromkeys(topic.source for topic in topics))
    rows = [row for topic in topics for row in topic.rows]
    wanted = [*(r.id for r in rows), *(f"topic/{t.file or t.title}" for t in topics), *(f"source/{s}" for s in sources)]
    ids = dict(zip(map(id, [*rows, *topics, *sources]), _distinct(wanted), strict=True))
    sections = "".join(
        f'<section class="source" id="{ids[id(source)]}"><h2>{escape(source)}</h2>'
        + "".join(_topic(topic, ids, ledger) for topic in topics if topic.source is source)
        + "</section>"
        for source in sources
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/><meta name="color-scheme" '
        f'content="light dark"/><title>Ledger of claims</title><style>{style}</style></head>\n<body class="ledger">'
        f'<div class="sheet"><header><h1>Ledger of claims</h1>{_summary(ledger)}{_settings(ledger)}</header>'
        f"{_contents(sources, topics, ids)}<main>{''.join(map(_tally, ledger.tallies))}{_words()}"
        f"{_symbols(ledger)}{_filter(ledger)}{sections}</main></div><script>\n//<![CDATA[\n{script}//]]>\n</script></body></html>\n"
    )


def fragment(ledger: Ledger) -> str:
    """The ledger as an HTML fragment with its own style, for notebooks: a summary, and a table of verdicts."""
    style = (_HERE / "page.css").read_text("utf-8")
    rows = "".join(
        f"<tr><td>{badge(row)}</td><td><details><summary>{escape(row.name)}</summary>"
        f"<code>{escape(row.statement)}</code></details></td><td>{escape(row.source)}</td></tr>"
        for row in ledger.rows
    )
    return (
        f'<div class="ledger"><style>{style}</style>{_summary(ledger)}<div class="rows"><table><thead><tr>'
        "<th>Verdict</th><th>Claim</th><th>Source</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div></div>"
    )


# --- parts ------------------------------------------------------------------------------------------------
def _summary(ledger: Ledger) -> str:
    quality = "good" if ledger.as_expected else "bad"
    tallies = "".join(f'<p class="quiet">{escape(tally.summary)}</p>' for tally in ledger.tallies)
    return f'<p class="sum {quality}">{escape(ledger.summary())}</p>{tallies}'


def _settings(ledger: Ledger) -> str:
    made = [f"{name} {_version(name)}" for name in _PACKAGES]
    mode = "quick: fewer points, smaller simulations" if ledger.quick else "all points and simulations"
    settings = [f"seed {ledger.seed}", mode, f"Python {platform.python_version()}", *made]
    today = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f'<p class="quiet">{today} · {escape(" · ".join(settings))}</p><p class="quiet">The seed and the id of a claim '
        "fix all its random points and simulations. Each claim shows the command that examines it again.</p>"
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        from symhigh import __version__

        return __version__ if name == "symhigh" else "of unknown version"


def _contents(sources: Sequence[str], topics: Sequence[Topic], ids: Mapping[int, str]) -> str:
    blocks = "".join(
        f'<p><a href="#{ids[id(source)]}"><strong>{escape(source)}</strong></a></p><ul>'
        + "".join(
            f'<li><a href="#{ids[id(t)]}">{escape(t.title)}</a> <span class="quiet">{len(t.rows)}</span></li>'
            for t in topics
            if t.source is source
        )
        + "</ul>"
        for source in sources
    )
    return f'<nav aria-label="Contents"><h2>Contents</h2>{blocks}</nav>'


def _filter(ledger: Ledger) -> str:
    boxes = "".join(
        f'<label><input type="checkbox" checked="checked" value="{v.value}"/> {v.value}</label>' for v in ledger.counts
    )
    return (
        '<div class="filter" hidden="hidden"><input type="search" aria-label="Filter claims by words" '
        f'placeholder="Filter: words of title, source, formula, id"/>{boxes}<output class="quiet"></output></div>'
    )


def _topic(topic: Topic, ids: Mapping[int, str], ledger: Ledger) -> str:
    rows = "".join(claim(row, ids[id(row)], ledger) for row in topic.rows)
    file = f'<p class="quiet">{escape(topic.file)}</p>' if topic.file else ""
    return f'<section class="topic" id="{ids[id(topic)]}"><h3>{escape(topic.title)}</h3>{file}{rows}</section>'


def _tally(tally: Tally) -> str:
    """The denominators of a source: a line of counts, and every number with its claims or its reason."""
    quality = "good" if tally.complete else "bad"
    entries = "".join(
        f"<tr><td>{escape(e.name)}</td><td>{escape(e.verdict.value)}</td>"
        f"<td>{escape(', '.join(e.claims) or e.reason)}</td></tr>"
        for e in (*tally.numbers, *tally.results)
    )
    return (
        f'<section><h2>Denominators</h2><p class="{quality}">{escape(tally.summary)}</p><details><summary>Number by '
        "number</summary><table><thead><tr><th>Number</th><th>Verdict</th><th>Claims, or why there is none</th></tr>"
        f"</thead><tbody>{entries}</tbody></table></details></section>"
    )


def _words() -> str:
    rows = "".join(f"<tr><th>{escape(word)}</th><td>{escape(meaning)}</td></tr>" for word, meaning in WORDS.items())
    return (
        "<section><h2>What the verdicts say</h2><p>A claim is hypotheses and parts, and takes the weakest verdict of "
        "its parts. What is shown as its statement is rendered from the expressions that were tested. Titles, and "
        f"comments in quotation marks, are words.</p><table><tbody>{rows}</tbody></table></section>"
    )


def _symbols(ledger: Ledger) -> str:
    printer = FieldLatexPrinter()
    known = occurring(" ".join(f"{row.hypotheses} {s.text}" for row in ledger.rows for p in row.parts for s in p.shown))
    rows = "".join(
        f"<tr><td>{mathml(printer.name(name))}</td><td><code>{escape(name)}</code></td>"
        f"<td>{_marked(meaning)}</td></tr>"
        for name, meaning in known.items()
    )
    return (
        "<section><h2>Symbols</h2><details><summary>Symbols of the library that occur; others are explained by their "
        f"claim</summary><table><tbody>{rows}</tbody></table></details></section>"
        if rows
        else ""
    )


def _marked(text: str) -> str:
    """Code between double backquotes, as docstrings mark it."""
    return re.sub(r"``(.*?)``", r"<code>\1</code>", escape(re.sub(r":\w+:`(\w+)`", r"``\1``", text)))


# --- order ------------------------------------------------------------------------------------------------
def _topics(rows: Iterable[Row]) -> list[Topic]:
    """Rows by file, the files by source, all in their order."""
    files: dict[str, list[Row]] = {}
    for row in rows:
        files.setdefault(row.file, []).append(row)
    found: dict[str, list[Topic]] = {}
    for file, held in files.items():
        title, source = _titles(file)
        source = next((known for known in found if known == source), source)
        shown = "/".join(Path(file).parts[-2:]) if file else ""
        found.setdefault(source, []).append(Topic(title, source, shown, tuple(held)))
    return [topic for topics in found.values() for topic in topics]


def _titles(file: str) -> tuple[str, str]:
    """A file's title, its first sentence, and its source's, the heading of the folder's README; else their names."""
    if not file:
        return "Claims of this session", "Claims"
    path = Path(file)
    title, source = path.stem.replace("_", " "), path.parent.name.replace("_", " ") or "Claims"
    try:
        first = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n\n")[0]
        title = re.split(r"(?<=[a-z)\d])[.:](?=\s|$)", re.sub(r"\s+", " ", first).replace("``", ""))[0] or title
    except (OSError, SyntaxError, ValueError):
        pass  # a file that cannot be read has its error row under its name
    try:
        heading = re.match(r"#\s+(.+)", (path.parent / "README.md").read_text("utf-8"))
        source = heading[1].replace("*", "") if heading else source
    except (OSError, UnicodeDecodeError):
        pass  # the folder has no such file
    return title, source


def _distinct(wanted: Iterable[str]) -> list[str]:
    """Each text as an id of the page: what may stand in an address as it is, and a number where it occurs again."""
    found: dict[str, None] = {}
    for text in wanted:
        slug = re.sub(r"[^\w./-]+", "-", text.removesuffix(".py")).strip("-") or "claim"
        tries = (f"{slug}-{number}" if number else slug for number in count())
        found[next(t for t in tries if t not in found)] = None
    return list(found)
