"""Rows and ledgers made by hand: what they count, say and write, and that they are read back as they were."""

from __future__ import annotations

import json
from dataclasses import replace

import sympy as sp

from symhigh.ledger.maxima import Second
from symhigh.ledger.rows import Ledger, Line, Row
from symhigh.ledger.shown import Shown, show
from symhigh.ledger.verdict import Proof, Verdict

ONE = Shown("a = b", "a = b")
ALGEBRA = Line("symbolic", "", Verdict.PROVED, "zero", proof=Proof.ALGEBRA, shown=(ONE,), assumed=("a > 0",),
               second=Second(2, 3))  # fmt: skip
THEOREM = Line("symbolic", "t", Verdict.PROVED, "cited", proof=Proof.THEOREM, shown=(Shown("c < d", ""), ONE))
POINTS = Line("numeric", "", Verdict.VERIFIED, "32 points", part=False, counterexample=(("a", "1"),))
WRONG = Line("numeric", "", Verdict.REFUTED, "fails", assumed=("a > 0", "b > 0"), second=Second(1, 1))


def row(*lines: Line, verdict: Verdict = Verdict.PROVED, domain: str = "", expect: Verdict = Verdict.PROVED) -> Row:
    return Row("name", "id/1", "", "source", domain, expect, verdict, lines, 0.5)


def test_words_beside_formulas_are_text_in_latex() -> None:
    a = sp.Symbol("a")
    assert show("left_side", "=", a**2) == Shown("left_side = a**2", r"\text{left side} = a^{2}")
    assert show("R", "=", a**2) == Shown("R = a**2", "R = a^{2}")
    assert show("right\\side", "=", a**2).latex == ""  # no command of LaTeX comes from a name


def test_a_row_says_what_its_lines_do() -> None:
    made = row(ALGEBRA, THEOREM, POINTS, domain="b > 1")
    assert made.parts == (ALGEBRA, THEOREM)
    assert made.checks == (POINTS,)
    assert made.statement == "b > 1, a > 0 ⇒ a = b; c < d; a = b"
    assert made.formula == r"a = b \\ a = b"
    assert made.proofs == ("algebra", "cited theorem")
    assert made.verdict_text == "proved (algebra, cited theorem)"
    assert made.support == "zero"
    assert row(POINTS, verdict=Verdict.VERIFIED).verdict_text == "verified"
    assert row(POINTS, verdict=Verdict.VERIFIED).statement == ""
    assert row(POINTS, verdict=Verdict.REFUTED).support == ""
    assert row(THEOREM).statement == "c < d; a = b"
    assert row(WRONG, ALGEBRA, domain="b > 1").hypotheses == "b > 1, a > 0, b > 0"


def test_a_row_is_as_expected_where_every_line_came_to_an_end() -> None:
    assert row(ALGEBRA, POINTS).as_expected
    assert row(ALGEBRA, verdict=Verdict.SKIPPED).as_expected
    assert not row(ALGEBRA, verdict=Verdict.VERIFIED).as_expected
    assert row(WRONG, verdict=Verdict.REFUTED, expect=Verdict.REFUTED).as_expected
    for unfinished in (Verdict.FAILED, Verdict.ERROR):
        assert not row(ALGEBRA, replace(POINTS, verdict=unfinished)).as_expected


def test_a_ledger_counts_verdicts_and_parts() -> None:
    made = Ledger((row(ALGEBRA, THEOREM, POINTS), row(ALGEBRA), row(WRONG, ALGEBRA, verdict=Verdict.REFUTED)))
    assert made.counts == {Verdict.PROVED: 2, Verdict.REFUTED: 1}
    assert made.part_counts == {"proved (algebra)": 3, "proved (cited theorem)": 1, "refuted": 1}
    assert list(made.part_counts) == sorted(made.part_counts)
    assert made.second == Second(2 * 3 + 1, 3 * 3 + 1)
    assert Ledger((row(THEOREM),)).second is None
    assert not made.as_expected
    assert Ledger((row(ALGEBRA),)).as_expected
    assert not Ledger((row(ALGEBRA),), complete=False).as_expected
    assert not Ledger(()).as_expected


def test_rows_are_read_back_as_they_were() -> None:
    made = row(ALGEBRA, THEOREM, POINTS, WRONG, domain="b > 1").located("claims.py")
    written = json.loads(json.dumps(made.to_dict()))
    assert written["as_expected"] is True
    assert written["lines"][2]["counterexample"] == {"a": "1"}
    assert Row.from_dict(written) == made
    whole = json.loads(Ledger((made,), seed=3, seconds=1.23456, without=("x.py",)).to_json())
    assert (whole["seed"], whole["seconds"], whole["without_claims"]) == (3, 1.235, ["x.py"])
    assert whole["second"] == {"reduced": 3, "count": 4}
    assert whole["parts"] == {"proved (algebra)": 1, "proved (cited theorem)": 1, "refuted": 1}


def test_lines_say_how_they_are_proved() -> None:
    assert ALGEBRA.verdict_text == "proved (algebra)"
    assert replace(ALGEBRA, second=Second(3, 3)).verdict_text == "proved (algebra, by two)"
    assert replace(POINTS, paths="circular").verdict_text == "verified (circular)"
    assert replace(POINTS, paths="closed").verdict_text == "verified"
    assert replace(THEOREM, shown=(ONE, ONE)).stated == "a = b"
