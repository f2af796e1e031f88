"""A random sample of the mutants of the package, drawn room by room from a seed.

Rooms share the sample by the square root of their sizes, so that small ones are seen, too. Within a room, a kind of
error is drawn with weight 1/√(its number), so that numbers moved by one, the most frequent kind, do not fill it.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from math import sqrt
from pathlib import Path

from tests.mutation.mutants import Mutant, mutants


def all_mutants(root: Path) -> list[Mutant]:
    """Every mutant of the package under ``root``."""
    files = sorted((root / "symhigh").rglob("*.py"))
    return [m for f in files for m in mutants(f.relative_to(root).as_posix(), f.read_bytes())]


def shares(sizes: dict[str, int], count: int) -> dict[str, int]:
    """How many of ``count`` mutants each room gives, by largest remainders; at least one, at most all it has."""
    total = sum(sqrt(n) for n in sizes.values())
    wanted = {room: count * sqrt(n) / total for room, n in sizes.items()}
    given = {room: min(sizes[room], max(1, int(w))) for room, w in wanted.items()}
    for room in sorted(wanted, key=lambda r: given[r] - wanted[r]):
        if sum(given.values()) < count and given[room] < sizes[room]:
            given[room] += 1
    return given


def _uniform(mutant: Mutant, seed: int) -> float:
    """A number of the mutant's own, so that a change elsewhere in the package leaves the rest of a sample alone."""
    return random.Random(f"{seed}/{mutant.id}").random()


def sample(found: Sequence[Mutant], count: int, seed: int) -> list[Mutant]:
    """About ``count`` mutants of all rooms, no two at one place; the same for the same seed and the same package."""
    rooms: defaultdict[str, list[Mutant]] = defaultdict(list)
    for mutant in found:
        rooms[mutant.room].append(mutant)
    chosen = []
    for room, share in shares({room: len(some) for room, some in sorted(rooms.items())}, count).items():
        frequency = Counter(m.kind for m in rooms[room])
        # weighted sampling without replacement: the largest u^(1/weight) win (Efraimidis and Spirakis, 2006)
        ranked = sorted(rooms[room], key=lambda m: -(_uniform(m, seed) ** sqrt(frequency[m.kind])))
        places: set[tuple[str, int]] = set()
        for mutant in ranked:
            if (mutant.file, mutant.line) not in places and len(places) < share:
                places.add((mutant.file, mutant.line))
                chosen.append(mutant)
    return chosen
