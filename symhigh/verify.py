"""The old address of :mod:`symhigh.ledger`, for claims files written before the room was renamed."""

import warnings

from symhigh.ledger import *  # noqa: F403
from symhigh.ledger import __all__ as __all__

warnings.warn(
    "symhigh.verify has moved: import from symhigh, or from symhigh.ledger", FutureWarning, stacklevel=2
)
