"""How much memory there is: what scans and runs ask before they make room for results.

Serves :mod:`symhigh.integration.scan` and :mod:`symhigh.simulation.capacity`.
"""

from __future__ import annotations

import math
import os


def memory() -> float:
    """Bytes that this process may hold, as far as the system says."""
    try:
        found = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    except (AttributeError, ValueError, OSError, ImportError):
        return math.inf
    return found if limit == resource.RLIM_INFINITY else min(found, limit)
