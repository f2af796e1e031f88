"""Helper processes find the modules that the process finds which they work for, and no others."""

import subprocess
import sys
from pathlib import Path

import pytest

CLAIM = """
import sympy as sp
from symhigh.ledger import Claim, symbolic
a = sp.Symbol("a", positive=True)
one = Claim("one", evidence=symbolic((a + 1)**2, a**2 + 2*a + 1))
"""
VERIFY = "import symhigh as sh; print(sh.verify('claims/one.py', jobs=2).as_expected)"
WITHIN = "import symhigh as sh, own; print(sh.within(60, own.double, 4).value)"


@pytest.mark.parametrize(
    ("module", "safe", "code", "printed"),
    [
        ("mpmath.py", ["-P"], VERIFY, "True"),  # a file of that name in the working folder is nobody's mpmath
        ("own.py", [], WITHIN, "8"),  # a notebook's own module
    ],
)
def test_modules_of_the_working_folder(
    module: str, safe: list[str], code: str, printed: str, tmp_path: Path
) -> None:
    (tmp_path / module).write_text("def double(value):\n    return 2*value\n")
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "one.py").write_text(CLAIM)
    done = subprocess.run(
        [sys.executable, *safe, "-c", code], cwd=tmp_path, text=True, capture_output=True, check=False
    )  # fmt: skip
    assert (done.stdout.strip(), done.returncode) == (printed, 0), done.stderr
