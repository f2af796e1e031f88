"""Machine code by LLVM: kept on disk under the rules of the cache, and Numba where LLVM's interface is another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from symhigh.codegen import kernels, llvm_objects, target
from symhigh.codegen.compiler import NoCompiler
from symhigh.codegen.target import LLVM, NUMBA
from tests.codegen.test_llvm import needs_llvm

TEXT = "@njit\ndef f(x, out):\n    out[0] = math.exp(x) / 3.0\n    return int(2.5 * x), x > 1.0\n"
EXPORTS = {"f": ("d", "a1")}


def loaded(monkeypatch: pytest.MonkeyPatch, place: Path) -> tuple[float, object]:
    """As in a process of its own."""
    monkeypatch.setenv("SYMHIGH_CACHE", str(place))
    monkeypatch.setattr(llvm_objects, "_loaded", {})
    out = np.zeros(1)
    found = llvm_objects.load_llvm(TEXT, EXPORTS).f(2.0, out)
    return float(out[0]), found


@needs_llvm
def test_code_is_compiled_once_and_damaged_code_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[str] = []
    own = llvm_objects._compiled
    monkeypatch.setattr(llvm_objects, "_compiled", lambda text: made.append(text) or own(text))
    first = loaded(monkeypatch, tmp_path / "cache")
    assert first[0] == pytest.approx(np.exp(2) / 3, rel=1e-15)
    assert first[1] == (5, 1)
    (file,) = (tmp_path / "cache").glob("l_*.bin")
    whole = file.read_bytes()
    assert loaded(monkeypatch, tmp_path / "cache") == first
    assert len(made) == 1
    file.write_bytes(whole[:700] + b"?" + whole[701:])
    assert loaded(monkeypatch, tmp_path / "cache") == first
    assert len(made) == 2
    assert file.read_bytes() == whole


@needs_llvm
def test_without_a_private_folder_code_stays_in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.warns(RuntimeWarning, match="others can write in it"):
        assert loaded(monkeypatch, tmp_path / "open")[1] == (5, 1)
    assert not list((tmp_path / "open").iterdir())


@pytest.mark.parametrize("text", ["return numpy.linalg.norm(out)", "return out"])
def test_what_it_cannot_compile_is_left_to_others(text: str) -> None:
    with pytest.raises(NoCompiler, match="code generation"):
        llvm_objects.load_llvm(f"@njit\ndef f(x, out):\n    {text}\n", EXPORTS)


def test_an_llvmlite_of_another_interface_leaves_everything_to_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    import llvmlite.binding

    monkeypatch.delenv("SYMHIGH_TARGET", raising=False)
    monkeypatch.setattr(target, "compiler", lambda: None)
    assert target.chosen() is (LLVM if target.llvm_is_usable() else NUMBA)
    monkeypatch.setattr(llvmlite.binding, "llvm_version_info", (14, 0, 6))
    assert not target.llvm_is_usable()
    assert target.chosen() is NUMBA


@needs_llvm
def test_a_language_that_this_llvm_does_not_read_is_left_to_others() -> None:
    with pytest.raises(NoCompiler, match="LLVM does not read"):
        llvm_objects._compiled("define void @f() { return }")


@needs_llvm
def test_a_text_beyond_its_language_goes_to_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYMHIGH_TARGET", raising=False)
    text = "{}\n@njit\ndef f(x, out):\n    out[0] = numpy.linspace(x, x + 1.0, 3)[2]\n    return x\n"
    made = kernels.module_kernels("spaced", text, LLVM, lambda of: text.format(of.header), EXPORTS)
    assert made.target is NUMBA
    out = np.array([3.0, 1.0, 2.0])
    assert made.f(1.5, out) == 1.5
    assert out.tolist() == [2.5, 1.0, 2.0]
