"""The record of a verification, and its replay: what was run where, on which sources, and what came out.

Stands after the ledger. A record is strict JSON: versions, machine, settings, hashes of symhigh and of every file of
claims, and of every line of evidence its verdict and its words, which hold its numbers. Settings fix the seeds.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symhigh.checks import shown
from symhigh.disk import keep
from symhigh.ledger.rows import Ledger, Row
from symhigh.ledger.runner import SHIPPED, Progress, verify
from symhigh.ledger.select import split
from symhigh.ledger.surroundings import machine, versions
from symhigh.simulation.identity import library_hash

FORM = 1
"""The version of the form; a later one is refused."""
_SHIPPED = "shipped:"
"""How the name of a file begins that symhigh ships, wherever it is installed."""


@dataclass(frozen=True)
class Replay:
    """How a run compares with its record.

    ``differences`` are claims, verdicts and numbers that are not the recorded ones; ``surroundings`` what is not the
    same around them: versions, the machine, symhigh's own source.
    """

    ledger: Ledger
    differences: tuple[str, ...]
    surroundings: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether every claim came out as recorded, to the last digit that its evidence tells."""
        return not self.differences

    def __str__(self) -> str:
        count = len(self.ledger.rows)
        many = len(self.differences)
        ending = f"{count} claims replayed: " + (f"{many} difference{'s' * (many > 1)}" if many else "all the same")
        around = [f"not as recorded: {text}" for text in self.surroundings]
        return "\n".join([*around, *(f"different: {text}" for text in self.differences), ending])


def write_record(
    file: Path, ledger: Ledger, paths: Sequence[str] = (), words: Sequence[str] = (), second: bool = False
) -> None:
    """Write the record of a complete run of ``verify`` on ``paths``; the file is whole, or as it was."""
    if not ledger.complete:
        raise ValueError(f"verify(--record {str(file)!r}): the run was interrupted, so there is nothing to be replayed")
    home = file.resolve().parent
    data = {
        "symhigh_record": FORM,
        "versions": versions(),
        "machine": machine(),
        "symhigh_source": library_hash(),
        "settings": {"quick": ledger.quick, "seed": ledger.seed, "second": second, "words": list(words)},
        "paths": [_named(path, home) for path in paths],
        "as_expected": ledger.as_expected,
        "rows": [_row(row, home) for row in ledger.rows],
    }
    keep("record", file, json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def replay(file: Path, jobs: int | None = None, progress: Progress | None = None) -> Replay:
    """Run what a record says again, with its settings, and compare; ``ValueError`` for what is no record.

    Files of claims are looked for beside the record, as they lay when it was written, and are run as programs.
    """
    data = _read(file)
    home, how = file.resolve().parent, data["settings"]
    paths = [_place(name, home) for name in data["paths"]]
    ledger = verify(paths or None, how["quick"], how["seed"], jobs, progress, None, how["words"], how["second"])
    if not ledger.complete:
        raise ValueError(f"replay({str(file)!r}): interrupted after {len(ledger.rows)} claims; nothing is compared")
    now = [_row(row, home) for row in ledger.rows]
    around = [
        *_changes("", data["versions"], versions()),
        *_changes("", data["machine"], machine()),
        *_changes("", {"symhigh's source": data["symhigh_source"]}, {"symhigh's source": library_hash()}),
    ]
    return Replay(ledger, tuple(_differences(data["rows"], now)), tuple(around))


def _named(path: str, home: Path) -> str:
    """The name of a file or folder, and of a claim after ``::``, that holds elsewhere too."""
    place, claim = split(path)
    full = Path(place).resolve()
    shipped = SHIPPED.resolve()
    inside = full.is_relative_to(shipped)
    name = _SHIPPED + full.relative_to(shipped).as_posix() if inside else Path(os.path.relpath(full, home)).as_posix()
    return f"{name}::{claim}" if claim else name


def _place(name: str, home: Path) -> str:
    if name.startswith(_SHIPPED):
        return str(SHIPPED / name.removeprefix(_SHIPPED))
    return os.path.normpath(home / name)


def _row(row: Row, home: Path) -> dict[str, Any]:
    source = Path(row.file) if row.file else None
    kept = ("kind", "title", "verdict", "detail")
    return {
        "id": row.id,
        "file": _named(row.file, home) if row.file else "",
        "source": hashlib.sha256(source.read_bytes()).hexdigest() if source and source.is_file() else "",
        "statement": row.statement,
        "verdict": row.verdict.value,
        "expect": row.expect.value,
        "lines": [{key: line[key] for key in kept} for line in row.to_dict()["lines"]],
    }


def _read(file: Path) -> dict[str, Any]:
    owner = f"replay({str(file)!r})"
    try:
        data = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"{owner}: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{owner}: no record of symhigh, {shown(str(error))}") from error
    form = data.get("symhigh_record") if isinstance(data, dict) else None
    if not isinstance(form, int) or form > FORM:
        told = "no record of symhigh" if form is None else f"a record of form {shown(form)}, later than {FORM}"
        raise ValueError(f"{owner}: {told}; write one with verify --record FILE")
    wanted = {"versions": dict, "machine": dict, "symhigh_source": str, "settings": dict, "paths": list, "rows": list}
    wrong = [key for key, kind in wanted.items() if not isinstance(data.get(key), kind)]
    kinds = {"quick": bool, "seed": int, "second": bool, "words": list}
    wrong += [key for key, kind in kinds.items() if not wrong and not isinstance(data["settings"].get(key), kind)]
    if not wrong and not all(map(_is_row, data["rows"])):
        wrong = ["rows"]
    if not wrong and not all(isinstance(path, str) for path in data["paths"]):
        wrong = ["paths"]
    if wrong:
        raise ValueError(f"{owner}: the record is damaged, {wrong[0]} is missing or of another kind")
    return data


def _is_row(row: Any) -> bool:
    """Whether it has what is compared, of the kinds that rows have."""
    kinds = {"id": str, "file": str, "lines": list}
    if not (isinstance(row, dict) and all(isinstance(row.get(key), kind) for key, kind in kinds.items())):
        return False
    return all(isinstance(line, dict) for line in row["lines"])


def _changes(where: str, there: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[str]:
    for key in dict.fromkeys([*there, *here]):
        if there.get(key) != here.get(key):
            was, now = (value if isinstance(value, str) else shown(value) for value in (there.get(key), here.get(key)))
            yield f"{where}{key} was {was}, is {now}"


def _differences(there: Sequence[Mapping[str, Any]], here: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    before, now = ({(row["file"], row["id"]): row for row in rows} for rows in (there, here))
    for key in dict.fromkeys([*before, *now]):
        where = "::".join(part for part in key if part)
        if key not in now:
            yield f"{where}: not there any more"
        elif key not in before:
            yield f"{where}: not in the record"
        else:
            plain = ({k: v for k, v in rows[key].items() if k != "lines"} for rows in (before, now))
            yield from _changes(f"{where}: ", *plain)
            lines, again = before[key]["lines"], now[key]["lines"]
            if len(lines) != len(again):
                yield f"{where}: {len(lines)} lines of evidence were recorded, {len(again)} are there"
            for number, (one, other) in enumerate(zip(lines, again, strict=False), 1):
                yield from _changes(f"{where}, line {number}: ", one, other)
