"""Expressions of generated Python as C, each with its type.

Part of the C target (:mod:`symhigh.codegen.c`): the lower half of a function's translation, whose statements are in
:mod:`symhigh.codegen.c_statements`.
"""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING

import numpy as np

from symhigh.codegen.c_types import ENTRIES, NoTranslation, Type, identifier, join, number

if TYPE_CHECKING:
    from symhigh.codegen.c import Module

_CALLS = {
    name: name
    for name in (
        *("acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "copysign", "cos", "cosh", "erf"),
        *("erfc", "exp", "exp2", "expm1", "fabs", "fmod", "hypot", "lgamma", "log10", "log1p", "log2", "pow"),
        *("isfinite", "sin", "sinh", "sqrt", "tan", "tanh"),
    )
} | {"gamma": "tgamma"}
_VALUES = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan, "tau": math.tau}
_OPERATORS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.BitXor: "^", ast.BitAnd: "&", ast.BitOr: "|", ast.LShift: "<<",
    ast.RShift: ">>",
}  # fmt: skip
_POWERS = {2: "square", 3: "cube", 4: "fourth"}
_TYPED: dict[str, tuple[str, Type]] = {
    "int": ("(long long)", "i"), "float": ("(double)", "d"), "uint64": ("(word)", "u"), "int64": ("(long long)", "i"),
    "number_of": ("number_of", "d"), "word_of": ("word_of", "u"), "fused": ("fused", "d"),
}  # fmt: skip
"""Functions whose results have a type of their own, whatever they are given."""
_COMPARED = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}


class Expressions:
    """The expressions of one function, whose local names have known types."""

    def __init__(self, module: Module, name: str, local: dict[str, Type]) -> None:
        self.module, self.name, self.local = module, name, local
        self.allocates, self.counter = False, 0

    def value(self, e: ast.expr) -> tuple[str, Type]:
        """Code and type of an expression."""
        match e:
            case ast.Constant(bool() as v):
                return str(int(v)), "i"
            case ast.Constant(int() as v):
                return (str(v), "i") if abs(v) < 2**62 else (number(float(v)), "d")
            case ast.Constant(float() as v):
                return number(v), "d"
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
            case ast.Compare(tested, [ast.Is()], [ast.Constant(None)]):  # settled by the type
                return str(int(self.value(tested)[1] == "n")), "i"
            case ast.Compare(left, ops, others):
                sides = [self.value(v)[0] for v in (left, *others)]
                parts = [f"({a} {_COMPARED[type(op)]} {b})" for a, op, b in zip(sides, ops, sides[1:], strict=False)]
                return parts[0] if len(parts) == 1 else f"({' && '.join(parts)})", "i"
            case ast.IfExp(test, body, orelse):
                (a, one), (b, two) = self.value(body), self.value(orelse)
                return f"({self.value(test)[0]} ? {a} : {b})", join(one, two)
            case ast.Subscript():
                return self.element(e)
            case ast.Call():
                return self.called(e)
        raise NoTranslation(f"code generation: no C for {ast.unparse(e)}")

    def named(self, name: str) -> tuple[str, Type]:
        if name in self.local:
            return identifier(name), self.local[name]
        if name in _VALUES:
            return number(_VALUES[name]), "d"
        if isinstance(kind := self.module.given.get(name), str):
            self.module.used.add(name)
            return f"T_{name}", kind
        known = self.module.values.get(name)
        if isinstance(known, np.ndarray):
            self.module.tables[name] = known
            return f"T_{name}", f"{'k' if known.dtype.kind == 'i' else 'a'}{known.ndim}"
        if isinstance(known, int | float):
            return self.value(ast.Constant(known))
        raise NoTranslation(f"code generation: {self.name} uses {name}, for which there is no C")

    def attribute(self, e: ast.Attribute) -> tuple[str, Type]:
        if isinstance(e.value, ast.Name) and e.value.id in ("math", "numpy"):
            if e.attr not in _VALUES:
                raise NoTranslation(f"code generation: no C for {ast.unparse(e)}")
            return number(_VALUES[e.attr]), "d"
        code, kind = self.value(e.value)
        if e.attr == "size":
            return f"{code}.n0", "i"
        field = self.module.records[kind[1:]].fields[e.attr]
        return f"{code}->{identifier(e.attr)}", "f" if isinstance(field, tuple) else field

    def binary(
        self, left: tuple[str, Type], op: ast.operator, right: tuple[str, Type], power: ast.expr
    ) -> tuple[str, Type]:
        (a, one), (b, two) = left, right
        if isinstance(op, ast.Pow):
            if isinstance(power, ast.Constant) and isinstance(power.value, int) and power.value in _POWERS:
                return f"{_POWERS[power.value]}({a})", "d"
            return f"pow({a}, {b})", "d"
        if isinstance(op, ast.Div):
            return f"((double){a} / (double){b})", "d"
        both = "u" if "u" in (one, two) else join(one, two)
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
            new = f"{kind[0]}1"
            return f"(({self.module.c_type(new)}){{{code}.p + {offset}, ({high}) - ({low})}})", new
        if len(terms) == rank:
            return f"{code}.p[{offset}]", ENTRIES[kind[0]]
        rest = ", ".join(f"{code}.n{j}" for j in range(len(terms), rank))
        new = f"a{rank - len(terms)}"
        return f"(({self.module.c_type(new)}){{{code}.p + {offset}, {rest}}})", new

    def called(self, e: ast.Call) -> tuple[str, Type]:
        name = e.func.attr if isinstance(e.func, ast.Attribute) else e.func.id if isinstance(e.func, ast.Name) else ""
        owner = e.func.value if isinstance(e.func, ast.Attribute) else None
        if name == "uint64" and isinstance(e.args[0], ast.Constant):
            return f"{e.args[0].value!r}ULL", "u"
        if name == "numbers_in":
            code, _ = self.value(e.args[0])
            return f"((array1){{(double *){code}.p, {code}.n0}})", "a1"
        library = owner is None or (isinstance(owner, ast.Name) and owner.id in ("math", "numpy"))
        given = [self.value(a) for a in e.args if not isinstance(a, ast.Tuple)]
        if library:
            if name in self.module.functions and owner is None:
                result = self.module.call(name, [k for _, k in given])
                return f"f_{name}({', '.join(c for c, _ in given)})", result
            if name in self.module.given and owner is None:
                self.module.used.add(name)
                return f"f_{name}({', '.join(c for c, _ in given)})", self.module.given[name][-1]
            return self.of_library(name, given, e)
        code, kind = self.value(owner)  # type: ignore[arg-type]
        if name == "copy":
            self.allocates = True
            return f"copy{kind[1:]}(&held, {code})", kind
        signature = self.module.records[kind[1:]].fields[name]
        return f"{code}->{identifier(name)}({', '.join(c for c, _ in given)})", signature[-1]

    def of_library(self, name: str, given: list[tuple[str, Type]], e: ast.Call) -> tuple[str, Type]:
        codes, kinds = [c for c, _ in given], [k for _, k in given]
        if name in ("min", "max"):
            kind, code = kinds[0], codes[0]
            for other, its in given[1:]:
                kind = join(kind, its)
                code = f"{name}_{kind}({code}, {other})"
            return code, kind
        if name == "abs":
            return f"{'llabs' if kinds[0] == 'i' else 'fabs'}({codes[0]})", kinds[0]
        if name == "float" and kinds == ["u"]:
            return f"nearest({codes[0]})", "d"
        if name in _TYPED:
            opening, kind = _TYPED[name]
            return f"({opening}({', '.join(codes)}))", kind
        if name in ("floor", "ceil", "trunc"):
            return f"((long long){name}({codes[0]}))", "i"
        if name == "log":
            return (f"log({codes[0]})" if len(codes) == 1 else f"(log({codes[0]}) / log({codes[1]}))"), "d"
        if name in ("zeros", "empty", "sort", "argsort", "arange"):
            self.allocates = True
        if name in ("zeros", "empty"):
            if isinstance(e.args[0], ast.Tuple):
                if len(e.args[0].elts) != 2 or e.keywords:
                    raise NoTranslation(f"code generation: no C for {ast.unparse(e)}")
                return f"new_array2(&held, {', '.join(self.value(n)[0] for n in e.args[0].elts)})", "a2"
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
