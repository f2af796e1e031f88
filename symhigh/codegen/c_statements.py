"""Functions of generated Python as C: their local types first, then statement by statement.

Part of the C target (:mod:`symhigh.codegen.c`). Loops that only add up or fill arrays are marked, so that their turns
run side by side in the lanes of the processor; no other order of operations is changed.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from symhigh.codegen.c_expressions import Expressions
from symhigh.codegen.c_types import NoTranslation, Type, identifier, join

if TYPE_CHECKING:
    from symhigh.codegen.c import Module


class Function(Expressions):
    """One function: its local types first, then its statements."""

    def __init__(self, module: Module, tree: ast.FunctionDef) -> None:
        self.tree = tree
        arguments = [a.arg for a in tree.args.args]
        given = module.types.setdefault(tree.name, [])
        super().__init__(module, tree.name, dict(zip(arguments, given, strict=True)))
        self.arguments = set(arguments)
        self.returned: Type = "v"
        self.revised = True
        """Whether something became known that lines before it have to say."""
        while self.revised:
            self.revised, held = False, self.allocates
            self.counter, self.lines = 0, self.block(tree.body, 1)
            self.revised |= self.allocates is not held

    def text(self) -> str:
        own = {n: self.local[n] for n in sorted(set(self.local) - self.arguments)}
        declared = [f"    {self.module.c_type(k)} {identifier(n)}{_ZERO.get(k, '')};" for n, k in own.items()]
        held = ["    chain *held = 0;"] if self.allocates else []
        end = ["    release(held);"] if self.allocates and self.returned == "v" else []
        return "\n".join(["{", *held, *declared, *self.lines, *end, "}"])

    def set(self, name: str, kind: Type) -> None:
        self.local[name] = self.joined(self.local.get(name), kind)

    def joined(self, known: Type | None, kind: Type) -> Type:
        """What lines before took for ``known`` with what a line finds."""
        found = kind if known is None else join(known, kind)
        self.revised |= known not in (None, found)
        return found

    def block(self, body: list[ast.stmt], depth: int) -> list[str]:
        lines: list[str] = []
        for statement in body:
            lines += ["    " * depth + line for line in self.statement(statement, depth)]
        return lines

    def statement(self, s: ast.stmt, depth: int) -> list[str]:
        match s:
            case ast.Pass():
                return []
            case ast.Expr(ast.Constant()):
                return []
            case ast.Expr(value):
                return [f"{self.value(value)[0]};"]
            case ast.Break():
                return ["break;"]
            case ast.Continue():
                return ["continue;"]
            case ast.Assign([target], value):
                return self.assigned(target, value)
            case ast.AugAssign(target, op, value):
                return self.assigned(target, ast.BinOp(target, op, value))
            case ast.If(ast.Compare(_, [ast.Is()], _) as test, body, orelse):
                return self.inner(body if self.value(test)[0] == "1" else orelse, depth)
            case ast.If(test, body, orelse):
                lines = [f"if ({self.value(test)[0]}) {{", *self.inner(body, depth)]
                return [*lines, *(["} else {", *self.inner(orelse, depth)] if orelse else []), "}"]
            case ast.While(test, body, []):
                return [f"while ({self.value(test)[0]}) {{", *self.inner(body, depth), "}"]
            case ast.For(ast.Name(name), over, body, []):
                return self.loop(name, over, body, depth)
            case ast.Return(value):
                return self.result(value)
        raise NoTranslation(f"code generation: no C for the statement {ast.unparse(s)}")

    def inner(self, body: list[ast.stmt], depth: int) -> list[str]:
        return [line[4 * depth :] for line in self.block(body, depth + 1)]

    def assigned(self, target: ast.expr, value: ast.expr) -> list[str]:
        if isinstance(target, ast.Tuple):
            return self.several(target.elts, value)
        code, kind = self.value(value)
        if isinstance(target, ast.Name):
            self.set(target.id, kind)
            return [f"{identifier(target.id)} = {code};"]
        if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice):  # a[i:j] = number
            place, _ = self.value(target)
            return [f"fill_{self.value(target)[1]}({place}, {code});"]
        return [f"{self.value(target)[0]} = {code};"]

    def several(self, targets: list[ast.expr], value: ast.expr) -> list[str]:
        """``a, b = …``: all of the right side before any of the left."""
        lines: list[str] = []
        if isinstance(value, ast.Tuple):
            found = [self.value(v) for v in value.elts]
            names = [self.fresh() for _ in found]
            lines += [f"{self.module.c_type(k)} {n} = {code};" for n, (code, k) in zip(names, found, strict=True)]
            kinds = [k for _, k in found]
        else:
            code, kind = self.value(value)
            name, kinds = self.fresh(), kind[1:-1].split(",")
            lines.append(f"{self.module.c_type(kind)} {name} = {code};")
            names = [f"{name}.v{k}" for k in range(len(kinds))]
        for target, name, kind in zip(targets, names, kinds, strict=True):
            if isinstance(target, ast.Name):
                self.set(target.id, kind)
                lines.append(f"{identifier(target.id)} = {name};")
            else:
                lines.append(f"{self.value(target)[0]} = {name};")
        return ["{", *("    " + line for line in lines), "}"]

    def loop(self, name: str, over: ast.expr, body: list[ast.stmt], depth: int) -> list[str]:
        self.set(name, "i")
        c, k, last = identifier(name), self.fresh(), self.fresh()
        if not (isinstance(over, ast.Call) and isinstance(over.func, ast.Name) and over.func.id == "range"):
            code, _ = self.value(over)
            opening = [f"integers {last} = {code};", f"for (long long {k} = 0; {k} < {last}.n0; {k}++) {{",
                       f"    {c} = {last}.p[{k}];"]  # fmt: skip
            return ["{", *("    " + line for line in [*opening, *self.inner(body, depth), "}"]), "}"]
        bounds = [self.value(a)[0] for a in over.args]
        first, end, step = ("0", *bounds, "1") if len(bounds) == 1 else (*bounds, "1")[:3]
        sign = ">" if step.lstrip("(").startswith("-") else "<"
        head = f"for (long long {k} = {first}; {k} {sign} {last}; {k} += {step}) {{"
        turns, remark = [head, f"    {c} = {k};", *self.inner(body, depth), "}"], side_by_side(name, body)
        if not any("reduction" in line for line in remark) or end.isdigit():
            return _braces([f"const long long {last} = {end};", *remark, *turns])
        few = [f"if ({last} < {_LANES} + {first}) {{", *("    " + line for line in turns), "} else {"]
        several = ["    " + line for line in [*remark, *turns]]
        return _braces([f"const long long {last} = {end};", *few, *several, "}"])

    def result(self, value: ast.expr | None) -> list[str]:
        free = ["release(held);"] if self.allocates else []
        if value is None:
            return [*free, "return;"]
        if isinstance(value, ast.Tuple):
            found = [self.value(v) for v in value.elts]
            kind = f"({','.join(k for _, k in found)})"
            code = f"({self.module.c_type(kind)}){{{', '.join(c for c, _ in found)}}}"
        else:
            code, kind = self.value(value)
        self.returned = self.joined(None if self.returned == "v" else self.returned, kind)
        if not self.allocates:
            return [f"return {code};"]
        if kind.startswith(("a", "k")):
            raise NoTranslation(f"code generation: {self.name} returns an array that it made: no C")
        return [f"{{ {self.module.c_type(self.returned)} result = {code}; release(held); return result; }}"]


def _braces(lines: list[str]) -> list[str]:
    return ["{", *("    " + line for line in lines), "}"]


_LANES = 8
"""Turns up to which sums are taken one by one: those of the lanes would have to be added up after them."""
_ZERO = {"d": " = 0.0", "i": " = 0"}


def side_by_side(index: str, body: list[ast.stmt]) -> list[str]:
    """A remark for the compiler above a loop that only adds up, or fills arrays: its turns may run side by side."""
    sums: set[str] = set()
    locals_: set[str] = {index}
    places: set[str] = set()
    for s in body:
        match s:
            case ast.AugAssign(ast.Name(name), ast.Add()):
                sums.add(name)
            case ast.Assign([ast.Name(name)]):
                locals_.add(name)
            case ast.Assign([ast.Subscript() as place]) | ast.AugAssign(ast.Subscript() as place):
                places.add(ast.unparse(place))
                if index not in {n.id for n in ast.walk(place.slice) if isinstance(n, ast.Name)}:
                    return []
            case _:
                return []
    arrays = {place.partition("[")[0] for place in places}
    written = {index}
    for s in body:
        value = s.value  # type: ignore[attr-defined]
        for part in ast.walk(value):
            if isinstance(part, ast.Call) and ast.unparse(part.func) not in _PLAIN:
                return []
            element = isinstance(part, ast.Subscript) and ast.unparse(part.value) in arrays
            if element and ast.unparse(part) not in places:  # a value from another turn
                return []
            if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Tuple):
                used = {n.id for e in part.slice.elts[:-1] for n in ast.walk(e) if isinstance(n, ast.Name)}
                if index in used:  # far apart in memory
                    return []
            if isinstance(part, ast.Name) and (part.id in sums or part.id in locals_ - written):
                return []
        if isinstance(s, ast.Assign) and isinstance(s.targets[0], ast.Name):
            written.add(s.targets[0].id)
    if sums & locals_:
        return []
    clauses = [f"lastprivate({', '.join(map(identifier, sorted(locals_)))})"]
    clauses += [f"reduction(+:{', '.join(map(identifier, sorted(sums)))})"] if sums else []
    return [f"#pragma omp simd {' '.join(clauses)}"]


_PLAIN = {
    *("abs", "copysign", "max", "min", "sqrt", "math.sqrt"),
    *("float", "fused", "number_of", "word_of", "numpy.uint64"),
}
