"""Printed equations, LaTeX and scripts of many systems, word by word: regression values."""

import hashlib
from pathlib import Path

import pytest

import symhigh as sh
from tests.combinations import combinations
from tests.tables import check

ALL = combinations()
NAMES = [
    "SGD, square, linear", "momentum, square, linear", "SGD, square, network", "AdaGrad, square, network",
    "SGD, square, committee", "RMSprop-Norm, square", "steps, square", "AdaGrad-Norm, pseudo-Huber", "DoG, square",
    "AdaGrad-Norm, phase", "mini-batch with weight decay, square, linear",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_words_have_not_changed(name: str) -> None:
    problem, rule, population = ALL[name]
    system = sh.derive(problem, rule)
    found = {"text": system.text().split("\n"), "latex": system.latex().split("\n"), "shown": repr(system)}
    found |= {"common": system.latex(common=True).split("\n"), "equations": str(len(system.equations()))}
    try:
        script = sh.python_script(system, *population, t_end=1.0)
        found["script"] = hashlib.sha256(script.encode()).hexdigest()[:12]
    except (ValueError, TypeError) as refusal:
        found["script"] = str(refusal)
    check(Path(__file__).with_suffix(".json"), name, found)
