"""The scales that a step's errors are measured by, and the signs that it may not change, lowered to source.

Beside the functions of :mod:`symhigh.codegen.lower`, and called by every stepper (:mod:`symhigh.codegen.control`).
"""

from __future__ import annotations

import sympy as sp

from symhigh.codegen.lower import function_source
from symhigh.symbols import D2, lam, shift_square
from symhigh.system import MomentSystem


def scale_source(system: MomentSystem) -> str:
    """Source of the scales that the errors of a step are measured by, and of whether a state lost its sign.

    ``scales(y, new, out, rtol, floor, coef, w)`` and ``refused(new, floor, w)``. A state's scale is
    ``floor + rtol |state|``, and may take in more:
    a product with a further vector, such as a momentum, may pass through zero: it is measured beside the square root
    of the two squares. One of a learnt vector and a target keeps its own scale, by which escapes from saddles are seen.
    Products of ``X - c`` with a fixed vector are measured beside ``‖X - c‖²``, the first state of the mode, as no
    output sees them at a finer scale; alone they may pass through zero.
    """
    states = system.family.states
    lines = [
        "n = w.shape[0]",
        "for i in range(y.shape[0]):",
        "    out[i] = floor[i] + rtol * max(abs(y[i]), abs(new[i]))",
    ]
    if len(states) > 1 and states[0] in (D2, shift_square):
        lines += [
            f"for i in range(n, {len(states)} * n):",
            "    out[i] += rtol * abs(new[i % n])",
        ]
    else:
        for k, state in enumerate(states):
            bounds = _schwarz(system, state)
            if bounds is not None:
                size = " * ".join(bounds)
                place = f"out[{k} * n + i]"
                lines += ["for i in range(n):", f"    {place} = max({place}, rtol * sqrt(abs({size})))"]
    kept = [k for k, state in enumerate(states) if state.is_nonnegative]
    signs = ["n = w.shape[0]"]
    for k in kept:
        signs += [f"for i in range({k} * n, {k + 1} * n):", "    if new[i] < -floor[i]:", "        return True"]
    scales = function_source("scales(y, new, out, rtol, floor, coef, w)", lines)
    return scales + "\n\n" + function_source("refused(new, floor, w)", [*signs, "return False"])


def _schwarz(system: MomentSystem, state: sp.Symbol) -> tuple[str, ...] | None:
    """Sources of the squares that bound a product with a further vector, neither learnt nor a target."""
    family, field = system.family, system.field
    places = {s: f"new[{k} * n + i]" for k, s in enumerate(family.states)}
    places |= {s: f"coef[{k}, i]" for k, s in enumerate(family.coefficients)}
    if state in family.sizes:
        return tuple(places[s] for s in family.sizes[state])
    further = set(field.coordinates) - {*field.learnt, *field.targets}
    pair = family.definitions.get(state, sp.S.Zero)
    vectors = [*pair.args] if pair.is_Mul and len(pair.args) == 2 else []
    if not further.intersection(vectors):
        return None
    squares = {family.definitions.get(s): place for s, place in places.items() if s != lam}
    found = tuple(squares[v**2] for v in vectors if v**2 in squares)
    return found if len(found) == 2 else None
