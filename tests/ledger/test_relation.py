"""Relations at points: to how many digits they hold, what refutes them, what is shown; and the points of a seed."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import mpmath
import pytest
import sympy as sp

from symhigh.ledger import domain, numeric, relation, symbolic
from symhigh.ledger.equivalence import iff
from symhigh.ledger.evidence import Trial
from symhigh.ledger.judgement import Source, _freedom
from symhigh.ledger.relation import Relation, counterexample
from symhigh.ledger.verdict import Verdict

a, b = sp.symbols("a b", positive=True)
f, g = sp.Function("f"), sp.Function("g")
AT = {a: sp.Rational(3, 2), b: sp.Rational(1, 3)}
TINY = sp.Rational(1, 10**40)


@pytest.mark.parametrize(
    ("held", "digits"),
    [
        (Relation((a + b) ** 2, a**2 + 2 * a * b + b**2), 45.0),
        (Relation(a, a * (1 + TINY)), 40.0),
        (Relation(a, a * (1 + 1 / sp.Integer(10**29))), None),
        (Relation(a, a + sp.Rational(1, 10**9)), None),
        (Relation(a, a + 1, sp.Lt), mpmath.inf),
        (Relation(a, a + 1, sp.Le), mpmath.inf),
        (Relation(a, a + 1, sp.Gt), None),
        (Relation(a, a + 1, sp.Ge), None),
        (Relation(a + 1, a, sp.Gt), mpmath.inf),
        (Relation(a + 1, a, sp.Ne), mpmath.inf),
        (Relation(a * b, b * a, sp.Lt), None),
        (Relation(a * b, b * a, sp.Gt), None),
        (Relation(a * b, b * a, sp.Ne), None),
        (Relation(a * b, b * a, sp.Le), 30.0),
        (Relation(a * b, b * a, sp.Ge), 30.0),
        (Relation(sp.I * a, a, sp.Lt), None),
        (Relation(a, sp.I * a, sp.Gt), None),
        (Relation(sp.exp(-8000 * a) + 1, 1), 45.0),
        (Relation(sp.sqrt(a), sp.exp(sp.log(a) / 2)), 45.0),
    ],
    ids=str,
)
def test_to_how_many_digits_a_relation_holds(held: Relation, digits: float | None) -> None:
    found = held.agreement(AT, 30)
    assert found == digits if digits in (None, mpmath.inf) else found == pytest.approx(digits, abs=0.5)


def test_a_side_that_is_never_the_same_twice_is_an_error() -> None:
    random = Random(1)
    noisy = Relation(lambda x: x + mpmath.mpf(random.random()), a, arguments=(a,))
    with pytest.raises(ArithmeticError, match="the sides cannot be computed to 30 digits"):
        noisy.agreement(AT, 30)


@pytest.mark.parametrize(
    ("gap", "left", "right"),
    [(sp.Rational(1, 10**9), "1.5", "1.500000001"), (1, "1.5", "2.5"), (sp.Rational(1, 3), "1.5", "1.8333"),
     (0, "1.5", "1.5"), (sp.pi / 10**4, "1.5", "1.5003142")],
)  # fmt: skip
def test_a_counterexample_shows_where_the_sides_part(gap: sp.Expr, left: str, right: str) -> None:
    shown = counterexample(Relation(a, a + gap), {a: AT[a]}, 30)
    assert shown == (("a", "1.5"), ("left", left), ("right", right))
    assert counterexample(Relation(a / 3, a / 3), {a: sp.Integer(1)}, 30)[1:] == (
        ("left", "0.33333333"), ("right", "0.33333333")
    )  # fmt: skip
    assert counterexample(Relation(a, 0), {a: sp.Rational(1, 3)}, 30)[0] == ("a", "0.333333333333333")
    assert counterexample(Relation(a, 0), {a: sp.Integer(123456789012345678)}, 30)[0] == ("a", "123456789012345678")


def test_unknown_functions_have_a_quadratic_as_an_instance() -> None:
    found = Relation(f(a, b) + sp.Derivative(g(a), a), f(b, a)).instance
    assert found is not None
    assert sp.expand(found.left - (2 + 3 * a + a**2 + 4 * b + b**2 + 4 + 2 * a)) == 0
    assert sp.expand(found.right - (2 + 3 * b + b**2 + 4 * a + a**2)) == 0
    assert Relation(a, b).instance is None
    assert Relation(lambda x: x, b, arguments=(a,)).instance is None


def test_numbers_of_sixteen_digits_and_no_numbers_are_refused() -> None:
    for value, kind, words in ((0.5, TypeError, "16 digits"), (mpmath.inf, ValueError, "a side is"),
                               (mpmath.nan, ValueError, "restrict the domain")):  # fmt: skip
        with pytest.raises(kind, match=words):
            relation._number(value)
    assert relation._number(sp.Rational(1, 4)) == 0.25


POINTS = {
    "(2, 4)": sp.Interval.open(2, 4),
    "[2, 4]": sp.Interval(2, 4),
    "(2, oo)": sp.Interval.open(2, sp.oo),
    "(-oo, 2]": sp.Interval(-sp.oo, 2),
    "real": sp.Interval(-sp.oo, sp.oo),
}
DRAWN = {
    ("(2, 4)", True): "311/125 1607/500 779/250 567/250 1379/500 969/250",
    ("(2, 4)", False): "19999767/5000000 2491/625 2499999963/625000000 777/250 1000981/500000 20000127/10000000",
    ("[2, 4]", False): "50000359/25000000 1931/500 99999583/25000000 7997/2000 422/125 24949/6250",
    ("(2, oo)", True): "111/25 807/100 379/50 167/50 579/100 569/50",
    ("(2, oo)", False): "500061/250000 579/100 343/50 67/25 1131/100 100133/50000 735002 250061/125000 219/50",
    ("(-oo, 2]", False): "-5579998 39999881/20000000 199519/100000 -734998 -91/20 11/25 499981/250000 19019/10000",
    ("real", True): "-61/25 379/100 -641/100 -621/100 931/100 -133/50",
    ("real", False): "61/250000 -469/50 62100 56500 -407/100 119/50 -19/250000 -777/100 309/100 4850 81/20 247/25",
}


@pytest.mark.parametrize("key", DRAWN, ids=str)
def test_a_seed_has_the_points_that_it_always_had(key: tuple[str, bool]) -> None:
    """Ledgers name their seed, by which others find the same points."""
    random, expected = Random(3), DRAWN[key].split()
    assert [str(domain._value(POINTS[key[0]], random, key[1])) for _ in expected] == expected


def test_freedom_is_that_of_the_companions_variances() -> None:
    class Runs:
        def __init__(self, count: int) -> None:
            self.seeds = tuple(range(count))

    companions = [Runs(5), Runs(8)]
    assert _freedom(companions, Source("companions")) == 4 + 7  # type: ignore[arg-type]
    assert _freedom(companions, Source("theory", covariance={})) == float("inf")  # type: ignore[arg-type]



def test_equivalences_are_looked_at_on_both_sides_of_every_crossing() -> None:
    """``a < 1`` and ``2a < 2`` at thirty points; beside the boundary there are two more for each change of side."""
    here = domain.Domain({a: sp.Interval.open(0, 3)})
    below = [point[a] < 1 for point in here.points([a], 30, 3)]
    changes = sum(one != other for one, other in pairwise(below))
    assert changes > 5
    found = iff(sp.StrictLessThan(a, 1), sp.StrictLessThan(2 * a, 2)).watch(here, 3)
    assert found.detail == f"30 points, and {2 * changes} within 1/1000 of the boundary"
    near = iff(sp.StrictLessThan(a, 1), sp.StrictLessThan(a, sp.Rational(3, 2))).watch(here, 3)
    assert near.verdict is Verdict.REFUTED
    assert near.counterexample[1:] in ((("left", "False"), ("right", "True")), (("left", "True"), ("right", "False")))
    apart = iff(sp.StrictLessThan(a, 4), sp.StrictLessThan(a, 5)).watch(here, 3)
    assert apart.detail.startswith("not tested: both held at all 30 points; widen the domain")


def test_equivalences_whose_boundary_is_left_out_are_not_tested() -> None:
    """Also where both sides of it are reached."""
    same = iff(sp.StrictLessThan(a, 1), sp.StrictLessThan(2 * a, 2))
    narrow, wide = (domain.Domain({a: (0, 3)}, (sp.Abs(a - 1) > gap,)) for gap in (sp.Rational(1, 10**5), 0.02))
    assert same.settle(narrow, 3).verdict is Verdict.PROVED
    found = same.settle(wide, 3)
    assert found.verdict is Verdict.FAILED
    assert found.detail.startswith("not tested: Abs(a - 1) > 0.02 leaves the boundary out; widen the domain")


def test_equivalences_without_a_proof() -> None:
    """Equal gaps do not prove that a strict order is one that is not; a gap without an order does not hold."""
    here = domain.Domain({a: (0, 3)})
    assert iff(sp.StrictLessThan(a, 1), sp.LessThan(a, 1)).settle(here, 3).verdict is Verdict.VERIFIED
    root = iff(sp.StrictLessThan(sp.sqrt(a - 1), 1), sp.StrictLessThan(a, 2)).settle(here, 3)
    assert root.verdict is Verdict.REFUTED
    assert root.counterexample[1:] == (("left", "False"), ("right", "True"))
    assert sp.Rational(root.counterexample[0][1]) < 1
    with pytest.raises(TypeError, match=r"iff\(Eq\(a, 1\)\): give an order such as symhigh.ledger.less"):
        iff(sp.Eq(a, 1), sp.StrictLessThan(a, 1))


@pytest.mark.parametrize(("quick", "points"), [(True, 10), (False, 30)])
def test_at_how_many_points_evidence_looks(quick: bool, points: int) -> None:
    """Quick mode takes fewer, and never more than were asked for."""
    trial = Trial(domain.Domain({a: (1, 2)}), quick, 0)
    assert numeric(sp.sin(2 * a), 2 * sp.sin(a) * sp.cos(a)).examine(trial).detail.startswith(f"{points} points")
    few = numeric(sp.sin(2 * a), 2 * sp.sin(a) * sp.cos(a), points=3).examine(trial)
    assert few.detail.startswith("3 points")
    proved = symbolic((a + 1) ** 2, a**2 + 2 * a + 1).examine(trial)
    assert f"also at {5 if quick else symbolic(a, a).points} points" in proved.detail


@pytest.mark.parametrize(
    ("sides", "asked"), [((a + 1, 1 + a), [7]), ((sp.sqrt(8), 2 * sp.sqrt(2)), [1]), ((sp.Integer(1), a), [7])]
)
def test_numbers_are_compared_once_and_functions_at_as_many_points_as_asked_for(
    sides: tuple[sp.Expr, sp.Expr], asked: list[int]
) -> None:
    counts: list[int] = []

    class Counted(domain.Domain):
        """A domain that tells how many points it is asked for."""

        def points(self, variables: Any, count: int, seed: int) -> Any:
            counts.append(count)
            return super().points(variables, count, seed)

    found = relation.check_at_points([Relation(*sides)], Counted({}), 7, 20, 0)
    assert counts == asked
    assert (found.verdict is Verdict.VERIFIED) == (sides[0] != 1)
