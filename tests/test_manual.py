"""The manual: snippets and commands run, formulas can be set, links lead somewhere, and it builds without warnings."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

import symhigh as sh
from symhigh.cli import main
from symhigh.mathml import mathml
from symhigh.registry import LOSSES, RULES

TOP = Path(sh.__file__).parent.parent
DOCS = TOP / "docs"
PAGES = {page.stem: page.read_text("utf-8") for page in sorted(DOCS.glob("*.md"))}
RUN = re.compile(r"^```\{run\}\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHELL = [
    (name, line)
    for name, text in PAGES.items()
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if line.startswith("symhigh ")
]
SLOW = ("symhigh verify --quick", "symhigh verify examples/my_paper.py --html ledger.html")


def listing() -> ModuleType:
    """The part of the manual's extension that needs no Sphinx."""
    spec = importlib.util.spec_from_file_location("manual_listing", DOCS / "_ext" / "listing.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", [name for name, text in PAGES.items() if RUN.search(text)])
def test_snippets_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {"__name__": "manual"}
    for block in RUN.findall(PAGES[name]):
        code = re.sub(r"^:\w+:.*\n", "", block)
        exec(compile(code, f"docs/{name}.md", "exec"), scope)
    if name == "checks":  # the comparison finds 5 %, and nothing in the right curve
        printed = capsys.readouterr().out
        assert "agrees: True" in printed
        assert "+5%: agrees: False" in printed


@pytest.mark.parametrize(
    "line", [pytest.param(line, marks=[pytest.mark.slow] if line in SLOW else []) for _, line in SHELL]
)
def test_commands_run(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [str(TOP / w) if w.startswith("examples/") else w for w in line.split()[1:]]
    words = ["--help" if w == "FILE" else w for w in words]
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, words)
    assert result.exception is None, result.output
    assert result.output.strip()


def test_handwritten_formulas_can_be_set() -> None:
    found = 0
    for text in PAGES.values():
        prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)
        blocks = re.findall(r"\$\$(.*?)\$\$", prose, re.DOTALL)
        inline = re.findall(r"\$([^$]+)\$", re.sub(r"\$\$.*?\$\$", "", prose, flags=re.DOTALL))
        for formula in (*blocks, *inline):
            assert mathml(formula)
            found += 1
    assert found > 40


def test_rules_are_listed_with_formulas_that_can_be_set() -> None:
    text = listing().rules()
    blocks = re.findall(r"\$\$\n(.*?)\n\$\$", text, re.DOTALL)
    assert len(blocks) == len(RULES) == text.count("## ")
    for block in blocks:
        assert mathml(rf"\begin{{aligned}}{block}\end{{aligned}}")


@pytest.mark.slow
def test_losses_are_listed_with_formulas_that_can_be_set() -> None:
    text = listing().losses()
    blocks = re.findall(r"\$\$\n(.*?)\n\$\$", text, re.DOTALL)
    assert len(blocks) == len(LOSSES)
    for block in blocks:
        assert mathml(rf"\begin{{aligned}}{block}\end{{aligned}}")


def test_the_reference_holds_every_public_name_once() -> None:
    made = listing()
    rooms = [room for line in re.findall(r"\{public\} (.*)", PAGES["reference"]) for room in line.split()]
    names = [re.search(r"symhigh\.(\w+)", entry)[1] for entry in made.public(rooms)]  # type: ignore[index]
    assert sorted(names) == sorted(sh.__all__)
    with pytest.raises(ValueError, match=r"no public name lives in symhigh\.nowhere"):
        made.public(["symhigh.nowhere"])


def test_every_page_is_in_the_contents_and_its_links_lead_somewhere() -> None:
    listed = set(re.findall(r"^([\w-]+)$", PAGES["index"], re.MULTILINE))
    assert set(PAGES) - {"index"} <= listed
    for name, text in PAGES.items():
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (DOCS / target).exists(), f"{name}: {target}"


@pytest.mark.slow
def test_the_manual_builds_without_warnings_and_needs_no_network(tmp_path: Path) -> None:
    for module in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(module, reason="the manual is built with the extra symhigh[docs]")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", str(DOCS), str(tmp_path / "html")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pages = {page.name: page.read_text("utf-8") for page in (tmp_path / "html").glob("*.html")}
    assert {f"{name}.html" for name in PAGES} <= set(pages)
    for name, text in pages.items():
        assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//', text), name
        for target, anchor in re.findall(r'href="([\w.-]*\.html)?#([\w.-]+)"', text):
            other = pages[target or name]
            assert f'id="{anchor}"' in other or f'name="{anchor}"' in other, f"{name}: {target}#{anchor}"
    assert pages["theory.html"].count("<math") > 40
