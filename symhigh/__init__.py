"""symhigh: exact high-dimensional limits of stochastic gradient descent, derived, integrated and checked.

>>> import symhigh as sh
>>> system = sh.derive(sh.least_squares(noise=1), sh.AdaGradNorm(eta=1, b=1))
>>> curve = system.solve(sh.Spectrum.isotropic(), sh.Start(), t_end=10)

Names are imported when they are first used, so ``import symhigh`` is quick. Which names there are and where they live
stands once, in ``__init__.pyi``, for type checkers and for the loader below.
"""

from __future__ import annotations

import re
import sys
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

__version__ = "0.2.0"

_LISTED = re.findall(
    r"^from (\S+) import (\w+) as \2$", Path(__file__).with_suffix(".pyi").read_text("utf-8"), re.MULTILINE
)
_HOME = {name: module for module, name in _LISTED}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        folded = {} if name.startswith("_") else {public.lower(): public for public in __all__}
        near = [folded[key] for key in get_close_matches(name.lower(), folded, n=3, cutoff=0.6)]
        hint = f"did you mean {' or '.join(near)}?" if near else "dir(symhigh) lists the public names"
        raise AttributeError(f"module 'symhigh' has no attribute {name!r}; {hint}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


class _Package(ModuleType):
    """The package, in which ``verify`` stays a function after the old module of that name is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
