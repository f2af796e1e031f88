"""Speed and accuracy side by side with what a researcher would write: ``python -m benchmarks``."""

import os

for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # one core for everyone, before NumPy starts its threads
