"""Denominators: every displayed number of a source is cited by a claim or has a reason; the ledger says which."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from symhigh.cli import main
from symhigh.ledger import Claim, Row, Verdict, equal, symbolic, verify
from symhigh.ledger.load import find_files, loaded
from symhigh.ledger.tally import TABLE, Entry, Tally, tally
from symhigh.symbols import tau

HIGH_LINE = Path(__file__).resolve().parents[2] / "derivations" / "high_line"
CLAIMS = '''import sympy as sp
from symhigh.ledger import REFUTED, Claim, equal, symbolic
from symhigh.symbols import tau

def stated(factor):
    return symbolic(lambda: equal(2 * tau, factor * tau))

right = Claim("right", source="Paper, (1), (3)-(4), Prop. 1.1", evidence=stated(2))
wrong = Claim("as printed", source="Paper, (4)", evidence=stated(3), expect=REFUTED)
own = Claim("own", source="after Paper, (5)", evidence=stated(2))
'''
NUMBERS = """source = "Paper"
title = "A paper"
numbers = 5
results = ["Prop. 1.1", "Prop. 1.10"]
[reasons]
"(2), (5)" = "set-up"
"Prop. 1.10" = "not at hand"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "claims.py").write_text(CLAIMS, encoding="utf-8")
    (tmp_path / TABLE).write_text(NUMBERS, encoding="utf-8")
    return tmp_path


def verdicts(found: Tally) -> dict[str, str]:
    return {e.name: e.verdict.value for e in (*found.numbers, *found.results)}


def test_every_number_has_a_verdict_or_a_reason(folder: Path) -> None:
    ledger = verify(folder, jobs=1)
    (found,) = ledger.tallies
    assert verdicts(found) == {
        "(1)": "proved", "(2)": "skipped", "(3)": "proved", "(4)": "refuted", "(5)": "skipped",
        "Prop. 1.1": "proved", "Prop. 1.10": "skipped",
    }  # fmt: skip
    assert found.numbers[1] == Entry("(2)", Verdict.SKIPPED, (), "set-up")
    assert found.complete
    assert ledger.as_expected
    line = (
        "A paper: 5 displayed numbers: 2 proved, 1 refuted, 2 skipped; 2 named results: 1 proved, 1 skipped"
    )
    assert line in ledger.text().splitlines()
    assert line in ledger.to_html()
    assert "<td>(2)</td><td>skipped</td><td>set-up</td>" in ledger.to_html()
    (data,) = json.loads(ledger.to_json())["tallies"]
    assert data["numbers"][3] == {"name": "(4)", "verdict": "refuted", "claims": ["right", "as printed"], "reason": ""}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("(2), (5)", "(2)", "(5): cited by no claim, and no reason is on record"),
        ("(2), (5)", "(1)-(2), (5)", "(1): cited by right, and has a reason"),
        ('"Prop. 1.10" =', '"Prop. 1.10, (5)" =', "(5): has two reasons"),
        ("numbers = 5", "numbers = 3", "(4): beyond (3)"),
    ],
)
def test_what_is_open_or_contradicts_itself_is_an_error(folder: Path, old: str, new: str, says: str) -> None:
    (folder / TABLE).write_text(NUMBERS.replace(old, new), encoding="utf-8")
    ledger = verify(folder, jobs=1)
    assert not ledger.as_expected
    assert says in ledger.tallies[0].summary


def test_a_table_that_cannot_be_read_is_named(folder: Path) -> None:
    (folder / TABLE).write_text("title = 3\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"numbers\.toml is no table of denominators"):
        verify(folder, jobs=1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("title = 3\n", "'source'"),
        ("source = 1\ntitle = 2\nnumbers = 3\n", "source and title must be text"),
        ("source = 'S'\ntitle = 'T'\nnumbers = 'x'\n", "numbers must be a whole number from 0 to 10000"),
        ("source = 'S'\ntitle = 'T'\nnumbers = 1000000000\n", "numbers must be a whole number from 0 to 10000"),
        ("source = 'S'\ntitle = 'T'\nnumbers = 3\nresults = 'x'\n", "results must be a list of names"),
        ("source = 'S'\ntitle = 'T'\nnumbers = 3\nreasons = ['x']\n", "reasons must be a table of texts"),
        ("source = 'S'\ntitle = 'T'\nnumbers = 3\nreasons = {'(1)' = 1}\n", "reasons must be a table of texts"),
        ("x = " + "[" * 5000, "is no table of denominators"),
    ],
)
def test_entries_of_another_kind_are_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / TABLE).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"numbers\.toml is no table of denominators") as caught:
        tally(tmp_path / TABLE, [])
    assert says in str(caught.value)


def test_a_range_without_end_is_told_and_ends(tmp_path: Path) -> None:
    text = "source = 'S'\ntitle = 'T'\nnumbers = 2\n[reasons]\n'(1)-(999999999)' = 'far'\n"
    (tmp_path / TABLE).write_text(text, encoding="utf-8")
    found = tally(tmp_path / TABLE, [])
    assert len(found.numbers) == 2
    assert found.errors[-1].reason == "beyond (2)"


def test_a_part_of_a_folder_has_no_denominators(folder: Path) -> None:
    (folder / "more.py").write_text(CLAIMS.replace("Claim(\"", "Claim(\"other "), encoding="utf-8")
    assert verify(folder / "claims.py", jobs=1).tallies == ()
    assert len(verify(folder, jobs=1).tallies) == 1


def test_each_row_is_shown_once_and_the_counts_at_the_end(folder: Path) -> None:
    (folder / "none.py").write_text("x = 1\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["verify", "-j", "1", str(folder), str(folder / "none.py")])
    assert result.exit_code == 1  # a file that is named holds no claims
    lines = result.output.splitlines()
    heads = [line for line in lines if line[:1] in ("✓", "✗")]
    assert [next(n for n in ("right", "as printed", "own", "none.py") if f" {n}  [" in h) for h in heads] == [
        "right", "as printed", "own", "none.py",
    ]  # fmt: skip
    assert lines[-2].startswith("A paper: 5 displayed numbers")
    assert lines[-1].startswith("4 claims in")


def test_every_number_of_the_high_line_is_cited_or_has_a_reason() -> None:
    blank = verify(Claim("blank", evidence=symbolic(lambda: equal(2 * tau, tau + tau)))).rows[0]
    rows: list[Row] = []
    for file in find_files(HIGH_LINE):
        with loaded(file) as claims:
            rows += [replace(blank, id=c.id, source=c.source, verdict=c.expect) for c in claims]
    found = tally(HIGH_LINE / TABLE, rows)
    assert found.errors == ()
    assert len(found.numbers) == 108
    assert sum(e.verdict is Verdict.SKIPPED for e in found.numbers) <= 82
    assert all(e.reason for e in found.numbers if e.verdict is Verdict.SKIPPED)
