"""All small errors that can be planted in one source file: swapped operators, moved numbers, guards taken out.

A mutant is a replacement of one stretch of source text, found through the syntax tree. Annotations, decorators, text
and whatever only words a message are left alone.
"""

from __future__ import annotations

import ast
import copy
import hashlib
from collections import Counter
from dataclasses import dataclass

ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}
COMPARISON: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
EXTREMES = {"min": "max", "Min": "Max", "minimum": "maximum", "argmin": "argmax"}
EXTREMES |= {high: low for low, high in EXTREMES.items()}
WORDING = {"__repr__", "__str__", "_repr_html_", "_repr_latex_"}
"""Functions that only word things."""
WARNING = {"warn", "warn_once"}
"""Calls that may be taken out, but whose wording is left alone."""
SPEAKING = {*WARNING, "echo", "print", "secho"}
"""Calls that only word things."""


@dataclass(frozen=True)
class Mutant:
    """One planted error: ``after`` instead of ``before``, at ``start:end`` of the file's UTF-8 bytes."""

    file: str
    function: str
    kind: str
    line: int
    start: int
    end: int
    before: str
    after: str
    statement: int
    """The line where the innermost statement around it begins."""
    repeat: int = 0
    """How many equal mutants of the same function come before this one."""
    compiled: bool = False
    """The function is compiled, so that no tracer sees its lines."""

    @property
    def room(self) -> str:
        """The first folder of the package, or the file at its top."""
        return self.file.split("/")[1].removesuffix(".py")

    @property
    def id(self) -> str:
        """The same as long as the function's name, the text replaced and its replacement are the same."""
        words = (self.file, self.function, self.kind, self.before, self.after, str(self.repeat))
        return hashlib.sha256("\0".join(words).encode()).hexdigest()[:10]

    def apply(self, source: bytes) -> bytes:
        """The file's text with the error in it."""
        return source[: self.start] + self.after.encode() + source[self.end :]

    def __str__(self) -> str:
        shown = " ".join(self.before.split()), " ".join(self.after.split())
        return f"{self.file}:{self.line} {self.function}: {shown[0][:70]} → {shown[1][:70]}"


def mutants(file: str, source: bytes) -> list[Mutant]:
    """All mutants of one file, in the order of its text."""
    seen: Counter[tuple[str, ...]] = Counter()
    found = []
    for place in sorted(_Places(source).collect(), key=lambda p: (p.start, p.end, p.after)):
        key = (place.function, place.kind, place.before, place.after)
        where = (place.line, place.start, place.end)
        found.append(Mutant(file, *key[:2], *where, *key[2:], place.statement, seen[key], place.compiled))
        seen[key] += 1
    return found


@dataclass(frozen=True)
class _Place:
    function: str
    kind: str
    line: int
    start: int
    end: int
    before: str
    after: str
    statement: int
    compiled: bool


class _Places(ast.NodeVisitor):
    """Walks a module and collects the places where an error can be planted."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.offsets = [0]
        for line in source.splitlines(keepends=True):
            self.offsets.append(self.offsets[-1] + len(line))
        self.names: list[str] = []
        self.compiled = 0
        self.statement = 0
        self.found: list[_Place] = []

    def collect(self) -> list[_Place]:
        self.visit(ast.parse(self.source))
        return self.found

    def visit(self, node: ast.AST) -> None:
        before = self.statement
        if isinstance(node, ast.stmt):
            self.statement = node.lineno
        super().visit(node)
        self.statement = before

    # --- where errors are planted -----------------------------------------------------------------------------
    def add(self, kind: str, node: ast.expr | ast.stmt, after: ast.AST | str) -> None:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self.offsets[node.lineno - 1] + node.col_offset
        end = self.offsets[node.end_lineno - 1] + node.end_col_offset
        text = after if isinstance(after, str) else f"({ast.unparse(after)})"
        before = self.source[start:end].decode()
        name = ".".join(self.names) or "module"
        place = _Place(name, kind, node.lineno, start, end, before, text, self.statement, self.compiled > 0)
        self.found.append(place)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        swapped = ARITHMETIC.get(type(node.op))
        if swapped and not (_is_text(node.left) or _is_text(node.right) or _is_list(node)):
            self.add("arithmetic", node, ast.BinOp(node.left, swapped(), node.right))
        if isinstance(node.op, ast.Pow) and _is_number(node.right):
            self.visit(node.left)
            raised = ast.Constant(node.right.value + 1)  # type: ignore[attr-defined]
            self.add("exponent", node, ast.BinOp(node.left, ast.Pow(), raised))
        elif not isinstance(node.op, ast.Mod) or not _is_text(node.left):
            self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        for index, operator in enumerate(node.ops):
            changed = copy.copy(node)
            changed.ops = [*node.ops[:index], COMPARISON[type(operator)](), *node.ops[index + 1 :]]
            self.add("comparison", node, changed)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        swapped = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        self.add("and/or", node, ast.BoolOp(swapped, node.values))
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            self.add("not", node, node.operand)
        elif isinstance(node.op, ast.USub):
            self.add("sign", node, node.operand)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if _is_number(node):
            value = node.value
            assert isinstance(value, int | float)
            variants = (value * 2,) if isinstance(value, float) else (value + 1, value - 1)
            for changed in variants:
                if changed != value:
                    self.add("number", node, ast.Constant(changed))

    def visit_Call(self, node: ast.Call) -> None:
        match node.func:
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in SPEAKING:
                return
            case ast.Name(id=name) if name in EXTREMES:
                self.add("min/max", node.func, EXTREMES[name])
            case ast.Attribute(attr=name, value=value) if name in EXTREMES:
                self.add("min/max", node.func, f"{ast.unparse(value)}.{EXTREMES[name]}")
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        match node.value:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in WARNING:
                self.add("guard", node, "pass")
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return
        if isinstance(node.body[-1], ast.Raise) and not node.orelse and self._begins_a_line(node):
            self.add("guard", node, "pass")
        self.generic_visit(node)

    def _begins_a_line(self, node: ast.If) -> bool:
        """False for ``elif``, which cannot be taken out alone."""
        start = self.offsets[node.lineno - 1] + node.col_offset
        return self.source[start : start + 2] == b"if"

    # --- what is left alone -----------------------------------------------------------------------------------
    def visit_Raise(self, node: ast.Raise) -> None:
        """The wording of a refusal."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Text; before Python 3.12 its positions are unknown, too."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_arguments(self, node: ast.arguments) -> None:
        for default in [*node.defaults, *node.kw_defaults]:
            if default is not None:
                self.visit(default)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.names.append(node.name)
        for statement in node.body:
            self.visit(statement)
        self.names.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.name in WORDING:
            return
        compiled = any("njit" in ast.unparse(d) for d in node.decorator_list)
        self.names.append(node.name)
        self.compiled += compiled
        self.visit(node.args)
        for statement in node.body:
            self.visit(statement)
        self.compiled -= compiled
        self.names.pop()


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _is_text(node: ast.AST) -> bool:
    match node:
        case ast.JoinedStr() | ast.Constant(value=str() | bytes()):
            return True
        case ast.BinOp(left=left, right=right):
            return _is_text(left) or _is_text(right)
    return False


def _is_list(node: ast.BinOp) -> bool:
    return any(isinstance(n, ast.List | ast.Tuple | ast.ListComp) for n in (node.left, node.right))

