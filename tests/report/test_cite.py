"""What a result rests on: every rule and loss is traced to its sources, and the table of works is sound."""

import re

import pytest
import sympy as sp

import symhigh as sh
from symhigh.problem import PRODUCT
from symhigh.registry import LOSSES, RULES
from symhigh.report.bibliography import WORKS, works_named

SOURCES = {
    "adam": "adam", "adagrad": "adagrad", "rmsprop": "rmsprop", "dog": "dog", "d-adaptation": "d-adaptation",
    "averaged": "averaging", "schedule-free": "schedule-free", "sign-sgd": "sign-sgd", "momentum": "heavy-ball",
    "stochastic-polyak": "stochastic-polyak", "clipped": "clipping", "delayed-adagrad-norm": "delayed-adagrad",
    "cosine": "cosine", "huber": "clipping", "erf-student": "saad-solla", "relu-student": "relu-kernel",
}  # fmt: skip


@pytest.mark.parametrize(("name", "key"), SOURCES.items())
def test_the_source_of_a_name_is_found(name: str, key: str) -> None:
    table = RULES if name in RULES else LOSSES
    assert key in [work.key for work in works_named([table[name].source])]


def test_a_curve_cites_its_loss_and_its_rule_and_nothing_else() -> None:
    system = sh.derive(sh.huber(1, 0.5), sh.Momentum(sh.DoG(0.1, 1), friction=1))
    found = sh.cite(system)
    assert found.keys == ("symhigh", "high-line", "clipping", "heavy-ball", "nesterov", "dog")
    assert sh.cite(sh.derive(sh.tanh_student(), sh.Constant(1))).keys == ("symhigh", "high-line")
    assert "diagonal-networks" in sh.cite(sh.least_squares(model=PRODUCT)).keys
    line = (sh.Spectrum.marchenko_pastur(0.5), sh.Start())
    runs = sh.simulate(sh.hermite_student(3), sh.Constant(0.1), *line, d=16, t_end=0.2, seeds=3)
    assert sh.cite(runs).keys == ("symhigh", "high-line", "marchenko-pastur")


def test_formulas_claims_and_ledgers_cite_what_they_name() -> None:
    gamma = sp.Symbol("gamma", positive=True)
    limits = sh.limits(sh.least_squares(), sh.Constant(gamma), sh.Spectrum.marchenko_pastur(0.5))
    assert "high-line" in sh.cite(limits).keys
    a = sp.Symbol("a")
    claim = sh.Claim("c", source="Saad and Solla; arXiv 2001.00001", evidence=sh.symbolic(a - a + 0 * a, sp.S.Zero))
    assert sh.cite(claim).keys == ("symhigh", "high-line", "saad-solla", "arxiv-2001.00001")
    assert sh.cite(sh.verify(claim)).keys == sh.cite(claim).keys


@pytest.mark.parametrize("wrong", [3, "text", None, object(), []])
def test_what_keeps_no_trace_is_refused(wrong: object) -> None:
    with pytest.raises(TypeError, match=r"cite\(.*does not say what it rests on"):
        sh.cite(wrong)


def test_the_works_are_whole_and_print_as_bibtex() -> None:
    assert len({work.key for work in WORKS}) == len(WORKS)
    for work in WORKS:
        assert {"author", "title", "year"} <= set(work.fields)
        assert work.eprint or work.marks
        text = str(work)
        assert text.count("{") == text.count("}")
        assert re.match(rf"@\w+\{{{re.escape(work.key)},\n", text)
        assert ("archiveprefix = {arXiv}" in text) == bool(work.eprint)
    assert str(sh.cite()).startswith("@software{symhigh,")
    assert sh.__version__ in str(sh.cite())


def test_every_work_is_named_somewhere_in_the_library() -> None:
    """Works that nothing names any more leave the table."""
    from pathlib import Path

    top = Path(sh.__file__).parent
    texts = [f.read_text("utf-8") for place in (top, top.parent / "derivations") for f in place.rglob("*.py")]
    assert {work.key for work in works_named(texts)} >= {work.key for work in WORKS}
