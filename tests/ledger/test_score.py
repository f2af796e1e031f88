"""Scores of planted errors: they belong to a claim's very source, and stand beside its row, or their absence does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import symhigh as sh
from symhigh.ledger.rows import Ledger, Row
from symhigh.ledger.score import TABLE, Score, scores, write_scores
from symhigh.ledger.text import row_text
from tests.plant import main

CLAIMS = '''"""Claims to plant errors in."""
import sympy as sp
from symhigh.ledger import Claim, REFUTED, equal, integrated, must_fail, numeric, symbolic
from helper import TWO
a = sp.Symbol("a", positive=True)
FACTOR = TWO
SHIFTS = [1]
SHIFTS.append(2)

@symbolic
def square():
    """The square of a sum."""
    return equal((a + 1)**2, a**2 + FACTOR*a + 1)

first = Claim("square", id="s/square", evidence=square)
second = Claim("sine", id="s/sine", evidence=numeric(sp.sin(2*a), 2*sp.sin(a)*sp.cos(a)))
loose = Claim("loose", id="s/loose", evidence=integrated(lambda trial: [(a/2, sp.Float(0.5), {a: 1})], tolerance=9))
misprint = Claim("misprint", id="s/misprint", evidence=symbolic(a, 2*a), expect=REFUTED)
'''
HELPER = "from deeper import ONE\nTWO = ONE + 1\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "deeper.py").write_text("ONE = 1\n")
    (tmp_path / "helper.py").write_text(HELPER)
    (tmp_path / "other.py").write_text("")
    (tmp_path / "claims.py").write_text(CLAIMS)
    return tmp_path / "claims.py"


KEPT = {"s/square": Score(38, 37, ("symbolic square: sign of 1",)), "s/sine": Score(4, 4), "s/loose": Score(0, 0)}


@pytest.fixture
def kept(file: Path) -> Path:
    write_scores(file, KEPT)
    return file


def changed(old: str, new: str, name: str = "claims.py") -> Callable[[Path], None]:
    def change(file: Path) -> None:
        place = file.with_name(name)
        text = place.read_text()
        assert old in text
        place.write_text(text.replace(old, new))

    return change


def test_scores_are_read_as_they_were_written(kept: Path) -> None:
    assert scores(kept) == KEPT
    assert scores(kept.with_name("other.py")) == {}
    again = {"s/sine": Score(5, 4, ('a "quoted" \\ error\n→ it',))}
    write_scores(kept.with_name("helper.py"), {"s/x": Score(1, 1)})
    write_scores(kept, again)
    assert scores(kept) == again
    assert scores(kept.with_name("helper.py")) == {"s/x": Score(1, 1)}


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (changed("FACTOR*a", "a*FACTOR"), {"s/square"}),
        (changed("The square of", "A square of"), {"s/square"}),
        (changed("@symbolic\n", "@symbolic(simplify=sp.expand)\n"), {"s/square"}),
        (changed("FACTOR = TWO", "FACTOR = TWO + 0"), {"s/square"}),
        (changed("numeric(sp", "numeric(1*sp"), {"s/sine"}),
        (changed("tolerance=9", "tolerance=1"), {"s/loose"}),
        (changed("from helper import TWO", "from helper import TWO as FACTOR"), {"s/square"}),
        (changed("SHIFTS.append(2)", "SHIFTS.append(3)"), set(KEPT)),
        (changed("SHIFTS = [1]", "SHIFTS = [2]"), set(KEPT)),
        (changed('"a", positive', '"a", real'), set(KEPT)),
        (changed("import sympy as sp", "import sympy as sp, math"), set(KEPT)),
        (changed("ONE + 1", "1 + ONE", "helper.py"), {"s/square"}),
        (changed("ONE = 1", "ONE = 1.0", "deeper.py"), {"s/square"}),
        (changed("symbolic(a, 2*a)", "symbolic(a, 3*a)"), set()),
        (changed("Claims to plant", "Claims to put"), set()),
        (changed('"s/sine"', '"s/" + "sine"'), {"s/sine"}),
    ],
)  # fmt: skip
def test_a_claim_that_rests_on_something_else_has_no_score(
    kept: Path, change: Callable[[Path], None], lost: set[str]
) -> None:
    change(kept)
    assert set(scores(kept)) == set(KEPT) - lost


@pytest.mark.parametrize(
    "text",
    ["no toml", "claims = 1", "[claims]\nx = 1", '[claims]\nx = { digest = "", planted = 1, refuted = 2, missed = [] }',
     '[claims]\nx = { digest = "", planted = 1, missed = [] }'],
)  # fmt: skip
def test_a_damaged_table_is_said_and_how_to_mend_it(file: Path, text: str) -> None:
    file.with_name(TABLE).write_text(text)
    with pytest.raises(ValueError, match=r"scores\.toml is no table of scores .*python -m tests\.plant"):
        scores(file)
    assert "no table of scores" in str(sh.verify(file, jobs=1).rows[0].lines[0].detail)


def test_rows_carry_their_scores_through_processes_and_json(kept: Path) -> None:
    for jobs in (1, 2):
        ledger = sh.verify([kept, kept.with_name("other.py")], quick=True, jobs=jobs)
        assert {row.id: row.score for row in ledger.rows if row.score} == KEPT
    row = next(row for row in ledger.rows if row.id == "s/square")
    assert Row.from_dict(json.loads(json.dumps(row.to_dict()))) == row
    data = json.loads(ledger.to_json())
    assert data["score"] == {"planted": 42, "refuted": 41, "missed": ["symbolic square: sign of 1"]}
    assert {r["id"]: (r["score"] or {}).get("planted") for r in data["rows"]} == {
        "s/square": 38, "s/sine": 4, "s/loose": 0, "s/misprint": None, "other.py": None,
    }  # fmt: skip


def test_a_missing_score_is_said_not_hidden(kept: Path) -> None:
    changed("2*sp.sin", "sp.sin(a)*sp.cos(a) + sp.sin")(kept)
    ledger = sh.verify(kept, quick=True, jobs=1)
    told = {row.id: row.score_text for row in ledger.rows}
    assert told == {
        "s/square": "would have caught 37 of 38 planted errors",
        "s/sine": "no planted run is on record for the claim as it stands",
        "s/loose": "it displays nothing that an error could be planted in",
        "s/misprint": "no errors are planted in what is expected to be refuted",
    }
    page = ledger.to_html()
    assert all(text in page for text in told.values())
    assert page.count("; planted errors: 37 of 38") == 1
    assert "would have caught 37 of 38 planted errors, 1 without a score" in ledger.summary()
    assert all(told[row.id] in row_text(row, width=200, details=True) for row in ledger.rows)
    assert "planted" not in Ledger(tuple(replace(row, score=None) for row in ledger.rows)).summary()
    assert json.loads(Ledger(()).to_json())["score"] is None


def test_a_planted_run_writes_the_scores(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(file)])
    found = scores(file)
    assert set(found) == {"s/square", "s/sine", "s/loose"}
    for name in ("s/square", "s/sine"):
        assert found[name].planted == found[name].refuted > 0
        assert found[name].missed == ()
    assert found["s/loose"].refuted == 0 < found["s/loose"].planted == len(found["s/loose"].missed)
    assert "SURVIVES s/loose" in capsys.readouterr().out


def test_a_score_is_a_share() -> None:
    assert Score.total([Score(3, 2, ("x",)), Score(1, 0, ("y",))]) == Score(4, 2, ("x", "y"))
    for planted, refuted in ((1, 2), (1, -1), (-1, -1)):
        with pytest.raises(ValueError, match=r"Score\(refuted=-?\d\): refuted must be from 0 to planted="):
            Score(planted, refuted)
