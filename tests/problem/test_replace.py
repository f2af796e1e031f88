"""``dataclasses.replace`` makes every problem anew through its constructor, whatever short name it was made by."""

from dataclasses import replace
from typing import Any

import pytest
import sympy as sp

import symhigh as sh

U, V, W = sp.symbols("u_1 u_2 v_1", real=True)
MADE = {
    "network": sh.DiagonalNetwork(0.5, 2, sh.SQUARES),
    "deep network": sh.DiagonalNetwork(0.5, 2, sh.powers(3)),
    "committee": sh.MultiIndex((U, V), (W,), (U + V - W - sh.eps) ** 2 / 2, 0.3),
    "loss with a parameter": sh.huber(0.5, 0.3),
    "sampled labels": sh.logistic_regression(sampled=True),
    "model": sh.least_squares(model=sh.PRODUCT),
}


@pytest.mark.parametrize("name", MADE)
def test_nothing_changed_is_the_same_problem(name: str) -> None:
    again = replace(MADE[name])
    assert again == MADE[name]
    assert type(again) is type(MADE[name])
    assert again.model == MADE[name].model


@pytest.mark.parametrize(
    ("name", "change", "right"),
    [
        ("network", {"step": 0.1}, sh.DiagonalNetwork(0.1, 2, sh.SQUARES)),
        ("network", {"parametrization": sh.PRODUCT}, sh.DiagonalNetwork(0.5, 2)),
        ("committee", {"noise": 1}, sh.MultiIndex((U, V), (W,), (U + V - W - sh.eps) ** 2 / 2, 1)),
        ("loss with a parameter", {"noise": sh.Laplace(1)}, sh.huber(0.5, sh.Laplace(1))),
        ("sampled labels", {"loss": sh.x * sh.y}, None),
    ],
)
def test_one_change_is_a_problem_made_so(name: str, change: dict[str, Any], right: sh.Problem | None) -> None:
    changed = replace(MADE[name], **change)
    for field, value in change.items():
        assert getattr(changed, field) == value
    assert right is None or changed == right


def test_a_change_is_checked_as_a_new_problem_is() -> None:
    with pytest.raises(ValueError, match=r"DiagonalNetwork\(step=-1\): step must be > 0"):
        replace(MADE["network"], step=-1)
    with pytest.raises(ValueError, match="noise must be >= 0"):
        replace(MADE["loss with a parameter"], noise=-1)
