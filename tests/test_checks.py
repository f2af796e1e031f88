"""One set of checks: which numbers are numbers, what a message says, and that text is never read."""

import os
from decimal import Decimal
from fractions import Fraction
from functools import cache

import mpmath
import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh import checks
from symhigh.checks import array, array_or_expressions, declared, parameter, real, seeds, shown, whole

RAN: list[int] = []
a, b = sp.symbols("a b", positive=True)
REAL_TYPES = [int, float, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64,
              np.float16, np.float32, np.float64, np.longdouble, Fraction, Decimal, mpmath.mpf, sp.Integer, sp.Float,
              np.array]  # fmt: skip


@pytest.mark.parametrize("kind", REAL_TYPES, ids=lambda k: k.__name__)
def test_every_real_number_is_taken_for_its_value(kind) -> None:  # type: ignore[no-untyped-def]
    assert real("f", "x", kind(2), meaning="m") == 2.0
    assert float(parameter("f", "x", kind(2), positive=True, meaning="m")) == 2
    assert float(sh.Constant(kind(2)).gamma) == 2
    assert float(sh.Start(kind(2), kind(2), kind(1)).overlap) == 1


def test_whole_numbers_of_every_type_are_whole_and_others_are_not() -> None:
    for kind in (int, np.int8, np.uint64, sp.Integer):
        assert whole("f", "n", kind(3), least=1, meaning="m") == 3
        assert sh.MiniBatch(sh.Constant(1), kind(3)).m == sp.Integer(3)
    for wrong in (2.5, 2.0, True, sp.Rational(1, 2), sp.nan, "2", np.float64(2), None):
        with pytest.raises((TypeError, ValueError), match=r"MiniBatch\(m="):
            sh.MiniBatch(sh.Constant(1), wrong)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: sh.StudentT("5"), r"StudentT\(dof='5'\): dof must be a number"),
        (lambda: sh.Spectrum.isotropic(lam="1"), "lam must be a number"),
        (lambda: sh.AdaGradNorm(1, np.complex128(1 + 2j)), r"AdaGradNorm\(b="),
        (lambda: sh.Start(overlap=sp.nan), r"Start\(overlap=nan\)"),
        (lambda: sh.Start(overlap=sp.I), r"Start\(overlap=I\)"),
        (lambda: sh.Constant(10**400), r"Constant\(gamma=10+…\): gamma must be finite"),
        (lambda: sh.Constant(sp.Rational(1, 10**400)), "gamma must be > 0"),
        (lambda: real("f", "x", -(10**400), meaning="m"), r"f\(x=-10+…\): x must be finite"),
        (lambda: sh.NetworkClasses(1, 1, -(10**400), 1), "NetworkClasses.*u.* must be finite"),
        (lambda: sh.Spectrum.from_eigenvalues([1, 2], [np.nan, 1]), "weights must be finite"),
        (lambda: sh.Spectrum.from_eigenvalues([1, 2j]), "values must be"),
        (lambda: sh.Spectrum.from_eigenvalues([True, True]), "values must be"),
        (lambda: sh.Contaminated(sh.Gaussian(1), sh.Laplace(1), 1), "share must be < 1"),
        (lambda: sh.hinge(sp.Rational(1, 2)), "flip must be < 1/2"),
        (lambda: sh.quantile(1.0), "q must be < 1"),
        (lambda: sh.simulate(sh.least_squares(), sh.Constant(1), sh.Spectrum.isotropic(), sh.Start(), 2**30, 2.0**40),
         "t_end must be <"),
        (lambda: sh.simulate(sh.least_squares(), sh.Constant(1), sh.Spectrum.isotropic(), sh.Start(), 8, 1, [1, 1]),
         "seeds repeat"),
        (lambda: sh.Problem((sh.x - a) ** 2, parameters={a: "__import__('tests')"}), "a must be a number"),
        (lambda: sh.expect("x**2", [[1]]), "text is not read"),
        (lambda: sh.expect(sh.x, [["1"]]), "cov must be"),
    ],
)  # fmt: skip
def test_refusals_name_callable_argument_value_and_range(make, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises((ValueError, TypeError), match=words) as caught:
        make()
    assert len(str(caught.value)) < 400


@cache
def system() -> sh.MomentSystem:
    return sh.derive(sh.huber(b, 0.5), sh.Constant(a))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"a": -1}, r"Constant\(gamma=-1\): gamma must be > 0"),
        ({"a": 0}, r"Constant\(gamma=0\): gamma must be > 0"),
        ({a: -1.0}, r"Constant\(gamma=-1\.0*\)"),
        ({"b": -2}, "c must be > 0"),
        ({"a": "0.5"}, r"bind\(a='0.5'\): a must be a number"),
        ({"a": "__import__('tests.test_checks').test_checks.RAN.append(1)"}, "bind"),
        ({"a": 1j}, "bind"),
        ({"a": sp.nan}, "bind"),
        ({"a": 10**400}, "within the range of doubles"),
        ({"nonsense": 1}, "it has a, b"),
        ({a: 1, "a": 2}, r"bind\(values={a: …}\): a has two values; give one"),
        ("a", "must be a mapping"),
        ({3: 1}, "values"),
    ],
)  # fmt: skip
def test_bind_checks_as_the_constructors_do(values, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises((ValueError, TypeError), match=words):
        system().bind(values)
    assert not RAN


@pytest.mark.parametrize(
    ("rule", "values", "words"),
    [
        (sh.MiniBatch(sh.Constant(1), a), {"a": 2.5}, r"MiniBatch\(m="),
        (sh.WarmUp(sh.Constant(1), a), {"a": -2}, r"WarmUp\(duration=-2\)"),
        (sh.WeightDecay(sh.Constant(b), a), {"b": -2}, r"Constant\(gamma=-2\)"),
        (sh.cosine(1, 2, a), {"a": 3}, ""),
    ],
)  # fmt: skip
def test_bind_reaches_the_checks_of_inner_rules(rule, values, words: str) -> None:  # type: ignore[no-untyped-def]
    system = sh.derive(sh.least_squares(), rule)
    if not words:
        assert system.bind(values).parameters
        return
    with pytest.raises((ValueError, TypeError), match=words):
        system.bind(values)


def test_bind_takes_numbers_and_expressions_by_symbol_or_name() -> None:
    assert system().bind({"a": b}).bind({b: 2}).parameters == system().bind({a: 2, "b": 2}).parameters
    assert (
        system().bind({"a": np.float32(0.5)})
        .bind({"b": Fraction(1, 3)})
        .solve(sh.Spectrum.isotropic(), sh.Start(), 0.5)
        .complete
    )


def test_a_rule_of_ones_own_keeps_to_its_symbols() -> None:
    class Own(sh.Rule):
        rate = a
        values = {a: sp.Integer(-1)}  # noqa: RUF012

    with pytest.raises(ValueError, match=r"Own\(a=-1\): a must be > 0, as the symbol is declared"):
        sh.derive(sh.least_squares(), Own())


def test_declared_and_the_rest_of_the_checkers() -> None:
    m = sp.Symbol("m", integer=True, positive=True)
    assert declared("f", m, sp.Integer(2)) == 2
    with pytest.raises(ValueError, match="whole"):
        declared("f", m, sp.Rational(5, 2))
    assert seeds("f", 3) == (0, 1, 2)
    assert seeds("f", np.array([5, 2])) == (5, 2)
    assert array("f", "x", (k for k in (1, 2)), meaning="m").tolist() == [1.0, 2.0]
    assert array("f", "x", [sp.Rational(1, 2), Decimal("0.5")], meaning="m").tolist() == [0.5, 0.5]
    assert array_or_expressions("f", "x", [a, 1], meaning="m").dtype == object
    assert real("f", "x", 1, meaning="m", least=1, below=2) == 1
    for wrong in (0.5, 2):
        with pytest.raises(ValueError, match="x must be"):
            real("f", "x", wrong, meaning="m", least=1, below=2)


def test_shown_is_one_short_line_whatever_is_shown() -> None:
    class Mute:
        def __repr__(self) -> str:
            raise RuntimeError

    for value in (10**5000, "a\nb" * 1000, Mute(), np.zeros(10**4), sp.Symbol("s" * 500)):
        assert len(shown(value)) <= checks._SHOWN
        assert "\n" not in shown(value)


def test_ranges_hold_their_ends_or_not_as_they_say() -> None:
    assert [whole("f", "n", k, least=1, most=3, meaning="m") for k in (1, 3)] == [1, 3]
    for wrong, rule in ((0, ">= 1"), (4, "<= 3")):
        with pytest.raises(ValueError, match=rf"f\(n={wrong}\): n must be {rule}"):
            whole("f", "n", wrong, least=1, most=3, meaning="m")
    assert real("f", "x", 1, least=1.0, below=2.0, meaning="m") == 1.0
    for value, limits, rule in (
        (1, {"above": 1.0}, "> 1"), (0.9, {"least": 1.0}, ">= 1"), (2, {"below": 2.0}, "< 2"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=rf"x must be (finite and )?{rule}"):
            real("f", "x", value, meaning="m", **limits)
    assert array("f", "x", [0.0, 1.0], least=0.0, meaning="m").tolist() == [0, 1]


def test_powers_beyond_doubles_are_refused_with_the_range() -> None:
    checks.power_in_range("f", "b", sp.Float("1e149"), sp.Integer(2))
    checks.power_in_range("f", "b", sp.Symbol("b"), sp.Integer(2))
    for value, power, ends in (("1e151", 2, r"1e-150 and 1e\+150"), ("1e-151", 2, r"1e-150 and 1e\+150"),
                               ("1e101", -3, r"1e-100 and 1e\+100")):  # fmt: skip
        with pytest.raises(ValueError, match=rf"b\*\*{power} is about .*; b must be between {ends}"):
            checks.power_in_range("f", "b", sp.Float(value), sp.Integer(power))


def test_steps_are_counted_below_two_to_the_62() -> None:
    checks.steps_of("f", 2**30, 2.0**32 * 0.999)
    with pytest.raises(ValueError, match=r"f\(t_end=4.29497e\+09\): t_end must be < 2\*\*62/d = 4.29e\+09"):
        checks.steps_of("f", 2**30, 2.0**32)


def test_callbacks_words_and_choices() -> None:
    assert checks.callback("f", "g", len, "a function") is len
    assert checks.callback("f", "g", None, "a function") is None
    with pytest.raises(TypeError, match=r"f\(g=3\): g must be a function, or None"):
        checks.callback("f", "g", 3, "a function")
    assert checks.words("f", "w", "risk", "names") == ("risk",)
    assert sorted(checks.words("f", "w", {"a", "b"}, "names")) == ["a", "b"]
    for wrong in (3, ["a", 1]):
        with pytest.raises(TypeError, match="w must be names"):
            checks.words("f", "w", wrong, "names")
    assert checks.choice("f", "c", "a", ("a", "b")) == "a"
    with pytest.raises(ValueError, match="c must be one of 'a', 'b'"):
        checks.choice("f", "c", "z", ("a", "b"))
    with pytest.raises(TypeError, match="c must be one of"):
        checks.choice("f", "c", 1, ("a", "b"))


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda: seeds("f", 0), ValueError, r"f\(seeds=0\): seeds must be >= 1, the number of runs"),
        (lambda: seeds("f", checks.MOST_RUNS + 1), ValueError, "seeds must be <= 1000000"),
        (lambda: seeds("f", [0, -1]), ValueError, r"f\(seeds=-1\): seeds must be >= 0, a seed"),
        (lambda: seeds("f", []), ValueError, r"f\(seeds=\[\]\): give at least one seed"),
        (lambda: seeds("f", [1, 1]), ValueError, "seeds repeat"),
        (lambda: seeds("f", "12"), TypeError, "a number of runs, or a list of seeds"),
        (lambda: seeds("f", len), TypeError, "a number of runs, or a list of seeds"),
        (lambda: parameter("f", "x", sp.I * a, positive=None, meaning="m"), ValueError, "x must be finite and real, m"),
        (lambda: parameter("f", "x", sp.oo * sp.Symbol("c"), positive=None, meaning="m"), ValueError, "finite and rea"),
        (lambda: parameter("f", "x", -a, positive=False, meaning="m"), ValueError, r"f\(x=-a\): x must be >= 0, m"),
        (lambda: parameter("f", "x", a, positive=True, below=a, meaning="m"), ValueError, "x must be < a, m"),
        (lambda: parameter("f", "x", 2, positive=True, below=2, meaning="m"), ValueError, "x must be < 2, m"),
        (lambda: array("f", "x", [], meaning="m"), ValueError, r"f: x has shape \(0,\), .* a non-empty list of num"),
        (lambda: array("f", "x", [[1.0]], meaning="m"), ValueError, r"f: x has shape \(1, 1\), it must be a non-empty"),
        (lambda: array("f", "x", [1.0], ndim=2, meaning="m"), ValueError, "an array of 2 dimensions, not empty, m"),
        (lambda: array("f", "x", [[1, 2], [3, np.inf]], ndim=2, meaning="m"), ValueError, r"f\(x=inf\): x must be fin"),
        (lambda: array("f", "x", [1, -2.5], least=0, meaning="m"), ValueError, r"f\(x=-2.5\): x must be >= 0, m"),
        (lambda: array("f", "x", {1: 2}, meaning="m"), TypeError, "x must be a list or an array of numbers, m"),
        (lambda: array("f", "x", [True], meaning="m"), TypeError, r"f\(x=.*True_?\): x must be .* array of real"),
        (lambda: array_or_expressions("f", "x", [a, -1], meaning="m"), ValueError, r"f\(x=-1\): x must be >= 0"),
        (lambda: checks.expression("f", "x", sp.oo, "e"), ValueError, r"f\(x=oo\): x must be finite, e"),
        (lambda: checks.expression("f", "x", sp.Float("1e400"), "e"), ValueError, "x must be finite, e"),
        (lambda: checks.expression("f", "x", sp.nan + a, "e"), ValueError, "x must be finite, e"),
        (lambda: checks.expression("f", "x", "a", "e"), TypeError, "x must be e; text is not read, never evaluated"),
        (lambda: checks.expression("f", "x", sp.Symbol("c", commutative=False), "e"), TypeError, "x must be e"),
        (lambda: checks.mapping("f", "x", [], "{a: 1}"), TypeError, r"f\(x=\[\]\): x must be a mapping, {a: 1}"),
        (lambda: checks.flag("f", "x", 1, meaning="m"), TypeError, r"f\(x=1\): x must be True or False, m"),
        (lambda: checks.threads_of("f", 0), ValueError, r"f\(threads=0\): threads must be >= 1, the number of threads"),
        (lambda: checks.optional("f", "no_such_module"), ImportError, r"f: needs no_such_module, .*'symhigh\[no_such_"),
    ],
)  # fmt: skip
def test_more_refusals(make, kind: type[Exception], words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(kind, match=words):
        make()


def test_what_the_checkers_take() -> None:
    assert seeds("f", [0, 5]) == (0, 5)
    assert real("f", "x", np.float64(1), least=1.0, meaning="m") == 1.0
    assert real("f", "x", 2**53 + 2, meaning="m") == 2.0**53 + 2
    assert real("f", "x", Fraction(1, 3), above=0.3, below=0.4, meaning="m") == 1 / 3
    assert parameter("f", "x", 0, positive=False, meaning="m") == 0
    assert parameter("f", "x", sp.I * sp.Symbol("c", imaginary=True), positive=None, meaning="m").is_real
    assert parameter("f", "x", np.array(3.0), positive=True, below=4, meaning="m") == 3.0
    assert array("f", "x", [[1, 2], [3, 4]], ndim=2, meaning="m").tolist() == [[1, 2], [3, 4]]
    assert array("f", "x", sp.Matrix([[1, 2]]), ndim=2, meaning="m").tolist() == [[1, 2]]
    assert array_or_expressions("f", "x", [0, sp.Rational(1, 2)], meaning="m").dtype == float
    assert checks.expression("f", "x", sp.Float("1e300"), "e") == sp.Float("1e300")
    assert checks.mapping("f", "x", None, "e") == {}
    assert (checks.flag("f", "x", np.True_, meaning="m"), checks.flag("f", "x", False, meaning="m")) == (True, False)
    assert checks.threads_of("f", 3) == 3
    assert checks.threads_of("f", None) >= 1
    assert checks.optional("f", "math").pi > 3


def test_output_times_increase_from_zero_to_the_end() -> None:
    assert checks.output_times("f", None, 2.0, 5).tolist() == [0.0, 0.5, 1.0, 1.5, 2.0]
    first, again = checks.output_times("f", None, 2.0, 3), checks.output_times("f", None, 2.0, 3)
    assert first is not again
    given = np.array([0.0, 1.0, 2.0])
    assert checks.output_times("f", given, 2.0) is not given
    for t in (given, [0, 1, 2], [0.5], [0, 2 * (1 + 1e-13)], np.array([0, 1]), np.array([0, 2 * (1 + 1e-13)])):
        found = checks.output_times("f", t, 2.0)
        assert found.tolist() == [float(v) for v in t]
        assert found.dtype == np.float64
    wrong = ([0, 1, 1], [-0.1, 1], [0, 2.1], [1, 0.5], [2.1])
    for t in (*wrong, *map(np.array, wrong)):
        with pytest.raises(ValueError, match=r"f\(t=…\): output times must increase within \[0, t_end=2\]"):
            checks.output_times("f", t, 2.0)


@pytest.mark.parametrize(
    ("t", "words"),
    [
        (np.array([]), r"t has shape \(0,\), it must be a non-empty list"),
        (np.array([[0.0, 1.0]]), r"t has shape \(1, 2\), it must be a non-empty list"),
        (np.array(1.0), r"t has shape \(\), it must be a non-empty list"),
        (np.array([0.0, np.nan, 1.0]), r"f\(t=nan\): t must be finite"),
        (np.array([np.nan]), r"f\(t=nan\): t must be finite"),
        (np.array([0.0, np.inf]), r"f\(t=inf\): t must be finite"),
        (np.array([0.0, 2 * (1 + 1.5e-12)]), r"within \[0, t_end=2\]"),
        ([0.0, 2 * (1 + 1.5e-12)], r"within \[0, t_end=2\]"),
    ],
    ids=str,
)
def test_output_times_that_are_none(t: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        checks.output_times("f", t, 2.0)


def test_what_is_taken_where_nothing_is_said() -> None:
    assert whole("f", "n", 2**63 - 1, least=0, meaning="m") == 2**63 - 1
    with pytest.raises(ValueError, match="n must be <= 9223372036854775807, m"):
        whole("f", "n", 2**63, least=0, meaning="m")
    assert checks.output_times("f", None, 2.0).tolist() == np.linspace(0, 2, 201).tolist()
    assert len(seeds("f", 1_000_000)) == 1_000_000
    assert [len(shown("x" * n)) for n in (77, 78, 79, 500)] == [79, 80, 80, 80]
    assert shown("x" * 500) == "'" + "x" * 78 + "…"
    assert real("f", "x", -1e300, meaning="m") == -1e300


def test_ends_of_ranges_whatever_carries_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for end in (1, 3):
        assert whole("f", "n", sp.Integer(end), least=1, most=3, meaning="m") == end
    for value in (1, sp.Integer(1), 1.0, np.float64(1)):
        assert real("f", "x", value, least=1.0, below=2, meaning="m") == 1.0
    for value in (2, sp.Integer(2), 2.0, np.float64(2)):
        with pytest.raises(ValueError, match="x must be < 2, m"):
            real("f", "x", value, below=2, meaning="m")
        with pytest.raises(ValueError, match="x must be finite and > 2, m"):
            real("f", "x", value, above=2, meaning="m")
    assert parameter("f", "x", a, positive=True, below=a + 1, meaning="m") == a
    assert parameter("f", "x", sp.Symbol("c"), positive=True, below=2, meaning="m") == sp.Symbol("c")
    with pytest.raises(ValueError, match=r"f\(x=inf\): x must be finite"):
        array("f", "x", [1.0, np.inf, np.nan], meaning="m")
    with pytest.raises(ValueError, match=r"f\(x=-1\.0\): x must be >= 0"):
        array("f", "x", [1.0, -1.0, -2.0], least=0, meaning="m")
    with pytest.raises(ValueError, match=r"f: x has shape \(2, 2\)"):
        array_or_expressions("f", "x", [[a, 1], [2, 3]], meaning="m")
    assert checks.threads_of("f", None) == os.cpu_count()
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert checks.threads_of("f", None) == 1


def test_what_holds_fields_is_made_anew_with_values_put_in() -> None:
    rule = sh.WarmUp(sh.Constant(a), b)
    made = checks.rebuilt(rule, {a: sp.Integer(2), b: sp.Integer(3)})
    assert made == sh.WarmUp(sh.Constant(2), 3)
    assert checks.rebuilt(rule, {sp.Symbol("c"): sp.Integer(1)}) is rule
    assert checks.rebuilt("text", {a: sp.Integer(2)}) == "text"
    with pytest.raises(ValueError, match=r"Constant\(gamma=-1\): gamma must be > 0"):
        checks.rebuilt(rule, {a: sp.Integer(-1)})


def test_objects_of_a_kind() -> None:
    assert checks.instance("f", "x", 3, int, "a number") == 3
    assert checks.instance("f", "x", "s", (int, str), "a number or text") == "s"
    for wrong in (3.0, None, [3]):
        with pytest.raises(TypeError, match=r"f\(x=.*\): x must be a number, such as 3"):
            checks.instance("f", "x", wrong, int, "a number, such as 3")
    for given in ([1, 2], (1, 2), range(1, 3)):
        assert checks.several("f", "x", given, int, "numbers") == (1, 2)
    assert checks.several("f", "x", [], int, "numbers") == ()
    assert checks.several("f", "x", ["a", 1], (int, str), "numbers") == ("a", 1)
    for wrong in ("ab", b"ab", [1, "a"], {1, 2}, 3, None, (k for k in (1, 2))):
        with pytest.raises(TypeError, match=r"f\(x=.*\): x must be numbers"):
            checks.several("f", "x", wrong, (int, str) if wrong == "ab" else int, "numbers")


def test_ends_of_intervals_may_be_infinite() -> None:
    assert [checks.limit("f", "x", e, "an end") for e in (sp.oo, -sp.oo, a, 2)] == [sp.oo, -sp.oo, a, 2]
    for wrong, kind in ((sp.nan, ValueError), (sp.zoo, ValueError), ("oo", TypeError), (None, TypeError)):
        with pytest.raises(kind, match=r"x must be (finite, )?an end"):
            checks.limit("f", "x", wrong, "an end")
    with pytest.raises(ValueError, match="x must be finite, an end"):
        checks.expression("f", "x", -sp.oo, "an end")


def test_numbers_of_foreign_types() -> None:
    class Half:
        numerator = 1

        def __float__(self) -> float:
            return 0.5

    class Third:
        numerator, denominator = 1, 3

    class Two:
        def __index__(self) -> int:
            return 2

    class Broken:
        def __float__(self) -> float:
            raise RuntimeError

    assert [real("f", "x", e, meaning="m") for e in (Half(), Third(), Two())] == [0.5, 1 / 3, 2.0]
    assert parameter("f", "x", Third(), positive=True, meaning="m") == sp.Rational(1, 3)
    for wrong in (Broken(), object(), np.array([1.0]), np.timedelta64(3, "s"), np.complex64(1), True, np.False_, b"1"):
        with pytest.raises(TypeError, match="x must be a number, m"):
            real("f", "x", wrong, meaning="m")
    for wrong in (sp.Symbol("c", commutative=False), sp.MatrixSymbol("M", 2, 2) * a):
        with pytest.raises(TypeError, match="x must be a number or a SymPy expression, m"):
            parameter("f", "x", wrong, positive=None, meaning="m")


def test_what_lists_of_numbers_say_of_what_they_hold() -> None:
    for wrong, words in (
        (["u", "v"], r"f\(x=.*'u'.*\): x must be a list or an array of real numbers, m"),
        (np.array([1 + 2j, 3.0]), r"f\(x=.*1\+2j.*\): x must be a list or an array of real numbers"),
        (None, r"f\(x=None\): x must be a list or an array of numbers, m"), ("12", "x must be a list or an array"),
        (int, "x must be a list or an array of numbers"), ([[1], [2, 3]], "x must be a list or an array of numbers"),
    ):  # fmt: skip
        with pytest.raises((TypeError, ValueError), match=words):
            array("f", "x", wrong, meaning="m")
    with pytest.raises(ValueError, match=r"f: x has shape \(\), it must be a non-empty list of numbers, m"):
        array("f", "x", 3, meaning="m")
    given = np.array([1.0, 2.0])
    assert array("f", "x", given, meaning="m") is not given
    assert shown(int) == "<class 'int'>"
    assert shown(sp.Integer(3)) == shown(3) == "3"
    assert shown(np.float64(0.5)) == "0.5"
    assert shown([1, 2]) == "[1, 2]"


def test_expressions_keep_to_what_is_asked_of_them() -> None:
    c, n = sp.Symbol("c", negative=True), sp.Symbol("n", nonnegative=True)
    assert parameter("f", "x", n, positive=True, meaning="m") is n  # it may be zero, which is not known
    assert parameter("f", "x", c, positive=None, meaning="m") is c
    for positive, words in ((True, "> 0"), (False, ">= 0")):
        with pytest.raises(ValueError, match=rf"x must be {words}, m"):
            parameter("f", "x", c, positive=positive, meaning="m")
    zero = sp.Symbol("z", zero=True)
    assert parameter("f", "x", zero, positive=False, meaning="m") == zero
    with pytest.raises(ValueError, match="x must be > 0, m"):
        parameter("f", "x", zero, positive=True, meaning="m")
    for value, sign in ((0, True), (-1, True), (-1, False), (sp.Rational(-1, 10**9), False)):
        with pytest.raises(ValueError, match="x must be > 0" if sign else "x must be >= 0"):
            parameter("f", "x", value, positive=sign, meaning="m")
    for symbol, value, words in (
        (sp.Symbol("k", positive=True), 0, "k must be > 0, as the symbol is declared"),
        (sp.Symbol("k", nonnegative=True), -1, "k must be >= 0"),
        (sp.Symbol("k", integer=True), sp.Rational(1, 2), "k must be a whole number"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            declared("f", symbol, sp.sympify(value))
    assert declared("f", sp.Symbol("k", nonnegative=True), sp.S.Zero) == 0
    assert declared("f", sp.Symbol("k"), sp.Integer(-3)) == -3
    assert declared("f", sp.Symbol("k", integer=True), a) is a
