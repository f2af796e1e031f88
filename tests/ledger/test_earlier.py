"""Rows of earlier runs: taken where all that they rest on is the same, and examined again where anything is not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import symhigh as sh
from symhigh.cli import main
from symhigh.ledger import examine
from symhigh.ledger.rows import Ledger

MAIN = "from symhigh.cli import main; main()"
CLAIMS = '''"""Two claims, and what they use."""
import sympy as sp
from symhigh.ledger import Claim, equal, numeric, symbolic
from helper import TWO
a = sp.Symbol("a", positive=True)

@symbolic
def square():
    """The square of a sum."""
    return equal((a + 1)**2, a**2 + TWO*a + 1)

first = Claim("square", id="e/square", evidence=square)
OTHER = 1
second = Claim("sine", id="e/sine", evidence=numeric(OTHER*sp.sin(2*a), 2*sp.sin(a)*sp.cos(a)))
'''


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SYMHIGH_CACHE", str(tmp_path / "kept"))
    place = tmp_path / "claims"
    place.mkdir()
    (place / "helper.py").write_text("TWO = 2\n")
    (place / "claims.py").write_text(CLAIMS)
    return place / "claims.py"


def taken(ledger: Ledger) -> list[str]:
    """The ids of the rows that were taken from an earlier run."""
    return [row.id for row in ledger.rows if row.examined]


def again(file: Path | str, **settings: object) -> Ledger:
    return sh.verify(file, jobs=1, resume=True, **settings)  # type: ignore[arg-type]


def plain(ledger: Ledger) -> list[dict[str, object]]:
    return [{k: v for k, v in row.to_dict().items() if k != "examined"} for row in ledger.rows]


def test_what_rests_on_the_same_is_taken_and_says_so(file: Path) -> None:
    before = sh.verify(file, jobs=1)
    assert taken(before) == []
    after = again(file)
    assert taken(after) == ["e/square", "e/sine"]
    assert plain(after) == plain(before)
    assert "2 of the rows were taken from earlier runs" in after.summary()
    assert f"(examined {after.rows[0].examined})" in after.text()
    assert f"examined {after.rows[0].examined}" in after.to_html()
    assert taken(sh.verify(file, jobs=1)) == []  # only where it is asked for
    assert taken(again(f"{file}::e/sine")) == ["e/sine"]
    assert taken(again(file, words=["square"])) == ["e/square"]


def changed(name: str, old: str, new: str) -> Callable[[Path, pytest.MonkeyPatch], None]:
    def change(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        place = file.with_name(name)
        assert old in place.read_text()
        place.write_text(place.read_text().replace(old, new))

    return change


def other_target(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMHIGH_TARGET", "numpy")


def other_setting(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examine._surroundings.cache_clear()
    monkeypatch.setenv("SYMPY_USE_CACHE", "yes")


def other_package(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examine._surroundings.cache_clear()
    (file.parents[1] / "beside" / "newcomer-1.0.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(file.parents[1] / "beside"))


def other_source(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examine._surroundings.cache_clear()
    monkeypatch.setattr(examine, "library_hash", lambda: "another")


@pytest.mark.parametrize(
    ("change", "still"),
    [
        (changed("claims.py", "OTHER = 1", "OTHER = 1.0"), ["e/square"]),
        (changed("claims.py", "of a sum", "of any sum"), ["e/sine"]),
        (changed("claims.py", "a = sp.Symbol", "a  =  sp.Symbol"), []),
        (changed("claims.py", "Two claims", "The claims"), ["e/square", "e/sine"]),
        (changed("helper.py", "TWO = 2", "TWO = 1 + 1"), ["e/sine"]),
        (other_target, []),
        (other_setting, []),
        (other_package, []),
        (other_source, []),
    ],
)  # fmt: skip
def test_what_rests_on_something_else_is_examined_again(
    change: Callable[[Path, pytest.MonkeyPatch], None], still: list[str], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sh.verify(file, jobs=1)
    change(file, monkeypatch)
    assert taken(again(file)) == still
    examine._surroundings.cache_clear()


@pytest.mark.parametrize("settings", [{"quick": True}, {"seed": 1}])
def test_other_settings_have_rows_of_their_own(settings: dict[str, object], file: Path) -> None:
    sh.verify(file, jobs=1)
    assert taken(again(file, **settings)) == []
    assert len(taken(again(file, **settings))) == 2
    assert len(taken(again(file))) == 2


@pytest.mark.parametrize("place", ["module", "evidence"])
def test_claims_that_read_a_file_of_their_own_are_never_kept(place: str, file: Path) -> None:
    (file.parent / "data.txt").write_text("2\n")
    read = f"import pathlib; TWO = int(pathlib.Path({str(file.parent / 'data.txt')!r}).read_text())"
    if place == "module":
        changed("claims.py", "from helper import TWO", read)(file, None)  # type: ignore[arg-type]
    else:
        changed("claims.py", "    return equal(", f"    {read}\n    return equal(")(file, None)  # type: ignore[arg-type]
    sh.verify(file, jobs=1)
    assert taken(again(file)) == ([] if place == "module" else ["e/sine"])


@pytest.mark.parametrize(
    ("read", "kept"),
    [
        ("file.write_text('2'); file.read_text()", True),
        ("file = Path(tempfile.mkdtemp()) / 'a'; os.close(os.open(file, os.O_CREAT)); file.read_text()", True),
        ("file.open('a').close(); file.read_text()", False),
        ("file.open('r+').close(); file.write_text('2'); file.read_text()", False),
    ],
)
def test_what_a_claim_made_itself_it_may_read(read: str, kept: bool, file: Path) -> None:
    own = file.parent / "own.txt"
    own.write_text("1")
    read = f"import os, tempfile; from pathlib import Path; file = Path({str(own)!r}); {read}"
    changed("claims.py", "    return equal(", f"    {read}\n    return equal(")(file, None)  # type: ignore[arg-type]
    sh.verify(file, jobs=1)
    assert taken(again(file)) == ["e/square", "e/sine"][not kept :]


def test_metadata_of_packages_installed_from_elsewhere_are_not_read(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an editable installation has them: beside the source, found by a hook that is no file."""
    folder = file.parent.parent / "elsewhere" / "some.egg-info"
    folder.mkdir(parents=True)
    (folder / "entry_points.txt").write_text("[some]\nwhere = some:where")
    for entry in (str(folder.parent), str(folder / "finder.__path_hook__")):
        monkeypatch.syspath_prepend(entry)
    read = "from importlib.metadata import entry_points; assert entry_points(group='some')"
    changed("claims.py", "    return equal(", f"    {read}\n    return equal(")(file, monkeypatch)
    assert sh.verify(file, jobs=1).as_expected
    assert taken(again(file)) == ["e/square", "e/sine"]


SOLVED = """
import symhigh as sh
from symhigh.ledger import Claim, integrated
LINE = sh.Spectrum.isotropic(), sh.Start()

@integrated
def curve(trial):
    import colorsys  # a module whose byte code is not there yet
    yield sh.derive(sh.least_squares(1.75), sh.AdaGradNorm(1, 0.3)).solve(*LINE, 10).risk[0], (1 + 1.75**2) / 2

claim = Claim("first risk", id="e/first", evidence=curve)
"""


def test_what_is_compiled_meanwhile_is_not_read(file: Path) -> None:
    """Neither shared objects nor byte code, wherever that lies, keep a row from being kept."""
    file.write_text(SOLVED)
    elsewhere = f"import sympy, scipy.integrate, sys; sys.pycache_prefix = {str(file.parent / 'bytes')!r}; "
    for which in range(2):
        done = subprocess.run(
            [sys.executable, "-c", elsewhere + MAIN, "verify", str(file), "-j", "1"], text=True, capture_output=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        assert ("1 of the rows" in done.stdout) == bool(which)
    kinds = {made.suffix for made in (file.parent.parent / "kept").iterdir()}
    assert kinds & {".so", ".bin", ".nbc"}


@pytest.mark.parametrize(("side", "verdict"), [("undefined", "error"), ("a + (a + 1)**2", "refuted")])
def test_rows_that_do_not_end_as_expected_are_not_kept(side: str, verdict: str, file: Path) -> None:
    changed("claims.py", "equal((a + 1)**2", f"equal({side}")(file, None)  # type: ignore[arg-type]
    assert sh.verify(file, jobs=1).rows[0].verdict.value == verdict
    assert taken(again(file)) == ["e/sine"]


def test_damage_and_what_cannot_be_read_are_survived(file: Path) -> None:
    sh.verify(file, jobs=1)
    (kept,) = (file.parent.parent / "kept").glob("r_*.json")
    kept.write_bytes(kept.read_bytes()[:-10])
    assert taken(again(file)) == []
    assert len(taken(again(file))) == 2
    file.write_text("def broken(:\n")
    (row,) = again(file).rows
    assert "SyntaxError" in row.support


def test_a_run_that_was_killed_goes_on_where_it_was(file: Path) -> None:
    slow = "    import time; time.sleep(60)\n    return []\n"
    file.write_text(f'{CLAIMS}\n@symbolic\ndef never():\n{slow}\nlast = Claim("never", evidence=never)\n')
    run = subprocess.Popen(
        [sys.executable, "-c", MAIN, "verify", str(file), "-j", "1"], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    folder, end = file.parent.parent / "kept", time.monotonic() + 120
    try:
        while not any(b"sine" in kept.read_bytes().split(b"rows")[-1] for kept in folder.glob("r_*.json")):
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        run.kill()
        run.communicate()
    file.write_text(CLAIMS)
    assert taken(again(file)) == ["e/square", "e/sine"]


def test_the_command_takes_rows_unless_all_is_to_be_examined(file: Path, tmp_path: Path) -> None:
    def command(*options: str) -> str:
        done = CliRunner().invoke(main, ["verify", str(file), "-j", "1", *options])
        assert done.exit_code == 0, done.output
        return done.output

    assert "earlier runs" not in command()
    shown = command()
    assert shown.count("(examined ") == 2
    assert "2 of the rows were taken from earlier runs" in shown
    assert "--fresh" in shown
    assert "earlier runs" not in command("--fresh")
    assert "earlier runs" not in command("--record", str(tmp_path / "r.json"))
    both = CliRunner().invoke(main, ["verify", str(file), "--resume", "--record", str(tmp_path / "r.json")])
    assert both.exit_code == 2
    assert "--record writes down one run" in both.output
