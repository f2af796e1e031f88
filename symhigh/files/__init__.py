"""Statements, results and experiments as files: a grammar of formulas, TOML, arrays with their description."""
