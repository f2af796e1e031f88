"""Bounded runs of the fuzzers; the long ones are ``-m slow``, or ``python -m tests.fuzz``."""

import os
import signal
from collections.abc import Iterator

import pytest

import symhigh as sh
from tests.fuzz import run, texts, watch
from tests.fuzz.hostile import CANARY, VALUES
from tests.fuzz.targets import Target


def test_hostile_values_are_many_and_distinct() -> None:
    assert len(VALUES) >= 68


def test_public_callables_answer_hostile_values() -> None:
    report = run.fuzz_api(None, seed=0, slow=False, stride=9)
    assert not report.faults, "\n".join(report.faults[:20])
    assert sum(report.counts.values()) > 1000


def test_the_command_line_answers_hostile_options() -> None:
    report = run.fuzz_commands(25, seed=0)
    assert not report.faults, "\n".join(report.faults[:20])


def test_edited_texts_are_read_or_refused() -> None:
    report = texts.fuzz_texts(700, seed=0)
    assert not report.faults, "\n".join(report.faults[:20])
    assert report.counts.keys() == {"read", "refused"}
    assert min(report.counts.values()) > 100


@pytest.mark.slow
def test_a_hundred_thousand_inputs() -> None:
    for report in (run.fuzz_api(100_000, seed=0), run.fuzz_commands(2000, seed=0), texts.fuzz_texts(20_000, seed=0)):
        assert not report.faults, "\n".join(report.faults[:20])


PLANTED = {
    "executes": (lambda value: eval(value) if isinstance(value, str) else 1 / 0, "executed"),
    "lets in": (lambda value: 1, "let in"),
    "accident": (lambda value: value.nothing, "AttributeError"),
    "no owner": (lambda value: float("x"), "names no owner"),
    "hangs": (lambda value: [None for _ in iter(int, 1)], "no answer"),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_faults_are_found(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    call, words = PLANTED[kind]
    monkeypatch.setattr(run, "SECONDS", 0.2)
    report = run.Report()
    run.examine(Target("planted", call, {"value": 1.0}, ("value",)), {"value": "code"}, report)
    CANARY.clear()
    assert any(words in fault for fault in report.faults), report.faults


WRONG = {
    "executes": (lambda data: str(eval(data)), "executed"),
    "accident": (lambda data: data.nothing, "AttributeError"),
    "no owner": (lambda data: f"{float(data)}", "names no owner"),
    "says another": (lambda data: "read as another", "read as another"),
    "hangs": (lambda data: str([None for _ in iter(int, 1)]), "no answer"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_readers_of_texts_are_found(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read, words = WRONG[kind]
    monkeypatch.setattr(texts, "SECONDS", 0.2)
    report = watch.Report()
    texts.examine(texts.Reader("planted", (), read, "paper.toml"), VALUES["code"]().encode(), report)
    CANARY.clear()
    assert any(words in fault for fault in report.faults), report.faults


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_ended_keeps_what_it_found(number: int) -> None:
    """Also where a library swallows the exception that the signal's handler raises."""

    def inputs() -> Iterator[int]:
        yield from range(10)

    for swallowed in (False, True):
        report = watch.Report()
        with watch.stoppable(report):
            for item in watch.watched(inputs(), report):
                report.add("refused", f"fault {item}")
                if item == 3:
                    try:
                        os.kill(os.getpid(), number)
                    except BaseException:
                        if not swallowed:
                            raise
        assert report.faults == [f"fault {k}" for k in range(4)]
        assert report.stopped == number
        assert signal.Signals(number).name in str(report)


def test_progress_is_said_between_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "EVERY", 0.0)
    lines: list[str] = []
    report = watch.Report()
    for item in watch.watched(range(2), report, lines.append):
        report.add("refused", "the second is wrong" if item else "")
    assert "1 inputs" in lines[0]
    assert lines[1] == "fault: the second is wrong"
    assert "2 inputs" in lines[2]


def test_every_public_callable_is_a_target() -> None:
    from tests.fuzz.targets import targets

    named = {t.name.split(",")[0].split(".")[0] for t in targets()}
    results = {
        "Attempt",
        "Curve",
        "DensitySystem",
        "MomentSystem",
        "NetworkCurve",
        "ParticleSystem",
        "Escape",
        "OptimalSchedule",
        "ExactMean",
        "FluctuationEquations",
        "Fluctuations",
        "FixedPoint",
        "EffectiveDimensionWarning",
        "Population",
        "Runs",
        "Sweep",
        "Comparison",
        "ErrorSlope",
        "ManyCurves",
        "PhaseDiagram",
        "Ledger",
        # tested on their own:
        *("adam_constants", "best_momentum", "best_rate", "cite", "compute_optimal"),
        *("escape", "exact_mean", "optimal_schedule", "ClippedGradient"),
    }
    ledger = {
        "Claim",
        *("asymptotic", "derive_network", "derive_several", "simulate_network"),
        "compare",
        "compare_network",
        "integrated",
        "numeric",
        "simulation",
        "symbolic",
        "error_slope",
        "verify",
    }  # statements of the ledger have tests there
    bare = {
        "absolute_phase_retrieval",
        "phase_retrieval",
        "LineSearch",
        "Polyak",
        "Rule",
        "Forgetting",
        "sweep",
    }
    missing = {n for n in sh.__all__ if callable(getattr(sh, n))} - named - results - ledger - bare
    missing -= {
        n for n in missing if not isinstance(getattr(sh, n), type) and n in ("t", "x", "x_star", "eps", "y")
    }
    assert not missing, sorted(missing)
