"""What pyproject.toml cannot say: the claims in ``derivations/`` ship as ``symhigh.derivations``.

And a wheel has the same bytes wherever and whenever it is built, by one version of setuptools: its dates are
``SOURCE_DATE_EPOCH``, or a fixed day, and the permissions of its files are not those of the checkout.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from setuptools import find_namespace_packages, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

os.environ.setdefault("SOURCE_DATE_EPOCH", "1580601600")  # 2 February 2020, as other builders have it
os.umask(0o022)


def readable(files: Iterable[str | Path]) -> None:
    """Every file readable by all and writable by its owner."""
    for file in files:
        Path(file).chmod(0o644)


class Package(build_py):
    def run(self) -> None:
        super().run()
        if not self.editable_mode:  # nothing is copied there
            readable(self.get_outputs())


class Wheel(bdist_wheel):
    def egg2dist(self, egginfo_path: str, distinfo_path: str) -> None:
        super().egg2dist(egginfo_path, distinfo_path)
        readable(file for file in Path(distinfo_path).rglob("*") if file.is_file())


LIBRARY, CLAIMS = (
    find_namespace_packages(include=[name, f"{name}.*"], exclude=["*__pycache__"])
    for name in ("symhigh", "derivations")
)

setup(
    packages=[*LIBRARY, *(f"symhigh.{name}" for name in CLAIMS)],
    package_dir={"symhigh.derivations": "derivations"},
    cmdclass={"build_py": Package, "bdist_wheel": Wheel},
)
