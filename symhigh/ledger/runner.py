"""Verification of claims and of files of claims: in this process, or in several.

Stands between claims and ledger. Files are independent of each other, so each goes to a process that is
free; a process that dies leaves an error row and the others go on.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import symhigh
from symhigh.checks import callback, shown, whole
from symhigh.checks import words as words_of
from symhigh.closed.processes import environment, helper
from symhigh.ledger.claim import Claim
from symhigh.ledger.examine import Done, How, broken, examine_file
from symhigh.ledger.maxima import program
from symhigh.ledger.rows import Ledger, Row
from symhigh.ledger.select import Selection, selections, split
from symhigh.ledger.tally import tallies
from symhigh.telling import at_work, stage

Progress = Callable[[float], None]
# a process keeps its linear algebra to one core: others fill the rest, and threads that wait turn idly
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")
_PACKAGE = Path(symhigh.__file__).resolve().parent


SHIPPED = next((p for p in (_PACKAGE / "derivations", _PACKAGE.parent / "derivations") if p.is_dir()), _PACKAGE)


def verify(
    path_or_claims: str | Path | Claim | Iterable[str | Path | Claim] | None = None,
    quick: bool = False,
    seed: int = 0,
    jobs: int | None = None,
    progress: Progress | None = None,
    on_row: Callable[[Row], None] | None = None,
    words: str | Iterable[str] = (),
    second: bool = False,
    resume: bool = False,
) -> Ledger:
    """Examine claims and return the :class:`~symhigh.ledger.Ledger`, rows in the order of definition.

    Parameters
    ----------
    path_or_claims
        A file of claims, ``"FILE::claim"`` for one of its claims by id or name, a folder of files (searched
        recursively), a :class:`~symhigh.ledger.Claim`,
        or a list of any of these; without it, the claims that symhigh ships. Files are
        Python programs and are run as such.
    quick
        Fewer points, and smaller or no simulations.
    seed
        Seed of everything random; with the claim's name it fixes every number drawn.
    jobs
        Processes for files, by default one for each core at most; 1 keeps to this process, which a file that ends
        the process then ends.
    progress
        Called with the fraction done, after each claim.
    on_row
        Called with each row as it is done.
    words
        Only claims whose id, name or file holds one of these words.
    second
        Have a second algebra system, Maxima, reduce the identities that are proved to zero as well; the lines where it
        does are proved by two. ``FileNotFoundError`` where it is not installed.
    resume
        Take the rows of earlier runs whose claims rest on the same: their source and all that it uses in their file and
        in modules beside it, symhigh, versions, machine and settings. Each tells when it was examined. Every run keeps
        its rows as they are done, those that end as expected, so one that was killed goes on where it was. The command
        does so unless told ``--fresh``; this function only where it is asked to, since what a program has changed in
        symhigh's own objects is not noticed.

    A run interrupted from the keyboard returns the rows that are done, ``complete`` false.
    Every file that is named yields a row, an error row where it has no claims or cannot be read to its end. A folder
    verified whole may state the displayed numbers of its source in ``numbers.toml``; the ledger tallies them.
    ``FileNotFoundError`` for a path that is not there, ``ValueError`` where there are no claims at all.
    """
    whole("verify", "seed", seed, least=0, meaning="the seed of random points and simulations")
    if jobs is not None:
        whole("verify", "jobs", jobs, least=1, meaning="the number of processes")
    callback("verify", "progress", progress, "a function of the fraction done")
    callback("verify", "on_row", on_row, "a function of a row")
    if second and program() is None:
        raise FileNotFoundError("verify(second=True): Maxima is not installed; install it, or leave second out")
    how = How(quick, seed, second, resume)
    begin = time.perf_counter()
    if path_or_claims is None:
        path_or_claims = SHIPPED
    several = isinstance(path_or_claims, Iterable) and not isinstance(path_or_claims, str)
    asked: list[Any] = list(path_or_claims) if several else [path_or_claims]  # type: ignore[arg-type]
    claims = [c for c in asked if isinstance(c, Claim)]
    only = words_of("verify", "words", words, "a word, or a list of words")
    claims = Selection(words=only).of(claims, Path())
    meant = selections((p for p in asked if isinstance(p, str | Path)), only)
    files = list(meant)
    if wrong := [a for a in asked if not isinstance(a, str | Path | Claim)]:
        raise TypeError(f"verify(path_or_claims={shown(wrong[0])}): give files, folders or claims")
    processes = min(jobs or os.cpu_count() or 1, len(files))
    named = {str(Path(split(p)[0])) for p in asked if isinstance(p, str | Path)}
    rows: list[Row] = []
    complete = True
    try:
        shares: dict[str, float] = {}
        with at_work("verify", speaks=progress is None and on_row is None):
            for share, row in _all_rows(claims, meant, how, processes, alone=jobs == 1):
                rows.append(row)
                stage(len(rows), "claims done")
                shares[row.file or row.name] = share
                if progress is not None:
                    progress(sum(shares.values()) / (len(claims) + len(files)))
                if on_row is not None:
                    on_row(row)
    except KeyboardInterrupt:
        complete = False
    read = {row.file for row in rows}
    without = [f for f in files if str(f) not in read] if complete and not only else []
    if complete and not rows:
        which = f"with {' or '.join(map(repr, only))} " if only else ""
        where = ", ".join(a.name if isinstance(a, Claim) else str(a) for a in asked) or "an empty list"
        raise ValueError(
            f"verify: no claims {which}in {where}; a claims file defines symhigh.Claim objects at module level"
        )
    rows += [broken(f, "the file holds no claims") for f in without if str(f) in named]
    place = {str(f): i for i, f in enumerate(files)}
    rows.sort(key=lambda row: place.get(row.file, -1))  # stable: the order within a file stays
    rows += _repeated(rows)
    unnamed = tuple(str(f) for f in without if str(f) not in named)
    denominators = tallies([f for f in files if meant[f].whole], rows) if complete else ()
    return Ledger(tuple(rows), quick, seed, complete, time.perf_counter() - begin, unnamed, denominators)


def _repeated(rows: list[Row]) -> list[Row]:
    """An error row for every id that a second file uses, too."""
    homes: dict[str, str] = {}
    return [
        broken(Path(row.file), f"the id {row.id!r} belongs to a claim of {homes[row.id]} already; ids are unique")
        for row in rows
        if row.id != row.name and homes.setdefault(row.id, row.file) != row.file
    ]


def _all_rows(
    claims: list[Claim], files: Mapping[Path, Selection], how: How, processes: int, alone: bool
) -> Iterator[Done]:
    for claim in claims:
        yield 1.0, claim.examine(*how.settings)
    if files and not alone:
        yield from _in_processes(files, how, processes)
    else:
        for file in files:
            yield from examine_file(file, how, files[file])


def _in_processes(files: Mapping[Path, Selection], how: How, processes: int) -> Iterator[Done]:
    """Rows of all files, in the order in which they are done; long files are begun first, so that none is left last."""
    waiting: Queue[tuple[Path, Selection]] = Queue()
    for entry in sorted(files.items(), key=lambda entry: -entry[0].stat().st_size):
        waiting.put(entry)
    done: Queue[Done | None] = Queue()
    workers = [_Worker(waiting, done, how) for _ in range(processes)]
    try:
        for worker in workers:
            worker.start()
        working = processes
        while working:
            row = done.get()
            if row is None:
                working -= 1
            else:
                yield row
    finally:
        for worker in workers:
            worker.stop()
        for worker in filter(threading.Thread.is_alive, workers):
            worker.join()


class _Worker(threading.Thread):
    """Feeds one process with files; starts a new one where it dies."""

    def __init__(self, waiting: Queue[tuple[Path, Selection]], done: Queue[Done | None], how: How) -> None:
        super().__init__(daemon=True)
        self.waiting, self.done, self.how = waiting, done, how
        self.process: subprocess.Popen[str] | None = None
        self.stopped = False

    def run(self) -> None:
        try:
            while not self.stopped:
                self._serve(*self.waiting.get_nowait())
        except Empty:
            pass  # no file is left
        finally:
            self._end()
            self.done.put(None)

    def _serve(self, file: Path, selection: Selection) -> None:
        process = self.process = self.process or _process()
        assert process.stdin is not None
        assert process.stdout is not None
        asked = {"file": str(file), "how": asdict(self.how), "selection": asdict(selection)}
        request = json.dumps(asked)
        last = "its first claim"
        try:
            process.stdin.write(request + "\n")
            process.stdin.flush()
            for answer in process.stdout:
                if answer == "\n":
                    return
                share, data = json.loads(answer)
                row = Row.from_dict(data)
                last = f"the claim after {row.name!r}"
                self.done.put((share, row))
        except BrokenPipeError:
            last = "starting"
        status = self._end()
        if not self.stopped:
            self.done.put((1.0, broken(file, f"the process ended with status {status} in {last}")))

    def _end(self) -> int | None:
        """Let the process finish, its input being over; its status."""
        process, self.process = self.process, None
        if process is None:
            return None
        if self.stopped:
            process.kill()
        with suppress(BrokenPipeError), process:  # closes the pipes, waits
            pass
        return process.returncode

    def stop(self) -> None:
        """End the process at once, if it still runs."""
        self.stopped = True
        process = self.process
        if process is not None:
            process.kill()


def _process() -> subprocess.Popen[str]:
    return subprocess.Popen(
        helper("symhigh.ledger.worker"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**_ONE_THREAD, **environment()},
    )
