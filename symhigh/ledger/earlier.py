"""Rows of earlier runs: kept as they are done, and taken again where nothing that they rest on has changed.

Stands between files of claims and the runner. A row rests on its claim's source with all that this uses in its file and
in modules beside it, on symhigh's own source, on versions, compiler and machine, and on the settings of the run. A
claim that reads another file is not kept; what it takes from elsewhere, such as other programs, is not noticed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from symhigh.codegen.folder import cache_folder, sealed, unsealed, write_whole
from symhigh.ledger.rows import Row
from symhigh.ledger.score import Source
from symhigh.ledger.verdict import Verdict
from symhigh.simulation.identity import digest

_SYSTEM = ("/usr", "/lib", "/etc", "/proc", "/sys", "/dev")
_METADATA = (".dist-info", ".egg-info")
_watched: list[_Opened] = []


class Earlier:
    """The rows of one file of claims from earlier runs with the same ``settings``, in the same ``surroundings``."""

    def __init__(self, source: Source, settings: Sequence[Any], surroundings: str) -> None:
        self.source = source
        folder, name = cache_folder(), digest(str(source.file.resolve()).encode(), repr(tuple(settings)).encode())
        self.place = None if folder is None else folder / f"r_{name}.json"
        content = None if self.place is None else unsealed(self.place)
        self.held: dict[str, Any] = {"surroundings": surroundings, "whole": "", "order": [], "rows": {}}
        if content is not None and (held := json.loads(content))["surroundings"] == surroundings:
            self.held = held
        if self.held["whole"] != source.whole:  # which claims there are is known of the same text alone
            self.held |= {"whole": source.whole, "order": []}

    @classmethod
    def of(cls, file: Path, settings: Sequence[Any], surroundings: str) -> Earlier | None:
        """Those of a file; None where it cannot be read as a program, of which its loader tells more."""
        try:
            return cls(Source(file), settings, surroundings)
        except (OSError, SyntaxError, ValueError):
            return None

    def all(self) -> list[Row] | None:
        """All rows of the file, if all of them are known; None where claims have to be looked for."""
        found = [self.take(claim) for claim in self.held["order"]]
        return [row for row in found if row] if found and None not in found else None

    def take(self, claim: str) -> Row | None:
        """The row of a claim, if it is known and rests on the same."""
        entry = self.held["rows"].get(claim)
        if entry is None or entry["source"] != self.source.digest(claim):
            return None
        return Row.from_dict(entry["row"])

    def expect(self, claims: Iterable[str]) -> None:
        """Take down which claims the file has."""
        self.held["order"] = list(claims)
        rows = self.held["rows"]
        self.held["rows"] = {claim: rows[claim] for claim in self.held["order"] if claim in rows}

    def keep(self, claim: str, row: Row) -> None:
        """Keep a row that ended as its author expects: another is looked at again, whatever it hung on."""
        skipped = any(line.verdict is Verdict.SKIPPED for line in row.lines)
        if self.place is None or skipped or not row.as_expected:
            return
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        data = row.to_dict() | {"examined": now}
        self.held["rows"][claim] = {"source": self.source.digest(claim), "row": data}
        write_whole(self.place, sealed(json.dumps(self.held).encode()))


@contextmanager
def reading(earlier: Earlier | None) -> Iterator[set[str]]:
    """The files read meanwhile that belong neither to Python and its packages nor to the claims' source.

    The set is filled at the end. What the process made itself meanwhile is not counted, nor what is read of a package
    besides its code wherever it is installed from: its metadata, and places of ``sys.path`` that are no files.
    """
    outside: set[str] = set()
    with _opened() as opened:
        yield outside
    own = {str(file) for file in (earlier.source.file.resolve(), *earlier.source.helpers)} if earlier else set()
    own |= {cache_from_source(file) for file in own}
    # the system, Python, installed packages, their byte code, and the private folder
    roots = [*_SYSTEM, sys.prefix, sys.base_prefix, str(Path(__file__).parents[1]), str(cache_folder())]
    roots += filter(None, [sys.pycache_prefix])
    known = [os.path.realpath(root) for root in roots]
    own |= {file for folder in sys.path if not os.path.exists(file := os.path.realpath(folder))}
    for name in set(map(os.path.realpath, opened.read)) - own:
        metadata = Path(name).parent.suffix in _METADATA
        if not metadata and not any(Path(name).is_relative_to(root) for root in known):
            outside.add(name)


@dataclass
class _Opened:
    """Files that were read, and files and folders that were made."""

    read: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)

    def hear(self, name: str, made: bool) -> None:
        if self.made.isdisjoint({name, *map(str, Path(name).parents)}):
            (self.made if made and name not in self.read else self.read).add(name)


@contextmanager
def _opened() -> Iterator[_Opened]:
    """What the process opens to read, and makes, meanwhile, in whatever thread."""
    _listen()
    opened = _Opened()
    _watched.append(opened)
    try:
        yield opened
    finally:
        _watched.remove(opened)


@lru_cache(maxsize=1)
def _listen() -> None:
    """Have Python report what is opened; it cannot be asked to stop, so it is asked once."""
    sys.addaudithook(_heard)


def _heard(event: str, given: tuple[Any, ...]) -> None:
    made = event == "tempfile.mkdtemp"
    if _watched and (made or event == "open") and isinstance(given[0], str | bytes):
        _, mode, flags = (given[0], None, 0) if made else given
        made = made or bool(flags & (os.O_EXCL | os.O_TRUNC))
        only_written = flags & os.O_WRONLY if mode is None else not {"r", "+"} & set(mode)
        if made or not only_written:
            for opened in _watched:
                opened.hear(os.path.abspath(os.fsdecode(given[0])), made)
