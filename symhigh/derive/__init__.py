"""Derivation of limits: from the statement of a problem and a rule to a :class:`~symhigh.system.LimitSystem`."""

from symhigh.derive.gaussian import expect
from symhigh.derive.limit import derive

__all__ = ["derive", "expect"]
