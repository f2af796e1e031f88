"""Softmax regression against its definition, with labels of a teacher and of classes."""

from __future__ import annotations

import math
from typing import Any

import pytest
import sympy as sp

import symhigh as sh
from symhigh.symbols import y

MU = sp.Symbol("mu")
THREE = sh.Mixture([0.2, 0.3, 0.5], [MU, -MU, 0], [0, 1, 2])


def cross_entropy(outputs: list[float], label: int) -> float:
    return math.log(sum(map(math.exp, outputs))) - outputs[label]


@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize(("count", "data"), [(2, None), (3, None), (3, THREE)])
def test_the_loss_is_the_cross_entropy(count: int, data: sh.Mixture | None, reference: bool) -> None:
    problem = sh.softmax(count, data, reference)
    outputs = [0.3, -1.1, 0.8][:count]
    if reference:
        outputs[-1] = 0.0
    free = count - 1 if reference else count
    assert len(problem.students) == free
    at = dict(zip(problem.students, outputs, strict=False))
    for label in range(count):
        found = float(problem.loss.subs({**at, y: label}))
        assert found == pytest.approx(cross_entropy(outputs, label), rel=1e-14)
    if data is None:
        at = dict(zip(problem.targets, outputs, strict=False))
        assert len(problem.targets) == free
        assert problem.labels is not None
        chances = {int(k): float(sp.sympify(p).subs(at)) for k, p in dict(problem.labels).items()}
        whole = sum(map(math.exp, outputs))
        assert chances == pytest.approx({k: math.exp(u) / whole for k, u in enumerate(outputs)}, rel=1e-14)
    else:
        assert problem.data == data


def classes(count: int) -> sh.Mixture:
    return sh.Mixture([1 / count] * count, [MU, -MU, *[0] * (count - 2)])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sh.softmax(1), "classes=1"),
        (lambda: sh.softmax(65), "classes=65"),
        (lambda: sh.softmax(4), r"over 6 correlated variables, beyond the 4 .*; classes must be <= 3 here: .* up to 5"),
        (lambda: sh.softmax(6, classes(6)), r"over 5 correlated .*; classes must be <= 5 here: merge classes$"),
        (lambda: sh.softmax(2, THREE), "labels must be 0 to 1, one an output"),
        (lambda: sh.softmax(4, THREE), "labels must be 0 to 3"),
    ],
)
def test_refusals(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_as_many_classes_as_quadrature_takes() -> None:
    assert len(sh.softmax(5, classes(5)).students) == 5
    assert len(sh.softmax(2, classes(2)).students) == 2
    with pytest.raises(ValueError, match="over 126 correlated variables"):
        sh.softmax(64)
