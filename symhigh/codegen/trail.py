"""The loop of a simulator from record to record, beside its step: steps, outputs and size with no call in between.

Joined to the modules of :mod:`symhigh.codegen.step` and :mod:`symhigh.codegen.gram`; short runs of small problems
would spend most of their time between records otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

from symhigh.codegen.lower import function_source

LEFT = 1e12
"""The size beyond which a run has left all bounds, in units of its first one or of 1."""


STEP = ("rng", "y", "a", "push", "extra", "par", "coef", "w", "const", "root")
CHAIN = (
    *("d_", "rng", "moving", "fixed", "count", "shape", "scale", "draws", "rest"),
    *("y", "par", "coef", "w", "const", "root"),
)
"""What the two simulators' ``run`` is given, beside the number of its first step and how many."""


def step_trail(vectors: int) -> str:
    """The loop of direct simulation, so many of whose coordinates are vectors."""
    return _trail(STEP, "a.shape[0]", [], [f"for i in range({vectors} * a.shape[0]):", "    square += y[i] * y[i]"])


def chain_trail() -> str:
    """The loop of the Gram chain."""
    squares = [
        "for j in range(moving.shape[0]):",
        "    for axis in range(moving.shape[1]):",
        "        for i in range(moving.shape[2]):",
        "            square += moving[j, axis, i] * moving[j, axis, i]",
    ]
    return _trail(CHAIN, "d_", ["lift(moving, fixed, count, y)"], squares)


def _trail(run: Sequence[str], d: str, lift: Sequence[str], squares: Sequence[str]) -> str:
    """Source of ``trail(row, last, done, stops, out, sizes, …)``; the rest are the arguments of ``run`` after its two.

    Records ``out[row] … out[last - 1]`` after ``stops[row], …`` steps, of which ``done`` are made, and returns the
    first row that was not reached: a run ends behind the row at which its size passes :data:`LEFT` times ``sizes[0]``,
    that of row 0, or is no number. ``sizes[1]`` is the last size. ``lift`` are lines between step and record,
    ``squares`` those that add the squares of all that moves to ``square``.
    """
    body = [
        f"d_ = float({d})",
        "for k in range(row, last):",
        f"    run(done, stops[k] - done, {', '.join(run)})",
        "    done = stops[k]",
        *("    " + line for line in lift),
        "    observe(done / d_, y, out[k], par, coef, w, const)",
        "    square = 0.0",
        *("    " + line for line in squares),
        "    sizes[1] = square / d_",
        "    if k == 0:",
        "        sizes[0] = sizes[1]",
        f"    if not sizes[1] < {LEFT!r} * max(1.0, sizes[0]):",
        "        return k + 1",
        "return last",
    ]
    return function_source(f"trail(row, last, done, stops, out, sizes, {', '.join(run)})", body)
