"""Views for people: LaTeX, HTML, figures. Reads results, computes nothing."""
