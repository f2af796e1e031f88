"""Types of generated C: what a value may be, how two join, and how names, numbers and tables are written.

Part of the C target (:mod:`symhigh.codegen.c`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Type = str
"""``d`` double, ``i`` integer or truth value, ``u`` word of 64 bits, ``a1`` … ``a4`` arrays of doubles by rank, ``k1``
integers, ``b1`` words, ``n`` Python's None, ``v`` nothing; ``r<name>`` a record, ``f<name>`` a function that a record
holds, ``(…)`` several values."""

ENTRIES = {"a": "d", "k": "i", "b": "u"}
"""What arrays hold, by the first letter of their types."""

Signature = tuple[Type, ...]


@dataclass(frozen=True)
class Record:
    """A record that functions are given: its fields and their types; a function's type is its signature, ``f(…)``."""

    name: str
    fields: Mapping[str, Type | Signature]


class NoTranslation(ValueError):
    """The text leaves the subset that has an obvious meaning in C."""


C_TYPES = {
    "d": "double", "i": "long long", "u": "word", "v": "void", "n": "int", "k1": "integers", "b1": "words",
}  # fmt: skip


def join(a: Type, b: Type) -> Type:
    if a == b:
        return a
    if {a, b} == {"d", "i"}:
        return "d"
    if a[0] == b[0] == "(":
        return f"({','.join(join(x, y) for x, y in zip(a[1:-1].split(','), b[1:-1].split(','), strict=True))})"
    raise NoTranslation(f"code generation: one name for a {a} and a {b} has no C")


def identifier(name: str) -> str:
    """A C identifier that no library has taken."""
    return "v_" + "".join(c if c.isascii() else f"_u{ord(c):x}_" for c in name)


def number(value: float) -> str:
    if math.isnan(value):
        return "NAN"
    if math.isinf(value):
        return "INFINITY" if value > 0 else "(-INFINITY)"
    return repr(value)


def table(name: str, value: Any) -> str:
    kind = "long long" if value.dtype.kind == "i" else "double"
    entries = ", ".join(map(str if value.dtype.kind == "i" else number, value.ravel().tolist()))
    shape = "integers" if kind != "double" else f"array{value.ndim}"
    return (
        f"static const {kind} D_{name}[] = {{{entries}}};\n"
        f"static const {shape} T_{name} = {{({kind} *)D_{name}, {', '.join(map(str, value.shape))}}};"
    )
