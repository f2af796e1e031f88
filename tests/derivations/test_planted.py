"""What the shipped claims display is tested: errors planted there are refuted, and words hold no formulas."""

import re
from pathlib import Path

import pytest

from symhigh.ledger import REFUTED
from symhigh.ledger.load import find_files, loaded
from tests.plant import ROOT, plants

FILES = find_files(ROOT)
QUICK = ("structure", "constant_rate", "rules", "phase_retrieval")
CITATION = re.compile(
    r"\(\d+[^)]*\)|(Prop|Lemma|Lemmas|Theorem|Cor|Table|Remark)\.? ?[A-Z]?\.?\d[\d.]*(-[A-Z]\.\d)?"
)
FORMULA = re.compile(r"[=<>≤≥~^√∫∞∂²³₀₁±/·]|\d|[α-ωΓ-Ω]")


@pytest.mark.parametrize(
    "file",
    [pytest.param(f, marks=[] if f.stem in QUICK else pytest.mark.slow, id=f.stem) for f in FILES],
)
def test_planted_errors_are_refuted(file: Path) -> None:
    with loaded(file) as claims:
        found = [p for c in claims if c.expect is not REFUTED for p in plants(c, 2)]
    assert [p for p in found if not p.refuted] == []
    assert len(found) >= len(claims) or file.stem in ("agreement", "logistic")


def test_words_hold_no_formulas_and_ids_are_unique() -> None:
    ids: list[str] = []
    for file in FILES:
        with loaded(file) as claims:
            for claim in claims:
                ids.append(claim.id)
                assert re.fullmatch(r"[a-z-]+/[a-z0-9.-]+", claim.id), claim.id
                lines = (*claim.evidence, *claim.checks)
                for words in (claim.name, claim.statement, *(line.title for line in lines)):
                    rest = CITATION.sub("", words)
                    assert not FORMULA.search(rest), f"{claim.id}: {words!r} holds what is not tested"
                assert claim.formula is None
                for line in claim.evidence:
                    paths = line.origin.paths if line.origin else None
                    assert paths is None or paths.reading != "circular", f"{claim.id}: {line.title} is circular"
    assert len(ids) == len(set(ids))
    assert len(ids) >= 100
