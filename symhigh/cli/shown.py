"""What every output says about itself: the experiment in a line of text or in JSON.

Part of the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from symhigh.problem import Problem
    from symhigh.rule import Rule

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def named(problem: Problem, rule: Rule | None, *population: Any) -> dict[str, Any]:
    """What an output is about."""
    from symhigh.population import NetworkClasses, Overlaps, Spectrum
    from symhigh.registry import described

    found = {"problem": described(problem), "rule": described(rule)}
    for part in population:
        if isinstance(part, NetworkClasses):
            found["classes"] = repr(part)
        elif isinstance(part, Overlaps):
            found["overlaps"] = str(part.values.tolist())
        elif isinstance(part, Spectrum):
            values, _ = part.numeric("run")
            listed = ", ".join(f"{v:.6g}" for v in values[:4]) + (", …" if values.size > 4 else "")
            found["spectrum"] = f"eigenvalues {listed}" if part.name == "spectrum" else part.name
        else:
            shape = "" if part.profile == 1 else f", profile {described(part.profile)}"
            moments = ", ".join(f"{k} = {float(getattr(part, k)):g}" for k in ("x0", "x_star", "overlap"))
            found["start"] = moments + shape
    return found


def line(experiment: dict[str, Any]) -> str:
    """An experiment in one line."""
    return "; ".join(v if isinstance(v, str) else f"{k} = {v:g}" for k, v in experiment.items())


def tenths(count: int) -> range:
    """About ten of ``count`` places, for a table."""
    return range(0, count, max(1, count // 10))


def echo_json(data: Any, indent: int | None = None) -> None:
    """Print data as strict JSON."""
    from symhigh.report.strict import strict_json

    click.echo(strict_json(data, indent))
