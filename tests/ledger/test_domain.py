"""Random points: inside the domain, spread to its edges, and the same every time."""

from __future__ import annotations

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from symhigh.ledger import Domain

g, k = sp.symbols("g k", positive=True)
u = sp.Symbol("u", real=True)
n = sp.Symbol("n", integer=True, positive=True)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_points_satisfy_ranges_conditions_and_assumptions(seed):
    domain = Domain({g: (0, 2 / k), k: sp.Interval(1, 3), u: (-sp.oo, 1)}, where=(g * k > u, g < 1))
    for point in domain.points([n], 5, seed):
        assert set(point) == {g, k, u, n}
        assert list(point)[:3] == [g, k, u]
        assert 0 < point[g] < min(1, 2 / point[k])
        assert 1 <= point[k] <= 3
        assert point[u] < 1
        assert point[g] * point[k] > point[u]
        assert point[n].is_integer
        assert point[n] > 0


def test_edges_are_visited():
    points = list(Domain({g: sp.Interval.Lopen(0, 1), k: (0, sp.oo)}).points([], 200, 0))
    assert min(p[g] for p in points) < 1e-5
    assert any(1 - 1e-4 < p[g] < 1 for p in points)
    assert any(p[g] == 1 for p in points)
    assert min(p[k] for p in points) < 1e-4
    assert max(p[k] for p in points) > 1e4
    assert sum(bool(0.01 < p[k] < 10) for p in points) > 60


def test_same_seed_same_points():
    domain = Domain({g: (0, 1)})
    assert list(domain.points([u], 10, 3)) == list(domain.points([u], 10, 3))
    assert list(domain.points([u], 10, 3)) != list(domain.points([u], 10, 4))


def test_impossible_domains_say_so():
    with pytest.raises(ValueError, match="narrow the ranges"):
        next(Domain({g: (0, 1)}, where=(g > 2,)).points([], 1, 0))
    with pytest.raises(ValueError, match="refer to each other"):
        next(Domain({g: (0, k), k: (0, g)}).points([], 1, 0))


@pytest.mark.parametrize(
    "range_",
    [
        (0, 3),
        (0, sp.oo),
        sp.Interval(1, 2, True, False),
        sp.Interval(1, 2, False, True),
        sp.Interval.open(0, 2 / k),
    ],
)
def test_slack_variables_cover_exactly_the_range(range_):
    """Positive slack maps into the range, and near its ends."""
    domain = Domain({g: range_, k: (sp.Rational(1, 2), 1)})
    written = domain.slack(g)
    where = domain.ranges[g]
    for size in (sp.Rational(1, 10**6), sp.S.One, sp.Integer(10) ** 6):
        value = written.subs(dict.fromkeys(written.free_symbols, size))
        high = where.end.subs(k, 1)  # the range of g may depend on k, which is below 1
        assert where.start <= value
        assert high == sp.oo or value <= 2 * high
    ends = [
        written.subs(dict.fromkeys(written.free_symbols, 0)),
        *(sp.limit(written, s, sp.oo) for s in written.free_symbols),
    ]
    assert where.start in ends or where.end in ends


def test_text_reads_as_mathematics():
    assert (
        str(Domain({g: (0, 2), k: sp.Interval(0, 1), u: (-sp.oo, sp.oo)})) == "0 < g < 2, 0 ≤ k ≤ 1, u real"
    )


def test_floats_are_the_decimals_that_they_print_as() -> None:
    assert str(Domain({g: (0.1, 0.95)})) == "1/10 < g < 19/20"
