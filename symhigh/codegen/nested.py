"""Nodes with kinks, and nodes that do not separate, lowered to nested adaptive rules in whitened coordinates.

Part of the lowering of quadrature nodes; texts in :mod:`symhigh.codegen.nested_source`. A kink is a plane. With
``x = C z``, C lower triangular, it cuts the line of the last coordinate it depends on. The coordinate before it is
split where two such cuts cross, and where a cut crosses zero: near a singular covariance the inner integral is steep
there.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from symhigh.codegen import nested_source as text
from symhigh.codegen.guard import guarded
from symhigh.codegen.printer import code, function_body
from symhigh.codegen.quadrature_source import FUNCTION, REACH
from symhigh.derivation.gaussian import affine_kinks, recognise


def nested_node(
    name: str, integrand: sp.Expr, variables: Sequence[sp.Symbol], names: dict[sp.Symbol, sp.Symbol]
) -> str:
    """Source of ``name(v11, v12, …, parameters)``, any number of variables; ``names`` are the parameters' own."""
    size = len(variables)
    x = [sp.Symbol(f"x{i + 1}", real=True) for i in range(size)]
    z = [sp.Symbol(f"z{i + 1}", real=True) for i in range(size)]
    factor = [[sp.Symbol(f"c{i + 1}{j + 1}", real=True) for j in range(i + 1)] for i in range(size)]
    renamed = recognise(integrand.xreplace({**dict(zip(variables, x, strict=True)), **names}))
    more = "".join(f", {s}" for s in names.values())
    entries = [str(c) for row in factor for c in row]
    down = ", " + ", ".join(entries) + more
    arguments = ", ".join(map(str, x))
    body = function_body(guarded(renamed, frozenset(x)))
    parts = [FUNCTION.format(name=f"{name}_f", args=arguments + more, body=body)]
    planes = [_whitened(plane, x, factor) for plane in affine_kinks(renamed, x, soft=True)]
    for k in range(size, 0, -1):
        parts.append(_level(name, k, z, factor, planes, down, more))
    covariance = ", ".join(f"v{i + 1}{j + 1}" for i in range(size) for j in range(i, size))
    parts.append(
        text.ENTRY.format(
            name=name,
            covariance=covariance,
            more=more,
            size=size,
            factor=_cholesky(size),
            factor_call=", ".join(entries),
        )
    )
    return "".join(parts)


def _level(
    name: str,
    k: int,
    z: list[sp.Symbol],
    factor: list[list[sp.Symbol]],
    planes: list[tuple[list[sp.Expr], sp.Expr]],
    down: str,
    more: str,
) -> str:
    size = len(z)
    held = "".join(f", {s}" for s in z[: k - 1])
    inner = "".join(f", {s}" for s in z[:k])
    if k == size:
        values = [sp.Add(*(c * z[j] for j, c in enumerate(row))) for row in factor]
        following = f"{name}_f({', '.join(code(v) for v in values)}{more})"
    else:
        following = f"{name}_{k + 1}({(inner + down)[2:]})"
    cuts = [_cut(slopes, offset, k, z) for slopes, offset in planes if slopes[k - 1] != 0]
    if k == size - 1:
        cuts += [
            _cut([*slopes[:-1], sp.S.Zero], offset, k, z) for slopes, offset in planes if slopes[-1] != 0
        ]
        cuts += [
            _cut(*crossed, k, z)
            for i, p in enumerate(planes)
            for q in planes[:i]
            if (crossed := _crossing(p, q)) is not None
        ]
    flat = " and ".join(f"c{i + 1}{k} == 0.0" for i in range(k - 1, size))
    return (text.PIECES if cuts else text.WHOLE).format(
        name=name,
        k=k,
        args=held + down,
        call=held + down,
        first_args=(held + down)[2:],
        next=following,
        reach=REACH,
        room=len(cuts) + 2,
        flat=flat,
        cuts="\n".join(cuts),
    )


def _whitened(
    plane: sp.Expr, x: list[sp.Symbol], factor: list[list[sp.Symbol]]
) -> tuple[list[sp.Expr], sp.Expr]:
    """Slopes in the whitened coordinates, and the offset, of an affine form in ``x``."""
    poly = sp.Poly(sp.numer(sp.together(plane)), *x)
    a = [poly.coeff_monomial(v) for v in x]
    slopes = [sp.Add(*(a[i] * factor[i][k] for i in range(k, len(x)))) for k in range(len(x))]
    return slopes, poly.coeff_monomial(1)


def _cut(slopes: list[sp.Expr], offset: sp.Expr, k: int, z: list[sp.Symbol]) -> str:
    """The statement that adds the cut of a plane at level k, if the plane is constant along later coordinates."""
    rest = sp.Add(offset, *(s * v for s, v in zip(slopes[: k - 1], z, strict=False)))
    later = " and ".join(f"{code(s)} == 0.0" for s in slopes[k:] if s != 0) or "True"
    return text.CUT.format(slope=code(slopes[k - 1]), last=later, rest=code(rest), reach=REACH)


def _crossing(
    p: tuple[list[sp.Expr], sp.Expr], q: tuple[list[sp.Expr], sp.Expr]
) -> tuple[list[sp.Expr], sp.Expr] | None:
    """The form, constant along the last coordinate, that vanishes where two planes cross."""
    (a, b), (c, d) = p, q
    if a[-1] == 0 or c[-1] == 0:
        return None
    slopes = [s * c[-1] - t * a[-1] for s, t in zip(a[:-1], c[:-1], strict=True)]
    return [*slopes, sp.S.Zero], b * c[-1] - d * a[-1]


def _cholesky(size: int) -> str:
    """Statements for the lower-triangular root of the covariance; columns of zeros where it is singular."""
    lines = []
    for j in range(1, size + 1):
        left = "".join(f" - c{j}{k} * c{j}{k}" for k in range(1, j))
        lines.append(f"left = v{j}{j}{left}")
        lines.append(f"c{j}{j} = math.sqrt(left) if left > 4e-16 * v{j}{j} else 0.0")
        for i in range(j + 1, size + 1):
            done = "".join(f" - c{i}{k} * c{j}{k}" for k in range(1, j))
            lines.append(f"c{i}{j} = (v{j}{i}{done}) / c{j}{j} if c{j}{j} > 0.0 else 0.0")
    return "\n".join("    " + line for line in lines)
