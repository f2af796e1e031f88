"""Mutants of a small source: what is changed, what is left alone, and that a sample is the same for the same seed."""

import ast
import json
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.mutation.cover import Coverage, digest
from tests.mutation.mutants import mutants
from tests.mutation.pick import sample, shares
from tests.mutation.report import table
from tests.mutation.run import Map

ROOT = Path(__file__).resolve().parents[2]
SOURCE = b'''
"""Text 1 + 1."""
LIMIT: int = 3
def f(x: "2", y=0.5):
    """More text."""
    if x < 1 and not y:
        raise ValueError(f"{x + 1} is wrong" + str(7))
    warnings.warn("beware of 5")
    return min(x**2, -y) - sp.S.Half
'''
EXPECTED = {
    ("number", "3", "(4)"), ("number", "3", "(2)"), ("number", "0.5", "(1.0)"), ("number", "1", "(2)"),
    ("number", "1", "(0)"), ("number", "sp.S.Half", "sp.S.One"), ("comparison", "x < 1", "(x <= 1)"),
    ("and/or", "x < 1 and not y", "(x < 1 or not y)"), ("not", "not y", "(y)"), ("min/max", "min", "max"),
    ("arithmetic", "x**2", "(x * 2)"), ("exponent", "x**2", "(x ** 3)"), ("sign", "-y", "(y)"),
    ("arithmetic", "min(x**2, -y) - sp.S.Half", "(min(x ** 2, -y) + sp.S.Half)"),
    ("guard", 'warnings.warn("beware of 5")', "pass"),
}  # fmt: skip


def test_every_kind_and_nothing_that_only_words_things() -> None:
    found = mutants("symhigh/room/f.py", SOURCE)
    assert {(m.kind, m.before, m.after) for m in found if not m.before.startswith("if ")} == EXPECTED
    assert [m.after for m in found if m.before.startswith("if ")] == ["pass"]
    assert len({m.id for m in found}) == len(found)
    for m in found:
        changed = m.apply(SOURCE)
        ast.parse(changed)
        assert changed != SOURCE
        assert m.room == "room"


def test_an_id_outlives_changes_elsewhere() -> None:
    moved = b"import os\n\n" + SOURCE.replace(b"beware", b"take care")
    before, after = ({m.id for m in mutants("symhigh/room/f.py", s)} for s in (SOURCE, moved))
    assert len(before & after) == len(before) - 1  # the warning is taken out with its words


def test_samples_follow_their_seed_and_reach_every_room() -> None:
    found = [m for room in ("a", "b", "c") for m in mutants(f"symhigh/{room}.py", SOURCE)]
    one, again, other = (sample(found, 9, seed) for seed in (1, 1, 2))
    assert one == again != other
    assert {m.room for m in one} == {"a", "b", "c"}
    assert len({(m.file, m.line) for m in one}) == len(one) == 9
    assert shares({"large": 900, "small": 1}, 31) == {"large": 30, "small": 1}


@pytest.mark.parametrize(
    ("status", "reason", "score"),
    [("survived", "", 0.5), ("survived", "why", 1.0), ("killed", "", 1.0), ("timed out", "", 1.0)],
)
def test_equivalents_do_not_count_and_time_outs_are_noticed(status: str, reason: str, score: float) -> None:
    row = {"id": "1", "room": "a", "kind": "sign", "file": "f", "line": 1, "function": "g"}
    row |= {"before": "-a", "after": "a", "by": "t"}
    text, found = table([row | {"status": "killed", "reason": ""}, row | {"status": status, "reason": reason}])
    assert found == score
    assert text.startswith("2 mutants: ")


def test_what_runs_at_import_is_noticed_by_any_test_of_the_room(tmp_path: Path) -> None:
    (tmp_path / "symhigh" / "codegen").mkdir(parents=True)
    (tmp_path / "symhigh" / "codegen" / "rodas.py").write_text("A = 1\n\ndef f():\n    return A\n")
    (tmp_path / "tests" / "codegen").mkdir(parents=True)
    for name in ("implicit", "texts"):
        (tmp_path / "tests" / "codegen" / f"test_{name}.py").write_text("")
    kept = {f"tests/codegen/test_{n}.py::test_it": s for n, s in (("implicit", 1.0), ("texts", 2.0))}
    found = Coverage(kept, lines={"symhigh/codegen/rodas.py": {4: ["tests/codegen/test_implicit.py::test_it"]}})
    found.digests = {"symhigh/codegen/rodas.py": digest(tmp_path / "symhigh" / "codegen" / "rodas.py")}
    (tmp_path / "map").mkdir()
    (tmp_path / "map" / "one.json").write_text(json.dumps(asdict(found)))
    source = (tmp_path / "symhigh" / "codegen" / "rodas.py").read_bytes()
    above = next(m for m in mutants("symhigh/codegen/rodas.py", source) if m.line == 1)
    assert Map(tmp_path / "map", tmp_path).tests(above, 60.0) == [*kept][:1]
    unseen = Map(tmp_path, tmp_path)  # an empty map
    unseen.seconds = kept
    assert unseen.tests(above, 60.0) == [*kept]


def test_every_named_mutant_is_there() -> None:
    """The files of ``named.toml`` still hold the text that it plants errors in."""
    named = tomllib.loads((ROOT / "tests" / "mutation" / "named.toml").read_text("utf-8"))["named"]
    found = {entry["file"]: mutants(entry["file"], (ROOT / entry["file"]).read_bytes()) for entry in named}
    for entry in named:
        assert [m for m in found[entry["file"]] if all(getattr(m, k) == value for k, value in entry.items())], entry
