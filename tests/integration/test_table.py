"""Curves of many combinations, coarse: regression values, and the work that they take."""

import warnings
from pathlib import Path

import pytest

import symhigh as sh
from tests.combinations import LOSSES, RULES, combinations
from tests.tables import Entry, check

CASES = {
    name: case for name, case in combinations().items()
    if name.split(", ")[0] in RULES or name.split(", ")[1] in LOSSES or name.endswith("square, linear")
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_curves_have_not_changed(name: str) -> None:
    problem, rule, population = CASES[name]
    work: Entry = {}
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            curve = sh.derive(problem, rule).solve(*population, 2.0, t=[0.0, 0.7, 2.0], rtol=1e-9)
        except (ValueError, NotImplementedError) as refusal:
            found: Entry = f"{type(refusal).__name__}: {refusal}"
        else:
            found = {k: v.tolist() for k, v in curve.outputs.items()} | {"message": curve.message}
            work = dict(getattr(curve, "statistics", {}))
    check(Path(__file__).with_suffix(".json"), name, [found, *(str(w.message) for w in said)], 1e-8)
    check(Path(__file__).with_name("test_table_work.json"), name, work, 0.03)
