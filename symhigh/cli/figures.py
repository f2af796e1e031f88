"""The command that draws figures by name.

Part of the command line.
"""

from __future__ import annotations

from pathlib import Path

import click

from symhigh.cli.console import progress, whole_or_nothing, writable


@click.command()
@click.argument("names", nargs=-1)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("figures"), show_default=True, help="Folder of the figures."
)
@click.option("--quick", is_flag=True, help="Smaller dimensions and fewer runs.")
@click.option("--list", "listing", is_flag=True, help="List the figures, and draw nothing.")
def figure(names: tuple[str, ...], out: Path, quick: bool, listing: bool) -> None:
    """Draw figures by name, such as high-line/1, networks, or all: PNG and PDF, with the data as JSON.

    Exit status 1 where the data of a figure does not show what the figure is to show.
    """
    import matplotlib

    from symhigh.report.figures import save
    from symhigh.report.gallery import chosen, recipes

    if listing:
        for recipe in recipes().values():
            click.echo(f"{recipe.name}  {recipe.title}")
        return
    if not names:
        raise ValueError(f"give the names of figures: {', '.join(recipes())}, or all")
    matplotlib.use("Agg")
    wanted = chosen(names)
    writable("--out", out / "figure")
    for recipe in wanted:
        with whole_or_nothing(), progress(f"figure {recipe.name}") as report:
            drawn = recipe.draw(quick, report)
        for path in save(drawn.figure, drawn.data, out / recipe.name):
            click.echo(path)
