"""One curve by ways that share little: ``python -m tests.differential [--count N] [--seed S] [--record]``.

Draws combinations of rule, loss and model, and solves the limit of each by generated C and by the NumPy reference,
explicitly and implicitly, by SciPy's DOP853 on the reference's equations, and, where heyoka is installed, by its Taylor
method on the symbolic ones. Says how far the risks are apart at most, in parts of themselves.
"""

from __future__ import annotations

import argparse
import random
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import version
from inspect import signature
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

import symhigh as sh
from symhigh.clock import OutOfTime, time_limit
from symhigh.codegen.kernels import limit_kernels
from symhigh.codegen.target import NUMPY, C
from symhigh.integration.modes import modes_of
from symhigh.integration.stepper import EXPLICIT, IMPLICIT
from tests.combinations import combinations
from tests.guarantees import record
from tests.taylor import AVAILABLE, REMEDY, by_taylor

RTOL, LEAST = 1e-9, 1e-6
"""The tolerance of every way, and the relative difference from which on two of them are told apart."""
TIMES = np.array([0.25, 0.5, 1.0, 2.0])
SECONDS = 60.0
"""How long one way may take."""
TAYLOR = "heyoka's Taylor method"
Way = Callable[[Any, tuple[Any, ...]], np.ndarray]


def by_symhigh(**how: Any) -> Way:
    def risk(system: Any, population: tuple[Any, ...]) -> np.ndarray:
        curve = system.solve(*population, TIMES[-1], t=TIMES, rtol=RTOL, **how)
        if not curve.complete:
            raise ValueError(curve.message)
        return np.asarray(curve.risk)

    return risk


def by_scipy(system: Any, population: tuple[Any, ...]) -> np.ndarray:
    """DOP853 on the equations that the NumPy reference evaluates, in the plain moments."""
    held, coef, states, _ = modes_of(system, *population)
    kernels, weights = limit_kernels(system, NUMPY), held.weights
    par = np.array([float(value) for value in system.parameters.values()])
    const, memory = np.zeros(len(system.reductions)), np.zeros(len(system.states))
    kernels.prepare(par, coef, weights, const)
    kernels.begin(par, const, memory)

    def rhs(t: float, y: np.ndarray) -> np.ndarray:
        slope = np.zeros_like(y)
        kernels.rhs(t, y, slope, par, coef, weights, const)
        return slope

    begin = np.concatenate([states.ravel(), memory])
    found = solve_ivp(rhs, (0.0, TIMES[-1]), begin, "DOP853", TIMES, rtol=RTOL, atol=1e-3 * RTOL)
    if not found.success:
        raise ValueError(found.message)
    place, outputs = list(system.outputs).index("risk"), np.zeros(len(system.outputs))
    risks = []
    for t, y in zip(TIMES, found.y.T, strict=True):
        kernels.observe(t, np.ascontiguousarray(y), outputs, par, coef, weights, const)
        risks.append(outputs[place])
    return np.array(risks)


WAYS: dict[str, Way] = {
    "C": by_symhigh(target=C, stepper=EXPLICIT),
    "the NumPy reference": by_symhigh(target=NUMPY, stepper=EXPLICIT),
    "the implicit method": by_symhigh(target=C, stepper=IMPLICIT),
    "SciPy's DOP853": by_scipy,
    TAYLOR: lambda system, population: by_taylor(system, population, TIMES),
}
if not AVAILABLE:
    del WAYS[TAYLOR]


def differences(name: str) -> dict[str, float | str]:
    """How far each way is from the first, relative to it; the reason where it refuses or fails."""
    problem, rule, population = combinations()[name]
    try:
        system = sh.derive(problem, rule)
    except ValueError as reason:
        return dict.fromkeys(WAYS, str(reason))
    if "stepper" not in signature(system.solve).parameters:
        return dict.fromkeys(WAYS, f"a {type(system).__name__}, which is solved in one way only")
    found: dict[str, float | str] = {}
    first: np.ndarray | None = None
    for way, risk in WAYS.items():
        try:
            with warnings.catch_warnings(), time_limit(SECONDS):
                warnings.simplefilter("ignore")
                value = risk(system, population)
        except OutOfTime:
            found[way] = f"not done after {SECONDS:g} s"
        except Exception as reason:
            found[way] = f"{type(reason).__name__}: {str(reason)[:150]}"
        else:
            first = value if first is None else first
            found[way] = float(np.max(np.abs(value - first) / np.abs(first)))
    return found


def refusals(name: str, found: dict[str, float | str]) -> dict[str, str]:
    """What is refused by every way, once, or by one of them."""
    reasons = {way: value for way, value in found.items() if isinstance(value, str)}
    if len(reasons) == len(WAYS) and len(set(reasons.values())) == 1:
        return {f"{name}, every way": reasons["C"]}
    return {f"{name}, {way}": reason for way, reason in reasons.items()}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.differential")
    parser.add_argument("--count", type=int, default=100, help="how many combinations to draw, at most all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", action="store_true", help="keep the figures for the page of guarantees")
    asked = parser.parse_args()
    names = sorted(combinations())
    drawn = random.Random(asked.seed).sample(names, min(asked.count, len(names)))
    found = {}
    for name in drawn:
        found[name] = differences(name)
        print(f"{name}: {found[name]}", flush=True)
    figures: dict[str, Any] = {"limits drawn": len(found)}
    for way in list(WAYS)[1:]:
        apart = [each[way] for each in found.values() if isinstance(each[way], float)]
        left = sum(isinstance(each[way], str) and isinstance(each["C"], float) for each in found.values())
        out = f", {left} left out" if left else ""
        figures[f"C and {way}"] = f"{max(apart, default=0.0):.1e} apart at most, {len(apart)} limits{out}"
    figures |= {"heyoka": version("heyoka") if AVAILABLE else f"left out, for it is not installed: {REMEDY}"}
    listed = {key: value for name, each in found.items() for key, value in refusals(name, each).items()}
    wrong = {f"{name}, {way}": f"{value:.1e} apart" for name, each in found.items() for way, value in each.items()
             if isinstance(value, float) and not value <= LEAST}  # fmt: skip
    for key, value in (*figures.items(), *listed.items(), *wrong.items()):
        print(f"{key}: {value}")
    if asked.record:
        words = f"python -m tests.differential --count {asked.count} --seed {asked.seed} --record"
        record("differential", words, figures, listed | wrong)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
