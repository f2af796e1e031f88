"""One run from record to record, and what is kept of many: outputs at the recorded times, and where a run ended.

Between the walks that step and :func:`symhigh.simulation.simulate` that starts them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import sympy as sp

from symhigh.checks import expression, shown
from symhigh.codegen.lower import averages
from symhigh.integration.doubts import Doubts
from symhigh.population.spectrum import Array
from symhigh.simulation.direct import DirectWalk
from symhigh.simulation.gram import GramWalk
from symhigh.simulation.runs import Runs
from symhigh.simulation.walk import Experiment
from symhigh.symbols import lam
from symhigh.system import MomentSystem
from symhigh.telling import warn

_KNOWN, _LOOKS = 1e-6, 20
"""The error that averages in outputs may have without a word, and how often in a run they are looked at."""


class Result:
    """What one run leaves: the outputs at each recorded step, and where it ended."""

    def __init__(self, times: int, outputs: int) -> None:
        self.outputs = np.full((times, outputs), np.nan)
        self.target = np.nan
        self.rows = 0
        self.message = ""
        self.last: Array | None = None
        self.doubts = Doubts(_KNOWN, "what runs record")


def one_run(
    walk_of: type[DirectWalk] | type[GramWalk],
    e: Experiment,
    seed: int,
    steps: Array,
    result: Result,
    stop: threading.Event,
    extra: Mapping[str, Callable[[DirectWalk], float]],
) -> None:
    """Advance one run from record to record; numbers stay in arrays of this thread alone."""
    walk = walk_of(e, seed)
    result.target = walk.target
    own, count, batch = len(e.system.outputs), len(steps), max(1, 20_000_000 // walk.root.size)
    walk.follow(steps, result.outputs[:, :own])
    looks, done = max(1, count // _LOOKS) if averages(e.system) else count, 0
    while result.rows < count:
        while done + batch < steps[result.rows] and not stop.is_set():
            walk.run(done, batch)
            done += batch
        if stop.is_set():
            return
        look = min(-(-result.rows // looks) * looks, count - 1)
        most = result.rows if extra else int(np.searchsorted(steps, done + batch, side="right")) - 1
        with np.errstate(all="ignore"):
            rows = walk.trail(result.rows, min(look, most) + 1, done)
            done = int(steps[rows - 1])
            for k, phi in enumerate(extra.values()):
                assert isinstance(walk, DirectWalk)
                result.outputs[rows - 1, own + k] = phi(walk)
            if rows > look:
                walk.doubt(done / e.d, result.doubts)
        result.rows = rows
        if walk.gone:
            result.message = _why(e.system, result, done / e.d)
            result.outputs[rows - 1] = np.nan
            return
    if isinstance(walk, DirectWalk) and not e.statement.linear:
        result.last = walk.y[: len(e.system.field.coordinates) * e.d].reshape(-1, e.d)


def observable(
    name: str, phi: Callable[..., Array] | sp.Expr, field: MomentSystem
) -> Callable[[DirectWalk], float]:
    """An average over coordinates as a function of a run."""
    entries = (*field.field.coordinates, *(c for c in field.field.coefficients if c != lam), lam)
    owner = f"observables[{name!r}]"
    if not callable(phi) or isinstance(phi, (sp.Basic, type)):
        phi = expression("simulate", owner, phi, "a function of arrays, or a SymPy expression")
        if foreign := sorted(map(str, phi.free_symbols - set(entries))):
            known = ", ".join(map(str, entries))
            raise ValueError(f"simulate({owner}={shown(phi)}): unknown {foreign}; it may hold {known}")
        phi = sp.lambdify(entries, phi, "numpy")

    def value(walk: DirectWalk) -> float:
        count = len(field.field.coordinates)
        rows = walk.y[: count * walk.e.d].reshape(count, -1)
        found = float(np.mean(phi(*rows, *walk.coef[1:], walk.coef[0])))
        return found if np.isfinite(found) else np.nan

    return value


def _why(system: MomentSystem, result: Result, time_: float) -> str:
    names = list(system.outputs)
    before = result.outputs[max(0, result.rows - 2)]
    where = f"diverged by t = {time_:.6g}: the iterate left all bounds"
    if "distance_threshold" not in names:
        return where
    rate, threshold = before[names.index("learning_rate")], before[names.index("distance_threshold")]
    cause = f"; the learning rate {rate:.6g} was above {threshold:.6g}, beyond which the distance grows"
    return where + (cause if rate > threshold else "")


def collect(
    results: list[Result], e: Experiment, names: tuple[str, ...], seeds: tuple[int, ...], steps: Array,
    interrupted: bool,
) -> Runs:  # fmt: skip
    """The runs of ``seeds`` as one object; of interrupted ones what :func:`_kept` keeps."""
    if interrupted:
        shared = _kept([len(steps) if r.message else r.rows for r in results])
        begun = [(r, seed) for r, seed in zip(results, seeds, strict=True) if r.message or r.rows >= shared]
        if len(begun) < len(results):
            warn(
                f"simulate was interrupted: {len(begun)} of {len(results)} runs are kept, to t = "
                f"{steps[shared - 1] / e.d:.6g}; the others had not come that far",
            )
        results, seeds = [r for r, _ in begun], tuple(seed for _, seed in begun)
        steps = steps[:shared]
    rows = len(steps)
    outputs = {name: np.array([r.outputs[:rows, k] for r in results]) for k, name in enumerate(names)}
    doubts = max((r.doubts for r in results), key=lambda each: each.error, default=None)
    if doubts is not None and (said := doubts.refusal() or doubts.warning()):
        warn(f"simulate: {said}")
    messages = {seed: r.message for seed, r in zip(seeds, results, strict=True) if r.message}
    if messages:
        seed, text = next(iter(messages.items()))
        warn(
            f"{len(messages)} of {len(seeds)} runs diverged; seed {seed} {text}"
        )
    last = {}
    if all(r.last is not None for r in results):
        last = {str(v): np.array([r.last[k] for r in results]) for k, v in enumerate(e.system.field.coordinates)}  # type: ignore[index]
    return Runs(
        steps / e.d,
        outputs,
        e.d,
        seeds,
        e.system.problem,
        e.system.rule,
        e.population,
        e.t_end,
        np.array([r.target for r in results]),
        messages,
        not interrupted,
        last,
        names[len(e.system.outputs) :],
        e.given,
    )


def _kept(rows: Sequence[int]) -> int:
    """How many times to keep of interrupted runs: what keeps the most, times × runs that reached them all."""
    return max(range(max(rows) + 1), key=lambda n: n * sum(r >= n for r in rows))
