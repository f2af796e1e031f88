"""A limit lowered to source: reductions, then scalars, then right-hand sides, as loops over modes.

Sizes, parameters and coefficients are run-time arguments, so a change of any of them compiles nothing. The
module written has five functions over ``y = [states of the family, mode by mode | scalar states]``:

``prepare(par, coef, w, const)``     averages that do not change in time;
``begin(par, const, memory)``        initial values of the scalar states;
``rhs(t, y, dy, par, coef, w, const)``;
``observe(t, y, out, par, coef, w, const)``  the system's outputs, in their order;
``doubt(t, y, out, par, coef, w, const)``  the errors of its :func:`averages`, in parts of those of their modulus.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import sympy as sp

from symhigh.codegen.mixture import lower_means
from symhigh.codegen.quadrature import is_nested
from symhigh.codegen.target import Names, Target, statements
from symhigh.derivation.gaussian import GaussianMean
from symhigh.derivation.mixture import MixtureMean, outermost_means
from symhigh.meanfield import Reduction, Scalar
from symhigh.symbols import OwnedSymbol, t, weight
from symhigh.system import MomentSystem

Average = GaussianMean | MixtureMean

_ARGUMENTS = (
    *("t_", "y", "dy", "out", "par", "coef", "w", "const", "memory", "n", "i", "k"),
    *("first", "steps", "rng", "X", "X_star", "a", "mode", "root", "zx", "zf", "zw"),
    *(
        "d_",
        "alpha",
        "beta",
        "s",
        "count",
        "draws",
        "rest",
        "move",
        "aside",
        "shape",
        "scale",
        "marks",
        "z",
        "v",
    ),
    *(
        "low",
        "high",
        "roots",
        "part",
        "aims",
        "sigma",
        "slope",
        "A",
        "right",
        "left",
        "X_start",
        "total",
        "j",
    ),
    *("value", "error", "square", "shift", "one", "draw", "normals", "uniform", "lift", "run"),
)
"""Names that generated functions use for themselves."""


class Lowering:
    """Writes the functions of one system for one target.

    ``more`` are further expressions that are equal for all modes, ``of_mode`` those that differ, by default the
    right-hand sides; averages in these are computed once a mode, under the names of ``by_mode``.
    """

    def __init__(
        self, system: MomentSystem, target: Target, more: Sequence[sp.Expr] = (),
        of_mode: Sequence[sp.Expr] | None = None,
    ) -> None:  # fmt: skip
        self.target = target
        self.family = system.family
        self.states = system.states
        self.output_names, self.outputs = list(system.outputs), list(system.outputs.values())
        self.parameters = list(system.parameters)
        moving = set(self.family.states)
        self.static = [r for r in system.reductions if not r.summand.free_symbols & moving]
        self.dynamic = [r for r in system.reductions if r.summand.free_symbols & moving]
        exprs = (
            [s.expression for s in system.scalars]
            + [s.rhs for s in system.states]
            + self.outputs
            + list(more)
        )
        each = self.family.rhs if of_mode is None else of_mode
        nodes = outermost_means(each)
        functions, lowered = lower_means([*exprs, *nodes, *averages(system, tuple(more))])
        count, self.calls = len(system.scalars), lowered[len(exprs) + len(nodes) :]
        place = {node: OwnedSymbol(f"average_{k}", real=True) for k, node in enumerate(nodes)}
        self.by_mode = dict(zip(place.values(), lowered[len(exprs) :], strict=False))
        self.of_mode = [e.xreplace(place) for e in each]
        self.scalars = [Scalar(s.name, e) for s, e in zip(system.scalars, lowered[:count], strict=True)]
        self.state_rhs = lowered[count : count + len(self.states)]
        rest = lowered[count + len(self.states) : len(exprs)]
        self.outputs, self.more = rest[: len(self.outputs)], rest[len(self.outputs) :]
        self.functions = functions
        self.names = Names(_ARGUMENTS)

    def source(self) -> str:
        """The module's five functions, and the quadratures that they call."""
        parts = [self.functions, self.prepare(), self.begin(), self._rhs(), self._observe(), self._doubt()]
        return "\n\n".join(parts)

    # --- the five functions -----------------------------------------------------------------------------
    def prepare(self) -> str:
        """Averages that do not change in time."""
        body = self._averages(self.static)
        body += [f"const[{k}] = {self.names(r.name)}" for k, r in enumerate(self.static)]
        return function_source("prepare(par, coef, w, const)", body)

    def begin(self) -> str:
        """Initial values of the scalar states."""
        body = self.unpack(parameters=True, constants=True)
        body += [f"memory[{j}] = {self.names.code(s.initial)}" for j, s in enumerate(self.states)]
        return function_source("begin(par, const, memory)", body)

    def _rhs(self) -> str:
        family = self.of_mode
        body = self._scalar_part([*family, *self.by_mode.values(), *self.state_rhs])
        body += self._modes(
            [(f"dy[{k} * n + i]", f"dy[{k} * n:{k + 1} * n]", e) for k, e in enumerate(family)]
        )
        base = len(family)
        body += [f"dy[{base} * n + {j}] = {self.names.code(e)}" for j, e in enumerate(self.state_rhs)]
        return function_source("rhs(t_, y, dy, par, coef, w, const)", body)

    def _observe(self) -> str:
        body = self._scalar_part(self.outputs)
        body += [f"out[{k}] = {self.names.code(e)}" for k, e in enumerate(self.outputs)]
        return function_source("observe(t_, y, out, par, coef, w, const)", body)

    def _doubt(self) -> str:
        body = self._scalar_part(self.calls) if self.calls else []
        return function_source("doubt(t_, y, out, par, coef, w, const)", [*body, *self.errors()])

    def errors(self) -> list[str]:
        """Lines that put the errors of the averages in ``out``."""
        body = []
        for k, call in enumerate(self.calls):
            given = ", ".join(self.names.code(a) for a in call.args)
            known = f"value, error = {call.func.__name__}_known({given})"
            if call.free_symbols.isdisjoint((*self.family.states, *self.family.coefficients)):
                body += [known, f"out[{k}] = error"]
            else:  # the worst of all modes
                lines = [*self.load([call], True), known, f"out[{k}] = max(out[{k}], error)"]
                body += [f"out[{k}] = 0.0", "for i in range(w.shape[0]):", *("    " + line for line in lines)]
        return body

    def mode_lines(self, assignments: list[tuple[str, str, sp.Expr]]) -> list[str]:
        """Assignments to every mode, ``(element, array, expression)``, with everything that they need."""
        return self._scalar_part([e for _, _, e in assignments]) + self._modes(assignments)

    def function_of(self, expr: sp.Expr, called: str) -> str:
        """Source of a function of ``(t_, y, par, coef, w, const)`` with the value of an expression."""
        return function_source(
            f"{called}(t_, y, par, coef, w, const)",
            [*self._scalar_part([expr]), f"return {self.names.code(expr)}"],
        )

    # --- pieces -----------------------------------------------------------------------------------------
    def _scalar_part(self, wanted: Sequence[sp.Expr]) -> list[str]:
        """Everything that the expressions in ``wanted`` need, mode symbols apart."""
        scalars = needed(self.scalars, wanted)
        body = self.base_part([*wanted, *(s.expression for s in scalars)])
        ordered = statements([(s.name, s.expression) for s in scalars]) if scalars else []
        return body + [f"{self.names(name)} = {self.names.code(e)}" for name, e in ordered]

    def base_part(self, exprs: Sequence[sp.Expr]) -> list[str]:
        """Parameters, time, scalar states, and the averages that the expressions use."""
        used = set().union(*(e.free_symbols for e in exprs))
        body = self.unpack(parameters=True, constants=True)
        body += ["n = w.shape[0]", f"{self.names(t)} = t_"]
        base = len(self.family.states)
        body += [f"{self.names(s.name)} = y[{base} * n + {j}]" for j, s in enumerate(self.states)]
        return body + self._averages([r for r in self.dynamic if r.name in used])

    def unpack(self, parameters: bool = False, constants: bool = False) -> list[str]:
        body = [f"{self.names(p)} = par[{k}]" for k, p in enumerate(self.parameters)] if parameters else []
        if constants:
            body += [f"{self.names(r.name)} = const[{k}]" for k, r in enumerate(self.static)]
        return body

    def load(self, exprs: Iterable[sp.Expr], one: bool = False) -> list[str]:
        """Local names for the mode's states and coefficients that the expressions use, and their averages by mode.

        In a loop over the modes those of mode i; else, unless ``one`` is asked for, arrays over all modes.
        """
        used, one = set().union(*(e.free_symbols for e in exprs)), one or self.target.loops
        calls = {name: call for name, call in self.by_mode.items() if name in used}
        used = used.union(*(call.free_symbols for call in calls.values()))
        index = "i" if one else ":"
        lines = []
        for k, s in enumerate(self.family.states):
            place = f"y[{k} * n + i]" if one else f"y[{k} * n:{k + 1} * n]"
            lines += [f"{self.names(s)} = {place}"] if s in used else []
        for k, s in enumerate(self.family.coefficients):
            lines += [f"{self.names(s)} = coef[{k}, {index}]"] if s in used else []
        lines += [f"{self.names(weight)} = w[{index}]"] if weight in used else []
        return [*lines, *(f"{self.names(name)} = {self._call(call, one)}" for name, call in calls.items())]

    def _call(self, call: sp.Expr, one: bool) -> str:
        if one or not call.args:
            return self.names.code(call)
        given = ", ".join(self.names.code(a, True) for a in call.args)
        return f"numpy.array([{call.func.__name__}(*a[1:]) for a in zip(*numpy.broadcast_arrays(w, {given}))])"

    def _averages(self, reductions: Sequence[Reduction]) -> list[str]:
        if not reductions:
            return []
        loads = self.load([r.summand for r in reductions])
        arrays = not self.target.loops
        code = [(self.names(r.name), self.names.code(r.summand, arrays)) for r in reductions]
        if arrays:
            return [*loads, *(f"{name} = (w * ({summand})).sum()" for name, summand in code)]
        start = [f"{name} = 0.0" for name, _ in code]
        loop = [*loads, *(f"{name} += w[i] * ({summand})" for name, summand in code)]
        return [*start, "for i in range(w.shape[0]):", *("    " + line for line in loop)]

    def _modes(self, assignments: list[tuple[str, str, sp.Expr]]) -> list[str]:
        loads = self.load([e for _, _, e in assignments])
        if not self.target.loops:
            return [*loads, *(f"{array} = {self.names.code(e, True)}" for _, array, e in assignments)]
        loop = [*loads, *(f"{element} = {self.names.code(e)}" for element, _, e in assignments)]
        return ["for i in range(n):", *("    " + line for line in loop)]


@lru_cache(maxsize=64)
def averages(system: MomentSystem, more: tuple[sp.Expr, ...] = ()) -> tuple[Average, ...]:
    """The averages in a system's equations and outputs, and in ``more``, that nested rules take and so may miss."""
    exprs = [s.expression for s in system.scalars] + [s.rhs for s in system.states] + [*system.outputs.values(), *more]
    exprs += outermost_means(system.family.rhs)
    outer = set().union(*(e.atoms(MixtureMean) for e in exprs))
    bare = [e.xreplace(dict.fromkeys(outer, sp.S.Zero)) for e in exprs]
    found: list[Average] = [n for n in outer if any(map(resists, n.atoms(GaussianMean)))]
    found += filter(resists, set().union(*(e.atoms(GaussianMean) for e in bare)))
    return tuple(sorted(found, key=sp.default_sort_key))


def resists(node: GaussianMean) -> bool:
    """Whether an average is taken by nested rules, which estimate its error."""
    return is_nested(node.integrand, node.variables)


def needed(scalars: Sequence[Scalar], wanted: Iterable[sp.Expr]) -> list[Scalar]:
    """The scalars that ``wanted`` depends on, directly or through others, in the system's order."""
    used = set().union(*(e.free_symbols for e in wanted))
    kept: list[Scalar] = []
    for scalar in reversed(scalars):
        if scalar.name in used:
            kept.insert(0, scalar)
            used |= scalar.expression.free_symbols
    return kept


def function_source(signature: str, body: list[str]) -> str:
    """One compiled function from its signature and unindented lines."""
    lines = body or ["pass"]
    return f"@njit\ndef {signature}:\n" + "\n".join("    " + line for line in lines) + "\n"
