"""The C target: generated Python of the loop form, translated statement by statement to C.

Every pass before it (:mod:`symhigh.codegen.lower`, quadrature, steppers) writes plain loops over arrays of doubles, in
Python that Numba compiles. That subset has an obvious meaning in C, so one text serves all targets. Types follow from
those of the functions that are called from outside; nothing is reordered, so results agree with the reference to the
rounding of library functions. One file, as every target is.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symhigh.codegen.c_prelude import PRELUDE
from symhigh.codegen.target import NUMPY

Type = str
"""``d`` double, ``i`` integer or truth value, ``a1`` … ``a4`` arrays of doubles by rank, ``k1`` integers,
``v`` nothing; ``r<name>`` a record, ``f<name>`` a function that a record holds, ``(…)`` several values."""

Signature = tuple[Type, ...]


@dataclass(frozen=True)
class Record:
    """A record that functions are given: its fields and their types; a function's type is its signature, ``f(…)``."""

    name: str
    fields: Mapping[str, Type | Signature]


class NoTranslation(ValueError):
    """The text leaves the subset that has an obvious meaning in C."""


_C_TYPES = {"d": "double", "i": "long long", "v": "void", "k1": "integers"}
_CALLS = {
    name: name
    for name in (
        *("acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "copysign", "cos", "cosh", "erf"),
        *("erfc", "exp", "exp2", "expm1", "fabs", "fmod", "hypot", "lgamma", "log10", "log1p", "log2", "pow"),
        *("isfinite", "sin", "sinh", "sqrt", "tan", "tanh"),
    )
} | {"gamma": "tgamma"}
_VALUES = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan, "tau": math.tau}
_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}
_COMPARED = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}


def translate(source: str, exports: Mapping[str, Signature], records: tuple[Record, ...] = ()) -> str:
    """``source`` as C with an entry point for each of ``exports``, functions of the text with the types given.

    An entry point ``enter_<name>(slots, results)`` reads its arguments from slots of eight bytes: a number takes one,
    an array its address and its shape, a record its fields, a function its address. Functions that the exports never
    call are left out. Raises :class:`NoTranslation` for what is no loop over numbers and arrays.
    """
    return _Module(source, exports, records).text()


class _Module:
    """A text with the types of all that is reached from its exports."""

    def __init__(self, source: str, exports: Mapping[str, Signature], records: tuple[Record, ...]) -> None:
        tree = ast.parse(source)
        self.functions = {f.name: f for f in tree.body if isinstance(f, ast.FunctionDef) and f.decorator_list}
        self.exports, self.records = exports, {r.name: r for r in records}
        self.values: dict[str, Any] = {}
        exec(compile(NUMPY.header + source, "<generated>", "exec"), self.values)  # tables are computed by Python
        self.tables: dict[str, Any] = {}
        self.shapes: set[Type] = set()
        self.types: dict[str, list[Type]] = {name: list(types) for name, types in exports.items()}
        self.returns: dict[str, Type] = {}
        self.order: list[str] = []
        self.written: dict[str, str] = {}
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
        function = _Function(self, self.functions[name])
        self.written[name] = function.text()
        self.order.remove(name)
        self.order.append(name)
        if self.returns.get(name) != function.returned:
            self.returns[name] = function.returned
            self.changed = True

    def call(self, name: str, given: list[Type]) -> Type:
        """The type of the result of a function of the text, called with arguments of types ``given``."""
        known = self.types.get(name)
        joined = given if known is None else [_join(a, b) for a, b in zip(known, given, strict=True)]
        if joined != known:
            self.types[name], self.changed = joined, True
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
        return _C_TYPES[kind]

    def head(self, name: str) -> str:
        """The declaration of a function."""
        arguments = [a.arg for a in self.functions[name].args.args]
        given = ", ".join(f"{self.c_type(k)} {_name(a)}" for a, k in zip(arguments, self.types[name], strict=True))
        seen = "SEEN " if name in self.exports else "static "
        return f"{seen}{self.c_type(self.returns[name])} f_{name}({given or 'void'})"

    def text(self) -> str:
        functions = [f"{self.head(name)}\n{self.written[name]}" for name in self.order]
        tables = [_table(name, value) for name, value in sorted(self.tables.items())]
        records = [self._record(r) for r in self.records.values()]
        entries = [self._entry(name) for name in self.exports]
        shapes = [
            f"typedef struct {{ {' '.join(f'{self.c_type(k)} v{i};' for i, k in enumerate(s[1:-1].split(',')))} }} "
            f"{self.c_type(s)};"
            for s in sorted(self.shapes)
        ]
        return "\n\n".join([PRELUDE, *shapes, *records, *tables, *functions, *entries, ""])

    def _record(self, record: Record) -> str:
        lines = []
        for name, kind in record.fields.items():
            if isinstance(kind, tuple):
                given = ", ".join(map(self.c_type, kind[:-1]))
                lines.append(f"    {self.c_type(kind[-1])} (*{_name(name)})({given});")
            else:
                lines.append(f"    {self.c_type(kind)} {_name(name)};")
        return "\n".join([f"struct {record.name} {{", *lines, "};"])

    def _entry(self, name: str) -> str:
        """The function that is called from outside."""
        lines, given = [], []
        for k, kind in enumerate(self.types[name]):
            if kind.startswith("r"):
                lines.append(f"    struct {kind[1:]} g{k};")
                for field, its in self.records[kind[1:]].fields.items():
                    lines += self._taken(f"g{k}.{_name(field)}", its)
                given.append(f"&g{k}")
            else:
                lines += [f"    {self.c_type(kind)} g{k};", *self._taken(f"g{k}", kind)]
                given.append(f"g{k}")
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

    def _taken(self, place: str, kind: Type | Signature) -> list[str]:
        if isinstance(kind, tuple):
            return [f"    {place} = (void *)(a++)->p;"]
        if kind in ("d", "i"):
            return [f"    {place} = (a++)->{kind};"]
        sizes = [f"    {place}.n{j} = (a++)->i;" for j in range(int(kind[1:]))]
        return [f"    {place}.p = (a++)->p;", *sizes]


class _Function:
    """One function: its local types first, then its statements."""

    def __init__(self, module: _Module, tree: ast.FunctionDef) -> None:
        self.module, self.tree = module, tree
        arguments = [a.arg for a in tree.args.args]
        self.local: dict[str, Type] = dict(zip(arguments, module.types.setdefault(tree.name, []), strict=True))
        self.arguments = set(arguments)
        self.returned, self.allocates, self.counter = "v", False, 0
        before = None
        while before != (self.local, self.returned):
            before = dict(self.local), self.returned
            self.counter, self.lines = 0, self.block(tree.body, 1)

    def text(self) -> str:
        names = sorted(set(self.local) - self.arguments)
        declared = [f"    {self.module.c_type(self.local[n])} {_name(n)}{_ZERO.get(self.local[n], '')};" for n in names]
        held = ["    chain *held = 0;"] if self.allocates else []
        end = ["    release(held);"] if self.allocates and self.returned == "v" else []
        return "\n".join(["{", *held, *declared, *self.lines, *end, "}"])

    def set(self, name: str, kind: Type) -> None:
        self.local[name] = _join(self.local[name], kind) if name in self.local else kind

    # --- statements -----------------------------------------------------------------------------------------
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
                return self.assigned(target, ast.BinOp(_read(target), op, value))
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
            return [f"{_name(target.id)} = {code};"]
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
                lines.append(f"{_name(target.id)} = {name};")
            else:
                lines.append(f"{self.value(target)[0]} = {name};")
        return ["{", *("    " + line for line in lines), "}"]

    def loop(self, name: str, over: ast.expr, body: list[ast.stmt], depth: int) -> list[str]:
        self.set(name, "i")
        c, k, last = _name(name), self.fresh(), self.fresh()
        if not (isinstance(over, ast.Call) and isinstance(over.func, ast.Name) and over.func.id == "range"):
            code, _ = self.value(over)
            opening = [f"integers {last} = {code};", f"for (long long {k} = 0; {k} < {last}.n0; {k}++) {{",
                       f"    {c} = {last}.p[{k}];"]  # fmt: skip
            return ["{", *("    " + line for line in [*opening, *self.inner(body, depth), "}"]), "}"]
        bounds = [self.value(a)[0] for a in over.args]
        first, end, step = ("0", *bounds, "1") if len(bounds) == 1 else (*bounds, "1")[:3]
        sign = ">" if step.lstrip("(").startswith("-") else "<"
        head = f"for (long long {k} = {first}; {k} {sign} {last}; {k} += {step}) {{"
        lines = [f"const long long {last} = {end};", *_side_by_side(name, body), head, f"    {c} = {k};"]
        return ["{", *("    " + line for line in [*lines, *self.inner(body, depth), "}"]), "}"]

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
        self.returned = kind if self.returned == "v" else _join(self.returned, kind)
        if not self.allocates:
            return [f"return {code};"]
        if kind.startswith(("a", "k")):
            raise NoTranslation(f"code generation: {self.tree.name} returns an array that it made: no C")
        return [f"{{ {self.module.c_type(self.returned)} result = {code}; release(held); return result; }}"]

    # --- expressions ------------------------------------------------------------------------------------------
    def value(self, e: ast.expr) -> tuple[str, Type]:
        """Code and type of an expression."""
        match e:
            case ast.Constant(bool() as v):
                return str(int(v)), "i"
            case ast.Constant(int() as v):
                return (str(v), "i") if abs(v) < 2**62 else (_number(float(v)), "d")
            case ast.Constant(float() as v):
                return _number(v), "d"
            case ast.Name(name):
                return self.named(name)
            case ast.Attribute():
                return self.attribute(e)
            case ast.UnaryOp(ast.USub(), operand):
                code, kind = self.value(operand)
                return f"(-{code})", kind
            case ast.UnaryOp(ast.UAdd(), operand):
                return self.value(operand)
            case ast.UnaryOp(ast.Not(), operand):
                return f"(!{self.value(operand)[0]})", "i"
            case ast.BinOp(left, op, right):
                return self.binary(self.value(left), op, self.value(right), right)
            case ast.BoolOp(op, values):
                sign = " && " if isinstance(op, ast.And) else " || "
                return f"({sign.join(self.value(v)[0] for v in values)})", "i"
            case ast.Compare(left, ops, others):
                sides = [self.value(v)[0] for v in (left, *others)]
                parts = [f"({a} {_COMPARED[type(op)]} {b})" for a, op, b in zip(sides, ops, sides[1:], strict=False)]
                return parts[0] if len(parts) == 1 else f"({' && '.join(parts)})", "i"
            case ast.IfExp(test, body, orelse):
                (a, one), (b, two) = self.value(body), self.value(orelse)
                return f"({self.value(test)[0]} ? {a} : {b})", _join(one, two)
            case ast.Subscript():
                return self.element(e)
            case ast.Call():
                return self.called(e)
        raise NoTranslation(f"code generation: no C for {ast.unparse(e)}")

    def named(self, name: str) -> tuple[str, Type]:
        if name in self.local:
            return _name(name), self.local[name]
        if name in _VALUES:
            return _number(_VALUES[name]), "d"
        known = self.module.values.get(name)
        if isinstance(known, np.ndarray):
            self.module.tables[name] = known
            return f"T_{name}", f"{'k' if known.dtype.kind == 'i' else 'a'}{known.ndim}"
        if isinstance(known, int | float):
            return self.value(ast.Constant(known))
        raise NoTranslation(f"code generation: {self.tree.name} uses {name}, for which there is no C")

    def attribute(self, e: ast.Attribute) -> tuple[str, Type]:
        if isinstance(e.value, ast.Name) and e.value.id in ("math", "numpy"):
            if e.attr not in _VALUES:
                raise NoTranslation(f"code generation: no C for {ast.unparse(e)}")
            return _number(_VALUES[e.attr]), "d"
        code, kind = self.value(e.value)
        if e.attr == "size":
            return f"{code}.n0", "i"
        field = self.module.records[kind[1:]].fields[e.attr]
        return f"{code}->{_name(e.attr)}", "f" if isinstance(field, tuple) else field

    def binary(
        self, left: tuple[str, Type], op: ast.operator, right: tuple[str, Type], power: ast.expr
    ) -> tuple[str, Type]:
        (a, one), (b, two) = left, right
        if isinstance(op, ast.Pow):
            if isinstance(power, ast.Constant) and power.value == 2:
                return f"square({a})", "d"
            return f"pow({a}, {b})", "d"
        if isinstance(op, ast.Div):
            return f"((double){a} / (double){b})", "d"
        both = _join(one, two)
        if isinstance(op, ast.FloorDiv):
            return (f"({a} / {b})", "i") if both == "i" else (f"floor({a} / {b})", "d")
        if isinstance(op, ast.Mod):
            return (f"({a} % {b})", "i") if both == "i" else (f"modulo({a}, {b})", "d")
        return f"({a} {_OPERATORS[type(op)]} {b})", both

    def element(self, e: ast.Subscript) -> tuple[str, Type]:
        if isinstance(e.value, ast.Attribute) and e.value.attr == "shape":
            return f"{self.value(e.value.value)[0]}.n{ast.literal_eval(e.slice)}", "i"
        code, kind = self.value(e.value)
        rank, places = int(kind[1:]), e.slice.elts if isinstance(e.slice, ast.Tuple) else [e.slice]
        *first, last = places
        cut = isinstance(last, ast.Slice)
        terms = [self.value(p)[0] for p in (first if cut else places)]
        if isinstance(last, ast.Slice):
            low = self.value(last.lower)[0] if last.lower else "0"
            high = self.value(last.upper)[0] if last.upper else f"{code}.n{len(first)}"
            terms.append(low)
            if len(places) != rank:
                raise NoTranslation(f"code generation: no C for {ast.unparse(e)}")
        offset = " + ".join(
            "*".join([f"({term})", *(f"{code}.n{j}" for j in range(k + 1, rank))]) for k, term in enumerate(terms)
        )
        if cut:
            new = "k1" if kind[0] == "k" else "a1"
            return f"(({self.module.c_type(new)}){{{code}.p + {offset}, ({high}) - ({low})}})", new
        if len(terms) == rank:
            return f"{code}.p[{offset}]", "i" if kind[0] == "k" else "d"
        rest = ", ".join(f"{code}.n{j}" for j in range(len(terms), rank))
        new = f"a{rank - len(terms)}"
        return f"(({self.module.c_type(new)}){{{code}.p + {offset}, {rest}}})", new

    def called(self, e: ast.Call) -> tuple[str, Type]:
        name = e.func.attr if isinstance(e.func, ast.Attribute) else e.func.id if isinstance(e.func, ast.Name) else ""
        owner = e.func.value if isinstance(e.func, ast.Attribute) else None
        library = owner is None or (isinstance(owner, ast.Name) and owner.id in ("math", "numpy"))
        given = [self.value(a) for a in e.args]
        if library:
            if name in self.module.functions and owner is None:
                result = self.module.call(name, [k for _, k in given])
                return f"f_{name}({', '.join(c for c, _ in given)})", result
            return self.of_library(name, given, e)
        code, kind = self.value(owner)  # type: ignore[arg-type]
        if name == "copy":
            self.allocates = True
            return f"copy{kind[1:]}(&held, {code})", kind
        signature = self.module.records[kind[1:]].fields[name]
        return f"{code}->{_name(name)}({', '.join(c for c, _ in given)})", signature[-1]

    def of_library(self, name: str, given: list[tuple[str, Type]], e: ast.Call) -> tuple[str, Type]:
        codes, kinds = [c for c, _ in given], [k for _, k in given]
        if name in ("min", "max"):
            kind, code = kinds[0], codes[0]
            for other, its in given[1:]:
                kind = _join(kind, its)
                code = f"{name}_{kind}({code}, {other})"
            return code, kind
        if name == "abs":
            return f"{'llabs' if kinds[0] == 'i' else 'fabs'}({codes[0]})", kinds[0]
        if name in ("int", "float"):
            return f"(({'long long' if name == 'int' else 'double'}){codes[0]})", "i" if name == "int" else "d"
        if name in ("floor", "ceil", "trunc"):
            return f"((long long){name}({codes[0]}))", "i"
        if name == "log":
            return (f"log({codes[0]})" if len(codes) == 1 else f"(log({codes[0]}) / log({codes[1]}))"), "d"
        if name in ("zeros", "empty", "sort", "argsort", "arange"):
            self.allocates = True
        if name in ("zeros", "empty"):
            if isinstance(e.args[0], ast.Tuple):
                raise NoTranslation(f"code generation: no C for {ast.unparse(e)}")
            whole = any("int" in ast.unparse(k.value) for k in e.keywords)
            return f"new_{'integers' if whole else 'array'}(&held, {codes[0]})", "k1" if whole else "a1"
        if name == "sum":
            return f"sum({codes[0]})", "d"
        if name == "sort":
            return f"sorted(&held, {codes[0]})", "a1"
        if name == "argsort":
            return f"order(&held, {codes[0]})", "k1"
        if name == "arange":
            return f"count_up(&held, {codes[0]})", "k1"
        if name in _CALLS:
            return f"{_CALLS[name]}({', '.join(codes)})", "d"
        raise NoTranslation(f"code generation: no C for the function {name}")

    def fresh(self) -> str:
        self.counter += 1
        return f"k{self.counter}"


_ZERO = {"d": " = 0.0", "i": " = 0"}


def _side_by_side(index: str, body: list[ast.stmt]) -> list[str]:
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
    clauses = [f"lastprivate({', '.join(map(_name, sorted(locals_)))})"]
    clauses += [f"reduction(+:{', '.join(map(_name, sorted(sums)))})"] if sums else []
    return [f"#pragma omp simd {' '.join(clauses)}"]


_PLAIN = {"abs", "max", "min", "sqrt", "math.sqrt"}


def _read(target: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(target), mode="eval").body


def _join(a: Type, b: Type) -> Type:
    if a == b:
        return a
    if {a, b} == {"d", "i"}:
        return "d"
    if a[0] == b[0] == "(":
        return f"({','.join(_join(x, y) for x, y in zip(a[1:-1].split(','), b[1:-1].split(','), strict=True))})"
    raise NoTranslation(f"code generation: one name for a {a} and a {b} has no C")


def _name(name: str) -> str:
    """A C identifier that no library has taken."""
    return "v_" + "".join(c if c.isascii() else f"_u{ord(c):x}_" for c in name)


def _number(value: float) -> str:
    if math.isnan(value):
        return "NAN"
    if math.isinf(value):
        return "INFINITY" if value > 0 else "(-INFINITY)"
    return repr(value)


def _table(name: str, value: Any) -> str:
    kind = "long long" if value.dtype.kind == "i" else "double"
    entries = ", ".join(map(str if value.dtype.kind == "i" else _number, value.ravel().tolist()))
    shape = "integers" if kind != "double" else f"array{value.ndim}"
    return (
        f"static const {kind} D_{name}[] = {{{entries}}};\n"
        f"static const {shape} T_{name} = {{({kind} *)D_{name}, {', '.join(map(str, value.shape))}}};"
    )
