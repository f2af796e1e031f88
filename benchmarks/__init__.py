"""Speed and accuracy side by side with what a researcher would write: ``python -m benchmarks``."""
