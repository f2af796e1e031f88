"""Runs that no machine of this size can hold are refused before the first of them is begun."""

import numpy as np
import pytest

import symhigh as sh
from symhigh.simulation import capacity

LINE = sh.least_squares(0.5), sh.Constant(0.5)
POPULATION = sh.Spectrum.power_law(beta=0.2), sh.Start()


def test_runs_that_do_not_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "memory", lambda: 2**21)
    with pytest.raises(ValueError, match=r"d=20000\): 2 direct runs at once .* d must be <=") as told:
        sh.simulate(*LINE, *POPULATION, d=20_000, t_end=1e-4, seeds=2, threads=2)
    most = int(str(told.value).split("<= ")[1].split()[0])
    assert sh.simulate(*LINE, *POPULATION, d=most, t_end=1e-4, seeds=2, threads=2).d == most
    assert sh.simulate(*LINE, *POPULATION, d=most + 1, t_end=1e-4, seeds=2, threads=1).d == most + 1
    chain = sh.simulate(*LINE, sh.Spectrum.isotropic(), sh.Start(), d=10**9, t_end=1e-8, seeds=2)
    assert chain.d == 10**9


def test_what_a_run_holds_is_no_more_than_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrays of a run by Python's own count, against the room at which it is refused."""
    import tracemalloc

    d = 200_000
    sh.simulate(*LINE, *POPULATION, d=d, t_end=1 / d, seeds=1)  # what is made once
    tracemalloc.start()
    sh.simulate(*LINE, *POPULATION, d=d, t_end=1 / d, seeds=1)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    monkeypatch.setattr(capacity, "memory", lambda: held)
    with pytest.raises(ValueError, match="d must be <="):
        sh.simulate(*LINE, *POPULATION, d=int(1.5 * d), t_end=1 / d, seeds=1)
    monkeypatch.setattr(capacity, "memory", lambda: int(np.ceil(1.5 * held)))
    assert sh.simulate(*LINE, *POPULATION, d=d, t_end=1 / d, seeds=1).d == d
