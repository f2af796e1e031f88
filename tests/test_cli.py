"""The command line: exit statuses, JSON, and files."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from symhigh.cli import main
from symhigh.cli.options import LOSSES


def call(*arguments: str):  # type: ignore[no-untyped-def]
    return CliRunner().invoke(main, list(arguments))


def test_derive_prints_symbols_and_latex() -> None:
    text = call("derive", "--noise", "1")
    assert text.exit_code == 0
    assert "eta/sqrt(b_k^2(t))" in text.output
    assert r"\begin{aligned}" in call("derive", "--latex", "--loss", "huber").output
    assert len(json.loads(call("derive", "--json", "--full").output)["equations"]) > 5


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_is_derived(loss: str) -> None:
    result = call("derive", "--loss", loss, "--rule", "rmsprop-norm")
    assert result.exit_code == 0, result.output
    assert "alpha" in result.output


def test_limits_lists_assumptions() -> None:
    shown = json.loads(call("limits", "--rule", "constant", "--json").output)
    assert shown
    assert all({"expression", "assumptions", "source"} <= set(entry) for entry in shown.values())


def test_run_as_json() -> None:
    result = call("run", "--t-end", "1", "--json", "--eigenvalues", "1,0.5")
    data = json.loads(result.output)
    assert result.exit_code == 0
    assert data["complete"]
    assert data["t"][-1] == 1.0


@pytest.mark.filterwarnings("ignore:diverged")
def test_divergence_is_status_1() -> None:
    assert call("run", "--rule", "constant", "--gamma", "3", "--t-end", "1000").exit_code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--rule", "constant", "--gamma", "-1"),
        ("run", "--t-end", "0"),
        ("run", "--eigenvalues", "1,x"),
        ("run", "--eigenvalues", "__import__('os')"),
        ("run", "--power-law", "0.1", "--marchenko-pastur", "1"),
        ("simulate", "--d", "1"),
        ("derive", "--loss", "nonsense"),
        ("verify", "no/such/file.py"),
    ],
)
def test_wrong_usage_is_status_2(arguments: tuple[str, ...]) -> None:
    assert call(*arguments).exit_code == 2


def test_verify_ends_users_mistakes_with_status_2(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "none.py").write_text("x = 1\n")
    good = tmp_path / "good.py"
    good.write_text(
        "import sympy as sp\nfrom symhigh.ledger import Claim, symbolic\na = sp.Symbol('a')\n"
        "one = Claim('one', evidence=symbolic((a + 1)**2, a**2 + 2*a + 1))\n"
    )
    for arguments in (
        [str(tmp_path / "folder")],
        [str(tmp_path / "none.py")],
        [str(good), "--seed", "-1"],
        [str(good), "--html", str(tmp_path / "no" / "such" / "page.html")],
    ):
        result = call("verify", *arguments)
        assert result.exit_code == 2, (arguments, result.output)
        assert isinstance(result.exception, SystemExit)
        assert "Error:" in result.output
    good.write_text(good.read_text() + "import sys\nsys.exit(0)\n")
    result = call("verify", str(good))
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "must not end the program" in " ".join(result.output.split())


def test_plot_saves_picture_and_data(tmp_path: Path) -> None:
    assert call("run", "--t-end", "1", "--plot", str(tmp_path / "curve")).exit_code == 0
    assert {f.suffix for f in tmp_path.iterdir()} == {".png", ".pdf", ".json"}


def test_export_is_python() -> None:
    compile(call("export", "--target", "numpy").output, "generated", "exec")
