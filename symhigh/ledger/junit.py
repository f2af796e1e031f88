"""The ledger as JUnit XML, which continuous integration reads: a suite a file, a case a claim.

Part of the end of the verification room. A row that is not as its author expects is a failure, one that could not be
examined an error.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from symhigh.ledger.rows import Ledger, Row
from symhigh.ledger.text import row_text
from symhigh.ledger.verdict import Verdict

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(ledger: Ledger) -> str:
    """The XML text."""
    suites = ElementTree.Element("testsuites", name="symhigh verify", time=f"{ledger.seconds:.3f}")
    files: dict[str, list[Row]] = {}
    for row in ledger.rows:
        files.setdefault(row.file or "claims", []).append(row)
    for file, rows in files.items():
        suite = ElementTree.SubElement(
            suites, "testsuite", name=_clean(file), tests=str(len(rows)),
            failures=str(sum(_state(r) == "failure" for r in rows)),
            errors=str(sum(_state(r) == "error" for r in rows)),
            skipped=str(sum(_state(r) == "skipped" for r in rows)), time=f"{sum(r.seconds for r in rows):.3f}",
        )  # fmt: skip
        for row in rows:
            case = ElementTree.SubElement(
                suite, "testcase", name=_clean(row.id), classname=_clean(file), time=f"{row.seconds:.3f}"
            )
            if _state(row):
                note = ElementTree.SubElement(case, _state(row), message=_clean(f"{row.verdict_text}: {row.name}"))
                note.text = _clean(row_text(row, details=True))
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _state(row: Row) -> str:
    """The element that a case holds; none where the row is as expected."""
    if row.as_expected:
        return "skipped" if row.verdict is Verdict.SKIPPED else ""
    return "error" if any(line.verdict is Verdict.ERROR for line in row.lines) else "failure"


def _clean(text: str) -> str:
    """Text without the characters that XML does not have."""
    return _FORBIDDEN.sub("�", text)
