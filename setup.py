"""The one thing that pyproject.toml cannot say: the claims in ``derivations/`` ship as ``symhigh.derivations``."""

from setuptools import find_namespace_packages, setup

LIBRARY, CLAIMS = (
    find_namespace_packages(include=[name, f"{name}.*"], exclude=["*__pycache__"])
    for name in ("symhigh", "derivations")
)

setup(
    packages=[*LIBRARY, *(f"symhigh.{name}" for name in CLAIMS)],
    package_dir={"symhigh.derivations": "derivations"},
)
