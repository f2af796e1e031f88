"""The second curve of the same objects is one call of compiled code: it has the bits of the first, and its refusals."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.compiler import compiler
from symhigh.integration import repeat

pytestmark = pytest.mark.skipif(compiler() is None, reason="plain curves are integrated by compiled C")

ATOMS = sh.Spectrum.from_eigenvalues([0.3, 1.0, 2.5], [0.5, 0.3, 0.2])
SYSTEMS = {
    "least squares": (sh.least_squares(noise=0.5), sh.Constant(0.5), sh.Start(), 10.0),
    "AdaGrad-Norm": (sh.least_squares(noise=0.5), sh.AdaGradNorm(eta=1, b=0.1), sh.Start(x0=0.3), 10.0),
    "logistic": (sh.logistic_regression(), sh.Constant(0.7), sh.Start(), 5.0),
    "logistic near": (sh.logistic_regression(), sh.Constant(0.7), sh.Start(x0=1, overlap=0.9), 5.0),
    "momentum": (sh.least_squares(noise=0.1), sh.Momentum(0.3, 1), sh.Start(), 5.0),
    "schedule": (sh.least_squares(noise=0.1), sh.Schedule(1 / (1 + sh.t)), sh.Start(), 5.0),
    "jumps": (sh.least_squares(noise=0.1), sh.Schedule(1 / (1 + sp.floor(sh.t))), sh.Start(), 5.0),
    "diverging": (sh.least_squares(), sh.Constant(3.0), sh.Start(), 500.0),
    "no steps left": (sh.least_squares(), sh.Constant(1.0), sh.Start(), 50.0),
}
PLAIN = {"least squares", "AdaGrad-Norm", "logistic", "momentum", "schedule", "diverging", "no steps left"}


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_repeated_curve_has_the_bits_of_the_first(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, rule, start, end = SYSTEMS[name]
    system = sh.derive(problem, rule)
    given: dict[str, Any] = {"t": [0.0, 0.1, 1.0, end], "rtol": 1e-9}
    if name == "no steps left":
        given["budget"] = 3
    curves, plain = [], []
    monkeypatch.setattr(repeat, "_curve", lambda *a, own=repeat._curve: plain.append(own(*a)) or plain[-1])
    for _ in range(3):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            curves.append((system.solve(ATOMS, start, end, **given), [str(w.message) for w in said]))
    first, words = curves[0]
    assert bool([c for c in plain if c is not None]) == (name in PLAIN)
    for curve, again in curves[1:]:
        assert (curve.message, curve.complete, curve.statistics, again) == (
            first.message, first.complete, first.statistics, words
        )  # fmt: skip
        assert curve.t.tobytes() == first.t.tobytes()
        assert {k: v.tobytes() for k, v in curve.outputs.items()} == {k: v.tobytes() for k, v in first.outputs.items()}
    assert bool(first.message) == (name in ("diverging", "no steps left"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"t_end": -1.0}, "t_end must be"),
        ({"t_end": np.inf}, "t_end must be"),
        ({"rtol": 0.0}, "rtol must be"),
        ({"rtol": "1e-8"}, "rtol must be"),
        ({"atol": -1.0}, "atol must be"),
        ({"t": [0.0, 2.0, 1.0]}, "must increase"),
        ({"t": np.array([0.0, 1.0, 11.0])}, "must increase"),
        ({"t": np.array([0.0, np.nan])}, "t must be finite"),
        ({"t": np.zeros((2, 2))}, "t has shape"),
        ({"t": np.zeros(0)}, "t has shape"),
        ({"budget": 0}, "budget must be"),
        ({"until": "never"}, "not an event"),
        ({"steady": -1.0}, "steady must be"),
        ({"target": "C"}, "target must be"),
    ],
)
def test_a_repeated_curve_is_refused_as_the_first_would_be(given: dict[str, Any], words: str) -> None:
    system = sh.derive(sh.least_squares(noise=0.5), sh.Constant(0.5))
    start = sh.Start()
    arguments = {"t_end": 10.0, **given}
    with pytest.raises((ValueError, TypeError)) as first:
        system.solve(ATOMS, start, **arguments)
    for _ in range(2):
        system.solve(ATOMS, start, 10.0)
    with pytest.raises(type(first.value), match=words) as later:
        system.solve(ATOMS, start, **arguments)
    assert str(later.value) == str(first.value)


def test_a_schedule_is_checked_up_to_every_end() -> None:
    system = sh.derive(sh.least_squares(), sh.Schedule(1 - sh.t / 5))
    start = sh.Start()
    for _ in range(2):
        system.solve(ATOMS, start, 4.0)
    with pytest.raises(ValueError, match="learning rate is"):
        system.solve(ATOMS, start, 10.0)


def test_numbers_changed_in_place_are_seen() -> None:
    spectrum, start = sh.Spectrum.from_eigenvalues([1.0, 2.0]), sh.Start()
    system = sh.derive(sh.least_squares(noise=0.5), sh.Constant(0.5))
    before = [system.solve(spectrum, start, 3.0).risk[-1] for _ in range(2)]
    spectrum.values[1] = 1.0
    after = [system.solve(spectrum, start, 3.0).risk[-1] for _ in range(2)]
    other = sh.derive(sh.least_squares(noise=0.5), sh.Constant(0.5)).solve(sh.Spectrum.isotropic(), sh.Start(), 3.0)
    assert before[0] == before[1] != after[0] == after[1]
    assert after[0] == pytest.approx(other.risk[-1], rel=1e-7)


def test_results_are_their_own_and_threads_do_not_meet() -> None:
    system, start = sh.derive(sh.least_squares(noise=0.5), sh.Constant(0.5)), sh.Start()
    times = np.linspace(0, 10, 57)
    kept = system.solve(ATOMS, start, 10.0, times)
    with ThreadPoolExecutor(4) as pool:
        curves = list(pool.map(lambda k: system.solve(ATOMS, start, 10.0, times, rtol=10.0 ** -(4 + k % 4)), range(64)))
    alone = [system.solve(ATOMS, start, 10.0, times, rtol=10.0 ** -(4 + k)) for k in range(4)]
    for k, curve in enumerate(curves):
        assert curve.risk.tobytes() == alone[k % 4].risk.tobytes()
    kept.outputs["risk"][:] = -1.0
    times[:] = 0.0
    assert curves[0].t[-1] == 10.0
    assert (alone[0].risk > 0).all()
