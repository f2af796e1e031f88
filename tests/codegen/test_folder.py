"""The private folder: what makes one unsafe, what is said of it, files that are whole or not there."""

from __future__ import annotations

import errno
import hashlib
import os
import warnings
from pathlib import Path

import pytest

from symhigh.codegen import folder
from symhigh.codegen.folder import cache_folder, sealed, unsealed, warn_once, write_whole


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was warned about yet."""
    monkeypatch.setattr(folder, "_warned", set())
    folder._private.cache_clear()


def test_content_is_sealed_by_its_digest(tmp_path: Path) -> None:
    file = tmp_path / "kept"
    for content in (b"", b"some bytes", bytes(range(256)) * 9):
        assert sealed(content) == hashlib.sha256(content).digest() + content
        file.write_bytes(sealed(content))
        assert unsealed(file) == content
        assert file.exists()
        whole = sealed(content)
        for damaged in (whole[:-1], whole + b"\0", whole[1:], b"\0" + whole[1:]):
            file.write_bytes(damaged)
            assert unsealed(file) is None
            assert not file.exists()
    assert unsealed(file) is None


def test_places_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    monkeypatch.setenv("SYMHIGH_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "own"
    monkeypatch.setenv("SYMHIGH_CACHE", "")
    assert cache_folder() == tmp_path / "xdg" / "symhigh"
    monkeypatch.delenv("XDG_CACHE_HOME")
    found = cache_folder()
    assert found == tmp_path / "home" / ".cache" / "symhigh"
    assert found.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("mode", "fault"),
    [(0o700, ""), (0o755, ""), (0o770, "others can write in it"), (0o702, "others can write in it"), (0o707, "others")],
)
def test_others_may_read_but_not_write(tmp_path: Path, mode: int, fault: str) -> None:
    place = tmp_path / "kept"
    place.mkdir()
    place.chmod(mode)
    assert folder._fault(place).startswith(fault)
    assert bool(folder._fault(place)) == bool(fault)


def test_parents_that_others_can_write_in_are_no_shelter_but_where_they_cannot_rename(tmp_path: Path) -> None:
    place = tmp_path / "parent" / "kept"
    place.mkdir(parents=True, mode=0o700)
    place.parent.chmod(0o777)
    assert folder._fault(place) == f"others can replace it, as they can write in {str(place.parent)!r}"
    place.parent.chmod(0o1777)
    assert folder._fault(place) == ""
    place.parent.chmod(0o755)
    assert folder._fault(place) == ""


def test_where_users_have_no_numbers_profiles_are_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o777)
    monkeypatch.delattr(os, "getuid")
    assert folder._fault(tmp_path) == ""
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert folder._fault(tmp_path) == "it cannot be written"


def test_one_fault_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.warns(RuntimeWarning, match=r"^broken; generated code stays in memory .* Set SYMHIGH_CACHE"):
        warn_once("broken")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_once("broken")
    with pytest.warns(RuntimeWarning, match="^other;"):
        warn_once("other")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SYMHIGH_CACHE", str(tmp_path / "file" / "kept"))
    with pytest.warns(RuntimeWarning, match=r"kept' for generated code is not used, since it cannot be made: Not"):
        assert cache_folder() is None


def test_files_are_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "kept"
    for content in (b"one", b"another", b""):
        write_whole(file, content)
        assert file.read_bytes() == content
    assert os.listdir(tmp_path) == ["kept"]

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(RuntimeWarning, match=r"cannot be written to .*: No space left on device"):
        write_whole(file, b"more")
    assert file.read_bytes() == b""
    assert os.listdir(tmp_path) == ["kept"]
