"""Functions of generated Python as instructions of LLVM, statement by statement.

Part of the LLVM target (:mod:`symhigh.codegen.llvm`), the counterpart of :mod:`symhigh.codegen.c_statements`, whose
remarks on loops it uses too: turns that do not depend on each other need no test whether arrays overlap.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from symhigh.codegen.c_statements import side_by_side
from symhigh.codegen.c_types import NoTranslation, Type, identifier
from symhigh.codegen.llvm_arrays import Arrays
from symhigh.codegen.llvm_expressions import Value, flat

if TYPE_CHECKING:
    from symhigh.codegen.llvm import Module

FUSED, REORDERED = "contract ", "reassoc nsz "
"""A product may be rounded with its sum; turns of a loop may be added up in lanes."""


class Function(Arrays):
    """One function: its locals on the stack, from where LLVM takes them to registers, then its statements."""

    def __init__(self, module: Module, tree: ast.FunctionDef, local: dict[str, Type]) -> None:
        self.exact = module.exact or any(isinstance(d, ast.Name) and d.id == "exact" for d in tree.decorator_list)
        super().__init__(module, tree.name, local, FUSED if module.fused and not self.exact else "")
        self.returned = module.returns[tree.name]
        self.ways: list[tuple[str, str]] = []
        """Where ``continue`` and ``break`` go in the loops around."""
        arguments = [a.arg for a in tree.args.args]
        given = [f"{of} %{identifier(a)}.{k}.given" for a in arguments for k, of in enumerate(flat(local[a]))]
        seen = "" if tree.name in module.exports else "internal "
        self.head = f"define {seen}{result_type(self.returned)} @f_{tree.name}({', '.join(given)})"
        for name, kind in local.items():
            self.declare(name, kind, name in arguments)
        self.block(tree.body)
        if self.returned != "v" and not self.ended:  # behind a loop that only a return leaves
            self.lines.append("unreachable")
        elif not self.ended:
            self.finish(Value("v", ()))

    def text(self) -> str:
        lines = ["begin:", *self.room, *self.lines]
        return "\n".join([f"{self.head} nounwind {{", *lines, "}"])

    def declare(self, name: str, kind: Type, given: bool = False) -> None:
        """Places of a local name, at first with what is given, or with zeros."""
        for k, of in enumerate(flat(kind)):
            place = f"%{identifier(name)}.{k}"
            self.room.append(f"{place} = alloca {of}")
            first = f"{place}.given" if given else {"double": "0.0", "i64": "0", "ptr": "null"}[of]
            self.room.append(f"store {of} {first}, ptr {place}")

    # --- statements -------------------------------------------------------------------------------------
    def block(self, body: list[ast.stmt]) -> None:
        for statement in body:
            if self.ended:  # nothing after a break is ever reached
                return
            self.statement(statement)

    def statement(self, s: ast.stmt) -> None:
        match s:
            case ast.Pass() | ast.Expr(ast.Constant()):
                pass
            case ast.Expr(value):
                self.value(value)
            case ast.Break():
                self.lines.append(f"br label %{self.ways[-1][1]}")
            case ast.Continue():
                self.lines.append(f"br label %{self.ways[-1][0]}")
            case ast.Assign([ast.Tuple(targets)], value):
                self.several(targets, value)
            case ast.Assign([target], value):
                self.put_in(target, self.value(value))
            case ast.AugAssign(ast.Name() as target, ast.Add(), value) if self.group and not self.exact:
                one, other = self.value(target), self.value(value)
                self.flags, before = REORDERED + self.flags, self.flags
                self.put_in(target, self.combined(one, ast.Add(), other))
                self.flags = before
            case ast.AugAssign(target, op, value):
                self.put_in(target, self.value(ast.BinOp(target, op, value)))
            case ast.If(ast.Compare(_, [ast.Is()], _) as test, body, orelse):
                self.block(body if self.condition(test) == "true" else orelse)
            case ast.If(test, body, orelse):
                self.branch(test, body, orelse)
            case ast.While(test, body, []):
                self.repeat(test, body)
            case ast.For(ast.Name(name), ast.Call(ast.Name("range"), bounds, []), body, []):
                self.loop(name, bounds, body)
            case ast.For(ast.Name() as each, over, body, []):
                self.over(each, self.value(over), body)
            case ast.Return(value):
                self.result(value)
            case _:
                raise NoTranslation(f"code generation: nothing of LLVM for the statement {ast.unparse(s)}")

    def put_in(self, target: ast.expr, value: Value) -> None:
        """Store a value where an assignment wants it."""
        if isinstance(target, ast.Name):
            kind = self.local[target.id]
            places = [f"%{identifier(target.id)}.{k}" for k in range(len(flat(kind)))]
            return self.store(self.converted(value, kind), places)
        if not isinstance(target, ast.Subscript):
            raise NoTranslation(f"code generation: nothing of LLVM for {ast.unparse(target)} = …")
        place = self.part(target)
        if len(place.kind) == 1:
            of, (part,) = flat(place.kind)[0], self.converted(value, place.kind).parts
            self.lines.append(f"store {of} {part}, ptr {place.parts[0]}{self.group}")
        else:  # a[i:j] = number
            filled = self.converted(value, "d" if place.kind == "a1" else "i").parts[0]
            pointer, size = place.parts
            of = "double" if place.kind == "a1" else "i64"
            self.lines.append(f"call void @fill_{of}(ptr {pointer}, i64 {size}, {of} {filled})")
        return None

    def several(self, targets: list[ast.expr], value: ast.expr) -> None:
        """``a, b = …``: all of the right side before any of the left."""
        if isinstance(value, ast.Tuple):
            found = [self.value(v) for v in value.elts]
        else:
            whole = self.value(value)
            rest, found = list(whole.parts), []
            for kind in whole.kind[1:-1].split(","):
                count = len(flat(kind))
                found.append(Value(kind, tuple(rest[:count])))
                del rest[:count]
        for target, one in zip(targets, found, strict=True):
            self.put_in(target, one)

    def branch(self, test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt]) -> None:
        here, there, end = self.fresh(), self.fresh(), self.fresh()
        self.lines += [f"br i1 {self.condition(test)}, label %{here}, label %{there}", f"{here}:"]
        self.block(body)
        open_ = not self.ended
        if open_:
            self.lines.append(f"br label %{end}")
        self.lines.append(f"{there}:")
        self.block(orelse)
        if open_ or not self.ended:
            self.begin(end)

    def repeat(self, test: ast.expr, body: list[ast.stmt]) -> None:
        head, turn, end = self.fresh(), self.fresh(), self.fresh()
        self.begin(head)
        self.lines += [f"br i1 {self.condition(test)}, label %{turn}, label %{end}", f"{turn}:"]
        self.turns(body, head, end)
        if not self.ended:
            self.lines.append(f"br label %{head}")
        self.lines.append(f"{end}:")

    def turns(self, body: list[ast.stmt], again: str, end: str) -> None:
        self.ways.append((again, end))
        self.block(body)
        self.ways.pop()

    def loop(self, name: str, bounds: list[ast.expr], body: list[ast.stmt]) -> None:
        """``for name in range(…)``; the bounds are computed once, and the name keeps the last turn's value."""
        found = [self.whole(b) for b in bounds]
        first, last, step = ("0", *found, "1") if len(found) == 1 else (*found, "1")[:3]
        sign = "sgt" if len(bounds) == 3 and ast.unparse(bounds[2]).startswith("-") else "slt"
        head, turn, again, end = self.fresh(), self.fresh(), self.fresh(), self.fresh()
        counter, before, remark = self.place("i64"), self.group, ""
        if side_by_side(name, body):
            self.group, remark = self.module.parallel()
        self.lines.append(f"store i64 {first}, ptr {counter}")
        self.begin(head)
        here = self.put(f"load i64, ptr {counter}")
        test = self.put(f"icmp {sign} i64 {here}, {last}")
        self.lines += [f"br i1 {test}, label %{turn}, label %{end}", f"{turn}:"]
        self.lines.append(f"store i64 {here}, ptr %{identifier(name)}.0")
        self.turns(body, again, end)
        self.begin(again)
        now = self.put(f"load i64, ptr {counter}")
        self.lines.append(f"store i64 {self.put(f'add nsw i64 {now}, {step}')}, ptr {counter}")
        self.lines += [f"br label %{head}{remark}", f"{end}:"]
        self.group = before

    def over(self, each: ast.Name, array: Value, body: list[ast.stmt]) -> None:
        """``for each in array``."""
        name, turn = f"array.{self.fresh()}", f"turn.{self.fresh()}"
        for local, kind in ((name, array.kind), (turn, "i")):
            self.local[local] = kind
            self.declare(local, kind)
        self.put_in(ast.Name(name), array)
        entry = ast.Subscript(ast.Name(name), ast.Name(turn))
        self.loop(turn, [ast.Attribute(ast.Name(name), "size")], [ast.Assign([each], entry), *body])

    def result(self, value: ast.expr | None) -> None:
        if value is None:
            return self.finish(Value("v", ()))
        if isinstance(value, ast.Tuple):
            found = [self.value(v) for v in value.elts]
            kind = f"({','.join(v.kind for v in found)})"
            return self.finish(Value(kind, tuple(p for v in found for p in v.parts)))
        return self.finish(self.value(value))

    def finish(self, value: Value) -> None:
        """Give back what was made, and return."""
        if self.held and any(k[0] in "akb" for k in value.kind.strip("()").split(",")):
            raise NoTranslation(f"code generation: {self.name} returns an array beside those that it made")
        value = self.converted(value, self.returned)
        if self.held:
            self.lines.append(f"call void @release(ptr {self.put(f'load ptr, ptr {self.held}')})")
        types = flat(value.kind)
        if not types:
            self.lines.append("ret void")
        elif len(types) == 1:
            self.lines.append(f"ret {types[0]} {value.parts[0]}")
        else:
            whole, code = result_type(value.kind), "poison"
            for k, (of, part) in enumerate(zip(types, value.parts, strict=True)):
                code = self.put(f"insertvalue {whole} {code}, {of} {part}, {k}")
            self.lines.append(f"ret {whole} {code}")


def result_type(kind: Type) -> str:
    """What a function that returns a value of a type returns in LLVM."""
    types = flat(kind)
    return "void" if not types else types[0] if len(types) == 1 else f"{{{', '.join(types)}}}"
