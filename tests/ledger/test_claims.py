"""Claims: how evidence decides, what an error becomes, and that everything is reproducible."""

from __future__ import annotations

import itertools
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy as sp

from symhigh.clock import OutOfTime, time_limit
from symhigh.ledger import (
    CONSISTENT,
    PROVED,
    REFUTED,
    VERIFIED,
    Claim,
    Domain,
    ErrorSlope,
    Verdict,
    greater,
    integrated,
    numeric,
    simulation,
    symbolic,
)
from symhigh.ledger.load import loaded

a, b, c = sp.symbols("a b c", positive=True)
u, v = sp.symbols("u v", real=True)
t = sp.Symbol("t", nonnegative=True)
r = sp.Function("r")
SQUARE = symbolic((a + b) ** 2, a**2 + 2 * a * b + b**2)


def examine(*evidence, **options):
    return Claim(options.pop("name", "test"), evidence=evidence, **options).examine()


TRUE = [
    sp.Eq(sp.sqrt(a**2 * b), a * sp.sqrt(b), evaluate=False),
    (u + v) ** 3 - u**3 - 3 * u**2 * v - 3 * u * v**2 - v**3,
    sp.log(a * b / c) - sp.log(a) - sp.log(b) + sp.log(c),
    sp.Eq(sp.Derivative(t * r(t), t), r(t) + t * r(t).diff(t), evaluate=False),
    sp.Integral(sp.exp(-a * t), (t, 0, sp.oo)) - 1 / a,
    sp.Eq(sp.sin(u + v), sp.sin(u) * sp.cos(v) + sp.cos(u) * sp.sin(v), evaluate=False),
    sp.gamma(a + 1) / sp.gamma(a) - a,
    sp.Matrix([[(a + b) ** 2 - a**2, 1 + a]]) * sp.Matrix([[1], [-b]]) + sp.Matrix([[b - a * b - b**2]]),
    [greater((a - b) ** 2 + c, 0), greater(a + b, 0), sp.Ne(a, -b, evaluate=False)],
]


@pytest.mark.parametrize("statement", TRUE, ids=str)
def test_true_statements_are_proved(statement):
    row = examine(symbolic(statement))
    assert row.verdict is PROVED, row
    assert row.as_expected


# Twenty true formulas of the field, each with one mistake; every one must fall, with a counterexample shown.
omega, gamma, tau, lam, eta, D2 = sp.symbols("omega gamma tau lambda eta D2", positive=True)
stable = Domain({tau: (0, 10), gamma: (0, 2 / tau), omega: (0, 5)})
C = 4 * b / eta + 2 * tau * sp.log(eta / b) + tau * D2 / eta**2
limit = -2 / (tau * sp.LambertW(-2 / tau * sp.exp(-C / (2 * tau)), -1))
law = 4 * (1 / limit - b / eta) - 2 * tau * sp.log(eta / b / limit)
below = Domain(
    {eta: (sp.Rational(1, 2), 2), b: (1, 4), tau: (sp.Rational(1, 10), sp.Rational(1, 2)), D2: (0, 4)}
)


def equal(left, right):
    return sp.Eq(left, right, evaluate=False)


MUTANTS = {
    "factor two": equal(
        omega**2 / (2 - gamma * tau) - omega**2 / 2, gamma * tau * omega**2 / (2 - gamma * tau)
    ),
    "sign": equal(omega**2 / (2 - gamma * tau), omega**2 / (2 + gamma * tau)),
    "exponent": equal(omega**2 / (2 - gamma * tau), omega / (2 - gamma * tau)),
    "variance for deviation": equal((a + omega**2) / 2, (a + omega) / 2),
    "inverse": equal(b / eta + a, b * eta + a),
    "dropped assumption": equal(sp.sqrt(u**2), u),
    "branch of the logarithm": equal(sp.log(u**2), 2 * sp.log(u)),
    "lambert branch": equal(law.subs(-1, 0), tau * D2 / eta**2),
    "lambert constant": equal(law, 2 * tau * D2 / eta**2),
    "kernel without its square": equal(sp.Integral(lam * sp.exp(-2 * lam * t), (t, 0, sp.oo)), lam / 2),
    "wrong derivative": equal(sp.diff(sp.exp(-2 * lam * t), t), -lam * sp.exp(-2 * lam * t)),
    "product rule": equal(sp.diff(t * r(t), t), r(t) + r(t).diff(t)),
    "wick": equal(3 * a * b, a * b + 2 * c**2),
    "price": equal(sp.diff(3 * a**2, a), 3 * a),
    "strict at equality": greater(a * b - b * a, 0),
    "reversed order": sp.Lt((a + b) / 2, sp.sqrt(a * b)),
    "too sharp a bound": 1 - sp.exp(-a) > a,
    "off by one": equal(sp.gamma(a + 1), sp.gamma(a) * (a + 1)),
    "tail dropped": equal(sp.erf(a), 1),
    "tiny": equal(a, a * (1 + sp.Rational(1, 10**28))),
}


@pytest.mark.parametrize("mistake", MUTANTS)
@pytest.mark.parametrize("line", [symbolic, numeric])
def test_mutants_are_refuted_with_a_counterexample(mistake, line):
    domain = below if "lambert" in mistake else {} if mistake != "factor two" else stable
    row = examine(line(MUTANTS[mistake]), domain=domain, name=mistake, expect=REFUTED)
    assert row.verdict is REFUTED, row.lines
    shown = dict(row.lines[0].counterexample)
    assert {"left", "right"} <= set(shown)
    if mistake != "strict at equality":
        assert shown["left"] != shown["right"]
        assert len(shown) > 2  # the symbols' values are there


def test_the_true_forms_behind_the_mutants_stand():
    assert examine(numeric(law, tau * D2 / eta**2), domain=below, expect=VERIFIED).as_expected
    floor = sp.Eq(
        omega**2 / (2 - gamma * tau) - omega**2 / 2, gamma * tau * omega**2 / (2 * (2 - gamma * tau))
    )
    assert examine(symbolic(floor), symbolic(floor.lhs, floor.rhs), domain=stable).as_expected


def test_the_domain_decides_what_the_symbols_alone_cannot():
    positive = symbolic(omega**2 / (2 - gamma * tau) > 0)
    assert examine(positive, domain=stable).verdict is PROVED
    assert examine(positive, domain={tau: (0, 10)}).verdict is REFUTED
    root = symbolic(sp.sqrt((2 - gamma * tau) ** 2) - (2 - gamma * tau))
    assert examine(root, domain=stable).verdict is PROVED


def test_cancellation_near_degenerate_points_is_not_a_counterexample():
    series = (sp.exp(a) - 1 - a) / a**2
    other = (sp.exp(2 * a) - sp.exp(a) * (1 + a)) / (a**2 * sp.exp(a))
    assert examine(
        numeric(series, other), domain={a: (0, sp.Rational(1, 10**6))}, expect=VERIFIED
    ).as_expected


def test_functions_of_the_domain_are_compared_at_full_precision():
    good = numeric(
        lambda x, y: mpmath.quad(lambda s: x * mpmath.exp(-y * s), [0, mpmath.inf]), a / b, points=5
    )
    assert examine(good, domain={a: (0, 3), b: (1, 2)}, expect=VERIFIED).as_expected
    rough = numeric(lambda x: float(x), a, points=5)
    row = examine(rough, domain={a: (0, 3)}, expect=VERIFIED)
    assert row.verdict is Verdict.ERROR
    assert "integrated()" in row.lines[0].detail


def test_unknown_functions_are_neither_proved_nor_refuted_by_guessing():
    true = sp.Integral(2 * r(u), (u, 0, t)) - 2 * sp.Integral(r(v), (v, 0, t))
    assert examine(symbolic(true)).verdict in (PROVED, Verdict.FAILED)
    assert examine(symbolic(r((t + 1) ** 2) - r(t**2 + 2 * t + 1))).verdict in (PROVED, Verdict.FAILED)
    assert examine(symbolic(r(2 * t) - r(t)), expect=REFUTED).as_expected  # a quadratic is a counterexample


def test_an_unknown_function_under_an_integral_is_refuted_by_an_instance():
    moved = sp.Integral(r(u), (u, 0, t))
    assert examine(symbolic(equal(2 * moved, sp.Integral(2 * r(u), (u, 0, t))))).verdict is not REFUTED
    assert examine(symbolic(equal(moved, 2 * moved)), expect=REFUTED).as_expected


def test_instances_that_hold_prove_nothing():
    """``∫ s r(s) r(t - s) ds = ∫ (t - s) r(s) r(t - s) ds`` is true, and the substitution is not found."""
    at = sp.Symbol("s", positive=True)
    left, right = (sp.Integral(weight * r(at) * r(t - at), (at, 0, t)) for weight in (at, t - at))
    row = examine(symbolic(equal(left, right)))
    assert row.verdict is Verdict.FAILED
    assert row.lines[0].detail.startswith("not decided: ")
    assert examine(symbolic(equal(left, 2 * right)), expect=REFUTED).as_expected


def test_a_difference_below_the_precision_is_not_a_counterexample():
    """At a = 10^5 the sum on the left loses e^{-a} at every working precision that is tried."""
    true = equal(c * (sp.exp(-a) / c + b) - c * b, sp.exp(-a))
    far = Domain({a: (10**5, 2 * 10**5), b: (1, 2), c: (1, 2)})
    assert examine(numeric(true), domain=far, expect=VERIFIED).as_expected
    wrong = equal(c * (sp.exp(-a) / c + b) - c * b, 2 * sp.exp(-a))
    assert examine(numeric(wrong), domain={a: (1, 5)}, expect=REFUTED).as_expected


def test_python_truth_values_are_refused():
    row = examine(symbolic(lambda: bool(a == b)))
    assert row.verdict is Verdict.ERROR
    assert "symbolic(left, right)" in row.lines[0].detail
    assert "test" in row.lines[0].detail


@pytest.mark.parametrize("side", [0.5, "a", [a]])
def test_sides_must_be_exact(side):
    row = examine(numeric(a, side))
    assert row.verdict is Verdict.ERROR
    assert "cannot be a side" in row.support
    assert examine(numeric(a - a, 0), expect=VERIFIED).as_expected


def test_two_symbols_of_one_name_are_an_error():
    twin = sp.Symbol("a", real=True)
    row = examine(numeric(sp.sin(twin), sp.cos(twin)), domain={a: (0, 1)}, expect=VERIFIED)
    assert row.verdict is Verdict.ERROR
    assert "another symbol called a" in row.lines[0].detail


@dataclass(frozen=True)
class Fixed:
    agrees: bool

    def summary(self):
        return f"agrees: {self.agrees}"


def test_verdicts_combine():
    yes = simulation(lambda trial: Fixed(True))
    no = simulation(lambda trial: [Fixed(True), Fixed(False)])
    broken = simulation(lambda trial: Fixed(1 / 0))
    true, close = SQUARE, integrated(lambda trial: [(1.0, 1.0 + 1e-12)])
    assert examine(true, yes).verdict is PROVED, "a simulation beside other lines checks them"
    assert examine(true, close, yes).verdict is VERIFIED, "the weakest part"
    assert examine(true, checks=[close, yes]).verdict is PROVED
    assert examine(true, checks=[no]).verdict is REFUTED
    assert examine(close, yes).verdict is VERIFIED
    assert examine(yes).verdict is CONSISTENT
    assert examine(true, no).verdict is REFUTED
    row = examine(true, no, broken, expect=REFUTED)
    assert row.verdict is REFUTED
    assert not row.as_expected, "an error is never as expected"
    row = examine(true, broken)
    assert row.verdict is Verdict.ERROR
    assert "ZeroDivisionError" in row.support


def test_quick_mode_may_leave_simulation_out():
    slow = simulation(lambda trial: Fixed(False), in_quick=False)
    claim = Claim("slow", evidence=slow, expect=CONSISTENT)
    assert claim.examine(quick=True).verdict is Verdict.SKIPPED
    assert claim.examine(quick=True).as_expected
    assert not claim.examine().as_expected


def test_integrated_evidence_names_the_setting_that_fails():
    @integrated(tolerance=1e-6)
    def pairs(trial):
        """Two numbers."""
        yield 1.0, 1.0 + 1e-9, {"eta": 1}
        yield [1.0, 2.0], [1.0, 2.1], {"eta": 2}

    line = examine(pairs, expect=REFUTED).lines[0]
    assert line.verdict is REFUTED
    assert line.title == "Two numbers"
    assert dict(line.counterexample) == {"eta": "2", "left": "2", "right": "2.1"}
    nan = integrated(lambda trial: [(float("nan"), 1.0)])
    assert examine(nan).verdict is REFUTED
    assert examine(integrated(lambda trial: [])).verdict is Verdict.ERROR


def test_time_is_bounded():
    begin = time.monotonic()
    row = examine(symbolic(lambda: [0 for _ in iter(int, 1)]), SQUARE, seconds=0.3)
    assert time.monotonic() - begin < 60
    assert row.verdict is Verdict.FAILED
    assert row.lines[1].verdict is PROVED
    assert not row.as_expected


def test_points_are_reproducible_and_differ_between_claims_and_seeds():
    seen = []
    watch = simulation(lambda trial: seen.append((trial.seed, trial.rng.random())) or Fixed(True))
    one, other = (Claim(n, evidence=watch, expect=CONSISTENT) for n in ("one", "other"))
    for claim, seed in ((one, 0), (one, 0), (one, 1), (other, 0)):
        claim.examine(seed=seed)
    assert seen[0] == seen[1]
    assert len({s for s, _ in seen}) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": " "}, "needs a name"),
        ({"evidence": ()}, "evidence is empty"),
        ({"evidence": [1]}, "must be made by"),
        ({"expect": "proved"}, "one of the verdicts"),
        ({"expect": Verdict.ERROR}, "one of the verdicts"),
        ({"seconds": 0}, "seconds must be"),
        ({"domain": {a: (-1, 1)}}, "assumed nonnegative"),
        ({"domain": {a: 3}}, "pair"),
        ({"domain": {a: (2, 1)}}, "empty"),
    ],
)
def test_bad_claims_are_refused_before_any_work(arguments, message):
    good = {"name": "good", "evidence": [SQUARE]}
    with pytest.raises((ValueError, TypeError), match=message):
        Claim(**{**good, **arguments})


def test_helpers_of_one_name_in_two_folders_are_two_modules(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "_helper.py").write_text(f"WHERE = {name!r}\n", encoding="utf-8")
        (folder / "claims.py").write_text("from _helper import WHERE\n", encoding="utf-8")
        with loaded(folder / "claims.py"):
            assert name == sys.modules["_helper"].WHERE
    assert "_helper" not in sys.modules


def test_simulation_states_what_its_agreement_states() -> None:
    @dataclass(frozen=True)
    class OneLaw:
        stated: str = "√d times the error has one law"
        agrees: bool = True

        def summary(self) -> str:
            return "least p-value 0.3"

    row = examine(simulation(lambda trial: OneLaw(), title="runs"), expect=CONSISTENT)
    assert row.statement == "√d times the error has one law"
    slope = ErrorSlope(-0.5, (-0.6, -0.4), -0.5, (512, 2048), np.ones(2), 0.01)
    row = examine(simulation(lambda trial: slope, title="runs"), expect=CONSISTENT)
    assert row.statement == "the error of a run shrinks like d^-0.5 at d = 512, 2048"


def test_a_limit_on_work_does_not_count_waiting() -> None:
    with time_limit(0.05, working=True):
        time.sleep(0.2)
    with pytest.raises(OutOfTime), time_limit(60.0), time_limit(0.05, working=True):
        any(n < 0 for n in itertools.count())


def test_variables_of_integration_are_no_part_of_a_statement() -> None:
    own, other = sp.Symbol("s", nonnegative=True), sp.Dummy("s", nonnegative=True)
    moved, same = (sp.Integral(r(t - k) * r(k), (k, 0, t)) for k in (own, other))
    assert examine(symbolic(moved, same)).verdict is PROVED
    assert examine(symbolic(moved, 2 * same), expect=REFUTED).as_expected


def test_two_claims_of_one_id_are_refused(tmp_path: Path) -> None:
    """One claim may have several names; two of one id would draw the same points."""
    made = "Claim('one', evidence=symbolic(sp.S.One, sp.S.One))"
    for text, count in ((f"a = {made}\nb = a\n", 1), (f"a = {made}\nb = {made}\n", 0)):
        (tmp_path / "claims.py").write_text(f"import sympy as sp\nfrom symhigh import Claim, symbolic\n{text}")
        if count:
            with loaded(tmp_path / "claims.py") as claims:
                assert len(claims) == count
        else:
            words = r"claims\.py: two claims are called 'one'"
            with pytest.raises(ValueError, match=words), loaded(tmp_path / "claims.py"):
                pass


def test_what_is_no_python_file_is_no_file_of_claims(tmp_path: Path) -> None:
    (tmp_path / "claims.txt").write_text("a = 1")
    with pytest.raises(ValueError, match=r"claims.txt'\): not a Python file"), loaded(tmp_path / "claims.txt"):
        pass
