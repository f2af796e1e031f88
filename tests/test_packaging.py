"""The source distribution holds all that the tests read, and the extras are the ones that messages name."""

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

import symhigh as sh
from tests import wheels

TOP = Path(sh.__file__).parent.parent
READ = ("tests", "docs", "examples", "derivations", "benchmarks", "symhigh")


building = pytest.mark.skipif(
    not wheels.can_build(), reason=f"the build needs setuptools >= {wheels.LEAST}, as pyproject.toml says"
)


@building
def test_the_source_distribution_holds_what_the_tests_need(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    wheels.copied(copy)
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
    beside = {f.name for f in copy.iterdir() if f.suffix in (".md", ".toml", ".py", ".cff")}
    assert wanted | beside | {"LICENSE"} <= held


@building
def test_a_wheel_has_the_same_bytes_wherever_and_whenever_it_is_built() -> None:
    one, other = (wheels.built(wheels.copied, place) for place in wheels.PLACES)
    assert one == other
    held = ZipFile(BytesIO(one)).infolist()
    assert len(held) > 200
    assert {(file.date_time, file.external_attr >> 16 & 0o777) for file in held} <= {
        ((2020, 2, 2, 0, 0, 0), 0o644), ((2020, 2, 2, 0, 0, 0), 0o664),
    }  # fmt: skip


@building
@pytest.mark.parametrize("planted", ["os.environ.setdefault(", "os.umask(", "readable(file for"])
def test_without_what_setup_does_for_it_wheels_differ(planted: str) -> None:
    """The top of the sources is enough: what their wheel owes to setup.py."""

    def sources(folder: Path) -> None:
        for place in (".", "symhigh"):
            (folder / place).mkdir(parents=True)
            for file in (f for f in (TOP / place).iterdir() if f.is_file()):
                shutil.copy(file, folder / place)
        setup = folder / "setup.py"
        kept = [line for line in setup.read_text("utf-8").splitlines() if planted not in line]
        setup.write_text("\n".join(kept), "utf-8")

    one, other = (wheels.built(sources, place) for place in wheels.PLACES)
    assert one != other


def test_extras_that_messages_name_exist_and_stand_in_the_readme() -> None:
    extras = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    source = "".join(f.read_text("utf-8") for f in (TOP / "symhigh").rglob("*.py"))
    named = set(re.findall(r"symhigh\[(\w+)\]", source))
    assert named
    assert named <= set(extras)
    readme = (TOP / "README.md").read_text("utf-8")
    assert all(f"symhigh[{name}]" in readme for name in named)


def test_the_version_is_one_everywhere() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == sh.__version__
    assert f"\nversion: {sh.__version__}\n" in (TOP / "CITATION.cff").read_text("utf-8")
    assert f"\n## {sh.__version__}\n" in (TOP / "CHANGELOG.md").read_text("utf-8")


def test_what_the_package_reads_beside_its_modules_is_package_data() -> None:
    settings = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    patterns = settings["package-data"]["symhigh"]
    package = TOP / "symhigh"
    beside = {f for f in package.rglob("*") if f.is_file() and f.suffix not in (".py", ".pyc", ".nbi", ".nbc")}
    assert beside == {f for pattern in patterns for f in package.glob(pattern)}
