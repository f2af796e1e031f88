"""Many curves of one system at once: a grid of parameters, spectra and starts, integrated by compiled code on threads.

Stands on :mod:`symhigh.integration.plain`. Points that are not plain are solved one by one, so every curve has the bits
that ``solve`` gives it, whatever the number of threads.
One file: the batched way and the one by one share their bookkeeping.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, wait
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from symhigh.checks import callback, instance, shown, threads_of, words
from symhigh.codegen.compiler import NoCompiler
from symhigh.codegen.control import REACHED, SPENT
from symhigh.codegen.course import MARKS
from symhigh.codegen.kernels import course_kernels
from symhigh.codegen.target import NUMBA, Target, chosen
from symhigh.integration.axes import Grid
from symhigh.integration.curve import Curve
from symhigh.integration.edges import without_underflow
from symhigh.integration.many import NOT_RUN, STATUS, ManyCurves, Marked, Results
from symhigh.integration.memory import memory
from symhigh.integration.modes import modes_of
from symhigh.integration.plain import Batch, Lane, Plain, plain, spent
from symhigh.integration.schedules import plain_rates
from symhigh.integration.solve import Asked, Progress, drive, numbers
from symhigh.integration.waiting import Teller, share_out
from symhigh.population import Spectrum, Start
from symhigh.population.dimension import warn_of_few_dimensions
from symhigh.population.spectrum import Array
from symhigh.system import MomentSystem
from symhigh.telling import at_work

_OWNER, _IN_FLIGHT = "solve_many", 256
_WORTH = 1000
"""Curves from which on compilers are given more work, once: ten seconds for Numba, a fifth of one for C."""


def solve_many(
    system: MomentSystem,
    over: Any,
    spectrum: Any,
    start: Any,
    t_end: float,
    t: Any = None,
    rtol: float = 1e-8,
    atol: float | None = None,
    keep: str | Sequence[str] | None = None,
    threads: int | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    target: Target | None = None,
    budget: int = 100_000,
) -> ManyCurves:
    """Solve at every point of a grid; returns :class:`ManyCurves`, with one named axis for each thing that varies.

    Parameters
    ----------
    over
        ``{symbol or name: values}``, values of the symbols without a number in problem and rule; one axis each.
    spectrum, start
        One, or a list of them, which is one more axis, called ``spectrum`` or ``start``.
    t_end, t, rtol, atol, target, budget
        As for ``solve``, the same for all.
    keep
        Names of outputs to keep, by default all.
    threads
        How many curves proceed at once, by default one per core. A curve has the bits of ``solve``, however many.
    executor
        Any ``concurrent.futures.Executor`` for the curves that compiled code does not integrate in one go, such as
        those of schedules; by default they are solved on threads.
    progress
        Called with the fraction done; else standard error tells it, where it takes more than two seconds.

    Values that a constructor refuses, and starts without a limit, mark their points ``"refused"``; curves that diverge
    or stop early are marked too, and one warning counts them. A keyboard interrupt keeps what is done. Raises
    ``ValueError`` where all points are refused, and for names that are no parameter without a value.
    """
    end, times, tolerance, absolute, most = numbers(_OWNER, t_end, t, rtol, atol, budget)
    target = chosen() if target is None else instance(_OWNER, "target", target, Target, "C, LLVM, NUMBA or NUMPY")
    one = Driven(end, times, tolerance, absolute, most, target)
    scan = _begun(system, over, {"spectrum": spectrum, "start": start}, times, keep, threads, executor, progress)
    for spectrum_, start_ in scan.grid.given:
        if isinstance(spectrum_, Spectrum):
            own = start_.dimension if isinstance(start_, Start) else None
            warn_of_few_dimensions(_OWNER, spectrum_, own)
    plan = _batchable(system)
    ended = plan is None or _batches(scan, plan, one)
    return _ended(scan, ended and _alone(scan, one))


def solve_each(
    system: MomentSystem,
    over: Any,
    population: Mapping[str, Any],
    solver: Callable[..., Curve],
    options: Mapping[str, Any],
    t_end: Any,
    t: Any,
    keep: str | Sequence[str] | None,
    executor: Executor | None,
    progress: Progress | None,
) -> ManyCurves:
    """As :func:`solve_many`, by a solver of single curves, ``solver(bound, *population, t_end=…, t=…, **options)``."""
    end, times, *_ = numbers(_OWNER, t_end, t, 1e-8, None, 1)
    scan = _begun(system, over, population, times, keep, 1, executor, progress)
    return _ended(scan, _alone(scan, ByItself(solver, {**options, "t_end": end, "t": times})))


@dataclass(frozen=True)
class Driven:
    """Solves one curve of a limit of second moments as :func:`~symhigh.integration.solve.solve` does."""

    end: float
    times: Array
    rtol: float
    atol: float | None
    budget: int
    target: Target

    def __call__(self, bound: MomentSystem, spectrum: Any, start: Any) -> tuple[Curve, str]:
        numbers = self.end, self.times, self.rtol, self.atol
        return drive(Asked(bound, spectrum, start, *numbers, None, None, None, (), 1e-8, self.budget), self.target)


@dataclass(frozen=True)
class ByItself:
    """Solves one curve by another solver, whose warnings are kept."""

    solver: Callable[..., Curve]
    options: Mapping[str, Any]

    def __call__(self, bound: MomentSystem, *population: Any) -> tuple[Curve, str]:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            curve = self.solver(bound, *population, **self.options)
        return curve, "; ".join(str(w.message) for w in said if str(w.message) != curve.message)


@dataclass(frozen=True, eq=False)
class Scan:
    """A scan under way."""

    grid: Grid
    results: Results
    workers: int
    executor: Executor | None
    teller: Teller


def _begun(
    system: MomentSystem, over: Any, population: Mapping[str, Any], times: Array, keep: str | Sequence[str] | None,
    threads: int | None, executor: Executor | None, progress: Progress | None,
) -> Scan:  # fmt: skip
    """The arguments checked, and the points marked that are refused."""
    callback(_OWNER, "progress", progress, "a function of the fraction done")
    if executor is not None:
        instance(_OWNER, "executor", executor, Executor, "a concurrent.futures.Executor")
    workers = threads_of(_OWNER, threads)
    kept = None if keep is None else words(_OWNER, "keep", keep, "names of outputs")
    if unknown := [name for name in kept or () if name not in system.outputs]:
        raise ValueError(f"{_OWNER}(keep={unknown[0]!r}): not an output; choose from {', '.join(system.outputs)}")
    if kept == ():
        raise ValueError(f"{_OWNER}(keep={shown(keep)}): keep names no output; choose from {', '.join(system.outputs)}")
    width = len(system.outputs) if kept is None else len(kept)
    grid = Grid.of(_OWNER, system, over, population, memory() / (8 * width * times.size))
    results = Results(len(grid.pars), times, kept)
    for point in np.flatnonzero(grid.reasons != "").tolist():
        results.refuse(point, grid.reasons[point])
    teller = Teller(_OWNER, len(grid.pars), progress)
    teller.done = len(results.said)
    return Scan(grid, results, workers, executor, teller)


def _ended(scan: Scan, whole: bool) -> ManyCurves:
    scan.teller.end(whole)
    return scan.results.made(_OWNER, scan.grid, interrupted=not whole)


# --- points that compiled code integrates in one go ----------------------------------------------------------
def _batchable(system: MomentSystem) -> Plain | None:
    """The system as one whose curves may be plain at all values of its symbols."""
    cells = any(c.subs(system.parameters).free_symbols for c in system.field.cell_starts.values())
    return None if cells else plain(system)


def _batches(scan: Scan, plan: Plain, one: Driven) -> bool:
    """Integrate the points that are plain, those with equally many modes together; False where interrupted."""
    grid, results = scan.grid, scan.results
    names = results.names or tuple(grid.system.outputs)
    keep = np.array([float(list(grid.system.outputs).index(name)) for name in names])
    member = np.arange(len(grid.pars)) % len(grid.given)
    if one.target is NUMBA and len(grid.pars) < _WORTH:
        return True
    try:
        kernels = course_kernels(grid.system, one.target, many=len(grid.pars) >= _WORTH)
    except NoCompiler:
        return True
    smooth = plain_rates(grid.system, grid.pars, one.end)
    posed: dict[int, dict[int, tuple[Array, ...]]] = {}
    for m, population in enumerate(grid.given):
        try:
            table, coef, states, size = modes_of(grid.system, *population)
        except ValueError as refusal:
            for point in results.left[member[results.left] == m].tolist():
                results.refuse(point, str(refusal))
        else:
            posed.setdefault(size.size, {})[m] = coef, table.weights, states, size
    for modes in posed.values():
        place = np.zeros(len(grid.given))
        place[list(modes)] = np.arange(len(modes))
        points = np.flatnonzero((results.status == NOT_RUN) & smooth & np.isin(member, list(modes)))
        arrays = tuple(map(np.array, zip(*modes.values(), strict=True)))
        batch = Batch.of(grid.system, grid.pars[points], place[member[points]], arrays, one.times, keep)
        batch.marks[:, 0] = np.nan
        ended = share_out(len(points), scan.workers, partial(_worker, plan, kernels, batch, one), scan.teller)
        _collect(scan, batch, points, names, one)
        if not ended:
            return False
    return True


def _worker(plan: Plain, kernels: Any, batch: Batch, one: Driven) -> Callable[[int, int], None]:
    lane = Lane(plan, kernels, batch)
    return lambda first, last: lane.run(first, last, one.end, one.rtol, one.atol, one.budget)


def _collect(scan: Scan, batch: Batch, points: Array, names: Sequence[str], one: Driven) -> None:
    """What a batch left, put among the results; points that were not plain stay open."""
    results, grid, codes = scan.results, scan.grid, batch.marks[:, 0]
    done = np.isin(codes, list(STATUS)) & ((codes != SPENT) | spent(batch.marks, one.budget))
    batch.out[:, ~done] = np.nan
    for code, word in STATUS.items():
        results.status[points[done & (codes == code)]] = word
    negative = np.flatnonzero(done & (batch.marks[:, MARKS - 1] > 0))
    infinite = [isinstance(s, Start) and s.distance_is_infinite(k) for k, s in grid.given]
    for values, name in zip(batch.out, names, strict=True):
        if negative.size and name in ("risk", "distance", "norm"):
            values[negative] = without_underflow(values[negative])
        if name == "distance" and any(infinite):
            beyond = np.array(infinite)[points % len(grid.given)]
            values[beyond] = np.where(np.isnan(values[beyond]), np.nan, np.inf)
    if len(points) == results.points:
        results.values, results.names = batch.out, names
    else:
        results.filled(names)[:, points] = batch.out
    failed = done & (codes != REACHED)
    if failed.any():
        results.marked.append(Marked(points[failed], batch.marks[failed], grid.system, one.times, one.budget))
    scan.teller.done = results.points - results.left.size


# --- points that are solved one by one -----------------------------------------------------------------------
Solver = Driven | ByItself


def _alone(scan: Scan, one: Solver) -> bool:
    """Solve what is left point by point, on threads or an executor; False where interrupted."""
    left, grid = scan.results.left, scan.grid
    if scan.executor is not None and left.size:
        return _on(scan.executor, scan, one, left)

    def work(first: int, last: int) -> None:
        for point in left[first:last].tolist():
            _put(scan.results, point, *_solved(one, grid.system, *grid.at(point)))

    return not left.size or share_out(left.size, scan.workers, lambda: work, scan.teller)


def _on(executor: Executor, scan: Scan, one: Solver, left: Array) -> bool:
    """Solve points on an executor, some in flight at a time; it is left running."""
    grid, waiting, queue = scan.grid, {}, iter(left.tolist())
    try:
        while True:
            for point in queue:
                waiting[executor.submit(_solved, one, grid.system, *grid.at(point))] = point
                if len(waiting) >= _IN_FLIGHT:
                    break
            if not waiting:
                return True
            for future in wait(waiting, timeout=0.1, return_when="FIRST_COMPLETED").done:
                _put(scan.results, waiting.pop(future), *future.result())
                scan.teller.add(1)
            scan.teller.tell()
    except KeyboardInterrupt:
        return False
    finally:
        for future in waiting:
            future.cancel()


def _solved(one: Solver, system: MomentSystem, values: Any, population: tuple[Any, ...]) -> tuple[Curve | None, str]:
    """The curve of one point with what is to be said, or None and why it is refused."""
    try:
        with at_work(_OWNER, speaks=False):  # the scan tells how many are done
            return one(system.bind(values) if values else system, *population)
    except (ValueError, ArithmeticError) as refusal:
        return None, str(refusal)


def _put(results: Results, point: int, curve: Curve | None, text: str) -> None:
    if curve is None:
        results.refuse(point, text)
    else:
        results.put(point, curve, text)
