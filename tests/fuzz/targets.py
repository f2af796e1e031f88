"""The public callables, each with arguments that are right; the fuzzer puts a hostile value in place of one or two."""

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import mpmath
import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.integration.volterra import solve_volterra
from symhigh.problem.network import Parametrization, powers
from symhigh.symbols import lam

a, b = sp.symbols("a b", positive=True)


@dataclass(frozen=True)
class Target:
    """``call(**arguments)`` works as it stands; ``numbers`` names the arguments that are numbers."""

    name: str
    call: Callable[..., Any]
    arguments: dict[str, Any]
    numbers: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    """Other names under which a message may speak, such as ``Problem`` for a loss."""
    slow: bool = False
    optional: tuple[str, ...] = field(default=())
    """Arguments that may be None."""
    infinite: tuple[str, ...] = ()
    """Numbers that may be infinite."""


@cache
def things() -> dict[str, Any]:
    """What methods are called on."""
    system = sh.derive(sh.least_squares(0.3), sh.Constant(a))
    ready = system.bind({"a": 0.5})
    spectrum, start = sh.Spectrum.from_eigenvalues([1.0, 0.5]), sh.Start(0.5, 1, 0.3)
    network, classes = sh.DiagonalNetwork(0.4, 0.1), sh.NetworkClasses([1.0, 0.5], [1.0, -0.5], 1.2, 0.2)
    curve = ready.solve(spectrum, start, 0.5)
    runs = sh.simulate(sh.least_squares(0.3), sh.Constant(0.5), spectrum, start, 8, 0.5, 3)
    formula = sh.limits(sh.least_squares(b), sh.Constant(a))["risk"]
    return locals()


def targets() -> Iterator[Target]:
    """All of them."""
    made = things()
    spectrum, start, system, ready = made["spectrum"], made["start"], made["system"], made["ready"]
    least, rule, noise = sh.least_squares(0.3), sh.Constant(0.5), {"noise": 0.5}
    problem = ("Problem",)
    for name in ("least_squares", "relu_student", "erf_student", "tanh_student", "sign_regression"):
        yield Target(name, getattr(sh, name), noise, ("noise",), problem)
    population = (sh.Spectrum.isotropic(), sh.Start())
    given = {"problem": least, "rule": rule, "population": population, "t_end": 1.0, "seeds": 3, "alarm": 0.01}
    yield Target("Experiment", sh.Experiment, {**given, "dimensions": (16,), "times": None}, ("t_end", "alarm"))
    for name in ("huber", "pseudo_huber"):
        yield Target(name, getattr(sh, name), {"c": 1.0, **noise}, ("c", "noise"), problem)
    yield Target("quantile", sh.quantile, {"q": 0.5, **noise}, ("q", "noise"), problem)
    yield Target("hinge", sh.hinge, {"flip": 0.1}, ("flip",))
    yield Target("squared_hinge", sh.squared_hinge, {"flip": 0.1}, ("flip",))
    yield Target("logistic_regression", sh.logistic_regression, {"sampled": True})
    yield Target("probit_regression", sh.probit_regression, {"sampled": True})
    yield Target("hermite_student", sh.hermite_student, {"degree": 2, **noise}, ("degree", "noise"), problem)
    given = {"link": sp.tanh, "teacher": sp.erf, "name": "n", **noise}
    yield Target("student", sh.student, given, ("noise",), problem, optional=("teacher",))
    loss = (sh.x - a * sh.x_star - sh.eps) ** 2
    given = {"loss": loss, "labels": None, "parameters": {a: 2.0}, "name": "own", **noise}
    yield Target("Problem", sh.Problem, given, ("noise",), optional=("labels", "parameters"))
    yield Target(
        "Problem, value",
        lambda value: sh.Problem(loss, parameters={a: value}),
        {"value": 1.0},
        ("value",),
        ("Problem(a",),
    )
    labels = {1: sp.S.Half, -1: sp.S.Half}
    yield Target(
        "Problem, labels",
        lambda labels: sh.Problem(sp.log(1 + sp.exp(-sh.y * sh.x)), labels=labels),
        {"labels": labels},
        (),
        problem,
    )
    yield Target("Gaussian", sh.Gaussian, {"sigma": 0.5}, ("sigma",))
    yield Target("Rademacher", sh.Rademacher, {"scale": 0.5}, ("scale",))
    yield Target("Laplace", sh.Laplace, {"scale": 0.5}, ("scale",))
    yield Target("StudentT", sh.StudentT, {"dof": 3, "scale": 0.5}, ("dof", "scale"))
    yield Target(
        "Contaminated",
        sh.Contaminated,
        {"clean": sh.Gaussian(1), "outliers": sh.Laplace(1), "share": 0.1},
        ("share",),
    )
    yield Target(
        "DiagonalNetwork",
        sh.DiagonalNetwork,
        {"step": 0.4, "noise": 0.1, "parametrization": powers(2)},
        ("step", "noise"),
    )
    yield Target("powers", powers, {"depth": 3}, ("depth",))
    yield Target("Parametrization", Parametrization, {"effective": powers(3).effective})
    given = {"lam": [1.0, 0.5], "theta_star": [1.0, -0.5], "u": 1.2, "v": 0.2, "weight": [0.5, 0.5]}
    yield Target("NetworkClasses", sh.NetworkClasses, given, optional=("weight",))
    given = {"nodes": 2, "lam": 1.0, "theta_star": lambda p: 2 * p, "u": 1.0, "v": 0.2}
    yield Target(
        "NetworkClasses.from_law", sh.NetworkClasses.from_law, given, ("nodes",), ("NetworkClasses",)
    )
    yield Target("NetworkClasses.counts", made["classes"].counts, {"d": 10}, ("d",))
    yield Target("Spectrum.isotropic", sh.Spectrum.isotropic, {"lam": 1.0}, ("lam",), ("Spectrum",))
    yield Target(
        "Spectrum.from_eigenvalues",
        sh.Spectrum.from_eigenvalues,
        {"values": [1.0, 2.0], "weights": [0.5, 0.5]},
        optional=("weights",),
    )
    rows = np.vstack([np.eye(2), -np.eye(2)])
    yield Target("Spectrum.from_data", sh.Spectrum.from_data, {"rows": rows})
    data = sh.Dataset(np.vstack([np.eye(2), [[1.0, 2.0]]]), np.array([1.0, -1.0, 0.5]))
    yield Target("Dataset", sh.Dataset, {"rows": rows, "labels": np.arange(4.0)})
    yield Target("Dataset.loss", data.loss, {"X": np.ones(2)})
    passes = {"data": data, "rule": sh.Constant(0.1), "t_end": 1.0, "t": [0.5, 1.0], "X0": np.zeros(2), "test": data}
    yield Target("solve_passes", sh.solve_passes, passes, ("t_end",), ("solve", "Start("), optional=("t", "X0", "test"))
    yield Target(
        "simulate_passes",
        sh.simulate_passes,
        {**passes, "seeds": 1, "shuffled": True, "threads": 1},
        ("t_end", "threads"),
        ("solve", "simulate", "Start("),
        optional=("t", "X0", "test", "threads"),
    )
    mean = sp.Symbol("mu", real=True)
    yield Target("Mixture", sh.Mixture, {"weights": [1], "means": [mean], "labels": [0]}, optional=("labels",))
    yield Target("Learnt", sh.Learnt, {"start": 0.5, "speed": 2.0}, ("speed",))
    given = {"students": 2, "targets": 1, "activation": "erf", "noise": 0.1, "second_layer": 1.0, "teacher": [1.0]}
    yield Target("committee", sh.committee, {**given, "learns": True, "speed": 2.0}, ("noise", "speed"), ("Problem",))
    given = {"classes": 3, "data": None, "reference": True}
    yield Target("softmax", sh.softmax, given, (), problem, optional=("data",))
    yield Target("stable_rate", sh.stable_rate, {"rows": rows}, owners=("Spectrum", "Spectrum.from_data"))
    yield Target(
        "export",
        lambda system, spectrum, start, t_end, language: sh.export(
            system, spectrum, start, t_end=t_end, language=language
        ),
        {"system": ready, "spectrum": spectrum, "start": start, "t_end": 1.0, "language": "c"},
        ("t_end",),
        ("python_script", "c_program", "Population"),
    )
    yield Target(
        "python_script",
        lambda system, spectrum, start, t_end: sh.python_script(system, spectrum, start, t_end=t_end),
        {"system": ready, "spectrum": spectrum, "start": start, "t_end": 1.0},
        ("t_end",),
        ("Population",),
    )
    yield Target("Spectrum.from_covariance", sh.Spectrum.from_covariance, {"K": np.eye(2)})
    numbers = {"rtol": 1e-4, "horizon": 10.0}
    yield Target(
        "Spectrum.power_law", sh.Spectrum.power_law, {"beta": 0.2, **numbers}, ("beta", "rtol", "horizon")
    )
    yield Target(
        "Spectrum.marchenko_pastur",
        sh.Spectrum.marchenko_pastur,
        {"ratio": 0.5, "nodes": 4, **numbers},
        ("ratio", "nodes", "rtol", "horizon"),
        optional=("nodes",),
    )
    yield Target(
        "Spectrum.from_density",
        sh.Spectrum.from_density,
        {"density": np.ones_like, "low": 0.5, "high": 1.0, **numbers},
        ("low", "high", "rtol", "horizon"),
    )
    yield Target(
        "Spectrum.from_histogram",
        sh.Spectrum.from_histogram,
        {"edges": [0.1, 1.0, 2.0], "counts": [1, 1], **numbers},
        ("rtol", "horizon"),
    )
    yield Target("Spectrum.compressed", spectrum.compressed, dict(numbers), ("rtol", "horizon"))
    yield Target("Spectrum.eigenvalues", spectrum.eigenvalues, {"d": 4}, ("d",))
    yield Target(
        "Start",
        sh.Start,
        {"x0": 0.5, "x_star": 1.0, "overlap": 0.1, "random": False},
        ("x0", "x_star", "overlap"),
    )
    yield Target("Start.power_law", sh.Start.power_law, {"delta": 0.5}, ("delta",))
    vectors = {"X0": [0.0, 1.0], "X_star": [1.0, 0.0]}
    yield Target("Start.from_vectors", sh.Start.from_vectors, vectors, owners=("Start(",))
    yield Target("Constant", sh.Constant, {"gamma": 0.5}, ("gamma",))
    yield Target("AdaGradNorm", sh.AdaGradNorm, {"eta": 1.0, "b": 1.0}, ("eta", "b"))
    yield Target(
        "DelayedAdaGradNorm",
        sh.DelayedAdaGradNorm,
        {"eta": 1.0, "b": 1.0, "power": 0.5},
        ("eta", "b", "power"),
    )
    given = {"eta": 1.0, "b": 1.0, "alpha": 1.0, "forgetting": sh.Forgetting.SUM}
    yield Target("RMSpropNorm", sh.RMSpropNorm, given, ("eta", "b", "alpha"))
    yield Target("DoG", sh.DoG, {"r0": 1.0, "b": 1.0}, ("r0", "b"))
    yield Target("DAdaptation", sh.DAdaptation, {"speed": 1.0, "d0": 1.0}, ("speed", "d0"))
    yield Target(
        "StochasticPolyak",
        sh.StochasticPolyak,
        {"cap": 1.0, "damping": 0.5, "least": 0.0},
        ("cap", "damping", "least"),
        optional=("cap",),
    )
    yield Target("DistanceThreshold", sh.DistanceThreshold, {"fraction": 0.5}, ("fraction",))
    yield Target("RiskThreshold", sh.RiskThreshold, {"fraction": 0.5}, ("fraction",))
    yield Target("Schedule", sh.Schedule, {"expr": 1 / (1 + sh.t)})
    yield Target("cosine", sh.cosine, {"gamma": 1.0, "t_end": 1.0, "floor": 0.1}, ("gamma", "t_end", "floor"))
    yield Target("Memory", sh.Memory, {"name": a, "increment": a / 2, "initial": sp.S.One})
    yield Target("MiniBatch", sh.MiniBatch, {"inner": rule, "m": 4}, ("m",))
    yield Target("WeightDecay", sh.WeightDecay, {"inner": rule, "kappa": 0.1}, ("kappa",))
    yield Target("WarmUp", sh.WarmUp, {"inner": rule, "duration": 1.0}, ("duration",))
    yield Target("Modulated", sh.Modulated, {"inner": rule, "factor": sp.exp(-sh.t)})
    given = {"gamma": 0.5, "friction": 1.0, "direct": 0.1}
    yield Target("Momentum", sh.Momentum, given, ("friction", "direct"))
    yield Target("Averaged", sh.Averaged, {"inner": rule, "decay": 1.0}, ("decay",), optional=("decay",))
    yield Target("ScheduleFree", sh.ScheduleFree, {"gamma": 0.5, "beta": 0.9}, ("gamma", "beta"))
    yield Target("NoisyGradient", sh.NoisyGradient, {"inner": rule, "sigma": 0.1}, ("sigma",))
    yield Target("Drifting", sh.Drifting, {"inner": rule, "speed": 0.1}, ("speed",))
    yield Target("SignSGD", sh.SignSGD, {"gamma": 0.5}, ("gamma",))
    yield Target("ClippedCoordinates", sh.ClippedCoordinates, {"inner": rule, "c": 1.0}, ("c",))
    yield Target("AdaGrad", sh.AdaGrad, {"eta": 1.0, "b": 1.0}, ("eta", "b"))
    yield Target("RMSprop", sh.RMSprop, {"gamma": 0.5, "alpha": 1.0, "b": 1.0}, ("gamma", "alpha", "b"))
    given = {"gamma": 0.5, "friction": 1.0, "alpha": 1.0, "b": 1.0}
    yield Target("Adam", sh.Adam, given, ("gamma", "friction", "alpha", "b"))
    yield Target("derive", sh.derive, {"problem": least, "rule": rule, "reduce": True})
    given = {
        "students": (sh.x,),
        "targets": (sh.x_star,),
        "loss": loss,
        "noise": 0.1,
        "parameters": {a: 1.0},
        "name": "n",
    }
    yield Target("MultiIndex", sh.MultiIndex, given, ("noise",), problem, optional=("parameters",))
    yield Target("Overlaps", sh.Overlaps, {"matrix": [[1.0, 0.2], [0.2, 1.0]]})
    yield Target(
        "expect",
        sh.expect,
        {"expr": sh.x**2 * sh.x_star, "cov": [[1.0, 0.5], [0.5, 2.0]], "variables": (sh.x, sh.x_star)},
        optional=("variables",),
    )
    yield Target("bind", system.bind, {"values": {"a": 0.5}}, optional=("values",))
    yield Target(
        "bind, value",
        lambda value: system.bind({"a": value}),
        {"value": 0.5},
        ("value",),
        ("bind(a", "Constant(gamma"),
    )
    yield Target("MomentSystem.expanded", ready.expanded, {"expr": lam})
    given = {"spectrum": spectrum, "start": start, "t_end": 0.5, "t": [0.0, 0.5], "rtol": 1e-6, "atol": 1e-9}
    more = {
        "progress": None,
        "stepper": None,
        "target": None,
        "events": {"e": sp.Symbol("risk") - 0.4},
        "until": (),
        "steady": 1e-6,
    }
    yield Target(
        "solve",
        ready.solve,
        given | more,
        ("t_end", "rtol", "atol", "steady"),
        slow=True,
        optional=("t", "atol", "events", *more),
    )
    yield Target(
        "solve_many",
        system.solve_many,
        {"over": {"a": [0.5, 0.6]}, "keep": None, "threads": 1, "executor": None, "budget": 1000}
        | given
        | {"progress": None, "target": None},
        ("t_end", "rtol", "atol", "threads", "budget"),
        ("solve(", "Constant(gamma"),
        slow=True,
        optional=("over", "t", "atol", "keep", "threads", "executor", "progress", "target"),
    )
    two = sh.derive(sh.least_squares(b), sh.Constant(a))
    yield Target(
        "phase_diagram",
        sh.phase_diagram,
        {
            "system": two,
            "x": (a, [0.5]),
            "y": ("b", [0.1, 0.2]),
            "quantity": "risk",
            "spectrum": spectrum,
            "start": start,
            "t_end": 0.5,
        },
        ("t_end",),
        ("solve_many(", "solve(", "limits("),
        slow=True,
        optional=("t_end", "spectrum", "start"),
    )
    given = {
        "system": ready,
        "spectrum": spectrum,
        "start": start,
        "t_end": 0.5,
        "t": [0.0, 0.5],
        "rtol": 1e-4,
    }
    yield Target("solve_volterra", solve_volterra, given, ("t_end", "rtol"), slow=True, optional=("t",))
    given = {
        "problem": least,
        "rule": rule,
        "spectrum": spectrum,
        "start": start,
        "d": 8,
        "t_end": 0.5,
        "seeds": 2,
        "method": "auto",
        "t": [0.0, 0.5],
        "threads": 1,
        "progress": None,
        "generator": None,
    }
    yield Target(
        "simulate",
        sh.simulate,
        given,
        ("d", "t_end", "threads"),
        ("derive",),
        slow=True,
        optional=("t", "threads", "progress", "generator"),
    )
    given = {
        "problem": made["network"],
        "rule": None,
        "spectrum": made["classes"],
        "d": 8,
        "t_end": 0.5,
        "seeds": 2,
        "t": [0.0, 0.5],
        "covariance": np.eye(8),
        "observables": {},
    }
    yield Target(
        "simulate, network",
        sh.simulate,
        given,
        ("d", "t_end"),
        ("simulate", "derive", "NetworkClasses", "population"),
        slow=True,
        optional=("rule", "t", "covariance", "observables"),
    )
    yield Target(
        "Runs.quantiles", made["runs"].quantiles, {"what": "risk", "low": 0.1, "high": 0.9}, ("low", "high")
    )
    yield Target(
        "limits",
        sh.limits,
        {"problem": least, "rule": rule, "spectrum": spectrum, "start": start},
        (),
        ("derive",),
        slow=True,
        optional=("spectrum", "start"),
    )
    yield Target(
        "fixed_points",
        sh.fixed_points,
        {"problem": sh.phase_retrieval(), "rule": rule, "spectrum": sh.Spectrum.isotropic(), "start": start},
        (),
        ("derive",),
        slow=True,
        optional=("spectrum", "start"),
    )
    yield Target(
        "renewal_equation",
        sh.renewal_equation,
        {"problem": least, "rule": rule, "spectrum": spectrum, "start": start},
        (),
        ("derive", "limits(start"),
        slow=True,
        optional=("spectrum", "start"),
    )
    yield Target(
        "RenewalEquation",
        sh.RenewalEquation,
        {"forcing": lam, "kernel": lam, "decay": lam, "level": sp.S.One},
    )
    yield Target("Formula", sh.Formula, {"expr": a, "assumptions": (a < 2,), "source": "s", "statement": "w"})
    yield Target(
        "Formula.evaluate",
        made["formula"].evaluate,
        {"digits": 15, "a": 0.5, "b": 0.1, "tau": 1.0},
        ("digits", "a", "b", "tau"),
    )
    yield Target(
        "Formula.subs", lambda values: made["formula"].subs(values), {"values": {a: b}}, optional=("values",)
    )
    if importlib.util.find_spec("flint"):
        known = {"digits": 15, "a": 0.5, "b": 0.1, "tau": 1.0}
        yield Target("Formula.enclose", made["formula"].enclose, known, ("digits", "a", "b", "tau"))
    yield Target("Ball", sh.Ball, {"middle": mpmath.mpf(1), "radius": mpmath.mpf(0)})
    yield Target("Formula.python", made["formula"].python, {"name": "f"}, (), ("Formula",))
    yield Target("Formula.c", made["formula"].c, {"name": "f"}, (), ("Formula",))
    yield Target(
        "within",
        lambda seconds, function: sh.within(seconds, function, a),
        {"seconds": 5.0, "function": sp.factor},
        ("seconds",),
        slow=True,
    )
