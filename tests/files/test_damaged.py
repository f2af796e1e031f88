"""Archives that were cut, scrambled or edited: loaded as they were, or refused in words; and disks that are full."""

from __future__ import annotations

import errno
import json
import os
import random
import zipfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symhigh as sh
from tests.test_pickle import same

PROBLEM, RULE = sh.least_squares(0.3), sh.Constant(0.5)
POPULATION = sh.Spectrum.from_eigenvalues([1.0, 0.5]), sh.Start(0.5, 1, 0.3)
TIMES = [0.0, 0.5, 1.0]


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    curve = sh.derive(PROBLEM, RULE).solve(*POPULATION, 1.0, t=TIMES)
    runs = sh.simulate(PROBLEM, RULE, *POPULATION, 64, 1.0, 4, t=TIMES)
    return {"Curve": curve, "Runs": runs, "Comparison": sh.compare(curve, runs)}


def damaged(data: bytes, count: int) -> Iterator[bytes]:
    """Bits turned, bytes replaced, ends cut off."""
    draw = random.Random(0)
    for k in range(count):
        edited, place = bytearray(data), draw.randrange(len(data))
        if k % 3 == 0:
            edited[place] ^= 1 << draw.randrange(8)
        elif k % 3 == 1:
            edited[place : place + 30] = draw.randbytes(30)
        else:
            del edited[place:]
        yield bytes(edited)


def test_bytes_that_were_damaged(results: dict[str, Any], tmp_path: Path) -> None:
    curve = results["Curve"]
    file = curve.save(tmp_path / "whole.npz")
    for data in damaged(file.read_bytes(), 200):
        (tmp_path / "edited.npz").write_bytes(data)
        try:
            back = sh.Curve.load(tmp_path / "edited.npz", curve.system)
        except ValueError as error:
            assert str(error).startswith("Curve.load(")  # noqa: PT017
        else:
            assert same(back.outputs, curve.outputs)


@pytest.mark.parametrize(("flags", "method"), [(1, 8), (0, 12), (0, 14), (0, 99)])
def test_parts_that_no_reader_opens(results: dict[str, Any], tmp_path: Path, flags: int, method: int) -> None:
    """Marked as encrypted, or as compressed in another way than they are."""
    data = bytearray(results["Curve"].save(tmp_path / "whole.npz").read_bytes())
    for head, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # before each part, and in the list at the end
        start = -1
        while (start := data.find(head, start + 1)) >= 0:
            data[start + place] |= flags
            data[start + place + 2] = method
    (tmp_path / "edited.npz").write_bytes(data)
    with pytest.raises(ValueError, match=r"^Curve\.load\(.*: this is no result of symhigh, or it is dam") as caught:
        sh.Curve.load(tmp_path / "edited.npz", results["Curve"].system)
    assert len(str(caught.value)) < 600


def edits(tree: Any, put: Callable[[Any], None]) -> Iterator[None]:
    """Every part of a header in turn replaced by what does not belong there."""
    for wrong in (None, "x", -1, [], {}, {"mapping": 1}, 1e400):
        put(wrong)
        yield
    put(tree)
    items = enumerate(tree) if isinstance(tree, list) else tree.items() if isinstance(tree, dict) else ()
    for key, part in [*items]:
        yield from edits(part, lambda value, key=key: tree.__setitem__(key, value))  # type: ignore[misc]
        tree[key] = part


@pytest.mark.parametrize("name", ["Curve", "Runs", "Comparison"])
def test_headers_that_were_edited(name: str, results: dict[str, Any], tmp_path: Path) -> None:
    """Whatever part is of another kind: an error of the file's, or a result."""
    made = results[name]
    with np.load(made.save(tmp_path / "whole.npz")) as archive:
        arrays = dict(archive)
    header = json.loads(str(arrays.pop("header")[()]))
    given = {} if name == "Comparison" else {"system": results["Curve"].system}
    file, every = tmp_path / "edited.npz", sum(1 for _ in edits(header, lambda value: None)) // 100
    assert every > 0
    for _ in islice(edits(header, lambda value: None), 1, None, every):
        np.savez(file, **arrays, header=np.array(json.dumps(header)))
        try:
            getattr(sh, name).load(file, **given)
        except (ValueError, TypeError) as error:
            assert f"{name}.load(" in str(error)  # noqa: PT017


def test_what_is_no_archive_at_all(tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    np.savez(file, header=np.array("[" * 100_000))
    with pytest.raises(ValueError, match=r"Curve.load\(.*no result of symhigh"):
        sh.Curve.load(file)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("header.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}")
    with pytest.raises(ValueError, match=r"Curve.load\(.*no result of symhigh"):
        sh.Curve.load(file)
    file.unlink()
    file.mkdir()
    with pytest.raises(ValueError, match=r"Curve.load\("):
        sh.Curve.load(file)


def test_a_full_disk_keeps_the_file_that_was_there(
    results: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    curve = results["Curve"]
    file = curve.save(tmp_path / "curve.npz")
    before = file.read_bytes()

    def full(self: Path, data: bytes) -> None:
        with self.open("wb") as stream:
            stream.write(data[:2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ValueError, match=r"Curve.save\('.*curve.npz'\): cannot be written: No space left on device"):
        curve.save(file)
    assert file.read_bytes() == before
    assert [*tmp_path.iterdir()] == [file]
