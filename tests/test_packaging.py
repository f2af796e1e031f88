"""The source distribution holds all that the tests read, and the extras are the ones that messages name."""

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

import symhigh as sh

TOP = Path(sh.__file__).parent.parent
READ = ("tests", "docs", "examples", "derivations", "benchmarks", "symhigh")


def test_the_source_distribution_holds_what_the_tests_need(tmp_path: Path) -> None:
    if int(version("setuptools").split(".")[0]) < 77:
        pytest.skip("the build needs setuptools >= 77, as pyproject.toml says")
    copy = tmp_path / "copy"
    ignored = shutil.ignore_patterns(
        ".git", ".venv*", "__pycache__", "*.egg-info", "build", "dist", ".*_cache", "out"
    )
    shutil.copytree(TOP, copy, ignore=ignored)
    script = "from setuptools.build_meta import build_sdist; build_sdist('dist')"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (archive,) = (copy / "dist").iterdir()
    with tarfile.open(archive) as file:
        held = {name.partition("/")[2] for name in file.getnames()}
    wanted = {str(f.relative_to(copy)) for place in READ for f in (copy / place).rglob("*") if f.is_file()}
    wanted = {name for name in wanted if not name.endswith((".pyc", ".nbi", ".nbc"))}
    assert len(wanted) > 200
    assert wanted | {"README.md", "LICENSE", "pyproject.toml", "setup.py"} <= held


def test_extras_that_messages_name_exist_and_stand_in_the_readme() -> None:
    extras = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    source = "".join(f.read_text("utf-8") for f in (TOP / "symhigh").rglob("*.py"))
    named = set(re.findall(r"symhigh\[(\w+)\]", source))
    assert named
    assert named <= set(extras)
    readme = (TOP / "README.md").read_text("utf-8")
    assert all(f"symhigh[{name}]" in readme for name in named)
