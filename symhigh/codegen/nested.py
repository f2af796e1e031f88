"""Nodes with kinks, and nodes that do not separate, lowered to nested adaptive rules in whitened coordinates.

Part of the lowering of quadrature nodes; texts in :mod:`symhigh.codegen.nested_source`. With ``x = C z``, C lower
triangular, a boundary cuts the line of the last coordinate it depends on: a plane where a formula says, a curved one
where it is found along the line. The coordinate before it is split where the order of such cuts changes, and where a
cut crosses zero: near a singular covariance the inner integral is steep there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from symhigh.codegen import nested_source as text
from symhigh.codegen.guard import defined, guarded
from symhigh.codegen.lattice import LEVELS, MOST, lattice_source
from symhigh.codegen.printer import code, function_body
from symhigh.codegen.quadrature_source import FUNCTION, REACH
from symhigh.derivation.gaussian import STEPS, boundaries, recognise
from symhigh.derivation.gaussian.terms import is_affine, joined

_ZEROS = 96
"""The most zeros of one boundary along a line."""


@dataclass(frozen=True)
class _Edge:
    """A boundary: its slopes in the whitened coordinates and its offset where it is a plane, else its function.

    ``last`` is the last whitened coordinate that it depends on, counted from one.
    """

    index: int
    last: int
    slopes: tuple[sp.Expr, ...] | None
    offset: sp.Expr
    function: sp.Expr


@dataclass(frozen=True)
class _Node:
    """What the levels of one node share: its name, whitened coordinates, the root of the covariance, arguments."""

    name: str
    variables: tuple[sp.Symbol, ...]
    z: tuple[sp.Symbol, ...]
    factor: tuple[tuple[sp.Symbol, ...], ...]
    edges: tuple[_Edge, ...]
    down: str
    more: str

    @property
    def size(self) -> int:
        return len(self.z)

    def held(self, k: int) -> str:
        """Arguments of level k."""
        return "".join(f", {s}" for s in self.z[: k - 1]) + self.down

    def point(self, k: int) -> list[sp.Expr]:
        """The variables where the coordinates after z_k are zero."""
        return [sp.Add(*(c * z for c, z in zip(row[:k], self.z, strict=False))) for row in self.factor]


def nested_node(
    name: str, integrand: sp.Expr, variables: Sequence[sp.Symbol], names: dict[sp.Symbol, sp.Symbol],
    steep: Sequence[sp.Expr] = (),
) -> str:  # fmt: skip
    """Source of ``name(v11, v12, …, parameters)``, any number of variables; ``names`` are the parameters' own.

    Lines are cut where an expression of ``steep`` is zero, too.
    """
    order = _order_of_integration(integrand, variables)
    size, place = len(variables), [order.index(v) for v in variables]
    if integrand.has(*STEPS):
        raise ValueError(
            f"code generation: the average of {integrand} has no generated code, for floor, ceiling, frac and Mod jump "
            "without end; write the steps that matter as a Piecewise"
        )
    x = tuple(sp.Symbol(f"x{i + 1}", real=True) for i in range(size))
    z = tuple(sp.Symbol(f"z{i + 1}", real=True) for i in range(size))
    factor = tuple(tuple(sp.Symbol(f"c{i + 1}{j + 1}", real=True) for j in range(i + 1)) for i in range(size))
    renamed = joined(recognise(integrand.xreplace({**dict(zip(order, x, strict=True)), **names})))
    more = "".join(f", {s}" for s in names.values())
    entries = [str(c) for row in factor for c in row]
    arguments = ", ".join(map(str, x))
    body = function_body(_real(guarded(renamed, frozenset(x)), frozenset(x)))
    cuts = [*boundaries(renamed, x, soft=True)]
    cuts += [e for e in (s.xreplace({**dict(zip(order, x, strict=True)), **names}) for s in steep) if e not in cuts]
    edges = tuple(_edge(i, b, x, factor) for i, b in enumerate(cuts) if b.free_symbols & set(x))
    node = _Node(name, x, z, factor, edges, ", " + ", ".join(entries) + more + ", left", more)
    parts = [FUNCTION.format(name=f"{name}_f", args=arguments + more, body=body)]
    pairs = [(place[i] + 1, place[j] + 1) for i in range(size) for j in range(i, size)]
    covariance = ", ".join(f"v{min(pair)}{max(pair)}" for pair in pairs)
    smooth = size in LEVELS and not edges
    if not smooth or size < MOST:
        parts += [_level(node, k) for k in range(size, 0, -1)]
    if smooth:
        point = [code(v) for v in node.point(size)]
        root = _cholesky(size)
        lattice = lattice_source(name, size, point, entries, covariance, root, more)
        return "".join(parts) + lattice + named(name, covariance, more)
    call = ", ".join(entries)
    entry = text.ENTRY.format(
        name=name, covariance=covariance, more=more, size=size, factor=_cholesky(size), factor_call=call
    )
    return "".join([*parts, entry, named(name, covariance, more)])


def named(name: str, covariance: str, more: str) -> str:
    """Source of the functions by which an average with its error is called."""
    return text.NAMED.format(
        name=name, covariance=covariance, more=more, most=text.EVALUATIONS, refused=text.REFUSED
    )


def _order_of_integration(integrand: sp.Expr, variables: Sequence[sp.Symbol]) -> list[sp.Symbol]:
    """The variables, last the one along which boundaries are crossed least often; the last of equals."""
    edges = [b for b in boundaries(integrand, variables) if not is_affine(b, variables)]

    def crossings(v: sp.Symbol) -> sp.Expr:
        return max((sp.degree(b, v) if b.is_polynomial(v) else sp.oo for b in edges), default=0)

    last = min(reversed(variables), key=crossings)
    return [*(v for v in variables if v != last), last]


def _real(expr: sp.Expr, moving: frozenset[sp.Symbol]) -> sp.Expr:
    """``expr`` with powers that are real or NaN; where rounding makes a base negative, Python's are complex."""

    def power(e: sp.Pow) -> sp.Expr:
        if e.exp.is_Rational and e.exp.q == 2:
            root = sp.Function("safe_sqrt" if e.exp > 0 else "safe_over_sqrt", nonnegative=True)
            return root(e.base) ** abs(e.exp.p)
        return sp.Function("safe_power", real=True)(e.base, e.exp)

    return expr.replace(
        lambda e: e.is_Pow
        and e.base != sp.E
        and not e.exp.is_integer
        and bool(e.base.free_symbols & moving)
        and not e.base.is_nonnegative,
        power,
    )


def _edge(
    index: int, boundary: sp.Expr, x: tuple[sp.Symbol, ...], factor: tuple[tuple[sp.Symbol, ...], ...]
) -> _Edge:
    last = max(i for i, v in enumerate(x, start=1) if v in boundary.free_symbols)
    if not is_affine(boundary, x):
        return _Edge(index, last, None, sp.S.Zero, boundary)
    poly = sp.Poly(sp.numer(sp.together(boundary)), *x)
    a = [poly.coeff_monomial(v) for v in x]
    slopes = tuple(sp.Add(*(a[i] * factor[i][k] for i in range(k, len(x)))) for k in range(len(x)))
    return _Edge(index, last, slopes, poly.coeff_monomial(1), boundary)


def _level(node: _Node, k: int) -> str:
    size, name = node.size, node.name
    held = node.held(k)
    following = f"{name}_{k + 1}({node.held(k + 1)[2:]})"
    texts, cuts, room = _cuts(node, k)
    if k == size:
        point = ", ".join(code(v) for v in node.point(size))
        texts.append(text.AT.format(name=name, k=k + 1, args=node.held(k + 1)[2:], call=point + node.more))
    flat = " and ".join(f"c{i + 1}{k} == 0.0" for i in range(k - 1, size))
    return "".join(texts) + (text.PIECES if cuts else text.WHOLE).format(
        name=name,
        k=k,
        args=held,
        call=held,
        first_args=held[2:],
        next=following,
        reach=REACH,
        room=room,
        flat=flat,
        levels=9 if size == 1 else 7,
        halves=32 if k == 1 else 4,
        cuts="\n".join(cuts),
    )


def _cuts(node: _Node, k: int) -> tuple[list[str], list[str], int]:
    """Functions that find cuts at level k, the statements that add them, and how many there may be."""
    texts: list[str] = []
    cuts: list[str] = []
    room = 2
    planes = [e for e in node.edges if e.slopes is not None]
    for edge in planes:
        assert edge.slopes is not None
        if edge.slopes[k - 1] != 0:
            cuts.append(_cut(edge.slopes, edge.offset, k, node.z))
    for edge in node.edges:
        if edge.slopes is None and edge.last in (k, k + 1):
            texts.append(_crossings(node, edge, k))
            cuts.append(text.CURVED_CUT.format(name=node.name, edge=edge.index, k=k, call=node.held(k)))
            room += _ZEROS
    if k != node.size - 1:
        return texts, cuts, room + len(planes)
    inner = [e for e in node.edges if e.last == node.size]
    for edge in planes:
        assert edge.slopes is not None
        if edge.slopes[-1] != 0:
            cuts.append(_cut((*edge.slopes[:-1], sp.S.Zero), edge.offset, k, node.z))
    if any(e.slopes is None for e in inner):
        texts.append(_order(node, inner, k))
        cuts.append(text.ORDER_CUT.format(name=node.name, k=k, call=node.held(k)))
        return texts, cuts, room + 2 * len(planes) + 4 * _ZEROS
    for i, p in enumerate(planes):
        for q in planes[:i]:
            assert p.slopes is not None
            assert q.slopes is not None
            if (crossed := _crossing((p.slopes, p.offset), (q.slopes, q.offset))) is not None:
                cuts.append(_cut(*crossed, k, node.z))
    return texts, cuts, room + 2 * len(planes) + len(planes) ** 2


def _crossings(node: _Node, edge: _Edge, k: int) -> str:
    """The function that finds a curved boundary along z_k."""
    held = node.held(k)
    first_args = f"z{k}{held}"
    at = dict(zip(node.variables, node.point(k), strict=True))
    value = code(defined(guarded(edge.function.xreplace(at), frozenset(node.z))))
    return text.CROSSINGS.format(
        name=node.name,
        edge=edge.index,
        k=k,
        args=held,
        first_args=first_args,
        edge_args=first_args,
        value=value,
        reach=REACH,
    )


def _order(node: _Node, inner: Sequence[_Edge], k: int) -> str:
    """The functions that find where the order of boundaries along the last coordinate changes."""
    size = node.size
    owned = []
    for edge in inner:
        if edge.slopes is None:
            owned.append(
                text.OWNED_CURVED.format(
                    name=node.name, edge=edge.index, inner=size, inner_call=node.held(size)
                )
            )
        else:
            rest = sp.Add(edge.offset, *(s * v for s, v in zip(edge.slopes[:-1], node.z, strict=False)))
            owned.append(
                text.OWNED_PLANE.format(slope=code(edge.slopes[-1]), rest=code(rest), edge=edge.index)
            )
    held = node.held(k)
    return text.CHANGES.format(
        name=node.name,
        k=k,
        inner=size,
        args=held,
        first_args=f"z{k}{held}",
        order_args=f"z{k}{held}",
        room=len(inner) * _ZEROS + 1,
        owned="\n".join(owned),
        base=max(e.index for e in inner) + 2,
        reach=REACH,
    )


def _cut(slopes: Sequence[sp.Expr], offset: sp.Expr, k: int, z: Sequence[sp.Symbol]) -> str:
    """The statement that adds the cut of a plane at level k, if the plane is constant along later coordinates."""
    rest = sp.Add(offset, *(s * v for s, v in zip(slopes[: k - 1], z, strict=False)))
    later = " and ".join(f"{code(s)} == 0.0" for s in slopes[k:] if s != 0) or "True"
    return text.CUT.format(slope=code(slopes[k - 1]), last=later, rest=code(rest), reach=REACH)


def _crossing(
    p: tuple[tuple[sp.Expr, ...], sp.Expr], q: tuple[tuple[sp.Expr, ...], sp.Expr]
) -> tuple[tuple[sp.Expr, ...], sp.Expr] | None:
    """The form, constant along the last coordinate, that vanishes where two planes cross."""
    (a, b), (c, d) = p, q
    if a[-1] == 0 or c[-1] == 0:
        return None
    slopes = tuple(s * c[-1] - t * a[-1] for s, t in zip(a[:-1], c[:-1], strict=True))
    return (*slopes, sp.S.Zero), b * c[-1] - d * a[-1]


def _cholesky(size: int) -> str:
    """Statements for the lower-triangular root of the covariance; columns of zeros where it is singular."""
    lines = []
    for j in range(1, size + 1):
        known = "".join(f" - c{j}{k} * c{j}{k}" for k in range(1, j))
        lines.append(f"rest = v{j}{j}{known}")
        lines.append(f"c{j}{j} = math.sqrt(rest) if rest > 4e-16 * v{j}{j} else 0.0")
        for i in range(j + 1, size + 1):
            done = "".join(f" - c{i}{k} * c{j}{k}" for k in range(1, j))
            lines.append(f"c{i}{j} = (v{j}{i}{done}) / c{j}{j} if c{j}{j} > 0.0 else 0.0")
    return "\n".join("    " + line for line in lines)
