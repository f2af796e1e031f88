"""The page of algorithms, losses and models: a sample of its cells, and all of them with ``-m slow``."""

import pytest

from tests import matrix


@pytest.mark.parametrize(("rule", "loss", "model", "kind"), [
    ("momentum", "square", "linear", "agrees"), ("sign SGD", "Huber", "linear", "agrees"),
    ("clipped coordinates", "quantile", "linear", "agrees"),
    ("schedule-free", "square", "network", "refused"), ("sign SGD", "square", "network", "agrees"),
])  # fmt: skip
def test_a_sample_of_the_cells(rule: str, loss: str, model: str, kind: str) -> None:
    found, text = matrix.cell(rule, loss, model)
    assert found == kind, text
    assert kind != "refused" or "network" in text


def test_the_page_has_a_row_for_every_algorithm_and_says_what_was_not_run() -> None:
    found = {("SGD", "square", "linear"): ("agrees", "0.43"), ("Adam", "square", "network"): ("refused", "why")}
    page = matrix.written(found)
    assert len(matrix.RULES) >= 12
    assert len(matrix.LOSSES) >= 4
    for rule in matrix.RULES:
        assert page.count(f"| {rule} |") == len(matrix.MODELS)
    assert "| SGD | 0.43 | not run |" in page
    assert "- a: why" in page


@pytest.mark.slow
def test_the_page_is_written() -> None:
    matrix.main()
    page = matrix.PAGE.read_text("utf-8")
    assert "differs**" not in page
    assert "not run" not in page
