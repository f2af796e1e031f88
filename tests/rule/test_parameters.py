"""Every parameter of every algorithm, out of its range: refused at once, by the names of rule and argument."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp

import symhigh as sh

SGD = sh.Constant(0.5)
NEITHER = (float("nan"), float("inf"), 1 + 2j, sp.I, sp.nan, sp.oo, np.complex128(1 + 2j), 10**400)
"""No numbers of the reals, or none that doubles hold."""
NOT_A_NUMBER = ("1", None, [1, 2], True, object())
POSITIVE, NOT_NEGATIVE, SHARE = (0, -1, -0.5), (-1, sp.Rational(-1, 9)), (-0.1, 1, 1.5)
Made = Callable[[Any], Any]
TABLE: dict[str, tuple[Made, tuple[Any, ...]]] = {
    "Constant(gamma": (sh.Constant, POSITIVE),
    "AdaGradNorm(eta": (lambda v: sh.AdaGradNorm(v, 1), POSITIVE),
    "AdaGradNorm(b": (lambda v: sh.AdaGradNorm(1, v), POSITIVE),
    "Momentum(gamma": (lambda v: sh.Momentum(v, 1), POSITIVE),
    "Momentum(friction": (lambda v: sh.Momentum(1, v), POSITIVE),
    "Momentum(direct": (lambda v: sh.Momentum(1, 1, v), NOT_NEGATIVE),
    "Averaged(decay": (lambda v: sh.Averaged(SGD, v), POSITIVE),
    "ScheduleFree(gamma": (lambda v: sh.ScheduleFree(v, 0.9), POSITIVE),
    "ScheduleFree(beta": (lambda v: sh.ScheduleFree(1, v), SHARE),
    "NoisyGradient(sigma": (lambda v: sh.NoisyGradient(SGD, v), NOT_NEGATIVE),
    "Drifting(speed": (lambda v: sh.Drifting(SGD, v), NOT_NEGATIVE),
    "ClippedGradient(c": (lambda v: sh.ClippedGradient(SGD, v), POSITIVE),
    "ClippedCoordinates(c": (lambda v: sh.ClippedCoordinates(SGD, v), POSITIVE),
    "WeightDecay(kappa": (lambda v: sh.WeightDecay(SGD, v), NOT_NEGATIVE),
    "MiniBatch(m": (lambda v: sh.MiniBatch(SGD, v), (0, -2, 2.5, sp.Rational(1, 2))),
    "SignSGD(gamma": (sh.SignSGD, POSITIVE),
    "AdaGrad(eta": (lambda v: sh.AdaGrad(v, 1), POSITIVE),
    "AdaGrad(b": (lambda v: sh.AdaGrad(1, v), POSITIVE),
    "RMSprop(gamma": (lambda v: sh.RMSprop(v, 1, 1), POSITIVE),
    "RMSprop(alpha": (lambda v: sh.RMSprop(1, v, 1), POSITIVE),
    "RMSprop(b": (lambda v: sh.RMSprop(1, 1, v), POSITIVE),
    "Adam(gamma": (lambda v: sh.Adam(v, 1, 1, 1), POSITIVE),
    "Adam(friction": (lambda v: sh.Adam(1, v, 1, 1), POSITIVE),
    "Adam(alpha": (lambda v: sh.Adam(1, 1, v, 1), POSITIVE),
    "Adam(b": (lambda v: sh.Adam(1, 1, 1, v), POSITIVE),
    "adam_constants(beta1": (lambda v: sh.adam_constants(v, 0.9), SHARE),
    "adam_constants(beta2": (lambda v: sh.adam_constants(0.5, v), SHARE),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_parameter_out_of_its_range_is_refused_by_name(name: str) -> None:
    make, bad = TABLE[name]
    rule, argument = name.split("(")
    for value in (*bad, *NEITHER, *NOT_A_NUMBER):
        if name == "Averaged(decay" and value is None:
            continue  # the plain average
        with pytest.raises((ValueError, TypeError)) as found:
            make(value)
        said = str(found.value)
        assert rule in said, f"{name}={value!r}: {said}"
        assert argument in said, f"{name}={value!r}: {said}"


@pytest.mark.parametrize("name", [n for n in TABLE if n[0].isupper() and not n.startswith("MiniBatch")])
def test_values_put_in_later_are_checked_as_well(name: str) -> None:
    """A symbol stands for the parameter, and ``bind`` refuses what the constructor would."""
    make, bad = TABLE[name]
    symbol = sp.Symbol("value", real=True) if bad is SHARE else sp.Symbol("value", positive=True)
    system = sh.derive(sh.least_squares(0.5), make(symbol))
    with pytest.raises(ValueError, match=r"value|" + name.split("(")[1]):
        system.bind({symbol: bad[-1]})


def test_what_is_not_given_is_what_leaves_the_rule_plain() -> None:
    """The values of parameters that nobody gives, of every rule that has such."""
    assert (sh.Momentum(1, 1).direct, sh.Averaged(SGD).decay) == (0, None)
    assert (sh.ClippedCoordinates(SGD).c, sh.ClippedGradient(SGD).c, sh.Drifting(SGD).speed) == (1, 1, 0)
    assert (sh.MiniBatch(SGD).m, sh.Modulated(SGD).factor, sh.NoisyGradient(SGD).sigma) == (1, 1, 0)
    assert (sh.WarmUp(SGD).duration, sh.WeightDecay(SGD).kappa) == (1, 0)
    assert (sh.DistanceThreshold().fraction, sh.RiskThreshold().fraction) == (1, 1)
    assert sh.DelayedAdaGradNorm(1, 1).power == sp.Rational(1, 2)
    polyak = sh.StochasticPolyak()
    assert (polyak.cap, polyak.damping, polyak.least) == (None, sp.Rational(1, 2), 0)
    assert sh.RMSpropNorm(1, 1, 1).forgetting is sh.Forgetting.SUM
