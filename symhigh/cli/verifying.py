"""The command that verifies claims.

Part of the command line.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from symhigh.cli.console import progress, writable
from symhigh.cli.shown import echo_json, json_option


@click.command()
@click.argument("paths", nargs=-1)
@click.option("-k", "words", multiple=True, help="Only claims whose id, name or file holds this; may be repeated.")
@click.option("--list", "listing", is_flag=True, help="List the claims as FILE::id, and examine nothing.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Processes, by default one for each core.")
@click.option("--quick", is_flag=True, help="Smaller simulations.")
@click.option("--second", is_flag=True, help="Have Maxima reduce the identities that are proved, too.")
@click.option("--html", type=click.Path(path_type=Path), help="Also write the ledger as one HTML page.")
@click.option("--junit", type=click.Path(path_type=Path), help="Also write the ledger as JUnit XML.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of random points and simulations.")
@json_option
def verify(
    paths: tuple[str, ...], words: tuple[str, ...], listing: bool, jobs: int | None, quick: bool, second: bool,
    html: Path | None, junit: Path | None, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Check claims, by default all that symhigh ships; exit status 1 where one does not end as its author expects.

    PATHS are Python files that state claims, FILE::claim for one of them by id or name, or folders of files. They are
    run as programs: check only files that you trust.
    """
    import symhigh as sh
    from symhigh.ledger import row_text

    if listing:
        _list(paths, words, as_json)
        return
    for option, file in (("--html", html), ("--junit", junit)):
        if file is not None:
            writable(option, file)
    shown: list[Any] = []

    def show(row: Any) -> None:
        shown.append(row)
        click.echo(row_text(row))

    with progress("verifying") as report:
        ledger = sh.verify(
            list(paths) or None, quick, seed, jobs, report, None if as_json else show, words, second
        )
    if html is not None:
        html.write_text(ledger.to_html(), "utf-8")
    if junit is not None:
        from symhigh.ledger.junit import junit as as_junit

        junit.write_text(as_junit(ledger), "utf-8")
    if as_json:
        click.echo(ledger.to_json())
    else:
        for row in ledger.rows:
            if row not in shown:  # files that hold no claims, ids that repeat
                show(row)
        click.echo(f"\n{ledger.closing()}")
    if not ledger.as_expected:
        sys.exit(1)


def _list(paths: tuple[str, ...], words: tuple[str, ...], as_json: bool) -> None:
    from symhigh.ledger.runner import SHIPPED
    from symhigh.ledger.select import listed

    found = [(file, claim.id, claim.name) for file, claim in listed(paths or (SHIPPED,), words)]
    if as_json:
        echo_json([{"file": str(file), "id": key, "name": name} for file, key, name in found], indent=2)
        return
    for file, key, name in found:
        click.echo(f"{file}::{key}" + ("" if name == key else f"  {name}"))
    click.echo(f"{len(found)} claims")
