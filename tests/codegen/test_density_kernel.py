"""Types of the solver of densities: what it is told of a system, and what is called from outside."""

from __future__ import annotations

from symhigh.codegen.density_kernel import AVERAGES, COUPLED, FORCES, KERNEL, SOLVER
from tests.codegen.test_signatures import widths


def test_a_type_for_every_argument() -> None:
    found = widths(KERNEL)
    assert {f: len(its) for f, its in SOLVER.items()} == {f: found[f] for f in SOLVER}
    assert SOLVER["squared_error"] == ("d", "d", "a1", "a1", "a2", "a1", "a1", "a1")
    assert SOLVER["risk_of_squares"] == ("d", "a1", "a1", "a1", "a1", "a1")


def test_functions_of_the_record_return_nothing() -> None:
    assert COUPLED.fields["averages"] == AVERAGES == (*SOLVER["squared_error"], "v")
    assert COUPLED.fields["forces"] == FORCES == (*SOLVER["risk_of_squares"], "v")
