"""The rooms import only from rooms above them; public names are documented; documents name real files."""

import ast
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import symhigh as sh

ROOT = Path(sh.__file__).parent
ROOMS = [
    "symbols",
    "checks",
    "problem",
    "population",
    "rule",
    "system",
    "meanfield",
    "derivation",
    "closed",
    "codegen",
    "integration",
    "simulation",
    "ledger",
    "aliases",
    "report",
    "cli",
]
FILES = [f for f in sorted(ROOT.rglob("*.py")) if f.parent != ROOT or f.stem in ROOMS]


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_imports_go_up(file: Path) -> None:
    """At import time; a view imported inside a method when it is called is the documented exception."""
    room = file.relative_to(ROOT).parts[0].removesuffix(".py")
    if room not in ROOMS:
        return
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("symhigh"):
            other = (node.module or "").split(".")[1]
            assert other in ROOMS[: ROOMS.index(room) + 1], f"{room} imports {other}"


@pytest.mark.parametrize("name", [n for n in sh.__all__ if callable(getattr(sh, n))])
def test_public_names_are_documented(name: str) -> None:
    text = getattr(sh, name).__doc__ or ""
    assert len(text) > 40
    assert "Alias" not in text[:10]


def test_the_old_address_of_the_ledger_warns_and_keeps_the_function() -> None:
    with pytest.warns(FutureWarning, match="has moved"):
        module = import_module("symhigh.verify")
    assert module.Claim is sh.Claim
    assert callable(sh.verify)
    assert not isinstance(sh.verify, ModuleType)


def test_an_unknown_name_suggests_the_near_ones() -> None:
    with pytest.raises(AttributeError, match="did you mean AdaGradNorm"):
        sh.Adagradnorm  # noqa: B018
    with pytest.raises(AttributeError, match="dir\\(symhigh\\)"):
        sh.qqqq  # noqa: B018


def test_documents_name_files_that_exist() -> None:
    top = ROOT.parent
    for page in (top / "README.md", top / "docs" / "architecture.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
        for path in re.findall(r"`((?:derivation|codegen|integration)/[a-z_0-9]+\.py)`", page.read_text()):
            assert (ROOT / path).exists(), f"{page.name}: {path}"
