"""The LLVM target: generated Python of the loop form as the language of LLVM, whose compiler comes with Numba.

Beside :mod:`symhigh.codegen.c`, whose types it takes: the same text with the same meaning. Numba would find the types
by itself, in ten times as long, and hand LLVM the same operations. It serves where there is no C compiler.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symhigh.codegen import c
from symhigh.codegen.c_types import NoTranslation, Record, Signature, Type
from symhigh.codegen.llvm_arrays import LIBRARY, LIBRARY_TYPES
from symhigh.codegen.llvm_expressions import flat, number
from symhigh.codegen.llvm_statements import Function, result_type

EXACT = "\nnjit = exact\n"
"""Marks all functions of a text, as it does for Numba."""


def translate(
    source: str, exports: Mapping[str, Signature], records: tuple[Record, ...] = (), fused: bool = False
) -> str:
    """``source`` in the language of LLVM, with an entry point for each of ``exports``, as in :func:`.c.translate`.

    Sums over the turns of a loop may be taken in lanes, and where it is ``fused`` a product may be rounded with its
    sum; but not in functions marked ``exact``, and nowhere in a text with the line :data:`EXACT`. Raises
    :class:`~symhigh.codegen.c_types.NoTranslation` for what is no loop over numbers and arrays.
    """
    return Module(source, exports, records, fused).text()


class Module:
    """A text with the types of all that is reached from its exports."""

    def __init__(
        self, source: str, exports: Mapping[str, Signature], records: tuple[Record, ...], fused: bool
    ) -> None:
        typed = c.Module(source + LIBRARY, {**LIBRARY_TYPES, **exports}, records, {})
        self.exports, self.records = exports, {r.name: r for r in records}
        self.exact, self.fused = EXACT in source, fused
        self.functions, self.types, self.returns = typed.functions, typed.types, typed.returns
        self.values: dict[str, Any] = typed.values
        self.tables: dict[str, Any] = {}
        self.declared: dict[str, int] = {}
        self.remarks: list[str] = []
        self.written = [Function(self, typed.functions[f], typed.locals[f]).text() for f in typed.order]

    def field(self, kind: Type, name: str) -> tuple[int, Type | Signature]:
        """The slot at which a field of a record begins, and its type; a function's address takes one."""
        at = 0
        for field, its in self.records[kind[1:]].fields.items():
            if field == name:
                return at, its
            at += _slots(its)
        raise NoTranslation(f"code generation: no field {name} of {kind[1:]}")

    def parallel(self) -> tuple[str, str]:
        """Marks for loads and stores, and for the end, of one more loop whose turns do not depend on each other."""
        k = len(self.remarks)
        self.remarks += [
            f"!{k} = distinct !{{}}", f'!{k + 1} = !{{!"llvm.loop.parallel_accesses", !{k}}}',
            f"!{k + 2} = distinct !{{!{k + 2}, !{k + 1}}}",
        ]  # fmt: skip
        return f", !llvm.access.group !{k}", f", !llvm.loop !{k + 2}"

    def text(self) -> str:
        """The whole text."""
        entries = [self.entry(name) for name in self.exports]
        declared = [
            f"declare double @{name}({', '.join(['double'] * count)}) nounwind" for name, count in self.declared.items()
            if name != "fmod"
        ]
        tables = [_table(name, value) for name, value in sorted(self.tables.items())]
        return "\n\n".join([_PRELUDE, *declared, *tables, *self.written, *entries, *self.remarks, ""])

    def entry(self, name: str) -> str:
        """``enter_<name>(slots, results)``, which is called from outside."""
        lines, given, at = [], [], 0
        for kind in self.types[name]:
            if kind.startswith("r"):
                lines.append(f"%r{at}.given = getelementptr i64, ptr %slots, i64 {at}")
                given.append(f"ptr %r{at}.given")
                at += sum(map(_slots, self.records[kind[1:]].fields.values()))
                continue
            for of in flat(kind):
                lines += [f"%p{at} = getelementptr i64, ptr %slots, i64 {at}", f"%g{at} = load {of}, ptr %p{at}"]
                given.append(f"{of} %g{at}")
                at += 1
        kind = self.returns[name]
        whole, parts = result_type(kind), flat(kind)
        call = f"call {whole} @f_{name}({', '.join(given)})"
        lines.append(f"%found = {call}" if parts else call)
        for k, of in enumerate(parts):
            value = f"%v{k}" if len(parts) > 1 else "%found"
            lines += [f"%v{k} = extractvalue {whole} %found, {k}"] if len(parts) > 1 else []
            lines += [f"%r{k} = getelementptr i64, ptr %results, i64 {k}", f"store {of} {value}, ptr %r{k}"]
        return "\n".join([f"define void @enter_{name}(ptr %slots, ptr %results) nounwind {{", *lines, "ret void", "}"])


def _slots(kind: Type | Signature) -> int:
    """How many slots of eight bytes a field takes."""
    return 1 if isinstance(kind, tuple) else len(flat(kind))


def _table(name: str, value: Any) -> str:
    whole = value.dtype.kind == "i"
    entries = ", ".join(f"i64 {v}" if whole else f"double {number(v)}" for v in value.ravel().tolist())
    return f"@D_{name} = internal constant [{value.size} x {'i64' if whole else 'double'}] [{entries}]"


def returned(kinds: str) -> str:
    """What an entry point writes into its slots of results, one letter each: numbers alone."""
    if kinds in ("v", "n"):
        return ""
    letters = kinds.strip("()").replace(",", "")
    if set(letters) - {"d", "i"}:
        raise NoTranslation(f"code generation: a result of type {kinds} is not handed out")
    return letters


_OUT = "symhigh: out of memory in generated code"
_PRELUDE = f"""@out = private constant [{len(_OUT) + 1} x i8] c"{_OUT}\\0A"
declare ptr @calloc(i64, i64)
declare void @free(ptr)
declare void @abort() noreturn
declare i64 @write(i32, ptr, i64)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

define internal ptr @room(ptr %held, i64 %count) nounwind {{
  %some = icmp sgt i64 %count, 0
  %size = select i1 %some, i64 %count, i64 0
  %more = add i64 %size, 2
  %made = call ptr @calloc(i64 %more, i64 8)
  %none = icmp eq ptr %made, null
  br i1 %none, label %out, label %in
out:
  %said = call i64 @write(i32 2, ptr @out, i64 {len(_OUT) + 1})
  call void @abort()
  unreachable
in:
  %before = load ptr, ptr %held
  store ptr %before, ptr %made
  store ptr %made, ptr %held
  %begin = getelementptr i64, ptr %made, i64 2
  ret ptr %begin
}}

define internal void @release(ptr %last) nounwind {{
begin:
  br label %head
head:
  %held = phi ptr [%last, %begin], [%before, %turn]
  %none = icmp eq ptr %held, null
  br i1 %none, label %end, label %turn
turn:
  %before = load ptr, ptr %held
  call void @free(ptr %held)
  br label %head
end:
  ret void
}}

define internal void @fill_double(ptr %at, i64 %count, double %value) nounwind {{
begin:
  br label %head
head:
  %k = phi i64 [0, %begin], [%next, %turn]
  %more = icmp slt i64 %k, %count
  br i1 %more, label %turn, label %end
turn:
  %place = getelementptr double, ptr %at, i64 %k
  store double %value, ptr %place
  %next = add i64 %k, 1
  br label %head
end:
  ret void
}}

define internal void @fill_i64(ptr %at, i64 %count, i64 %value) nounwind {{
  %number = bitcast i64 %value to double
  call void @fill_double(ptr %at, i64 %count, double %number)
  ret void
}}

declare double @fmod(double, double) nounwind

define internal double @modulo(double %a, double %b) nounwind {{
  %r = call double @fmod(double %a, double %b)
  %some = fcmp une double %r, 0.0
  %low = fcmp olt double %r, 0.0
  %under = fcmp olt double %b, 0.0
  %apart = xor i1 %low, %under
  %moved = and i1 %some, %apart
  %sum = fadd double %r, %b
  %found = select i1 %moved, double %sum, double %r
  ret double %found
}}"""
"""What every translated module begins with: room for arrays, and Python's arithmetic."""
