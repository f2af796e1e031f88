"""What the derivation gives for many combinations, as numbers at one point: regression values."""

from pathlib import Path
from typing import Any

import pytest

import symhigh as sh
from tests.combinations import combinations, somewhere
from tests.tables import Entry, check

CASES = combinations()


def at_a_point(system: sh.MomentSystem) -> Entry:
    """Every right-hand side, output, average and start of a system, parameters put in."""
    parts = {f"d{s}": e for s, e in zip(system.family.states, system.family.rhs, strict=True)}
    parts |= {f"d{s.name}": s.rhs for s in system.states} | {f"{s.name}(0)": s.initial for s in system.states}
    parts |= {str(r.name): r.summand for r in system.reductions} | dict(system.outputs)
    found: dict[str, Any] = {}
    for name, expr in parts.items():
        full = system.expanded(expr)
        try:
            found[name] = float(full.xreplace({s: somewhere(s) for s in full.free_symbols}).evalf(12))
        except TypeError:
            found[name] = "not real there"
    return {"kind": type(system).__name__, "values": found, "assumptions": len(system.assumptions)}


@pytest.mark.parametrize("name", CASES)
def test_equations_have_not_changed(name: str) -> None:
    problem, rule, _ = CASES[name]
    try:
        found: Entry = at_a_point(sh.derive(problem, rule))
    except (ValueError, NotImplementedError) as refusal:
        found = f"{type(refusal).__name__}: {refusal}"
    check(Path(__file__).with_suffix(".json"), name, found)
