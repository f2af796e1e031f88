"""Long calls say what they are at; searches end within their budget; warnings name the caller's line."""

import threading
import time
import warnings

import pytest
import sympy as sp

import symhigh as sh
from symhigh import telling
from symhigh.closed import fixed_points, limits
from symhigh.derivation import limit


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "PATIENCE", 0.02)


@telling.telling
def outer(nap: float) -> None:
    telling.stage("asleep in", sp.Symbol("bed"))
    inner(nap)


@telling.telling
def inner(nap: float) -> None:
    time.sleep(nap)


@pytest.mark.usefixtures("impatient")
def test_only_the_outermost_call_speaks_and_says_its_stage(capsys: pytest.CaptureFixture[str]) -> None:
    outer(0.2)
    lines = capsys.readouterr().err.splitlines()
    assert lines
    assert all(line.startswith("symhigh: outer: 0 s so far, asleep in bed") for line in lines)
    assert len(lines) < 6  # at growing times


def test_times_between_lines_grow_fourfold_up_to_a_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(telling.time, "monotonic", lambda: now[0])
    work = telling.Work("solve", True, True)
    spoken, waits = [], []
    for spent in range(0, 301):
        now[0] = 100.0 + spent
        waits.append(work.wait)
        work.speak_when_due()
        if capsys.readouterr().err:
            spoken.append(spent)
    assert spoken == [2, 8, 32, 92, 152, 212, 272]
    assert waits[:4] == [2, 1, 0, 5]
    assert waits[92:94] == [0, 59]
    now[0] = 1000.0
    assert work.wait == 0
    hushed = telling.Work("solve", False, True)
    now[0] = 1003.0
    hushed.speak_when_due()
    assert capsys.readouterr().err == ""
    assert hushed.wait == 5


@pytest.mark.parametrize(("length", "shown"), [(100, 100), (101, 98), (300, 98)])
def test_long_stages_are_cut(length: int, shown: int) -> None:
    with telling.at_work("solve", watched=False):
        telling.stage("x" * length)
        assert len(telling.at_stage()) == shown
        assert telling.at_stage().endswith("…") == (length > 100)
    assert telling.at_stage() == ""


@pytest.mark.usefixtures("impatient")
def test_a_call_inside_one_that_tells_its_progress_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with telling.at_work("solve", speaks=False):
        outer(0.1)
    with telling.at_work("long"), telling.at_work("solve", speaks=False):
        time.sleep(0.1)
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("impatient")
def test_a_call_that_is_not_watched_speaks_where_it_tells_its_stage(capsys: pytest.CaptureFixture[str]) -> None:
    count = threading.active_count()
    with telling.at_work("solve", watched=False):
        assert threading.active_count() == count
        time.sleep(0.1)
        assert capsys.readouterr().err == ""
        telling.stage("at t =", 2)
    assert capsys.readouterr().err.startswith("symhigh: solve: 0 s so far, at t = 2")


@pytest.mark.usefixtures("impatient")
def test_a_long_stage_of_a_call_that_is_not_watched_speaks(capsys: pytest.CaptureFixture[str]) -> None:
    with telling.at_work("solve", watched=False):
        time.sleep(0.1)
        assert capsys.readouterr().err == ""
        with telling.long_stage("compiling"):
            time.sleep(0.2)
    assert "solve: 0 s so far, compiling" in capsys.readouterr().err


@pytest.mark.usefixtures("impatient")
def test_threads_speak_for_themselves_and_leave_none_behind(capsys: pytest.CaptureFixture[str]) -> None:
    count = threading.active_count()
    threads = [threading.Thread(target=outer, args=(0.1,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(0.2)
    assert threading.active_count() <= count
    assert capsys.readouterr().err.count("outer") >= 3


def test_simulations_tell_how_far_they_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "PATIENCE", 0.001)
    sh.simulate(
        sh.least_squares(0.5), sh.Constant(0.1), sh.Spectrum.isotropic(), sh.Start(), d=20_000, t_end=0.2, seeds=2,
        method="direct",
    )
    assert "simulate: 0 s so far" in capsys.readouterr().err


def test_a_derivation_says_where_its_budget_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "SECONDS", 0.02)
    problem = sh.Problem(sp.log(sp.cosh(sh.x - sh.x_star - sh.eps)) * sp.Rational(997, 991), noise=0.3)
    with pytest.raises(TimeoutError, match=r"derive: .* no limit after 0.02 s of work"):
        sh.derive(problem, sh.Constant(0.1))


def test_closed_forms_say_that_their_budget_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SECONDS", 1e-4)
    system = sh.derive(sh.huber(0.37, 0.41), sh.Constant(0.2))
    with pytest.raises(ValueError, match=r"no answer in 0.0001 s of work"):
        system.limits()


def test_fixed_points_found_within_the_budget_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixed_points, "SECONDS", 0.05)
    found = sh.fixed_points(sh.absolute_phase_retrieval(), sh.Constant(0.37))
    assert not found.complete
    assert found.message.startswith("stopped after 0.05 s of work")


def test_warnings_name_the_line_of_the_caller() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sh.derive(sh.least_squares(), sh.Constant(3.0)).solve(sh.Spectrum.isotropic(), sh.Start(), t_end=1e4)
        sh.limits(sh.least_squares(), sh.Constant(0.3), sh.Spectrum.from_eigenvalues([1.0, 1e-3, 1e-3]))
        sh.simulate(
            sh.least_squares(), sh.Constant(9.0), sh.Spectrum.isotropic(), sh.Start(), d=50, t_end=500.0, seeds=2
        )
    assert len(caught) >= 2
    assert {w.filename for w in caught} == {__file__}
