"""What closed forms refuse, in their words: what they have no form of, and questions without an answer."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pytest
import sympy as sp

import symhigh as sh

LEAST = sh.least_squares(0.5)
TWO = sh.Spectrum.from_eigenvalues([1.5, 0.5]), sh.Start()


@cache
def free() -> Mapping[str, sh.Formula]:
    """Closed forms over a spectrum that is left open."""
    return sh.limits(LEAST, sh.Constant(0.3))


CASES: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "start without spectrum": (
        lambda: sh.limits(LEAST, sh.Constant(0.3), None, sh.Start()), ValueError, "a start is spread over a spectrum"
    ),
    "code of an open spectrum": (lambda: free()["rate"].python(), ValueError, "the spectrum is open"),
    "value of an open spectrum": (lambda: free()["rate"].evaluate(tau=1), ValueError, "is an average over a spectrum"),
    "C of a root": (
        lambda: sh.limits(sh.least_squares(), sh.LineSearch(), sh.Spectrum.from_eigenvalues([1, 2, 3, 5]))[
            "learning_rate"
        ].c(), ValueError, "have no C form",
    ),
    "name of a function": (lambda: free()["risk"].python("2x"), ValueError, "name must be an identifier"),
    "name that is no text": (lambda: free()["risk"].python(2), TypeError, "name must be an identifier"),
    "a schedule without limit": (
        lambda: sh.limits(LEAST, sh.Schedule(sp.Rational(1, 5) * (1 + sp.sin(sh.t) ** 2)), *TWO), ValueError,
        "no finite limit as t -> oo",
    ),
    "a rate of memory and time": (
        lambda: sh.limits(LEAST, sh.Modulated(sh.AdaGradNorm(1, 1), 1 / (1 + sh.t)), *TWO), ValueError,
        "depends on a memory and on the time",
    ),
    "fixed points under a schedule": (
        lambda: sh.fixed_points(sh.phase_retrieval(), sh.Schedule(1 / (1 + sh.t))), ValueError, "learning rate moves"
    ),
    "fixed points of two eigenvalues": (
        lambda: sh.fixed_points(sh.phase_retrieval(), sh.Constant(0.1), TWO[0]), ValueError, "K must be λI"
    ),
    "fixed points without a closed form": (
        lambda: sh.fixed_points(sh.logistic_regression(), sh.Constant(0.1)), ValueError, "without closed form"
    ),
    "many classes": (
        lambda: sh.limits(sh.DiagonalNetwork(0.1), sh.NetworkClasses([1.0] * 100, 1, 1, 0.5)), ValueError,
        "at most .* classes",
    ),
    "classes for a spectrum": (
        lambda: sh.limits(LEAST, sh.Constant(0.3), sh.NetworkClasses(1, 1, 1, 1)), TypeError, "no network"
    ),
    "spectrum for classes": (lambda: sh.limits(sh.DiagonalNetwork(0.1), *TWO), TypeError, "a network"),
    "no rule": (lambda: sh.limits(LEAST, 0.3), TypeError, "rule must be a learning-rate rule"),
    "a second spectrum": (
        lambda: sh.limits(LEAST, sh.Constant(0.3), TWO[0], sh.Spectrum.isotropic()), TypeError,
        "neither a spectrum nor a start",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_refusals(name: str) -> None:
    make, kind, words = CASES[name]
    with pytest.raises(kind, match=words):
        make()
