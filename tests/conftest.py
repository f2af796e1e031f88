"""Settings of the whole suite: no display, bytecode kept, hypothesis without deadlines (compilation counts there)."""

import gc
import os
import sys

os.environ.setdefault("MPLBACKEND", "Agg")
if os.environ.get("PYTHONDONTWRITEBYTECODE") != "mutants":  # their sources change within a second, at equal size
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each process that a test starts compiles symhigh anew
    sys.dont_write_bytecode = False
os.environ.setdefault("SYMPY_GROUND_TYPES", "python")  # the same whether python-flint is installed or not
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the workers fill the cores

import pytest
from hypothesis import settings

settings.register_profile("symhigh", deadline=None, max_examples=25, derandomize=True)
settings.load_profile("symhigh")
gc.set_threshold(1_000_000, 50, 50)  # formulas are trees: cycles are rare, and looking for them is not free


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Names of tests are the same in every process, which workers rely on: none holds the address of an object."""
    if wandering := [item.nodeid for item in items if " at 0x" in item.nodeid]:
        raise pytest.UsageError(f"{wandering[0]}: its name holds an address; give parametrize other ids")
