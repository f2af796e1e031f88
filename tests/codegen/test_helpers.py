"""The helpers of quadrature: one module for all, the bits of a text compiled whole, one compilation."""

import os
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen import objects
from symhigh.codegen.c import translate_shared
from symhigh.codegen.cache import load
from symhigh.codegen.compiler import compiler
from symhigh.codegen.helpers import HELPERS, SHARED, TYPES, used
from symhigh.codegen.kernels import limit_source
from symhigh.codegen.objects import load_object
from symhigh.codegen.signatures import LIMIT
from symhigh.codegen.target import NUMBA, NUMPY, C
from tests.codegen.test_c import needs_compiler, values
from tests.codegen.test_c_on_disk import APART, result, started

PROBLEMS = {
    "lines": sh.logistic_regression(),
    "kinks": sh.Problem(sp.Max(0, 1 - sh.x * sp.tanh(sh.x_star))),
    "steep": sh.Problem(sp.log(sp.cosh(sh.x - sh.x_star - sh.eps)), 0.5),
}
CALLS = """
@njit
def tried(u, v):
    rule = hermite_rule(0.05 * v)
    total = quadrature_step(u, v, 1.0, 27.5) + hazard(u) + hazard(9.0 * u) + log_erfc(v) + log_erfc(7.0 * v)
    total += rule[1, 0] + rule[0, rule.shape[1] - 1]
    total += sigmoid(u) + safe_ratio(u, v) + four_signs(0.1 * u, 0.2 * v, 0.3, -0.1 * v, 0.2, 0.25)
    return total + NEAR[3] * NEAR_WEIGHT[4] * NEAR_ENDS[2] + PLACES[5]
"""


def whole(source: str) -> str:
    """The same text, in which the helpers are not known again, and stay."""
    assert SHARED in source
    return source.replace("\ndef hazard(u):", "\n\ndef hazard(u):").replace("@njit\n\n", "@njit\n# alone\n")


@needs_compiler
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_right_hand_side_has_the_bits_of_the_text_compiled_whole(name: str) -> None:
    system = sh.derive(PROBLEMS[name], sh.LineSearch(), reduce=False)
    source = limit_source(system, C)
    apart, together = (load_object(text, LIMIT) for text in (source, whole(source)))
    assert apart.rhs._library is not together.rhs._library
    np.testing.assert_array_equal(values(apart, system, 3), values(together, system, 3))


@pytest.mark.parametrize("target", [NUMPY, NUMBA, C], ids=lambda t: t.name)
def test_every_helper_has_the_bits_of_the_text_compiled_whole(target) -> None:  # type: ignore[no-untyped-def]
    if target is C and compiler() is None:
        pytest.skip("there is no C compiler")
    source = f"{target.header}{HELPERS}{CALLS}"
    texts = (source, whole(source))
    exports = {"tried": ("d", "d")}
    one, two = ((load_object(t, exports) if target is C else load(t)).tried for t in texts)
    for u, v in ((0.3, 0.9), (2.0, 0.1), (0.0, 1.0), (1.0, 0.0)):
        assert one(u, v) == two(u, v)
        assert one(u, v) == pytest.approx(load(f"{NUMPY.header}{HELPERS}{CALLS}").tried(u, v), rel=1e-14)


def test_everything_that_is_offered_is_there_and_known_by_name() -> None:
    space: dict[str, object] = {}
    exec(NUMPY.header + HELPERS, space)  # the text above
    assert TYPES.keys() <= space.keys()
    assert set(TYPES) | {"sigmoid", "safe_root"} <= set(used(HELPERS))
    assert used("x = hazardous + NEAR[0] * hazard(1)") == ["NEAR", "hazard"]
    text = translate_shared(SHARED, TYPES)
    assert all(f"_{name}" in text for name in TYPES)


@needs_compiler
def test_a_new_loss_compiles_its_own_functions_only(tmp_path: Path) -> None:
    script = """
import sympy as sp, symhigh as sh
def solve(scale):
    loss = sp.log(1 + sp.exp(-scale * sh.x * sp.tanh(sh.x_star)))
    sh.derive(sh.Problem(loss), sh.Constant(0.3)).solve(sh.Spectrum.isotropic(), sh.Start(), 1)
sh.derive  # which all that follow have
apart(lambda: solve(1))
before = {file: file.read_bytes() for file in place.iterdir()}
assert len(list(place.glob("o_*.so"))) == 3
apart(lambda: solve(2))
assert len(list(place.glob("o_*.so"))) == 4
assert before.items() <= {file: file.read_bytes() for file in place.iterdir()}.items()
"""
    result(started(tmp_path / "cache", APART + script))


def test_numba_keeps_the_helpers_as_entries_of_their_own(tmp_path: Path) -> None:
    script = """
import numba
from symhigh.codegen.cache import load
from symhigh.codegen.helpers import HELPERS
from symhigh.codegen.target import NUMBA
def run(scale):
    made = load(f"{NUMBA.header}{HELPERS}@njit\\ndef f(u):\\n    return {scale} * log_erfc(u) * sigmoid(u)\\n")
    print(made.f(0.7).hex(), made.f(7.0).hex(), flush=True)
apart(lambda: run(1.0))
entries = set(place.glob("c_*.bin"))
assert len(entries) == 4  # log_erfc, hazard, sigmoid and f
apart(lambda: run(2.0))
assert len(set(place.glob("c_*.bin")) - entries) == 1
for entry in entries:
    entry.write_bytes(entry.read_bytes()[:900])
apart(lambda: run(1.0))
assert all(len(entry.read_bytes()) > 900 for entry in entries)
"""
    first, _, again = result(started(tmp_path / "cache", APART + script)).splitlines()
    assert again == first


@needs_compiler
def test_an_object_whose_helpers_do_not_compile_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SYMHIGH_CACHE", str(tmp_path / "cache"))

    def fails(*_: object) -> str:
        return "no C at all"

    objects._helpers.cache_clear()
    monkeypatch.setattr(objects.c, "translate_shared", fails)
    source = f"{HELPERS}{CALLS}# {os.urandom(4).hex()}\n"
    with pytest.raises(objects.NoCompiler, match="fails"):
        load_object(source, {"tried": ("d", "d")})
    monkeypatch.undo()
    expected = load(f"{NUMPY.header}{HELPERS}{CALLS}").tried(0.3, 0.9)
    assert load_object(source, {"tried": ("d", "d")}).tried(0.3, 0.9) == pytest.approx(expected, rel=1e-14)
