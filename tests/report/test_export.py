"""Limits as programs: C is compiled and run, and finds the curve; Julia is read back and gives the same slopes."""

import math
import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import special

import symhigh as sh
from symhigh.codegen.lower import Lowering
from symhigh.codegen.target import NUMPY
from symhigh.report.julia import _Translation
from symhigh.report.script import Numbers
from tests.report.test_script import CASES, SPECTRUM

POWER = sh.Spectrum.power_law(0.2)
MORE = {
    **CASES,
    "huber": (sh.huber(1.0, 0.3), sh.Constant(0.5), (SPECTRUM, sh.Start(0.5, 1, 0.2))),
    "schedule": (sh.least_squares(0.1), sh.cosine(0.5, 2), (POWER, sh.Start.power_law(0.4))),
}


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
@pytest.mark.parametrize("case", MORE)
def test_a_c_program_finds_the_curve(case: str, tmp_path: Path) -> None:
    problem, rule, population = MORE[case]
    system = sh.derive(problem, rule)
    source = sh.export(system, *population, t_end=3, language="c")
    (tmp_path / "limit.c").write_text(source, encoding="utf-8")
    build = ["cc", "-std=gnu99", "-O1", "-Wall", "-Wno-unknown-pragmas", "-Wno-unused", "-o", "limit", "limit.c", "-lm"]
    made = subprocess.run(build, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert "warning" not in made.stderr, made.stderr
    run = subprocess.run([tmp_path / "limit"], capture_output=True, text=True, check=True, timeout=120)
    names, *rows = (line.split(",") for line in run.stdout.splitlines())
    found = np.array(rows, dtype=float)
    curve = system.solve(*population, 3, t=found[:, 0])
    assert names == ["t", *system.outputs]
    for name, column in zip(names[1:], found.T[1:], strict=True):
        assert column == pytest.approx(getattr(curve, name), rel=2e-6, abs=2e-7), name


def test_headers_state_the_limit() -> None:
    problem, rule, population = CASES["adagrad"]
    system = sh.derive(problem, rule)
    for language in ("python", "c", "julia"):
        text = sh.export(system, *population, t_end=1, language=language)
        head = text[:3000]
        assert all(line in head for line in system.text().splitlines())
        assert sh.__version__ in head
        assert "least squares under AdaGradNorm" in head
    with pytest.raises(ValueError, match="language must be one of"):
        sh.export(system, *population, t_end=1, language="fortran")
    with pytest.raises(TypeError, match="closed by moments"):
        sh.export(sh.derive(sh.DiagonalNetwork(0.5, 1)), t_end=1, language="c")


# --- Julia, without Julia ---------------------------------------------------------------------------------
class Vector:
    """An array whose indices begin at one."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __getitem__(self, place: int | tuple[int, ...]) -> float:
        return float(self.values[self._from_one(place)])

    def __setitem__(self, place: int | tuple[int, ...], value: float) -> None:
        self.values[self._from_one(place)] = value

    @staticmethod
    def _from_one(place: int | tuple[int, ...]) -> tuple[int, ...]:
        places = place if isinstance(place, tuple) else (place,)
        assert all(p >= 1 for p in places), "Julia has no element 0"
        return tuple(p - 1 for p in places)


def choice(code: str, mark: int) -> str:
    """``(c ? a : b)`` around the mark as ``(a if c else b)``; the last mark has no other in its branches."""
    begin = mark
    while code[begin + 1 : mark].count("(") - code[begin + 1 : mark].count(")") or code[begin] != "(":
        begin -= 1
    middle = mark
    while code[mark:middle].count("(") - code[mark:middle].count(")") or code[middle : middle + 3] != " : ":
        middle += 1
    return f"{code[: begin + 1]}({code[mark + 3 : middle]}) if {code[begin + 1 : mark]} else {code[middle + 3 :]}"


def read_julia(text: str) -> SimpleNamespace:
    """The functions of a script as Python: an independent reading of the few forms that are written."""
    lines, depth = [], 0
    functions = re.findall(r"^function .*?^end$", text, re.MULTILINE | re.DOTALL)
    for line in "\n".join(f for f in functions if "slope!" not in f).splitlines():
        code = line.strip().replace("!(", "_(").replace("^", "**").replace(" && ", " and ").replace(" || ", " or ")
        code = re.sub(r"^function (.*)$", r"def \1:", code)
        code = re.sub(r"^for (\w+) in (.+?):\((.+) - 1\)$", r"for \1 in range(\2, \3):", code)
        code = re.sub(r"^(if|while) (.*)$", r"\1 \2:", code).replace("return nothing", "return None")
        while " ? " in code:
            code = choice(code, code.rindex(" ? "))
        if code in ("end", "else"):
            depth -= 1
        if code != "end":
            lines.append("    " * depth + ("else:" if code == "else" else code))
        depth += code.startswith(("def ", "for ", "if ", "while ")) or code == "else"
    assert depth == 0
    given = {name: getattr(math, name) for name in dir(math) if not name.startswith("_")}
    given |= {"Inf": math.inf, "NaN": math.nan, "erf": special.erf, "erfc": special.erfc}
    given["size"] = lambda array, axis: array.values.shape[axis - 1]
    exec("\n".join(lines), given)
    return SimpleNamespace(**{name: given[f"{name}_"] for name in ("prepare", "begin", "rhs", "observe")})


@pytest.mark.parametrize("case", [name for name in MORE if name not in ("logistic",)])
def test_a_julia_script_has_the_slopes_of_the_reference(case: str) -> None:
    problem, rule, population = MORE[case]
    system = sh.derive(problem, rule)
    text = sh.export(system, *population, t_end=3, language="julia")
    assert text.count("(") == text.count(")")
    assert len(re.findall(r"^\s*(?:function|for|if|while)\b", text, re.MULTILINE)) == len(
        re.findall(r"^\s*end$", text, re.MULTILINE)
    )
    julia, numbers = read_julia(text), Numbers.of("test", system, population, 3.0)
    lowered, reference = Lowering(system, NUMPY), {}
    exec(NUMPY.header + "\n" + lowered.source(), reference)
    found = []
    for wrap, functions in ((Vector, vars(julia)), (lambda a: a, reference)):
        const, memory = np.zeros(len(lowered.static)), np.zeros(len(system.states))
        par, coef, w = map(wrap, (numbers.parameters, numbers.coefficients, numbers.weights))
        functions["prepare"](par, coef, w, wrap(const))
        functions["begin"](par, wrap(const), wrap(memory))
        y = np.concatenate([numbers.start, memory])
        y = y * (1 + 0.1 * np.random.default_rng(1).random(y.size))
        dy, out = np.zeros(y.size), np.zeros(len(system.outputs))
        functions["rhs"](0.7, wrap(y), wrap(dy), par, coef, w, wrap(const))
        functions["observe"](0.7, wrap(y), wrap(out), par, coef, w, wrap(const))
        found.append((const, memory, dy, out))
    for mine, theirs in zip(*found, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-13, abs=1e-15)


def test_what_julia_has_no_form_for_is_refused() -> None:
    problem, rule, population = CASES["logistic"]
    with pytest.raises(NotImplementedError, match="has no Julia form here"):
        sh.export(sh.derive(problem, rule), *population, t_end=1, language="julia")


FUNCTION = "@compiled\ndef f(a, n, m):\n    {}"
STATEMENTS = {
    "m = True": ["m = true"],
    "m = False": ["m = false"],
    "if not a > 0: return n": ["if !((a > 0))", "    return n", "end"],
    "if a > 0 or a < n and m: m = 1": ["if ((a > 0) || ((a < n) && m))", "    m = 1", "end"],
    "for k in range(1, n): m += k": ["for k in (1):(n - 1)", "    m += k", "end"],
    "rhs(a, n)": ["rhs!(a, n)"],
}
NO_FORM = {
    "for k in range(0, n, 2): m += k": "a range with a step",
    "assert a": "assert a",
    "return max(a, key=n)": r"max\(a, key=n\)",
    "plain(a)": "plain",
}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_statements_as_julia(statement: str) -> None:
    """Ends of ranges count in Julia, and a function that changes its arguments ends in an exclamation mark."""
    source = f"@compiled\ndef rhs(a, n):\n    n = a\n{FUNCTION.format(statement)}"
    lines = _Translation(source).text(("f",)).splitlines()
    begin = lines.index("function f(a, n, m)") + 1
    assert [line[4:] for line in lines[begin : begin + len(STATEMENTS[statement])]] == STATEMENTS[statement]
    assert ("function rhs!(a, n)" in lines) == ("rhs" in statement)


@pytest.mark.parametrize("statement", NO_FORM)
def test_statements_without_a_form_in_julia(statement: str) -> None:
    source = f"def plain(a):\n    return a\n\n{FUNCTION.format(statement)}"
    with pytest.raises(NotImplementedError, match=f"julia_script: {NO_FORM[statement]} has no Julia form here"):
        _Translation(source).text(("f",))


@pytest.mark.skipif(shutil.which("julia") is None, reason="needs Julia with OrdinaryDiffEq")
def test_a_julia_script_finds_the_curve(tmp_path: Path) -> None:
    problem, rule, population = CASES["adagrad"]
    system = sh.derive(problem, rule)
    (tmp_path / "limit.jl").write_text(sh.export(system, *population, t_end=3, language="julia"), encoding="utf-8")
    run = subprocess.run(["julia", "limit.jl"], cwd=tmp_path, capture_output=True, text=True, check=True)
    names, *rows = (line.split(",") for line in run.stdout.splitlines())
    found = np.array(rows, dtype=float)
    curve = system.solve(*population, 3, t=found[:, 0])
    assert found[:, 1] == pytest.approx(curve.risk, rel=1e-6)
    assert names[1] == "risk"
