"""The generated explicit method: an embedded Runge-Kutta pair with dense output, its tableau taken as data.

Default tableau: Dormand-Prince 8(5,3) with its 7th-order interpolant (Hairer, Nørsett, Wanner, *Solving Ordinary
Differential Equations I*, II.5-II.6). Its coefficients are constants of the module; of a limit it knows what the record
``limit`` holds, so one module serves all. Steps, outputs and events are those of :mod:`symhigh.codegen.control`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symhigh.codegen.control import COMBINE, DENSE_ROWS, FEW, control_source, table_source
from symhigh.codegen.dormand_prince import Tableau, dormand_prince_8

__all__ = ["dormand_prince_8", "explicit_source", "rows_needed"]


def explicit_source(tableau: Tableau, many: bool = False) -> str:
    """Source of the stepper's module, without the target's header.

    For ``many`` curves, states of fewer than ``FEW`` entries have combinations of their own, with coefficients written
    out: two thirds of the time of a step, for half as much again of the compiler's. The bits are the same.
    """
    last, extra, depth = len(tableau.b), len(tableau.c_dense), dense_rows(tableau)
    tables = {
        "STAGES": np.vstack([tableau.a, tableau.b]), "TIMES": tableau.c,
        "ERRORS": np.vstack([tableau.error_high, tableau.error_low]),
        "DENSE_STAGES": tableau.a_dense, "DENSE_TIMES": tableau.c_dense,
        "DENSE": _interpolant(tableau, rows_needed(tableau)),
    }  # fmt: skip
    text = "\n".join(f"{name} = {table_source(values)}" for name, values in tables.items())
    factors = ["s" if j % 2 == 1 else "rest" for j in range(depth)]
    nest = [line for j in range(depth - 1, -1, -1) for line in _nested(j, factors[j])]

    def combine(out: str, y: str, h: str, table: str, row: str, count: str) -> str:
        own, given = (f"_{table.lower()}", "") if many else ("", f"{table}, ")
        return f"combine{own}({out}, {y}, {h}, {given}{row}, K, {count})"

    method = _TEMPLATE.format(
        last=last, extra=extra, depth=depth, dense=DENSE_ROWS, nest="\n".join(nest),
        stage=combine("stage", "y", "h", "STAGES", "j", "j"), new=combine("new", "y", "h", "STAGES", "last", "last"),
        weighted=combine("weighted", "weighted", "1.0", "ERRORS", "j", "last + 1"),
        inside=combine("work[0]", "y", "h", "DENSE_STAGES", "j", f"{last} + 1 + j"),
        row=combine("row", "row", "h", "DENSE", "j", "width"),
    )  # fmt: skip
    if many:
        rows = {name: values for name, values in tables.items() if np.ndim(values) == 2}
        own = [_written_out(name, values[:, : None if name != "DENSE" else -1]) for name, values in rows.items()]
        method = "\n\n\n".join([*own, method])
    control = control_source(
        tableau.order, growth=10.0, evaluations=last, extra=extra + 1, inside=8, factors=factors, spare=8,
    )  # fmt: skip
    return "\n\n".join([text, COMBINE + method, control])


def _written_out(table: str, values: Any) -> str:
    """``combine`` for the rows of one table, in the same order of operations."""
    lines = [
        "@njit", f"def combine_{table.lower()}(out, y, h, row, K, count):",
        f"    if y.shape[0] >= {FEW}:", f"        combine(out, y, h, {table}, row, K, count)",
    ]  # fmt: skip
    for row, own in enumerate(values):
        if (stages := np.flatnonzero(own)).size:
            lines.append(f"    elif row == {row}:")
            lines += [f"        c{k} = h * {float(own[k])!r}" for k in stages]
            lines += ["        for i in range(y.shape[0]):", "            value = y[i]"]
            lines += [f"            value += c{k} * K[{k}, i]" for k in stages]
            lines.append("            out[i] = value")
    return "\n".join(lines)


def dense_rows(tableau: Tableau) -> int:
    """How many rows the solution inside a step has."""
    return 2 + len(tableau.dense)


def rows_needed(tableau: Tableau) -> int:
    """How many stage derivatives ``K`` must hold."""
    return len(tableau.b) + 1 + len(tableau.c_dense)


def _interpolant(tableau: Tableau, width: int) -> Any:
    """Rows F1, F2, … over (K, jump) of Hairer's nested form ``y + s(jump + (1-s)(F1 + s(F2 + (1-s)(…))))``.

    The last column multiplies the step's jump ``y(t+h) - y(t)``, the others ``h K``.
    """
    last = len(tableau.b)
    rows = np.zeros((2 + len(tableau.dense), width + 1))
    rows[0, 0], rows[0, width] = 1.0, -1.0
    rows[1, 0], rows[1, last], rows[1, width] = -1.0, -1.0, 2.0
    rows[2:, :width] = tableau.dense
    return rows


def _nested(j: int, factor: str) -> list[str]:
    """The solution inside a step and its slope, in Hairer's form, from row j + 1 to row j."""
    sign = "value + s * slope" if factor == "s" else "rest * slope - value"
    lines = [f"value = work[{DENSE_ROWS + j}, i] + nested", f"slope = {sign}", f"nested = {factor} * value"]
    return ["        " + line for line in lines]


_TEMPLATE = """@njit
def enter(t, y, K, work, limit):
    pass  # K[0] is the slope at y, from the first step on


@njit
def attempt(t, h, y, K, work, rtol, floor, limit):
    last = TIMES.shape[0]  # not written as a number, for which the compiler would make copies of combine
    stage = work[0]
    new = work[1]
    for j in range(1, last):
        {stage}
        limit.rhs(t + TIMES[j] * h, stage, K[j], limit.par, limit.coef, limit.w, limit.const)
    {new}
    limit.rhs(t + h, new, K[last], limit.par, limit.coef, limit.w, limit.const)
    limit.scales(y, new, stage, rtol, floor, limit.coef, limit.w)
    for j in range(2):
        weighted = work[2 + j]
        for i in range(y.shape[0]):
            weighted[i] = 0.0
        {weighted}
    error = 0.0  # the worst entry counts: in a mean, many frozen modes would hide a few fast ones
    for i in range(y.shape[0]):
        first = work[2, i]
        if first != 0.0:
            other = work[3, i] / first  # no square of a small number: it would be lost below 1e-154
            ratio = h * (abs(first) / stage[i]) / sqrt(1.0 + 0.01 * other * other)
            if ratio != ratio:
                return 1e300
            error = max(error, ratio)
    return error


@njit
def densify(t, h, y, K, work, limit):
    for j in range({extra}):
        {inside}
        limit.rhs(
            t + DENSE_TIMES[j] * h, work[0], K[{last} + 1 + j], limit.par, limit.coef, limit.w, limit.const
        )
    width = DENSE.shape[1] - 1
    for j in range({depth}):
        row = work[{dense} + j]
        for i in range(y.shape[0]):
            row[i] = DENSE[j, width] * (work[1, i] - y[i])
        {row}


@njit
def doubt(t, h, y, K, work, rtol, floor, limit):
    s = 0.31  # where an error s^4 (1 - s)^4 inside is steepest; how far is it there from solving the equations?
    rest = 1.0 - s
    new = work[1]
    for i in range(y.shape[0]):
        jump = new[i] - y[i]
        nested = 0.0
        slope = 0.0
{nest}
        work[0, i] = y[i] + s * (jump + nested)
        work[2, i] = (jump + nested + s * slope) / h
    limit.rhs(t + s * h, work[0], work[3], limit.par, limit.coef, limit.w, limit.const)
    limit.scales(y, new, work[0], rtol, floor, limit.coef, limit.w)
    worst = 0.0
    for i in range(y.shape[0]):
        worst = max(worst, 0.26 * h * abs(work[2, i] - work[3, i]) / work[0, i])
    return worst


@njit
def accept(t, y, K, work, limit):
    for i in range(y.shape[0]):
        y[i] = work[1, i]
        K[0, i] = K[{last}, i]
"""
