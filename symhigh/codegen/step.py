"""One step of an algorithm in d dimensions lowered to source, from the same statement as the limit.

The module written simulates the rule's step in the eigenbasis of K, where the entries of a sample are independent
``N(0, λ_i)``. A step that is invariant under rotations commutes with that of the data, so no generality is lost; for
others K is diagonal. Coordinates are kept as the mean field has them, times √d. Functions:

``run(first, steps, rng, y, a, push, extra, par, coef, w, const, root)``  steps numbers first, first + 1, ….

together with the mean field's ``prepare``, ``begin``, ``rhs`` and ``observe`` over
``y = [vectors | cells | memories]``, which record population values. A step is one pass over the coordinates: what the
step before has to move, the new sample and its predictions are computed from each block of normals while it is near;
``run`` ends with y complete. ``push`` (students, n) holds the mean of ``F_p a`` over a batch, ``extra`` normals of the
step's own. With ``given`` samples, ``run(first, steps, rng, samples, errors, y, …)`` takes a row a sample instead of
drawing them, and the standard normal of its label noise, for a covariance that is not diagonal.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import sympy as sp

from symhigh.codegen.lower import Lowering, function_source
from symhigh.codegen.normal import END, FIRST, MAP, MAP_NAMES, PLACE, POOL, following, normal_source
from symhigh.codegen.sample import (
    RATE,
    batch_slopes,
    class_lines,
    knowledge_sources,
    late,
    loaded,
    noise_lines,
    predictions,
    rate_lines,
    sample_lines,
    slope,
)
from symhigh.codegen.target import LLVM, NUMBA, C, Target
from symhigh.codegen.trail import STEP, step_trail
from symhigh.derivation.state import Statement
from symhigh.symbols import OwnedSymbol, d, g, gradient_square, inverse_time, lam, t
from symhigh.system import MomentSystem

_ROOT = OwnedSymbol("root_d", positive=True)
_LAST = OwnedSymbol("last_entry", real=True)
_RESERVED = (
    *("source", "words", "pool", "at", "ready", "together", "normals", "push", "extra", "rng", "on", "last"),
    *("value", "draws", "roots", "total", "root", "entry", "numbers_in", *MAP_NAMES),
)


def step_source(system: MomentSystem, s: Statement, given: bool = False, target: Target = NUMBA) -> str:
    """Source of the simulator; ``system`` is the mean field of ``s``. The step is made of loops on every target."""
    lowering = Lowering(system, target)
    lowering.names.reserve(*_RESERVED)
    parts = [target.header, normal_source(target), lowering.source(), *knowledge_sources(lowering, s)]
    trail = [] if given else [step_trail(len(s.coordinates))]
    return "\n\n".join([*parts, _Step(lowering, system, s, given).run(), *trail])


class _Step:
    """Writes ``run``."""

    def __init__(self, lowering: Lowering, system: MomentSystem, s: Statement, given: bool) -> None:
        self.lowering, self.names, self.system, self.s, self.given = lowering, lowering.names, system, s, given
        self.entries = (*s.coordinates, *(m.name for m in s.cells))
        self.coefficients = [c for c in system.family.coefficients if c != lam]
        self.rows = {c: k for k, c in enumerate(system.family.coefficients)}
        self.place = f"{len(self.entries)} * n"
        self.batched, self.predictions = s.batch != 1, predictions(s)

    def run(self) -> str:
        s, names = self.s, self.names
        step = self.batch(self.sample()) if self.batched else [*self.sample(), *self.gradient_square_lines()]
        step += [f"{names(t)} = (first + k{late(s)}) / n", *rate_lines(self.lowering, s, self.place), "on = 1.0"]
        body = [
            "n = a.shape[0]",
            f"{names(d)} = float(n)",
            f"{names(_ROOT)} = sqrt({names(d)})",
            "source, words = rng",
            "pool = numbers_in(words)",
            *(f"{names(p)} = par[{k}]" for k, p in enumerate(self.system.parameters)),
            *loaded(names, s, self.place),
            *(f"{names(slope(p))} = 0.0" for p in range(len(s.students))),
            f"{names(RATE)}, on, {names(t)} = 0.0, 0.0, 0.0  # nothing is left from before",
            *([f"total = numpy.zeros(({len(s.students)}, n))"] if self.batched else []),
            *(["row = 0"] if self.given else []),
            "for k in range(steps):",
            f"    {names(inverse_time)} = n / (first + k) if first + k > 0 else 0.0",
            *("    " + line for line in step),
            *self.draw_normals(),
            *self.factor_lines(),
            "for i in range(n):",
            *("    " + line for line in self.update("", "i")),
        ]
        given = ("rng", "samples", "errors", *STEP[1:]) if self.given else STEP
        return function_source(f"run(first, steps, {', '.join(given)})", body)

    # --- one pass ---------------------------------------------------------------------------------------
    def sample(self) -> list[str]:
        """Finish the step before, draw a sample, and find its slopes."""
        names = self.names
        sums = [names(x) for x, _ in self.predictions]
        squares = [f"square_{p}_{q}" for p, q in self.products()]
        block = [f"v{k} = y[{k} * n + low:{k} * n + high]" for k in range(len(self.entries))]
        block += [f"c{self.rows[c]} = coef[{self.rows[c]}, low:high]" for c in self.used_coefficients()]
        block += ["roots, last = root[low:high], a[low:high]"]
        block += [f"push{p} = push[{p}, low:high]" for p in range(len(self.s.students)) if self.batched]
        block += [f"extra{k} = extra[{k}, low:high]" for k in range(len(self.s.normals))]
        shift = "".join(f" + mean_{q} * {names(v)}" for q, v in enumerate(self.s.targets) if self.s.classes)
        added = [(names(x), f"value * ({names.code(w)})") for x, w in self.predictions if w != 0]
        if not self.batched:
            pairs = zip(squares, self.products().values(), strict=True)
            added += [(square, f"value * value * ({names.code(product)})") for square, product in pairs]

        def turn(i: str, draw: str) -> list[str]:
            moved = [*self.update("block", i), f"value = roots[{i}] * {draw}{shift}", f"last[{i}] = value"]
            return [*moved, *(f"{name} += {term}" for name, term in added)]

        return [
            *self.draw_normals(),
            *class_lines(self.lowering, self.s, _ROOT),
            *self.factor_lines(),
            *(f"{name} = 0.0" for name in (*sums, *squares)),
            "low = 0",
            "while low < n:",
            *("    " + line for line in (self.whole_pool(block, turn) if self.fuses else [])),
            "    count = n" if self.given else f"    at, count = {following(lanes=self.fuses)}",
            "    high = low + count",
            *("    " + line for line in block),
            f"    draws = {'samples[row, low:high]' if self.given else 'pool[at:at + count]'}",
            "    for i in range(count):",
            *("        " + line for line in turn("i", "draws[i]")),
            "    low = high",
            *(f"{name} /= {names(_ROOT)}" for name in sums),
            *noise_lines(self.lowering, self.s, "errors[row]" if self.given else "pool[together(source, words, 1)]"),
            *sample_lines(self.lowering, self.s),
            *(["row += 1"] if self.given else []),
        ]

    @property
    def fuses(self) -> bool:
        """Whether normals are used where they are made: C and LLVM run such a loop in lanes if all of its terms do."""
        exprs = [*self.new_values().values(), *(w for _, w in self.predictions), *self.products().values()]
        lanes = (sp.Add, sp.Mul, sp.Symbol, sp.Number, sp.Max, sp.Min, sp.sign)
        powers = (sp.S.Half, -sp.S.Half, *(sp.Integer(k) for k in range(-4, 5)))
        return (
            self.lowering.target in (C, LLVM)
            and not self.given
            and not self.s.normals
            and all(
                isinstance(part, lanes) or (part.is_Pow and part.exp in powers)
                for e in exprs
                for part in sp.preorder_traversal(e)
            )
        )

    def whole_pool(self, block: list[str], turn: Callable[[str, str], list[str]]) -> list[str]:
        """A block of as many coordinates as the pool has normals, where it is due to be filled."""
        half = POOL // 2
        loop = [*MAP.splitlines(), *turn("i", "one"), *turn(f"i + {half}", "other")]
        lines = [
            "words_from_lanes(words)",
            f"high = low + {POOL}",
            *block,
            f"fresh = words[{FIRST}:{END}]",
            f"for i in range({half}):",
            "    bits = fresh[i]",
            f"    turns = fresh[i + {half}]",
            *("    " + line for line in loop if not line.startswith("#")),
            "low = high",
            "continue",
        ]
        due = f"if n - low >= {POOL} and numpy.int64(words[{PLACE}]) == {END}:"
        return [due, *("    " + line for line in lines)]

    def draw_normals(self) -> list[str]:
        return [f"normals(rng, extra[{k}])" for k in range(len(self.s.normals))]

    def used_coefficients(self) -> list[sp.Symbol]:
        exprs = (*self.new_values().values(), *(weight for _, weight in self.predictions))
        used = set().union(*(e.free_symbols for e in exprs), *(o.mean.free_symbols for o in self.s.classes))
        return [c for c in self.coefficients if c in used]

    def new_values(self) -> dict[sp.Symbol, sp.Expr]:
        """The change of every entry in one step, in the entry's own units, in terms of ``push`` = F a."""
        s = self.s
        scaled = {v: v / _ROOT for v in (*s.coordinates, *s.coefficients)} | {d: _ROOT**2}
        gradients = {
            G: sp.Add(*(push(p) * row[k] for p, row in enumerate(s.jacobian))) for k, G in enumerate(s.gradients)
        }
        changes = {v: sp.expand((new - v).xreplace(scaled) * _ROOT) for v, new in s.vectors}
        changes |= {m.name: sp.expand(m.increment.xreplace({d: _ROOT**2})) for m in s.cells}
        return {v: c.xreplace(gradients).xreplace({g: RATE}) for v, c in changes.items()}

    def update(self, where: str, i: str) -> list[str]:
        """Load the entries of coordinate i, and move them by the step before."""
        names = self.names
        places = {v: (f"v{k}[{i}]", f"y[{k} * n + {i}]") for k, v in enumerate(self.entries)}
        places |= {c: (f"c{self.rows[c]}[{i}]", f"coef[{self.rows[c]}, {i}]") for c in self.used_coefficients()}
        places |= {normal: (f"extra{k}[{i}]", f"extra[{k}, {i}]") for k, normal in enumerate(self.s.normals)}
        if self.batched:
            places |= {push(p): (f"push{p}[{i}]", f"push[{p}, {i}]") for p in range(len(self.s.students))}
        else:
            places[_LAST] = f"last[{i}]", f"a[{i}]"
        lines = [f"{names(symbol)} = {near if where else far}" for symbol, (near, far) in places.items()]
        lines += [f"{names(kick)} = {names(factor)} * {names(_LAST)}" for factor, kick in self.kicks.items()]
        for k, v in enumerate(self.entries):
            parts = [(self.kicks[f], e / _LAST) if _kicks(e) else (f, e) for f, e in self.moves[1][v]]
            terms = [f"{names(shared)} * ({names.code(own)})" for shared, own in parts]
            lines.append(f"new_{k} = {' + '.join([names(v), *terms])}")
        for k, v in enumerate(self.entries):
            lines.append(f"{names(v)} = new_{k}")
            lines.append(f"{places[v][0 if where else 1]} = new_{k}")
        return lines

    @cached_property
    def moves(self) -> tuple[dict[sp.Expr, sp.Symbol], dict[sp.Symbol, list[tuple[sp.Symbol, sp.Expr]]]]:
        """Names of the factors that are equal for all coordinates; a factor and the rest for each term of a change."""
        count = range(len(self.s.students))
        pushed = {} if self.batched else {push(p): slope(p) * _LAST for p in count}
        own = {*self.entries, *self.s.coefficients, *self.s.normals, _LAST, *(push(p) for p in count)}
        named: dict[sp.Expr, sp.Symbol] = {}
        terms: dict[sp.Symbol, list[tuple[sp.Symbol, sp.Expr]]] = {}
        for v, change in self.new_values().items():
            each_term = sp.Add.make_args(sp.expand(change.xreplace(pushed)))
            parts = [term.as_independent(*own, as_Add=False) for term in each_term]
            for shared, _ in parts:
                named.setdefault(shared, OwnedSymbol(f"factor_{len(named)}", real=True))
            terms[v] = [(named[shared], each) for shared, each in parts]
        return named, terms

    @cached_property
    def kicks(self) -> dict[sp.Symbol, sp.Symbol]:
        """Names of the products of a factor with the last entry, which changes of several entries may share."""
        factors = dict.fromkeys(f for terms in self.moves[1].values() for f, each in terms if _kicks(each))
        return {factor: OwnedSymbol(f"kick_{j}", real=True) for j, factor in enumerate(factors)}

    def factor_lines(self) -> list[str]:
        """The factors of the step before; ``on`` is 0 where there is none."""
        return [f"{self.names(name)} = on * ({self.names.code(shared)})" for shared, name in self.moves[0].items()]

    # --- the gradient's square --------------------------------------------------------------------------
    def products(self) -> dict[tuple[int, int], sp.Expr]:
        """``∇π_p·∇π_q`` for the pairs of students that share a coordinate, p ≤ q."""
        s, found = self.s, {}
        if not s.uses(gradient_square):
            return {}
        for p, first in enumerate(s.jacobian):
            for q, second in enumerate(s.jacobian):
                total = sp.expand(sum(a * b for a, b in zip(first, second, strict=True)))
                if q >= p and total != 0:
                    found[p, q] = total
        return found

    def gradient_square_lines(self) -> list[str]:
        terms = [
            f"{1 if p == q else 2} * {self.names(slope(p))} * {self.names(slope(q))} * square_{p}_{q}"
            for p, q in self.products()
        ]
        return [f"{self.names(gradient_square)} = {' + '.join(terms)}"] if terms else []

    def batch(self, sample: list[str]) -> list[str]:
        """m samples: afterwards ``push`` holds their mean ``F_p a``, and the gradient's square is that of the mean."""
        names, count = self.names, len(self.s.students)
        size = names.code(self.s.batch)
        again = [f"        total[{p}, i] += {names(slope(p))} * a[i]" for p in range(count)]
        square = [
            f"{1 if p == q else 2} * push[{p}, i] * push[{q}, i] * ({names.code(product)})"
            for (p, q), product in self.products().items()
        ]
        load = [f"    {names(v)} = y[{k} * n + i]" for k, v in enumerate(self.entries)]
        begin, add, mean = batch_slopes(names, self.s, size)
        return [
            *begin,
            f"for j in range(int({size})):",
            *("    " + line for line in (*sample, *add)),
            "    on = 0.0  # the coordinates have moved; the other samples find them there",
            "    for i in range(n):",
            *again,
            *([f"{names(gradient_square)} = 0.0"] if square else []),
            *mean,
            "for i in range(n):",
            *(f"    push[{p}, i] = total[{p}, i] / {size}" for p in range(count)),
            *(f"    total[{p}, i] = 0.0" for p in range(count)),
            *(load if square else []),
            *([f"    {names(gradient_square)} += {' + '.join(square)}"] if square else []),
        ]


def _kicks(each: sp.Expr) -> bool:
    """Whether a term is a product of the last entry with others."""
    return each != _LAST and each.has(_LAST) and not (each / _LAST).has(_LAST)


def push(p: int) -> sp.Symbol:
    """``F_p a`` of a coordinate."""
    return OwnedSymbol(f"push_{p}", real=True)
