"""What a verification ran on: versions and machine.

Beside the ledger; records hold it, and rows of earlier runs are known by it.
"""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from symhigh import __version__

_PACKAGES = ("sympy", "mpmath", "numpy", "scipy", "numba", "python-flint")


def versions() -> dict[str, str]:
    """The versions of symhigh, Python and the packages that results rest on; ``"none"`` for one not installed."""
    def of(name: str) -> str:
        try:
            return version(name)
        except PackageNotFoundError:
            return "none"

    return {"symhigh": __version__, "python": platform.python_version(), **{name: of(name) for name in _PACKAGES}}


def installed() -> tuple[str, ...]:
    """Python, and every package installed, each with its version, as the folders of their metadata are named."""
    folders = [folder for folder in sys.path if os.path.isdir(folder)]
    names = {name for folder in folders for name in os.listdir(folder)}
    return sys.version, *sorted(name for name in names if name.endswith(".dist-info"))


def settings() -> tuple[str, ...]:
    """What the environment says to the packages that results rest on; where caches lie is left out."""
    heads, places = ("SYMHIGH_", "SYMPY_", "MPMATH_", "NUMBA_", "NPY_"), ("SYMHIGH_CACHE", "NUMBA_CACHE_DIR")
    return tuple(f"{k}={v}" for k, v in sorted(os.environ.items()) if k.startswith(heads) and k not in places)


def machine() -> dict[str, str]:
    """System, processor and word length."""
    return {"system": platform.platform(), "processor": platform.machine(), "bits": str(sys.maxsize.bit_length() + 1)}
