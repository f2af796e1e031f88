"""The folder that an experiment leaves: its statement, equations, curve, runs, a figure and the verdict.

Part of the files. Tables are CSV, runs also NumPy arrays without pickles; nothing is written into a folder that holds
something else.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from symhigh import __version__
from symhigh.disk import keep
from symhigh.files.archive import compressed
from symhigh.files.experiment import Experiment, write_experiment
from symhigh.integration.curve import Curve
from symhigh.integration.network import NetworkCurve
from symhigh.report.equations import equations_latex, equations_text
from symhigh.report.figures import picture, plot_confrontation
from symhigh.report.strict import strict_json
from symhigh.simulation.runs import Runs
from symhigh.system import MomentSystem

VERDICT = "verdict.json"
_OWNER = "Experiment.run"


def claim_folder(folder: str | Path) -> Path:
    """Make the folder, or say why nothing can be written there, before any work."""
    path, owner = Path(folder), f"Experiment.run(folder={str(folder)!r})"
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK):
            raise PermissionError(0, "no permission to write there")
    except OSError as error:
        raise ValueError(f"{owner}: cannot be written: {error.strerror}") from error
    if any(path.iterdir()) and not (path / VERDICT).exists():
        raise ValueError(f"{owner}: the folder holds files that are not of an experiment; give an empty or a new one")
    return path


def write_folder(
    folder: Path, experiment: Experiment, system: MomentSystem, curve: Curve | NetworkCurve, ensembles: Sequence[Runs],
    verdict: Mapping[str, Any],
) -> list[Path]:  # fmt: skip
    """Write all files, the verdict last; returns their paths."""
    title = f"% {experiment.name}: {system.problem.name} under {type(system.rule).__name__}. symhigh {__version__}\n"
    written = [
        _text(folder / "experiment.toml", write_experiment(experiment)),
        _text(folder / "equations.txt", equations_text(system) + "\n"),
        _text(folder / "equations.tex", f"{title}\\[\n{equations_latex(system)}\n\\]\n"),
        _table(folder / "curve.csv", ("t", *curve.outputs), zip(curve.t, *curve.outputs.values(), strict=True)),
    ]
    for runs in ensembles:
        base = folder / f"runs-d{runs.d}"
        rows = (
            (seed, t, *(values[k, j] for values in runs.outputs.values()))
            for k, seed in enumerate(runs.seeds)
            for j, t in enumerate(runs.t)
        )
        written.append(_table(base.with_suffix(".csv"), ("seed", "t", *runs.outputs), rows))
        arrays: dict[str, Any] = {"t": runs.t, "seeds": np.array(runs.seeds), **runs.outputs}
        written.append(keep(_OWNER, base.with_suffix(".npz"), compressed(arrays)))
    figure = plot_confrontation(curve, ensembles, shown_outputs(curve, ensembles))
    written += [keep(_OWNER, folder / f"figure.{form}", picture(figure, form)) for form in ("png", "pdf")]
    return [*written, _text(folder / VERDICT, strict_json(verdict, indent=2) + "\n")]


def shown_outputs(curve: Curve | NetworkCurve, ensembles: Sequence[Runs]) -> tuple[str, ...]:
    """The outputs of the figure: the risk, and the learning rate or a network's curvature."""
    wanted = ("risk", "curvature" if isinstance(curve, NetworkCurve) else "learning_rate")
    return tuple(n for n in wanted if n in curve.outputs and all(n in r.outputs for r in ensembles))


def _text(path: Path, text: str) -> Path:
    return keep(_OWNER, path, text)


def _table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([repr(float(v)) if isinstance(v, float) else v for v in row] for row in rows)
    return keep(_OWNER, path, text.getvalue())
