"""Strict JSON: what has no number becomes null, since NaN and Infinity are not JSON.

Part of the reports; the command line and the figures write their data with it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np


def strict_json(data: Any, indent: int | None = None) -> str:
    """``data`` of mappings, sequences, arrays, numbers and text as JSON that every parser reads."""
    return json.dumps(_plain(data), indent=indent, allow_nan=False)


def _plain(data: Any) -> Any:
    if isinstance(data, np.ndarray | np.generic):
        data = data.tolist()
    if isinstance(data, Mapping):
        return {str(key): _plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data
