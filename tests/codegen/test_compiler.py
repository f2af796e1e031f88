"""The compiler: found by name, its options tried in turn, its faults told, its time limited; compilers are scripts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from symhigh.codegen import compiler
from symhigh.codegen.compiler import EXACT, FAST, NAMES, NoCompiler, begin, options

Install = Callable[[str], Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Makes a shell script the only compiler; it may write ``$out``, and ``$*`` are its options."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(compiler, "NAMES", ("made-here", "made-there"))

    def make(script: str, name: str = "made-here") -> Path:
        out = tmp_path / "made.so"
        (folder / name).write_text(f"#!/bin/sh\nout={out}\n{script}\n")
        (folder / name).chmod(0o755)
        compiler.compiler.cache_clear()
        return out

    yield make
    compiler.compiler.cache_clear()


def test_the_first_of_several_names_is_taken_and_identified(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    assert NAMES == ("cc", "gcc", "clang")
    compiler.compiler.cache_clear()
    assert compiler.compiler() is None
    install("exit 0", "made-there")
    found = compiler.compiler()
    assert found is not None
    assert found[0].endswith("bin/made-there")
    assert found[1].startswith(os.path.realpath(found[0]) + f" {os.stat(found[0]).st_size} ")
    install("exit 0")
    first = compiler.compiler()
    assert first is not None
    assert first[0].endswith("bin/made-here")
    assert first[1] != found[1]
    monkeypatch.setattr(compiler.os, "name", "nt")
    compiler.compiler.cache_clear()
    assert compiler.compiler() is None


def test_the_processor_is_told_by_its_model_and_abilities(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "processor : 0\nmodel name\t: Some 9\nflags : a b\n\nprocessor : 1\nmodel name : Other\nbogomips : 7\n"
    monkeypatch.setattr(Path, "read_text", lambda *_: text)
    assert compiler._processor.__wrapped__() == "flags a b model name Some 9"

    def missing(*_: object) -> str:
        raise OSError("no such file")

    monkeypatch.setattr(Path, "read_text", missing)
    assert compiler._processor.__wrapped__() == ""


def test_options_are_the_quickest_first_and_fused_where_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "_processor", lambda: "some")
    assert options(2, False) == [("-O2", *EXACT, *FAST, "-march=native"), ("-O1", *EXACT)]
    assert options(1, True)[0] == ("-O1", *EXACT, *FAST, "-ffp-contract=fast", "-fgcse", "-march=native")
    monkeypatch.setattr(compiler, "_processor", lambda: "")
    assert options(2, False)[0] == ("-O2", *EXACT, *FAST)


def test_what_it_makes_is_told_and_the_text_is_kept_beside_it(install: Install, tmp_path: Path) -> None:
    out = install('echo "$*" > $out')
    assert begin("int a;", tmp_path, 2)() == out
    assert out.read_text().split()[0] == "-O2"
    assert out.read_text().split()[-4:] == [str(tmp_path / "made.c"), "-o", str(out), "-lm"]
    assert (tmp_path / "made.c").read_text() == "int a;"


def test_where_the_first_options_fail_the_others_are_tried(install: Install, tmp_path: Path) -> None:
    out = install('case "$*" in *-O2*) echo unknown option >&2; exit 1;; esac; echo made > $out')
    assert begin("int a;", tmp_path, 2)() == out
    assert out.read_text() == "made\n"


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo first >&2; echo second >&2; exit 3", "fails: first$"),
        ("exit 1", "fails: it writes nothing$"),
        ("exit 0", "fails: it writes nothing$"),
        ("echo half > $out; exit 1", "fails: it writes nothing$"),
        ("printf %0300d 0 >&2; exit 1", "fails: 0{200}$"),
    ],
)
def test_faults_are_told_in_one_line(install: Install, tmp_path: Path, script: str, told: str) -> None:
    install(script)
    with pytest.raises(NoCompiler, match=told):
        begin("int a;", tmp_path, 2)()


def test_no_compiler_no_room_and_no_end(install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler.compiler.cache_clear()
    with pytest.raises(NoCompiler, match="there is no C compiler called made-here, made-there"):
        begin("int a;", tmp_path, 2)
    install("exec sleep 60")
    with pytest.raises(NoCompiler, match=r"nowhere cannot be written to: No such file"):
        begin("int a;", tmp_path / "nowhere", 2)
    assert compiler.PATIENCE == 120.0
    monkeypatch.setattr(compiler, "PATIENCE", 0.25)
    with pytest.raises(NoCompiler, match=r"made-here took more than 0\.25 s"):
        begin("int a;", tmp_path, 2)()
    (tmp_path / "bin" / "made-here").write_text("#!/no/such/shell\n")
    with pytest.raises(NoCompiler, match=r"made-here does not run: No such file"):
        begin("int a;", tmp_path, 2)
