"""What steps of quadrature are chosen for: the digits that are left, and how far the law is taken."""

from __future__ import annotations

import math

import pytest

from symhigh.codegen.quadrature_source import DIGITS, LINE_DIGITS, REACH


def test_errors_of_truncation_are_below_rounding() -> None:
    assert math.exp(-LINE_DIGITS) == pytest.approx(2.3e-16, rel=0.01, abs=0)
    assert math.exp(-DIGITS) == pytest.approx(1.14e-12, rel=0.01, abs=0)
    assert math.erfc(REACH / math.sqrt(2)) == pytest.approx(2.4e-16, rel=0.01, abs=0)
