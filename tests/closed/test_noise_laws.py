"""Closed forms under other noise laws than Gaussian: linear modes see the variance alone, whatever the rate."""

from __future__ import annotations

import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.noise import has_noise
from symhigh.symbols import t

HALF = sp.Rational(1, 2)
LOSS = (sh.x - sh.x_star - sh.eps) ** 2 / 2
LAWS = {
    "laplace": sh.Laplace(HALF),
    "signs": sh.Rademacher(sp.sqrt(HALF)),
    "student": sh.StudentT(6, 1 / sp.sqrt(3)),
    "contaminated": sh.Contaminated(sh.Gaussian(sp.sqrt(HALF)), sh.Laplace(HALF), sp.Rational(1, 3)),
}
"""All of variance 1/2."""
RULES = {
    "memory": sh.AdaGradNorm(1, 1),
    "greedy": sh.LineSearch(),
    "falling": sh.Schedule(1 / (1 + t)),
    "constant": sh.Constant(HALF),
}
POPULATION = sh.Spectrum.from_eigenvalues([HALF, 1, 2]), sh.Start()


def values(noise: object, rule: sh.Rule) -> dict[str, float]:
    found = sh.derive(sh.Problem(LOSS, noise), rule).limits(*POPULATION)
    at = {"t": 50.0, "d": 400.0, "lambda": 1.0}
    return {n: float(f.evaluate(**{s.name: at[s.name] for s in f.symbols})) for n, f in found.items()}


SLOW = [pytest.param(law, marks=pytest.mark.slow) for law in LAWS if law != "laplace"]


@pytest.mark.parametrize("law", ["laplace", *SLOW])
@pytest.mark.parametrize("rule", RULES)
def test_linear_modes_see_the_variance(rule: str, law: str) -> None:
    gaussian, found = values(sp.sqrt(HALF), RULES[rule]), values(LAWS[law], RULES[rule])
    own = {"risk_variance", "risk_distance_covariance", "distance_variance", "risk_bias"}  # fourth moments too
    assert set(gaussian) - own == set(found) - own
    for name in set(found) - own:
        assert found[name] == pytest.approx(gaussian[name], rel=1e-12), name


def test_a_law_is_noise() -> None:
    assert has_noise(sh.derive(sh.Problem(LOSS, LAWS["laplace"]), RULES["constant"]))
    assert not has_noise(sh.derive(sh.Problem(LOSS), RULES["constant"]))
    assert not has_noise(sh.derive(sh.Problem((sh.x - sh.x_star) ** 2, LAWS["laplace"]), RULES["constant"]))
