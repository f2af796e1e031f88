"""What says which sweep a folder holds: experiment, grid, seeds and sources, so that no two sweeps mix.

Beside :mod:`symhigh.simulation.grid`, which writes the cells. The manifest is ``sweep.json``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from symhigh import __version__
from symhigh.disk import keep
from symhigh.simulation.identity import library_hash, source_hash


def claim_folder(
    folder: Path, experiment: Callable[..., Any], grid: Mapping[str, Sequence[Any]], seeds: Sequence[int]
) -> None:
    """State the sweep in its folder, or check that the folder holds this one."""
    name = getattr(experiment, "__qualname__", type(experiment).__name__)
    stated = {
        "experiment": name,
        "source": source_hash(experiment),
        "over": grid,
        "seeds": list(seeds),
        "symhigh": __version__,
        "symhigh_source": library_hash(),
    }
    text = json.dumps(stated, indent=1, default=_plain)
    manifest = folder / "sweep.json"
    if manifest.exists():
        try:
            there = json.loads(manifest.read_text(encoding="utf-8"))
            there.keys()
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            raise ValueError(
                f"sweep(out={str(folder)!r}): sweep.json is damaged, so nothing says which sweep this is: {error}; "
                "give an empty folder"
            ) from error
        _compare(folder, there, json.loads(text))
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"sweep(out={str(folder)!r}): cannot be made: {error.strerror or error}") from error
    if stray := next(folder.glob("cell-*.parquet"), None):
        raise ValueError(
            f"sweep(out={str(folder)!r}): the folder holds {stray.name} and no sweep.json, so nothing says which sweep "
            "it belongs to; give an empty folder"
        )
    keep("sweep", manifest, text)


def _compare(folder: Path, there: dict[str, Any], here: dict[str, Any]) -> None:
    """``ValueError`` naming what differs, where the folder's sweep is another one."""
    words = {
        "source": "the experiment's source has changed since",
        "symhigh": f"it was made with symhigh {there.get('symhigh')}",
        "symhigh_source": "symhigh's source has changed since",
    }
    for key in here:
        if there.get(key) != here[key]:
            said = words.get(key, f"{key} was {there.get(key)!r} and is {here[key]!r}")
            raise ValueError(
                f"sweep(out={str(folder)!r}): the folder holds another sweep, for {said}; old and new cells must not "
                "mix, so give an empty folder"
            )


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(
        f"sweep(over=…): {value!r} is neither a number, a boolean nor text; build objects in the experiment"
    )
