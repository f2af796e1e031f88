"""Old names warn, name the new one, and give what it gives."""

import numpy as np
import pytest
import sympy as sp

import symhigh as sh

NETWORK = sh.DiagonalNetwork(0.4, 0.5)
CLASSES = sh.NetworkClasses([1, 0.4], [1, -0.5], 1.2, 0.2)


def test_the_network_names():
    with pytest.warns(FutureWarning, match=r"derive_network.* is an old name; use symhigh\.derive\(network\)"):
        limit = sh.derive_network(NETWORK)
    assert limit.sde == sh.derive(NETWORK).sde
    with pytest.warns(FutureWarning, match=r"use symhigh\.simulate\(network, None, classes"):
        runs = sh.simulate_network(NETWORK, CLASSES, 64, 1.0, 4, t=[0, 0.5, 1])
    again = sh.simulate(NETWORK, None, CLASSES, d=64, t_end=1.0, seeds=4, t=[0, 0.5, 1])
    np.testing.assert_array_equal(runs.risk, again.risk)
    curve = limit.solve(CLASSES, 1.1)
    with pytest.warns(FutureWarning, match=r"use symhigh\.compare\(curve, runs\)"):
        found = sh.compare_network(curve, runs, "risk")
    assert found.summary() == sh.compare(curve, runs, "risk").summary()


def test_several_directions():
    names, aims = sp.symbols("x_1 x_2", real=True), sp.symbols("y_1 y_2", real=True)
    problem = sh.MultiIndex(names, aims, (sum(names) - sum(aims)) ** 2 / 2)
    with pytest.warns(FutureWarning, match=r"use symhigh\.derive\(problem, rule\)"):
        system = sh.derive_several(problem, sh.Constant(0.5))
    assert system.content == sh.derive(problem, sh.Constant(0.5)).content


def test_the_old_simulator_makes_ten_runs_unless_told_otherwise():
    with pytest.warns(FutureWarning, match="simulate_network"):
        assert sh.simulate_network(NETWORK, CLASSES, 64, 0.1).risk.shape[0] == 10


def test_names_that_are_near_are_suggested():
    with pytest.raises(AttributeError, match=r"no attribute 'Spectra'; did you mean Spectrum") as caught:
        sh.Spectra  # noqa: B018
    with pytest.raises(AttributeError, match="did you mean") as many:
        sh.Momentums  # noqa: B018
    assert [str(c.value).count(" or ") <= 2 for c in (caught, many)] == [True, True]
    assert max(str(c.value).count(" or ") for c in (caught, many)) == 2
    with pytest.raises(AttributeError, match=r"no attribute 'qqqq'; dir\(symhigh\) lists the public names"):
        sh.qqqq  # noqa: B018
