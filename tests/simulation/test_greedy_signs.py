"""Greedy rules where descent is not to be had: what they do, in the limit and in simulation alike."""

from __future__ import annotations

import numpy as np

import symhigh as sh
from symhigh.integration.curve import Curve
from symhigh.ledger import Comparison
from tests.scenarios import ISOTROPIC

NEAR_ORIGIN = sh.Start(x0=0.05, x_star=1, overlap=0.01)


def compared(rule: sh.Rule) -> tuple[Curve, Comparison]:
    times = np.linspace(0, 1, 6)
    runs = sh.simulate(
        sh.phase_retrieval(), rule, ISOTROPIC, NEAR_ORIGIN, 4096, 1.0, 24, method="gram", t=times
    )
    curve = sh.derive(sh.phase_retrieval(), rule).solve(ISOTROPIC, NEAR_ORIGIN, 1.0, t=runs.t)
    return curve, sh.compare(curve, runs, ("risk", "learning_rate", "distance"))


def test_polyak_turns_round_where_the_gradient_leads_away_from_the_target() -> None:
    """Near the origin phase retrieval pushes X outwards, away from X*: the best rate is negative."""
    curve, comparison = compared(sh.Polyak())
    assert (curve.learning_rate < 0).all()
    assert (np.diff(curve.distance) < 0).all()
    assert comparison.agrees, comparison.summary()


def test_line_search_is_stationary_but_not_best_where_the_risk_is_concave() -> None:
    """There ``c₁ = 3 B11 - B22 < 0``: noise lowers the risk, no rate is best, the stationary one is worst."""
    curve, comparison = compared(sh.LineSearch())
    assert (np.diff(curve.risk) > 0).all()
    assert comparison.agrees, comparison.summary()
