"""Wheels with the same bytes: ``python -m tests.wheels [--record]`` builds from two clones and compares.

The clones differ in path, in the dates and permissions of their files, in the time and zone of the build, and in the
order of Python's sets. One version of setuptools builds both: its number stands in the wheel.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

from tests.guarantees import ROOT, record

LEAST = 77
"""The oldest setuptools that pyproject.toml admits."""
BUILD = "from setuptools.build_meta import build_wheel; build_wheel('dist')"
IGNORED = (".git", ".venv*", "__pycache__", "*.egg-info", "build", "dist", ".*_cache", "out")


@dataclass(frozen=True)
class Place:
    """Where and how a wheel is built."""

    path: str
    umask: int
    dated: float
    """The date of the sources, in seconds since 1970."""
    environment: dict[str, str]


PLACES = (
    Place("one", 0o022, 1.5e9, {"TZ": "UTC", "PYTHONHASHSEED": "1", "LC_ALL": "C"}),
    Place("another/far deeper", 0o077, 1.6e9, {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "2", "LC_ALL": "C.UTF-8"}),
)


def can_build() -> bool:
    """Whether this setuptools is new enough."""
    return int(version("setuptools").split(".")[0]) >= LEAST


def copied(folder: Path) -> None:
    """The sources, as they stand here."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*IGNORED))


def cloned(folder: Path) -> None:
    """The sources, as they were last committed."""
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, folder], check=True)


def built(sources: Callable[[Path], None], place: Place) -> bytes:
    """The wheel from a copy of the sources at one place."""
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top) / place.path
        folder.parent.mkdir(parents=True, exist_ok=True)
        sources(folder)
        for file in (f for f in folder.rglob("*") if ".git" not in f.parts):
            file.chmod((0o777 if file.is_dir() else 0o666) & ~place.umask)
            os.utime(file, (place.dated, place.dated))
        environment = {k: v for k, v in os.environ.items() if k != "SOURCE_DATE_EPOCH"} | place.environment
        command = [sys.executable, "-c", BUILD]
        done = subprocess.run(command, cwd=folder, env=environment, umask=place.umask, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"no wheel was built: {done.stderr[-2000:]}")
        (wheel,) = (folder / "dist").glob("*.whl")
        return wheel.read_bytes()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.wheels")
    parser.add_argument("--record", action="store_true", help="keep the figures for the page of guarantees")
    asked = parser.parse_args()
    wheels = []
    for place in PLACES:
        wheels.append(built(cloned, place))
        time.sleep(3)  # dates in archives are even seconds
    one, other = wheels
    held = ZipFile(BytesIO(one)).namelist()
    figures = {"wheels built": len(wheels), "files in each": len(held), "bytes in each": len(one)}
    figures |= {"the same bytes": "yes" if one == other else "no", "setuptools": version("setuptools")}
    digests = {f"SHA-256, {place.path}": sha256(wheel).hexdigest() for place, wheel in zip(PLACES, wheels, strict=True)}
    for name, value in (figures | digests).items():
        print(f"{name}: {value}")
    if asked.record:
        record("wheels", "python -m tests.wheels --record", figures)
    return int(one != other)


if __name__ == "__main__":
    sys.exit(main())
