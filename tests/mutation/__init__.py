"""Mutation runs: small errors planted in a copy of the package, each to be noticed by the tests of its room."""
