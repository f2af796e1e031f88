"""Whether runs fit into the memory of the machine: asked before the first of them is begun.

Serves the runner. Arrays that are there only while a run begins are counted, too.
"""

from __future__ import annotations

from symhigh.integration.memory import memory
from symhigh.simulation.walk import Experiment


def check_capacity(e: Experiment, at_once: int) -> None:
    """``ValueError`` where ``at_once`` direct runs need more memory than there is."""
    s, field = e.statement, e.system.field
    kept = len(field.coordinates) + len(field.cells) + len(field.coefficients)
    each = 8 * (2 * kept + len(s.students) + len(s.normals) + 6)  # bytes a coordinate
    room = memory()
    if e.d * each * at_once <= room:
        return
    what, fewer = ("a direct run", "") if at_once == 1 else (f"{at_once} direct runs at once", ", fewer threads")
    needed, there = (n / 2**30 for n in (e.d * each * at_once, room))
    raise ValueError(
        f"simulate(d={e.d}): {what} would hold {needed:.3g} GiB, of {there:.3g} GiB that there are; d must be <= "
        f"{int(room) // (each * at_once)} here; take a smaller d{fewer}, or a spectrum of few eigenvalues, whose chain "
        "needs no more for a larger d"
    )
