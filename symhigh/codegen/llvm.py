"""The LLVM target: generated Python of the loop form as the language of LLVM, whose compiler comes with Numba.

Beside :mod:`symhigh.codegen.c`, whose types it takes: the same text with the same meaning. Numba would find the types
by itself, in ten times as long, and hand LLVM the same operations. Simulators are compiled so where there is no C
compiler.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symhigh.codegen import c
from symhigh.codegen.c_types import NoTranslation, Signature
from symhigh.codegen.llvm_expressions import flat, number
from symhigh.codegen.llvm_statements import Function, result_type


def translate(source: str, exports: Mapping[str, Signature], fused: bool = False) -> str:
    """``source`` in the language of LLVM, with an entry point for each of ``exports``, as in :func:`.c.translate`.

    ``fused`` where sums may be reordered and rounded with products. Raises
    :class:`~symhigh.codegen.c_types.NoTranslation` for what is no loop over numbers and arrays.
    """
    return Module(source, exports, exact=not fused).text()


class Module:
    """A text with the types of all that is reached from its exports."""

    def __init__(self, source: str, exports: Mapping[str, Signature], exact: bool) -> None:
        typed = c.Module(source, exports, (), {})
        self.exports, self.exact = exports, exact
        self.functions, self.types, self.returns = typed.functions, typed.types, typed.returns
        self.values: dict[str, Any] = typed.values
        self.tables: dict[str, Any] = {}
        self.declared: dict[str, int] = {}
        self.remarks: list[str] = []
        self.written = [Function(self, typed.functions[f], typed.locals[f], exact).text() for f in typed.order]

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
        lines, given = [], []
        types = [of for kind in self.types[name] for of in flat(kind)]
        for k, of in enumerate(types):
            lines += [f"%p{k} = getelementptr i64, ptr %slots, i64 {k}", f"%g{k} = load {of}, ptr %p{k}"]
            given.append(f"{of} %g{k}")
        kind = self.returns[name]
        whole, parts = result_type(kind), flat(kind)
        call = f"call {whole} @f_{name}({', '.join(given)})"
        lines.append(f"%found = {call}" if parts else call)
        for k, of in enumerate(parts):
            value = f"%v{k}" if len(parts) > 1 else "%found"
            lines += [f"%v{k} = extractvalue {whole} %found, {k}"] if len(parts) > 1 else []
            lines += [f"%r{k} = getelementptr i64, ptr %results, i64 {k}", f"store {of} {value}, ptr %r{k}"]
        return "\n".join([f"define void @enter_{name}(ptr %slots, ptr %results) nounwind {{", *lines, "ret void", "}"])


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

define internal ptr @room(i64 %count) nounwind {{
  %some = icmp sgt i64 %count, 1
  %size = select i1 %some, i64 %count, i64 1
  %made = call ptr @calloc(i64 %size, i64 8)
  %none = icmp eq ptr %made, null
  br i1 %none, label %out, label %in
out:
  %said = call i64 @write(i32 2, ptr @out, i64 {len(_OUT) + 1})
  call void @abort()
  unreachable
in:
  ret ptr %made
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
