"""The claims ship with the package, and the example files end as they say."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from symhigh.cli import main
from symhigh.ledger.runner import SHIPPED

ROOT = Path(__file__).resolve().parents[2]


def test_claims_are_found_without_a_path() -> None:
    assert (SHIPPED / "high_line" / "one_step.py").is_file()


@pytest.mark.parametrize(("name", "status"), [("my_paper", 0), ("my_paper_wrong", 1)])
def test_a_file_of_ones_own(name: str, status: int) -> None:
    result = CliRunner().invoke(main, ["verify", "--quick", str(ROOT / "examples" / f"{name}.py")])
    assert result.exit_code == status
    assert ("counterexample" in result.output) is (status == 1)
