"""Arrays and calls of generated Python as instructions of LLVM.

Part of the LLVM target (:mod:`symhigh.codegen.llvm`), between its expressions and its statements.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from functools import reduce

from symhigh.codegen.c_types import ENTRIES, NoTranslation, Type, join
from symhigh.codegen.llvm_expressions import CALLS, Expressions, Value, flat, number, word

_REFUSED = "code generation: nothing of LLVM for"
LIBRARY = """
@exact
def sorted_in(b):
    for i in range(1, b.shape[0]):
        v = b[i]
        j = i
        while j > 0 and b[j - 1] > v:
            b[j] = b[j - 1]
            j -= 1
        b[j] = v


@exact
def counted_in(b):
    for i in range(b.shape[0]):
        b[i] = i


@exact
def ordered_in(b, a):
    counted_in(b)
    for i in range(1, b.shape[0]):
        v = b[i]
        j = i
        while j > 0 and a[b[j - 1]] > a[v]:
            b[j] = b[j - 1]
            j -= 1
        b[j] = v


@exact
def added_in(a):
    s = 0.0
    for i in range(a.shape[0]):
        s += a[i]
    return s
"""
"""What NumPy's functions of whole arrays mean, in the language itself."""
LIBRARY_TYPES = {"sorted_in": ("a1",), "counted_in": ("k1",), "ordered_in": ("k1", "a1"), "added_in": ("a1",)}


class Arrays(Expressions):
    """Entries and parts of arrays, room for new ones, and functions."""

    def element(self, e: ast.Subscript) -> Value:
        if isinstance(e.value, ast.Attribute) and e.value.attr == "shape":
            return Value("i", (self.value(e.value.value).parts[1 + ast.literal_eval(e.slice)],))
        found = self.part(e)
        if len(found.kind) == 1:
            of = flat(found.kind)[0]
            return Value(found.kind, (self.put(f"load {of}, ptr {found.parts[0]}{self.group}"),))
        return found

    def part(self, e: ast.Subscript) -> Value:
        """A part of an array, or the address of an entry, with the type of what is there."""
        array = self.value(e.value)
        pointer, *sizes = array.parts
        places = e.slice.elts if isinstance(e.slice, ast.Tuple) else [e.slice]
        *first, last = places
        terms = [self.whole(p) for p in (first if isinstance(last, ast.Slice) else places)]
        length = ""
        if isinstance(last, ast.Slice):
            if len(places) != len(sizes):
                raise NoTranslation(f"code generation: nothing of LLVM for {ast.unparse(e)}")
            low = self.whole(last.lower) if last.lower else "0"
            high = self.whole(last.upper) if last.upper else sizes[-1]
            length = self.put(f"sub i64 {high}, {low}")
            terms.append(low)
        offset = terms[0]
        for k in range(1, len(sizes)):
            offset = self.put(f"mul nsw i64 {offset}, {sizes[k]}")
            if k < len(terms):
                offset = self.put(f"add nsw i64 {offset}, {terms[k]}")
        of = flat(ENTRIES[array.kind[0]])[0]
        at = self.put(f"getelementptr inbounds {of}, ptr {pointer}, i64 {offset}")
        if length:
            return Value(f"{array.kind[0]}1", (at, length))
        rest = sizes[len(terms) :]
        return Value(f"a{len(rest)}" if rest else ENTRIES[array.kind[0]], (at, *rest))

    def new(self, *shape: str, kind: Type) -> Value:
        """An array of zeros, which lives until the function returns."""
        if not self.held:
            self.held = self.place("ptr")
            self.room.append(f"store ptr null, ptr {self.held}")
        size = shape[0] if len(shape) == 1 else self.put(f"mul nsw i64 {shape[0]}, {shape[1]}")
        return Value(kind, (self.put(f"call ptr @room(ptr {self.held}, i64 {size})"), *shape))

    def copied(self, array: Value) -> Value:
        made = self.new(*array.parts[1:], kind=array.kind)
        size = reduce(lambda a, b: self.put(f"mul nsw i64 {a}, {b}"), array.parts[1:], "8")
        both = f"ptr {made.parts[0]}, ptr {array.parts[0]}"
        self.lines.append(f"call void @llvm.memcpy.p0.p0.i64({both}, i64 {size}, i1 false)")
        return made

    # --- calls ------------------------------------------------------------------------------------------
    def called(self, e: ast.Call) -> Value:
        match e:
            case ast.Call(ast.Name(name), given, []) if name in self.module.functions:
                return self.own(name, [self.value(a) for a in given])
            case ast.Call(ast.Attribute(ast.Name("numpy"), "uint64"), [ast.Constant(int() as v)], []):
                return Value("u", (word(v),))
            case ast.Call(ast.Attribute(ast.Name("math" | "numpy"), name), given, named):
                return self.of_library(name, given, named, e)
            case ast.Call(ast.Name(name), given, []):
                return self.of_library(name, given, [], e)
            case ast.Call(ast.Attribute(array, "copy"), [], []):
                return self.copied(self.value(array))
            case ast.Call(ast.Attribute(owner, name), given, []):
                record = self.value(owner)
                at, kinds = self.module.field(record.kind, name)
                slot = self.put(f"getelementptr i64, ptr {record.parts[0]}, i64 {at}")
                return self.call(self.put(f"load ptr, ptr {slot}"), kinds[:-1], kinds[-1], map(self.value, given))
        raise NoTranslation(f"{_REFUSED} {ast.unparse(e)}")

    def own(self, name: str, given: Iterable[Value]) -> Value:
        """The result of a function of the text."""
        return self.call(f"@f_{name}", self.module.types[name], self.module.returns[name], given)

    def call(self, function: str, kinds: Sequence[Type], returned: Type, given: Iterable[Value]) -> Value:
        """The result of the function at an address."""
        values = [self.converted(v, k) for v, k in zip(given, kinds, strict=True)]
        operands = ", ".join(f"{of} {p}" for v in values for of, p in zip(flat(v.kind), v.parts, strict=True))
        types = flat(returned)
        if not types:
            self.lines.append(f"call void {function}({operands})")
            return Value(returned, ())
        if len(types) == 1:
            return Value(returned, (self.put(f"call {types[0]} {function}({operands})"),))
        whole = f"{{{', '.join(types)}}}"
        found = self.put(f"call {whole} {function}({operands})")
        return Value(returned, tuple(self.put(f"extractvalue {whole} {found}, {k}") for k in range(len(types))))

    def of_library(self, name: str, given: list[ast.expr], named: list[ast.keyword], e: ast.Call) -> Value:
        match name, given:
            case ("zeros" | "empty"), [ast.Tuple([rows, columns])] if not named:
                return self.new(self.whole(rows), self.whole(columns), kind="a2")
            case ("zeros" | "empty"), [ast.expr() as size] if not isinstance(size, ast.Tuple):
                whole = any("int" in ast.unparse(k.value) for k in named)
                return self.new(self.whole(size), kind="k1" if whole else "a1")
            case "sort", [one]:
                made = self.copied(self.value(one))
                self.own("sorted_in", [made])
                return made
            case "argsort", [one]:
                keys = self.value(one)
                made = self.new(keys.parts[1], kind="k1")
                self.own("ordered_in", [made, keys])
                return made
            case "arange", [one]:
                made = self.new(self.whole(one), kind="k1")
                self.own("counted_in", [made])
                return made
            case "sum", [one]:
                return self.own("added_in", [self.value(one)])
            case "numbers_in", [words]:
                return Value("a1", self.value(words).parts)
            case ("min" | "max"), [first, *others]:
                found = self.value(first)
                return reduce(lambda a, b: self.extreme(name, a, self.value(b)), others, found)
            case "int", [one]:
                value = self.value(one)
                if value.kind == "d":
                    return Value("i", (self.put(f"fptosi double {value.parts[0]} to i64"),))
                return self.converted(value, "i")
            case "float", [one]:
                return self.converted(self.value(one), "d")
            case "int64", [one]:
                return self.converted(self.value(one), "i")
            case "uint64", [one]:
                return self.converted(self.value(one), "u")
            case "number_of", [one]:
                return Value("d", (self.put(f"bitcast i64 {self.value(one).parts[0]} to double"),))
            case "word_of", [one]:
                return Value("u", (self.put(f"bitcast double {self.double(one)} to i64"),))
            case ("floor" | "ceil" | "trunc"), [one]:
                return Value("i", (self.put(f"fptosi double {self.library(name, self.double(one))} to i64"),))
            case "abs", [one]:
                value = self.value(one)
                if value.kind == "d":
                    return Value("d", (self.library("fabs", value.parts[0]),))
                negative = self.put(f"sub i64 0, {value.parts[0]}")
                return self.extreme("max", value, Value("i", (negative,)))
            case "isfinite", [one]:
                modulus = self.library("fabs", self.double(one))
                finite = self.put(f"fcmp olt double {modulus}, {number(float('inf'))}")
                return Value("d", (self.put(f"uitofp i1 {finite} to double"),))
            case "log", [_, _]:
                logs = ", ".join(self.library("log", self.double(part)) for part in given)
                return Value("d", (self.put(f"fdiv double {logs}"),))
        if name in CALLS and not named:
            return Value("d", (self.library(name, *map(self.double, given)),))
        raise NoTranslation(f"{_REFUSED} {ast.unparse(e)}")

    def extreme(self, name: str, a: Value, b: Value) -> Value:
        """As Python's, whose first argument wins where they cannot be compared."""
        kind = join(a.kind, b.kind)
        one, two = self.converted(a, kind).parts[0], self.converted(b, kind).parts[0]
        sign, of = "lt" if name == "min" else "gt", flat(kind)[0]
        test = self.put(f"fcmp o{sign} double {two}, {one}" if kind == "d" else f"icmp s{sign} i64 {two}, {one}")
        return Value(kind, (self.put(f"select i1 {test}, {of} {two}, {of} {one}"),))
