"""What an experiment finds: checks at their times, the verdict, what went wrong, and how far a run has come."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.files.experiment import Expected
from symhigh.objects.experiment import Outcome, _in_short

SPECTRUM, START = sh.Spectrum.from_eigenvalues([1, 0.5]), sh.Start(0, 1)
RISK = sh.derive(sh.least_squares(0.5), sh.Constant(0.3)).solve(SPECTRUM, START, 2, t=[0, 0.7, 2]).risk


def stated(**given: Any) -> sh.Experiment:
    return sh.Experiment(sh.least_squares(0.5), sh.Constant(0.3), (SPECTRUM, START), 2, **given)


def test_checks_are_made_at_their_times() -> None:
    near = {"within": 1e-6}
    found = stated(
        times=[0, 1],
        expected=[
            Expected("risk", equals=float(RISK[2]), **near), Expected("risk", at=0.7, equals=float(RISK[1]), **near),
            Expected("risk", at=0, equals=float(RISK[0]), **near),
            Expected("risk", at=0.7, equals=float(RISK[2]), **near),
            Expected("excess_risk", at=0, equals=float(RISK[0]) - 0.125, **near),
        ],
    ).run()  # fmt: skip
    # no time of the curve is the end of the horizon here, so what is asked of the end does not hold
    assert list(found.checks.values()) == [False, True, True, False, True]
    assert found.curve.t.tolist() == [0, 0.7, 1]
    assert list(stated(expected=[Expected("risk", equals=float(RISK[2]), **near)]).run().checks.values()) == [True]
    assert stated().run().curve.t.tolist() == np.linspace(0, 2, 201).tolist()


def test_outputs_that_there_are_not_are_refused_before_anything_is_simulated() -> None:
    for given in ({"expected": [Expected("rsik", below=1)]}, {"agree": ["rsik"], "dimensions": 10**9}):
        with pytest.raises(ValueError, match=r"Experiment\(output='rsik'\): the limit has risk.*, excess_risk"):
            stated(**given).run()
    assert stated(agree=["rsik"]).run().passed  # nothing is simulated


def test_a_sweep_is_run_one_by_one() -> None:
    with pytest.raises(ValueError, match=r"this is a sweep; run each of its variants\(\)"):
        stated(sweep={"rule.gamma": [0.1]}).run()


def test_progress_grows_to_one_by_the_square_of_the_dimension() -> None:
    told: list[float] = []
    found = stated(dimensions=(8, 16), seeds=3, agree=False).run(progress=told.append)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    assert any(t == pytest.approx(0.2) for t in told)  # 8² of 8² + 16²
    assert [r.d for r in found.runs] == [8, 16]
    assert found.comparison is None
    assert found.verdict["experiment"]["seeds"] == 3
    assert found.verdict["comparison"] is None


def test_the_verdict_holds_what_was_found() -> None:
    given = stated(dimensions=64, seeds=8, agree=["risk"], alarm=0.001, expected=[Expected("risk", below=9)], name="n")
    found = given.run()
    verdict = found.verdict
    assert found.checks == {"risk < 9": True, "the limit agrees with runs at d = 64": True}
    assert (verdict["name"], verdict["passed"], verdict["problems"], verdict["checks"]) == ("n", True, [], found.checks)
    assert found.comparison is not None
    assert verdict["comparison"] == found.comparison.summary()
    assert "at most 0.001" in verdict["comparison"]
    assert verdict["final"]["risk"] == pytest.approx(RISK[2])
    stated_there = verdict["experiment"]
    assert (stated_there["t_end"], stated_there["dimensions"], stated_there["seeds"]) == (2, [64], 8)
    assert len(stated_there["population"]) == 2
    assert stated().run().verdict["experiment"]["seeds"] == 0
    assert (found.files, len(found.plot().axes)) == ((), 2)


def test_what_went_wrong_is_told_and_fails() -> None:
    found = stated(dimensions=16, seeds=3, agree=False, expected=[Expected("risk", above=9)]).run()
    assert not found.passed
    assert found.summary().splitlines() == ["experiment: failed", "  ✗ risk > 9"]
    assert repr(found).startswith("Outcome(failed; 1 checks; ")
    assert "<td>failed</td><td>risk &gt; 9</td>" in found._repr_html_()
    good = replace(found, checks={"all": True})
    assert good.passed
    assert str(good).splitlines() == ["experiment: passed", "  ✓ all"]
    (runs,) = found.runs
    for changed, words in (
        ({"curve": replace(found.curve, complete=False, message="ends at t = 1")}, "the limit ends at t = 1"),
        ({"runs": (replace(runs, messages={0: "diverged", 2: "diverged"}),)}, "2 of 3 runs at d = 16 diverged"),
        ({"runs": (replace(runs, complete=False),)}, "the runs at d = 16 were interrupted"),
    ):
        wrong: Outcome = replace(good, **changed)
        assert wrong.problems == (words,)
        assert not wrong.passed
        assert wrong.summary().endswith(f"  ✗ {words}")
        assert f"<td>failed</td><td>{words}</td>" in wrong._repr_html_()


def test_texts_and_files_are_read_and_what_is_neither_is_refused(tmp_path: Path) -> None:
    text = stated().to_toml()
    (tmp_path / "e.toml").write_text(text)
    for source in (text, tmp_path / "e.toml", str(tmp_path / "e.toml")):
        assert sh.Experiment.from_toml(source).to_toml() == text
    (tmp_path / "wrong.toml").write_bytes(b"\xff\xfe")
    for path, words in (("none.toml", "read: No such file"), ("wrong.toml", "cannot be read: not UTF-8 text")):
        with pytest.raises(ValueError, match=words):
            sh.Experiment.from_toml(tmp_path / path)
    with pytest.raises(TypeError, match="source must be a path, or TOML text"):
        sh.Experiment.from_toml(3)  # type: ignore[arg-type]
    long = sh.NetworkClasses(*([np.linspace(0.1, 1, 40)] * 4))
    assert len(_in_short(long)) <= 300
    assert _in_short(START) == "Start()" or "Start(" in _in_short(START)


def test_a_phase_diagram_needs_a_population_for_curves() -> None:
    a, b = sp.symbols("a b", positive=True)
    system = sh.derive(sh.least_squares(b), sh.Constant(a))
    axes = ("a", [0.1, 0.2]), ("b", [0.3, 0.4])
    for given, missing in (({}, "spectrum"), ({"start": START}, "spectrum"), ({"spectrum": SPECTRUM}, "start")):
        with pytest.raises(TypeError, match=rf"phase_diagram\({missing}=None\): curves need one; give a Spectrum and"):
            sh.phase_diagram(system, *axes, t_end=1, **given)
    with pytest.raises(TypeError, match="system must be a limit"):
        sh.phase_diagram(sh.least_squares(), *axes)
