"""Every algorithm × loss × model: derived, solved, simulated and compared at small cost, or refused with its reason.

``python -m tests.matrix`` writes ``docs/matrix.md``; ``tests/test_matrix.py`` runs a sample of its cells.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp

import symhigh as sh
from tests.guarantees import record

PAGE = Path(__file__).parent.parent / "docs" / "matrix.md"
TIMES = [0.5, 1.0, 2.0]
x1, x2, y1, y2 = sp.symbols("x1 x2 y1 y2", real=True)
RESIDUAL = x1 + x2 - y1 - y2 - sh.eps
SGD = sh.Constant(0.4)
RULES: dict[str, sh.Rule] = {
    "SGD": SGD,
    "AdaGrad-Norm": sh.AdaGradNorm(1, 1),
    "line search": sh.LineSearch(),
    "mini-batch with weight decay": sh.MiniBatch(sh.WeightDecay(SGD, 0.1), 2),
    "momentum": sh.Momentum(0.4, 1, 0.2),
    "averaged": sh.Averaged(SGD),
    "schedule-free": sh.ScheduleFree(0.4, 0.9),
    "noisy gradient": sh.NoisyGradient(SGD, 0.3),
    "clipped gradient": sh.ClippedGradient(SGD, 0.5),
    "clipped coordinates": sh.ClippedCoordinates(SGD, 0.5),
    "sign SGD": sh.SignSGD(0.3),
    "AdaGrad": sh.AdaGrad(0.5, 0.5),
    "RMSprop": sh.RMSprop(0.3, 1, 1),
    "Adam": sh.Adam(0.4, 2, 1, 1),
}
LOSSES = ("square", "Huber", "logistic", "quantile")
MODELS = ("linear", "network", "committee")
ONE = {
    "square": lambda model: sh.least_squares(0.3, model=model),
    "Huber": lambda model: sh.huber(0.7, 0.3, model=model),
    "logistic": lambda model: sh.logistic_regression(model=model),
    "quantile": lambda model: sh.quantile(0.6, 0.3, model=model),
}
SEVERAL = {
    "square": RESIDUAL**2 / 2,
    "Huber": sp.Piecewise((RESIDUAL**2 / 2, sp.Abs(RESIDUAL) < 1), (sp.Abs(RESIDUAL) - sp.S.Half, True)),
    "logistic": sp.log(1 + sp.exp(x1 + x2)) - (x1 + x2) / (1 + sp.exp(-(y1 + y2))),
    "quantile": sp.Max(sp.Rational(3, 5) * -RESIDUAL, sp.Rational(2, 5) * RESIDUAL),
}
POPULATIONS: dict[str, tuple[Any, ...]] = {
    "linear": (sh.Spectrum.from_eigenvalues([1.5, 0.5]), sh.Start(0.5, 1, 0.2)),
    "network": (sh.NetworkClasses([1, 0.4], [1, -0.5], 1.2, 0.2),),
    "committee": (
        sh.Spectrum.from_eigenvalues([1.5, 0.5]),
        sh.Overlaps([[0.25, 0.05, 0.1, 0], [0.05, 0.25, 0, 0.1], [0.1, 0, 0.5, 0], [0, 0.1, 0, 0.5]]),
    ),
}


def problem_of(loss: str, model: str) -> sh.Problem:
    """The problem of a column."""
    if model == "committee":
        noise = 0 if loss == "logistic" else 0.3
        return sh.MultiIndex((x1, x2), (y1, y2), SEVERAL[loss], noise, name=f"committee, {loss} loss")
    return ONE[loss](sh.PRODUCT if model == "network" else sh.LINEAR)


def cell(rule: str, loss: str, model: str) -> tuple[str, str]:
    """``("agrees", worst deviation)``, ``("differs", …)`` or ``("refused", reason)``.

    The deviation is that of the mean risk over runs from the limit, at the worst of three times, in units of five
    standard errors and 2/d of bias; below one they agree.
    """
    population = POPULATIONS[model]
    try:
        problem = problem_of(loss, model)
        system = sh.derive(problem, RULES[rule])
        accuracy: dict[str, Any] = {} if isinstance(system, sh.ParticleSystem) else {"rtol": 1e-7}
        curve = system.solve(*population, t_end=TIMES[-1], t=TIMES, **accuracy)
        size, seeds = (1000, 8)
        runs = sh.simulate(problem, RULES[rule], *population, d=size, t_end=TIMES[-1], seeds=seeds, t=TIMES)
    except (ValueError, NotImplementedError) as reason:
        return "refused", str(reason)
    if not curve.complete:
        return "refused", curve.message
    error = runs.risk.std(axis=0, ddof=1) / np.sqrt(seeds)
    gap = np.abs(runs.risk.mean(axis=0) - curve.risk) / (5 * error + 2 / size)
    return ("agrees" if gap.max() < 1 else "differs"), f"{gap.max():.2f}"


def timed(place: tuple[str, str, str]) -> tuple[tuple[str, str, str], tuple[str, str], float]:
    """A cell, and the seconds that it took."""
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = cell(*place)
        except Exception as error:  # a fault, to be seen on the page
            found = "failed", f"{type(error).__name__}: {error}"
    return place, found, time.perf_counter() - begin


def places() -> Iterator[tuple[str, str, str]]:
    for loss in LOSSES:
        for rule in RULES:
            for model in ("linear", "committee", "network"):
                yield rule, loss, model


def written(found: dict[tuple[str, str, str], tuple[str, str]]) -> str:
    """The page: a table a model, and the reasons of its refusals."""
    kinds = [kind for kind, _ in found.values()]
    counts = [kinds.count(wanted) for wanted in ("agrees", "differs", "refused", "failed")]
    lines = [
        "# Algorithms, losses, models",
        "",
        "Written by `python -m tests.matrix`. Every cell was derived, solved, and simulated at d = 1000 with 8 seeds,",
        "by the Gram chain where there is one: the number is the worst deviation of the mean risk at t = 0.5, 1, 2, in",
        "units of five standard errors and 2/d, below one where they agree. A letter is the reason of a refusal.",
        "Committees are of two linear units and two targets.",
        "",
        f"{counts[0]} cells agree, {counts[1]} differ, {counts[2]} are refused, {counts[3]} failed.",
    ]
    for model in MODELS:
        reasons: dict[str, str] = {}
        lines += ["", f"## {model}", "", "| algorithm | " + " | ".join(LOSSES) + " |", "|---" * (len(LOSSES) + 1) + "|"]
        for rule in RULES:
            row = []
            for loss in LOSSES:
                kind, text = found.get((rule, loss, model), ("not run", "not run"))
                if kind in ("refused", "failed"):
                    row.append(reasons.setdefault(text, chr(ord("a") + len(reasons))))
                else:
                    row.append(f"**{text} differs**" if kind == "differs" else text)
            lines.append(f"| {rule} | " + " | ".join(row) + " |")
        lines += ["", *(f"- {letter}: {text}" for text, letter in reasons.items())]
    return "\n".join(lines) + "\n"


def main(workers: int = 2) -> None:
    """Run all cells; the page is written after each, so that an interrupted run leaves what it did."""
    found: dict[tuple[str, str, str], tuple[str, str]] = {}
    with ProcessPoolExecutor(workers) as pool:
        for job in as_completed([pool.submit(timed, place) for place in places()]):
            place, result, seconds = job.result()
            found[place] = result
            print(f"{seconds:6.1f} s  {' × '.join(place)}: {' '.join(found[place])[:150]}", flush=True)
            PAGE.write_text(written(found), "utf-8")
    kinds = [kind for kind, _ in found.values()]
    named = {"agrees": "agree", "differs": "differ", "refused": "are refused", "failed": "fail"}
    figures = {f"cells that {text}": kinds.count(kind) for kind, text in named.items()}
    record("matrix", "python -m tests.matrix", figures)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
