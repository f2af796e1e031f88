"""Networks that start at rest have no long time to speak of."""

import pytest

import symhigh as sh


@pytest.mark.parametrize("rule", [None, sh.AdaGradNorm(1, 1)])
def test_a_network_that_starts_at_zero_is_refused_by_name(rule: sh.Rule | None) -> None:
    classes = sh.NetworkClasses([1.0, 0.5], [1.0, -0.5], 0.0, 0.0)
    stated = sh.DiagonalNetwork(0.1) if rule is None else sh.derive(sh.least_squares(model=sh.PRODUCT), rule)
    with pytest.raises(ValueError, match="at rest"):
        sh.limits(stated, classes)
