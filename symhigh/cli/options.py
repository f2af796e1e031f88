"""Options of the command line, and the objects that they name. Text is looked up or read as numbers, never run.

Everything comes from :mod:`symhigh.registry`. An option that does not belong to the loss, law or rule chosen is
refused, since it would have no effect.
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
    LOSSES, LAWS, RULES = map(dict, tables)
    bases, laws = click.Choice([n for n, entry in RULES.items() if not entry.wraps]), [*LAWS, "contaminated"]
    chosen = [
        click.Option(["--loss"], type=click.Choice(list(LOSSES)), help=f"The loss, by default {LOSS}."),
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
            click.option("--t-end", type=float, default=10.0, show_default=True, help="Horizon, in steps/d."),
        ]
    ):
        command = option(command)
    return command


def read_statement(options: Options, symbolic: bool = False) -> tuple[Problem, Rule]:
    """The problem and the rule that the options name; options that neither takes are refused.

    Parameters not given are symbols where ``symbolic`` is set, else the defaults of the registry.
    """
    from symhigh.registry import LOSSES, RULES

    loss, rule = LOSSES[options["loss"] or LOSS], RULES[options["rule"] or RULE]
    used: set[str] = set()
    noise = {"noise": _noise(options, symbolic, used)} if loss.noisy else {}
    made = _made(loss, options, symbolic, used, **noise)
    stated = _made(rule, options, symbolic, used)
    for name in sorted((n for n, entry in RULES.items() if entry.wraps), key=_depth):
        entry = RULES[name]
        if options[_key(entry.parameters[0])] is not None:
            stated = _made(entry, options, False, used, inner=stated)
    _refuse_idle(options, used)
    return made, stated


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
    return sh.Spectrum.from_eigenvalues([_number(part) for part in options["eigenvalues"].split(",")])


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
    owners["noise-law"] = owners["noise"] = [
        f"--loss {name}" for name, entry in LOSSES.items() if entry.noisy
    ]
    for option, table in (("loss", LOSSES), ("noise-law", LAWS), ("rule", RULES)):
        for name, entry in table.items():
            for parameter in entry.parameters:
                if parameter.flag != "noise":
                    owners.setdefault(parameter.flag, []).append(f"--{option} {name}")
    for flag, where in owners.items():
        if options[flag.replace("-", "_")] is not None and flag not in used:
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


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(
            f"--eigenvalues: {text.strip()!r} is not a number; give numbers with commas between"
        ) from None
