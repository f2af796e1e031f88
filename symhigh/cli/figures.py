"""The command that draws figures.

Part of the command line.
"""

from __future__ import annotations

from pathlib import Path

import click

from symhigh.cli.console import progress, writable


@click.command()
@click.argument("number", type=click.Choice(["1"]))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("figure1"),
    show_default=True,
    help="Path, no ending.",
)
@click.option(
    "--largest",
    type=click.Choice(["256", "1024", "4096", "16384"]),
    default="4096",
    show_default=True,
    help="Largest dimension of the left panel.",
)
@click.option("--seeds", type=click.IntRange(min=3), default=30, show_default=True, help="Runs a dimension.")
def figure(number: str, out: Path, largest: str, seeds: int) -> None:
    """Reproduce a figure of The High Line as PNG and PDF, with its data as JSON."""
    from symhigh.report.figure1 import figure1
    from symhigh.report.figures import save

    writable("--out", out)
    with progress(f"figure {number}") as report:
        drawn, data = figure1(int(largest), seeds, progress=report)
    for path in save(drawn, data, out):
        click.echo(path)


