"""A process that verifies files: JSON requests on standard input, JSON rows on standard output, one a line.

The far end of :mod:`symhigh.ledger.runner`. What a claims file prints goes to standard error.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path

from symhigh.ledger.examine import How, examine_file
from symhigh.ledger.select import Selection
from symhigh.telling import at_work

_COLLECTED = (50_000, 20, 20)
"""When cycles are looked for: seldom, since formulas are trees, and what a file leaves goes with it."""


def serve() -> None:
    """Serve requests ``{"file", "how", "selection"}`` until input ends; an empty line ends each answer."""
    gc.freeze()
    gc.set_threshold(*_COLLECTED)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.stdout = sys.stderr
    with at_work("verify", speaks=False):  # rows tell how far it is
        for request in sys.stdin:
            asked = json.loads(request)
            selection = Selection(**{key: tuple(value) for key, value in asked["selection"].items()})
            for share, row in examine_file(Path(asked["file"]), How(**asked["how"]), selection):
                answers.write(json.dumps([share, row.to_dict()]) + "\n")
                answers.flush()
            answers.write("\n")
            answers.flush()
