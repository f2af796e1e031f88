"""Problem, rule and population as tables for a TOML file, and such tables as text: the inverse of reading.

Part of the files. What a table cannot say is refused by name: a rule, law or spectrum that no name stands for.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import sympy as sp

from symhigh.entries import LAWS, LOSSES, RULES, Entry
from symhigh.files.grammar import read_expression, write_expression
from symhigh.population import NetworkClasses, Overlaps, Spectrum, Start
from symhigh.population.measure import Power, Tabulated, WithAtom
from symhigh.problem import Contaminated, Gaussian, NoiseLaw, Problem
from symhigh.problem.model import LINEAR, Model
from symhigh.registry import MODELS, described
from symhigh.rule import Constant, Rule
from symhigh.rule.wrapped import Wrapped
from symhigh.symbols import eps, x, x_star, y

Tree = dict[str, Any]


# --- problem ----------------------------------------------------------------------------------------------
def problem_tree(problem: Problem) -> Tree:
    """The table of a problem: a loss of the registry where one is equal to it, else its formula."""
    if problem.data is not None:
        raise ValueError("to_toml: files do not state data with classes yet; keep such a problem in Python")
    noise: Tree = _noise(problem)
    for name, entry in LOSSES.items():
        given = _loss_arguments(entry, problem)
        if given is not None:
            return {"loss": name, **given, **noise, **_model(problem.model)}
    own = (*problem.students, *problem.targets, *dict(problem.parameters), *dict(problem.learnt))
    names = {str(s): s for s in own} | {"eps": eps}
    if problem.labels:
        names["y"] = y
    tree: Tree = {"loss": _formula("the loss", problem.loss, names), "title": problem.name, **noise}
    if problem.parameters:
        tree["parameters"] = {str(s): _number(str(s), v) for s, v in problem.parameters}
    if problem.learnt:
        tree["learnt"] = {
            str(s): {"start": _number(f"the start of {s}", a.start), "speed": _number(f"the speed of {s}", a.speed)}
            for s, a in problem.learnt
        }
    if problem.labels:
        tree["labels"] = {str(k): _formula("a probability", v, names) for k, v in problem.labels}
    if problem.directions != (x, x_star):
        tree |= {"students": [str(s) for s in problem.students], "targets": [str(s) for s in problem.targets]}
    return tree | _model(problem.model)


def _loss_arguments(entry: Entry, problem: Problem) -> Tree | None:
    """What a loss of the registry takes to be ``problem``; None where it is another one."""
    counts = [p.name for p in entry.parameters if p.kind is int]
    if len(counts) > 1 or any(isinstance(p.kind, tuple) for p in entry.parameters):
        return None  # these are not kept by the problem; its formula says all
    found = (_with_count(entry, problem, dict.fromkeys(counts, k)) for k in (_COUNTS if counts else (0,)))
    return next((given for given in found if given is not None), None)


_COUNTS = range(1, 10)
"""Whole numbers that a loss by name is tried with."""


def _with_count(entry: Entry, problem: Problem, counts: Tree) -> Tree | None:
    """The same for a given whole number."""
    own = {str(s): v for s, v in problem.parameters}
    spare = iter(own.values())
    given: Tree = dict(counts)
    for parameter in entry.parameters:
        if parameter.kind is int:
            continue
        value = own.get(parameter.name, next(spare, None))
        if value is None:
            return None
        given[parameter.name] = value
    more: Tree = {"noise": problem.noise} if entry.noisy else {}
    try:
        made = entry.make(**given, **more, **({} if problem.model.linear else {"model": problem.model}))
    except (TypeError, ValueError):
        return None
    same = (made.loss, made.labels, made.parameters) == (problem.loss, problem.labels, problem.parameters)
    ends = (made.directions, made.learnt) == (problem.directions, problem.learnt)
    return {name: _number(name, v) for name, v in given.items()} if same and ends else None


def _model(model: Model) -> Tree:
    if model == LINEAR:
        return {}
    for name in ("product", "squares"):
        if model == MODELS[name].make():
            return {"model": name}
    depth = sp.degree(model.effective, model.coordinates[0])
    if model == MODELS["powers"].make(depth=int(depth)):
        return {"model": "powers", "depth": int(depth)}
    raise ValueError(f"the model {model.effective} has no name; {', '.join(MODELS)} have")


def _noise(problem: Problem) -> Tree:
    if not problem.noisy:
        return {}
    law = problem.law
    return {"noise": _number("noise", law.sigma) if isinstance(law, Gaussian) else _law(law)}


def _law(law: NoiseLaw) -> Tree:
    if isinstance(law, Contaminated):
        share = _number("share", law.share)
        return {"law": "contaminated", "clean": _law(law.clean), "outliers": _law(law.outliers), "share": share}
    name, entry = _entry("law", LAWS, law)
    return {"law": name, **{p.name: _number(p.name, getattr(law, p.name)) for p in entry.parameters}}


# --- rule -------------------------------------------------------------------------------------------------
def rule_tree(rule: Rule) -> Tree:
    """The table of a rule, with those around it in ``wrap``, the innermost first."""
    around: list[Tree] = []
    while isinstance(rule, Wrapped) and _entry("rule", RULES, rule)[1].wraps:
        around.insert(0, _rule(rule))
        rule = rule.inner
    return _rule(rule) | ({"wrap": around} if around else {})


def _rule(rule: Rule) -> Tree:
    name, entry = _entry("rule", RULES, rule)
    tree: Tree = {"name": name}
    for parameter in entry.parameters:
        value = getattr(rule, parameter.name, None)
        if value is None and isinstance(rule, Wrapped) and not entry.wraps:  # momentum, whose rate is a rule
            value = getattr(rule.inner, parameter.name, None)
            if type(rule.inner) is not Constant:
                raise ValueError(f"{described(rule)}: a file states {name} with a constant rate {parameter.name} only")
        if value is None:
            continue
        if isinstance(parameter.kind, tuple):
            tree[parameter.name] = str(getattr(value, "name", value)).lower()
        elif parameter.kind == "expression":
            tree[parameter.name] = _formula(parameter.name, value, {"t": sp.Symbol("t")})
        else:
            tree[parameter.name] = _number(parameter.name, value)
    return tree


def _entry(kind: str, table: Mapping[str, Entry], thing: Any) -> tuple[str, Entry]:
    for name, entry in table.items():
        if entry.function is type(thing) or _is_made_by(entry, thing):
            return name, entry
    raise ValueError(
        f"{described(thing)}: this {kind} has no name in the registry, so that no file can state it; enter it with "
        f"@symhigh.entries.{kind}(name, …)"
    )


def _is_made_by(entry: Entry, thing: Any) -> bool:
    """Whether a function of the registry makes things of this type, with these parameters as its fields."""
    makes = getattr(entry.function, "__annotations__", {}).get("return")
    fields = all(hasattr(thing, p.name) for p in entry.parameters)
    return makes == type(thing).__name__ and fields and bool(entry.parameters)


# --- population -------------------------------------------------------------------------------------------
def population_tree(population: tuple[Any, ...]) -> Tree:
    """The table of ``(spectrum, start)``, ``(spectrum, overlaps)`` or ``(classes,)``."""
    match population:
        case (NetworkClasses() as classes,):
            keys = ("lam", "theta_star", "u", "v", "weight")
            return {"classes": {key: _list(getattr(classes, key)) for key in keys}}
        case (Spectrum() as spectrum, Overlaps() as overlaps):
            return {"spectrum": _spectrum(spectrum), "overlaps": [_list(row) for row in overlaps.values]}
        case (Spectrum() as spectrum, Start() as start):
            return {"spectrum": _spectrum(spectrum), "start": _start(start)}
    raise ValueError(f"a population of {', '.join(type(part).__name__ for part in population)} cannot be written")


def _spectrum(spectrum: Spectrum) -> Tree | str:
    values, weights = spectrum.numeric("Experiment")
    if spectrum.basis is not None:
        raise ValueError("a spectrum with eigenvectors cannot be written; state its eigenvalues and an even start")
    if spectrum.quantile is None and spectrum.members is None and spectrum.name == "spectrum":
        if values.size == 1:
            return "isotropic" if values[0] == 1 else {"name": "isotropic", "lam": float(values[0])}
        equal = (weights == 1 / values.size).all()
        return {"values": _list(values)} | ({} if equal else {"weights": _list(weights)})
    for name, made in _remade(spectrum):
        if np.array_equal(made.values, values) and np.array_equal(made.weights, weights):
            return name
    tree: Tree = {"name": "nodes", "title": spectrum.name, "values": _list(values), "weights": _list(weights)}
    tree |= {"error": spectrum.error} if math.isfinite(spectrum.error) else {}
    tree |= {"members": [int(m) for m in spectrum.members]} if spectrum.members is not None else {}
    tree |= {key: v for key in ("dimension", "stable_rate") if (v := getattr(spectrum, key)) is not None}
    return tree | ({} if spectrum.quantile is None else {"quantile": quantile_tree(spectrum.quantile)})


def _remade(spectrum: Spectrum) -> list[tuple[Tree, Spectrum]]:
    """The laws with a name that this spectrum may be, with the nodes that they have by default."""
    if spectrum.ratio is not None:
        return [({"name": "marchenko-pastur", "ratio": spectrum.ratio}, Spectrum.marchenko_pastur(spectrum.ratio))]
    if isinstance(spectrum.quantile, Power):
        beta = 1 - 1 / spectrum.quantile.exponent
        rounded = float(f"{beta:.12g}")  # the exponent is 1/(1 - β), rounded
        return [({"name": "power-law", "beta": b}, Spectrum.power_law(b)) for b in (rounded, beta)]
    return []


def quantile_tree(law: Any) -> Tree:
    """The table of a quantile function of :mod:`symhigh.population.measure`."""
    match law:
        case Power(exponent=exponent):
            return {"kind": "power", "exponent": float(exponent)}
        case Tabulated(reached=reached, edges=edges):
            return {"kind": "tabulated", "reached": _list(reached), "edges": _list(edges)}
        case WithAtom(share=share, inside=inside):
            return {"kind": "atom", "share": float(share), "inside": quantile_tree(inside)}
    raise ValueError("a spectrum with a quantile function of one's own cannot be written")


def _start(start: Start) -> Tree:
    if start.vectors_given is not None:
        return dict(zip(("X0", "X_star"), map(_list, start.vectors_given), strict=True))
    if start.profile != 1:
        return {"delta": start.exponent}
    tree: Tree = {key: _number(key, getattr(start, key)) for key in ("x0", "x_star", "overlap")}
    return tree | ({"random": True} if start.random else {})


# --- numbers ----------------------------------------------------------------------------------------------
def _list(values: Any) -> list[float]:
    return [float(v) for v in values]


def _number(name: str, value: Any) -> Any:
    """A number that TOML has, or its formula where it has none."""
    given = sp.sympify(value, strict=True)
    if given.free_symbols:
        raise ValueError(f"{name} = {value} is a symbol; a file states numbers, so give it one")
    if isinstance(given, sp.Integer) and abs(given) < 2**53:
        return int(given)
    return float(given) if isinstance(given, sp.Float) else _formula(name, given, {})


def _formula(what: str, expr: Any, names: Mapping[str, sp.Symbol]) -> str:
    """A formula of the grammar that reads back to the same expression."""
    try:
        text = write_expression(sp.sympify(expr, strict=True))
        same = read_expression(what, text, {str(s): s for s in sp.sympify(expr, strict=True).free_symbols})
        if same != expr:
            raise ValueError(f"it reads back as {same}")
    except ValueError as error:
        raise ValueError(f"{what} = {expr} cannot be written as a formula: {error}") from error
    return text


# --- text -------------------------------------------------------------------------------------------------
def toml_text(tree: Tree) -> str:
    """A tree of tables, lists, text, numbers and truth values as TOML."""
    return "\n".join(_tables(tree, ())).strip() + "\n"


def _tables(tree: Tree, path: tuple[str, ...]) -> list[str]:
    plain = {k: v for k, v in tree.items() if not isinstance(v, dict)}
    lines = ["", f"[{'.'.join(map(_key, path))}]"] if path and (plain or not tree) else []
    lines += [f"{_key(k)} = {_text(v)}" for k, v in plain.items()]
    for key, value in tree.items():
        if isinstance(value, dict):
            lines += _tables(value, (*path, key))
    return lines


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _quoted(key)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_text(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_text, value)) + "]"
    return _quoted(value) if isinstance(value, str) else repr(value)


_quoted = partial(json.dumps, ensure_ascii=False)
