"""The third fuzzer: files and formulas that are edited at random.

    python -m tests.fuzz texts --count 100000 --seed 0

What is read are formulas, experiments, archives of results, records of the ledger, tables of claims, and entries of the
cache of machine code. Every text must be read, and then say the same when written and read again, or be refused in
words that begin with where it stands. Nothing may be executed or hang. What an input is follows from the seed alone.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import sympy as sp

import symhigh as sh
from symhigh.codegen.folder import sealed, unsealed
from symhigh.files.experiment import read_experiment
from symhigh.files.grammar import FUNCTIONS, read_expression, write_expression
from symhigh.files.starter import starter
from symhigh.ledger import record, score, tally
from tests.fuzz.hostile import CANARY
from tests.fuzz.run import SECONDS, WORDS, Hang, limited
from tests.fuzz.watch import Report, Stopped, stoppable, watched

FORMULAS = (
    "2*t + 3/4 - t**2", "exp(-t)*where(t < 1, 2, 0.5)", "min(t, 2, 1/(1 + t)) + max(1, t)", "sqrt(1 + t**2)/erfc(t)",
    "abs(sin(t) - cos(2*t)) + sign(t - 1)*floor(t)", "log(1 + t)*tanh(t/3) - atan(t)**3", "1e-3*(1 + 2.5e2*t)**-0.5",
)  # fmt: skip
SHIPPED = Path(__file__).resolve().parents[2] / "derivations"
SIGNS = ("(", ")", "[", "]", "[[", "{}", '"', "=", "\n", "\n[run]\n", "null", "**", "t", "-", "1e999")
SPLICES = (*WORDS, *FUNCTIONS, *SIGNS)
TABLE = 'source = "S"\ntitle = "T"\nnumbers = 3\nresults = ["Theorem 1"]\n[reasons]\n"(1)-(2), Theorem 1" = "told"\n'
CLAIMS = "import symhigh as sh\n\nONE = sh.Claim('one', 'two sides', evidence=[sh.symbolic(1, 1)])\n"


@dataclass(frozen=True)
class Reader:
    """What reads edits of ``corpus``: ``read`` returns a fault, or "", or raises what begins with ``owner``."""

    name: str
    corpus: tuple[bytes, ...]
    read: Callable[[bytes], str]
    owner: str


def edited(draw: random.Random, corpus: tuple[bytes, ...]) -> bytes:
    """One of ``corpus`` after one to four edits: cut, doubled, moved from another, replaced, a bit turned."""
    data = bytearray(draw.choice(corpus))
    for _ in range(draw.choice((1, 1, 2, 4))):
        begin = draw.randrange(len(data) + 1)
        end = min(len(data), begin + draw.choice((0, 1, 2, 8, 40)))
        match draw.randrange(6):
            case 0:
                del data[begin:end]
            case 1:
                data[end:end] = data[begin:end]
            case 2:
                other = draw.choice(corpus)
                place = draw.randrange(len(other) + 1)
                data[begin:end] = other[place : place + draw.choice((1, 8, 40))]
            case 3:
                data[begin:end] = draw.randbytes(end - begin)
            case 4 if begin < len(data):
                data[begin] ^= 1 << draw.randrange(8)
            case _:
                data[begin:end] = draw.choice(SPLICES).encode()
    return bytes(data)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _formula(data: bytes) -> str:
    found = read_expression("schedule", _text(data))
    back = read_expression("schedule", write_expression(found))
    if back == found or all(_close(found, back, at) for at in (0.3, 1.7, 4.1)):  # factors are multiplied out
        return ""
    return f"written as {write_expression(found)!r}, which is read as {back}"


def _close(one: sp.Expr, other: sp.Expr, at: float) -> bool:
    left, right = (complex(e.xreplace({sh.t: sp.Float(at)}).evalf()) for e in (one, other))
    return abs(left - right) <= 1e-9 * (abs(left) + abs(right))


def _experiment(data: bytes) -> str:
    read_experiment(_text(data), "paper.toml")
    return ""


def readers(folder: Path) -> tuple[Reader, ...]:
    """All of them; they write what they read in ``folder``."""
    problem, rule = sh.least_squares(0.3), sh.AdaGradNorm(1, 0.5)
    population = sh.Spectrum.from_eigenvalues([1.0, 0.5]), sh.Start(0.5, 1, 0.3)
    curve = sh.derive(problem, rule).solve(*population, 1.0, t=[0.0, 0.5, 1.0])
    archive = curve.save(folder / "curve.npz").read_bytes()
    claims = folder / "claims.py"
    claims.write_text(CLAIMS, "utf-8")
    score.write_scores(claims, {"one": score.Score(3, 2, ("a sign",)), "two": score.Score(0, 0)})
    record.write_record(folder / "record.json", sh.verify(claims, jobs=1), [str(claims)])
    rows = record._read(folder / "record.json")["rows"]
    experiments = [starter("paper", "paper.toml"), *(sh.Experiment(*three, 1.0).to_toml() for three in _stated())]
    entry = sealed(json.dumps([1, 2]).encode())

    def of_file(name: str, read: Callable[[Path], str]) -> Callable[[bytes], str]:
        def put(data: bytes) -> str:
            (folder / name).write_bytes(data)
            return read(folder / name)

        return put

    def load(file: Path) -> str:
        back = sh.Curve.load(file, curve.system)
        return "" if list(back.outputs) == list(curve.outputs) else "its outputs are others"

    def replayed(file: Path) -> str:
        data = record._read(file)
        list(record._differences(data["rows"], rows))
        list(record._changes("", data["versions"], data["machine"]))
        return ""

    def cached(file: Path) -> str:
        found = unsealed(file)
        return "" if found is None or sealed(found) == entry else "a damaged entry is taken"

    tables = (TABLE.encode(), *(f.read_bytes() for f in sorted(SHIPPED.rglob("numbers.toml"))))
    return (
        Reader("formula", tuple(f.encode() for f in FORMULAS), _formula, "schedule "),
        Reader("experiment", tuple(e.encode() for e in experiments), _experiment, "paper.toml"),
        Reader("archive", (archive,), of_file("edited.npz", load), "Curve.load("),
        Reader("record", ((folder / "record.json").read_bytes(),), of_file("edited.json", replayed), "replay("),
        Reader("numbers", tables, of_file("numbers.toml", lambda file: str(tally.tally(file, []))[:0]), "verify"),
        Reader(
            "scores", ((folder / "scores.toml").read_bytes(),),
            of_file("scores.toml", lambda file: str(score.scores(claims))[:0]), "verify",
        ),
        Reader("cache", (entry,), of_file("entry.bin", cached), ""),
    )  # fmt: skip


def _stated() -> list[tuple[Any, Any, Any]]:
    """Statements whose files hold many kinds of tables."""
    spectra = (sh.Spectrum.from_eigenvalues([1.0, 0.5]), sh.Spectrum.power_law(0.4), sh.Spectrum.isotropic())
    rules = (sh.WeightDecay(sh.MiniBatch(sh.Constant(0.4), 4), 0.1), sh.cosine(0.7, 2, 0.1), sh.Momentum(0.5, 0.2, 0.1))
    problems = (sh.huber(0.8, sh.StudentT(5, 0.4)), sh.logistic_regression(), sh.student(sp.sin, 0.2))
    start = sh.Start(0.5, 1, 0.2)
    return [(p, r, (s, start)) for p, r, s in zip(problems, rules, spectra, strict=True)]


def examine(reader: Reader, data: bytes, report: Report) -> None:
    """One text; its answer is counted, its faults are kept."""
    where = f"{reader.name} {_text(data)[:200]!r}"
    before, begin = len(CANARY), time.monotonic()
    try:
        with limited(SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fault = reader.read(data)
    except Stopped:
        raise
    except Hang:
        report.add("hanging", f"{where}: no answer in {SECONDS:g} s")
    except ValueError as error:
        text = str(error)
        brief = text.startswith(reader.owner) and len(text) < 1200
        report.add("refused", "" if brief else f"{where}: names no owner, or is long: {text[:200]}")
    except BaseException as error:
        report.add("accidents", f"{where}: {type(error).__name__}: {str(error)[:200]}")
    else:
        report.add("read", f"{where}: {fault}" if fault else "")
    finally:
        report.took(time.monotonic() - begin, where)
        if len(CANARY) > before:
            report.faults.append(f"{where}: text was executed")


def fuzz_texts(count: int, seed: int, say: Callable[[str], None] = lambda line: None) -> Report:
    """So many edited texts, in turn of every kind."""
    draw, report = random.Random(seed), Report()
    with tempfile.TemporaryDirectory() as top, stoppable(report):
        all_of = readers(Path(top))
        inputs = ((reader, edited(draw, reader.corpus)) for reader in islice(cycle(all_of), count))
        for reader, data in watched(inputs, report, say):
            examine(reader, data, report)
    return report
