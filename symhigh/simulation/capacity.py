"""Whether runs fit into the memory of the machine: asked before the first of them is begun.

Serves the runner. Arrays that are there only while a run begins are counted, too.
"""

from __future__ import annotations

import os

from symhigh.simulation.walk import Experiment


def check_capacity(e: Experiment, at_once: int) -> None:
    """``ValueError`` where ``at_once`` direct runs need more memory than there is."""
    s, field = e.statement, e.system.field
    kept = len(field.coordinates) + len(field.cells) + len(field.coefficients)
    each = 8 * (2 * kept + len(s.students) + len(s.normals) + 6)  # bytes a coordinate
    room = _memory()
    if room is None or e.d * each * at_once <= room:
        return
    what, fewer = ("a direct run", "") if at_once == 1 else (f"{at_once} direct runs at once", ", fewer threads")
    needed, there = (n / 2**30 for n in (e.d * each * at_once, room))
    raise ValueError(
        f"simulate(d={e.d}): {what} would hold {needed:.3g} GiB, of {there:.3g} GiB that there are; d must be <= "
        f"{room // (each * at_once)} here; take a smaller d{fewer}, or a spectrum of few eigenvalues, whose chain "
        "needs no more for a larger d"
    )


def _memory() -> int | None:
    """Bytes that this process may hold; None where the system does not say."""
    try:
        found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    except (AttributeError, ValueError, OSError, ImportError):
        return None
    return found if limit == resource.RLIM_INFINITY else min(found, limit)
