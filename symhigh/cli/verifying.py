"""The commands that verify claims, and that replay the record of a verification.

Part of the command line.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from symhigh.cli.console import progress, writable
from symhigh.cli.shown import echo_json, json_option
from symhigh.disk import keep


@click.command()
@click.argument("paths", nargs=-1)
@click.option("-k", "words", multiple=True, help="Only claims whose id, name or file holds this; may be repeated.")
@click.option("--list", "listing", is_flag=True, help="List the claims as FILE::id, and examine nothing.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Processes, by default one for each core.")
@click.option("--quick", is_flag=True, help="Smaller simulations.")
@click.option("--second", is_flag=True, help="Have Maxima reduce the identities that are proved, too.")
@click.option(
    "--resume/--fresh", default=None,
    help="Take rows of earlier runs where nothing that they rest on has changed, the default; or examine all again.",
)
@click.option("--html", type=click.Path(path_type=Path), help="Also write the ledger as one HTML page.")
@click.option("--junit", type=click.Path(path_type=Path), help="Also write the ledger as JUnit XML.")
@click.option("--record", type=click.Path(path_type=Path), help="Also write a record, which `symhigh replay` reruns.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of random points and simulations.")
@json_option
def verify(
    paths: tuple[str, ...], words: tuple[str, ...], listing: bool, jobs: int | None, quick: bool, second: bool,
    resume: bool | None, html: Path | None, junit: Path | None, record: Path | None, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Check claims, by default all that symhigh ships; exit status 1 where one does not end as its author expects.

    PATHS are Python files that state claims, FILE::claim for one of them by id or name, or folders of files. They are
    run as programs: check only files that you trust. Rows that ended as expected are kept; later runs take them where
    all that they rest on is the same, and say when they were examined. --fresh and --record examine everything.
    """
    import symhigh as sh
    from symhigh.ledger import row_text

    if record is not None and resume:
        raise click.UsageError("--record writes down one run, so it goes without --resume, which takes rows of others")
    if resume is None:
        resume = record is None
    if listing:
        _list(paths, words, as_json)
        return
    for option, file in (("--html", html), ("--junit", junit), ("--record", record)):
        if file is not None:
            writable(option, file)
    shown: list[Any] = []

    def show(row: Any) -> None:
        shown.append(row)
        click.echo(row_text(row))

    with progress("verifying") as report:
        ledger = sh.verify(
            list(paths) or None, quick, seed, jobs, report, None if as_json else show, words, second, resume
        )
    if html is not None:
        keep("--html", html, ledger.to_html())
    if junit is not None:
        from symhigh.ledger.junit import junit as as_junit

        keep("--junit", junit, as_junit(ledger))
    if record is not None and not ledger.complete:
        click.echo(f"no record is written to {record}: the run was interrupted", err=True)
    elif record is not None:
        from symhigh.ledger.record import write_record

        write_record(record, ledger, paths, words, second)
    if as_json:
        click.echo(ledger.to_json())
    else:
        for row in ledger.rows:
            if row not in shown:  # files that hold no claims, ids that repeat
                show(row)
        click.echo(f"\n{ledger.closing()}")
        if any(row.examined for row in ledger.rows):
            click.echo("`--fresh` examines them again.")
    if not ledger.as_expected:
        sys.exit(1)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Processes, by default one for each core.")
@json_option
def replay(file: Path, jobs: int | None, as_json: bool) -> None:
    """Run a recorded verification again and compare; exit status 1 where a claim, a verdict or a number differs.

    FILE was written by `symhigh verify --record FILE`. Versions, machine and symhigh's own source are compared too, and
    what is not as recorded is told. The files of claims are run as programs: replay only what you trust.
    """
    from symhigh.ledger.record import replay as replayed

    with progress("replaying") as report:
        found = replayed(file, jobs, report)
    if as_json:
        keys = ("same", "differences", "surroundings")
        echo_json({key: getattr(found, key) for key in keys} | {"claims": len(found.ledger.rows)}, indent=2)
    else:
        click.echo(str(found))
    if not found.same:
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
