"""The ledger: files and folders, processes, interruption, and its three forms."""

from __future__ import annotations

import json
import sys
from xml.etree import ElementTree

import pytest
import sympy as sp

from symhigh.ledger import PROVED, REFUTED, Claim, Row, Verdict, symbolic, verify

FLOOR = '''"""The floor of SGD at a constant rate."""
import sympy as sp
from symhigh.symbols import gamma, omega, tau
from symhigh.ledger import PROVED, Claim, numeric, symbolic

R = sp.Symbol("R", positive=True)

@symbolic
def no_drift():
    """The distance stands still where its drift -4γ(R - ω²/2) + 2γ²τR vanishes."""
    (floor,) = sp.solve(-4*gamma*(R - omega**2/2) + 2*gamma**2*tau*R, R)
    return floor - omega**2/(2 - gamma*tau)

floor = Claim("risk floor", "SGD settles at ω²/(2 - γτ).", source="High Line, section 3", evidence=[no_drift],
              domain={tau: (0, 10), gamma: (0, 2/tau), omega: (0, 5)}, expect=PROVED)
'''
WRONG = FLOOR.replace("2 - gamma*tau)\n\nfloor", "2 + gamma*tau)\n\nfloor").replace(
    "risk floor", "wrong <floor>"
)
BROKEN = "raise RuntimeError('no claims today')\n"
CRASH = FLOOR + "\nimport os\ncrash = Claim('crash', evidence=symbolic(lambda: os._exit(7)))\n"
PRINTS = FLOOR.replace("risk floor", "talkative") + '\nprint(\'{"not": "a row"}\')\n'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "deep").mkdir()
    texts = {
        "floor.py": FLOOR,
        "deep/wrong.py": WRONG,
        "prints.py": PRINTS,
        "_helper.py": BROKEN,
        "empty.py": "",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_file_of_a_few_lines(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(FLOOR)
    ledger = verify(file, jobs=1)
    (row,) = ledger.rows
    assert row.verdict is PROVED
    assert row.file == str(file)
    assert row.domain == "0 < tau < 10, 0 < gamma < 2/tau, 0 < omega < 5"
    assert ledger.as_expected
    file.write_text(WRONG)
    ledger = verify(str(file), jobs=1)
    assert not ledger.as_expected
    assert "counterexample: tau = " in ledger.text()
    assert "not as expected" in ledger.summary()


def test_processes_give_the_rows_of_one_process(folder, capfd):
    seen, fractions = [], []
    parallel = verify(folder, jobs=2, progress=fractions.append, on_row=seen.append)
    alone = verify(folder, jobs=1)
    assert fractions == sorted(fractions)
    assert fractions[-1] <= 1
    assert {row.name for row in seen} == {"risk floor", "wrong <floor>", "talkative"}

    def timeless(ledger):
        rows = [row.to_dict() | {"seconds": 0} for row in ledger.rows]
        for row in rows:
            row["lines"] = [line | {"seconds": 0} for line in row["lines"]]
        return rows

    assert timeless(parallel) == timeless(alone)
    assert not parallel.as_expected


def test_an_error_in_one_file_leaves_the_others(folder):
    (folder / "broken.py").write_text(BROKEN)
    (folder / "crash.py").write_text(CRASH)
    ledger = verify(folder, jobs=2)
    verdicts = {row.name: row.verdict for row in ledger.rows}
    assert verdicts["broken.py"] is Verdict.ERROR
    assert verdicts["crash.py"] is Verdict.ERROR
    assert verdicts["talkative"] is PROVED
    crash = next(row for row in ledger.rows if row.name == "crash.py")
    assert "status 7 in the claim after 'risk floor'" in crash.support
    broken = next(row for row in ledger.rows if row.name == "broken.py")
    assert "no claims today" in broken.support
    assert not ledger.as_expected


def test_interruption_keeps_what_is_done():
    def interrupt():
        raise KeyboardInterrupt

    a = sp.Symbol("a")
    claims = [Claim("done", evidence=symbolic(2 * (a + 1), 2 * a + 2)), Claim("cut", evidence=symbolic(interrupt))]
    ledger = verify(claims)
    assert [row.name for row in ledger.rows] == ["done"]
    assert not ledger.complete
    assert not ledger.as_expected
    assert "interrupted" in ledger.summary()


def test_two_claims_of_one_name_are_an_error(tmp_path):
    file = tmp_path / "twice.py"
    file.write_text(FLOOR + FLOOR.replace("floor = Claim", "again = Claim"))
    (row,) = verify(file, jobs=1).rows
    assert row.verdict is Verdict.ERROR
    assert "two claims are called 'risk floor'" in row.support


def test_what_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        verify(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="no Python files"):
        verify(tmp_path)
    (tmp_path / "empty.py").write_text("")
    with pytest.raises(ValueError, match="no claims"):
        verify(tmp_path / "empty.py")
    with pytest.raises(TypeError, match="files, folders or claims"):
        verify([3])
    with pytest.raises(ValueError, match="jobs"):
        verify(tmp_path / "empty.py", jobs=0)


def test_json_round_trip_and_html(folder):
    ledger = verify(folder, jobs=1, seed=5)
    data = json.loads(ledger.to_json())
    assert data["as_expected"] is False
    assert data["seed"] == 5
    assert data["counts"] == {"proved": 2, "refuted": 1}
    assert tuple(Row.from_dict(row) for row in data["rows"]) == ledger.rows
    html = ledger.to_html()
    assert "wrong &lt;floor&gt;" in html
    assert html.count("<script") == 1  # the filter
    assert "http" not in html
    for value in dict(next(r for r in ledger.rows if r.verdict is REFUTED).lines[0].counterexample).values():
        assert value in html
    ElementTree.fromstring(html.removeprefix("<!DOCTYPE html>"))  # well-formed, formulas included


def test_what_is_tested_is_shown_as_mathml():
    a = sp.Symbol("a", positive=True)
    ledger = verify(Claim("square", evidence=symbolic((a + 1) ** 2, a**2 + 2 * a + 1)))
    assert "<msup><mi>a</mi><mn>2</mn></msup>" in ledger.to_html()
    assert ledger.rows[0].formula == r"\left(a + 1\right)^{2} = a^{2} + 2 a + 1"


def test_matplotlib_stays_away():
    import subprocess

    code = "import sys, symhigh.ledger; sys.exit('matplotlib' in sys.modules or 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


GOOD = '''"""A claim."""
import sympy as sp
from symhigh.ledger import Claim, symbolic
a = sp.Symbol("a", positive=True)
one = Claim("one", id="x/1", evidence=symbolic((a + 1)**2, a**2 + 2*a + 1))
'''
NESTED = GOOD.replace("one = Claim", "hidden = {'deep': [({'er': Claim").rstrip() + "},)]}\n"


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_file_that_exits_is_an_error_row(tmp_path, jobs):
    (tmp_path / "exits.py").write_text(GOOD + "import sys\nsys.exit(0)\n")
    evidence = "two = Claim('two', evidence=symbolic(lambda: sys.exit(0)))\n"
    (tmp_path / "within.py").write_text(GOOD.replace("x/1", "y/1") + "import sys\n" + evidence)
    ledger = verify([tmp_path / "exits.py", tmp_path / "within.py"], jobs=jobs)
    verdicts = {row.name: row.verdict for row in ledger.rows}
    assert verdicts == {"exits.py": Verdict.ERROR, "one": PROVED, "two": Verdict.ERROR}
    assert all("SystemExit" in row.support for row in ledger.rows if row.verdict is Verdict.ERROR)
    assert not ledger.as_expected


def test_a_single_file_that_kills_its_process_is_an_error_row(tmp_path):
    (tmp_path / "dies.py").write_text(GOOD + "import os\nos._exit(0)\n")
    ledger = verify(tmp_path / "dies.py")
    assert [row.verdict for row in ledger.rows] == [Verdict.ERROR]


def test_claims_in_dictionaries_and_lists_of_every_file(tmp_path):
    (tmp_path / "first.py").write_text(GOOD)
    (tmp_path / "second.py").write_text(NESTED.replace("x/1", "x/2"))
    ledger = verify(tmp_path, jobs=1)
    assert [row.id for row in ledger.rows] == ["x/1", "x/2"]
    assert ledger.as_expected


HIDDEN = """
import types
from symhigh.ledger import Claim, symbolic
import sympy as sp
a, b = sp.symbols("a b")
class Holder:
    wrong = Claim("in a class", id="h/1", evidence=[symbolic(a, a + 1)])
space = types.SimpleNamespace(wrong=Claim("in an object", id="h/2", evidence=[symbolic(a, a + 2)]))
def closure(claim):
    return lambda: claim
kept = closure(Claim("in a closure", id="h/3", evidence=[symbolic(a, a + 3)]))
dropped = len([Claim("let go", id="h/4", evidence=[symbolic(a, a)])])
from helper import shared
"""


def test_a_claim_that_a_file_makes_and_keeps_is_never_unread(tmp_path):
    (tmp_path / "hidden.py").write_text(HIDDEN)
    (tmp_path / "helper.py").write_text(GOOD + "\nshared = 1\n")
    ledger = verify(tmp_path / "hidden.py", jobs=1)
    assert [row.id for row in ledger.rows] == ["h/1", "h/2", "h/3"]
    assert all(row.verdict is REFUTED for row in ledger.rows)
    assert not ledger.as_expected


def test_every_named_file_yields_a_row(tmp_path):
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "empty.py").write_text("")
    ledger = verify([tmp_path / "good.py", tmp_path / "empty.py"], jobs=1)
    assert [row.verdict for row in ledger.rows] == [PROVED, Verdict.ERROR]
    assert "holds no claims" in ledger.rows[1].support
    found = verify(tmp_path, jobs=1)
    assert found.as_expected
    assert found.without == (str(tmp_path / "empty.py"),)
    assert "no claims in" in found.summary()


def test_an_id_belongs_to_one_claim(tmp_path):
    for name in ("first.py", "second.py"):
        (tmp_path / name).write_text(GOOD)
    ledger = verify(tmp_path, jobs=1)
    assert [row.verdict for row in ledger.rows] == [PROVED, PROVED, Verdict.ERROR]
    assert "'x/1'" in ledger.rows[2].support
