"""Everything public goes to other processes and into caches: it pickles and deep-copies to an equal object."""

import ast
import copy
import dataclasses
import enum
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from types import FunctionType
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.approach import RHO, SlowestRoot
from symhigh.integration.modes import population_of
from symhigh.integration.volterra import solve_volterra
from symhigh.ledger import PROVED, numeric, symbolic
from symhigh.symbols import gamma, lam, tau

ISOTROPIC, START = sh.Spectrum.isotropic(), sh.Start(0.5, 1, 0.3)
LEAST, SQUARES = sh.Constant(0.5), sh.least_squares(0.3)
eta, a = sp.symbols("eta a", positive=True)


def constant_density(values: Any) -> Any:
    return np.ones_like(values)


def system() -> sh.MomentSystem:
    return sh.derive(SQUARES, sh.AdaGradNorm(1, 0.5))


def runs(d: int = 40) -> sh.Runs:
    return sh.simulate(SQUARES, LEAST, ISOTROPIC, START, d=d, t_end=1, seeds=3)


def network() -> sh.DiagonalNetwork:
    return sh.DiagonalNetwork(0.4, 0.1)


def classes() -> sh.NetworkClasses:
    return sh.NetworkClasses([1.0, 0.5], [1.0, -0.5], 1.2, 0.2)


MADE: dict[str, Callable[[], Any]] = {
    "AdaGrad": lambda: sh.AdaGrad(eta, 1),
    "AdaGradNorm": lambda: sh.AdaGradNorm(eta, 1),
    "Adam": lambda: sh.Adam(eta, 1, a, 1),
    "Attempt": lambda: sh.Attempt(True, sp.Integer(1), "", 0.1),
    "Averaged": lambda: sh.Averaged(LEAST),
    "ClippedCoordinates": lambda: sh.ClippedCoordinates(LEAST, 0.5),
    "ClippedGradient": lambda: sh.ClippedGradient(LEAST, 0.5),
    "ExactMean": lambda: sh.exact_mean(SQUARES, LEAST, ISOTROPIC, START, d=50, t_end=1),
    "FluctuationEquations": lambda: sh.derive(SQUARES, LEAST).fluctuation_equations(),
    "Fluctuations": lambda: sh.derive(SQUARES, LEAST).fluctuations(ISOTROPIC, START, 1, [0.5, 1]),
    "Claim": lambda: sh.Claim("c", evidence=[symbolic(sp.Integer(0)), numeric(tau, tau)], domain={tau: (0, 1)}),
    "Comparison": lambda: sh.compare(sh.derive(SQUARES, LEAST).solve(ISOTROPIC, START, 1), runs()),
    "Constant": lambda: sh.Constant(eta),
    "Ball": lambda: sh.Ball(mpmath.mpf(1), mpmath.mpf(0)),
    "Contaminated": lambda: sh.Contaminated(sh.Gaussian(1), sh.StudentT(3), 0.1),
    "Curve": lambda: system().solve(ISOTROPIC, START, 1),
    "DAdaptation": lambda: sh.DAdaptation(1, 0.1),
    "DelayedAdaGradNorm": lambda: sh.DelayedAdaGradNorm(1, 1, sp.Rational(1, 3)),
    "DiagonalNetwork": network,
    "DistanceThreshold": sh.DistanceThreshold,
    "DoG": lambda: sh.DoG(0.1, 1),
    "Drifting": lambda: sh.Drifting(LEAST, 0.1),
    "ErrorSlope": lambda: sh.error_slope(sh.derive(SQUARES, LEAST).solve(ISOTROPIC, START, 1), [runs(20), runs(80)]),
    "Experiment": lambda: sh.Experiment(SQUARES, LEAST, (ISOTROPIC, START), 1),
    "FixedPoint": lambda: sh.fixed_points(sh.phase_retrieval(), sh.Constant(eta))[0],
    "Forgetting": lambda: sh.Forgetting.SUM,
    "Formula": lambda: sh.limits(SQUARES, sh.Constant(eta))["risk"],
    "Gaussian": lambda: sh.Gaussian(a),
    "Laplace": lambda: sh.Laplace(2),
    "Ledger": lambda: sh.verify(sh.Claim("zero", evidence=symbolic(tau - tau), expect=PROVED)),
    "LineSearch": sh.LineSearch,
    "Memory": lambda: sh.Memory(a, a / 2, sp.S.One),
    "MiniBatch": lambda: sh.MiniBatch(LEAST, 4),
    "Modulated": lambda: sh.Modulated(LEAST, sp.exp(-sh.t)),
    "Momentum": lambda: sh.Momentum(eta, 1),
    "MultiIndex": lambda: sh.MultiIndex((sh.x,), (sh.x_star,), (sh.x - a * sh.x_star) ** 2, parameters={a: 2}),
    "NetworkClasses": classes,
    "Runs, network": lambda: sh.simulate(network(), None, classes(), d=20, t_end=1, seeds=3),
    "NoisyGradient": lambda: sh.NoisyGradient(LEAST, 0.1),
    "LINEAR": lambda: sh.LINEAR,
    "PRODUCT": lambda: sh.PRODUCT,
    "SQUARES": lambda: sh.SQUARES,
    "powers": lambda: sh.powers(3),
    "Overlaps": lambda: sh.Overlaps([[1, 0.2], [0.2, 1]]),
    "Polyak": sh.Polyak,
    "Population": lambda: population_of(system(), ISOTROPIC, START),
    "Population, classes": lambda: population_of(sh.derive(network()), classes()),
    "Population, overlaps": lambda: population_of(system(), ISOTROPIC, sh.Overlaps([[1, 0.2], [0.2, 1]])),
    "Problem": lambda: sh.Problem((sh.x - sh.x_star) ** 2 * a, parameters={a: 2}, noise=sh.Laplace(1)),
    "RMSprop": lambda: sh.RMSprop(eta, 1, 1),
    "RMSpropNorm": lambda: sh.RMSpropNorm(1, 1, 1, sh.Forgetting.AVERAGE),
    "Rademacher": sh.Rademacher,
    "RenewalEquation": lambda: sh.renewal_equation(SQUARES, sh.Constant(eta)),
    "RiskThreshold": sh.RiskThreshold,
    "Runs": runs,
    "Schedule": lambda: sh.Schedule(1 / (1 + sh.t)),
    "ScheduleFree": lambda: sh.ScheduleFree(eta, 0.9),
    "SignSGD": lambda: sh.SignSGD(eta),
    "Spectrum": lambda: sh.Spectrum.power_law(0.2),
    "Start": lambda: sh.Start.power_law(0.4),
    "StochasticPolyak": lambda: sh.StochasticPolyak(1),
    "StudentT": lambda: sh.StudentT(3),
    "Learnt": lambda: sh.Learnt(a, 2),
    "Mixture": lambda: sh.Mixture([1], [sp.Symbol("mu", real=True)]),
    "Dataset": lambda: sh.Dataset(np.eye(3), np.ones(3)),
    "Sweep": lambda: sh.Sweep("folder", {"x": [1]}, (0,)),  # type: ignore[arg-type]
    "WarmUp": lambda: sh.WarmUp(LEAST, 2),
    "WeightDecay": lambda: sh.WeightDecay(LEAST, 0.1),
    "cosine": lambda: sh.cosine(1, 10),
    "MomentSystem": system,
    "PhaseDiagram": lambda: sh.phase_diagram(
        sh.derive(sh.least_squares(a), sh.Constant(eta)), (eta, [0.1, 9]), (a, [1]), "risk", ISOTROPIC, START, 9
    ),
    "ManyCurves": lambda: sh.derive(SQUARES, sh.Constant(eta)).solve_many({eta: [0.1, 9]}, ISOTROPIC, START, 99, [99]),
    "DensitySystem": lambda: sh.derive(network()),
    "derive, unreduced": lambda: sh.derive(sh.logistic_regression(), LEAST),
    "derive, several": lambda: sh.derive(
        sh.MultiIndex(sp.symbols("p q"), (sh.x_star,), sp.prod(sp.symbols("p q")) - sh.x_star), LEAST
    ),
    "ParticleSystem": lambda: sh.derive(SQUARES, sh.SignSGD(0.5)),
    "derive, average": lambda: sh.derive(SQUARES, sh.Averaged(sh.Momentum(0.5, 1, a), 2)),
    "expect": lambda: sh.expect(sp.cosh(sp.tanh(sh.x)) * sp.erf(sh.x + sh.x_star), [[1, a], [a, 2]]),
    "limits": lambda: sh.limits(SQUARES, sh.LineSearch()),
    "limits, power law": lambda: sh.limits(SQUARES, LEAST, sh.Spectrum.power_law(0.2), sh.Start()),
    "NetworkCurve": lambda: sh.derive(network()).solve(classes(), 1),
    "solve_volterra": lambda: solve_volterra(system(), ISOTROPIC, START, 1),
    "spectrum, covariance": lambda: sh.Spectrum.from_covariance(np.diag([1.0, 2.0])),
    "spectrum, density": lambda: sh.Spectrum.from_density(constant_density, 0.5, 1),
    "spectrum, histogram": lambda: sh.Spectrum.from_histogram([0, 1, 2], [1, 1]),
    "spectrum, law": lambda: sh.Spectrum.marchenko_pastur(1.5),
    **{name: getattr(sh, name) for name in (
        "absolute_phase_retrieval", "erf_student", "hinge", "least_squares", "logistic_regression", "phase_retrieval",
        "probit_regression", "relu_student", "sign_regression", "squared_hinge", "tanh_student",
    )},
    "committee": lambda: sh.committee(2, 1, second_layer=a, learns=True),
    "hermite_student": lambda: sh.hermite_student(3),
    "huber": lambda: sh.huber(1),
    "pseudo_huber": lambda: sh.pseudo_huber(1),
    "quantile": lambda: sh.quantile(0.3),
    "softmax": lambda: sh.softmax(3),
    "student": lambda: sh.student(sp.tanh),
}  # fmt: skip
FUNCTIONS = {"compare", "compare_network", "derive", "error_slope", "fixed_points", "renewal_equation", "simulate",
             "cite", "sweep", "Rule", "verify", "within", "stable_rate", "python_script", "export", "solve_passes",
             "phase_diagram", "simulate_passes",
             "EffectiveDimensionWarning", "eps", "t", "x", "x_star", "y",
    "CONSISTENT",
    "Escape",
    "OptimalSchedule",
    "PROVED",
    "REFUTED",
    "VERIFIED",
    *("adam_constants", "asymptotic", "best_momentum", "best_rate", "compare_network", "compute_optimal"),
    "derive_network",
    *("derive_several", "escape", "exact_mean"),
    "optimal_schedule",
    *("integrated", "numeric", "simulate_network", "simulation", "symbolic"),
}  # fmt: skip
"""Public names whose values stand above under the name of what they return."""


def same(one: Any, two: Any) -> bool:
    """Equal all the way down; objects without an equality of their own are compared field by field."""
    if isinstance(one, np.ndarray):
        return type(two) is type(one) and one.dtype == two.dtype and (
            all(map(same, one.ravel(), two.ravel()))
            if one.dtype == object
            else np.array_equal(one, two, equal_nan=one.dtype.kind == "f")
        )  # fmt: skip
    if isinstance(one, Mapping):
        return list(one) == list(two) and all(same(one[k], two[k]) for k in one)
    if isinstance(one, tuple | list):
        return len(one) == len(two) and all(map(same, one, two))
    if dataclasses.is_dataclass(one):
        return type(one) is type(two) and all(
            same(getattr(one, f.name), getattr(two, f.name)) for f in dataclasses.fields(one)
        )
    if isinstance(one, enum.Enum | type | FunctionType):
        return one is two
    if type(one).__eq__ is object.__eq__ and hasattr(one, "__dict__"):
        return type(one) is type(two) and same(vars(one), vars(two))
    return bool(one == two) or (one != one and two != two)


def test_the_list_is_the_public_list() -> None:
    named = {key.split(",")[0] for key in MADE} | FUNCTIONS
    assert set(sh.__all__) <= named, sorted(set(sh.__all__) - named)


@pytest.mark.parametrize("name", MADE)
def test_pickle_and_deepcopy_give_an_equal_object(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = MADE[name]()
    for twin in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made), copy.copy(made)):
        assert same(made, twin)
        assert repr(twin) == repr(made)


def test_a_system_that_was_pickled_solves_to_the_same_bits_and_shares_its_kernels() -> None:
    first = system()
    second = pickle.loads(pickle.dumps(first))
    assert second.content == first.content
    curves = [s.solve(sh.Spectrum.power_law(0.2), START, 1) for s in (first, second)]
    assert (curves[0].risk == curves[1].risk).all()
    moved = pickle.loads(pickle.dumps(curves[0]))
    assert (moved.system.solve(moved.spectrum, moved.start, 1).risk == curves[0].risk).all()
    assert moved.excess_risk == pytest.approx(curves[0].excess_risk)
    assert (moved.spectrum.eigenvalues(7) == curves[0].spectrum.eigenvalues(7)).all()


def test_a_formula_that_was_pickled_evaluates_to_the_same_number() -> None:
    formula = sh.limits(SQUARES, sh.Constant(eta), sh.Spectrum.marchenko_pastur(0.5))["risk"]
    values = {s.name: 0.1 for s in formula.symbols}
    assert pickle.loads(pickle.dumps(formula)).evaluate(**values) == formula.evaluate(**values)
    assert gamma == pickle.loads(pickle.dumps(gamma))


ELSEWHERE = """
import sys, pickle
import sympy as sp, symhigh as sh
from symhigh.closed.approach import RHO, SlowestRoot, lam
half = sp.Rational(1, 2)
formula = sh.limits(sh.least_squares(sp.Rational(3, 10)), sh.LineSearch())["learning_rate_asymptotic"]
root = SlowestRoot(lam / (RHO * (3 - RHO) - lam), sp.Integer(1), sp.Tuple(sp.Tuple(1, 2), sp.Tuple(half, half)))
pickle.dump((formula, root), sys.stdout.buffer)
"""


@lru_cache(maxsize=1)
def elsewhere() -> Any:
    """What another process pickled: a formula and a slowest root."""
    return pickle.loads(subprocess.run([sys.executable, "-c", ELSEWHERE], capture_output=True, check=True).stdout)


def test_a_formula_of_another_process_means_the_same() -> None:
    """Its bound variables are those of this process, too: else λ would stay free in the averages over the spectrum."""
    there, here = elsewhere()[0], sh.limits(sh.least_squares(sp.Rational(3, 10)), sh.LineSearch())
    assert there.expr.free_symbols == here["learning_rate_asymptotic"].expr.free_symbols
    assert str(there.expr) == str(here["learning_rate_asymptotic"].expr)


def test_a_slowest_root_of_another_process_is_the_same() -> None:
    """Its bound variables are those of the module, which evaluation puts numbers for."""
    there, half = elsewhere()[1], sp.Rational(1, 2)
    here = SlowestRoot(lam / (RHO * (3 - RHO) - lam), sp.Integer(1), sp.Tuple(sp.Tuple(1, 2), sp.Tuple(half, half)))
    assert there == here
    assert there.free_symbols == set()
    assert there.evalf(20) == here.evalf(20)


def test_dummies_of_modules_are_the_same_in_every_process() -> None:
    found: list[int] = []
    for file in Path(sh.__file__).parent.rglob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        kept = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
        for call in (c for node in kept for c in ast.walk(node) if isinstance(c, ast.Call)):
            if ast.unparse(call.func).split(".")[-1] == "Dummy":
                number = next((k.value for k in call.keywords if k.arg == "dummy_index"), None)
                assert isinstance(number, ast.Constant), (
                    f"{file}: {ast.unparse(call)} is another symbol in each process; give it a dummy_index"
                )
                found.append(number.value)
    assert len(found) >= 14
    assert len(set(found)) == len(found)
