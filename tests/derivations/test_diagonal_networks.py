"""The derivation of diagonal networks ends as its authors expect: found structure, refuted mistakes."""

from pathlib import Path

import pytest

from symhigh.ledger import verify

FOLDER = Path(__file__).resolve().parents[2] / "derivations" / "diagonal_networks"


@pytest.mark.parametrize(
    "name",
    [
        "structure",
        pytest.param("from_update", marks=pytest.mark.slow),
        pytest.param("long_time", marks=pytest.mark.slow),
        pytest.param("agreement", marks=pytest.mark.slow),
        pytest.param("adaptive", marks=pytest.mark.slow),
    ],
)
def test_claims_end_as_expected(name: str) -> None:
    ledger = verify(FOLDER / f"{name}.py", quick=True, jobs=1)
    assert ledger.as_expected, str(ledger)
    assert len(ledger.rows) >= 3
