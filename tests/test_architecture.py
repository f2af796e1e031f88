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
    "telling",
    "clock",
    "disk",
    "symbols",
    "checks",
    "notation",
    "mathml",
    "entries",
    "problem",
    "population",
    "rule",
    "registry",
    "meanfield",
    "system",
    "derivation",
    "closed",
    "codegen",
    "integration",
    "simulation",
    "ledger",
    "report",
    "files",
    "objects",
    "aliases",
    "cli",
    "__main__",
]
FILES = sorted(ROOT.rglob("*.py"))
OUTSIDE = {"__init__", "verify"}
"""Files of the package that belong to no room: the list of names, and an old address."""


def imported_rooms(source: str) -> set[str]:
    """The rooms that a module imports from anywhere in it, in functions too; the package itself is ``*``."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            # ``from symhigh import rule`` names a room, or a public name of the package
            names = (
                [f"{node.module}.{a.name}" for a in node.names]
                if node.module == "symhigh"
                else [node.module or ""]
            )
        elif isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            names = [
                a.value for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str)
            ]
        for name in names:
            package, _, rest = name.partition(".")
            if package == "symhigh" and rest != "__version__":
                room = rest.split(".")[0]
                found.add(room if room in ROOMS else "*")
    return found


def breaches(room: str, source: str) -> set[str]:
    """The later rooms that a module of ``room`` imports; the whole package is later than all but the last rooms."""
    above = ROOMS[: ROOMS.index(room) + 1]
    whole = () if room in ("ledger", "cli") else ("*",)  # both work on what the package offers
    return {
        other for other in imported_rooms(source) if (other in ROOMS and other not in above) or other in whole
    }


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_imports_go_up(file: Path) -> None:
    room = file.relative_to(ROOT).parts[0].removesuffix(".py")
    if room in OUTSIDE:
        return
    assert room in ROOMS, f"{room} is no room; the architecture has a place for everything"
    assert not breaches(room, file.read_text("utf-8"))


@pytest.mark.parametrize(
    "planted",
    [
        "from symhigh.cli import main",
        "import symhigh.report.figures",
        "def f():\n    from symhigh.integration.solve import solve\n    return solve",
        "class A:\n    def f(self):\n        import symhigh.ledger as l\n        return l",
        "if True:\n    from symhigh import simulation",
        "def f():\n    import symhigh as sh\n    return sh.simulate",
        "from symhigh import Curve",
        "from importlib import import_module\nimport_module('symhigh.ledger')",
        "try:\n    x = __import__('symhigh.cli')\nexcept ImportError:\n    pass",
    ],
)
def test_a_planted_import_is_found(planted: str) -> None:
    assert breaches("rule", planted)
    assert not breaches("rule", planted.replace("symhigh", "sympy"))


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
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
        for path in re.findall(
            r"`((?:derivation|codegen|integration)/[a-z_0-9]+\.py)`", page.read_text("utf-8")
        ):
            assert (ROOT / path).exists(), f"{page.name}: {path}"


def test_long_files_say_why() -> None:
    """A file is read in one sitting; one beyond 300 lines says in its head what keeps it together."""
    long = [f for f in sorted(ROOT.rglob("*.py")) if len(f.read_text("utf-8").splitlines()) > 300]
    silent = [f.name for f in long if "One file" not in (ast.get_docstring(ast.parse(f.read_text("utf-8"))) or "")]
    assert not silent, silent
