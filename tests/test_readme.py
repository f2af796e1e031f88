"""The README's Python examples run as they stand, and print what it shows."""

import re
from pathlib import Path

import pytest

import symhigh as sh

README = (Path(sh.__file__).parent.parent / "README.md").read_text()


def test_examples_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # one of them writes a file
    blocks = re.findall(r"```python\n(.*?)```", README, re.S)
    assert len(blocks) >= 4
    scope: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), scope)
    printed = capsys.readouterr().out
    (shown,) = re.findall(r"```text\n(.*?)```", README, re.S)
    for line in shown.strip().splitlines():
        assert line in printed or line == "…"
    assert "agree" in printed
    assert "LambertW" in printed
