"""Values that no argument expects: text that would run, numbers that are none, shapes, objects that raise."""

import builtins
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import sympy as sp

CANARY: list[str] = []
"""Holds something as soon as a text was executed."""
builtins.CANARY = CANARY  # type: ignore[attr-defined]
_RUN = "__import__('builtins').CANARY.append('run')"


class Mute:
    """An object whose own methods raise."""

    def __repr__(self) -> str:
        raise RuntimeError("no representation")

    def __float__(self) -> float:
        raise RuntimeError("no number")


def raising(*_: Any, **__: Any) -> Any:
    raise RuntimeError("raised by the caller's own function")


z, w = sp.symbols("z w")

TEXT: dict[str, Callable[[], Any]] = {
    "code": lambda: _RUN,
    "code in a call": lambda: f"Symbol('x', **{{}}) + {_RUN}",
    "number in text": lambda: "0.5",
    "letter": lambda: "x",
    "nothing": lambda: "",
    "zero byte": lambda: "\0",
    "bytes": lambda: b"1",
    "numpy text": lambda: np.str_("1"),
}
NOT_REAL: dict[str, Callable[[], Any]] = {
    "1j": lambda: 1j,
    "complex one": lambda: complex(1, 0),
    "complex64": lambda: np.complex64(1 + 2j),
    "complex128": lambda: np.complex128(1 + 2j),
    "I": lambda: sp.I,
    "1 + I": lambda: 1 + sp.I,
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "-inf": lambda: float("-inf"),
    "float32 nan": lambda: np.float32("nan"),
    "float64 inf": lambda: np.float64("inf"),
    "sympy nan": lambda: sp.nan,
    "oo": lambda: sp.oo,
    "-oo": lambda: -sp.oo,
    "zoo": lambda: sp.zoo,
    "decimal nan": lambda: Decimal("NaN"),
    "mpmath nan": lambda: mpmath.nan,
    "10**400": lambda: 10**400,
    "-10**400": lambda: -(10**400),
    "sympy 10**400": lambda: sp.Integer(10) ** 400,
    "fraction 10**400": lambda: Fraction(10**400),
    "float 1e400": lambda: sp.Float("1e400"),
    "10**5000": lambda: 10**5000,
    "True": lambda: True,
    "False": lambda: False,
    "numpy True": lambda: np.bool_(True),
    "timedelta": lambda: np.timedelta64(1, "s"),
    "datetime": lambda: np.datetime64("2020-01-01"),
    "imaginary symbol": lambda: sp.Symbol("z", imaginary=True),
    "symbol that does not commute": lambda: sp.Symbol("z", commutative=False),
    "matrix symbol": lambda: sp.MatrixSymbol("A", 2, 2),
    "bounds": lambda: sp.AccumBounds(0, 1),
    "order": lambda: sp.Order(z),
}
OBJECTS: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "object": object,
    "mute": Mute,
    "function that raises": lambda: raising,
    "class": lambda: int,
    "sympy class": lambda: sp.sin,
    "ellipsis": lambda: ...,
    "true": lambda: sp.true,
    "relation": lambda: sp.Eq(z, w),
    "set": lambda: sp.Interval(0, 1),
    "matrix": lambda: sp.Matrix([[1, 2], [2, 1]]),
    "empty list": list,
    "mixed list": lambda: [1, "x"],
    "ragged list": lambda: [[1], [2, 3]],
    "list of code": lambda: [_RUN, _RUN],
    "mapping": lambda: {"a": 1},
    "mapping of code": lambda: {_RUN: _RUN},
    "tuple of code": lambda: (_RUN, _RUN),
    "set of code": lambda: {_RUN},
    "array of code": lambda: np.array([_RUN], dtype=object),
    "list of mappings of code": lambda: [{_RUN: _RUN}],
    "empty set": set,
    "empty array": lambda: np.array([]),
    "array of nan": lambda: np.array([np.nan, 1.0]),
    "array of text": lambda: np.array(["a", "b"]),
    "array of complex": lambda: np.array([1j, 2.0]),
    "array of None": lambda: np.array([None, None]),
    "array in 3-D": lambda: np.zeros((2, 2, 2)),
    "generator": lambda: (k for k in range(3)),
    "0-d nan": lambda: np.array(np.nan),
    "0-d object array": lambda: np.array(None, dtype=object),
    "0-d array of text": lambda: np.array("0.5"),
    "array of booleans": lambda: np.array([True, False]),
    "array of -1": lambda: np.array([-1.0, -1.0]),
    "array of symbols": lambda: np.array([z, w]),
    "array of times": lambda: np.array([0, 1], dtype="timedelta64[s]"),
    "empty rows": lambda: np.zeros((0, 3)),
    "empty columns": lambda: np.zeros((3, 0)),
    "square of nan": lambda: np.full((2, 2), np.nan),
    "square of zeros": lambda: np.zeros((2, 2)),
    "masked": lambda: np.ma.array([1.0, 2.0], mask=[True, False]),
}
ODD: dict[str, Callable[[], Any]] = {
    "minus one": lambda: -1,
    "zero": lambda: 0,
    "-0.0": lambda: -0.0,
    "5/2": lambda: 2.5,
    "1e308": lambda: 1e308,
    "-1e308": lambda: -1e308,
    "denormal": lambda: 5e-324,
    "tiny rational": lambda: sp.Rational(1, 10**400),
    "2**63": lambda: 2**63,
    "int8": lambda: np.int8(-1),
    "float16": lambda: np.float16(0.5),
    "0-d array": lambda: np.array(0.5),
    "decimal": lambda: Decimal("0.5"),
    "open symbol": lambda: z,
    "array of numbers as objects": lambda: np.array([0.5, 1.0], dtype=object),
    "array of 1e308": lambda: np.array([1e308, 1e308]),
    "square of 1e308": lambda: np.full((2, 2), 1e308),
    "applied function": lambda: sp.Function("f")(z),
}
"""Some of these some arguments may take."""
VALUES = {**TEXT, **NOT_REAL, **OBJECTS, **ODD}
NO_NUMBERS = {**TEXT, **NOT_REAL, **OBJECTS}
"""What no numeric argument may take, but for None where that is its default."""
INFINITE = ("inf", "float64 inf", "oo")
"""What a number may be that may be infinite."""
