"""Every algorithm beside plain SGD: the direct simulator a coordinate-step, the Gram chain a step, a warm curve."""

from __future__ import annotations

import symhigh as sh
from benchmarks.measure import Contest, contest
from symhigh.codegen.gram import refusal
from symhigh.simulation.direct import DirectWalk
from symhigh.simulation.gram import GramWalk
from symhigh.simulation.runner import prepare

PROBLEM, SGD = sh.least_squares(0.5), sh.Constant(0.4)
TWO, START = sh.Spectrum.from_eigenvalues([1.5, 0.5]), sh.Start()
RULES: dict[str, sh.Rule] = {
    "AdaGrad-Norm": sh.AdaGradNorm(1, 1),
    "momentum": sh.Momentum(0.4, 1, 0.3),
    "averaged": sh.Averaged(SGD),
    "schedule-free": sh.ScheduleFree(0.8, 0.9),
    "noisy gradient": sh.NoisyGradient(SGD, 0.3),
    "sign SGD": sh.SignSGD(0.5),
    "AdaGrad": sh.AdaGrad(0.6, 0.3),
    "RMSprop": sh.RMSprop(0.3, 1, 1),
    "Adam": sh.Adam(0.5, 2, 1, 1),
}


def direct(d: int = 4096, work: int = 1_000_000) -> list[Contest]:
    """One core, ns a coordinate-step; the ratio is plain SGD's time to the algorithm's."""
    steps = work // d
    walks = {
        name: DirectWalk(prepare(PROBLEM, rule, (TWO, START), d, 1.0, "direct")[1], 0)
        for name, rule in {"SGD": SGD, **RULES}.items()
    }
    return [
        contest(
            f"{name}, direct, d = {d}, a coordinate-step",
            lambda walk=walks[name]: walk.run(0, steps),
            {"plain SGD": lambda: walks["SGD"].run(0, steps)},
            unit=float(steps * d),
        )
        for name in RULES
    ]


def chains(d: int = 10**6, steps: int = 100_000) -> list[Contest]:
    """ns a step of the chain, for the rules that have one."""
    found = []
    for name, rule in RULES.items():
        experiment = prepare(PROBLEM, rule, (TWO, START), d, 1.0)[1]
        if refusal(experiment.statement):
            continue
        walk = GramWalk(prepare(PROBLEM, rule, (TWO, START), d, 1.0, "gram")[1], 0)
        found.append(contest(
            f"{name}, Gram chain, 2 eigenvalues, a step", lambda walk=walk: walk.run(0, steps), {}, unit=float(steps)
        ))  # fmt: skip
    return found


def curves() -> list[Contest]:
    """A warm curve to t = 20, rtol 1e-8, 201 outputs."""
    systems = {name: sh.derive(PROBLEM, rule) for name, rule in RULES.items()}
    return [
        contest(f"{name}, a curve to t = 20", lambda system=systems[name]: system.solve(TWO, START, 20.0), {})
        for name in RULES
    ]
