"""Tables of regression values: what the library gave for many combinations, each beside its test file as JSON.

They hold nothing that is known to be right (the tests of each room see to that), and show that something has changed.
Where the change is meant, ``SYMHIGH_TABLES=write pytest tests/<room>/test_table.py`` writes the values anew.
"""

from __future__ import annotations

import json
import math
import os
import re
from pathlib import Path
from typing import Any

WRITE = "SYMHIGH_TABLES=write keeps the new values"
Entry = dict[str, Any] | list[Any] | str | float | None
_NUMBER = re.compile(r"(?<![\w.])-?\d+\.\d+(?:e[+-]?\d+)?")


def check(table: Path, case: str, found: Entry, rtol: float = 1e-7) -> None:
    """Compare ``found`` with the entry ``case`` of a table; numbers to ``rtol``, text word by word.

    Names that the table does not have are new, and no change.
    """
    kept = json.loads(table.read_text("utf-8")) if table.exists() else {}
    if os.environ.get("SYMHIGH_TABLES") == "write":
        kept[case] = json.loads(json.dumps(found))
        table.write_text(json.dumps(kept, indent=0, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
        return
    differences = list(_differences(kept.get(case), json.loads(json.dumps(found)), rtol, ""))
    assert not differences, "\n".join([f"{case} has changed ({WRITE} where that is meant):", *differences[:20]])


def _differences(kept: Entry, found: Entry, rtol: float, place: str) -> list[str]:
    if isinstance(kept, dict) and isinstance(found, dict):
        missing = [f"{place}/{k} is gone" for k in sorted(kept.keys() - found.keys())]
        both = sorted(kept.keys() & found.keys())
        return missing + [d for k in both for d in _differences(kept[k], found[k], rtol, f"{place}/{k}")]
    if isinstance(kept, list) and isinstance(found, list) and len(kept) == len(found):
        pairs = enumerate(zip(kept, found, strict=True))
        return [d for k, pair in pairs for d in _differences(*pair, rtol, f"{place}[{k}]")]
    if isinstance(kept, (int, float)) and isinstance(found, (int, float)):
        same = math.isclose(kept, found, rel_tol=rtol, abs_tol=rtol / 100) or (math.isnan(kept) and math.isnan(found))
        return [] if same else [f"{place}: {kept!r} → {found!r}"]
    if isinstance(kept, str) and isinstance(found, str) and _NUMBER.sub("#", kept) == _NUMBER.sub("#", found):
        numbers = zip(map(float, _NUMBER.findall(kept)), map(float, _NUMBER.findall(found)), strict=True)
        return [d for pair in numbers for d in _differences(*pair, max(rtol, 1e-3 if len(kept) > 40 else 0), place)]
    return [] if kept == found else [f"{place}: {kept!r} → {found!r}"]
