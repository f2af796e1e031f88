"""The command that verifies claims.

Part of the command line.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from symhigh.cli.console import progress, writable
from symhigh.cli.shown import json_option


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--quick", is_flag=True, help="Smaller simulations.")
@click.option("--html", type=click.Path(path_type=Path), help="Also write the ledger as one HTML page.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of random points and simulations.")
@json_option
def verify(paths: tuple[Path, ...], quick: bool, html: Path | None, seed: int, as_json: bool) -> None:
    """Check claims, by default all that symhigh ships; exit status 1 where one does not end as its author expects.

    PATHS are Python files, or folders of them, that state claims. They are run as programs: check only files that
    you trust.
    """
    import symhigh as sh
    from symhigh.ledger import row_text

    if html is not None:
        writable("--html", html)
    shown: list[Any] = []

    def show(row: Any) -> None:
        shown.append(row)
        click.echo(row_text(row))

    with progress("verifying") as report:
        ledger = sh.verify(
            list(paths) or None, quick=quick, seed=seed, progress=report, on_row=None if as_json else show
        )
    if html is not None:
        html.write_text(ledger.to_html(), "utf-8")
    if as_json:
        click.echo(ledger.to_json())
    else:
        for row in ledger.rows:
            if row not in shown:  # files that hold no claims, ids that repeat
                show(row)
        click.echo(f"\n{ledger.closing()}")
    if not ledger.as_expected:
        sys.exit(1)


