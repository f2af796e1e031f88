"""Parts of closed forms on inputs made by hand: brackets of roots, averages, conservation laws, power laws."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import mpmath
import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.brackets import bracketed_root
from symhigh.closed.conserved import ConservationLaw
from symhigh.closed.nodes import MU, Average, Choice, Root
from symhigh.closed.power_law import CLOCK, PowerLaw, _exponent, laplace_tail, power_law
from symhigh.symbols import gamma, lam

a = sp.Symbol("a", positive=True)
mpf = mpmath.mpf


# --- roots --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("function", "lower", "upper", "root"),
    [
        (lambda s: s**2 - 2, 0, 2, mpmath.sqrt(2)),
        (lambda s: 2 - s**2, 0, 2, mpmath.sqrt(2)),
        (lambda s: s - mpf(1) / 3, 0, mpmath.inf, mpf(1) / 3),
        (lambda s: s - 1000, 0, mpmath.inf, mpf(1000)),
        (lambda s: s**9 - 7, 0, mpmath.inf, mpf(7) ** (mpf(1) / 9)),
        (lambda s: 1 / s - 3, 0, 1, mpf(1) / 3),
        (lambda s: 1 / (1 - s) - 1000, 0, 1, mpf(999) / 1000),
        (lambda s: mpmath.tan(s) - 5, 0, mpmath.pi / 2, mpmath.atan(5)),
        (lambda s: s - mpf(1) / 2, 0, 1, mpf(1) / 2),
        (lambda s: mpmath.exp(40 * s) - mpmath.exp(10), 0, 1, mpf(1) / 4),
    ],
)
def test_roots_are_closed_to_the_working_precision(function: Any, lower: Any, upper: Any, root: Any) -> None:
    with mpmath.workdps(40):
        calls = []

        def counted(s: Any) -> Any:
            calls.append(s)
            return function(s)

        found = bracketed_root(counted, mpf(lower), mpf(upper))
        assert abs(function(found)) < mpf(10) ** -25 * max(1, abs(function(found * (1 + mpf(10) ** -6))) * 10**6)
        assert found == pytest.approx(float(root), rel=1e-12)
        assert all(lower < s < upper for s in calls)
        assert len(calls) < 400


def test_intervals_without_a_root_are_refused() -> None:
    for function, words in (
        (lambda s: s + 1, r"no sign change in \(0.0, 1.0\): there is no such root"),
        (lambda s: 1 / (s - mpf("0.3")), "the sign changes at a pole near 0.3: there is no such root"),
    ):
        with mpmath.workdps(20), pytest.raises(ValueError, match=words):
            bracketed_root(function, mpf(0), mpf(1))


def test_a_root_and_an_average_are_what_they_say() -> None:
    root = Root(sp.Symbol("s") ** 2 - a, sp.Symbol("s"), 0, sp.oo)
    assert root.free_symbols == {a}
    assert float(root.subs(a, 9).evalf()) == pytest.approx(3)
    average = Average(a * lam**2, MU)
    assert average.free_symbols == {a, MU}
    assert sp.latex(average) == r"\int a \lambda^{2}\, d\mu(\lambda)"
    assert str(average) == "Average(a*lambda**2, mu)"
    assert sp.diff(average, a) == Average(lam**2, MU)
    two = Average(a * lam**2, sp.Tuple(sp.Tuple(1, sp.Float(2.5)), sp.Tuple(sp.Rational(1, 2), sp.Rational(1, 2))))
    for held in (average, two):
        assert sp.simplify(held + a - a) == held
        assert held.xreplace({a: sp.Integer(3)}) == Average(3 * lam**2, held.measure)
        assert held.xreplace({held: a, a: sp.Integer(3)}) == a
    assert two.xreplace({sp.Float(2.5): sp.Integer(2)}).measure == sp.Tuple(sp.Tuple(1, 2), two.measure.args[1])


def test_a_bracket_from_double_precision() -> None:
    """1e-9 to either side of the root of an average, and none where there is no double or it does not prove good."""
    x = sp.Symbol("x", positive=True)
    measure = sp.Tuple(sp.Tuple(1, 2), sp.Tuple(sp.Rational(1, 4), sp.Rational(3, 4)))
    root = Root(Average(lam / (2 * lam - x), measure) - 3, x, 0, 2)
    with mpmath.workdps(40):
        exact = bracketed_root(lambda s: 1 / (4 * (2 - s)) + mpf(3) / 2 / (4 - s) - 3, mpf(0), mpf(2))

        def above(s: Any) -> Any:
            return s - exact

        for function in (above, lambda s: exact - s):
            low, high = root._near(function, [mpf(0), mpf(2)])  # type: ignore[misc]
            assert low < exact < high
            assert (high - low) / exact == pytest.approx(2e-9, rel=1e-6)
            assert (exact - low) / exact == pytest.approx(1e-9, rel=0.1)
        assert root._near(lambda s: s + 1, [mpf(0), mpf(2)]) is None
        assert root._near(lambda s: -s - 1, [mpf(0), mpf(2)]) is None
        assert root._near(above, [mpf(0), exact * (1 + mpf(10) ** -10)]) is None
        assert root._near(above, [exact * (1 - mpf(10) ** -10), mpf(2)]) is None
        low, high = Root(x**2 - 2, x, 0, sp.oo)._near(lambda s: s**2 - 2, [mpf(0), mpmath.inf])  # type: ignore[misc]
        assert low < mpmath.sqrt(2) < high < 1.001 * low
        large = Root(sp.exp(1000 * x) - sp.exp(3000), x, 0, 9)  # no double holds e^1000
        assert large._near(lambda s: s - 3, [mpf(0), mpf(9)]) is None
        assert abs(large.evalf(30) - 3) < sp.Float(10) ** -28


def test_roots_of_many_modes_are_closed_in_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    from symhigh.closed import nodes

    x, calls, plain = sp.Symbol("x", positive=True), [], nodes.numeric
    values = [sp.Rational(k, 7) for k in range(7, 60)]
    measure = sp.Tuple(sp.Tuple(*values), sp.Tuple(*[sp.Rational(1, 53)] * 53))
    root = Root(Average(lam / (2 * lam - x), measure) - 1, x, 0, 2)

    def counted(expr: sp.Expr, arguments: tuple[sp.Symbol, ...]) -> Any:
        function = plain(expr, arguments)
        return lambda *at: (calls.append(at), function(*at))[1]

    monkeypatch.setattr(nodes, "numeric", counted)
    found = root.evalf(50)
    assert len(calls) < 30
    monkeypatch.setattr(nodes, "numeric", plain)
    with mpmath.workdps(60):
        s = mpf(str(found))
        mean = mpmath.fsum(v / (2 * v - s) for v in (mpf(k) / 7 for k in range(7, 60))) / 53
        assert abs(mean - 1) < mpf(10) ** -45


def test_cases_are_decided_where_they_are_numbers() -> None:
    tests = (1, 0, -1, sp.Float("1e-24", 30), sp.Float("1e-26", 30))
    assert [Choice(sp.sympify(v), 2, 7) for v in tests] == [2, 7, 7, 2, 7]
    assert str(Choice(a - 1, 2, 7)) == "(2 where a - 1 > 0, else 7)"
    assert sp.latex(Choice(a - 1, 2, 7)) == (
        r"\begin{cases} 2 & a - 1 > 0 \\ 7 & \text{otherwise} \end{cases}"
    )


# --- conservation laws --------------------------------------------------------------------------------------
def test_the_rate_at_which_a_moment_turns() -> None:
    law = ConservationLaw(sp.Symbol("m"), a / gamma + gamma, sp.Integer(1))
    assert law.turning_point**2 == a or sp.simplify(law.turning_point - sp.sqrt(a)) == 0
    assert ConservationLaw(sp.Symbol("m"), gamma**2 - 2 * a * gamma, sp.Integer(1)).turning_point == a
    for potential, count in ((a * gamma, 0), (sp.expand((gamma - 1) ** 2 * (gamma - 3) ** 2), 3)):
        with pytest.raises(ValueError, match=f"has {count} turning points"):
            _ = ConservationLaw(sp.Symbol("m"), potential, sp.Integer(1)).turning_point


# --- power laws ---------------------------------------------------------------------------------------------
def test_tails_are_watsons() -> None:
    """∫ c λ^q e^(-pλu) dλ over (0, 1) against its leading term, at a large u."""
    found = laplace_tail(3 * lam**2 * sp.exp(-2 * a * lam * CLOCK), lam ** sp.Rational(-1, 2))
    at = found.subs({a: sp.Rational(7, 10), CLOCK: 60})
    exact = mpmath.quad(lambda x: 3 * x**1.5 * mpmath.exp(-1.4 * 60 * x), [0, 0.05, 0.2, 1])
    assert float(at) == pytest.approx(float(exact), rel=1e-10)
    with pytest.raises(ValueError, match=r"laplace_tail: .* is not c λ"):
        laplace_tail((1 + lam) * sp.exp(-lam * CLOCK), sp.S.One)


def test_exponents_are_simple_fractions_where_they_are() -> None:
    assert _exponent(1 / 3) == sp.Rational(1, 3)
    assert _exponent(0.2) == sp.Rational(1, 5)
    assert isinstance(_exponent(0.123456789), sp.Float)
    assert float(_exponent(2**0.5)) == 2**0.5


SYSTEM: Any = SimpleNamespace()


@pytest.mark.parametrize(
    ("beta", "delta", "words"),
    [
        (sp.S.One, sp.S.Zero, "needs beta < 1, delta >= 0 and 0 <= beta"),
        (sp.Rational(1, 2), sp.Integer(-1), "needs beta < 1, delta >= 0"),
        (sp.Rational(1, 2), sp.Rational(3, 2), r"beta \+ delta < 2"),
        (sp.Integer(-1), sp.Rational(1, 2), r"0 <= beta \+ delta"),
        (sp.Rational(1, 2), sp.Symbol("delta", nonnegative=True), r"the sign of beta \+ delta - 1 is open"),
    ],
    ids=str,
)  # fmt: skip
def test_exponents_outside_are_refused(beta: sp.Expr, delta: sp.Expr, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        PowerLaw(SYSTEM, beta, delta)


def test_a_power_law_is_read_off_spectrum_and_start() -> None:
    from symhigh.closed.linear import linear_limit

    limit = linear_limit(sh.derive(sh.least_squares(), sh.Constant(sp.Rational(1, 2))))
    found = power_law(limit, sh.Spectrum.power_law(0.2), sh.Start.power_law(0.4))
    assert found is not None
    assert (found.beta, found.delta, found.s, found.excess) == (
        sp.Rational(1, 5), sp.Rational(2, 5), sp.Rational(3, 5), -sp.Rational(2, 5)
    )  # fmt: skip
    spread = power_law(limit, sh.Spectrum.power_law(0.2), sh.Start(0.5, 1, 0.25))
    assert spread is not None
    assert (spread.delta, spread.size) == (0, 1)
    assert power_law(limit, sh.Spectrum.isotropic(), None) is None
    assert power_law(limit, None, None) is None
    assert power_law(limit, sh.Spectrum.marchenko_pastur(0.5), None) is None
    assert power_law(limit, sh.Spectrum.from_histogram([0, 1, 3], [2, 1]), None) is None
