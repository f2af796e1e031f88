"""symhigh: exact high-dimensional limits of stochastic gradient descent, derived, integrated and checked.

>>> import symhigh as sh
>>> system = sh.derive(sh.least_squares(noise=1), sh.AdaGradNorm(eta=1, b=1))
>>> curve = system.solve(sh.Spectrum.isotropic(), sh.Start(), t_end=10)

Names are imported when they are first used, so ``import symhigh`` is quick.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "symhigh.symbols": ("x", "x_star", "eps", "y", "t"),
    "symhigh.problem": (
        "Contaminated",
        "DiagonalNetwork",
        "Gaussian",
        "Laplace",
        "NetworkClasses",
        "Problem",
        "Rademacher",
        "Spectrum",
        "Start",
        "StudentT",
        "absolute_phase_retrieval",
        "erf_student",
        "hermite_student",
        "hinge",
        "huber",
        "least_squares",
        "logistic_regression",
        "phase_retrieval",
        "probit_regression",
        "pseudo_huber",
        "quantile",
        "relu_student",
        "sign_regression",
        "squared_hinge",
        "student",
        "tanh_student",
    ),
    "symhigh.rule": (
        "AdaGradNorm",
        "Constant",
        "DAdaptation",
        "DelayedAdaGradNorm",
        "DistanceThreshold",
        "DoG",
        "Forgetting",
        "LineSearch",
        "Memory",
        "MiniBatch",
        "Modulated",
        "Polyak",
        "RMSpropNorm",
        "RiskThreshold",
        "Rule",
        "Schedule",
        "StochasticPolyak",
        "WarmUp",
        "WeightDecay",
        "cosine",
    ),
    "symhigh.derive": ("derive", "expect"),
    "symhigh.derive.several": ("MultiIndex", "Overlaps", "derive_several"),
    "symhigh.closed": (
        "Attempt",
        "FixedPoint",
        "Formula",
        "RenewalEquation",
        "fixed_points",
        "limits",
        "renewal_equation",
        "within",
    ),
    "symhigh.simulate": ("NetworkRuns", "Runs", "Sweep", "simulate", "simulate_network", "sweep"),
    "symhigh.integrate": ("Curve",),
    "symhigh.verify": (
        "Claim",
        "Comparison",
        "ErrorSlope",
        "Ledger",
        "compare",
        "compare_network",
        "error_slope",
        "verify",
    ),
}
_WHERE = {name: module for module, names in _HOME.items() for name in names}
__all__ = sorted(_WHERE)

if TYPE_CHECKING:
    from symhigh.closed import Attempt as Attempt
    from symhigh.closed import FixedPoint as FixedPoint
    from symhigh.closed import Formula as Formula
    from symhigh.closed import RenewalEquation as RenewalEquation
    from symhigh.closed import fixed_points as fixed_points
    from symhigh.closed import limits as limits
    from symhigh.closed import renewal_equation as renewal_equation
    from symhigh.closed import within as within
    from symhigh.derive import derive as derive
    from symhigh.derive import expect as expect
    from symhigh.derive.several import MultiIndex as MultiIndex
    from symhigh.derive.several import Overlaps as Overlaps
    from symhigh.derive.several import derive_several as derive_several
    from symhigh.integrate import Curve as Curve
    from symhigh.problem import Contaminated as Contaminated
    from symhigh.problem import DiagonalNetwork as DiagonalNetwork
    from symhigh.problem import Gaussian as Gaussian
    from symhigh.problem import Laplace as Laplace
    from symhigh.problem import NetworkClasses as NetworkClasses
    from symhigh.problem import Problem as Problem
    from symhigh.problem import Rademacher as Rademacher
    from symhigh.problem import Spectrum as Spectrum
    from symhigh.problem import Start as Start
    from symhigh.problem import StudentT as StudentT
    from symhigh.problem import absolute_phase_retrieval as absolute_phase_retrieval
    from symhigh.problem import erf_student as erf_student
    from symhigh.problem import hermite_student as hermite_student
    from symhigh.problem import hinge as hinge
    from symhigh.problem import huber as huber
    from symhigh.problem import least_squares as least_squares
    from symhigh.problem import logistic_regression as logistic_regression
    from symhigh.problem import phase_retrieval as phase_retrieval
    from symhigh.problem import probit_regression as probit_regression
    from symhigh.problem import pseudo_huber as pseudo_huber
    from symhigh.problem import quantile as quantile
    from symhigh.problem import relu_student as relu_student
    from symhigh.problem import sign_regression as sign_regression
    from symhigh.problem import squared_hinge as squared_hinge
    from symhigh.problem import student as student
    from symhigh.problem import tanh_student as tanh_student
    from symhigh.rule import AdaGradNorm as AdaGradNorm
    from symhigh.rule import Constant as Constant
    from symhigh.rule import DAdaptation as DAdaptation
    from symhigh.rule import DelayedAdaGradNorm as DelayedAdaGradNorm
    from symhigh.rule import DistanceThreshold as DistanceThreshold
    from symhigh.rule import DoG as DoG
    from symhigh.rule import Forgetting as Forgetting
    from symhigh.rule import LineSearch as LineSearch
    from symhigh.rule import Memory as Memory
    from symhigh.rule import MiniBatch as MiniBatch
    from symhigh.rule import Modulated as Modulated
    from symhigh.rule import Polyak as Polyak
    from symhigh.rule import RiskThreshold as RiskThreshold
    from symhigh.rule import RMSpropNorm as RMSpropNorm
    from symhigh.rule import Rule as Rule
    from symhigh.rule import Schedule as Schedule
    from symhigh.rule import StochasticPolyak as StochasticPolyak
    from symhigh.rule import WarmUp as WarmUp
    from symhigh.rule import WeightDecay as WeightDecay
    from symhigh.rule import cosine as cosine
    from symhigh.simulate import NetworkRuns as NetworkRuns
    from symhigh.simulate import Runs as Runs
    from symhigh.simulate import Sweep as Sweep
    from symhigh.simulate import simulate as simulate
    from symhigh.simulate import simulate_network as simulate_network
    from symhigh.simulate import sweep as sweep
    from symhigh.symbols import eps as eps
    from symhigh.symbols import t as t
    from symhigh.symbols import x as x
    from symhigh.symbols import x_star as x_star
    from symhigh.symbols import y as y
    from symhigh.verify import Claim as Claim
    from symhigh.verify import Comparison as Comparison
    from symhigh.verify import ErrorSlope as ErrorSlope
    from symhigh.verify import Ledger as Ledger
    from symhigh.verify import compare as compare
    from symhigh.verify import compare_network as compare_network
    from symhigh.verify import error_slope as error_slope
    from symhigh.verify import verify as verify


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'symhigh' has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


class _Package(ModuleType):
    """The package, in which ``derive``, ``simulate`` and ``verify`` stay functions.

    Importing a room of the same name would put the room's module in their place.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _WHERE and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
