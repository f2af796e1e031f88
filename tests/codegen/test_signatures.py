"""Types of compiled functions: as many as the functions of generated texts have arguments."""

from __future__ import annotations

import ast

import pytest

import symhigh as sh
from symhigh.codegen.control import FIELDS
from symhigh.codegen.course import COURSES, course_source
from symhigh.codegen.density import PAIRS, density_source
from symhigh.codegen.density_kernel import AVERAGES, FORCES
from symhigh.codegen.dormand_prince import dormand_prince_8
from symhigh.codegen.explicit import explicit_source
from symhigh.codegen.gram import gram_source
from symhigh.codegen.implicit import IMPLICIT_FIELDS
from symhigh.codegen.jacobian import jacobian
from symhigh.codegen.kernels import limit_source
from symhigh.codegen.signatures import ALGEBRA, GIVEN_STEP, GRAM, LIMIT, STEP, STEPPER, record
from symhigh.codegen.step import step_source
from symhigh.codegen.target import NUMPY
from symhigh.codegen.woodbury import linear_algebra
from symhigh.derivation.limit import mean_field_of

PROBLEM, RULE = sh.least_squares(0.3), sh.AdaGradNorm(1, 1)


def widths(source: str) -> dict[str, int]:
    """How many arguments the functions of a text have."""
    return {f.name: len(f.args.args) for f in ast.parse(source).body if isinstance(f, ast.FunctionDef)}


def texts() -> dict[str, tuple[str, dict[str, tuple[str, ...]]]]:
    system = sh.derive(PROBLEM, RULE)
    statement, field = mean_field_of(PROBLEM, RULE)
    whole = sh.derive(PROBLEM, RULE, reduce=False)
    network = sh.derive(sh.least_squares(0.3, sh.PRODUCT), sh.Constant(1))
    pairs = dict.fromkeys(("averages", "reports", "leans"), AVERAGES[:-1])
    pairs |= dict.fromkeys(("forces", "observe", "doubt"), FORCES[:-1])
    return {
        "limit": (limit_source(system, NUMPY), LIMIT),
        "algebra": (linear_algebra(jacobian(system), system, NUMPY).source(), ALGEBRA),
        "stepper": (explicit_source(dormand_prince_8()), STEPPER),
        "step": (step_source(field, statement, False, NUMPY), STEP),
        "given step": (step_source(field, statement, True, NUMPY), GIVEN_STEP),
        "chain": (gram_source(whole, statement, NUMPY), GRAM),
        "courses": (course_source("advance"), {"courses": COURSES}),
        "density": (
            density_source(network, network.channels.names[1:], NUMPY)[0],
            {n: pairs[n] for pair in PAIRS[:2] for n in pair},
        ),
    }  # fmt: skip


def test_a_type_for_every_argument() -> None:
    for name, (source, kinds) in texts().items():
        found = widths(source)
        assert {f: len(its) for f, its in kinds.items()} == {f: found[f] for f in kinds}, name


def test_kinds_of_the_chains_arrays() -> None:
    assert GRAM["run"] == (
        "i", "i", "d", "(n,b1)", "a3", "a3", "k1", "a1", "a1", "a1", "a1", "a1", "a1", "a2", "a1", "a1", "a1"
    )  # fmt: skip
    assert GIVEN_STEP["run"][:6] == ("i", "i", "(n,b1)", "a2", "a1", "a1")
    assert GIVEN_STEP["run"][6:] == STEP["run"][4:]


@pytest.mark.parametrize("fields", [FIELDS, IMPLICIT_FIELDS], ids=["explicit", "implicit"])
def test_records_hold_functions_with_their_results_and_arrays(fields: tuple[str, ...]) -> None:
    found = record(fields)
    assert found.name == "limit"
    assert tuple(found.fields) == fields
    for name, kind in found.fields.items():
        if name in LIMIT | ALGEBRA:
            assert kind == (*(LIMIT | ALGEBRA)[name], "i" if name == "refused" else "v")
        else:
            assert kind == ("a2" if name in ("coef", "A") else "a1")
