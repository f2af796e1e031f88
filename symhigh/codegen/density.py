"""What couples a network's coordinates, lowered to source: averages over a density, scalars, channels, outputs.

The solver of Fokker-Planck systems (:mod:`symhigh.codegen.density_kernel`) is compiled once for all of them, and
calls these functions by their addresses. Beside ``prepare`` and ``begin`` of :mod:`~symhigh.codegen.lower`:

``averages(s, m, grid, amp, bump, law, row, sums)``  adds a class's share of the averages that drive the system;
``forces(t_, sums, memory, par, const, out)``        channels, then the rates of the memories;
``reports``, ``observe``                             the same two for the outputs;
``leans``, ``doubt``                                 the same two for the errors of averages that resist quadrature.

``row`` is ``[weight, u_w, u_z, v_w, v_z, coefficients …]`` with ``u = u_w e^{α+ξ} + u_z e^{α−ξ}``, v likewise; the
first two exponentials are ``amp[k] (1 + bump[k, i])``.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from symhigh.codegen.lower import Lowering, function_source, needed
from symhigh.codegen.target import Target, statements
from symhigh.meanfield import Reduction
from symhigh.symbols import t
from symhigh.system import MomentSystem

_LOCAL = ("sums", "law", "row", "amp", "bump", "grid", "m", "plus", "minus", *(f"sum_{k}" for k in range(64)))
PAIRS = (("averages", "forces"), ("reports", "observe"), ("leans", "doubt"))
"""Functions that add up averages, and those that make something of them: what drives, outputs, errors of nodes."""
WEIGHT, PAIR, COEFFICIENTS = 0, 1, 5
"""Places in a class's row: its weight, the four numbers of (u, v), λ and what else is constant in time."""


def density_source(
    system: MomentSystem, channels: Sequence[sp.Expr], target: Target
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Source of the module for the coupling of ``system``, and which of :data:`PAIRS` it has.

    ``channels`` are expressions in its scalars and t.
    """
    lowering = Lowering(system, target, channels)
    lowering.names.reserve(*_LOCAL)
    wanted = [*lowering.more, *lowering.state_rhs]
    parts = [target.header, lowering.functions, lowering.prepare(), lowering.begin()]
    exprs_of = (wanted, lowering.outputs, *([lowering.calls] if lowering.calls else []))
    pairs = PAIRS[: len(exprs_of)]
    for (first, second), exprs in zip(pairs, exprs_of, strict=True):
        used = _used(lowering, exprs)
        body = _scalars(lowering, used, exprs)
        filled = lowering.errors() if second == "doubt" else _filled(lowering, exprs)
        parts.append(_averages(lowering, used, first))
        parts.append(function_source(f"{second}(t_, sums, memory, par, const, out)", [*body, *filled]))
    return "\n\n".join(parts), pairs


def _used(lowering: Lowering, wanted: Sequence[sp.Expr]) -> list[Reduction]:
    """The averages of what moves that ``wanted`` needs."""
    exprs = (*wanted, *(s.expression for s in needed(lowering.scalars, wanted)))
    symbols = set().union(*(e.free_symbols for e in exprs))
    return [r for r in lowering.dynamic if r.name in symbols]


def _averages(lowering: Lowering, used: Sequence[Reduction], called: str) -> str:
    """The sums over one class's law, added with its weight to ``sums``."""
    names, family = lowering.names, lowering.family
    symbols = set().union(*(r.summand.free_symbols for r in used))
    body = [f"{names(s)} = row[{COEFFICIENTS + k}]" for k, s in enumerate(family.coefficients) if s in symbols]
    body += [f"{name} = 0.0" for name in ("total", *(f"sum_{j}" for j in range(len(used))))]
    loop = ["plus = amp[0] * (1.0 + bump[0, i])", "minus = amp[1] * (1.0 + bump[1, i])"]
    loop += [
        f"{names(s)} = row[{PAIR + 2 * k}] * plus + row[{PAIR + 2 * k + 1}] * minus"
        for k, s in enumerate(family.states)
    ]
    loop += ["total += law[i]", *(f"sum_{j} += law[i] * ({names.code(r.summand)})" for j, r in enumerate(used))]
    body += ["for i in range(law.shape[0]):", *("    " + line for line in loop)] if used else []
    body += [f"sums[{j}] += row[{WEIGHT}] * sum_{j} / total" for j in range(len(used))]
    return function_source(f"{called}(s, m, grid, amp, bump, law, row, sums)", body)


def _scalars(lowering: Lowering, used: Sequence[Reduction], wanted: Sequence[sp.Expr]) -> list[str]:
    """Averages, scalars, memories and time, as far as expressions hold them."""
    names = lowering.names
    body = [*lowering.unpack(parameters=True, constants=True), f"{names(t)} = t_"]
    body += [f"{names(s.name)} = memory[{j}]" for j, s in enumerate(lowering.states)]
    body += [f"{names(r.name)} = sums[{j}]" for j, r in enumerate(used)]
    scalars = needed(lowering.scalars, wanted)
    ordered = statements([(s.name, s.expression) for s in scalars]) if scalars else []
    return body + [f"{names(name)} = {names.code(e)}" for name, e in ordered]


def _filled(lowering: Lowering, exprs: Sequence[sp.Expr]) -> list[str]:
    return [f"out[{k}] = {lowering.names.code(e)}" for k, e in enumerate(exprs)]
