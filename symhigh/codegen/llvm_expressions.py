"""Expressions of generated Python as instructions of LLVM, each with its type.

Part of the LLVM target (:mod:`symhigh.codegen.llvm`), the counterpart of :mod:`symhigh.codegen.c_expressions`: the same
subset with the same meaning, in the types that were found for C. Arrays and calls are in
:mod:`symhigh.codegen.llvm_arrays`.
"""

from __future__ import annotations

import ast
import math
import struct
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from symhigh.codegen.c_types import NoTranslation, Type, identifier, join

if TYPE_CHECKING:
    from symhigh.codegen.llvm import Module

CALLS = {
    **{name: name for name in ("acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "cos", "cosh")},
    **{name: name for name in ("erf", "erfc", "exp", "exp2", "expm1", "fmod", "hypot", "lgamma", "log", "log10")},
    **{name: name for name in ("log1p", "log2", "pow", "sin", "sinh", "tan", "tanh")},
    **{"gamma": "tgamma", "sqrt": "llvm.sqrt.f64", "fabs": "llvm.fabs.f64", "copysign": "llvm.copysign.f64"},
    **{"fused": "llvm.fmuladd.f64", "floor": "llvm.floor.f64", "ceil": "llvm.ceil.f64", "trunc": "llvm.trunc.f64"},
}  # fmt: skip
"""Functions of doubles, of the C library or LLVM's own."""
_VALUES = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan, "tau": math.tau}
_OF_DOUBLES = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul"}
_OF_WORDS = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.BitXor: "xor", ast.BitAnd: "and", ast.BitOr: "or",
    ast.LShift: "shl", ast.RShift: "lshr",
}  # fmt: skip
_COMPARED = {ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne"}


@dataclass(frozen=True)
class Value:
    """Operands of LLVM and their type in the words of the C target.

    An array is its address and its shape, a record the address of the slots of its fields.
    """

    kind: Type
    parts: tuple[str, ...]


def flat(kind: Type) -> list[str]:
    """The types of LLVM that a value of a type is made of."""
    if kind in ("n", "v"):
        return []
    if kind.startswith("("):
        return [part for one in kind[1:-1].split(",") for part in flat(one)]
    if kind.startswith("r"):
        return ["ptr"]
    return {"d": ["double"], "i": ["i64"], "u": ["i64"]}.get(kind) or ["ptr", *["i64"] * int(kind[1:])]


def number(value: float) -> str:
    """A double with all of its bits."""
    return f"0x{struct.unpack('>Q', struct.pack('>d', value))[0]:016X}"


def word(value: int) -> str:
    """A word of 64 bits, as LLVM reads it."""
    return str(value - 2**64 if value >= 2**63 else value)


class Expressions:
    """The expressions of one function, whose local names have known types and places."""

    def __init__(self, module: Module, name: str, local: dict[str, Type], flags: str) -> None:
        self.module, self.name, self.local, self.flags = module, name, local, flags
        self.lines: list[str] = []
        self.room: list[str] = []
        """Places on the stack, made where the function begins."""
        self.held = ""
        """The place of what is to be given back at the end, where something is."""
        self.counter = 0
        self.group = ""
        """What marks a load or a store inside a loop whose turns do not depend on each other."""

    # --- instructions -----------------------------------------------------------------------------------
    def fresh(self) -> str:
        self.counter += 1
        return f"k{self.counter}"

    def put(self, instruction: str) -> str:
        """An instruction with a result, which is named."""
        name = f"%{self.fresh()}"
        self.lines.append(f"{name} = {instruction}")
        return name

    def place(self, kind: str) -> str:
        """Room on the stack for a value of a type of LLVM."""
        name = f"%{self.fresh()}"
        self.room.append(f"{name} = alloca {kind}")
        return name

    def begin(self, label: str) -> None:
        """A block, into which the one before falls unless it has ended."""
        if not self.ended:
            self.lines.append(f"br label %{label}")
        self.lines.append(f"{label}:")

    @property
    def ended(self) -> bool:
        return bool(self.lines) and self.lines[-1].startswith(("br ", "ret "))

    def converted(self, value: Value, kind: Type) -> Value:
        """A value as one of another type."""
        if value.kind == kind or {value.kind, kind} == {"i", "u"}:
            return Value(kind, value.parts)
        if kind == "d" and value.kind in ("i", "u"):
            sign = "s" if value.kind == "i" else "u"
            return Value("d", (self.put(f"{sign}itofp i64 {value.parts[0]} to double"),))
        if kind.startswith("(") and value.kind.startswith("("):
            parts: list[str] = []
            rest = list(value.parts)
            for one, two in zip(value.kind[1:-1].split(","), kind[1:-1].split(","), strict=True):
                count = len(flat(one))
                parts += self.converted(Value(one, tuple(rest[:count])), two).parts
                del rest[:count]
            return Value(kind, tuple(parts))
        raise NoTranslation(f"code generation: {self.name} takes a {value.kind} for a {kind}")

    def double(self, e: ast.expr) -> str:
        return self.converted(self.value(e), "d").parts[0]

    def whole(self, e: ast.expr) -> str:
        return self.converted(self.value(e), "i").parts[0]

    # --- expressions ------------------------------------------------------------------------------------
    def value(self, e: ast.expr) -> Value:
        match e:
            case ast.Constant(bool() | int() as v) if abs(v) < 2**62:
                return Value("i", (str(int(v)),))
            case ast.Constant(float() | int() as v):
                return Value("d", (number(float(v)),))
            case ast.Name(name):
                return self.named(name)
            case ast.Attribute(ast.Name("math" | "numpy"), name) if name in _VALUES:
                return Value("d", (number(_VALUES[name]),))
            case ast.Attribute(array, "size"):
                return Value("i", (self.value(array).parts[1],))
            case ast.Attribute(owner, name):
                return self.field(self.value(owner), name)
            case ast.UnaryOp(ast.USub(), operand):
                one = self.value(operand)
                code = f"fneg double {one.parts[0]}" if one.kind == "d" else f"sub i64 0, {one.parts[0]}"
                return Value(one.kind, (self.put(code),))
            case ast.UnaryOp(ast.UAdd(), operand):
                return self.value(operand)
            case ast.BinOp(left, op, right):
                return self.binary(left, op, right)
            case ast.Compare() | ast.BoolOp() | ast.UnaryOp(ast.Not(), _):
                return Value("i", (self.put(f"zext i1 {self.condition(e)} to i64"),))
            case ast.IfExp(test, body, orelse):
                return self.either(test, body, orelse)
            case ast.Subscript():
                return self.element(e)
            case ast.Call():
                return self.called(e)
        raise NoTranslation(f"code generation: nothing of LLVM for {ast.unparse(e)}")

    def named(self, name: str) -> Value:
        if name in self.local:
            kind = self.local[name]
            places = enumerate(flat(kind))
            return Value(kind, tuple(self.put(f"load {of}, ptr %{identifier(name)}.{k}") for k, of in places))
        if name in _VALUES:
            return Value("d", (number(_VALUES[name]),))
        known = self.module.values.get(name)
        if isinstance(known, np.ndarray):
            self.module.tables[name] = known
            kind = f"{'k' if known.dtype.kind == 'i' else 'a'}{known.ndim}"
            return Value(kind, (f"@D_{name}", *map(str, known.shape)))
        if isinstance(known, int | float):
            return self.value(ast.Constant(known))
        raise NoTranslation(f"code generation: {self.name} uses {name}, of which LLVM knows nothing")

    def condition(self, e: ast.expr) -> str:
        """A truth value, of one bit."""
        match e:
            case ast.UnaryOp(ast.Not(), operand):
                return self.put(f"xor i1 {self.condition(operand)}, true")
            case ast.BoolOp(op, [one, *more_]):
                found, last = self.place("i1"), self.fresh()
                self.lines.append(f"store i1 {self.condition(one)}, ptr {found}")
                for other in more_:
                    more, here = self.fresh(), self.put(f"load i1, ptr {found}")
                    ways = (more, last) if isinstance(op, ast.And) else (last, more)
                    self.lines += [f"br i1 {here}, label %{ways[0]}, label %{ways[1]}", f"{more}:"]
                    self.lines.append(f"store i1 {self.condition(other)}, ptr {found}")
                self.begin(last)
                return self.put(f"load i1, ptr {found}")
            case ast.Compare(tested, [ast.Is()], [ast.Constant(None)]):  # settled by the type
                return "true" if self.kind_of(tested) == "n" else "false"
            case ast.Compare(left, ops, others):
                sides = [self.value(v) for v in (left, *others)]
                first, *rest = [self.compared(a, op, b) for a, op, b in zip(sides, ops, sides[1:], strict=False)]
                return reduce(lambda a, b: self.put(f"and i1 {a}, {b}"), rest, first)
        value = self.value(e)
        if value.kind == "d":
            return self.put(f"fcmp une double {value.parts[0]}, {number(0.0)}")
        return self.put(f"icmp ne i64 {value.parts[0]}, 0")

    def kind_of(self, e: ast.expr) -> Type:
        return self.local.get(e.id, "") if isinstance(e, ast.Name) else ""

    def compared(self, a: Value, op: ast.cmpop, b: Value) -> str:
        sign = _COMPARED[type(op)]
        if "d" in (a.kind, b.kind):
            one, two = self.converted(a, "d").parts[0], self.converted(b, "d").parts[0]
            return self.put(f"fcmp {'une' if sign == 'ne' else 'o' + sign} double {one}, {two}")
        order = "" if sign in ("eq", "ne") else "u" if "u" in (a.kind, b.kind) else "s"
        return self.put(f"icmp {order}{sign} i64 {a.parts[0]}, {b.parts[0]}")

    def either(self, test: ast.expr, body: ast.expr, orelse: ast.expr) -> Value:
        """One of two values; the other is not computed."""
        here, there, end = self.fresh(), self.fresh(), self.fresh()
        self.lines += [f"br i1 {self.condition(test)}, label %{here}, label %{there}", f"{here}:"]
        one, after = self.value(body), len(self.lines)
        self.lines.append("")  # where the first value is kept, once both types are known
        self.lines += [f"br label %{end}", f"{there}:"]
        two = self.value(orelse)
        kind = join(one.kind, two.kind)
        places = [self.place(of) for of in flat(kind)]
        self.store(self.converted(two, kind), places)
        self.begin(end)
        rest = self.lines[after + 1 :]
        del self.lines[after:]
        self.store(self.converted(one, kind), places)
        self.lines += rest
        return Value(kind, tuple(self.put(f"load {of}, ptr {p}") for of, p in zip(flat(kind), places, strict=True)))

    def store(self, value: Value, places: list[str]) -> None:
        for of, part, place in zip(flat(value.kind), value.parts, places, strict=True):
            self.lines.append(f"store {of} {part}, ptr {place}")

    def binary(self, left: ast.expr, op: ast.operator, right: ast.expr) -> Value:
        if isinstance(op, ast.Pow):
            return Value("d", (self.power(self.double(left), right),))
        if isinstance(op, ast.Div):
            return Value("d", (self.put(f"fdiv {self.flags}double {self.double(left)}, {self.double(right)}"),))
        return self.combined(self.value(left), op, self.value(right))

    def combined(self, a: Value, op: ast.operator, b: Value) -> Value:
        """Two values by an operation that keeps their type."""
        kind = "u" if "u" in (a.kind, b.kind) else join(a.kind, b.kind)
        one, two = self.converted(a, kind).parts[0], self.converted(b, kind).parts[0]
        if isinstance(op, ast.FloorDiv | ast.Mod):
            if kind != "d":
                code = "sdiv" if isinstance(op, ast.FloorDiv) else "srem"
                return Value(kind, (self.put(f"{code} i64 {one}, {two}"),))
            if isinstance(op, ast.Mod):
                return Value("d", (self.put(f"call double @modulo(double {one}, double {two})"),))
            ratio = self.put(f"fdiv double {one}, {two}")
            return Value("d", (self.library("floor", ratio),))
        if kind == "d":
            return Value("d", (self.put(f"{_OF_DOUBLES[type(op)]} {self.flags}double {one}, {two}"),))
        code = "ashr" if isinstance(op, ast.RShift) and kind == "i" else _OF_WORDS[type(op)]
        return Value(kind, (self.put(f"{code} i64 {one}, {two}"),))

    def power(self, base: str, power: ast.expr) -> str:
        times = f"fmul {self.flags}double"
        match power:
            case ast.Constant(2 | 3 | 4 as n) if isinstance(n, int):
                square = self.put(f"{times} {base}, {base}")
                return square if n == 2 else self.put(f"{times} {square}, {base if n == 3 else square}")
        return self.library("pow", base, self.double(power))

    def library(self, name: str, *given: str) -> str:
        """The result of a function of doubles."""
        self.module.declared[CALLS[name]] = len(given)
        return self.put(f"call double @{CALLS[name]}({', '.join(f'double {one}' for one in given)})")

    def field(self, record: Value, name: str) -> Value:
        """A field of a record."""
        at, kind = self.module.field(record.kind, name)
        if isinstance(kind, tuple):
            raise NoTranslation(f"code generation: {self.name} takes the function {name} for a value")
        slots = [self.put(f"getelementptr i64, ptr {record.parts[0]}, i64 {at + k}") for k in range(len(flat(kind)))]
        parts = (self.put(f"load {of}, ptr {slot}") for of, slot in zip(flat(kind), slots, strict=True))
        return Value(kind, tuple(parts))

    def element(self, e: ast.Subscript) -> Value:
        """An entry or a part of an array, or one number of its shape."""
        raise NotImplementedError

    def called(self, e: ast.Call) -> Value:
        """The result of a call."""
        raise NotImplementedError
