"""Formulas of the manual as MathML, by the library's own reader: no script, no network; an unknown command warns.

Docstrings are written as plain sentences, so what reStructuredText would take for markup of its own is escaped here.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.util import logging

from symhigh.mathml import mathml

_LOG = logging.getLogger(__name__)


def _math(translator: Any, node: Any) -> None:
    block = isinstance(node, nodes.math_block)
    source = node.astext()
    try:
        found = mathml(_aligned(source) if block else source, block=block)
    except ValueError as error:
        _LOG.warning("%s", error, location=node)
        found = ""
    translator.body.append(f'<div class="math">{found}</div>' if block else found)
    raise nodes.SkipNode


def _aligned(source: str) -> str:
    """Lines that are aligned at their ampersands are one table, as in a paper."""
    plain = re.sub(r"\\begin\{(\w+)\}.*?\\end\{\1\}", "", source, flags=re.DOTALL)
    return rf"\begin{{aligned}}{source}\end{{aligned}}" if r"\\" in plain or "&" in plain else source


def _notes(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Prose after the parameters is a section of its own, which napoleon would take for one more parameter."""
    if "Parameters" not in lines:
        return
    first = lines.index("Parameters") + 2
    for number in range(first, len(lines)):
        begins = lines[number].strip() and not lines[number].startswith(" ") and not lines[number - 1].strip()
        after = lines[number + 1] if number + 1 < len(lines) else ""
        if begins and not after.startswith(" ") and not after.startswith("---"):
            lines[number:number] = ["Notes", "-----"]
            return


def _plain(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Bars, asterisks and trailing underscores outside of code are characters."""
    pieces = re.split(r"(``.*?``|:\w+:`[^`]*`|^\.\. rubric::.*?$)", "\n".join(lines), flags=re.DOTALL | re.MULTILINE)
    pieces[::2] = (re.sub(r"(?<![\w*])([|*])(?=\S)|(?<=\w)(_)(?=\W|$)", r"\\\1\2", p) for p in pieces[::2])
    lines[:] = "".join(pieces).split("\n")


def setup(app: Any) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (_math, None), (_math, None))
    app.connect("autodoc-process-docstring", _notes, priority=100)
    app.connect("autodoc-process-docstring", _plain, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
