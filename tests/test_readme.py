"""The README: its lines run as they stand and print what it shows, and its picture is that of the data beside it."""

import hashlib
import json
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

import symhigh as sh

TOP = Path(sh.__file__).parent.parent
README = (TOP / "README.md").read_text("utf-8")
PICTURE = TOP / "docs" / "_static" / "picture.png"


def test_examples_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n(.*?)```", README, re.S)
    assert len(block.splitlines()) == 5
    exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    (shown,) = re.findall(r"```text\n(.*?)```", README, re.S)
    for line in shown.strip().splitlines():
        assert line.removesuffix("…") in printed, line


def test_it_is_one_screen() -> None:
    assert len(README.splitlines()) < 90
    assert README.count("```sh") == 2


def test_the_picture_is_that_of_its_data_and_the_data_that_of_the_limit() -> None:
    bytes_of_picture = PICTURE.read_bytes()
    assert len(bytes_of_picture) < 150_000
    text = PICTURE.with_suffix(".json").read_text("utf-8")
    assert f"data {hashlib.sha256(text.encode()).hexdigest()}".encode() in bytes_of_picture, "run examples/picture.py"
    data, made = json.loads(text), runpy.run_path(str(TOP / "examples" / "picture.py"))
    curve = sh.derive(made["PROBLEM"], made["RULE"]).solve(made["SPECTRUM"], made["START"], made["T_END"], t=data["t"])
    for name in made["NAMES"]:
        np.testing.assert_allclose(curve.outputs[name], data["limit"][name], rtol=1e-6)
    runs = sh.simulate(
        made["PROBLEM"], made["RULE"], made["SPECTRUM"], made["START"], 64, made["T_END"], 40, t=data["t"]
    )
    low, high = runs.quantiles("risk")
    shown = data["bands"]["64"]["risk"]
    np.testing.assert_allclose([low, high], shown, rtol=1e-3)  # processors may fuse, which chaos does not amplify here
