"""The C target: the reference's values on every loss, those of LLVM too, and its language."""

import ctypes
import subprocess
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

import symhigh as sh
from symhigh.codegen import c, objects
from symhigh.codegen.c_expressions import _CALLS
from symhigh.codegen.c_prelude import PRELUDE
from symhigh.codegen.c_types import NoTranslation
from symhigh.codegen.compiler import NoCompiler, compiler, options
from symhigh.codegen.kernels import limit_kernels
from symhigh.codegen.normal import FIRST, POOL, normal_source, stream
from symhigh.codegen.normal_reference import fill_from_lanes
from symhigh.codegen.objects import load_object
from symhigh.codegen.target import LLVM, NUMPY, C, Target, llvm_is_usable
from symhigh.integration.stepper import EXPLICIT, IMPLICIT, Stepper
from symhigh.registry import LOSSES
from tests.scenarios import SCENARIOS

needs_compiler = pytest.mark.skipif(compiler() is None, reason="there is no C compiler")
needs_llvm = pytest.mark.skipif(not llvm_is_usable(), reason="llvmlite is too old")
LONG = ("squared-hinge", "logistic-sampled")
"""What LLVM compiles for most of a second: their averages are of the kinds of those of hinge and of logistic."""
COMPILED = [pytest.param(C, marks=needs_compiler), pytest.param(LLVM, marks=needs_llvm)]


def values(kernels, system, n: int) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Averages, right-hand sides and outputs at a random state."""
    rng = np.random.default_rng(7)
    coef, w = rng.uniform(0.2, 1, (len(system.family.coefficients), n)), rng.dirichlet(np.ones(n))
    v11, angle = rng.uniform(0.1, 2, n), rng.uniform(-1, 1, n)
    y = np.concatenate([v11, angle * np.sqrt(v11 * coef[1]), rng.uniform(0.5, 2, len(system.states))])
    par = np.array([float(v) for v in system.parameters.values()])
    const, dy, out = np.zeros(len(system.reductions)), np.zeros(y.size), np.zeros(len(system.outputs))
    kernels.prepare(par, coef, w, const)
    kernels.rhs(0.3, y, dy, par, coef, w, const)
    kernels.observe(0.3, y, out, par, coef, w, const)
    return np.concatenate([const, dy, out])


@lru_cache(maxsize=64)
def of_loss(name: str) -> tuple[sh.MomentSystem, dict[int, np.ndarray]]:
    """The limit of a loss, and its values by the reference, by the number of modes."""
    entry = LOSSES[name]
    given = {p.name: 0.7 if p.default is None else p.default for p in entry.parameters}
    system = sh.derive(entry.make(**given), sh.AdaGradNorm(2, 1), reduce=False)
    return system, {n: values(limit_kernels(system, NUMPY), system, n) for n in (1, 5)}


@pytest.mark.parametrize(("name", "target"), [
    pytest.param(name, of, marks=[needs, *([pytest.mark.slow] if of is LLVM and name in LONG else [])],
                 id=f"{name}-{of.name}")
    for name in LOSSES if not name.endswith(("committee", "softmax"))
    for of, needs in ((C, needs_compiler), (LLVM, needs_llvm))
])  # fmt: skip
def test_every_loss_of_one_direction_has_the_values_of_the_reference(name: str, target: Target) -> None:
    system, reference = of_loss(name)
    kernels = limit_kernels(system, target)
    assert kernels.target is target
    for n, expected in reference.items():
        np.testing.assert_allclose(values(kernels, system, n), expected, rtol=1e-11, atol=1e-12)


@lru_cache(maxsize=64)
def curve(name: str, stepper: Stepper, target: Target) -> sh.Curve:
    """A coarse curve of a scenario; that of the reference serves all others."""
    s = SCENARIOS[name]
    times = [0.0, 0.1, 1.0, s.t_end]
    return sh.derive(s.problem, s.rule).solve(
        s.spectrum, s.start, s.t_end, t=times, rtol=1e-5, stepper=stepper, target=target
    )


@pytest.mark.parametrize("compiled", COMPILED, ids=lambda t: t.name)
@pytest.mark.parametrize("stepper", [EXPLICIT, IMPLICIT], ids=lambda s: s.name)
@pytest.mark.parametrize("name", [name for name in SCENARIOS if "sampled" not in name])
def test_curves_are_those_of_the_reference(name: str, stepper: Stepper, compiled: Target) -> None:
    one, two = (curve(name, stepper, target) for target in (compiled, NUMPY))
    for output in one.system.outputs:
        np.testing.assert_allclose(one.outputs[output], two.outputs[output], rtol=1e-9)


TEXT = '''
TABLE = numpy.array([[1.0, -2.0], [0.5, 4.0]])


@njit
def turned(a, b):
    return b, a


@njit
def pieces(x, n, y, out):
    a, b = turned(x, n)
    b, a = a, b  # as they were given
    out[0] = max(x, 1.0, -x) + min(n, 2)
    out[1] = (x % 3.0) + (-7.5) % 2.0 + n % 3 + n // 2 + 7 / 2
    out[2] = TABLE[1, 0] if 0.0 < x <= 2.0 and not n == 5 else TABLE[0, 1]
    order = numpy.argsort(y)
    first = numpy.sort(y[1:4])
    total = 0.0
    for k in order:
        total = 2.0 * total + y[k]
    for i in range(y.size - 1, -1, -1):
        if i == 3:
            continue
        if i == 0:
            break
        total += first[0] * y[i] ** 2
    mark = numpy.empty(3, dtype=numpy.int64)
    mark[0:2] = n
    mark[2] = 1
    while mark[2] < 40:
        mark[2] *= 2
    out[3] = total + mark[0] + mark[2] + abs(a - b) + float(int(-2.7)) + x ** (1 / 3)
    total = 0.0
    for i in range(y.shape[0]):
        total += y[i] * y[i]
    out[4] = total
    return first[0] > 0.0
'''


@needs_compiler
def test_statements_mean_what_they_mean_in_python() -> None:
    exports = {"pieces": ("d", "i", "a1", "a1")}
    compiled = load_object(TEXT, exports).pieces
    space: dict[str, object] = {}
    exec(NUMPY.header + TEXT, space)  # the text above
    y = np.random.default_rng(3).standard_normal(7)
    for x in (0.3, 1.9, 5.2, np.inf):
        for n in (0, 1, 5):
            found, expected = np.zeros(5), np.zeros(5)
            with np.errstate(invalid="ignore"):
                assert compiled(x, n, y, found) == space["pieces"](x, n, y, expected)  # type: ignore[operator]
            np.testing.assert_allclose(found, expected, rtol=1e-15)


@needs_compiler
def test_arrays_that_are_no_plain_doubles_are_copied_and_written_back() -> None:
    compiled = load_object(TEXT, {"pieces": ("d", "i", "a1", "a1")}).pieces
    y, wide = np.arange(7), np.zeros((5, 2))
    compiled(0.3, 1, y, wide[:, 0])
    plain = np.zeros(5)
    compiled(0.3, 1, y.astype(float), plain)
    np.testing.assert_array_equal(wide[:, 0], plain)
    assert (wide[:, 1] == 0).all()


@needs_compiler
def test_arguments_packed_once_are_changed_by_their_places() -> None:
    compiled = load_object(TEXT, {"pieces": ("d", "i", "a1", "a1")}).pieces
    y, out, plain = np.random.default_rng(3).standard_normal(7), np.zeros(5), np.zeros(5)
    packed = compiled.held(0.3, 1, y, out)
    for x, n in ((1.9, 5), (0.3, 0), (5.2, 1)):
        assert packed({0: x, 1: n}) == compiled(x, n, y, plain)
        np.testing.assert_array_equal(out, plain)
    assert packed({0: 1.9}) == compiled(1.9, 1, y, plain)
    np.testing.assert_array_equal(out, plain)
    assert compiled.held(0.3, 1, np.arange(7), out) is None  # whole numbers would have to be copied


@needs_compiler
def test_a_generator_is_handed_over_as_nothing_and_its_words() -> None:
    kinds = {"normals": ("(n,b1)", "a1"), "together": ("n", "b1", "i")}
    compiled = load_object(f"{C.header}\n\n{normal_source(C)}", kinds)
    found, words = np.empty(POOL + 3), stream(5)[1]
    compiled.normals(stream(5), found)
    for part in (found[:POOL], found[POOL:]):
        fill_from_lanes(words)
        np.testing.assert_array_equal(part, words[FIRST : FIRST + part.size].view(float))
    assert compiled.together(*stream(5), 7) == FIRST


@pytest.mark.parametrize(
    "body", ["return numpy.linalg.norm(y)", "with open(y):\n        pass", "return y.copy()", "return [y]", "return z"]
)
def test_what_has_no_c_is_refused(body: str) -> None:
    with pytest.raises(NoTranslation, match="no C"):
        c.translate(f"@njit\ndef f(y):\n    {body}\n", {"f": ("a1",)})


def test_loops_that_carry_a_value_are_not_run_side_by_side() -> None:
    loop = "@njit\ndef f(y, w):\n    s = 0.0\n    for i in range(1, y.size):\n        {}\n    return s\n"
    for body, plain in [
        ("s += y[i] * w[i]", True), ("w[i] = 2.0 * y[i]", True), ("y[i] = y[i - 1]", False), ("w[0] += y[i]", False),
        ("s += s * y[i]", False),
    ]:  # fmt: skip
        text = c.translate(loop.format(body), {"f": ("a1", "a1")})
        assert ("omp simd" in text) == plain, body


def test_a_target_is_named_by_the_environment(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from symhigh.codegen.target import chosen

    monkeypatch.setenv("SYMHIGH_TARGET", "numpy")
    assert chosen() is NUMPY
    monkeypatch.setenv("SYMHIGH_TARGET", "fortran")
    with pytest.raises(ValueError, match=r"SYMHIGH_TARGET=fortran: not a target.*c, llvm, numba, numpy"):
        chosen()


def test_no_compiler_is_an_error_of_its_own(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(objects, "compiler", lambda: None)
    with pytest.raises(NoCompiler, match="no C compiler"):
        load_object(TEXT, {"pieces": ("d", "i", "a1", "a1")})


@needs_compiler
def test_every_function_that_is_translated_is_declared() -> None:
    """One that generated C does not declare would be taken to return an integer."""
    arguments = {"atan2": "x, 0.4", "copysign": "x, -2.0", "fmod": "x, 0.4", "hypot": "x, 2.0", "pow": "x, 0.3"}
    names = sorted({*_CALLS, "floor", "ceil", "trunc", "log", "abs"})
    lines = [f"out[{k}] = {n}({arguments.get(n, '1.7 * x' if n == 'acosh' else 'x')})" for k, n in enumerate(names)]
    text = "@njit\ndef f(x, out):\n" + "".join(f"    {line}\n" for line in lines)
    compiled, plain = np.zeros(len(names)), np.zeros(len(names))
    space: dict[str, object] = {}
    exec(NUMPY.header + text, space)  # the text above
    space["f"](0.7, plain)  # type: ignore[operator]
    load_object(text, {"f": ("d", "a1")}).f(0.7, compiled)
    np.testing.assert_allclose(compiled, plain, rtol=1e-14)


@needs_compiler
def test_words_become_the_nearest_doubles_with_and_without_an_instruction_for_it(tmp_path: Path) -> None:
    words = [0, 1, 2**32 - 1, 2**32, 2**53 + 1, 2**53 + 3, 2**63, 2**63 + 1025, 2**64 - 1024, 2**64 - 1]
    words += [int(w) for w in np.random.default_rng(1).integers(0, 2**64, 200, np.uint64)]
    source = tmp_path / "made.c"
    source.write_text(PRELUDE + "\nSEEN double found(word a) { return nearest(a); }\n")
    for k, tried in enumerate(options(2, False)):  # for this processor, and for any
        made = tmp_path / f"made{k}.so"
        subprocess.run([compiler()[0], *tried, str(source), "-o", str(made)], check=True)
        found = ctypes.CDLL(str(made)).found
        found.restype, found.argtypes = ctypes.c_double, [ctypes.c_uint64]
        assert [found(w) for w in words] == [float(w) for w in words]
