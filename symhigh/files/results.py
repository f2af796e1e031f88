"""Curves, runs and comparisons as archives: what is in them, and how they are made again.

Part of the files. Limits are derived anew from problem and rule, which stand in the archive as TOML; where these have
no name in the registry, who loads gives the system.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp

from symhigh.checks import instance
from symhigh.derivation.limit import mean_field_of
from symhigh.files.archive import load_archive, read_from, save_archive
from symhigh.files.document import Table
from symhigh.files.grammar import read_expression, write_expression
from symhigh.files.reading import read_problem, read_quantile, read_rule
from symhigh.files.writing import problem_tree, quantile_tree, rule_tree, toml_text
from symhigh.integration.curve import Curve
from symhigh.integration.fokker_planck import Densities
from symhigh.integration.modes import population_of
from symhigh.integration.network import NetworkCurve, Resolution
from symhigh.ledger.bands import Deviation
from symhigh.ledger.outcome import Comparison
from symhigh.population import NetworkClasses, Overlaps, Spectrum, Start
from symhigh.problem import Problem
from symhigh.problem.network import theta_star, u, v
from symhigh.rule import Rule
from symhigh.simulation.runs import Runs
from symhigh.symbols import lam
from symhigh.system import MomentSystem

Tree = dict[str, Any]
_NAMES = {str(s): s for s in (u, v, theta_star, lam)}


# --- curves -----------------------------------------------------------------------------------------------
def save_curve(curve: Curve | NetworkCurve, path: str | Path) -> Path:
    """Write the curve, with its statement and its population, as an archive under ``path``; returns the path."""
    kind = "NetworkCurve" if isinstance(curve, NetworkCurve) else "Curve"
    owner = f"{kind}.save"
    plain = ("t", "outputs", "rtol", "complete", "message", "statistics", "events", "errors")
    tree: Tree = {name: getattr(curve, name) for name in plain}
    tree |= _statement(curve.system.problem, curve.system.rule)
    tree["states"] = [str(s) for s in curve.system.family.states]
    tree["population"] = [_part(owner, part) for part in (curve.spectrum, curve.start) if part is not None]
    if isinstance(curve, NetworkCurve):
        tree["densities"], tree["resolution"] = vars(curve.densities), vars(curve.resolution)
        tree["level"] = curve.level
        tree["observables"] = {name: _observable(owner, name, e) for name, e in curve.observables.items()}
    return save_archive(owner, path, kind, tree)


def load_curve(
    path: str | Path, system: MomentSystem | None, network: bool, derive: Callable[..., MomentSystem]
) -> Curve:
    """The curve of an archive; its limit is derived anew, by ``derive``, unless ``system`` is given."""
    kind = "NetworkCurve" if network else "Curve"
    owner = f"{kind}.load"
    _check_system(owner, system)
    with read_from(owner, path):
        return _curve(owner, path, system, network, derive)


def _curve(
    owner: str, path: str | Path, system: MomentSystem | None, network: bool, derive: Callable[..., MomentSystem]
) -> Curve:
    tree = load_archive(owner, path, owner.removesuffix(".load"))
    given = [_restored(part) for part in tree.pop("population")]
    states, limit = tree.pop("states"), system
    if limit is None:
        problem, rule = _restated(owner, path, tree)
        limit = _derived(derive, problem, rule, states)
    elif tuple(str(s) for s in limit.family.states) != states:
        raise ValueError(f"{owner}(system=…): the system has not the states of the curve, {', '.join(states)}")
    tree = {name: value for name, value in tree.items() if name not in ("problem", "rule", "why")}
    tree |= {"system": limit, "spectrum": given[0], "start": given[1] if len(given) > 1 else None}
    if not network:
        return Curve(**tree)
    tree["densities"], tree["resolution"] = Densities(**tree["densities"]), Resolution(**tree["resolution"])
    tree["observables"] = {name: read_expression(name, e, _NAMES) for name, e in tree["observables"].items()}
    return NetworkCurve(**tree)


def _derived(
    derive: Callable[..., MomentSystem], problem: Problem, rule: Rule, states: tuple[str, ...]
) -> MomentSystem:
    """The limit whose modes have these states: reduced, or with all moments kept."""
    found = derive(problem, rule)
    if tuple(str(s) for s in found.family.states) != states:
        found = derive(problem, rule, reduce=False)
    if tuple(str(s) for s in found.family.states) != states:
        raise ValueError(f"Curve.load: this version derives a limit of other states than {', '.join(states)}")
    return found


def _observable(owner: str, name: str, given: Any) -> str:
    if not isinstance(given, sp.Expr):
        raise ValueError(f"{owner}: the output {name!r} is a function, which cannot be saved; state an expression")
    return write_expression(given)


# --- runs -------------------------------------------------------------------------------------------------
def save_runs(runs: Runs, path: str | Path) -> Path:
    """Write the runs, with their statement and their population, as an archive under ``path``; returns the path."""
    plain = ("t", "outputs", "d", "seeds", "t_end", "target", "messages", "complete", "last", "observed", "rotated")
    tree: Tree = {name: getattr(runs, name) for name in plain} | _statement(runs.problem, runs.rule)
    tree["population"] = [_part("Runs.save", part) for part in runs.population.origin]
    return save_archive("Runs.save", path, "Runs", tree)


def load_runs(path: str | Path, system: MomentSystem | None) -> Runs:
    """The runs of an archive; problem and rule are those of ``system`` where it is given."""
    _check_system("Runs.load", system)
    with read_from("Runs.load", path):
        return _runs(path, system)


def _runs(path: str | Path, system: MomentSystem | None) -> Runs:
    tree = load_archive("Runs.load", path, "Runs")
    given = [_restored(part) for part in tree.pop("population")]
    if system is None:
        problem, rule = _restated("Runs.load", path, tree)
    else:
        problem, rule = system.problem, system.rule
    _, field = mean_field_of(problem, rule)
    population = population_of(field, *given, owner="Runs.load")
    tree = {name: value for name, value in tree.items() if name not in ("problem", "rule", "why")}
    return Runs(**tree, problem=problem, rule=rule, population=population)


# --- comparisons ------------------------------------------------------------------------------------------
def save_comparison(comparison: Comparison, path: str | Path) -> Path:
    """Write the comparison as an archive under ``path``; returns the path."""
    tree = {f.name: getattr(comparison, f.name) for f in fields(Comparison)}
    for name in ("deviations", "directions"):
        tree[name] = {key: vars(found) for key, found in tree[name].items()}
    return save_archive("Comparison.save", path, "Comparison", tree)


def load_comparison(path: str | Path) -> Comparison:
    """The comparison of an archive."""
    with read_from("Comparison.load", path):
        tree = load_archive("Comparison.load", path, "Comparison")
        for name in ("deviations", "directions"):
            tree[name] = {key: Deviation(**found) for key, found in tree[name].items()}
        return Comparison(**tree)


def _check_system(owner: str, system: Any) -> None:
    if system is not None:
        instance(owner, "system", system, MomentSystem, "derive(problem, rule), or None")


# --- statements and populations ---------------------------------------------------------------------------
def _statement(problem: Problem, rule: Rule) -> Tree:
    try:
        return {"problem": toml_text(problem_tree(problem)), "rule": toml_text(rule_tree(rule)), "why": ""}
    except (ValueError, NotImplementedError) as error:
        return {"problem": "", "rule": "", "why": str(error)}


def _restated(owner: str, path: str | Path, tree: Tree) -> tuple[Problem, Rule]:
    if tree["why"]:
        raise ValueError(
            f"{owner}({str(path)!r}): {tree['why']}; give the limit as system=derive(problem, rule) to load this file"
        )
    return read_problem(Table.of(tree["problem"], str(path))), read_rule(Table.of(tree["rule"], str(path)))


def _part(owner: str, part: Any) -> Tree:
    """A part of a population as plain data."""
    if type(part) is Spectrum:
        values, weights = part.numeric(owner)
        law = None if part.quantile is None else quantile_tree(part.quantile)
        plain = {f.name: getattr(part, f.name) for f in fields(Spectrum)}
        return {"kind": "Spectrum", **plain, "values": values, "weights": weights, "quantile": law}
    if type(part) is Start:
        numbers = {name: write_expression(getattr(part, name)) for name in ("x0", "x_star", "overlap")}
        given = {"random": part.random, "vectors_given": part.vectors_given, "exponent": part.exponent}
        return {"kind": "Start", **numbers, **given}
    if type(part) is Overlaps:
        return {"kind": "Overlaps", "matrix": part.values}
    if type(part) is NetworkClasses:
        return {"kind": "NetworkClasses", **vars(part)}
    raise TypeError(f"{owner}: a {type(part).__name__} cannot be saved; to_dataframe() keeps the outputs")


def _restored(tree: Mapping[str, Any]) -> Any:
    given = {name: value for name, value in tree.items() if name != "kind"}
    return _MADE[tree["kind"]](**given)


def _spectrum(quantile: Any, **given: Any) -> Spectrum:
    return Spectrum(**given, quantile=None if quantile is None else read_quantile(Table(_listed(quantile), "spectrum")))


def _start(exponent: float, x0: str, x_star: str, overlap: str, **given: Any) -> Start:
    moments = {name: read_expression(name, text, {}) for name, text in (("x0", x0), ("x_star", x_star))}
    profile = lam ** sp.Float(-exponent) if exponent else sp.S.One
    return Start(**moments, overlap=read_expression("overlap", overlap, {}), profile=profile, **given)


def _listed(value: Any) -> Any:
    """Mappings with lists in place of tuples, as TOML has them."""
    if isinstance(value, Mapping):
        return {key: _listed(entry) for key, entry in value.items()}
    return [*value] if isinstance(value, tuple | np.ndarray) else value


_MADE: Mapping[str, Callable[..., Any]] = {
    "Spectrum": _spectrum,
    "Start": _start,
    "Overlaps": Overlaps,
    "NetworkClasses": NetworkClasses,
}
