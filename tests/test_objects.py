"""The façade: one interface for every closure, full signatures, and the data of the inner rooms behind it."""

import inspect
from collections.abc import Callable
from dataclasses import fields, replace
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh import system as inner
from symhigh.derivation import derive
from symhigh.files.experiment import Expected
from symhigh.integration.solve import solve
from symhigh.ledger.paths import _entry
from symhigh.objects.experiment import _in_short
from symhigh.objects.view import seen_as

a = sp.Symbol("a", positive=True)
LINE = (sh.Spectrum.from_eigenvalues([1.0, 0.5]), sh.Start(0.5, 1, 0.3))
CLASSES = (sh.NetworkClasses([1.0, 0.5], [1.0, -0.5], 1.2, 0.2),)
WORLDS: dict[str, tuple[sh.Problem, tuple[Any, ...], type]] = {
    "moments": (sh.least_squares(0.3), LINE, sh.MomentSystem),
    "density": (sh.least_squares(0.3, sh.PRODUCT), CLASSES, sh.DensitySystem),
    "particles": (sh.least_squares(0.3, sh.powers(3)), CLASSES, sh.ParticleSystem),
}
KINDS = (sh.MomentSystem, sh.DensitySystem, sh.ParticleSystem, sh.Curve, sh.NetworkCurve, sh.Runs, sh.Comparison)
VERBS = ("equations", "latex", "text", "solve", "limits", "fluctuations", "simulate", "bind")
world = pytest.mark.parametrize("name", WORLDS)


def in_world(name: str) -> tuple[sh.MomentSystem, tuple[Any, ...], type]:
    """A limit under a constant rate, a population of its kind, and the class of the limit."""
    problem, population, kind = WORLDS[name]
    return sh.derive(problem, sh.Constant(a)), population, kind


@world
def test_every_closure_answers_one_interface(name: str) -> None:
    system, population, kind = in_world(name)
    assert type(system) is kind
    assert isinstance(system, inner.MomentSystem)
    assert all(callable(getattr(system, verb)) for verb in VERBS)
    assert all(isinstance(e, sp.Eq) for e in system.equations())
    assert str(system) == system.text()
    assert len(system.text().splitlines()) == len(system.equations())
    assert system._repr_latex_() == f"$\\displaystyle {system.latex()}$"
    ready = system.bind({"a": 0.1})
    assert type(ready) is kind
    curve = ready.solve(*population, t_end=0.5, t=[0, 0.5])
    runs = ready.simulate(*population, d=16, t_end=0.5, seeds=3)
    assert isinstance(curve, sh.NetworkCurve if kind is sh.DensitySystem else sh.Curve)
    assert type(getattr(curve, "system", None) or curve.limit) is kind  # type: ignore[union-attr]
    assert type(runs) is type(runs.again(8, 2)) is sh.Runs
    same = sh.simulate(ready, *population, d=16, t_end=0.5, seeds=3)
    assert (same.risk == runs.risk).all()


@world
def test_every_closure_is_solved_on_a_grid(name: str) -> None:
    system, population, kind = in_world(name)
    few: dict[str, Any] = {"particles": 64} if kind is sh.ParticleSystem else {}
    found = system.solve_many({"a": [0.05, 0.1]}, *population, t_end=0.5, t=[0, 0.5], **few)
    one = system.bind({"a": 0.1}).solve(*population, t_end=0.5, t=[0, 0.5], **few)
    assert found.values["risk"].shape == (2, 2)
    np.testing.assert_allclose(found.values["risk"][1], one.risk, rtol=1e-6)


@pytest.mark.parametrize("name", ["density", "particles"])
def test_what_a_closure_has_no_answer_to_is_refused_by_name(name: str) -> None:
    system, population, _ = in_world(name)
    with pytest.raises(ValueError, match=f"fluctuations: .* no equations of second moments .*closed by {name}"):
        system.fluctuations(*population, 1)
    with pytest.raises(TypeError, match=r"limits.*a network: give NetworkClasses"):
        system.limits(*LINE)


def test_limits_without_a_closed_form_say_why() -> None:
    system, population, _ = in_world("particles")
    with pytest.raises(ValueError, match=r"limits: no closed form .*networks: .*linear modes: "):
        system.limits(*population)


def test_limits_take_a_system_or_what_it_is_derived_from() -> None:
    system = in_world("moments")[0]
    mine, theirs = system.limits(*LINE), sh.limits(sh.least_squares(0.3), sh.Constant(a), *LINE)
    assert mine == theirs == sh.limits(system, *LINE)
    assert "risk" in mine


def test_a_start_behind_a_systems_population_is_refused() -> None:
    with pytest.raises(TypeError, match=r"simulate\(start=50\): after a system .* d=… and t_end=… by name"):
        sh.simulate(in_world("moments")[0].bind({"a": 0.1}), *LINE, 50, 1)


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_methods_have_documents_and_name_their_arguments(kind: type) -> None:
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if not name.startswith("_"):
            assert len(method.__doc__ or "") > 40, name
        kinds = {p.kind for p in inspect.signature(method).parameters.values()}
        if name in (*VERBS, "solve_law", "again"):
            assert inspect.Parameter.VAR_KEYWORD not in kinds, name


INNER: list[tuple[Callable[..., Any], str, str]] = [
    (sh.derive, "symhigh.derivation", "derive"),
    (sh.simulate, "symhigh.simulation.runner", "simulate"),
    (sh.compare, "symhigh.ledger", "compare"),
    (sh.simulate_passes, "symhigh.simulation.passes", "simulate_passes"),
    (sh.MomentSystem.solve, "symhigh.integration.solve", "solve"),
    (sh.MomentSystem.fluctuations, "symhigh.integration.fluctuations", "fluctuations"),
    (sh.MomentSystem.latex, "symhigh.report.equations", "equations_latex"),
    (sh.DensitySystem.solve, "symhigh.integration.network", "solve_network"),
    (sh.DensitySystem.solve_law, "symhigh.integration.network_law", "solve_law"),
    (sh.ParticleSystem.solve, "symhigh.integration.particle_system", "solve_by_particles"),
    (sh.Runs.again, "symhigh.simulation.runner", "again"),
    (sh.Runs.plot, "symhigh.report.figures", "plot_bands"),
    (sh.Comparison.plot, "symhigh.report.figures", "plot_comparison"),
]


@pytest.mark.parametrize(("outer", "module", "name"), INNER, ids=lambda v: v if isinstance(v, str) else "")
def test_signatures_are_those_of_the_functions_behind(outer: Any, module: str, name: str) -> None:
    """Names, defaults and kinds of all arguments but the first of a method, which is the object itself."""
    ours, theirs = (
        [(p.name, p.default, p.kind) for p in inspect.signature(f).parameters.values()]
        for f in (outer, getattr(import_module(module), name))
    )
    skipped = int("." in outer.__qualname__)
    assert ours[skipped:] == theirs[skipped:]


def test_simulating_a_system_takes_the_arguments_of_simulate() -> None:
    method, function = (list(inspect.signature(f).parameters.values()) for f in (sh.MomentSystem.simulate, sh.simulate))
    assert [p.name for p in method[1:]] == [p.name for p in function[2:]]
    assert [p.default for p in method[2:]] == [p.default for p in function[3:]]


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_the_facade_adds_methods_and_no_field(kind: Any) -> None:
    base = next(c for c in kind.__mro__ if not c.__module__.startswith("symhigh.objects"))
    assert [f.name for f in fields(kind)] == [f.name for f in fields(base)]
    assert kind.__doc__


def test_views_share_their_data_and_replace_keeps_the_class() -> None:
    data = derive(sh.least_squares(0.3), sh.Constant(0.5))
    assert type(data) is inner.MomentSystem
    view = seen_as(sh.MomentSystem, data)
    assert all(getattr(view, f.name) is getattr(data, f.name) for f in fields(data))
    assert view.content == data.content
    assert type(replace(view, closure="")) is sh.MomentSystem
    curve = view.solve(*LINE, 1)
    assert (curve.risk == solve(data, *LINE, 1).risk).all()
    assert type(replace(curve, message="")) is sh.Curve
    assert curve.system is view


def test_results_draw_themselves_on_given_axes() -> None:
    system = sh.derive(sh.least_squares(0.3), sh.Constant(0.5))
    curve, runs = system.solve(*LINE, 1), system.simulate(*LINE, 40, 1, 4)
    comparison = sh.compare(curve, runs)
    _, ax = plt.subplots()
    assert runs.plot("distance", ax) is curve.plot("distance", ax, lw=3) is ax
    (line,) = ax.get_lines()
    assert (line.get_ydata() == curve.distance).all()
    assert line.get_linewidth() == 3
    _, ax = plt.subplots()
    comparison.plot("risk", ax)
    assert np.array_equal(ax.get_lines()[0].get_ydata(), comparison.deviations["risk"].error)
    with pytest.raises(ValueError, match=r"Comparison.plot\(what='norm'\)"):
        comparison.plot("norm", ax)
    plt.close("all")


def test_the_ledger_names_the_room_behind_the_facade() -> None:
    assert [_entry("symhigh", n) for n in ("derive", "simulate", "compare", "limits", "Curve")] == [
        "derivation.derive", "simulation.simulate", "ledger.compare", "closed.limits", "integration.Curve"
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["system", "limits", "fixed points", "comparison", "spectrum", "ledger", "network"])
def test_representations_fit_on_a_screen(name: str, shown: dict[str, Any]) -> None:
    thing = shown[name]
    assert len(repr(thing)) < 1500
    assert repr(thing).count("\n") < 24
    assert "array(" not in repr(thing)
    if hasattr(thing, "_repr_html_"):
        assert "<table" in thing._repr_html_() or name == "ledger"


@pytest.fixture(scope="module")
def shown() -> dict[str, Any]:
    problem, rule, spectrum = sh.least_squares(1), sh.Constant(0.5), sh.Spectrum.power_law(0.2)
    system = sh.derive(problem, rule)
    runs = sh.simulate(problem, rule, spectrum, sh.Start(), d=64, t_end=2, seeds=6)
    gamma = sp.Symbol("gamma_0", positive=True)
    claim = sh.Claim("A square", "arithmetic", evidence=[sh.symbolic((a + 1) ** 2, a**2 + 2 * a + 1)])
    return {
        "system": system,
        "limits": sh.limits(sh.least_squares(1), sh.Constant(gamma)),
        "fixed points": sh.fixed_points(sh.phase_retrieval(), sh.Constant(gamma)),
        "comparison": sh.compare(system.solve(spectrum, sh.Start(), 2), runs),
        "spectrum": spectrum,
        "ledger": sh.verify([claim]),
        "network": sh.derive(sh.DiagonalNetwork(0.4, 0.1)),
    }


def test_a_misspelt_formula_is_answered_with_near_names(shown: dict[str, Any]) -> None:
    with pytest.raises(KeyError, match="did you mean excess_risk"):
        shown["limits"]["exces_risk"]
    assert "aligned" in shown["limits"].to_latex()


def test_a_misspelt_output_is_answered_with_each_near_name_once() -> None:
    """An output may be a property of its holder as well, which makes one name and not two."""
    curve = solve(derive(sh.least_squares(noise=1), sh.Constant(0.5)), sh.Spectrum.isotropic(), sh.Start(), 1)
    for wrong, near in (("rsik", "risk"), ("learning_rat", "learning_rate"), ("distanc", "distance")):
        with pytest.raises(AttributeError, match="did you mean") as refused:
            getattr(curve, wrong)
        words = str(refused.value).split("did you mean ")[1].rstrip("?").split(" or ")
        assert words.count(near) == 1
        assert len(words) == len(set(words))


def test_tables_show_eleven_times_unless_told_otherwise() -> None:
    system = sh.derive(sh.least_squares(0.3), sh.Constant(0.5))
    for result in (system.solve(*LINE, 1), system.simulate(*LINE, 40, 1, 3)):
        assert [result.to_latex(*rows).count(r" \\") - 1 for rows in ((), (5,))] == [11, 5]


DEFAULTS: dict[Any, dict[str, float]] = {
    sh.compare: {"alarm": 0.01},
    sh.simulate: {"seeds": 10},
    sh.solve_passes: {"rtol": 1e-8},
    sh.simulate_passes: {"seeds": 10},
    sh.Experiment.__init__: {"seeds": 20, "alarm": 0.01},
    sh.Curve.to_latex: {"rows": 11},
    sh.Runs.to_latex: {"rows": 11},
    sh.Runs.plot: {"low": 0.1, "high": 0.9},
    sh.Fluctuations.plot: {"low": 0.1, "high": 0.9},
    sh.MomentSystem.solve: {"rtol": 1e-8, "steady": 1e-8, "budget": 100_000},
    sh.MomentSystem.solve_many: {"rtol": 1e-8, "budget": 100_000},
    sh.MomentSystem.fluctuations: {"rtol": 1e-5},
    sh.MomentSystem.simulate: {"seeds": 10},
    sh.DensitySystem.solve: {"tolerance": 0.01},
    sh.DensitySystem.solve_law: {"tolerance": 1e-5, "least_nodes": 2, "most_classes": 4096, "nodes": 161},
    sh.ParticleSystem.solve: {"particles": 100_000, "step": 0.02, "seed": 0},
}


@pytest.mark.parametrize("function", DEFAULTS, ids=lambda f: f.__qualname__)
def test_numbers_that_are_not_given(function: Any) -> None:
    given = {p.name: p.default for p in inspect.signature(function).parameters.values()}
    numbers = {n: v for n, v in given.items() if isinstance(v, (int, float)) and not isinstance(v, bool)}
    assert numbers == DEFAULTS[function]


def test_a_check_of_an_experiment_is_made_at_its_time() -> None:
    experiment = sh.Experiment(sh.least_squares(), sh.Constant(0.5), (sh.Spectrum.isotropic(), sh.Start()), 2.0)
    curve: Any = SimpleNamespace(t=np.array([0.0, 1.0, 2.0]), risk=np.array([3.0, 2.0, 0.5]))
    rows = ((1.0, 2.0, True), (None, 0.5, True), (0.0, 3.0, True), (1.0, 0.5, False), (1.5, 2.0, False))
    for at, value, holds in rows:
        assert experiment._holds(Expected("risk", at=at, equals=value, within=0.1), curve) is holds
    for at, off, holds in ((1.0, 0.9e-9, True), (1.0, 1.1e-9, False), (1e3, 0.9e-6, True), (1e3, 1.1e-6, False),
                           (1e-3, 0.9e-9, True), (1e-3, 1.1e-9, False)):  # fmt: skip
        beside: Any = SimpleNamespace(t=np.array([at + off]), risk=np.array([2.0]))
        assert experiment._holds(Expected("risk", at=at, equals=2.0, within=0.1), beside) is holds
    empty: Any = SimpleNamespace(t=np.array([]), risk=np.array([]))
    assert not experiment._holds(Expected("risk", equals=1.0, within=9.0), empty)
    ended: Any = SimpleNamespace(t=np.array([0.0, 1.0]), risk=np.array([3.0, 2.0]))
    assert not experiment._holds(Expected("risk", equals=2.0, within=0.1), ended)  # it ended before 2


def test_parts_are_shown_in_short() -> None:
    shown = _in_short(sh.Start(0.5, 1, 0.3))
    assert shown.startswith("Start(x0=0.5, x_star=1, overlap=0.3")
    assert shown != repr(sh.Start(0.5, 1, 0.3))
    assert _in_short("a" * 297) == repr("a" * 297)
    assert _in_short("a" * 299) == repr("a" * 299)[:299] + "…"
