"""Nested data as one NumPy archive without pickles: arrays by number, and a header in JSON that says where they belong.

Part of the files. The header names the kind of the result and the version of its form, so that a wrong file is refused
by name.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from symhigh import __version__
from symhigh.checks import shown
from symhigh.disk import keep

FORM = 1
"""The version of the form; a later one is refused."""
_HEADER, _ARRAY = "header", "array of the archive"
_ACCIDENTS = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError)
"""What reading raises where a part is missing, of another kind, or endless."""
_WORDS = 300
"""Characters of an error that are shown."""


def save_archive(owner: str, path: str | Path, kind: str, tree: Mapping[str, Any]) -> Path:
    """Write mappings, lists, text, numbers and arrays under ``path``, which ends in .npz; returns the path."""
    file = _path(owner, path)
    arrays: dict[str, Any] = {}
    header = {"symhigh": kind, "form": FORM, "version": __version__, "content": _pack(tree, arrays)}
    arrays[_HEADER] = np.array(json.dumps(header))
    return keep(owner, file, compressed(arrays))


def compressed(arrays: Mapping[str, Any]) -> bytes:
    """Arrays by name as the content of a compressed ``.npz`` file."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def load_archive(owner: str, path: str | Path, kind: str) -> dict[str, Any]:
    """What :func:`save_archive` wrote; ``ValueError`` for a file of another kind, or none of symhigh's."""
    file = _path(owner, path)
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header = json.loads(str(arrays.pop(_HEADER)[()]))
        found, form, content = header["symhigh"], header["form"], header["content"]
    except FileNotFoundError as error:
        raise ValueError(f"{owner}({str(file)!r}): there is no such file") from error
    except Exception as error:  # zipfile, its decompressors and NumPy have no common one for a damaged file
        raise ValueError(
            f"{owner}({str(file)!r}): this is no result of symhigh, or it is damaged: {_brief(error)}"
        ) from error
    if found != kind:
        raise ValueError(f"{owner}({str(file)!r}): the file holds a {found}, not a {kind}; use {found}.load")
    if form != FORM:
        raise ValueError(
            f"{owner}({str(file)!r}): written by symhigh {header.get('version')} in form {form}; this version, "
            f"{__version__}, reads form {FORM}"
        )
    with read_from(owner, file):
        tree = _unpack(content, arrays)
        if not isinstance(tree, dict):
            raise TypeError(f"its content is a {type(tree).__name__}")
    return tree


def _brief(error: Exception) -> str:
    """The words of an error, which may show what a damaged file holds, without end."""
    text = str(error) or type(error).__name__
    return text if len(text) <= _WORDS else f"{text[:_WORDS]}…"


@contextmanager
def read_from(owner: str, path: str | Path) -> Iterator[None]:
    """What the parts of an archive do not allow is said of the file."""
    try:
        yield
    except (*_ACCIDENTS, ValueError) as error:
        if owner in str(error):
            raise
        said = f"{_brief(error)} is missing" if isinstance(error, KeyError) else _brief(error)
        raise ValueError(f"{owner}({str(path)!r}): the file is damaged, or no result of symhigh: {said}") from error


def _path(owner: str, path: str | Path) -> Path:
    if not isinstance(path, (str, Path)):
        raise TypeError(f"{owner}(path={shown(path)}): path must be text or a Path")
    file = Path(path)
    if not file.name:
        raise ValueError(f"{owner}(path={shown(path)}): path must name a file")
    return file if file.suffix == ".npz" else file.with_name(file.name + ".npz")


def _pack(value: Any, arrays: dict[str, Any]) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            raise TypeError(f"an array of objects cannot be saved: {value!r}")
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {_ARRAY: name}
    if isinstance(value, Mapping):
        return {"mapping": [[_pack(k, arrays), _pack(v, arrays)] for k, v in value.items()]}
    if isinstance(value, tuple | list):
        return [_pack(entry, arrays) for entry in value]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} cannot be saved")


def _unpack(value: Any, arrays: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return tuple(_unpack(entry, arrays) for entry in value)
    if not isinstance(value, dict):
        return value
    if _ARRAY in value:
        return arrays[value[_ARRAY]]
    return {_unpack(k, arrays): _unpack(v, arrays) for k, v in value["mapping"]}
