"""The two fuzzers: hostile values at every argument of every public callable, and hostile command lines.

    python -m tests.fuzz api --count 100000 --seed 0
    python -m tests.fuzz commands --count 1000 --seed 0

Every input must be answered: by a result, or by an error whose message names the callable and the argument. Nothing
may be executed, let in, or hang. What an input is follows from the seed alone.
"""

from __future__ import annotations

import random
import signal
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager
from itertools import chain, islice
from typing import Any

from tests.fuzz.hostile import CANARY, INFINITE, NO_NUMBERS, VALUES
from tests.fuzz.results import result_targets
from tests.fuzz.targets import Target, targets
from tests.fuzz.watch import Report, Stopped, stoppable, watched

SECONDS = 20.0
ANSWERS = (ValueError, TypeError, ArithmeticError, FileNotFoundError)
"""What a wrong argument may raise. KeyError, IndexError, AttributeError, RecursionError, … are accidents."""


class Hang(BaseException):
    """An input that is not answered in time."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise :class:`Hang` after so many seconds, in the main thread of a system with alarms."""

    def ring(*_: Any) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def singles(chosen: Sequence[Target]) -> Iterator[tuple[Target, dict[str, str]]]:
    """Every value at every argument, one at a time."""
    for target in chosen:
        for argument in target.arguments:
            for name in VALUES:
                yield target, {argument: name}


def pairs(chosen: Sequence[Target], seed: int) -> Iterator[tuple[Target, dict[str, str]]]:
    """Without end: values at one to three arguments, drawn."""
    draw = random.Random(seed)
    names = list(VALUES)
    while True:
        target = draw.choice(chosen)
        count = min(len(target.arguments), draw.choice((1, 2, 2, 3)))
        yield (
            target,
            {argument: draw.choice(names) for argument in draw.sample(list(target.arguments), count)},
        )


def examine(target: Target, hostile: dict[str, str], report: Report) -> None:
    """One call; its answer is counted, its faults are kept."""
    where = f"{target.name}({', '.join(f'{k}=<{v}>' for k, v in hostile.items())})"
    arguments = target.arguments | {name: VALUES[value]() for name, value in hostile.items()}
    before, begin = len(CANARY), time.monotonic()
    try:
        with limited(SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            target.call(**arguments)
    except Stopped:
        raise
    except Hang:
        return report.add("hanging", f"{where}: no answer in {SECONDS:g} s")
    except (*ANSWERS, KeyError) as error:
        if isinstance(error, KeyError) and " " not in str(error.args[0]):  # no name that is refused in words
            return report.add("accidents", f"{where}: {error!r}")
        if target.name == "within" and "function" in hostile:  # what the function itself raises is passed on
            return report.add("the caller's own")
        report.add("refused", _unowned(target, hostile, where, error))
    except BaseException as error:
        if "caller's own" in str(error):  # a function given by the caller raised
            return report.add("the caller's own")
        report.add("accidents", f"{where}: {type(error).__name__}: {str(error)[:200]}")
    else:
        wrong = [n for n, v in hostile.items() if n in target.numbers and v in NO_NUMBERS]
        wrong = [n for n in wrong if not (hostile[n] == "None" and n in target.optional)]
        wrong = [n for n in wrong if not (hostile[n] in INFINITE and n in target.infinite)]
        report.add("answered", f"{where}: let in" if wrong else "")
    finally:
        report.took(time.monotonic() - begin, where)
        if len(CANARY) > before:
            report.faults.append(f"{where}: text was executed")
    return None


def _unowned(target: Target, hostile: dict[str, str], where: str, error: BaseException) -> str:
    """What the message lacks: the callable's name, the argument's, or brevity."""
    text = str(error)
    owners = (target.name.split(",")[0], target.name.split(".")[-1], *target.owners)
    if not any(owner in text for owner in owners):
        return f"{where}: names no owner: {type(error).__name__}: {text[:200]}"
    if not any(name in text for name in hostile) and not any(owner in text for owner in target.owners):
        return f"{where}: names no argument: {text[:200]}"
    return f"{where}: a message of {len(text)} characters" if len(text) > 1200 else ""


def fuzz_api(
    count: int | None,
    seed: int,
    slow: bool = True,
    stride: int = 1,
    say: Callable[[str], None] = lambda line: None,
) -> Report:
    """All single values (every ``stride``-th, from ``seed``), then drawn ones up to ``count`` inputs in all."""
    chosen = [t for t in (*targets(), *result_targets()) if slow or not t.slow]
    report = Report()
    first = islice(singles(chosen), -seed % stride, None, stride)
    inputs = first if count is None else islice(chain(first, pairs(chosen, seed)), count)
    with stoppable(report):
        for target, hostile in watched(inputs, report, say):
            examine(target, hostile, report)
    return report


# --- the command line -------------------------------------------------------------------------------------
WORDS = (
    "nan", "inf", "-1", "0", "1e308", "1e-320", "1", "0.5", "2", "20", "x", "",
    "__import__('builtins').CANARY.append(1)",
    "9" * 400, "1,2", "1,,2", "--", "-h", "\0", "Σ", "1j", "../..", "/dev/null/x", "t", "exp(-t)",
    "9**9**9", "1/0", "true",
)  # fmt: skip


def command_line(draw: random.Random) -> list[str]:
    """Options of the command line with values that fit or do not."""
    from symhigh.cli.options import statement_options
    from symhigh.registry import LAWS, LOSSES, RULES

    real, rest = ("derive", "limits", "run", "simulate", "export"), ("names", "verify", "figure", "nonsense")
    command = draw.choice(3 * real + rest)
    words: list[str] = [command]
    if command in ("verify", "figure", "names", "nonsense"):
        words += {"verify": ["."], "figure": ["high-line/9"]}.get(command, [])  # neither every claim nor Figure 1
        return words + [
            draw.choice(("no/such", "--html", "--seed", "--out", "2", "--json", *WORDS))
            for _ in range(draw.randint(1, 3))
        ]
    quick = [
        n for n, e in LOSSES.items() if e.function.__name__ in ("least_squares", "huber", "phase_retrieval")
    ]
    bases = [n for n, e in RULES.items() if not e.wraps and n not in ("stochastic-polyak", "d-adaptation")]
    if draw.random() < 0.8:
        words += ["--loss", draw.choice(quick)]
    if draw.random() < 0.8:
        words += ["--rule", draw.choice(bases)]
    if draw.random() < 0.3:
        words += ["--noise-law", draw.choice([*LAWS, "contaminated"])]
    flags = [o.opts[0] for o in statement_options() if o.opts[0] not in ("--loss", "--rule", "--noise-law")]
    if command in ("run", "simulate"):
        flags += [
            "--eigenvalues",
            "--power-law",
            "--marchenko-pastur",
            "--x0",
            "--x-star",
            "--overlap",
            "--delta",
            "--seeds",
            "--plot",
        ]
        words += ["--t-end", draw.choice(("0.2", "0.2", "0.2", *WORDS))]
        if command == "simulate":
            words += ["--d", draw.choice(("8", "20", *WORDS))]
    own = [p for name in words if name in {**LOSSES, **RULES} for p in {**LOSSES, **RULES}[name].parameters]
    for parameter in draw.sample(own, draw.randint(0, len(own))):
        kind = parameter.kind
        fitting = kind if isinstance(kind, tuple) else ("2", "3") if kind is int else ("0.2", "0.4", "0.45")
        words += [f"--{parameter.flag}", draw.choice((*fitting, *fitting, draw.choice(WORDS)))]
    for _ in range(draw.choice((0, 0, 0, 1, 2))):
        words += [draw.choice(flags), draw.choice(WORDS)]
    more = {"derive": ["--latex"], "export": ["--target", "numba"]}.get(command, ["--json"])
    return words + draw.choice(([], more))


def fuzz_commands(
    count: int,
    seed: int,
    make: Callable[[random.Random], list[str]] = command_line,
    say: Callable[[str], None] = lambda line: None,
) -> Report:
    """Command lines, run in this process; exit status 0, 1 or 2, and never an exception."""
    draw, report = random.Random(seed), Report()
    with tempfile.TemporaryDirectory() as folder, chdir(folder), stoppable(report):
        for words in watched((make(draw) for _ in range(count)), report, say):
            command(words, report)
    return report


def command(words: list[str], report: Report) -> None:
    """One command line; its answer is counted, its faults are kept."""
    from click.testing import CliRunner

    from symhigh.cli import main

    where = " ".join(w if len(w) < 50 else w[:50] + "…" for w in words)
    before, begin = len(CANARY), time.monotonic()
    try:
        with limited(3 * SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = CliRunner().invoke(main, words)
    except Hang:
        return report.add("hanging", f"{where}: no answer in {3 * SECONDS:g} s")
    finally:
        report.took(time.monotonic() - begin, where)
        if len(CANARY) > before:
            report.faults.append(f"{where}: text was executed")
    accident = result.exception is not None and not isinstance(result.exception, SystemExit)
    if isinstance(result.exception, Hang):
        report.add("hanging", f"{where}: no answer in {3 * SECONDS:g} s")
    elif accident or result.exit_code not in (0, 1, 2):
        report.add("accidents", f"{where}: {result.exception!r}")
    else:
        silent = result.exit_code == 2 and "Error" not in result.output
        report.add(f"status {result.exit_code}", f"{where}: no message" if silent else "")
    return None
