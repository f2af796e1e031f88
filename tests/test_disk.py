"""Results are written whole or not at all, whoever writes them: full disks, folders that take nothing, links, pipes."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import symhigh
from symhigh.disk import keep

ROOT = Path(symhigh.__file__).parent


def full(self: Path, data: bytes) -> None:
    """Two bytes fit on this disk."""
    with self.open("wb") as stream:
        stream.write(data[:2])
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("before", [None, "older"])
def test_a_full_disk_leaves_what_was_there(before: str | None, tmp_path: Path, monkeypatch: Any) -> None:
    file = tmp_path / "a.json"
    if before is not None:
        file.write_text(before)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ValueError, match=r"save\('.*a.json'\): cannot be written: No space left on device"):
        keep("save", file, "newer")
    assert [p.read_text() for p in tmp_path.iterdir()] == ([] if before is None else [before])


def test_links_modes_and_pipes_are_kept(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("older")
    real.chmod(0o640)
    link.symlink_to(real)
    assert keep("save", link, b"\x00newer") == link
    assert link.is_symlink()
    assert real.read_bytes() == b"\x00newer"
    assert real.stat().st_mode & 0o777 == 0o640
    assert keep("save", Path(os.devnull), "anything") == Path(os.devnull)
    for path in (tmp_path, tmp_path / "no" / "folder"):
        with pytest.raises(ValueError, match="cannot be written"):
            keep("save", path, "text")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "real"]


def test_nothing_else_writes_results() -> None:
    """Writing in place would leave half a file; generated code and streams of data have rules of their own."""
    own = {"disk.py", "codegen/compiler.py", "codegen/folder.py"}
    in_place = re.compile(r"""\.write_(text|bytes)\(|open\("[wx]|(savefig|savez|savez_compressed)\((?!stream)""")
    texts = {str(file.relative_to(ROOT)): file.read_text("utf-8") for file in ROOT.rglob("*.py")}
    assert [name for name in own if in_place.search(texts[name])]
    assert not [name for name, text in texts.items() if in_place.search(text) and name not in own | {"cli/running.py"}]


def test_durations_do_not_hang_on_the_clock_on_the_wall() -> None:
    """Clocks are set back and forth; the only clocks read are those that only go forward."""
    on_the_wall = re.compile(r"\btime\.time(_ns)?\(|\bfrom time import")
    assert not [str(file) for file in ROOT.rglob("*.py") if on_the_wall.search(file.read_text("utf-8"))]


FORKED = """
import os, signal, sys, warnings
import symhigh as sh
warnings.simplefilter("ignore", DeprecationWarning)
population = sh.Spectrum.from_eigenvalues([1.0, 0.5]), sh.Start(0.5, 1, 0.3)

def work():
    system = sh.derive(sh.least_squares(0.3), sh.AdaGradNorm(1, 0.5))
    runs = sh.simulate(sh.least_squares(0.3), sh.AdaGradNorm(1, 0.5), *population, 32, 1.0, 3, threads=2)
    return system.solve(*population, 2.0).risk.tobytes() + runs.outputs["risk"].tobytes()

before = work()
child = os.fork()
if child == 0:
    signal.alarm(300)  # what hangs ends
    os._exit(0 if work() == before else 3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert work() == before
print("whole")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_fork_of_a_process_that_has_worked_goes_on() -> None:
    """Compiled code and threads were used before; parent and child find the same bits."""
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=600, check=False)
    assert done.stdout.strip() == "whole", done.stderr
