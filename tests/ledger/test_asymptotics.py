"""Ratios along sequences towards an end: what is verified, refuted and left open, and where the sequences run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import mpmath
import pytest
import sympy as sp

from symhigh.ledger import asymptotic
from symhigh.ledger.asymptotics import Asymptotic, Bounded, _limit, _towards
from symhigh.ledger.domain import Domain
from symhigh.ledger.verdict import Proof, Verdict

a, x = sp.symbols("a x", positive=True)
NOWHERE = Domain({})


def watched(*sequences: list[float | str]) -> Any:
    """The verdict on ratios given, one sequence a setting."""
    found = [({a: sp.Integer(k)}, [mpmath.mpf(v) for v in values]) for k, values in enumerate(sequences)]
    stub: Any = SimpleNamespace(_sequences=lambda domain, seed, count: iter(found))
    return Asymptotic.watch(stub, NOWHERE, 0, len(sequences))


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([1.5, 1.2, 1.1, 1.05, 1.0099], Verdict.VERIFIED),
        ([1.5, 1.2, 1.1, 1.05, 1.0101], Verdict.FAILED),
        ([0.5, 0.8, 0.9, 0.95, 0.9901], Verdict.VERIFIED),
        ([1, 1, 1, 1, 1 + 0.9e-8], Verdict.VERIFIED),
        ([1, 1, 1, 1, 1 + 1.2e-8], Verdict.FAILED),
        ([1.001, 1.002, 1.003, 1.004, 1.005], Verdict.REFUTED),
        ([2, 2, 2, 2, 2], Verdict.REFUTED),
        ([3, 2.5, 2.2, 2.02, 2.0], Verdict.REFUTED),
        ([3, 2.5, 2.2, 2.1, 2.0], Verdict.FAILED),
        ([1.1, 1.2, 1.3, 1.5, 2.0], Verdict.REFUTED),
        ([9, 9, 1.4, 1.3, 1.5], Verdict.FAILED),
        ([1.1, 1.6, 1.3, 1.5, 2.0], Verdict.REFUTED),
        ([5, 4, 0, 0, 0], Verdict.FAILED),
    ],
    ids=str,
)
def test_what_ratios_say(values: list[float | str], verdict: Verdict) -> None:
    assert watched(values).verdict is verdict


def test_what_is_said_of_ratios() -> None:
    good = ["1.5", "1.2", "1.1", "1.05", "1.001"]
    found = watched(good, ["1.5", "1.2", "1.1", "1.05", "1.005"], good)
    assert found.detail == "ratios to within 0.005 of 1 at 3 settings"
    found = watched(good, ["1.1", "1.2", "1.3", "1.5", "2.5"])
    assert found.verdict is Verdict.REFUTED
    assert found.counterexample == (("a", "1"), ("ratio", "2.5"))
    assert watched(good, ["3", "2.5", "2.2", "2.1", "2"]).detail == (
        "not decided: at a = 1 the ratio is 2.0 and still moves"
    )


@pytest.mark.parametrize(("end", "side"), [(sp.oo, "+"), (sp.Integer(2), "+"), (sp.Integer(2), "-"), (-sp.oo, "+")])
def test_sequences_run_to_the_end_from_their_side(end: sp.Expr, side: str) -> None:
    v = sp.Symbol("v", real=True)
    statement = asymptotic(a * (v - 3), a + v, v, end, side=side)
    domain = Domain({a: sp.Interval(1, 2), v: sp.Interval(5, 6)}, (a > sp.Rational(3, 2), v > 5))
    found = list(statement._sequences(domain, 3, 4))
    assert len(found) == 4
    for point, values in found:
        assert set(point) == {a}
        assert 1.5 < point[a] <= 2
        for n, value in zip((4, 8, 16, 32, 64), values, strict=True):
            big = sp.Integer(10) ** n
            at = {sp.oo: big, -sp.oo: -big}.get(end, end + (1 if side == "+" else -1) / big)
            exact = (a * (v - 3) / (a + v)).xreplace({**point, v: at})
            assert abs(value - mpmath.mpf(exact.p) / exact.q) < mpmath.mpf(10) ** -14
            assert _towards(end, side, n) == at
    assert [p for p, _ in statement._sequences(domain, 3, 2)] == [p for p, _ in found[:2]]


def test_limits_that_are_found_and_not() -> None:
    assert _limit((1 + a / x) ** x, x, sp.oo, "+") == sp.exp(a)
    assert _limit(sp.sin(x), x, sp.oo, "+") is None
    assert _limit(sp.Function("f")(x) / x, x, sp.oo, "+") is None


@pytest.mark.parametrize(
    ("right", "order", "verdict"),
    [
        (1 + x, sp.O(x**2), Verdict.PROVED), (1 + x + x**2 / 2, sp.O(x**3), Verdict.PROVED),
        (1 + x, sp.O(x**3), Verdict.REFUTED), (1 + 2 * x, sp.O(x**2), Verdict.REFUTED),
        (1 + x + sp.Function("f")(x), sp.O(x**2), Verdict.FAILED),
    ],
)  # fmt: skip
def test_remainders(right: sp.Expr, order: sp.Order, verdict: Verdict) -> None:
    statement = Bounded.of(sp.exp(x), right, [order])
    found = statement.settle(NOWHERE, 0)
    assert found.verdict is verdict
    assert (found.proof is Proof.ASYMPTOTICS) == (verdict is Verdict.PROVED)
    assert (statement.variable, statement.end, statement.sides) == (x, 0, (sp.exp(x), right))


def test_order_symbols_that_are_not_tested() -> None:
    for orders in ([sp.O(x), sp.O(x**2)], [sp.O(x * a, (x, 0), (a, 0))]):
        with pytest.raises(ValueError, match="one order symbol, in one variable, can be tested"):
            Bounded.of(sp.exp(x), 1 + x, orders)
