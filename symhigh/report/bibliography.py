"""The works that results rest on, recognised in the sources that rules, losses, formulas and claims state.

Part of the reports. The works stand in ``works.toml``; a work is recognised by its arXiv number or by its marks.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_EPRINT = re.compile(r"\b\d{4}\.\d{4,5}\b")


@dataclass(frozen=True)
class Work:
    """One work: its key, its kind in BibTeX, its fields, and what a source text names it by."""

    key: str
    kind: str
    fields: dict[str, Any] = field(hash=False)
    marks: tuple[str, ...] = ()

    @property
    def eprint(self) -> str:
        """The arXiv number, where it has one."""
        return str(self.fields.get("eprint", ""))

    def named_in(self, text: str) -> bool:
        """Whether a source text names this work."""
        return any(mark in text for mark in (*self.marks, *([self.eprint] if self.eprint else [])))

    def __str__(self) -> str:
        """The entry in BibTeX; titles keep their capitals."""
        fields = self.fields | ({"archiveprefix": "arXiv"} if self.eprint else {})
        lines = [f"  {name} = {{{{{v}}}}}" if name == "title" else f"  {name} = {{{v}}}" for name, v in fields.items()]
        return f"@{self.kind}{{{self.key},\n" + ",\n".join(lines) + "\n}"


def _read() -> tuple[Work, ...]:
    data = tomllib.loads(Path(__file__).with_name("works.toml").read_text("utf-8"))
    return tuple(Work(key, entry.pop("type"), entry, tuple(entry.pop("marks", ()))) for key, entry in data.items())


WORKS = _read()


def works_named(texts: Iterable[str]) -> list[Work]:
    """The works that the texts name, in the order of the table; an arXiv number that it lacks makes an entry."""
    joined = "\n".join(re.sub(r"\s+", " ", text) for text in texts)
    known = {work.eprint for work in WORKS}
    others = [e for e in dict.fromkeys(_EPRINT.findall(joined)) if e not in known]
    bare = [Work(f"arxiv-{e}", "misc", {"eprint": e, "note": f"arXiv {e}"}) for e in others]
    return [work for work in WORKS if work.named_in(joined)] + bare
