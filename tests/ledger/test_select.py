"""Claims are chosen by file, name and word, listed without being examined, and written as JUnit XML."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

import symhigh as sh
from symhigh.cli import main
from symhigh.ledger.select import Selection

CLAIMS = """
import sympy as sp
from symhigh.ledger import REFUTED, Claim, symbolic
a = sp.Symbol("a", positive=True)
square = Claim("the square", evidence=symbolic((a + 1)**2, a**2 + 2*a + 1), id="paper/square")
cube = Claim("the cube", evidence=symbolic((a + 1)**3, a**3 + 3*a**2 + 3*a + 1), id="paper/cube")
wrong = Claim("wrong on purpose", evidence=symbolic(a, a + 1), id="paper/wrong")
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "claims.py").write_text(CLAIMS)
    (tmp_path / "others.py").write_text(CLAIMS.replace("paper/", "other/"))
    return tmp_path / "claims.py"


def call(*arguments: str) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.parametrize(
    ("chosen", "words", "ids", "jobs"),
    [
        (["::paper/cube"], (), {"paper/cube"}, 1),
        (["::the cube", "::paper/square"], (), {"paper/cube", "paper/square"}, 1),
        (["::the cube", "::paper/square"], (), {"paper/cube", "paper/square"}, 2),
        (["::paper/cube", ""], (), {"paper/cube", "paper/square", "paper/wrong"}, 1),
        ([""], "SQUARE", {"paper/square"}, 1),
        ([""], ["cube", "purpose"], {"paper/cube", "paper/wrong"}, 1),
        ([""], ["cube", "purpose"], {"paper/cube", "paper/wrong"}, 2),
    ],
)
def test_only_what_is_chosen_is_examined(
    file: Path, chosen: list[str], words: object, ids: set[str], jobs: int
) -> None:
    ledger = sh.verify([f"{file}{name}" for name in chosen], jobs=jobs, words=words)
    assert {row.id for row in ledger.rows} == ids


def test_a_folder_is_chosen_from_by_words_and_claims_too(file: Path) -> None:
    ledger = sh.verify(file.parent, jobs=1, words="other/cu")
    assert [row.id for row in ledger.rows] == ["other/cube"]
    assert ledger.as_expected
    assert not ledger.without
    claims = [sh.Claim(n, evidence=sh.symbolic(sh.t - sh.t)) for n in ("one", "two")]
    assert [row.id for row in sh.verify(claims, words="tw").rows] == ["two"]


def test_what_is_not_there_is_said(file: Path) -> None:
    result = call("verify", "-j", "1", f"{file}::paper/cub")
    assert result.exit_code == 1
    assert "did you mean 'paper/cube'" in " ".join(result.output.split())
    result = call("verify", "-j", "1", str(file), "-k", "nothing")
    assert result.exit_code == 2
    assert "no claims with 'nothing'" in result.output
    assert call("verify", f"{file.parent}/none.py::one").exit_code == 2
    claims = [sh.Claim(n, evidence=sh.symbolic(sh.t - sh.t)) for n in ("one", "two")]
    for name, hint in (("tow", "did you mean 'two'"), ("cubes", "there are one, two")):
        with pytest.raises(ValueError, match=f"file.py: no claim '{name}'; {hint}"):
            Selection((name,)).of(claims, file.with_name("file.py"))


def test_claims_are_listed_and_not_examined(file: Path) -> None:
    result = call("verify", str(file.parent), "--list", "-k", "cube")
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        f"{file}::paper/cube  the cube",
        f"{file.parent / 'others.py'}::other/cube  the cube",
        "2 claims",
    ]


def test_junit_counts_what_is_not_as_expected(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "report" / "junit.xml"
    (file.parent / "broken.py").write_text("raise OSError('\\x00 <&>')")
    result = call("verify", str(file.parent), "--junit", str(out), "-j", "1")
    assert result.exit_code == 1
    root = ElementTree.parse(out).getroot()
    cases = {c.get("name"): [e.tag for e in c] for c in root.iter("testcase")}
    assert cases == {
        "paper/square": [], "paper/cube": [], "paper/wrong": ["failure"], "broken.py": ["error"],
        "other/square": [], "other/cube": [], "other/wrong": ["failure"],
    }  # fmt: skip
    totals = [sum(int(s.get(key, "0")) for s in root) for key in ("tests", "failures", "errors", "skipped")]
    assert totals == [7, 2, 1, 0]
