"""Files: formulas, experiments and results, read and written."""
