"""More callables for the fuzzer: evidence and the ledger, what judges results, and the methods of results."""

import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.ledger.domain import Domain
from tests.fuzz.targets import Target

a = sp.Symbol("a", positive=True)


@cache
def made() -> dict[str, Any]:
    """Small results."""
    problem, rule = sh.least_squares(0.3), sh.Constant(0.5)
    spectrum, start = sh.Spectrum.from_eigenvalues([1.0, 0.5]), sh.Start(0.5, 1, 0.3)
    curve = sh.derive(problem, rule).solve(spectrum, start, 1.0, t=[0.0, 0.5, 1.0])
    small, large = (
        sh.simulate(problem, rule, spectrum, start, d, 1.0, range(d, d + 8), t=[0.0, 0.5, 1.0]) for d in (64, 128)
    )
    bands = sh.derive(problem, rule).fluctuations(spectrum, start, 1.0, t=[0.0, 0.5, 1.0])
    file = curve.save(Path(tempfile.mkdtemp()) / "curve.npz")
    row = sh.Claim("one", "two sides", evidence=[sh.symbolic(a, a)])
    return locals()


def _verify(path_or_claims: Any, **options: Any) -> Any:
    """``verify`` of a list of one; by itself None means every claim that is shipped."""
    return sh.verify([path_or_claims], **options)


def result_targets() -> Iterator[Target]:
    """All of them."""
    m = made()
    problem, rule, spectrum, start = (m[name] for name in ("problem", "rule", "spectrum", "start"))
    given: dict[str, Any] = {"left": a * (a + 1), "right": a**2 + a}
    sides = ("Claim(evidence",)
    stated = {"statement": given["left"], "right": given["right"], "title": "t"}
    yield Target("symbolic", sh.symbolic, stated, (), sides)
    drawn = {**given, "title": "t", "points": 2, "digits": 20}
    yield Target("numeric", sh.numeric, drawn, ("points", "digits"), sides)
    limits = {"left": a + 1, "right": a, "variable": a, "end": sp.oo, "side": "+", "title": "t"}
    yield Target("asymptotic", sh.asymptotic, limits)
    yield Target("integrated", sh.integrated, {"pairs": list, "tolerance": 1e-9}, ("tolerance",))
    ends = {"low": 0, "high": sp.oo}
    yield Target("Domain", lambda low, high: Domain({a: (low, high)}), ends, (), ("Domain",))
    claim = {
        "name": "one",
        "statement": "two sides",
        "evidence": [sh.symbolic(a, a)],
        "seconds": 5.0,
        "id": "one/1",
    }
    yield Target("Claim", sh.Claim, claim, ("seconds",))
    verifying = {"path_or_claims": m["row"], "seed": 0, "jobs": 1, "progress": None, "words": ()}
    may_be_none = ("jobs", "progress")
    yield Target("verify", _verify, verifying, ("seed", "jobs"), ("verify",), slow=True, optional=may_be_none)
    comparing = {"curve": m["curve"], "runs": m["large"], "what": "risk", "alarm": 0.01, "companions": [m["small"]]}
    yield Target("compare", sh.compare, comparing, ("alarm",), slow=True)
    sloping = {"curve": m["curve"], "runs": [m["small"], m["large"]], "what": "risk", "expected": -0.5, "alarm": 0.01}
    yield Target("error_slope", sh.error_slope, sloping, ("expected", "alarm"), slow=True)
    yield Target("best_rate", sh.best_rate, {"spectrum": spectrum})
    leaving = {"problem": sh.phase_retrieval(), "rule": rule, "spectrum": spectrum, "start": sh.Start(0.1, 1, 0)}
    yield Target("escape", sh.escape, leaving, slow=True)
    escaped = sh.escape(sh.phase_retrieval(), sh.Constant(0.1), sh.Spectrum.isotropic(), sh.Start(0.1, 1, 0))
    yield Target("Escape.mean", escaped.mean, {"d": 100, "level": 0.1}, ("d", "level"))
    yield Target("Escape.quantile", escaped.quantile, {"p": 0.5, "d": 100, "level": 0.1}, ("p", "d", "level"))
    yield Target("best_momentum", sh.best_momentum, {"spectrum": spectrum})
    yield Target("compute_optimal", sh.compute_optimal, {"alpha": 1.0, "beta": 0.7}, ("alpha", "beta"))
    yield Target("adam_constants", sh.adam_constants, {"beta1": 0.9, "beta2": 0.99}, ("beta1", "beta2"))
    exact = {"problem": problem, "rule": rule, "spectrum": spectrum, "start": start, "d": 8, "t_end": 0.5, "t": None}
    yield Target("exact_mean", sh.exact_mean, exact, ("d", "t_end"), optional=("t",))
    yield Target("ClippedGradient", sh.ClippedGradient, {"inner": rule, "c": 1.0}, ("c",))
    best = {
        "problem": problem,
        "spectrum": spectrum,
        "start": start,
        "t_end": 1.0,
        "objective": "final",
        "t": None,
        "least": 0.0,
        "most": 2.0,
    }
    numbers = ("t_end", "least", "most")
    yield Target("optimal_schedule", sh.optimal_schedule, best, numbers, slow=True, optional=("t", "most"))
    yield Target("cite", lambda result: sh.cite(result), {"result": problem}, (), ("cite(",))
    bands = m["bands"]
    for kind in (sh.Curve, sh.Runs, sh.Comparison):
        yield Target(f"{kind.__name__}.load", kind.load, {"path": m["file"]}, (), ("load",))
    at_rest = {"spectrum": spectrum, "start": start, "t_end": np.inf, "t": None, "rtol": 1e-6}
    resting = sh.derive(problem, rule).fluctuations
    own = ("fluctuations", "solve")
    ends = ("t_end", "rtol")
    yield Target("fluctuations, at rest", resting, at_rest, ends, own, slow=True, infinite=("t_end",))
    yield Target("Fluctuations.variance", bands.variance, {"name": "risk", "d": 100}, ("d",), ("Fluctuations",))
    yield Target("Fluctuations.bias", bands.bias, {"name": "risk", "d": 100}, ("d",), ("Fluctuations",))
    band = {"name": "risk", "d": 100, "low": 0.1, "high": 0.9}
    yield Target("Fluctuations.band", bands.band, band, ("d", "low", "high"), ("Fluctuations",))
    times = {"spectrum": spectrum, "start": start, "t_end": 0.5, "t": np.array([0.0, 0.5]), "rtol": 1e-4}
    yield Target(
        "fluctuations",
        sh.derive(problem, rule).fluctuations,
        times,
        ("t_end", "rtol"),
        ("solve",),
        slow=True,
        optional=("t",),
        infinite=("t_end",),
    )
