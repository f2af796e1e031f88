"""A limit as a Julia script that states an ``ODEProblem`` of OrdinaryDiffEq: equations, numbers, functions, a table.

Part of the reports. The functions are the loops that symhigh compiles, written in Julia statement by statement: indices
begin at one there, and a range includes its end.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

from symhigh.codegen.kernels import limit_source
from symhigh.codegen.lower import Lowering
from symhigh.codegen.target import C
from symhigh.report.script import Numbers
from symhigh.system import MomentSystem

_HEAD = '''#=
{problem} under {rule}: its limit in high dimensions. Time is steps/d.

{equations}

Parameters: {parameters}
States of a mode: {states}; coefficients: {names}; memories: {memories}; {modes} modes.
Outputs: {outputs}
Written by symhigh {version}. Needs two packages: using Pkg; Pkg.add(["OrdinaryDiffEq", "SpecialFunctions"])
=#
using OrdinaryDiffEq
{special}
'''
_DRIVER = """
const PARAMETERS = Float64[{values}]
const WEIGHTS = Float64[{weights}]
# rows {names}, a column a mode
const COEFFICIENTS = reshape(Float64[{coefficients}], {rows}, {modes})
# the states {states}, one after the other, each mode by mode, then the memories {memories}
const START = Float64[{start}]
const CONSTANTS = zeros({constants})
const OUTPUTS = [{outputs}]

prepare!(PARAMETERS, COEFFICIENTS, WEIGHTS, CONSTANTS)
memory = zeros({memory_count})
begin!(PARAMETERS, CONSTANTS, memory)

function slope!(dy, y, parameters, t)
    fill!(dy, 0.0)
    rhs!(t, y, dy, parameters, COEFFICIENTS, WEIGHTS, CONSTANTS)
    return nothing
end

problem = ODEProblem(slope!, vcat(START, memory), (0.0, {end}), PARAMETERS)
solution = solve(problem, Tsit5(); reltol = 1e-9, abstol = 1e-12, saveat = range(0.0, {end}; length = 11))

println(join(["t"; OUTPUTS], ","))
for (t, y) in zip(solution.t, solution.u)
    out = zeros(length(OUTPUTS))
    observe!(t, y, out, PARAMETERS, COEFFICIENTS, WEIGHTS, CONSTANTS)
    println(join([t; out], ","))
end
"""
_CALLED = ("prepare", "begin", "rhs", "observe")
_SPECIAL = ("erf", "erfc")
_FUNCTIONS = {
    name: name
    for name in ("sqrt", "exp", "log", "log1p", "expm1", "sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos",
                 "atan", "floor", "copysign", "erf", "erfc")
} | {"fabs": "abs"}  # fmt: skip
_CONSTANTS = {"pi": "pi", "inf": "Inf", "nan": "NaN", "e": "exp(1.0)"}
_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "^",
}  # fmt: skip
_COMPARED: dict[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
_RESERVED = {"begin", "end", "function", "let", "local", "global", "const", "do", "struct", "module", "true", "false"}


def julia_script(system: MomentSystem, *population: Any, t_end: float) -> str:
    """Source of a Julia script of ``system`` on a population, which prints a table of its outputs to ``t_end`` as CSV.

    ``population`` is what ``system.solve`` takes. Raises ``TypeError`` for limits not closed by moments, and
    ``NotImplementedError`` where the right-hand side needs quadrature, whose tables have no Julia form here.
    """
    given = Numbers.of("julia_script", system, population, t_end)
    functions = _Translation(limit_source(system, C)).text(_CALLED)
    used = [name for name in _SPECIAL if f"{name}(" in functions]
    head = _HEAD.format(
        special=f"using SpecialFunctions: {', '.join(used)}\n" if used else "",
        **{key: text.replace("=#", "= #") for key, text in given.named.items()},
    )
    return head + functions + _DRIVER.format(
        values=_list(given.parameters), weights=_list(given.weights),
        coefficients=_list(given.coefficients.T.ravel()),  # Julia's arrays are stored column by column
        rows=len(given.coefficients), modes=given.weights.size, start=_list(given.start),
        constants=len(Lowering(system, C).static), memory_count=len(system.states), end=repr(given.end),
        outputs=", ".join(f'"{name}"' for name in system.outputs),
        **{key: given.named[key] for key in ("names", "states", "memories")},
    )  # fmt: skip


def _list(values: np.ndarray[Any, Any]) -> str:
    return ", ".join(repr(float(v)) for v in values)


class _Translation:
    """Functions of generated Python as Julia; only those that are reached."""

    def __init__(self, source: str) -> None:
        body = ast.parse(source).body
        self.functions: Mapping[str, ast.FunctionDef] = {f.name: f for f in body if isinstance(f, ast.FunctionDef)}
        self.reached: dict[str, str] = {}
        self.known: set[str] = set()
        """The names of the function that is being written."""

    def text(self, names: tuple[str, ...]) -> str:
        """The functions of these names, after those that they call."""
        for name in names:
            self._reach(name)
        return "\n".join(self.reached.values())

    def _reach(self, name: str) -> None:
        if name in self.reached:
            return
        function = self.functions[name]
        if not function.decorator_list:
            _refuse(name)
        before, self.known = self.known, {a.arg for a in function.args.args}
        self.known |= {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        body = [s for s in function.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
        lines = [line for statement in body for line in self._statement(statement)]
        self.known = before
        arguments = ", ".join(_name(a.arg) for a in function.args.args)
        ends = [] if any(isinstance(s, ast.Return) for s in ast.walk(function)) else ["return nothing"]
        inside = "\n".join(f"    {line}" for line in [*lines, *ends])
        self.reached[name] = f"function {_called(name)}({arguments})\n{inside}\nend\n"

    def _statement(self, node: ast.stmt) -> list[str]:
        match node:
            case ast.Assign(targets=[target], value=value):
                return [f"{self._expr(target)} = {self._expr(value)}"]
            case ast.AugAssign(target=target, op=op, value=value) if type(op) in _BINARY:
                return [f"{self._expr(target)} {_BINARY[type(op)]}= {self._expr(value)}"]
            case ast.For(target=ast.Name(id=name), iter=ast.Call(func=ast.Name(id="range"), args=arguments), body=body):
                return [f"for {_name(name)} in {self._range(arguments)}", *self._block(body), "end"]
            case ast.While(test=test, body=body):
                return [f"while {self._expr(test)}", *self._block(body), "end"]
            case ast.If(test=test, body=body, orelse=otherwise):
                last = ["else", *self._block(otherwise)] if otherwise else []
                return [f"if {self._expr(test)}", *self._block(body), *last, "end"]
            case ast.Return(value=ast.expr() as value):
                return [f"return {self._expr(value)}"]
            case ast.Expr(value=ast.Call() as call):
                return [self._expr(call)]
        return _refuse(ast.unparse(node))

    def _block(self, body: list[ast.stmt]) -> list[str]:
        return [f"    {line}" for statement in body for line in self._statement(statement)]

    def _range(self, arguments: list[ast.expr]) -> str:
        bounds = [self._expr(a) for a in arguments]
        if len(bounds) == 1:
            return f"0:({bounds[0]} - 1)"
        if len(bounds) == 2:
            return f"({bounds[0]}):({bounds[1]} - 1)"
        return _refuse("a range with a step")

    def _expr(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=bool() as value):
                return "true" if value else "false"
            case ast.Constant(value=int() | float() as value):
                return repr(value)
            case ast.Name(id=name) if name in self.known:
                return _name(name)
            case ast.Name(id=name) if name in _CONSTANTS:
                return _CONSTANTS[name]
            case ast.Attribute(value=ast.Name(id="math"), attr=name) if name in _CONSTANTS:
                return _CONSTANTS[name]
            case ast.Subscript(value=ast.Attribute(value=array, attr="shape"), slice=ast.Constant(value=int() as axis)):
                return f"size({self._expr(array)}, {axis + 1})"
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Tuple(elts=places)) if name in self.known:
                return f"{_name(name)}[{', '.join(self._place(p) for p in places)}]"
            case ast.Subscript(value=ast.Name(id=name), slice=place) if name in self.known and not isinstance(
                place, ast.Slice
            ):
                return f"{_name(name)}[{self._place(place)}]"
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return f"({self._expr(left)} {_BINARY[type(op)]} {self._expr(right)})"
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return f"(-{self._expr(operand)})"
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return f"!({self._expr(operand)})"
            case ast.BoolOp(op=op, values=values):
                return f"({(' && ' if isinstance(op, ast.And) else ' || ').join(map(self._expr, values))})"
            case ast.Compare(left=left, ops=ops, comparators=others) if all(type(op) in _COMPARED for op in ops):
                signs = [f"{_COMPARED[type(op)]} {self._expr(o)}" for op, o in zip(ops, others, strict=True)]
                return f"({self._expr(left)} {' '.join(signs)})"
            case ast.IfExp(test=test, body=body, orelse=otherwise):
                return f"({self._expr(test)} ? {self._expr(body)} : {self._expr(otherwise)})"
            case ast.Call(func=function, args=arguments, keywords=[]):
                return f"{self._function(function)}({', '.join(map(self._expr, arguments))})"
        return _refuse(ast.unparse(node))

    def _place(self, node: ast.expr) -> str:
        """An index, counted from one."""
        match node:
            case ast.Constant(value=int() as place):
                return str(place + 1)
        return f"{self._expr(node)} + 1"

    def _function(self, node: ast.expr) -> str:
        match node:
            case ast.Attribute(value=ast.Name(id="math"), attr=name) if name in _FUNCTIONS:
                return _FUNCTIONS[name]
            case ast.Name(id="abs" | "min" | "max" as name):
                return name
            case ast.Name(id=name) if name in self.functions:
                self._reach(name)
                return _called(name)
            case ast.Name(id=name) if name in _FUNCTIONS:
                return _FUNCTIONS[name]
        return _refuse(ast.unparse(node))


def _name(name: str) -> str:
    return f"{name}_" if name in _RESERVED else name


def _called(name: str) -> str:
    """The name of a function; one that changes its arguments ends in an exclamation mark."""
    return f"{name}!" if name in _CALLED else _name(name)


def _refuse(what: str) -> Any:
    raise NotImplementedError(
        f"julia_script: {what} has no Julia form here, as the quadrature of averages without a closed form; export to "
        "Python or C"
    )
