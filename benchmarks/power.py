"""How often ``compare`` raises a false alarm, and how small an error it finds: ``python -m benchmarks.power``.

Every trial simulates anew, 30 runs at d = 1000 to t = 5, and compares them with the true curve, and with curves whose
learning rate or noise is wrong, one output at a time. Prints a table of the shares found.

Measured with the linear theory (t = 0 left out; the bound is Neyman and Pearson's, at probability .99):

    least squares (.5, 1, 2), risk:       found 2 % in the rate 99/100, 3 % and 4 % 100/100, 1 % in the noise 100/100;
                                          promised 1.8 % in the rate (bound 1.6 %), .72 % in the noise (.66 %)
    least squares (.5, 1, 2), distance:   2 % in the rate 99/100, 3 % and 4 % 100/100, 1 % in the noise 46/100;
                                          promised 2.0 % in the rate (bound 1.9 %), 1.8 % in the noise (1.7 %)
    logistic, risk:                       5 % in the rate 50/50; promised 2.2 % (bound 2.1 %); 2 false alarms of 200

False alarms of least squares, 1000 comparisons each: 4 by the risk, 5 by the distance. Momentum (1, 1, .2) by
the risk promises errors within 1.16 of the bound.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

import symhigh as sh
from symhigh.ledger import comparison
from symhigh.ledger.companions import companions
from symhigh.ledger.judgement import Source
from symhigh.simulation.exact_mean import no_exact_mean

T_END, DIMENSION, RUNS = 5.0, 1000, 30
START = sh.Start(x0=0.5, x_star=1, overlap=0.2)


@dataclass(frozen=True)
class Case:
    """An experiment, the outputs looked at one by one, and wrong versions of it by name."""

    problem: sh.Problem
    rule: sh.Rule
    spectrum: sh.Spectrum
    outputs: tuple[str, ...]
    wrong: dict[str, tuple[sh.Problem, sh.Rule]]

    def curve(self, problem: sh.Problem, rule: sh.Rule) -> sh.Curve:
        return sh.derive(problem, rule).solve(self.spectrum, START, T_END)


def least_squares(*eigenvalues: float) -> Case:
    def problem(factor: float = 1.0) -> sh.Problem:
        return sh.least_squares(noise=0.7 * factor)

    wrong = {f"rate + {e:.0%}": (problem(), sh.Constant(0.8 * (1 + e))) for e in (0.02, 0.03, 0.04)}
    wrong["noise + 1%"] = (problem(1.01), sh.Constant(0.8))
    spectrum = sh.Spectrum.from_eigenvalues(eigenvalues)
    return Case(problem(), sh.Constant(0.8), spectrum, ("risk", "distance"), wrong)


def adagrad() -> Case:
    problem = sh.least_squares(noise=0.7)
    wrong = {f"rate + {e:.0%}": (problem, sh.AdaGradNorm(1 + e, 0.5)) for e in (0.04, 0.06, 0.08)}
    spectrum = sh.Spectrum.from_eigenvalues([0.5, 1, 2])
    return Case(problem, sh.AdaGradNorm(1, 0.5), spectrum, ("risk",), wrong)


def logistic() -> Case:
    problem, spectrum = sh.logistic_regression(), sh.Spectrum.from_eigenvalues([0.5, 1, 2])
    wrong = {f"rate + {e:.0%}": (problem, sh.Constant(1 + e)) for e in (0.05, 0.1, 0.15)}
    return Case(problem, sh.Constant(1), spectrum, ("risk",), wrong)


CASES = {
    "least squares (.5, 1, 2)": lambda: least_squares(0.5, 1, 2),
    "least squares (.4, 1, 1.7)": lambda: least_squares(0.4, 1, 1.7),
    "AdaGrad-Norm": adagrad,
    "logistic": logistic,
}


def seeds() -> Iterator[range]:
    """Seeds of one trial after the other, with room for those of the companions."""
    return (range(first, first + RUNS) for first in itertools.count(0, 1000))


def measure(case: Case, trials: int, caught: int, positive_times: bool) -> dict[str, dict[str, list[bool]]]:
    """By output and curve, whether each trial disagreed; wrong curves are looked at in the first ``caught``.

    With ``positive_times`` the start, where nothing fluctuates, is not compared.
    """
    true = case.curve(case.problem, case.rule)
    curves = {"true": true, **{name: case.curve(*statement) for name, statement in case.wrong.items()}}
    found: dict[str, dict[str, list[bool]]] = {o: {c: [] for c in curves} for o in case.outputs}
    grid = np.linspace(0, T_END, 26)[1 if positive_times else 0 :]
    needed = 2 if no_exact_mean(case.problem, case.rule) else 1
    theories: dict[str, Source] = {}
    for trial, chosen in zip(range(trials), seeds(), strict=False):
        runs = sh.simulate(
            case.problem, case.rule, case.spectrum, START, DIMENSION, T_END, chosen, "gram", grid
        )
        others = companions(runs, needed)
        for output, (name, curve) in itertools.product(case.outputs, curves.items()):
            if name == "true" or trial < caught:
                with _remembered(theories):
                    verdict = sh.compare(curve, runs, output, companions=others)
                found[output][name].append(not verdict.agrees)
                if name == "true" and not trial:
                    print("   ", verdict.summary(), flush=True)
    return found


@contextmanager
def _remembered(known: dict[str, Source]) -> Iterator[None]:
    """The prediction, the same for all runs of one experiment, is computed once an output."""
    usual = comparison.predicted

    def predicted(source: Source, runs: sh.Runs, names: Sequence[str]) -> Source:
        if names[0] not in known:
            known[names[0]] = usual(source, runs, names)
        return known[names[0]]

    comparison.predicted = predicted
    try:
        yield
    finally:
        comparison.predicted = usual


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.power", description=(__doc__ or "").split("\n\nMeasured")[0]
    )
    parser.add_argument("--trials", type=int, default=1000, help="true comparisons of each case and output")
    parser.add_argument("--caught", type=int, default=200, help="comparisons with each wrong curve")
    parser.add_argument("--only", choices=CASES, help="one case")
    parser.add_argument("--without-start", action="store_true", help="leave t = 0 out")
    options = parser.parse_args()
    for case in [options.only] if options.only else CASES:
        found = measure(CASES[case](), options.trials, options.caught, options.without_start)
        for output, curves in found.items():
            text = ", ".join(f"{name} {sum(seen)}/{len(seen)}" for name, seen in curves.items())
            print(f"{case}, {output}: disagreed: {text}", flush=True)


if __name__ == "__main__":
    main()
