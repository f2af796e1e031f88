"""The least risk that any iterate has, against values by hand and a search over a grid."""

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.integration.minimum import minimal_risk_at


@pytest.mark.parametrize(
    ("problem", "b22", "least"),
    [
        (sh.least_squares(0.6), 1.3, 0.18),
        (sh.phase_retrieval(), 0.7, 0.0),
        (sh.sign_regression(0.2), 1.5, 0.5 * (1 + 0.04) - 1 / np.pi),  # x = √(2/(π B22)) x*
        (sh.Problem((sh.x + sh.x_star) ** 2 / 2), 1.2, 0.0),  # least at X = -X*
        (sh.Problem((sh.x**2 - 1) ** 2), 0.9, None),  # needs an X off the target's line, or none at all
    ],
    ids=["linear", "phase", "sign", "mirrored", "blind"],
)
def test_least_risk(problem: sh.Problem, b22: float, least: float | None) -> None:
    if least is None:  # E (x² - 1)² = 3B² - 2B + 1 is least at B = 1/3
        least = 2 / 3
    assert minimal_risk_at(problem, b22) == pytest.approx(least, abs=1e-9)


def test_the_target_is_preferred_where_it_is_as_good() -> None:
    assert minimal_risk_at(sh.least_squares(sp.Rational(1, 2)), 1.0) == 0.125
