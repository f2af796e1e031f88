"""symhigh: exact high-dimensional limits of stochastic gradient descent, derived, integrated and checked.

>>> import symhigh as sh
>>> system = sh.derive(sh.least_squares(noise=1), sh.AdaGradNorm(eta=1, b=1))
>>> curve = system.solve(sh.Spectrum.isotropic(), sh.Start(), t_end=10)

Names are imported when they are first used, so ``import symhigh`` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "symhigh.symbols": ("x", "x_star", "eps", "y", "t"),
    "symhigh.problem": ("Problem", "Spectrum", "Start", "huber", "least_squares", "logistic_regression", "phase_retrieval"),
    "symhigh.rule": ("AdaGradNorm", "Constant", "LineSearch", "Memory", "Polyak", "Rule", "Schedule"),
    "symhigh.derive": ("derive", "expect"),
    "symhigh.closed": ("Formula", "limits"),
    "symhigh.simulate": ("Runs", "simulate"),
    "symhigh.integrate": ("Curve",),
    "symhigh.verify": ("Claim", "Comparison", "Ledger", "compare", "verify"),
}
_WHERE = {name: module for module, names in _HOME.items() for name in names}
__all__ = sorted(_WHERE)

if TYPE_CHECKING:
    from symhigh.derive import derive as derive
    from symhigh.derive import expect as expect
    from symhigh.problem import Problem as Problem
    from symhigh.simulate import simulate as simulate


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'symhigh' has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
