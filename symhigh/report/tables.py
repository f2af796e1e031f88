"""Results as tables: data frames, and LaTeX with the rules of ``booktabs``.

Part of the reports; reads results, computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from symhigh.checks import optional, whole
from symhigh.notation import latex_table
from symhigh.report.figures import LABELS

Array = np.ndarray[Any, Any]


def curve_frame(t: Array, outputs: Mapping[str, Array]) -> Any:
    """A ``pandas.DataFrame`` with a row a time: ``t`` and the outputs."""
    return optional("to_dataframe", "pandas").DataFrame({"t": t, **outputs})


def runs_frame(t: Array, seeds: Sequence[int], outputs: Mapping[str, Array]) -> Any:
    """A ``pandas.DataFrame`` with a row for each run and time: ``seed``, ``t`` and the outputs."""
    columns = {"seed": np.repeat(seeds, t.size), "t": np.tile(t, len(seeds))}
    return optional("to_dataframe", "pandas").DataFrame(columns | {name: a.ravel() for name, a in outputs.items()})


def comparison_frame(t: Array, deviations: Mapping[str, Any]) -> Any:
    """A ``pandas.DataFrame`` with a row for each output and time: the error, its band and their ratio."""
    parts = ("error", "band", "standard_error", "raw", "ratio")
    columns = {"output": np.repeat([*deviations], t.size), "t": np.tile(t, len(deviations))}
    found = {p: np.concatenate([getattr(d, p) for d in deviations.values()]) for p in parts} if deviations else {}
    return optional("to_dataframe", "pandas").DataFrame(columns | found)


def outputs_latex(owner: str, t: Array, outputs: Mapping[str, Array], rows: int) -> str:
    """A LaTeX table of outputs at about ``rows`` equally spaced times; means where an output is of several runs."""
    count = whole(owner, "rows", rows, least=1, meaning="the number of times shown")
    places = np.unique(np.linspace(0, max(t.size - 1, 0), min(count, t.size)).round().astype(int))
    means = {name: values.mean(axis=0) if values.ndim > 1 else values for name, values in outputs.items()}
    header = ["$t$", *(LABELS.get(name, name.replace("_", " ")) for name in means)]
    return latex_table(header, [[_number(t[k]), *(_number(values[k]) for values in means.values())] for k in places])


def comparison_latex(t: Array, deviations: Mapping[str, Any]) -> str:
    """A LaTeX table with a line an output: its largest deviation, the band there, and when."""
    rows = [
        [LABELS.get(name, name.replace("_", " ")), *(_number(v[d.place]) for v in (d.error, d.band, t))]
        for name, d in deviations.items()
        if d.error.size
    ]
    return latex_table(["output", "largest deviation", "band there", "at $t$"], rows)


def _number(value: float) -> str:
    """Five digits, with a power of ten where it is far from one."""
    if not np.isfinite(value):
        return "--"
    text = f"{value:.5g}"
    digits, _, power = text.partition("e")
    return rf"${digits} \times 10^{{{int(power)}}}$" if power else f"${digits}$"
