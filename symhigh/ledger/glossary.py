"""What the symbols of the library mean: read off :mod:`symhigh.symbols`, where each is defined and described.

Stands beside the ledger's page, and serves the manual. Only the source is read; nothing is evaluated.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from itertools import pairwise
from pathlib import Path

from symhigh import symbols
from symhigh.symbols import OwnedSymbol


@cache
def meanings() -> dict[str, str]:
    """The described symbols, printed name to meaning, in the order of their definition."""
    body = ast.parse(Path(symbols.__file__).read_text("utf-8")).body
    found = {}
    for statement, after in pairwise(body):
        if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
            continue
        value = getattr(symbols, statement.targets[0].id)
        if isinstance(value, OwnedSymbol) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[value.name] = re.sub(r"\s+", " ", str(after.value.value))
    return found


def occurring(text: str) -> dict[str, str]:
    """The meanings of the symbols whose names stand in ``text`` as words of their own."""
    words = set(re.findall(r"[A-Za-z_][A-Za-z_0-9]*", text))
    return {name: meaning for name, meaning in meanings().items() if name in words}
