"""Records of verifications: what stands in them, and what a replay finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import symhigh as sh
from symhigh.cli import main
from symhigh.ledger import Ledger, record

CLAIMS = """
import sympy as sp
from symhigh.ledger import Claim, REFUTED, integrated, numeric, symbolic
from constants import TWO
a = sp.Symbol("a", positive=True)
square = Claim("square", id="r/1", evidence=[symbolic((a + 1)**2, a**2 + TWO*a + 1)])
sine = Claim("sine", id="r/2", evidence=[numeric(sp.sin(2*a), 2*sp.sin(a)*sp.cos(a))])
@integrated
def drawn(trial):
    yield trial.rng.uniform(1, 2), 1
draw = Claim("draw", id="r/3", evidence=[drawn], expect=REFUTED)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "constants.py").write_text("TWO = 2\n")
    (tmp_path / "claims.py").write_text(CLAIMS)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def recorded(folder: Path, *more: str) -> dict[str, Any]:
    result = run("verify", str(folder / "claims.py"), "-j", "1", "--record", str(folder / "record.json"), *more)
    assert result.exit_code == 0, result.output

    def strict(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return dict(json.loads((folder / "record.json").read_text("utf-8"), parse_constant=strict))


def test_a_record_says_what_was_run_on_what(folder: Path) -> None:
    data = recorded(folder, "--seed", "7", "--quick")
    assert data["settings"] == {"quick": True, "seed": 7, "second": False, "words": []}
    assert data["versions"]["symhigh"] == sh.__version__
    assert {"python", "sympy", "mpmath", "numpy", "scipy"} <= set(data["versions"])
    assert data["paths"] == ["claims.py"]
    assert [(row["id"], row["verdict"]) for row in data["rows"]] == [
        ("r/1", "proved"), ("r/2", "verified"), ("r/3", "refuted"),
    ]  # fmt: skip
    assert all(len(row["source"]) == 64 for row in data["rows"])
    assert "relative difference" in data["rows"][2]["lines"][0]["detail"]
    assert not (folder / "record.json.part").exists()


def test_a_replay_elsewhere_is_the_same(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    recorded(folder)
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "moved"
    folder.rename(elsewhere)
    result = run("replay", str(elsewhere / "record.json"), "-j", "1")
    assert result.exit_code == 0, result.output
    assert "3 claims replayed: all the same" in result.output
    elsewhere.rename(folder)


CHANGES = {
    "a number that is drawn": (lambda text: text.replace("uniform(1, 2)", "uniform(1, 3)"), "r/3, line 1: detail was"),
    "a verdict": (lambda text: text.replace("a**2 + TWO*a", "a**2 + 3*a"), "r/1: verdict was proved, is refuted"),
    "a claim that is gone": (lambda text: text.replace("sine = Claim", "sine = dict"), "r/2: not"),
    "a claim that is new": (lambda text: text + "new = Claim('n', evidence=[symbolic(a, a)])", "n: not in the record"),
    "a line more": (
        lambda text: text.replace("symbolic((a", "symbolic(a, a), symbolic((a"),
        "r/1: 1 lines of evidence were recorded, 2 are there",
    ),
    "a comment": (lambda text: text + "# other\n", "r/1: source was"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_replay_tells_what_differs(folder: Path, name: str) -> None:
    change, words = CHANGES[name]
    recorded(folder)
    (folder / "claims.py").write_text(change(CLAIMS))
    result = run("replay", str(folder / "record.json"), "-j", "1")
    assert result.exit_code == 1
    assert words in result.output


def test_another_seed_gives_other_numbers(folder: Path) -> None:
    """So the seed is recorded, and used."""
    first, second = (recorded(folder, "--seed", seed)["rows"][2]["lines"][0]["detail"] for seed in ("1", "2"))
    assert first != second
    assert record.replay(folder / "record.json", jobs=1).same


def test_other_versions_and_sources_are_told_and_no_difference(folder: Path) -> None:
    data = recorded(folder)
    data["versions"]["sympy"], data["symhigh_source"] = "1.0", "0" * 16
    (folder / "record.json").write_text(json.dumps(data), "utf-8")
    result = run("replay", str(folder / "record.json"), "-j", "1")
    assert result.exit_code == 0
    assert "not as recorded: sympy was 1.0, is " in result.output
    assert "not as recorded: symhigh's source was 0000" in result.output
    shown = json.loads(run("replay", str(folder / "record.json"), "-j", "1", "--json").stdout)
    assert shown["same"] is True
    assert len(shown["surroundings"]) == 2


SETTINGS = {"quick": False, "seed": 0, "second": False, "words": []}
ROW = {"id": "", "file": "", "lines": []}


def _whole(**other: object) -> str:
    """A record but for what is given otherwise."""
    empty = {"versions": {}, "machine": {}, "symhigh_source": "", "paths": [], "rows": [], "settings": SETTINGS}
    return json.dumps({"symhigh_record": 1} | empty | other)


DAMAGED = {
    "no file": (None, "No such file"),
    "no JSON": ("{", "no record of symhigh"),
    "a list": ("[]", "no record of symhigh"),
    "another table": ("{}", "no record of symhigh"),
    "a later form": ('{"symhigh_record": 99}', "a record of form 99"),
    "a half": ('{"symhigh_record": 1, "versions": {}}', "damaged, machine is missing"),
    "text for rows": (_whole(rows=[1]), "damaged, rows"),
    "a number for a path": (_whole(paths=[1]), "damaged, paths"),
    "a line that is none": (_whole(rows=[ROW | {"lines": ["x"]}]), "damaged, rows"),
    **{f"{key} of another kind": (_whole(settings=SETTINGS | {key: {}}), f"damaged, {key}") for key in SETTINGS},
    **{f"{key} of a row of another kind": (_whole(rows=[ROW | {key: 1}]), "damaged, rows") for key in ROW},
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_no_record_is_a_wrong_use(tmp_path: Path, name: str) -> None:
    text, words = DAMAGED[name]
    if text is not None:
        (tmp_path / "record.json").write_text(text)
    result = run("replay", str(tmp_path / "record.json"))
    assert result.exit_code == 2
    assert words in result.output
    assert isinstance(result.exception, SystemExit)


def test_claims_that_are_shipped_need_no_files_beside_the_record(tmp_path: Path) -> None:
    file = record.SHIPPED / "neighbours" / "students.py"
    name = record._named(f"{file}::one", tmp_path)
    assert name == "shipped:neighbours/students.py::one"
    assert record._place(name, tmp_path / "elsewhere") == f"{file}::one"
    assert record._named(str(tmp_path / "a" / "b.py"), tmp_path) == "a/b.py"


def test_an_interrupted_run_has_no_record(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="interrupted"):
        record.write_record(tmp_path / "record.json", Ledger((), complete=False))
    assert not list(tmp_path.iterdir())


def test_an_interrupted_replay_compares_nothing(folder: Path) -> None:
    recorded(folder)
    text = CLAIMS.replace("yield trial.rng.uniform(1, 2), 1", "raise KeyboardInterrupt")
    (folder / "claims.py").write_text(text)
    with pytest.raises(ValueError, match=r"record.json'\): interrupted after \d claims; nothing is compared"):
        record.replay(folder / "record.json", jobs=1)


def test_an_interrupted_command_keeps_its_rows_and_says_that_there_is_no_record(folder: Path) -> None:
    text = CLAIMS.replace("yield trial.rng.uniform(1, 2), 1", "raise KeyboardInterrupt")
    (folder / "claims.py").write_text(text)
    result = run("verify", str(folder / "claims.py"), "-j", "1", "--record", str(folder / "record.json"))
    assert result.exit_code == 1
    assert "square" in result.output
    assert "no record is written" in result.output
    assert not (folder / "record.json").exists()
