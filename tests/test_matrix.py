"""The page of algorithms, losses and models: a sample of its cells, and all of them with ``-m slow``."""

import pytest

from tests import matrix


@pytest.mark.parametrize(("rule", "loss", "model", "kind"), [
    ("momentum", "square", "linear", "agrees"), ("sign SGD", "Huber", "linear", "agrees"),
    ("noisy gradient", "square", "committee", "agrees"), ("AdaGrad-Norm", "quantile", "committee", "agrees"),
    ("schedule-free", "square", "network", "refused"),
])  # fmt: skip
def test_a_sample_of_the_cells(rule: str, loss: str, model: str, kind: str) -> None:
    found, text = matrix.cell(rule, loss, model)
    assert found == kind, text
    assert kind != "refused" or "network" in text


def test_the_page_is_of_these_cells() -> None:
    page = matrix.PAGE.read_text("utf-8")
    assert len(matrix.RULES) >= 12
    assert len(matrix.LOSSES) >= 4
    for rule in matrix.RULES:
        assert page.count(f"| {rule} |") == len(matrix.MODELS)
    assert "differs**" not in page


@pytest.mark.slow
def test_the_page_is_written() -> None:
    matrix.main()
    assert "differs**" not in matrix.PAGE.read_text("utf-8")
