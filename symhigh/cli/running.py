"""Commands that solve and simulate: ``run`` and ``simulate`` from options, ``run FILE`` and ``new`` for experiments.

Part of the command line.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from symhigh.cli.console import interrupted, progress, whole_or_nothing, writable
from symhigh.cli.options import StatementCommand, experiment_options, read_population, read_statement
from symhigh.cli.shown import echo_json, json_option, line, named, tenths


@click.command(cls=StatementCommand)
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@experiment_options
@click.option(
    "--d", "dimension", type=click.IntRange(min=8), help="Also simulate at this dimension, and compare."
)
@click.option("--seeds", type=click.IntRange(min=3), help="Runs of the simulation, by default 20.")
@click.option(
    "--plot", type=click.Path(path_type=Path), help="Save a figure (png, pdf, and the data) under this name."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for the results of FILE, by default its name without ending."
)
@json_option
@click.pass_context
def run(
    context: click.Context, /, file: Path | None, dimension: int | None, seeds: int | None, plot: Path | None,
    out: Path | None, as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Integrate the limit and, with --d, confront it with direct SGD; exit status 1 where they disagree.

    With FILE, a TOML file as `symhigh new` writes it, run the experiment that it states, and leave a folder with
    equations, curve, runs, figure and verdict.
    """
    if file is not None:
        _refuse_beside_file(context)
        _run_file(file, Path(file.stem) if out is None else out, as_json)
        return
    from symhigh.derivation.close.density import DensitySystem
    from symhigh.objects.comparison import compare
    from symhigh.objects.runs import simulate as simulated
    from symhigh.objects.systems import derive

    if out is not None:
        raise ValueError("--out has no effect without FILE; --plot saves a figure")
    if dimension is None and seeds is not None:
        raise ValueError("--seeds has no effect without --d, the dimension to simulate at")
    if plot is not None:
        writable("--plot", plot)
    problem, rule = read_statement(options)
    population, t_end = read_population(options, problem), options["t_end"]
    with progress("integrating") as report:
        system: Any = derive(problem, rule)
        more = {} if isinstance(system, DensitySystem) else {"progress": report}
        curve = system.solve(*population, t_end=t_end, **more)
    runs = comparison = None
    if dimension is not None and not interrupted():
        with progress("simulating") as report:
            size: Any = {"d": dimension, "t_end": t_end, "seeds": seeds or 20, "progress": report}
            runs = simulated(problem, rule, *population, **size)
        comparison = None if interrupted() else compare(curve, runs)
    if plot is not None:
        _draw(curve, runs, plot)
    about = named(problem, rule, *population) | {"t_end": t_end}
    if as_json:
        data = {"experiment": about, "t": curve.t, **curve.outputs, "complete": curve.complete}
        if curve.message:
            data["message"] = curve.message
        if comparison is not None:
            data["comparison"] = {"agrees": bool(comparison.agrees), "summary": comparison.summary()}
        echo_json(data)
    else:
        click.echo(f"# {line(about)}")
        _table(curve)
        if comparison is not None:
            click.echo(comparison.summary())
    if interrupted():
        click.echo("interrupted: limit and runs are not compared", err=True)
    if not curve.complete or (comparison is not None and not comparison.agrees):
        sys.exit(1)


def _table(curve: Any) -> None:
    columns = [name for name in ("risk", "learning_rate", "distance", "curvature") if name in curve.outputs]
    click.echo(" ".join([f"{'t':>10}", *(f"{name.replace('_', ' '):>14}" for name in columns)]))
    for k in tenths(curve.t.size):
        click.echo(" ".join([f"{curve.t[k]:10.4g}", *(f"{curve.outputs[name][k]:14.8g}" for name in columns)]))


def _draw(curve: Any, runs: Any, path: Path) -> None:
    from symhigh.report.figures import plot_confrontation, save

    data = {"t": curve.t, "risk": curve.risk} | (
        {} if runs is None else {"runs_t": runs.t, "runs_risk": runs.risk}
    )
    save(plot_confrontation(curve, [] if runs is None else [runs], ["risk"]), data, path)


def _refuse_beside_file(context: click.Context) -> None:
    """Options that state an experiment have no effect beside a file that states one."""
    for parameter in context.command.get_params(context):
        given = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if given and parameter.name not in ("file", "out", "as_json"):
            flag = parameter.opts[0]
            raise ValueError(f"{flag} has no effect beside FILE, which states the experiment; edit the file")


def _run_file(file: Path, out: Path, as_json: bool) -> None:
    """Run the experiment of a file, or those of its sweep, each in a folder of its own."""
    from symhigh.files.experiment import read_experiment
    from symhigh.files.folder import claim_folder
    from symhigh.objects.experiment import Experiment

    experiment = Experiment.from_toml(file)
    table = read_experiment(file.read_text("utf-8"), file.name)[1]
    chosen = experiment.variants()
    folders = [out / f"{k:03d}" if experiment.sweep else out for k in range(1, len(chosen) + 1)]
    for folder in folders:
        claim_folder(folder)
    verdicts = []
    for (values, variant), folder in zip(chosen, folders, strict=True):
        with whole_or_nothing(), progress("running") as report, table.blame():
            outcome = variant.run(folder, progress=report)
        verdicts.append({"folder": str(folder), **({"sweep": values} if values else {}), **outcome.verdict})
        if not as_json:
            swept = "".join(f"; {key} = {value}" for key, value in values.items())
            click.echo(f"# {line(named(variant.problem, variant.rule, *variant.population))}{swept}")
            click.echo(f"{outcome.summary()}\n  {folder}")
    if as_json:
        echo_json(verdicts if experiment.sweep else verdicts[0], indent=2)
    if not all(verdict["passed"] for verdict in verdicts):
        sys.exit(1)


@click.command()
@click.argument("name", default="experiment")
def new(name: str) -> None:
    """Write NAME.toml, a commented experiment to start from; `symhigh run NAME.toml` runs it."""
    from symhigh.files.starter import starter

    if not Path(name).name.removesuffix(".toml"):
        raise ValueError(f"NAME {name!r}: give a name, such as experiment")
    file = Path(name if name.endswith(".toml") else f"{name}.toml")
    writable("NAME", file)
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(starter(file.stem, file.name))
    except FileExistsError as error:
        raise ValueError(f"NAME {str(file)!r} exists already; give another name") from error
    click.echo(file)


@click.command(cls=StatementCommand)
@experiment_options
@click.option("--d", "dimension", type=click.IntRange(min=2), required=True, help="Dimension.")
@click.option("--seeds", type=click.IntRange(min=1), default=20, show_default=True, help="Number of runs.")
@json_option
def simulate(dimension: int, seeds: int, as_json: bool, **options: Any) -> None:
    """Run direct SGD and print quantiles of the risk over the runs; exit status 1 where one diverges."""
    from symhigh.objects.runs import simulate as simulated

    problem, rule = read_statement(options)
    population, t_end = read_population(options, problem), options["t_end"]
    with progress("simulating") as report:
        size: Any = {"d": dimension, "t_end": t_end, "seeds": seeds, "progress": report}
        runs = simulated(problem, rule, *population, **size)
    about = named(problem, rule, *population) | {"t_end": t_end, "d": dimension, "seeds": seeds}
    if as_json:
        messages = {str(seed): text for seed, text in runs.messages.items()}
        echo_json({"experiment": about, "t": runs.t, **runs.outputs, "messages": messages})
    else:
        low, high = runs.quantiles()
        click.echo(f"# {line(about)}")
        click.echo(f"{'t':>10} {'risk 10 %':>14} {'mean':>14} {'90 %':>14}")
        for k in tenths(runs.t.size):
            click.echo(f"{runs.t[k]:10.4g} {low[k]:14.8g} {runs.risk[:, k].mean():14.8g} {high[k]:14.8g}")
    if not runs.complete:
        click.echo("interrupted: the runs hold the times that all had reached", err=True)
    if runs.messages or not runs.complete:
        sys.exit(1)


