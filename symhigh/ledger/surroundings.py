"""What a verification ran on: versions and machine.

Beside the ledger; records hold it, and rows of earlier runs are known by it.
"""

from __future__ import annotations

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


def machine() -> dict[str, str]:
    """System, processor and word length."""
    return {"system": platform.platform(), "processor": platform.machine(), "bits": str(sys.maxsize.bit_length() + 1)}
