"""How things are timed: the contestants take turns in one run, and medians of the turns are compared.

Machines are noisy and shared; a ratio of two times taken a moment apart is worth more than either of them.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Contest:
    """One line of the table: medians in seconds a unit of work, and median ratios of the others' to ours."""

    name: str
    seconds: dict[str, float]
    ratios: dict[str, float]
    note: str = ""


def cpu() -> float:
    """Processor time of this process, its threads and its finished children: what a busy machine disturbs least."""
    return sum(os.times()[:4])


def contest(
    name: str,
    ours: Callable[[], object],
    others: dict[str, Callable[[], object]],
    turns: int = 5,
    note: str = "",
    unit: float = 1.0,
    units: dict[str, float] | None = None,
    clock: Callable[[], float] = time.process_time,
) -> Contest:
    """Run ours and the others in turns; a first call of each, to compile and to warm caches, does not count.

    ``unit`` is the work of one call; ``units`` gives it for others that do not do the same amount. The clock is
    processor time; ``time.perf_counter`` where threads are to save wall time.
    """
    everyone = {"symhigh": ours, **others}
    work = {who: (units or {}).get(who, unit) for who in everyone}
    for call in everyone.values():
        call()
    times: dict[str, list[float]] = {who: [] for who in everyone}
    for _ in range(turns):
        for who, call in everyone.items():
            begin = clock()
            call()
            times[who].append((clock() - begin) / work[who])
    ratios = {who: float(np.median(np.array(times[who]) / np.array(times["symhigh"]))) for who in others}
    return Contest(name, {who: float(np.median(values)) for who, values in times.items()}, ratios, note)


def machine() -> str:
    """Processor, cores, system, versions, and how busy the machine was with other work."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line
        ]
        cpu = f"{models[0]}, {len(models)} cores" if models else cpu
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "sympy", "numba"))
    load = f"; load average {os.getloadavg()[1]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    return f"{cpu}; {platform.system()}; Python {platform.python_version()}, {packages}{load}"


def pretty(seconds: float) -> str:
    """Seconds with a readable unit."""
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "µs"), (1e9, "ns")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.2g} s"


def markdown(rows: list[Contest]) -> str:
    """The table: one line a contest, times per unit of work, ratios to ours in brackets."""
    lines = ["| what | symhigh | others (times ours) | note |", "|---|---|---|---|"]
    for row in rows:
        others = "; ".join(
            f"{who}: {pretty(row.seconds[who])} (×{row.ratios[who]:.3g})" for who in row.ratios
        )
        lines.append(f"| {row.name} | {pretty(row.seconds['symhigh'])} | {others} | {row.note} |")
    return "\n".join(lines)
