"""The README's Python examples run as they stand, and print what it shows."""

import re
from pathlib import Path

import symhigh as sh

README = (Path(sh.__file__).parent.parent / "README.md").read_text()


def test_examples_run(capsys) -> None:  # type: ignore[no-untyped-def]
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
