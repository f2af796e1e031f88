"""What every rule states, in numbers at one point, against its formula written by hand."""

from __future__ import annotations

from math import copysign, exp, sqrt
from typing import Any

import pytest
import sympy as sp

import symhigh as sh
from symhigh.registry import RULES
from symhigh.symbols import Total

SGD = sh.Constant(0.5)
P = {
    "X": 0.7, "G": -1.3, "g": 0.9, "d": 7.0, "t": 2.5, "t_inverse": 0.4, "eta": 1.1, "b": 0.6, "b_k^2": 2.3,
    "gamma_0": 0.8, "kappa": 0.35, "A": -0.2, "decay": 1.7, "U": 0.45, "beta": 0.65, "gradient_square": 11.0,
    "c_clip": 0.55, "M": 1.9, "delta_M": 2.2, "gamma_2": 0.15, "alpha": 1.25, "s": 3.1, "sigma": 0.95, "xi": -0.85,
    "speed": 1.45, "xi_star": 0.32, "X_star": -1.05, "r_k^2": 1.3, "G_k": 2.9, "r_0": 0.12, "G_0": 0.44, "D_k": 0.52,
    "N_k": 0.73, "gamma_D": 1.6, "D_0": 0.21, "g_max": 5.0, "c_P": 0.75, "f_least": 0.3, "sample_loss": 1.4,
    "power": 0.85, "t_warm": 4.0, "fraction": 0.62, "L": 0.27, "X_0": 0.05, "m": 3.0,
}  # fmt: skip
MOVED = 1.75


def number(expr: Any) -> float:
    given = sp.sympify(expr)
    given = given.replace(lambda e: isinstance(e, Total), lambda e: sp.Float(MOVED))
    return float(given.xreplace({s: sp.Float(P[s.name], 30) for s in given.free_symbols}))


def stated(rule: sh.Rule) -> dict[str, float]:
    """Every part of a rule that is an expression, by name."""
    parts = {f"step {v}": e for v, e in rule.step.items()} | {f"start {v}": e for v, e in rule.start.items()}
    parts |= {f"fixed {v}": e for v, e in rule.fixed.items()} | {f"report {n}": e for n, e in rule.reports.items()}
    for m in (*rule.memory, *rule.cells):
        parts |= {f"more {m.name}": m.increment, f"first {m.name}": m.initial}
    parts |= {"at": rule.at, "multiple": rule.multiple, "batch": rule.batch}
    parts |= {} if rule.rate is None else {"rate": rule.rate}
    return {name: number(e) for name, e in parts.items()}


X, G, g, d, t = (P[n] for n in ("X", "G", "g", "d", "t"))
PLAIN = {"step X": X - g / d * G, "at": X, "multiple": 1, "batch": 1}
SQUARE, S, B2 = P["gradient_square"], P["s"], P["b_k^2"]
FIRST = P["b"] ** 2
ADAGRAD = {"more s": G**2 / d, "first s": FIRST, "step X": X - g / d * G / sqrt(S)}
FORGETS = {"more s": P["alpha"] * (G**2 - S) / d, "first s": FIRST, "step X": X - g / d * G / sqrt(S)}
KEEPS = {"fixed X_0": X}
STATED: dict[str, tuple[sh.Rule, dict[str, float]]] = {
    "adagrad-norm": (
        sh.AdaGradNorm(1, 1), {"rate": P["eta"] / sqrt(B2), "more b_k^2": SQUARE / d**2, "first b_k^2": FIRST}
    ),
    "delayed-adagrad-norm": (
        sh.DelayedAdaGradNorm(1, 1, 0.3),
        {"rate": P["eta"] / B2 ** P["power"], "more b_k^2": SQUARE / d**2, "first b_k^2": FIRST},
    ),
    "constant": (SGD, {"rate": P["gamma_0"]}),
    "mini-batch": (sh.MiniBatch(SGD, 3), {"rate": P["gamma_0"], "batch": P["m"]}),
    "weight-decay": (
        sh.WeightDecay(SGD, 2), {"rate": P["gamma_0"], "step X": X - g / d * (G + P["kappa"] * X)}
    ),
    "modulated": (
        sh.Modulated(SGD, sp.exp(-sh.t) / 3), {"rate": P["gamma_0"] * exp(-t) / 3, "multiple": exp(-t) / 3}
    ),
    "warm-up": (sh.WarmUp(SGD, 2), {"rate": P["gamma_0"] * t / P["t_warm"], "multiple": t / P["t_warm"]}),
    "averaged": (
        sh.Averaged(SGD, 2),
        {"rate": P["gamma_0"], "step A": P["A"] + P["decay"] / d * (X - P["A"]), "start A": X,
         "report average": P["A"]},
    ),
    "schedule-free": (
        sh.ScheduleFree(1, 0.5),
        {"rate": P["gamma_0"], "step U": P["U"] + (t + 1 / d) * g / d * G,
         "at": X + P["beta"] * P["U"] * P["t_inverse"], "report ": X + P["U"] * P["t_inverse"]},
    ),
    "clipped": (sh.ClippedGradient(SGD, 2), {"rate": P["gamma_0"] * P["c_clip"] * sqrt(d / SQUARE)}),
    "momentum": (
        sh.Momentum(1, 2, 3),
        {"rate": P["gamma_0"], "step X": X - (P["gamma_2"] * G + g * P["M"]) / d,
         "step M": P["M"] + (G - P["delta_M"] * P["M"]) / d},
    ),
    "rmsprop-norm": (
        sh.RMSpropNorm(1, 2, 3, sh.Forgetting.AVERAGE),
        {"rate": P["eta"] / sqrt(B2), "more b_k^2": P["alpha"] / d * (SQUARE / d - B2), "first b_k^2": FIRST},
    ),
    "adagrad": (sh.AdaGrad(1, 2), {"rate": P["eta"], **ADAGRAD}),
    "rmsprop": (sh.RMSprop(1, 2, 3), {"rate": P["gamma_0"], **FORGETS}),
    "adam": (
        sh.Adam(1, 2, 3, 4),
        {"rate": P["gamma_0"], **FORGETS, "step X": X - g / d * P["M"] / sqrt(S),
         "step M": P["M"] + P["delta_M"] / d * (G - P["M"])},
    ),
    "line-search": (sh.LineSearch(), {}),
    "noisy-gradient": (
        sh.NoisyGradient(SGD, 2), {"rate": P["gamma_0"], "step X": X - g / d * (G + P["sigma"] * P["xi"])}
    ),
    "drifting": (
        sh.Drifting(SGD, 2), {"rate": P["gamma_0"], "step X_star": P["X_star"] + P["speed"] / d * P["xi_star"]}
    ),
    "dog": (
        sh.DoG(1, 2),
        {"rate": sqrt(P["r_k^2"] / P["G_k"]), "more r_k^2": MOVED - P["r_k^2"], "first r_k^2": P["r_0"] ** 2,
         "more G_k": SQUARE / d**2, "first G_k": P["G_0"] ** 2, **KEEPS},
    ),
    "d-adaptation": (
        sh.DAdaptation(1, 2),
        {"rate": P["gamma_D"] * P["D_k"], "more D_k": max(0, (MOVED - P["N_k"]) / (2 * sqrt(MOVED)) - P["D_k"]),
         "first D_k": P["D_0"], "more N_k": (P["D_k"] * P["gamma_D"] / d) ** 2 * SQUARE, "first N_k": 0, **KEEPS},
    ),
    "polyak": (sh.Polyak(), {}),
    "schedule": (sh.Schedule(sp.exp(-sh.t) / 3), {"rate": exp(-t) / 3}),
    "cosine": (sh.cosine(3, 5, 1), {"rate": 1 + 2 * (1 + 0) / 2}),  # half way
    "sign-sgd": (sh.SignSGD(1), {"rate": P["gamma_0"], "step X": X - g / d * copysign(1, G)}),
    "stochastic-polyak": (
        sh.StochasticPolyak(2, 3, 4),
        {"rate": min(P["g_max"], d * (P["sample_loss"] - P["f_least"]) / (P["c_P"] * SQUARE))},
    ),
    "distance-threshold": (sh.DistanceThreshold(0.5), {"multiple": 2 * P["fraction"]}),
    "risk-threshold": (sh.RiskThreshold(0.5), {"multiple": 2 * P["fraction"]}),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_a_rule_states_its_formula(name: str) -> None:
    rule, expected = STATED[name]
    assert stated(rule) == pytest.approx({**PLAIN, **expected}, rel=1e-13)


def test_maxima_and_clips_switch_over(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value, rule, part, expected in (
        ("r_k^2", 4.0, sh.DoG(1, 2), "more r_k^2", 0.0),
        ("N_k", 0.1, sh.DAdaptation(1, 2), "more D_k", (MOVED - 0.1) / (2 * sqrt(MOVED)) - P["D_k"]),
        ("D_k", 2.0, sh.DAdaptation(1, 2), "more D_k", 0.0),
        ("t", 9.0, sh.WarmUp(SGD, 2), "multiple", 1.0),
        ("c_clip", 5.0, sh.ClippedGradient(SGD, 2), "rate", P["gamma_0"]),
        ("g_max", 0.1, sh.StochasticPolyak(2, 3, 4), "rate", 0.1),
        ("sample_loss", 0.2, sh.StochasticPolyak(2, 3, 4), "rate", 0.0),
    ):
        with monkeypatch.context() as held:
            held.setitem(P, name, value)
            assert stated(rule)[part] == pytest.approx(expected, rel=1e-13)


def test_what_is_forgotten_in_the_other_ways() -> None:
    summed, fixed = (sh.RMSpropNorm(1, 2, 3, kind).memory[0] for kind in (sh.Forgetting.SUM, sh.Forgetting.FIXED))
    assert number(summed.increment) == pytest.approx(SQUARE / d**2 - P["alpha"] * B2 / d, rel=1e-13)
    assert number(fixed.increment) != pytest.approx(number(summed.increment), rel=1e-3)
    lagging = sh.Averaged(SGD)
    assert lagging.start == {}
    assert len(lagging.step) == 2
    assert sh.DelayedAdaGradNorm(1, 1).delayed
    assert not sh.AdaGradNorm(1, 1).delayed


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: sh.Averaged(sh.Averaged(SGD)), "the inner rule is averaged already"),
        (lambda: sh.Averaged(SGD, 0), "decay must be > 0"),
        (lambda: sh.DelayedAdaGradNorm(1, 1, 0), "power must be > 0"),
        (lambda: sh.DelayedAdaGradNorm(1, 1e-80, 2), r"b\*\*4 is about"),
        (lambda: sh.DAdaptation(0, 1), "speed must be > 0"),
        (lambda: sh.DAdaptation(1, 0), "d0 must be > 0"),
        (lambda: sh.DoG(1, 0), "b must be > 0"),
    ],
)
def test_ranges(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
    sh.DelayedAdaGradNorm(1, 1e-70, 2)
