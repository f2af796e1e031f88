"""Sweeps: one experiment over a grid of arguments and seeds, on any executor, streamed to disk and resumable.

Stands beside :func:`~symhigh.simulation.simulate`; needs ``pyarrow`` (the extra ``sweep``). Format on disk: a folder
with ``sweep.json``, which states the grid, and one Apache Parquet file a cell, ``cell-<number>.parquet``, together a
dataset that pyarrow, pandas, polars or DuckDB read as one table.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from symhigh.checks import callback, is_listed, mapping, refuse_type
from symhigh.checks import seeds as seeds_of
from symhigh.closed.processes import serve_only
from symhigh.integration.curve import Curve
from symhigh.simulation.manifest import claim_folder
from symhigh.simulation.runs import Runs
from symhigh.telling import at_work

Point = dict[str, Any]
_IN_FLIGHT = 256  # cells handed to the executor at a time, so that memory stays bounded


@dataclass(frozen=True)
class Sweep:
    """A finished sweep: the folder it lies in, and its grid."""

    folder: Path
    over: Mapping[str, Sequence[Any]]
    seeds: tuple[int, ...]

    def table(self) -> Any:
        """All cells in the order of the grid, as a ``pyarrow.Table``; the same bits however the cells were run."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        count = len(self.seeds) * int(np.prod([len(v) for v in self.over.values()]))
        return pa.concat_tables([pq.read_table(_part(self.folder, k)) for k in range(count)])

    def column(self, name: str) -> np.ndarray[Any, Any]:
        """One column of the table as an array."""
        return np.asarray(self.table().column(name).to_numpy())


def sweep(
    experiment: Callable[..., Any],
    over: Mapping[str, Sequence[Any]],
    seeds: int | Sequence[int] = 1,
    executor: Executor | None = None,
    out: str | Path = "sweep",
    progress: Callable[[float], None] | None = None,
) -> Sweep:
    """Run ``experiment(**point, seed=seed)`` at every point of the grid ``over`` and for every seed.

    Parameters
    ----------
    experiment
        A function that other processes can import. It returns a :class:`Curve`, :class:`Runs` of one seed, or a
        mapping of column names to numbers and arrays of one length.
    over
        ``{argument: values}``; numbers, booleans or strings.
    seeds
        A number n, for the seeds 0 … n-1, or the seeds themselves.
    executor
        Any ``concurrent.futures.Executor``; by default a pool of one process a core. A Dask cluster: give
        ``client.get_executor()``. It is left running.
    out
        The folder. Where it holds an unfinished sweep of the same grid, only the missing cells are run; a cell is on
        disk whole or not at all, so a killed sweep ends with the same bits as one that was not.
    progress
        Called with the fraction done.

    The sweep's identity is the grid, the experiment's name and source, and symhigh's version and source: a folder is
    resumed by the same sweep only, so cells of an edited experiment never mix with older ones.

    Raises ``ValueError`` for a folder that holds another sweep, an empty grid, or results named like arguments of the
    grid, and ``RuntimeError`` naming the first cell that fails; finished cells are kept.
    """
    callback("sweep", "experiment", experiment, "a function that other processes can import")
    callback("sweep", "progress", progress, "a function of the fraction done")
    if experiment is None:
        refuse_type("sweep", "experiment", experiment, "a function", "which other processes can import")
    if not isinstance(out, (str, Path)):
        refuse_type("sweep", "out", out, "a path", "the folder of the sweep")
    chosen = seeds_of("sweep", seeds)
    grid = {}
    for name, values in mapping("sweep", "over", over, "{argument: values}").items():
        if not is_listed(values) or not isinstance(name, str):
            refuse_type("sweep", f"over[{name!r}]", values, "a list of values", "one a cell")
        grid[name] = list(values)
    if "seed" in grid:
        raise ValueError("sweep(over={'seed': …}): seeds are given by seeds=…; leave the argument out of the grid")
    if not all(grid.values()):
        raise ValueError("sweep(over=…): every argument needs at least one value")
    _needs_pyarrow()
    folder = Path(out)
    claim_folder(folder, experiment, grid, chosen)
    cells = list(_cells(grid, chosen))
    missing = [k for k in range(len(cells)) if not _whole(_part(folder, k))]
    if executor is not None:
        _run(executor, experiment, cells, missing, folder, progress)
    elif missing:
        _run_here(experiment, cells, missing, folder, progress)
    return Sweep(folder, grid, chosen)


def _needs_pyarrow() -> None:
    """Say which extra is missing before any cell is run."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "sweep: needs pyarrow, which is not installed; pip install 'symhigh[sweep]' brings it"
        ) from error


def _cells(grid: Mapping[str, Sequence[Any]], seeds: Sequence[int]) -> Iterator[tuple[Point, int]]:
    for values in itertools.product(*grid.values()):
        for seed in seeds:
            yield dict(zip(grid, values, strict=True)), seed


def _run_here(*work: Any) -> None:
    """Run the cells in a pool of processes; what is under way when one fails, or at an interruption, is not awaited."""
    pool = ProcessPoolExecutor(
        os.cpu_count(), mp_context=get_context("spawn"), initializer=serve_only, initargs=(os.getpid(),)
    )
    try:
        _run(pool, *work)
    except BaseException:
        for process in list((pool._processes or {}).values()):  # public from Python 3.14, as kill_workers
            process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _run(
    executor: Executor,
    experiment: Callable[..., Any],
    cells: Sequence[tuple[Point, int]],
    missing: Sequence[int],
    folder: Path,
    progress: Callable[[float], None] | None,
) -> None:
    """Keep some cells in flight, and write each as it comes back."""
    queue = iter(missing)
    pending: dict[Future[dict[str, Any]], int] = {}
    done = len(cells) - len(missing)
    try:
        while True:
            for k in itertools.islice(queue, _IN_FLIGHT - len(pending)):
                point, seed = cells[k]
                with _told(folder, point, seed):
                    future = executor.submit(_columns, experiment, point, seed)
                pending[future] = k
            if not pending:
                return
            finished, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in finished:
                k = pending.pop(future)
                _write(folder, k, *cells[k], future)
                done += 1
            if progress is not None:
                progress(done / len(cells))
    finally:
        for future in pending:
            future.cancel()


def _columns(experiment: Callable[..., Any], point: Point, seed: int) -> dict[str, Any]:
    """What a cell leaves, as columns; runs where the executor says.

    The compiler is loaded first: a process's first curve would else come from the reference implementation, and bits
    would depend on which process ran which cell.
    """
    import numba  # noqa: F401

    with at_work("sweep", speaks=False):
        result = experiment(**point, seed=seed)
    if isinstance(result, Curve):
        return {"t": result.t, **result.outputs}
    if isinstance(result, Runs):
        if len(result.seeds) != 1:
            raise ValueError(
                f"the experiment returned runs of {len(result.seeds)} seeds; run one, seeds=[seed]"
            )
        return {"t": result.t, **{name: values[0] for name, values in result.outputs.items()}}
    return dict(result)


@contextmanager
def _told(folder: Path, point: Point, seed: int) -> Iterator[None]:
    """What goes wrong with a cell, or with the process that ran it, is said of the cell."""
    try:
        yield
    except Exception as error:
        raise RuntimeError(
            f"sweep: the cell {point} with seed {seed} failed: {error!r}; what has finished is kept in "
            f"{folder}, and the same call resumes"
        ) from error


def _write(folder: Path, k: int, point: Point, seed: int, future: Future[dict[str, Any]]) -> None:
    """One cell to disk, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with _told(folder, point, seed):
        columns = future.result()
    if taken := sorted({*point, "seed"} & set(columns)):
        raise ValueError(
            f"sweep: the experiment's result {taken[0]!r} has the name of a column of the grid and would overwrite it; "
            "rename the result"
        )
    length = max((np.size(v) for v in columns.values()), default=1)
    given = {**point, "seed": seed, **columns}
    table = pa.table({name: np.asarray(v) if np.ndim(v) else [v] * length for name, v in given.items()})
    temporary = _part(folder, k).with_suffix(f".{os.getpid()}.tmp")
    try:
        pq.write_table(table, temporary)
        os.replace(temporary, _part(folder, k))
    except OSError as error:
        raise ValueError(
            f"sweep(out={str(folder)!r}): the cell {point} with seed {seed} cannot be written: "
            f"{error.strerror or error}; what has finished is kept there, and the same call resumes"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _whole(part: Path) -> bool:
    """Whether a cell is on disk whole; one that was cut off, by a full disk or a copy, is run again."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pq.read_table(part)
    except (OSError, pa.ArrowException):  # not there, or not whole
        return False
    return True


def _part(folder: Path, k: int) -> Path:
    return folder / f"cell-{k:07d}.parquet"
