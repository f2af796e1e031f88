"""Renaming a user's symbol changes no closed form but by the renaming, whatever name of the library's it takes."""

from functools import lru_cache

import pytest
import sympy as sp

import symhigh as sh
from symhigh import symbols
from symhigh.closed.formulas import Formulas
from symhigh.closed.modes import LAMBDA_MIN

HARD = [
    "tau",
    "kappa_2",
    "lambda_min",
    "distance",
    "gamma",
    "omega",
    "Q",
    "I",
    "D2",
    "lambda",
    "eta",
    "b",
    "risk",
    "rho",
]


def positive(name: str) -> sp.Symbol:
    return sp.Symbol(name, positive=True)


def test_a_rate_named_tau_is_not_the_trace() -> None:
    tau = positive("tau")
    risk = sh.limits(sh.least_squares(noise=1), sh.Constant(tau))["risk"]
    trace = positive("tau_K")
    assert sp.simplify(risk.expr + 1 / (trace * tau - 2)) == 0
    assert float(risk.evaluate(tau=0.5, tau_K=2)) == pytest.approx(1.0)
    plain = sh.limits(sh.least_squares(noise=1), sh.Constant(positive("g")))["risk"]
    assert {s.name for s in plain.symbols} == {"g", "tau"}


@lru_cache
def floor(rate: sp.Symbol, spectrum: sh.Spectrum | None) -> Formulas:
    return sh.limits(sh.least_squares(noise=sp.Rational(1, 2)), sh.Constant(rate), spectrum)


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("spectrum", [None, sh.Spectrum.isotropic(2)], ids=["open", "isotropic"])
def test_renaming_a_rate_changes_nothing(name: str, spectrum: sh.Spectrum | None) -> None:
    own, plain = positive(name), positive("zz")
    library = {"tau": 0.7, "tau_K": 0.7, "lambda_min": 0.2, "lambda_min_K": 0.2}
    for which in ("risk", "learning_rate", "threshold", "rate"):
        found, same = floor(own, spectrum)[which], floor(plain, spectrum)[which]
        if any(s.name == "mu" for s in same.symbols):
            continue
        one, two = (
            float(f.evaluate(**{s.name: 0.4 if s == user else library[s.name] for s in f.symbols}))
            for f, user in ((found, own), (same, plain))
        )
        assert one == pytest.approx(two, rel=1e-12), which
        assert (own in found.symbols) == (plain in same.symbols), which


@pytest.mark.parametrize("name", HARD)
def test_renaming_an_eigenvalue_or_a_start_changes_nothing(name: str) -> None:
    rule, own, plain = sh.AdaGradNorm(positive("e"), positive("b")), positive(name), positive("zz")
    found, same = (
        sh.limits(sh.least_squares(), rule, sh.Spectrum.isotropic(s), sh.Start(0, s**2, 0))["learning_rate"]
        for s in (own, plain)
    )
    if name == "b":  # the user's own b, in rule and spectrum alike
        assert same.expr.subs(plain, own) == found.expr
    else:
        assert float(found.evaluate(e=1, b=0.5, **{name: 0.8})) == pytest.approx(
            float(same.evaluate(e=1, b=0.5, zz=0.8)), rel=1e-12
        )


def test_the_time_of_a_schedule_is_the_time() -> None:
    found = sh.limits(sh.least_squares(1), sh.Schedule(1 / sp.sqrt(1 + sh.t)))["excess_risk_asymptotic"]
    assert symbols.t in found.symbols
    own = sp.Symbol("t", positive=True)  # a constant of that name
    curve = sh.limits(sh.least_squares(1), sh.Constant(own), sh.Spectrum.isotropic(), sh.Start())[
        "risk_curve"
    ]
    assert {s.name for s in curve.symbols} == {"t", "t_K"}
    plain = sh.limits(sh.least_squares(1), sh.Constant(0.5), sh.Spectrum.isotropic(), sh.Start())[
        "risk_curve"
    ]
    assert float(curve.evaluate(t=0.5, t_K=3)) == pytest.approx(float(plain.evaluate(t=3)), rel=1e-12)


def test_a_derived_system_may_be_asked() -> None:
    system = sh.derive(sh.least_squares(1), sh.Constant(positive("g")))
    direct = sh.limits(sh.least_squares(1), sh.Constant(positive("g")), sh.Spectrum.isotropic())
    asked = sh.limits(system, spectrum=sh.Spectrum.isotropic())
    assert {k: v.expr for k, v in asked.items()} == {k: v.expr for k, v in direct.items()}
    assert float(sh.limits(system.bind({"g": 0.5}), spectrum=sh.Spectrum.isotropic())["risk"].expr) == 2 / 3
    by_place = sh.limits(system, sh.Spectrum.isotropic(), sh.Start())
    assert "risk_curve" in by_place
    assert by_place["risk"].expr == direct["risk"].expr
    with pytest.raises(TypeError, match="rule must be a learning-rate rule"):
        sh.limits(sh.least_squares())
    with pytest.raises(TypeError, match="is neither a spectrum nor a start; after the system"):
        sh.limits(system, sh.Constant(1))


def test_every_finder_says_why_it_does_not_apply() -> None:
    with pytest.raises(
        ValueError, match=r"linear modes: .*; losses of the residual .*; fixed points .*integrate system"
    ):
        sh.limits(sh.logistic_regression(), sh.Constant(1))


@pytest.mark.parametrize("noise", [0, 0.7])
@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (sh.DelayedAdaGradNorm(1, 1, sp.Rational(7, 10)), "Lambert's function inverts|does not fall like"),
        (sh.DelayedAdaGradNorm(1, 1, 2), "Lambert's function inverts|does not fall like"),
        (sh.Modulated(sh.AdaGradNorm(1, 1), sp.exp(-sh.t)), "depends on a memory and on the time"),
        (sh.DoG(0.1, 1), "DoG's learning rate moves"),
        (sh.DAdaptation(1, 0.1), "DAdaptation's learning rate moves"),
    ],
)
def test_memories_without_a_closed_form_are_refused_by_name(rule: sh.Rule, why: str, noise: float) -> None:
    with pytest.raises(ValueError, match=why):
        sh.limits(sh.least_squares(noise), rule)


def test_the_name_of_the_open_edge_is_the_library_s() -> None:
    assert LAMBDA_MIN.name in HARD
