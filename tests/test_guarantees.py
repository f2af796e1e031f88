"""The page of guarantees says what its records say, and names tests that exist."""

from __future__ import annotations

import pytest

from tests import guarantees


def test_the_page_is_what_the_records_say() -> None:
    assert guarantees.PAGE.read_text("utf-8") == guarantees.page()


@pytest.mark.parametrize("each", guarantees.stated(), ids=lambda e: e["result"])
def test_what_shows_a_guarantee_exists(each: dict[str, object]) -> None:
    shown = each["shown"]
    assert isinstance(shown, list)
    assert shown
    for file in shown:
        assert "def test_" in (guarantees.ROOT / file).read_text("utf-8")
    assert "record" not in each or each["record"] in guarantees.recorded()


def test_every_record_stands_on_the_page_and_names_a_command() -> None:
    page = guarantees.PAGE.read_text("utf-8")
    for name, found in guarantees.recorded().items():
        assert found["command"].startswith(("python -m tests", "symhigh ")), name
        assert found["command"] in page
        assert found["figures"]
