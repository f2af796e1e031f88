"""The command line: reads options, calls the library, prints. Exit status 0 success, 1 refuted, 2 wrong usage.

Heavy imports stay inside commands, so ``symhigh --help`` answers at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symhigh.cli.options import (
    experiment_options,
    problem_options,
    read_problem,
    read_rule,
    read_spectrum,
    read_start,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="symhigh")
def main() -> None:
    """Exact high-dimensional limits of SGD: derive, integrate, simulate, verify."""


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


@main.command()
@problem_options
@click.option("--full", is_flag=True, help="Keep V11 and V12 even where the system reduces to D2.")
@click.option("--latex", "as_latex", is_flag=True, help="Print LaTeX.")
@json_option
def derive(full: bool, as_latex: bool, as_json: bool, **options: Any) -> None:
    """Print the limit of SGD on a problem under a rule."""
    import symhigh as sh

    with usage_errors():
        system = sh.derive(
            read_problem(options, symbolic=True), read_rule(options, symbolic=True), reduce=not full
        )
    if as_json:
        click.echo(json.dumps({"equations": str(system).splitlines(), "latex": system.latex()}, indent=2))
    else:
        click.echo(system.latex() if as_latex else str(system))


@main.command()
@problem_options
@json_option
def limits(as_json: bool, **options: Any) -> None:
    """Print what is known in closed form: limits, thresholds, rates, with their assumptions."""
    import symhigh as sh

    with usage_errors():
        formulas = sh.limits(read_problem(options, symbolic=True), read_rule(options, symbolic=True))
    shown = {
        name: {
            "expression": str(f.expr),
            "assumptions": [str(a) for a in f.assumptions],
            "source": str(f.source),
            "latex": f.latex(),
        }
        for name, f in formulas.items()
    }
    if as_json:
        click.echo(json.dumps(shown, indent=2))
        return
    for name, entry in shown.items():
        click.echo(f"{name} = {entry['expression']}")
        for line in (*entry["assumptions"], f"source: {entry['source']}"):
            click.echo(f"    {line}")


@main.command()
@problem_options
@experiment_options
@click.option("--d", "dimension", type=int, help="Also simulate at this dimension, and compare.")
@click.option("--seeds", type=int, default=20, show_default=True, help="Runs of the simulation.")
@click.option(
    "--plot", type=click.Path(path_type=Path), help="Save a figure (png, pdf, and the data) under this name."
)
@json_option
def run(dimension: int | None, seeds: int, plot: Path | None, as_json: bool, **options: Any) -> None:
    """Integrate the limit and, with --d, confront it with direct SGD; exit status 1 where they disagree."""
    import symhigh as sh

    with usage_errors(), progress("integrating") as report:
        problem, rule = read_problem(options), read_rule(options)
        spectrum, start = read_spectrum(options), read_start(options)
        curve = sh.derive(problem, rule).solve(spectrum, start, options["t_end"], progress=report)
    runs = comparison = None
    if dimension is not None:
        with usage_errors(), progress("simulating") as report:
            runs = sh.simulate(
                problem, rule, spectrum, start, dimension, options["t_end"], seeds, progress=report
            )
        comparison = sh.compare(curve, runs)
    if plot is not None:
        _draw(curve, runs, plot)
    if as_json:
        data = {
            "t": curve.t.tolist(),
            **{k: v.tolist() for k, v in curve.outputs.items()},
            "complete": curve.complete,
        }
        if comparison is not None:
            data["comparison"] = {"agrees": bool(comparison.agrees), "summary": comparison.summary()}
        click.echo(json.dumps(data))
    else:
        rows = range(0, curve.t.size, max(1, curve.t.size // 10))
        click.echo(f"{'t':>10} {'risk':>14} {'learning rate':>14} {'distance':>14}")
        for k in rows:
            click.echo(
                f"{curve.t[k]:10.4g} {curve.risk[k]:14.8g} {curve.learning_rate[k]:14.8g} {curve.distance[k]:14.8g}"
            )
        if comparison is not None:
            click.echo(comparison.summary())
    if not curve.complete or (comparison is not None and not comparison.agrees):
        sys.exit(1)


@main.command()
@problem_options
@experiment_options
@click.option("--d", "dimension", type=int, required=True, help="Dimension.")
@click.option("--seeds", type=int, default=20, show_default=True, help="Number of runs.")
@json_option
def simulate(dimension: int, seeds: int, as_json: bool, **options: Any) -> None:
    """Run direct SGD and print quantiles of the risk over the runs."""
    import symhigh as sh

    with usage_errors(), progress("simulating") as report:
        runs = sh.simulate(
            read_problem(options),
            read_rule(options),
            read_spectrum(options),
            read_start(options),
            dimension,
            options["t_end"],
            seeds,
            progress=report,
        )
    if as_json:
        click.echo(json.dumps({"t": runs.t.tolist(), **{k: v.tolist() for k, v in runs.outputs.items()}}))
        return
    low, high = runs.quantiles()
    click.echo(f"{'t':>10} {'risk 10 %':>14} {'mean':>14} {'90 %':>14}")
    for k in range(0, runs.t.size, max(1, runs.t.size // 10)):
        click.echo(f"{runs.t[k]:10.4g} {low[k]:14.8g} {runs.risk[:, k].mean():14.8g} {high[k]:14.8g}")


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

    with usage_errors(), progress("verifying") as report:
        ledger = sh.verify(list(paths) or None, quick=quick, seed=seed, progress=report)
    if html is not None:
        with usage_errors():
            html.write_text(ledger.to_html(), encoding="utf-8")
    click.echo(ledger.to_json() if as_json else ledger.text())
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
@click.option("--seeds", type=int, default=30, show_default=True, help="Runs a dimension.")
def figure(number: str, out: Path, largest: str, seeds: int) -> None:
    """Reproduce a figure of The High Line as PNG and PDF, with its data as JSON."""
    from symhigh.report.figure1 import figure1
    from symhigh.report.figures import save

    with usage_errors(), progress(f"figure {number}") as report:
        drawn, data = figure1(int(largest), seeds, progress=report)
    for path in save(drawn, data, out):
        click.echo(path)


@main.command()
@problem_options
@click.option("--target", type=click.Choice(["numba", "numpy"]), default="numpy", show_default=True)
def export(target: str, **options: Any) -> None:
    """Print the generated source of a limit's right-hand side and stepper."""
    import symhigh as sh
    from symhigh.codegen.kernels import limit_source
    from symhigh.codegen.target import NUMBA, NUMPY

    with usage_errors():
        system = sh.derive(read_problem(options, symbolic=True), read_rule(options, symbolic=True))
    click.echo(limit_source(system, NUMBA if target == "numba" else NUMPY))


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


@contextmanager
def usage_errors() -> Iterator[None]:
    """A wrong argument, or a file that cannot be read or written, ends in its message and exit status 2."""
    try:
        yield
    except (ValueError, TypeError, OSError) as error:
        raise click.UsageError(str(error)) from error


@contextmanager
def progress(what: str) -> Iterator[Callable[[float], None] | None]:
    """A progress bar on a terminal's standard error; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda fraction: bar.update(task, completed=fraction)
