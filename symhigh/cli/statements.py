"""Commands about a statement alone: its limit, closed forms, generated source; the names of the registry.

Part of the command line.
"""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from symhigh.cli.options import (
    POPULATION,
    StatementCommand,
    experiment_options,
    read_population,
    read_statement,
)
from symhigh.cli.shown import echo_json, json_option, line, named


@click.command(cls=StatementCommand)
@click.option("--full", is_flag=True, help="Keep V11 and V12 even where the system reduces to D2.")
@click.option("--latex", "as_latex", is_flag=True, help="Print LaTeX.")
@json_option
def derive(full: bool, as_latex: bool, as_json: bool, **options: Any) -> None:
    """Print the limit of SGD on a problem under a rule."""
    import symhigh as sh

    problem, rule = read_statement(options, symbolic=True)
    system = sh.derive(problem, rule, reduce=not full)
    about = named(problem, rule)
    if as_json:
        echo_json(
            {"experiment": about, "equations": str(system).splitlines(), "latex": system.latex()}, indent=2
        )
    elif as_latex:
        click.echo(f"% {line(about)}\n{system.latex()}")
    else:
        click.echo(f"# {line(about)}\n{system}")


@click.command(cls=StatementCommand)
@json_option
def limits(as_json: bool, **options: Any) -> None:
    """Print what is known in closed form: limits, thresholds, rates, with their assumptions."""
    import symhigh as sh

    problem, rule = read_statement(options, symbolic=True)
    formulas = sh.limits(problem, rule)
    about = named(problem, rule)
    shown = {
        name: {
            "experiment": about,
            "expression": str(f.expr),
            "assumptions": [str(a) for a in f.assumptions],
            "source": str(f.source),
            "latex": f.latex(),
        }
        for name, f in formulas.items()
    }
    if as_json:
        echo_json(shown, indent=2)
        return
    click.echo(f"# {line(about)}")
    for name, f in formulas.items():
        click.echo(f"{name} = {f.expr}")
        for note in (*map(str, f.assumptions), f"source: {f.source}"):
            click.echo(f"    {note}")


@click.command(cls=StatementCommand)
@experiment_options
@click.option(
    "--target", type=click.Choice(["c", "numba", "numpy"]), help="Form of the right-hand side, by default numpy."
)
@click.option(
    "--program", type=click.Choice(["python", "c", "julia"]), help="Print a program that solves the limit by itself."
)
@click.pass_context
def export(context: click.Context, /, target: str | None, program: str | None, **options: Any) -> None:
    """Print the generated source of a limit's right-hand side, or a program of its own that solves it."""
    import symhigh as sh
    from symhigh.codegen.c import translate
    from symhigh.codegen.kernels import limit_source
    from symhigh.codegen.signatures import LIMIT
    from symhigh.codegen.target import TARGETS

    if program is not None:
        if target is not None:
            raise ValueError("--target has no effect with --program, which has a form of its own")
        problem, rule = read_statement(options)
        population = read_population(options, problem)
        click.echo(sh.export(sh.derive(problem, rule), *population, t_end=options["t_end"], language=program), nl=False)
        return
    for name in POPULATION:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            flag = next(p.opts[0] for p in context.command.params if p.name == name)
            raise ValueError(f"{flag} has no effect without --program: a right-hand side is that of every population")
    target = target or "numpy"
    problem, rule = read_statement(options, symbolic=True)
    source, title = limit_source(sh.derive(problem, rule), TARGETS[target]), line(named(problem, rule))
    click.echo(f"/* {title} */\n{translate(source, LIMIT)}" if target == "c" else f"# {title}\n{source}")


@click.command()
def names() -> None:
    """List the losses, laws of label noise, rules and models, with their parameters."""
    from symhigh.registry import LAWS, LOSSES, MODELS, RULES

    for title, table in (("Losses", LOSSES), ("Label noise", LAWS), ("Rules", RULES)):
        click.echo(title)
        for name, entry in table.items():
            given = " ".join(f"--{p.flag}" for p in entry.parameters)
            click.echo(f"  {name} {given}".rstrip() + f"\n      {entry.help}")
    click.echo("Models")
    for name, entry in MODELS.items():
        depth = {p.name: 3 for p in entry.parameters}
        given = " ".join(f"--{p.flag}" for p in entry.parameters)
        weight = entry.make(**depth).effective
        shown = f"weights {weight}" + (f", for {', '.join(f'{k} = {v}' for k, v in depth.items())}" if depth else "")
        click.echo(f"  {name} {given}".rstrip() + f"\n      {shown}")
