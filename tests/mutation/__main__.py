"""A mutation run: ``python -m tests.mutation --count 160 --seed 0``; exit status 1 below 85 % killed.

    python -m tests.mutation --map FOLDER         which test runs which line (needs coverage; once, minutes)
    python -m tests.mutation --map FOLDER --count 160 --seed 0 --out FOLDER
    python -m tests.mutation --map FOLDER --named           the errors listed in named.toml
    python -m tests.mutation --map FOLDER --only 0123456789 abcdef0123
    python -m tests.mutation --map FOLDER --count 160 --seed 0 --out FOLDER --record      for the page of guarantees

What is done is kept after every mutant, and not done again for the same ``--out``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.guarantees import record
from tests.mutation.cover import Coverage, digest, measure
from tests.mutation.mutants import Mutant
from tests.mutation.pick import all_mutants, sample
from tests.mutation.report import COLUMNS, short, table, verdict
from tests.mutation.run import Map, load_before, mirrored, workshop

ROOT, HERE = Path(__file__).resolve().parents[2], Path(__file__).parent
ROOMLESS = {"test_packaging.py", "test_readme.py"}
"""Tests of the whole, which mirror no room."""
LOADED_BEFORE = ("scipy.integrate", "scipy.stats", "numba", "matplotlib.pyplot", "rich")
USUAL = str(ROOT / "tests" / "test_registry.py")
"""A quick test file that imports what most do."""


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("--map", type=Path, required=True, help="folder of the map from lines to tests")
    parser.add_argument("--count", type=int, default=0, help="how many mutants to draw")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder of results.json and table.txt")
    parser.add_argument("--only", nargs="+", default=[], help="these mutants, by id")
    parser.add_argument("--rooms", nargs="+", default=[], help="only those drawn that lie in these rooms")
    parser.add_argument("--named", action="store_true", help="the mutants of named.toml")
    parser.add_argument("--list", action="store_true", help="show the mutants drawn, and run nothing")
    parser.add_argument("--budget", type=float, default=300.0, help="most seconds of tests for one mutant, as measured")
    parser.add_argument("--record", action="store_true", help="keep the counts for the page of guarantees")
    parser.add_argument("--cache", type=Path, help="a warm cache of generated code, which is only read")
    return parser.parse_args()


def complete_map(folder: Path, rooms: Sequence[str]) -> None:
    """Measure the test files of the rooms, by default of all, that the map lacks or that have changed since.

    Each is measured in a process of its own.
    """
    for file in sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "tests").rglob("test_*.py")):
        target = folder / f"{file.replace('/', '.')}.json"
        if Path(file).name in ROOMLESS or "/mutation/" in file or "/fuzz/" in file:
            continue
        if target.exists() and Coverage.load(target).digests.get(file) == digest(ROOT / file):
            continue
        if rooms and not any(mirrored(room, file) for room in rooms):
            continue
        child = os.fork()
        if child == 0:
            try:
                measure(ROOT, file, target)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        print(f"{file}: {'measured' if target.exists() else 'no map'}", flush=True)


def named(found: Sequence[Mutant]) -> list[Mutant]:
    """The mutants of ``named.toml``; each must be found once or more, all are taken."""
    chosen = []
    for entry in tomllib.loads((HERE / "named.toml").read_text("utf-8"))["named"]:
        some = [m for m in found if all(getattr(m, key) == value for key, value in entry.items())]
        if not some:
            raise SystemExit(f"named.toml: no mutant is {entry}")
        chosen += some
    return chosen


def chosen_mutants(given: argparse.Namespace) -> list[Mutant]:
    found = all_mutants(ROOT)
    if given.named:
        return named(found)
    if given.only:
        return [m for m in found if m.id in given.only]
    return [m for m in sample(found, given.count, given.seed) if not given.rooms or m.room in given.rooms]


def keep(rows: Sequence[dict[str, Any]], score: float, drawn: str) -> None:
    """Write the counts, and the mutants that survived or are equivalent, to ``docs/records/mutation.json``."""
    listed = {
        f"{r['file']} {r['function']}: {short(r['before'])} → {short(r['after'])}": r["reason"] or "survived"
        for r in rows
        if r["status"] == "survived"
    }
    counts = Counter(verdict(row) for row in rows)
    figures = {"mutants": len(rows), **{name: counts[name] for name in COLUMNS}, "share noticed": f"{score:.1%}"}
    record("mutation", f"python -m tests.mutation --map FOLDER {drawn} --record", figures, listed)


def main() -> int:
    given = options()
    complete_map(given.map, given.rooms)
    for name in LOADED_BEFORE:  # once, before the forks
        import_module(name)
    load_before(USUAL)
    mutants = chosen_mutants(given)
    if given.list:
        print(*(f"{m.id} {m}" for m in mutants), sep="\n")
    if given.list or not mutants:
        return 0
    lines = Map(given.map, ROOT)
    equivalent = {e["id"]: e["reason"] for e in tomllib.loads((HERE / "equivalent.toml").read_text())["equivalent"]}
    kept = given.out / "results.json" if given.out else None
    done = {r["id"]: r for r in json.loads(kept.read_text("utf-8"))} if kept and kept.exists() else {}
    cache = given.cache or (Path(os.environ["SYMHIGH_CACHE"]) if "SYMHIGH_CACHE" in os.environ else None)
    with workshop(ROOT, cache) as shop:
        for mutant in mutants:
            if mutant.id in done:
                continue
            outcome = shop.examine(mutant, lines.tests(mutant, given.budget), lines.seconds)
            done[mutant.id] = {"id": mutant.id, "room": mutant.room, **asdict(mutant), **asdict(outcome)}
            print(f"{mutant.id} {outcome.status:9} {outcome.seconds:6.1f} s {mutant}  [{outcome.by}]", flush=True)
            if kept:
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(json.dumps(list(done.values()), indent=1, ensure_ascii=False), "utf-8")
    rows = [done[m.id] | {"reason": equivalent.get(m.id, "")} for m in mutants]
    text, score = table(rows)
    print(text)
    if given.out:
        (given.out / "table.txt").write_text(text, "utf-8")
    if given.record:
        keep(rows, score, f"--count {given.count} --seed {given.seed}")
    return 0 if score >= 0.85 else 1


if __name__ == "__main__":
    sys.exit(main())
