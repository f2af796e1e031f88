"""Losses are looked at in points where no parameter is special, and rates may have poles there."""

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.derivation.gaussian.jumps import _roots
from symhigh.derivation.growth import _generic
from symhigh.symbols import OwnedSymbol


def test_unrelated_values_are_no_numbers_at_which_a_parameter_is_special():
    values = _generic({OwnedSymbol(f"a{k:02d}", positive=True) for k in range(40)}).values()
    assert len(set(values)) == 40
    assert all(0 < value < 1 and value.q > 4 for value in values)


@pytest.mark.parametrize(
    ("problem", "d"), [(sh.quantile(0.5, sh.Laplace(0.3)), 2000), (sh.relu_student(0.3), 2000)]
)
def test_sampled_rates_against_runs(problem, d):
    rule, population = sh.StochasticPolyak(1, 2), (sh.Spectrum.isotropic(), sh.Start(1, 1, 0.5))
    times = [0.5, 1.0]
    curve = sh.derive(problem, rule).solve(*population, t_end=1.0, t=times)
    runs = sh.simulate(problem, rule, *population, d=d, t_end=1.0, seeds=20, t=times)
    error = runs.risk.std(axis=0) / np.sqrt(20)
    assert (np.abs(runs.risk.mean(axis=0) - curve.risk) < 5 * error + 1e-3 * curve.risk).all()


def test_boundaries_of_rates_that_are_infinite_where_the_slope_vanishes():
    found = _roots(1 / (1 - sp.tanh(sh.x) ** 2) - 3, sh.x)  # tanh is 1 to all digits far out
    assert [float(root) for root in found] == pytest.approx([-np.arctanh((2 / 3) ** 0.5), np.arctanh((2 / 3) ** 0.5)])


def test_degrees_of_freedom_that_are_a_gaussian_are_refused():
    with pytest.raises(ValueError, match=r"StudentT\(dof=1000000.0\).*Gaussian"):
        sh.StudentT(1e6)
