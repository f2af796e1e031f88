"""Derivation of limits: from the statement of a problem and a rule to a :class:`~symhigh.system.MomentSystem`."""

from symhigh.derivation.gaussian import expect
from symhigh.derivation.limit import derive

__all__ = ["derive", "expect"]
