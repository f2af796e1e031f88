"""Types of the functions of a limit, the steppers and the simulators, in the words of :mod:`symhigh.codegen.c_types`.

Read where they are compiled and joined (:mod:`symhigh.codegen.kernels`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symhigh.codegen.c_types import Record, Signature

_SLOPE = ("d", "a1", "a1", "a1", "a2", "a1", "a1")
LIMIT: dict[str, Signature] = {
    "prepare": ("a1", "a2", "a1", "a1"),
    "begin": ("a1", "a1", "a1"),
    "rhs": _SLOPE,
    "observe": _SLOPE,
    "doubt": _SLOPE,
    "scales": ("a1", "a1", "a1", "d", "a1", "a2", "a1"),
    "refused": ("a1", "a1", "a1"),
}
ALGEBRA: dict[str, Signature] = {
    "linearise": _SLOPE,
    "factor": ("d", "a1", "a1", "a2", "a1", "a2", "a1", "a1"),
    "solve": ("d", "a1", "a1", "a1", "a1", "a2", "a1", "a1", "a2", "a1", "a1"),
    "drift": ("a1", "a1", "a1", "a1", "a2", "a1", "a1"),
}
"""What a limit's functions and those of its linear algebra are given; ``refused`` alone returns a truth value."""


def record(fields: Sequence[str]) -> Record:
    """The record of functions and arrays that a stepper is told of a limit."""
    kinds: dict[str, Any] = {name: (*its, "v") for name, its in (LIMIT | ALGEBRA).items()}
    kinds |= {"refused": (*LIMIT["refused"], "i"), "coef": "a2", "A": "a2"}
    return Record("limit", {name: kinds.get(name, "a1") for name in fields})


STEPPER: dict[str, Signature] = {
    "advance": ("d", "a1", "i", "a2", "a1", "a2", "a2", "a1", "rlimit", "d", "a1", "a1", "a1", "i", "i"),
    "fill": ("d", "a1", "i", "a2", "d", "d", "a1", "a2", "a2", "a1", "rlimit", "d", "a1"),
    "densify": ("d", "d", "a1", "a2", "a2", "rlimit"),
    "interpolate": ("d", "a1", "a2", "a1"),
}

RECORDED = {name: LIMIT[name] for name in ("prepare", "begin", "observe", "doubt")}
_RNG = "(n,b1)"
_OF_SYSTEM: Signature = ("a1", "a2", "a1", "a1", "a1")
_STEPS: Signature = (_RNG, "a1", "a1", "a2", "a2", *_OF_SYSTEM)
_CHAIN: Signature = ("d", _RNG, "a3", "a3", "k1", *["a1"] * 5, *_OF_SYSTEM)
_TRAIL: Signature = ("i", "i", "i", "k1", "a2", "a1")
_DRAWN: dict[str, Signature] = {**RECORDED, "normals": (_RNG, "a1")}
STEP: dict[str, Signature] = {**_DRAWN, "run": ("i", "i", *_STEPS), "trail": (*_TRAIL, *_STEPS)}
GIVEN_STEP: dict[str, Signature] = {**_DRAWN, "run": ("i", "i", _RNG, "a2", "a1", *_STEPS[1:])}
GRAM: dict[str, Signature] = {
    **RECORDED,
    "lift": ("a3", "a3", "k1", "a1"),
    "run": ("i", "i", *_CHAIN),
    "trail": (*_TRAIL, *_CHAIN),
}
"""What the simulators' functions are given; a generator of NumPy in the place of None is for Numba alone."""
