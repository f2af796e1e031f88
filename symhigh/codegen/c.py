"""The C target: generated Python of the loop form, translated statement by statement to C.

Every pass before it (:mod:`symhigh.codegen.lower`, quadrature, steppers) writes plain loops over arrays of doubles, in
Python that Numba compiles. That subset has an obvious meaning in C, so one text serves all targets. Types follow from
those of the functions that are called from outside; nothing is reordered, so results agree with the reference to the
rounding of library functions.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from symhigh.codegen.c_prelude import PRELUDE
from symhigh.codegen.c_statements import Function
from symhigh.codegen.c_types import C_TYPES, Record, Signature, Type, identifier, join, table
from symhigh.codegen.target import NUMPY

Given = Mapping[str, Type | Signature]
_NOTHING: Given = {}


def translate(
    source: str, exports: Mapping[str, Signature], records: tuple[Record, ...] = (), given: Given = _NOTHING
) -> str:
    """``source`` as C with an entry point for each of ``exports``, functions of the text with the types given.

    An entry point ``enter_<name>(slots, results)`` reads its arguments from slots of eight bytes: a number takes one,
    an array its address and its shape, a record its fields, a function its address. Functions that the exports never
    call are left out. Functions and tables of ``given`` are those of another object: where some are used, ``attach``
    takes their addresses from the array ``offered`` of that object (:func:`translate_shared`).
    Raises :class:`~symhigh.codegen.c_types.NoTranslation` for what is no loop over numbers and arrays.
    """
    module = Module(source, exports, records, given)
    return module.text([module.entry(name) for name in exports])


def translate_shared(source: str, given: Given) -> str:
    """``source`` as C without entry points: an array ``offered`` of the addresses of all that others are given."""
    exports = {name: kinds[:-1] for name, kinds in given.items() if isinstance(kinds, tuple)}
    module = Module(source, exports, (), {})
    module.tables |= {name: module.values[name] for name, kinds in given.items() if isinstance(kinds, str)}
    places = ", ".join(f"(void *)&{'f' if name in exports else 'T'}_{name}" for name in given)
    return module.text([f"SEEN void *const offered[] = {{{places}}};"])


@lru_cache(maxsize=128)
def _parsed(piece: str) -> list[ast.stmt]:
    """The statements of a function, and of what stands behind it; most functions are part of many texts."""
    return ast.parse(piece).body


class Module:
    """A text with the types of all that is reached from its exports."""

    def __init__(
        self, source: str, exports: Mapping[str, Signature], records: tuple[Record, ...], given: Given
    ) -> None:
        body = [statement for piece in re.split(r"(?m)^(?=@)", source) for statement in _parsed(piece)]
        self.functions = {f.name: f for f in body if isinstance(f, ast.FunctionDef) and f.decorator_list}
        plain = [s for s in body if not (isinstance(s, ast.FunctionDef) and s.decorator_list)]
        self.exports, self.records, self.given = exports, {r.name: r for r in records}, given
        self.values: dict[str, Any] = {}
        exec(NUMPY.header, self.values)
        exec(compile(ast.Module(plain, []), "<generated>", "exec"), self.values)  # tables are computed by Python
        self.tables: dict[str, Any] = {}
        self.used: set[str] = set()
        self.shapes: set[Type] = set()
        self.types: dict[str, list[Type]] = {name: list(types) for name, types in exports.items()}
        self.returns: dict[str, Type] = {}
        self.order: list[str] = []
        self.written: dict[str, str] = {}
        self.locals: dict[str, dict[str, Type]] = {}
        self.changed = True
        while self.changed:  # until the types of all arguments and results are settled
            self.changed = False
            self.order = []
            for name in exports:
                self.visit(name)

    def visit(self, name: str) -> None:
        """Translate a function and, before it, those that it calls."""
        if name in self.order:
            return
        self.order.append(name)
        function = Function(self, self.functions[name])
        self.written[name], self.locals[name] = function.text(), function.local
        self.order.remove(name)
        self.order.append(name)
        self.changed |= self.returns.get(name, function.returned) != function.returned
        self.returns[name] = function.returned

    def call(self, name: str, given: list[Type]) -> Type:
        """The type of the result of a function of the text, called with arguments of types ``given``."""
        known = self.types.get(name)
        joined = given if known is None else [join(a, b) for a, b in zip(known, given, strict=True)]
        if joined != known:
            self.types[name] = joined
            self.changed |= known is not None  # a call before was written for other types
        self.visit(name)
        return self.returns[name]

    def c_type(self, kind: Type) -> str:
        if kind.startswith("a"):
            return f"array{kind[1:]}"
        if kind.startswith("("):
            self.shapes.add(kind)
            return "several_" + kind[1:-1].replace(",", "_")
        if kind.startswith("r"):
            return f"const struct {kind[1:]} *"
        return C_TYPES[kind]

    def head(self, name: str) -> str:
        """The declaration of a function."""
        arguments = [a.arg for a in self.functions[name].args.args]
        given = ", ".join(f"{self.c_type(k)} {identifier(a)}" for a, k in zip(arguments, self.types[name], strict=True))
        seen = "SEEN " if name in self.exports else "static "
        return f"{seen}{self.c_type(self.returns[name])} f_{name}({given or 'void'})"

    def text(self, entries: list[str]) -> str:
        """The whole text, with what is called from outside at its end."""
        functions = [f"{self.head(name)}\n{self.written[name]}" for name in self.order]
        tables = [table(name, value) for name, value in sorted(self.tables.items())]
        records = [self._record(r) for r in self.records.values()]
        shapes = [
            f"typedef struct {{ {' '.join(f'{self.c_type(k)} v{i};' for i, k in enumerate(s[1:-1].split(',')))} }} "
            f"{self.c_type(s)};"
            for s in sorted(self.shapes)
        ]
        return "\n\n".join([PRELUDE, *shapes, *records, *tables, *self._attached(), *functions, *entries, ""])

    def _record(self, record: Record) -> str:
        lines = []
        for name, kind in record.fields.items():
            if isinstance(kind, tuple):
                given = ", ".join(map(self.c_type, kind[:-1]))
                lines.append(f"    {self.c_type(kind[-1])} (*{identifier(name)})({given});")
            else:
                lines.append(f"    {self.c_type(kind)} {identifier(name)};")
        return "\n".join([f"struct {record.name} {{", *lines, "};"])

    def _attached(self) -> list[str]:
        """What is used of another object, and the function that is told where it is."""
        if not self.used:
            return []
        lines, told = [], []
        for k, (name, kinds) in enumerate(self.given.items()):
            if name not in self.used:
                continue
            if isinstance(kinds, str):
                lines.append(f"static {self.c_type(kinds)} T_{name};")
                told.append(f"    T_{name} = *({self.c_type(kinds)} *)offered[{k}];")
            else:
                lines.append(f"static {self.c_type(kinds[-1])} (*f_{name})({', '.join(map(self.c_type, kinds[:-1]))});")
                told.append(f"    f_{name} = offered[{k}];")
        return ["\n".join([*lines, "SEEN void attach(void *const *offered)", "{", *told, "}"])]

    def entry(self, name: str) -> str:
        """The function that is called from outside."""
        lines, given, at = [], [], 0
        for kind in self.types[name]:
            given.append(self._argument(kind, at))
            at += self._slots(kind)
        result, call = self.returns[name], f"f_{name}({', '.join(given)})"
        if result == "v":
            lines.append(f"    {call};")
        elif result.startswith("("):
            lines.append(f"    {self.c_type(result)} found = {call};")
            lines += [f"    results[{k}].{kind} = found.v{k};" for k, kind in enumerate(result[1:-1].split(","))]
        else:
            lines.append(f"    results[0].{result} = {call};")
        kinds = "" if result == "v" else result.strip("()").replace(",", "")
        told = f'SEEN const char *const returns_{name} = "{kinds}";'
        return "\n".join([told, f"SEEN void enter_{name}(const slot *a, slot *results)", "{", *lines, "}"])

    def _argument(self, kind: Type, at: int) -> str:
        """What begins at a slot: the members of arrays and records are eight bytes each, and stand as in the slots."""
        if kind == "n":
            return "0"
        if kind in ("d", "i"):
            return f"a[{at}].{kind}"
        if kind.startswith("r"):
            return f"({self.c_type(kind)})(a + {at})"
        if kind.startswith("("):
            parts = []
            for part in kind[1:-1].split(","):
                parts.append(self._argument(part, at))
                at += self._slots(part)
            return f"({self.c_type(kind)}){{{', '.join(parts)}}}"
        return f"*(const {self.c_type(kind)} *)(a + {at})"

    def _slots(self, kind: Type | Signature) -> int:
        """How many slots an argument or a field takes."""
        if isinstance(kind, tuple):
            return 1
        if kind.startswith("r"):
            return sum(map(self._slots, self.records[kind[1:]].fields.values()))
        if kind.startswith("("):
            return sum(map(self._slots, kind[1:-1].split(",")))
        return {"n": 0, "d": 1, "i": 1}[kind] if len(kind) == 1 else 1 + int(kind[1:])
