"""Tables of a TOML text: lines and names of keys, what each kind of value takes, and whom a message blames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp

from symhigh.files import document
from symhigh.files.document import Table

TEXT = '''
name = "one"
empty = 0

[first]
n = 2
list = [
  1,
  "1/3",
]
inline = { deep = 3, more = [4] }
text = """
two lines"""

[first.second]
x = -1.5
yes = true

[[many]]
k = 1
[[many]]
k = 2
[many.inner]
z = 0
'''
TABLE = Table.of(TEXT, "file.toml")
FIRST, SECOND = TABLE.table("first"), TABLE.table("first").table("second")


@pytest.mark.parametrize(
    ("table", "key", "place"),
    [
        (TABLE, "name", "file.toml, line 2, name"),
        (TABLE, "", "file.toml"),
        (TABLE, "absent", "file.toml, absent"),
        (FIRST, "", "file.toml, line 5, first"),
        (FIRST, "n", "file.toml, line 6, first.n"),
        (FIRST, "list", "file.toml, line 7, first.list"),
        (FIRST, "absent", "file.toml, line 5, first.absent"),
        (FIRST.table("inline"), "deep", "file.toml, line 11, first.inline.deep"),
        (FIRST, "text", "file.toml, line 12, first.text"),
        (SECOND, "x", "file.toml, line 16, first.second.x"),
        (TABLE.tables("many")[0], "k", "file.toml, line 20, many[1].k"),
        (TABLE.tables("many")[1], "k", "file.toml, line 22, many[2].k"),
        (TABLE.tables("many")[1].table("inner"), "z", "file.toml, line 24, many[2].inner.z"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_every_key_has_its_line(table: Table, key: str, place: str) -> None:
    assert table.place(key) == place


def test_values_are_read_for_what_they_are() -> None:
    assert FIRST.numbers("list") == [1, sp.Rational(1, 3)]
    assert FIRST.whole("n", 2) == 2
    assert FIRST.whole("absent", 2, 7) == 7
    assert (SECOND.number("x"), SECOND.number("absent", 0.0)) == (-1.5, 0.0)
    assert (SECOND.flag("yes", False), SECOND.flag("absent", False)) == (True, False)
    assert (TABLE.word("name", ("one", "two")), TABLE.text("absent", "none")) == ("one", "none")
    assert TABLE.tables("absent") == []
    assert TABLE.table("absent").values == {}
    assert "name" in TABLE
    assert "absent" not in TABLE
    SECOND.known("x", "yes", "more")


CASES: dict[str, tuple[Callable[[], Any], str]] = {
    "unknown key": (lambda: SECOND.known("xx"), r"line 16, first\.second\.x: .*no key 'x' here; did you mean xx\?"),
    "unknown, nothing near": (lambda: SECOND.known("abc"), "known are abc"),
    "none known": (lambda: SECOND.known(), "known are none"),
    "no table": (lambda: FIRST.table("n"), "2 must be a table"),
    "no tables": (lambda: FIRST.tables("list"), "must be a list of tables"),
    "a table for a list of them": (lambda: FIRST.tables("inline"), "must be a list of tables"),
    "no text": (lambda: FIRST.text("n"), "2 must be text, in quotes"),
    "text missing": (lambda: FIRST.text("absent"), "absent is missing"),
    "no word": (lambda: TABLE.word("name", ("ones", "q")), "did you mean 'ones'"),
    "no word, nothing near": (lambda: TABLE.word("name", ("p", "q")), "'one' is not known; give one of p, q"),
    "no flag": (lambda: FIRST.flag("n", True), "2 must be true or false"),
    "number missing": (lambda: FIRST.number("absent"), "absent is missing"),
    "no number": (lambda: SECOND.number("yes"), "True must be a number"),
    "a list for a number": (lambda: FIRST.number("list"), "must be a number"),
    "text for a number": (lambda: TABLE.number("name"), "line 2, name: 'one': one is not read"),
    "numbers missing": (lambda: FIRST.numbers("absent"), "absent is missing"),
    "no numbers": (lambda: FIRST.numbers("n"), "2 must be a list of numbers"),
    "whole missing": (lambda: FIRST.whole("absent", 1), "absent is missing"),
    "not whole": (lambda: SECOND.whole("x", 1), "-1.5 must be a whole number >= 1"),
    "a truth value for a whole number": (lambda: SECOND.whole("yes", 1), "True must be a whole number"),
    "too small": (lambda: FIRST.whole("n", 3), "2 must be a whole number >= 3"),
    "formula missing": (lambda: TABLE.formula("absent", {}), r"^[^:]*: absent is missing$"),
    "no text for a formula": (lambda: FIRST.formula("n", {}), r"^[^:]*first\.n: 2 must be text, in quotes$"),
    "formula": (lambda: TABLE.formula("name", {"a": sp.Symbol("a")}), "one is not read"),
    "no TOML": (lambda: Table.of("a = 1\nb =", "f"), "f: not TOML: |f, line 2: not TOML: "),
    "deep": (lambda: Table.of("a = " + "[" * 5000, "f"), "f: brackets nested too deeply|not TOML"),
}


@pytest.mark.parametrize("name", CASES)
def test_refusals(name: str) -> None:
    make, words = CASES[name]
    with pytest.raises(ValueError, match=words):
        make()


def test_whole_numbers_beyond_doubles_are_refused() -> None:
    big = "9" * 400
    table = Table.of(f"n = {big}\nlist = [1, -{big}]\nfits = {10**300}\n", "file.toml")
    for read, key in ((table.number, "n"), (table.numbers, "list")):
        with pytest.raises(ValueError, match=rf"file.toml, line ., {key}: .* must be a number that a double holds"):
            read(key)
    assert table.number("fits") == 10**300


def test_texts_are_at_most_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "_LARGEST", 5)
    assert Table.of("a = 1", "f").values == {"a": 1}
    with pytest.raises(ValueError, match="f: more than 5 characters, which no experiment needs"):
        Table.of("ab = 1", "f")


def test_a_message_is_given_the_place_of_the_key_that_it_names() -> None:
    def blamed(table: Table, message: str, kind: type[Exception] = ValueError) -> str:
        with pytest.raises(ValueError, match=r":|is|named") as caught, table.blame():
            raise kind(message)
        return str(caught.value)

    assert blamed(FIRST, "Owner(n=2): n must be > 2") == "file.toml, line 6, first.n: Owner(n=2): n must be > 2"
    assert blamed(FIRST, "Owner: x is wrong", TypeError).startswith("file.toml, line 16, first.second.x: ")
    assert blamed(TABLE, "Owner(k=2): k is wrong").startswith("file.toml, line 22, many[2].k: ")
    assert blamed(TABLE, "Owner(k=1): k is wrong").startswith("file.toml, line 20, many[1].k: ")
    assert blamed(FIRST, "nothing is named") == "file.toml, line 5, first: nothing is named"
    for own in ("file.toml, line 1: told", "file.toml: told"):
        assert blamed(FIRST, own) == own
