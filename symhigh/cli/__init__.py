"""The command line: reads options, calls the library, prints.

Exit status 0 success, 1 refuted, diverged or interrupted, 2 wrong usage. Heavy imports stay inside commands, so
``symhigh --help`` answers at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symhigh.cli.console import Commands, progress, writable
from symhigh.cli.options import (
    StatementCommand,
    experiment_options,
    read_spectrum,
    read_start,
    read_statement,
)

if TYPE_CHECKING:
    from symhigh.problem import Problem
    from symhigh.rule import Rule


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="symhigh")
def main() -> None:
    """Exact high-dimensional limits of SGD: derive, integrate, simulate, verify."""


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


@main.command(cls=StatementCommand)
@click.option("--full", is_flag=True, help="Keep V11 and V12 even where the system reduces to D2.")
@click.option("--latex", "as_latex", is_flag=True, help="Print LaTeX.")
@json_option
def derive(full: bool, as_latex: bool, as_json: bool, **options: Any) -> None:
    """Print the limit of SGD on a problem under a rule."""
    import symhigh as sh

    problem, rule = read_statement(options, symbolic=True)
    system = sh.derive(problem, rule, reduce=not full)
    named = _named(problem, rule)
    if as_json:
        _echo_json(
            {"experiment": named, "equations": str(system).splitlines(), "latex": system.latex()}, indent=2
        )
    elif as_latex:
        click.echo(f"% {_line(named)}\n{system.latex()}")
    else:
        click.echo(f"# {_line(named)}\n{system}")


@main.command(cls=StatementCommand)
@json_option
def limits(as_json: bool, **options: Any) -> None:
    """Print what is known in closed form: limits, thresholds, rates, with their assumptions."""
    import symhigh as sh

    problem, rule = read_statement(options, symbolic=True)
    formulas = sh.limits(problem, rule)
    named = _named(problem, rule)
    shown = {
        name: {
            "experiment": named,
            "expression": str(f.expr),
            "assumptions": [str(a) for a in f.assumptions],
            "source": str(f.source),
            "latex": f.latex(),
        }
        for name, f in formulas.items()
    }
    if as_json:
        _echo_json(shown, indent=2)
        return
    click.echo(f"# {_line(named)}")
    for name, f in formulas.items():
        click.echo(f"{name} = {f.expr}")
        for line in (*map(str, f.assumptions), f"source: {f.source}"):
            click.echo(f"    {line}")


@main.command(cls=StatementCommand)
@experiment_options
@click.option(
    "--d", "dimension", type=click.IntRange(min=8), help="Also simulate at this dimension, and compare."
)
@click.option("--seeds", type=click.IntRange(min=3), help="Runs of the simulation, by default 20.")
@click.option(
    "--plot", type=click.Path(path_type=Path), help="Save a figure (png, pdf, and the data) under this name."
)
@json_option
def run(dimension: int | None, seeds: int | None, plot: Path | None, as_json: bool, **options: Any) -> None:
    """Integrate the limit and, with --d, confront it with direct SGD; exit status 1 where they disagree."""
    import symhigh as sh

    if dimension is None and seeds is not None:
        raise ValueError("--seeds has no effect without --d, the dimension to simulate at")
    if plot is not None:
        writable("--plot", plot)
    problem, rule = read_statement(options)
    spectrum, start, t_end = read_spectrum(options), read_start(options), options["t_end"]
    with progress("integrating") as report:
        curve = sh.derive(problem, rule).solve(spectrum, start, t_end, progress=report)
    runs = comparison = None
    if dimension is not None:
        with progress("simulating") as report:
            runs = sh.simulate(problem, rule, spectrum, start, dimension, t_end, seeds or 20, progress=report)
        comparison = sh.compare(curve, runs)
    if plot is not None:
        _draw(curve, runs, plot)
    named = _named(problem, rule, spectrum, start) | {"t_end": t_end}
    if as_json:
        data = {"experiment": named, "t": curve.t, **curve.outputs, "complete": curve.complete}
        if curve.message:
            data["message"] = curve.message
        if comparison is not None:
            data["comparison"] = {"agrees": bool(comparison.agrees), "summary": comparison.summary()}
        _echo_json(data)
    else:
        click.echo(f"# {_line(named)}")
        click.echo(f"{'t':>10} {'risk':>14} {'learning rate':>14} {'distance':>14}")
        for k in _tenths(curve.t.size):
            click.echo(
                f"{curve.t[k]:10.4g} {curve.risk[k]:14.8g} {curve.learning_rate[k]:14.8g} {curve.distance[k]:14.8g}"
            )
        if comparison is not None:
            click.echo(comparison.summary())
    if not curve.complete or (comparison is not None and not comparison.agrees):
        sys.exit(1)


@main.command(cls=StatementCommand)
@experiment_options
@click.option("--d", "dimension", type=click.IntRange(min=2), required=True, help="Dimension.")
@click.option("--seeds", type=click.IntRange(min=1), default=20, show_default=True, help="Number of runs.")
@json_option
def simulate(dimension: int, seeds: int, as_json: bool, **options: Any) -> None:
    """Run direct SGD and print quantiles of the risk over the runs; exit status 1 where one diverges."""
    import symhigh as sh

    problem, rule = read_statement(options)
    spectrum, start, t_end = read_spectrum(options), read_start(options), options["t_end"]
    with progress("simulating") as report:
        runs = sh.simulate(problem, rule, spectrum, start, dimension, t_end, seeds, progress=report)
    named = _named(problem, rule, spectrum, start) | {"t_end": t_end, "d": dimension, "seeds": seeds}
    if as_json:
        messages = {str(seed): text for seed, text in runs.messages.items()}
        _echo_json({"experiment": named, "t": runs.t, **runs.outputs, "messages": messages})
    else:
        low, high = runs.quantiles()
        click.echo(f"# {_line(named)}")
        click.echo(f"{'t':>10} {'risk 10 %':>14} {'mean':>14} {'90 %':>14}")
        for k in _tenths(runs.t.size):
            click.echo(f"{runs.t[k]:10.4g} {low[k]:14.8g} {runs.risk[:, k].mean():14.8g} {high[k]:14.8g}")
    if not runs.complete:
        click.echo("interrupted: the runs hold the times that all had reached", err=True)
    if runs.messages or not runs.complete:
        sys.exit(1)


@main.command()
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


@main.command()
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


@main.command(cls=StatementCommand)
@click.option("--target", type=click.Choice(["c", "numba", "numpy"]), default="numpy", show_default=True)
def export(target: str, **options: Any) -> None:
    """Print the generated source of a limit's right-hand side."""
    import symhigh as sh
    from symhigh.codegen.c import translate
    from symhigh.codegen.kernels import LIMIT, limit_source
    from symhigh.codegen.target import TARGETS

    problem, rule = read_statement(options, symbolic=True)
    source, title = limit_source(sh.derive(problem, rule), TARGETS[target]), _line(_named(problem, rule))
    click.echo(f"/* {title} */\n{translate(source, LIMIT)}" if target == "c" else f"# {title}\n{source}")


@main.command()
def names() -> None:
    """List the losses, laws of label noise and rules, with their parameters."""
    from symhigh.registry import LAWS, LOSSES, RULES

    for title, table in (("Losses", LOSSES), ("Label noise", LAWS), ("Rules", RULES)):
        click.echo(title)
        for name, entry in table.items():
            given = " ".join(f"--{p.flag}" for p in entry.parameters)
            click.echo(f"  {name} {given}".rstrip() + f"\n      {entry.help}")


def _named(problem: Problem, rule: Rule, spectrum: Any = None, start: Any = None) -> dict[str, Any]:
    """What an output is about."""
    from symhigh.registry import described

    named = {"problem": described(problem), "rule": described(rule)}
    if spectrum is not None:
        values, _ = spectrum.numeric("run")
        listed = ", ".join(f"{v:.6g}" for v in values[:4]) + (", …" if values.size > 4 else "")
        named["spectrum"] = f"eigenvalues {listed}" if spectrum.name == "spectrum" else spectrum.name
    if start is not None:
        shape = "" if start.profile == 1 else f", profile {described(start.profile)}"
        named["start"] = (
            ", ".join(f"{k} = {float(getattr(start, k)):g}" for k in ("x0", "x_star", "overlap")) + shape
        )
    return named


def _line(named: dict[str, Any]) -> str:
    return "; ".join(v if isinstance(v, str) else f"{k} = {v:g}" for k, v in named.items())


def _tenths(count: int) -> range:
    return range(0, count, max(1, count // 10))


def _echo_json(data: Any, indent: int | None = None) -> None:
    from symhigh.report.strict import strict_json

    click.echo(strict_json(data, indent))


def _draw(curve: Any, runs: Any, path: Path) -> None:
    from symhigh.report.figures import plot_bands, plot_curve, save

    axes = plot_curve(curve, "risk", None) if runs is None else plot_curve(curve, "risk", plot_bands(runs))
    axes.legend()
    data = {"t": curve.t, "risk": curve.risk} | (
        {} if runs is None else {"runs_t": runs.t, "runs_risk": runs.risk}
    )
    from matplotlib.figure import Figure

    assert isinstance(axes.figure, Figure)
    save(axes.figure, data, path)
