"""Settings of the whole suite: no display, hypothesis without deadlines (compilation counts as time there)."""

import os

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("SYMPY_GROUND_TYPES", "python")  # the same whether python-flint is installed or not

from hypothesis import settings

settings.register_profile("symhigh", deadline=None, max_examples=25, derandomize=True)
settings.load_profile("symhigh")
