"""Random points: inside the domain, spread to its edges, and the same every time."""

from __future__ import annotations

from random import Random

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from symhigh.ledger import Domain, domain
from symhigh.ledger.domain import _slack

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


@pytest.mark.parametrize("where", [
    sp.Interval.open(1, 3), sp.Interval.Lopen(1, 3), sp.Interval.Ropen(1, 3), sp.Interval.open(-2, sp.oo),
    sp.Interval(-2, sp.oo), sp.Interval.open(-sp.oo, 5), sp.Interval(-sp.oo, 5),
], ids=str)  # fmt: skip
def test_slack_variables_fill_their_interval(where):
    """As p runs over its own range, the symbol runs over the interval, and reaches no end that is open."""
    symbol = sp.Symbol("s", real=True)
    put = _slack(symbol, where)
    (p,) = put.free_symbols
    values = [put.subs(p, v) for v in (*([0] if p.is_zero is None else []), sp.Rational(1, 10**9), 1, 10**9)]
    assert all(where.contains(v) == sp.true for v in values)
    near = {e for e in (where.start, where.end) if any(abs(v - e) < 1e-6 for v in values)}
    far = {e for e in (where.start, where.end) if e.is_infinite and max(map(abs, values)) > 1e8}
    assert near | far == {where.start, where.end}


def test_intervals_that_one_slack_cannot_fill_are_left_alone():
    symbol = sp.Symbol("s", real=True)
    for where in (sp.Interval(0, 1), sp.Interval(-sp.oo, sp.oo), sp.S.Integers):
        assert _slack(symbol, where) == symbol


def test_floats_are_the_decimals_that_they_print_as() -> None:
    assert str(Domain({g: (0.1, 0.95)})) == "1/10 < g < 19/20"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, sp.Interval.open(-sp.oo, sp.oo)),
        ({"positive": True}, sp.Interval.open(0, sp.oo)),
        ({"nonnegative": True}, sp.Interval.open(0, sp.oo)),
        ({"negative": True}, sp.Interval.open(-sp.oo, 0)),
        ({"integer": True}, sp.Range(-30, 31)),
        ({"integer": True, "positive": True}, sp.Range(1, 31)),
        ({"integer": True, "nonnegative": True}, sp.Range(0, 31)),
        ({"integer": True, "nonpositive": True}, sp.Range(-30, 1)),
    ],
)
def test_assumptions_allow_a_range(given, expected) -> None:
    assert domain._allowed(sp.Symbol("s", **given)) == expected


@pytest.mark.parametrize(
    ("where", "low", "high", "near"),
    [
        (sp.Interval.open(2, 4), 2, 4, 1e-4),
        (sp.Interval(2, 4), 2, 4, 1e-4),
        (sp.Interval.open(2, sp.oo), 2, 2 + 9.99e6, 1e-4),
        (sp.Interval.open(-sp.oo, 2), 2 - 9.99e6, 2, 1e-4),
        (sp.Interval.open(-sp.oo, sp.oo), -9.99e6, 9.99e6, 1e-4),
    ],
)
def test_values_are_ordinary_first_then_near_ends_and_large(where, low, high, near) -> None:
    random = Random(3)
    plain = [float(domain._value(where, random, True)) for _ in range(300)]
    others = [domain._value(where, random, False) for _ in range(600)]
    bounded = where.start.is_finite and where.end.is_finite
    assert all(v.is_Rational for v in others)
    assert all(low <= v <= high for v in [*plain, *others])
    if bounded:
        assert max(plain) <= high - 0.002 + 1e-12
        assert min(plain) >= low + 0.002 - 1e-12
        assert all(min(abs(v - e) for v in plain) < 0.05 for e in (low, high))
        assert any(0 < v - low < near for v in others)
        assert any(0 < high - v < near for v in others)
        assert ((low in others) and (high in others)) is not where.left_open
        return
    begin = where.start if where.start.is_finite else where.end if where.end.is_finite else 0
    assert 0.01 <= min(abs(v - begin) for v in plain) < 0.2
    assert 9 < max(abs(v - begin) for v in plain) <= 9.99
    sizes = [float(abs(v - begin)) for v in others]
    assert min(sizes) < 1e-5
    assert max(sizes) > 1e6
    assert 0.4 < sum(0.01 <= s <= 9.99 for s in sizes) / 600 < 0.7
    if begin == 0:
        assert 100 < sum(v > 0 for v in plain) < 200


def test_values_of_finite_sets_are_theirs() -> None:
    assert {domain._value(sp.Range(1, 4), Random(k), True) for k in range(40)} == {1, 2, 3}
    with pytest.raises(TypeError, match=r"cannot draw from .*; use an Interval, a FiniteSet or a Range"):
        domain._value(sp.Union(sp.Interval(0, 1), sp.Interval(2, 3)), Random(1), True)


a, b, p = sp.Symbol("a"), sp.Symbol("b"), sp.Symbol("p", positive=True)


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda: Domain({3: (0, 1)}), TypeError, "Domain.3: .* a range belongs to a SymPy symbol"),
        (lambda: Domain({a: 3}), TypeError, "a range is a pair .low, high. or a SymPy set"),
        (lambda: Domain({a: (0, 1, 2)}), TypeError, "a range is a pair"),
        (lambda: Domain({a: (1, 1)}), ValueError, "the range is empty; low must be below high"),
        (lambda: Domain({p: (-1, 1)}), ValueError, "assumed nonnegative, its range is not"),
        (lambda: list(Domain({a: (0, b), b: (a, 1)}).points((), 1, 0)), ValueError, "the ranges of a, b refer to each"),
        (lambda: list(Domain({a: (0, 1)}).points([sp.Symbol("a", real=True)], 1, 0)), ValueError, "another symbol"),
        (lambda: list(Domain({a: (0, 1), b: (2, a)}).points((), 1, 0)), ValueError, "the range .* of b is empty at"),
        (lambda: list(Domain({a: (0, 1)}, sp.Gt(a, 2)).points((), 1, 0)), ValueError, "none with a > 2; narrow"),
    ],
)  # fmt: skip
def test_domains_that_are_none(make, kind, words) -> None:
    with pytest.raises(kind, match=words):
        make()


def test_symbols_with_an_assumption_and_no_range_are_told() -> None:
    assert Domain({p: (0, 1)}).assumed([p, a, sp.Symbol("q", positive=True)]) == ("a real", "0 < q")
    assert Domain({p: (0, 1)}).ranges[p] == sp.Interval.open(0, 1)
    assert Domain({a: (0.1, 0.3)}).ranges[a] == sp.Interval.open(sp.Rational(1, 10), sp.Rational(3, 10))
