"""Parts of nested rules: the order of integration, where planes cross, roots of covariances as statements."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp

from symhigh.codegen import nested
from symhigh.symbols import x, x_star

y = x_star
z = sp.Symbol("z", real=True)


@pytest.mark.parametrize(
    ("expr", "last"),
    [
        (sp.Heaviside(x - y**2), x), (sp.Heaviside(y - x**2), y), (sp.Abs(x * y - 1), y),
        (sp.Heaviside(x**3 - y**2) * sp.Heaviside(x - y**2 - 1), y), (sp.Heaviside(x**2 - y**3) * sp.Abs(x**2 - y), x),
        (sp.Heaviside(x - y), y), (sp.Heaviside(x - sp.cos(y)), x), (sp.Heaviside(y - sp.exp(x)), y),
    ],
    ids=str,
)  # fmt: skip
def test_the_last_variable_crosses_boundaries_least_often(expr: sp.Expr, last: sp.Symbol) -> None:
    order = nested._order_of_integration(expr, [x, y])
    assert order[-1] == last
    assert set(order) == {x, y}


def test_planes_cross_on_a_line_that_the_last_coordinate_leaves_alone() -> None:
    p, q = ((1, 2, 3), 4), ((5, -6, 7), -8)
    found = nested._crossing(*(((*map(sp.Integer, s),), sp.Integer(o)) for s, o in (p, q)))
    assert found is not None
    slopes, offset = found
    assert slopes[-1] == 0
    rng = np.random.default_rng(1)
    for _ in range(5):  # a point on both planes
        first = rng.normal()
        A = np.array([p[0][1:], q[0][1:]], float)
        rest = np.linalg.solve(A, [-p[1] - p[0][0] * first, -q[1] - q[0][0] * first])
        assert float(offset + slopes[0] * first + slopes[1] * rest[0]) == pytest.approx(0, abs=1e-9)
    parallel = ((sp.S.One, sp.S.Zero), sp.S.One)
    assert nested._crossing(parallel, ((sp.S.One, sp.S.One), sp.S.Zero)) is None
    assert nested._crossing(((sp.S.One, sp.S.One), sp.S.Zero), parallel) is None


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("rank", [1, 2, 4])
def test_the_root_of_a_covariance_is_computed_entry_by_entry(size: int, rank: int) -> None:
    root = np.random.default_rng(size).normal(size=(size, min(rank, size)))
    cov = root @ root.T
    values: dict[str, float] = {f"v{i + 1}{j + 1}": cov[i, j] for i in range(size) for j in range(i, size)}
    lines = "\n".join(line.strip() for line in nested._cholesky(size).splitlines())
    exec(compile(lines, "cholesky", "exec"), {"math": math}, values)
    factor = np.array([[values[f"c{i + 1}{j + 1}"] if j <= i else 0.0 for j in range(size)] for i in range(size)])
    if rank >= size:
        np.testing.assert_allclose(factor, np.linalg.cholesky(cov), atol=1e-12)
    np.testing.assert_allclose(factor @ factor.T, cov, atol=1e-7)


def test_powers_of_what_moves_are_real_or_nothing() -> None:
    moving = frozenset({x})
    for expr, name in ((sp.sqrt(x - 1), "safe_sqrt"), (1 / sp.sqrt(x - 1), "safe_over_sqrt"),
                       ((x - 1) ** sp.Rational(1, 3), "safe_power")):  # fmt: skip
        assert [f.func.__name__ for f in nested._real(expr, moving).atoms(sp.core.function.AppliedUndef)] == [name]
    for expr in (sp.sqrt(z - 1), sp.sqrt(1 + x**2), (x - 1) ** 3, sp.exp(x)):
        assert nested._real(expr, moving) == expr
    assert (nested._real((x - 1) ** sp.Rational(3, 2), moving)).as_base_exp()[1] == 3


def test_planes_cross_where_the_last_coordinate_is_eliminated() -> None:
    p, q = (tuple(map(sp.Integer, some)) for some in ((2, 3, 5), (7, 11, 13)))
    assert nested._crossing((p, sp.Integer(17)), (q, sp.Integer(19))) == ((-9, -16, 0), 17 * 13 - 19 * 5)
