"""Which claims are meant: ``FILE::claim`` by id or name, and words that an id, a name or a file must hold.

Stands between the user's files and the runner; plain data, so that it travels to the processes that verify.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from symhigh.ledger.claim import Claim
from symhigh.ledger.load import find_files, loaded
from symhigh.ledger.rows import Row

_Named = TypeVar("_Named", Claim, Row)


@dataclass(frozen=True)
class Selection:
    """The claims of one file that are meant: those of the ``names``, all without, that hold one of the ``words``."""

    names: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether all claims are meant."""
        return not (self.names or self.words)

    def of(self, claims: list[_Named], file: Path) -> list[_Named]:
        """Those of the claims, or of their rows, that are meant; ``ValueError`` for a name that none of them has."""
        known = [name for claim in claims for name in (claim.id, claim.name)]
        for name in self.names:
            if name not in known:
                near = get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(dict.fromkeys(known))}"
                raise ValueError(f"{file.name}: no claim {name!r}; {hint}")
        named = [c for c in claims if not self.names or {c.id, c.name} & set(self.names)]
        return [c for c in named if not self.words or self._holds_a_word(c, file)]

    def _holds_a_word(self, claim: Claim | Row, file: Path) -> bool:
        text = f"{claim.id} {claim.name} {file.name}".lower()
        return any(word.lower() in text for word in self.words)


def split(path: str | Path) -> tuple[str, str]:
    """``FILE::claim`` as file and claim; the claim is empty where none is named."""
    file, _, name = str(path).partition("::")
    return file, name


def selections(paths: Iterable[str | Path], words: tuple[str, ...]) -> dict[Path, Selection]:
    """Every file that is meant, with the claims of it that are; a file that is also named whole is meant whole."""
    chosen: dict[Path, list[str]] = {}
    for path in paths:
        place, name = split(path)
        for file in find_files(place):
            chosen.setdefault(file, []).append(name)
    return {
        file: Selection(() if "" in names else tuple(dict.fromkeys(names)), words) for file, names in chosen.items()
    }


def listed(paths: Iterable[str | Path], words: tuple[str, ...] = ()) -> Iterator[tuple[Path, Claim]]:
    """The claims that are meant, file by file, which are run for that as programs; nothing is examined."""
    for file, selection in selections(paths, words).items():
        with loaded(file) as claims:
            yield from ((file, claim) for claim in selection.of(claims, file))
