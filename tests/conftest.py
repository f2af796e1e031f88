"""Settings of the whole suite: no display, hypothesis without deadlines (compilation counts as time there)."""

import os

os.environ.setdefault("MPLBACKEND", "Agg")

from hypothesis import settings

settings.register_profile("symhigh", deadline=None, max_examples=25, derandomize=True)
settings.load_profile("symhigh")
