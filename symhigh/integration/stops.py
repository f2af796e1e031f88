"""Why a curve ended before its end, in words.

Serves :func:`~symhigh.integration.solve.solve` and scans; a status is one of :mod:`symhigh.codegen.control`.
"""

from __future__ import annotations

import numpy as np

from symhigh.codegen.control import DIVERGED, NEGATIVE, SPENT
from symhigh.population.spectrum import Array
from symhigh.system import MomentSystem


def why(
    status: int, system: MomentSystem, ends: tuple[Array, Array] | None, last: float, now: float, most: int
) -> str:
    """Where the integration stopped, and why.

    ``ends`` are the first and the last outputs, None where there are none, ``last`` the time of the last ones, ``now``
    the time reached, ``most`` the budget of steps.
    """
    place = f"at t = {now:.6g}"
    if status == SPENT:
        return (
            f"stopped {place}: {most} steps were tried (budget={most}); loosen rtol, shorten t_end, give a larger "
            "budget, or stepper=IMPLICIT of symhigh.integration.stepper where some modes are far faster than others"
        )
    if status == NEGATIVE:
        kept = ", ".join(str(s) for s in system.family.states if s.is_nonnegative)
        return f"stopped {place}: {kept} of a mode would turn negative, as of no iterate: the equations contradict it"
    if status != DIVERGED:
        return f"stopped {place}: no step is small enough for the tolerance; loosen rtol"
    if ends is None:
        return f"diverged {place}, before the first output time: the state left all bounds"
    first, final = (dict(zip(system.outputs, row.tolist(), strict=False)) for row in ends)
    return _diverged(place, first, final, last)


def _diverged(place: str, first: dict[str, float], last: dict[str, float], at: float) -> str:
    if last.get("distance", np.inf) <= 1e-150 * first.get("distance", 0.0):
        return (
            f"stopped {place}: the distance to the target has fallen below {last['distance']:.2g}, where averages of "
            "the loss leave the range of doubles; end earlier"
        )
    rate, threshold = last["learning_rate"], last.get("distance_threshold", np.inf)
    cause = (
        (
            f"; at t = {at:.6g} the learning rate {rate:.6g} is above {threshold:.6g}, beyond which "
            "the distance to the target grows"
        )
        if rate > threshold
        else ""
    )
    return f"diverged {place}: the state left all bounds{cause}"

