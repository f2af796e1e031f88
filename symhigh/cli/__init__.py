"""The command line: reads options, calls the library, prints.

Exit status 0 success, 1 refuted, diverged or interrupted, 2 wrong usage, 128 + n ended by the signal n. Heavy imports
stay inside commands, so ``symhigh --help`` answers at once.
"""

from __future__ import annotations

import click

from symhigh.cli.console import Commands
from symhigh.cli.figures import figure
from symhigh.cli.running import new, run, simulate
from symhigh.cli.statements import derive, export, limits, names
from symhigh.cli.verifying import replay, verify


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="symhigh")
def main() -> None:
    """Exact high-dimensional limits of SGD: derive, integrate, simulate, verify."""


for command in (derive, limits, run, new, simulate, verify, replay, figure, export, names):
    main.add_command(command)
