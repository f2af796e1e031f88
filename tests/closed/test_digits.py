"""Every node of a closed form gives the digits that it is asked for, whatever precision mpmath works at."""

import mpmath
import pytest
import sympy as sp

from symhigh.closed.approach import RHO, SlowestRoot
from symhigh.closed.at_rest import AtRest, DecayAtRest, EigenvalueAtRest, GrowthAtRest
from symhigh.closed.entrywise import Bickley
from symhigh.closed.marchenko_pastur import ANGLE, HalfTurn
from symhigh.closed.nodes import Average, Root
from symhigh.closed.slowest import SlowestMode
from symhigh.closed.spectral import CriticalRate, SlowestDecay
from symhigh.closed.volterra import RootSum
from symhigh.symbols import gamma, lam

R = sp.Rational
u, v, z = sp.symbols("u v z", real=True)
a = sp.Symbol("a", positive=True)
MEASURE = sp.Tuple(sp.Tuple(R(3, 2), R(1, 3)), sp.Tuple(R(1, 4), R(3, 4)))
FLOW = (u, v), ((gamma, R(3, 10)),), (1 - u + gamma * u * v, 2 - 3 * v + gamma * u**2), (sp.S.One, R(2, 3))
MATRIX = sp.Matrix([[-2, 1, 0], [0, -3, 1], [R(1, 2), 0, -1]])
NODES = [
    Average(sp.sqrt(lam), MEASURE),
    Root(z**3 - 2, z, 0, sp.oo),
    Root(Average(lam / (1 + z * lam), MEASURE) - R(1, 3), z, 0, 9),
    RootSum(sp.exp(-z), z**2 - 3 * z + 1, z, sp.Tuple(0, 1, 3)),
    SlowestRoot(lam**2 / (2 * lam - RHO), R(1, 2), MEASURE),
    SlowestRoot(-lam / (RHO**2 - 2 * RHO + 4), R(1, 2), MEASURE, True),
    SlowestMode(R(1, 2), R(7, 10), 2, 1, MEASURE),
    SlowestDecay(MATRIX),
    CriticalRate(MATRIX, sp.Matrix([[1, 2, 0], [R(1, 2), 1, 1], [3, 0, 1]])),
    HalfTurn(1 / (3 + sp.cos(ANGLE))),
    Bickley(R(2, 3), R(7, 5)),
    AtRest(u, *FLOW),
    DecayAtRest(u, *FLOW),
    EigenvalueAtRest(u, *FLOW, sp.Tuple(), sp.S.One),
    GrowthAtRest(u, *FLOW, sp.Tuple(), sp.ImmutableMatrix([[1, 0], [0, 1]])),
]


@pytest.mark.parametrize("node", NODES, ids=lambda node: type(node).__name__)
def test_digits_are_those_asked_for(node: sp.Expr) -> None:
    exact = node.evalf(70)
    for working, digits in ((15, 15), (15, 40), (60, 25), (10, 50), (15, 18), (15, 37)):
        with mpmath.workdps(working):
            found = sp.Rational(node.evalf(digits))
        assert abs(found - sp.Rational(exact)) < abs(sp.Rational(exact)) * sp.Rational(1, 10) ** (digits - 1)
    assert not exact.equals(node.evalf(15))


@pytest.mark.parametrize(
    "node",
    [
        Root(z**3 - a, z, 0, sp.oo),
        RootSum(sp.exp(-z), z**2 - 3 * z + a, z, sp.Tuple(0, 1, 3)),
        SlowestMode(R(1, 2), R(7, 10), a, 1, MEASURE),
        CriticalRate(MATRIX, a * sp.Matrix([[1, 2, 0], [R(1, 2), 1, 1], [3, 0, 1]])),
        SlowestDecay(MATRIX - a * sp.eye(3)),
        HalfTurn(1 / (a + sp.cos(ANGLE))),
    ],
    ids=lambda node: type(node).__name__,
)
def test_open_symbols_wait_for_their_numbers(node: sp.Expr) -> None:
    """``evalf`` leaves a node that holds a symbol as it is, and a sum of such, to be evaluated later."""
    assert node.free_symbols == {a}
    assert node.evalf(20) == node
    value = R(4, 3)
    assert (2 * node).evalf(20).xreplace({a: value}).evalf(30) == (2 * node.xreplace({a: value})).evalf(30)
    assert node.xreplace({a: value}).evalf(30).is_Float


def test_a_sum_over_roots_differentiates_in_what_the_roots_do_not_depend_on() -> None:
    both = RootSum(sp.exp(-z * u), z**2 - a * z + 1, z, sp.Tuple(0, 1, 3))
    at = {a: 3, u: R(1, 2)}
    low, high = ((3 - sp.sqrt(5)) / 2, (3 + sp.sqrt(5)) / 2)
    slope = -low * sp.exp(-low / 2) - high * sp.exp(-high / 2)
    assert abs(sp.diff(both, u).xreplace(at).evalf(30) - slope.evalf(35)) < sp.Float(10, 40) ** -28
    with pytest.raises(ValueError, match="RootSum: no derivative by a, on which the roots depend"):
        sp.diff(both, a)


def test_values_are_those_of_closed_forms() -> None:
    for node, value in (
        (NODES[0], (sp.sqrt(R(3, 2)) / 4 + sp.sqrt(R(1, 3)) * R(3, 4))),
        (NODES[1], sp.cbrt(2)),
        (NODES[3], sp.exp(-(3 + sp.sqrt(5)) / 2) + sp.exp(-(3 - sp.sqrt(5)) / 2)),
        (NODES[9], 1 / sp.sqrt(8)),
    ):
        assert abs(node.evalf(40) - value.evalf(45)) < sp.Float(10, 50) ** -38
