"""Options of the command line, and the objects that they name. Text is looked up or read as numbers, never run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from symhigh.population import Spectrum, Start
    from symhigh.problem import Problem
    from symhigh.rule import Rule

LOSSES = (
    *("least-squares", "huber", "pseudo-huber", "logistic", "logistic-sampled", "probit", "probit-sampled"),
    *("phase-retrieval", "absolute-phase-retrieval", "relu-student", "erf-student", "tanh-student"),
)
RULES = ("constant", "adagrad-norm", "rmsprop-norm", "polyak", "line-search")


def problem_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Loss, rule and their parameters; a parameter that is not given stays a symbol where symbols make sense."""
    for option in reversed(
        [
            click.option("--loss", type=click.Choice(LOSSES), default="least-squares", show_default=True),
            click.option("--rule", type=click.Choice(RULES), default="adagrad-norm", show_default=True),
            click.option("--noise", type=float, help="Standard deviation ω of the label noise."),
            click.option("--threshold", "c", type=float, help="Threshold c of the Huber losses."),
            click.option("--gamma", type=float, help="Rate of the constant rule."),
            click.option("--eta", type=float, help="Numerator of the adaptive rules."),
            click.option("--b", type=float, help="Starting accumulator of the adaptive rules."),
            click.option("--alpha", type=float, help="RMSprop-Norm's rate of forgetting."),
        ]
    ):
        command = option(command)
    return command


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
            click.option("--x0", type=float, default=0.0, show_default=True, help="‖X₀‖²."),
            click.option("--x-star", type=float, default=1.0, show_default=True, help="‖X*‖²."),
            click.option("--overlap", type=float, default=0.0, show_default=True, help="<X₀, X*>."),
            click.option("--delta", type=float, help="Power-law start: d·X*_i² = λ_i^(-δ)."),
            click.option("--t-end", type=float, default=10.0, show_default=True, help="Horizon, in steps/d."),
        ]
    ):
        command = option(command)
    return command


def read_problem(options: dict[str, Any], symbolic: bool = False) -> Problem:
    """The problem that the options name; numbers not given are symbols, or 0 for the noise and 1 for c."""
    import symhigh as sh

    noise = _value(options, "noise", "omega", 0.0, symbolic)
    losses: dict[str, Callable[[], Problem]] = {
        "least-squares": lambda: sh.least_squares(noise),
        "logistic": sh.logistic_regression,
        "logistic-sampled": lambda: sh.logistic_regression(sampled=True),
        "huber": lambda: sh.huber(_value(options, "c", "c", 1.0, symbolic), noise),
        "pseudo-huber": lambda: sh.pseudo_huber(_value(options, "c", "c", 1.0, symbolic), noise),
        "probit": sh.probit_regression,
        "probit-sampled": lambda: sh.probit_regression(sampled=True),
        "phase-retrieval": sh.phase_retrieval,
        "absolute-phase-retrieval": sh.absolute_phase_retrieval,
        "relu-student": lambda: sh.relu_student(noise),
        "erf-student": lambda: sh.erf_student(noise),
        "tanh-student": lambda: sh.tanh_student(noise),
    }
    return losses[options["loss"]]()


def read_rule(options: dict[str, Any], symbolic: bool = False) -> Rule:
    """The rule that the options name; parameters not given are symbols, or 1."""
    import symhigh as sh

    eta, b = (_value(options, key, key, 1.0, symbolic) for key in ("eta", "b"))
    rules: dict[str, Callable[[], Rule]] = {
        "constant": lambda: sh.Constant(_value(options, "gamma", "gamma", 1.0, symbolic)),
        "adagrad-norm": lambda: sh.AdaGradNorm(eta, b),
        "rmsprop-norm": lambda: sh.RMSpropNorm(eta, b, _value(options, "alpha", "alpha", 1.0, symbolic)),
        "polyak": sh.Polyak,
        "line-search": sh.LineSearch,
    }
    return rules[options["rule"]]()


def read_spectrum(options: dict[str, Any]) -> Spectrum:
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
    return sh.Spectrum.from_eigenvalues([float(part) for part in options["eigenvalues"].split(",")])


def read_start(options: dict[str, Any]) -> Start:
    """The start that the options name."""
    import symhigh as sh

    if options["delta"] is not None:
        return sh.Start.power_law(options["delta"])
    return sh.Start(options["x0"], options["x_star"], options["overlap"])


def _value(options: dict[str, Any], key: str, symbol: str, default: float, symbolic: bool) -> Any:
    if options[key] is not None:
        return options[key]
    if not symbolic:
        return default
    import sympy as sp

    return sp.Symbol(symbol, positive=True)
