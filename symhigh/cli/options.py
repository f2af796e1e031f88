"""Options of the command line, and the objects that they name. Text is looked up or read as numbers, never run.

Everything comes from :mod:`symhigh.registry`. An option that does not belong to the loss, law or rule chosen is
refused, since it would have no effect.
One file, as an option is declared, read and refused from one table.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from symhigh.population import Spectrum, Start
    from symhigh.problem import NoiseLaw, Problem
    from symhigh.registry import Entry, Parameter
    from symhigh.rule import Rule

Options = dict[str, Any]
LOSS, RULE, LAW = "least-squares", "adagrad-norm", "gaussian"
"""What is taken where nothing is said."""
INSIDE_OUT = (
    "averaged",
    "noisy-gradient",
    "clipped",
    "drifting",
    "mini-batch",
    "weight-decay",
    "warm-up",
    "modulated",
)
"""The order in which rules made of other rules are put around the one chosen; those not listed come last."""


class StatementCommand(click.Command):
    """A command about a problem and a rule: has the registry's options, which are made when they are asked for."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*statement_options(), *super().get_params(ctx)]


def statement_options() -> tuple[click.Option, ...]:
    """Loss, label noise, rule and all their parameters; one that is not given stays a symbol in a formula."""
    from symhigh.registry import LAWS, LOSSES, RULES

    return _options(tuple(LOSSES.items()), tuple(LAWS.items()), tuple(RULES.items()))


@cache
def _options(*tables: tuple[tuple[str, Entry], ...]) -> tuple[click.Option, ...]:
    from symhigh.registry import MODELS

    LOSSES, LAWS, RULES = map(dict, tables)
    bases, laws = click.Choice([n for n, entry in RULES.items() if not entry.wraps]), [*LAWS, "contaminated"]
    chosen = [
        click.Option(
            ["--loss"],
            help=f"The loss by name, by default {LOSS}, or a formula in x, x_star and eps, such as "
            '"log(cosh(x - x_star - eps))".',
        ),
        click.Option(["--parameter"], multiple=True, help="NAME=NUMBER, a symbol of the formula. [formula]"),
        click.Option(["--students"], help="Names of the learnt predictions, with commas. [formula]"),
        click.Option(["--targets"], help="Names of the fixed predictions, with commas. [formula]"),
        click.Option(
            ["--model"], type=click.Choice(list(MODELS)), help="What coordinates predict with, by default linear."
        ),
        click.Option(["--depth"], type=int, help="Number of layers. [powers]"),
        click.Option(
            ["--noise-law"], type=click.Choice(laws), help=f"Law of the label noise, by default {LAW}."
        ),
        click.Option(
            ["--outliers"], type=click.Choice(list(LAWS)), help="Law of the outliers. [contaminated]"
        ),
        click.Option(["--share"], type=float, help="Probability of an outlier. [contaminated]"),
        click.Option(["--rule"], type=bases, help=f"The learning-rate rule, by default {RULE}."),
    ]
    owners: dict[str, list[str]] = {}
    stated: dict[str, Parameter] = {}
    for table in (LOSSES, LAWS, RULES):
        for name, entry in table.items():
            for parameter in entry.parameters:
                owners.setdefault(parameter.flag, []).append(name)
                stated.setdefault(parameter.flag, parameter)
    for flag, parameter in stated.items():
        kind, default = parameter.kind, parameter.default
        shape = click.Choice(kind) if isinstance(kind, tuple) else kind if isinstance(kind, type) else str
        number = f" Default {default:g}." if isinstance(default, float | int) else ""
        text = f"{parameter.meaning}{number} [{', '.join(owners[flag])}]"
        chosen.append(click.Option([f"--{flag}"], type=shape, help=text))
    return tuple(chosen)


POPULATION = ("eigenvalues", "beta", "ratio", "x0", "x_star", "overlap", "delta", "overlaps", "classes", "t_end")
"""The names of what :func:`experiment_options` adds."""


def experiment_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Spectrum, start and horizon."""
    for option in reversed(
        [
            click.option(
                "--eigenvalues", help="Comma-separated eigenvalues of equal weight; isotropic by default."
            ),
            click.option("--power-law", "beta", type=float, help="Power-law spectrum with this exponent β."),
            click.option(
                "--marchenko-pastur", "ratio", type=float, help="Marchenko-Pastur spectrum with ratio d/n."
            ),
            click.option("--x0", type=float, help="‖X₀‖², by default 0."),
            click.option("--x-star", type=float, help="‖X*‖², by default 1."),
            click.option("--overlap", type=float, help="<X₀, X*>, by default 0."),
            click.option("--delta", type=float, help="Power-law start: d·X*_i² = λ_i^(-δ)."),
            click.option(
                "--overlaps", help="Overlaps of several directions, students first: rows with ;, numbers with commas."
            ),
            click.option(
                "--class",
                "classes",
                multiple=True,
                help="λ,θ*,u,v and perhaps a weight: a class of coordinates of a network; give it once a class.",
            ),
            click.option("--t-end", type=float, default=10.0, show_default=True, help="Horizon, in steps/d."),
        ]
    ):
        command = option(command)
    return command


def read_statement(options: Options, symbolic: bool = False) -> tuple[Problem, Rule]:
    """The problem and the rule that the options name; options that neither takes are refused.

    Parameters not given are symbols where ``symbolic`` is set, else the defaults of the registry.
    """
    from symhigh.registry import RULES

    used: set[str] = set()
    made = _problem(options, symbolic, used)
    stated = _made(RULES[options["rule"] or RULE], options, symbolic, used)
    for name in sorted((n for n, entry in RULES.items() if entry.wraps), key=_depth):
        entry = RULES[name]
        if options[_key(entry.parameters[0])] is not None:
            stated = _made(entry, options, False, used, inner=stated)
    _refuse_idle(options, used)
    return made, stated


def _problem(options: Options, symbolic: bool, used: set[str]) -> Problem:
    from symhigh.files.document import Table
    from symhigh.files.reading import read_model, read_own_problem
    from symhigh.registry import LOSSES

    given = options["loss"] or LOSS
    used |= {"depth"} if options["model"] == "powers" else set()
    stated = {key: options[key] for key in ("model", "depth") if options[key] is not None}
    if given in LOSSES:
        noise = {"noise": _noise(options, symbolic, used)} if LOSSES[given].noisy else {}
        model = read_model(Table(stated, "command line"))
        if not model.linear and not LOSSES[given].modelled:
            raise ValueError(f"--model {options['model']} has no effect with --loss {given}: it states its units")
        return _made(LOSSES[given], options, symbolic, used, **noise, **({} if model.linear else {"model": model}))
    used |= {"parameter", "students", "targets"}
    own = dict(_assigned(text) for text in options["parameter"])
    names = {key: _words(options[key]) for key in ("students", "targets") if options[key] is not None}
    table = Table({"loss": given, **stated, **names, **({"parameters": own} if own else {})}, "command line")
    return read_own_problem(table, _noise(options, symbolic, used) if "eps" in given else 0)


def read_population(options: Options, problem: Problem) -> tuple[Any, ...]:
    """Spectrum and start, spectrum and overlaps, or the classes of a network, as the problem needs."""
    from symhigh.population import NetworkClasses, Overlaps
    from symhigh.symbols import x, x_star

    several = problem.directions != (x, x_star)
    kind = "classes" if not problem.model.linear else "overlaps" if several else "start"
    belongs = {
        "classes": ("classes",),
        "overlaps": ("overlaps", *_SPECTRUM),
        "start": (*_SPECTRUM, "x0", "x_star", "overlap", "delta"),
    }
    for name in {name for names in belongs.values() for name in names} - set(belongs[kind]):
        if options[name] not in (None, ()):
            flag = {"classes": "class", "beta": "power-law", "ratio": "marchenko-pastur"}.get(name, name)
            flag = flag.replace("_", "-")
            raise ValueError(f"--{flag} has no effect on this problem, which is stated by {_BY[kind]}")
    if kind == "start":
        return read_spectrum(options), read_start(options)
    if not options[kind]:
        raise ValueError(f"{_BY[kind].split(' and ')[-1]} is missing: this problem is stated by {_BY[kind]}")
    if kind == "overlaps":
        rows = [[_number("--overlaps", n) for n in row.split(",")] for row in options["overlaps"].split(";")]
        return read_spectrum(options), Overlaps(rows)
    rows = [[_number("--class", n) for n in row.split(",")] for row in options["classes"]]
    if len({len(row) for row in rows}) > 1 or len(rows[0]) not in (4, 5):
        raise ValueError("--class: give λ,θ*,u,v for each class, or λ,θ*,u,v,weight for each")
    return (NetworkClasses(*zip(*rows, strict=True)),)


_SPECTRUM = ("eigenvalues", "beta", "ratio")
_BY = {
    "classes": "--class",
    "overlaps": "--eigenvalues, --power-law or --marchenko-pastur and --overlaps",
    "start": "a spectrum and a start",
}


def read_spectrum(options: Options) -> Spectrum:
    """The spectrum that the options name."""
    import symhigh as sh

    given = [name for name in ("eigenvalues", "beta", "ratio") if options[name] is not None]
    if len(given) > 1:
        raise ValueError("give one of --eigenvalues, --power-law, --marchenko-pastur")
    if options["beta"] is not None:
        return sh.Spectrum.power_law(options["beta"])
    if options["ratio"] is not None:
        return sh.Spectrum.marchenko_pastur(options["ratio"])
    if options["eigenvalues"] is None:
        return sh.Spectrum.isotropic()
    return sh.Spectrum.from_eigenvalues([_number("--eigenvalues", part) for part in options["eigenvalues"].split(",")])


def read_start(options: Options) -> Start:
    """The start that the options name."""
    import symhigh as sh

    moments = {name: options[name] for name in ("x0", "x_star", "overlap") if options[name] is not None}
    if options["delta"] is None:
        return sh.Start(**moments)
    if moments:
        raise ValueError(
            f"--{next(iter(moments)).replace('_', '-')} has no effect beside --delta, which states the start; leave "
            "one of them out"
        )
    return sh.Start.power_law(options["delta"])


def _depth(name: str) -> int:
    return INSIDE_OUT.index(name) if name in INSIDE_OUT else len(INSIDE_OUT)


# --- parts ------------------------------------------------------------------------------------------------
def _made(entry: Entry, options: Options, symbolic: bool, used: set[str], **more: Any) -> Any:
    used |= {p.flag for p in entry.parameters}
    return entry.make(**{p.name: _value(p, options, symbolic) for p in entry.parameters}, **more)


def _noise(options: Options, symbolic: bool, used: set[str]) -> NoiseLaw:
    from symhigh.registry import LAWS, contaminated

    name = options["noise_law"] or LAW
    used.add("noise-law")
    if name != "contaminated":
        law: NoiseLaw = _made(LAWS[name], options, symbolic, used)
        return law
    used |= {"outliers", "share"}
    if options["outliers"] is None or options["share"] is None:
        raise ValueError(
            "--noise-law contaminated: give --outliers, the law of the outliers, and their --share"
        )
    clean = _made(LAWS[LAW], options, symbolic, used)
    if options["outliers"] != LAW:
        return contaminated(
            clean, _made(LAWS[options["outliers"]], options, symbolic, used), options["share"]
        )
    used.add("scale")  # the outliers' own width
    width = 1.0 if options["scale"] is None else options["scale"]
    return contaminated(clean, LAWS[LAW].make(width), options["share"])


def _value(parameter: Parameter, options: Options, symbolic: bool) -> Any:
    from symhigh.files.grammar import read_expression
    from symhigh.registry import EXPRESSION

    given = options[_key(parameter)]
    if given is not None:
        return read_expression(f"--{parameter.flag}", given) if parameter.kind == EXPRESSION else given
    if symbolic and parameter.symbolic and parameter.kind is float:
        import sympy as sp

        return sp.Symbol("omega" if parameter.name == "sigma" else parameter.name, positive=True)
    if parameter.default is None:
        raise ValueError(f"--{parameter.flag} is missing: {parameter.meaning}")
    return parameter.default


def _refuse_idle(options: Options, used: set[str]) -> None:
    """An option that was given and has no effect is a mistake of the user, or a misunderstanding."""
    from symhigh.registry import LAWS, LOSSES, RULES

    owners = {flag: ["--noise-law contaminated"] for flag in ("outliers", "share")}
    owners |= {flag: ["a --loss that is a formula"] for flag in ("parameter", "students", "targets")}
    owners["depth"] = ["--model powers"]
    owners["noise-law"] = owners["noise"] = [
        f"--loss {name}" for name, entry in LOSSES.items() if entry.noisy
    ]
    for option, table in (("loss", LOSSES), ("noise-law", LAWS), ("rule", RULES)):
        for name, entry in table.items():
            for parameter in entry.parameters:
                if parameter.flag != "noise":
                    owners.setdefault(parameter.flag, []).append(f"--{option} {name}")
    for flag, where in owners.items():
        if options[flag.replace("-", "_")] not in (None, ()) and flag not in used:
            defaults = {"loss": LOSS, "noise_law": LAW, "rule": RULE}
            chosen = [
                f"--{key.replace('_', '-')} {options[key] or default + ' (the default)'}"
                for key, default in defaults.items()
            ]
            raise ValueError(
                f"--{flag} has no effect with {', '.join(chosen)}; it belongs to {', '.join(where)}"
            )


def _key(parameter: Parameter) -> str:
    return parameter.flag.replace("-", "_")


def _number(option: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{option}: {text.strip()!r} is not a number; give numbers with commas between") from None


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


def _assigned(text: str) -> tuple[str, float]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--parameter {text!r}: give NAME=NUMBER, such as c=1.5")
    return name.strip(), _number("--parameter", value)
