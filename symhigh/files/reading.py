"""Problem, rule and population from the tables of a TOML file; every mistake is named with its key and line.

Part of the files. Names come from the registry, formulas from the grammar; nothing is evaluated.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from inspect import signature
from typing import Any

import numpy as np
import sympy as sp

from symhigh.entries import EXPRESSION, LAWS, LOSSES, RULES, Entry, Parameter
from symhigh.files.document import Table
from symhigh.files.grammar import TIME
from symhigh.population import NetworkClasses, Overlaps, Spectrum, Start
from symhigh.population.measure import Power, Tabulated, WithAtom
from symhigh.problem import Contaminated, Gaussian, Learnt, NoiseLaw, Problem
from symhigh.problem.model import LINEAR, Model
from symhigh.registry import MODELS
from symhigh.rule import Rule
from symhigh.symbols import eps, x, x_star, y

_OWN = ("parameters", "learnt", "labels", "students", "targets")
"""Keys of a loss that is stated by a formula."""


# --- problem ----------------------------------------------------------------------------------------------
def read_problem(table: Table) -> Problem:
    """The problem of ``[problem]``: a loss of the registry, or a formula with its own parameters and labels."""
    given = table.text("loss")
    if given not in LOSSES:
        return read_own_problem(table, _noise(table))
    model = read_model(table)
    entry = LOSSES[given]
    noise = ("noise",) if entry.noisy else ()
    table.known("loss", "model", "depth", "title", *noise, *(p.name for p in entry.parameters))
    more = {"noise": _noise(table)} if entry.noisy else {}
    if not model.linear and not entry.modelled:
        table.fail("model", f"model has no effect with the loss {given!r}, which states its own units")
    if not model.linear:
        more["model"] = model
    return _made(table, entry, **more)


def read_own_problem(table: Table, noise: Any) -> Problem:
    """The problem of a loss that is stated by a formula."""
    text, model = table.text("loss"), read_model(table)
    table.known("loss", "noise", "model", "depth", "title", *_OWN)
    several = "students" in table or "targets" in table
    students = _symbols(table, "students") if "students" in table else (x,)
    targets = _symbols(table, "targets") if "targets" in table else (x_star,)
    parameters = {}
    inner = table.table("parameters")
    for name in inner.values:
        value = inner.number(name)
        if not name.isidentifier():
            inner.fail(name, f"{name!r} is no name of a symbol")
        parameters[sp.Symbol(name, **({"positive": True} if value > 0 else {"real": True}))] = value
    learnt = _learnt(table.table("learnt"))
    names = {str(s): s for s in (*students, *targets, *parameters, *learnt)}
    labels = {}
    if "labels" in table:
        inside, laws = {**{str(s): s for s in (*targets, *parameters)}}, table.table("labels")
        for value in laws.values:
            labels[laws.formula(value, {}, value)] = laws.formula(value, inside)
        names["y"] = y
    try:
        loss = table.formula("loss", names | {"eps": eps})
    except ValueError as error:
        near = get_close_matches(text, LOSSES, n=1, cutoff=0.7)
        raise ValueError(f"{error}; did you mean the loss {near[0]!r}?" if near else str(error)) from None
    ends = (students, targets) if several else (None, None)
    title = table.text("title", "custom loss")
    with table.blame():
        return Problem(loss, noise, labels or None, parameters or None, title, model, ends[0], ends[1], None, learnt)


def _learnt(table: Table) -> dict[sp.Symbol, Learnt]:
    """The scalars that learn, ``a = 0.5`` or ``a = {start = 0.5, speed = 2}``."""
    found = {}
    for name, value in table.values.items():
        if not name.isidentifier():
            table.fail(name, f"{name!r} is no name of a symbol")
        if isinstance(value, dict):
            inner = table.table(name)
            inner.known("start", "speed")
            with inner.blame():
                found[sp.Symbol(name, real=True)] = Learnt(inner.number("start", 0), inner.number("speed", 1))
        else:
            found[sp.Symbol(name, real=True)] = Learnt(table.number(name))
    return found


def _symbols(table: Table, key: str) -> tuple[sp.Symbol, ...]:
    names = table.values[key]
    right = isinstance(names, list) and all(isinstance(n, str) and n.isidentifier() for n in names)
    if not right:
        table.fail(key, 'give a list of names, such as ["x1", "x2"]')
    taken = {"x": x, "x_star": x_star}
    return tuple(taken.get(name) or sp.Symbol(name, real=True) for name in names)


def read_model(table: Table) -> Model:
    """What the learnt coordinates predict with."""
    name = table.word("model", tuple(MODELS), "linear")
    if name != "powers":
        if "depth" in table:
            table.fail("depth", f"depth has no effect with model {name!r}; it belongs to 'powers'")
        return LINEAR if name == "linear" else MODELS[name].make()
    with table.blame():
        return MODELS[name].make(depth=table.whole("depth", 2))


def _noise(table: Table) -> Any:
    """A number, the standard deviation of Gaussian noise, or a table that names a law."""
    if "noise" not in table:
        return 0
    if not isinstance(table.values["noise"], dict):
        return table.number("noise")
    return _law(table.table("noise"), mixed=True)


def _law(table: Table, mixed: bool) -> NoiseLaw:
    name = table.word("law", (*LAWS, *(["contaminated"] if mixed else [])), "gaussian")
    if name != "contaminated":
        table.known("law", *(p.name for p in LAWS[name].parameters))
        return _made(table, LAWS[name])
    table.known("law", "clean", "outliers", "share")
    clean = _law(table.table("clean"), mixed=False) if "clean" in table else Gaussian(0)
    if "outliers" not in table:
        table.fail("outliers", "outliers is missing, the law of the outliers")
    outliers = _law(table.table("outliers"), mixed=False)
    with table.blame():
        return Contaminated(clean, outliers, table.number("share"))


# --- rule -------------------------------------------------------------------------------------------------
def read_rule(table: Table) -> Rule:
    """The rule of ``[rule]``, inside those of its list ``wrap``, the first innermost."""
    name = table.word("name", tuple(n for n, entry in RULES.items() if not entry.wraps))
    table.known("name", "wrap", *(p.name for p in RULES[name].parameters))
    rule = _made(table, RULES[name])
    for outer in table.tables("wrap"):
        name = outer.word("name", tuple(n for n, entry in RULES.items() if entry.wraps))
        outer.known("name", *(p.name for p in RULES[name].parameters))
        rule = _made(outer, RULES[name], inner=rule)
    return rule


def _made(table: Table, entry: Entry, **more: Any) -> Any:
    optional = {n for n, p in signature(entry.function).parameters.items() if p.default is None}
    given = {p.name: _value(table, p) for p in entry.parameters if p.name in table or p.name not in optional}
    with table.blame():
        return entry.make(**given, **more)


def _value(table: Table, parameter: Parameter) -> Any:
    key, kind = parameter.name, parameter.kind
    if key not in table:
        if parameter.default is None:
            table.fail(key, f"{key} is missing: {parameter.meaning}")
        return parameter.default
    if kind == EXPRESSION:
        return table.formula(key, TIME) if isinstance(table.values[key], str) else sp.sympify(table.number(key))
    if isinstance(kind, tuple):
        return table.word(key, kind)
    return table.whole(key, 0) if kind is int else table.number(key)


# --- population -------------------------------------------------------------------------------------------
def read_population(table: Table, problem: Problem) -> tuple[Any, ...]:
    """``(spectrum, start)``, ``(spectrum, overlaps)`` or ``(classes,)``, as the problem needs."""
    kind, wrong = _kind(problem)
    keys = ("classes",) if kind == "classes" else ("spectrum", kind)
    for key in table.values:
        if key in wrong:
            table.fail(key, f"{key} has no effect on this problem; it is stated by {' and '.join(keys)}")
    table.known(*keys)
    if kind == "classes":
        return (_classes(table),)
    spectrum = _spectrum(table)
    if kind == "start":
        return spectrum, _start(table)
    if "overlaps" not in table:
        table.fail("overlaps", "overlaps is missing: the matrix of overlaps of all directions, students first")
    with table.blame():
        found = Overlaps(table.values["overlaps"])
    size = len(problem.students) + len(problem.targets)
    if len(found.values) != size:
        table.fail("overlaps", f"the matrix must be {size} × {size}, one row a direction, students first")
    return spectrum, found


def _kind(problem: Problem) -> tuple[str, tuple[str, ...]]:
    """By what the population of a problem is stated, and by what it is not."""
    if not problem.model.linear:
        return "classes", ("spectrum", "start", "overlaps")
    several = len(problem.directions) > 2
    return ("overlaps", ("start", "classes")) if several else ("start", ("overlaps", "classes"))


def _classes(table: Table) -> NetworkClasses:
    if "classes" not in table:
        table.fail("classes", "classes is missing: lam, theta_star, u and v of the classes of coordinates")
    inner = table.table("classes")
    inner.known("lam", "theta_star", "u", "v", "weight")
    given: dict[str, Any] = {}
    for key in ("lam", "theta_star", "u", "v", "weight"):
        if key != "weight" or key in inner:
            listed = isinstance(inner.values.get(key), list)
            given[key] = [float(n) for n in inner.numbers(key)] if listed else float(inner.number(key))
    with inner.blame():
        return NetworkClasses(**given)


def _spectrum(table: Table) -> Spectrum:
    """``"isotropic"``, or a table: a name with its parameters, or values with weights."""
    if "spectrum" not in table:
        return Spectrum.isotropic()
    if isinstance(table.values["spectrum"], str):
        table.word("spectrum", ("isotropic",))
        return Spectrum.isotropic()
    inner = table.table("spectrum")
    made: dict[str, tuple[Callable[..., Spectrum], tuple[str, ...]]] = {
        "isotropic": (Spectrum.isotropic, ("lam",)),
        "power-law": (Spectrum.power_law, ("beta", "rtol", "horizon")),
        "marchenko-pastur": (Spectrum.marchenko_pastur, ("ratio", "rtol", "horizon")),
        "eigenvalues": (Spectrum.from_eigenvalues, ("values", "weights")),
        "nodes": (_from_nodes, ()),
    }
    name = inner.word("name", tuple(made), "eigenvalues" if "values" in inner else None)
    if name == "nodes":
        return _from_nodes(inner)
    make, keys = made[name]
    inner.known("name", *keys)
    with inner.blame():
        read = {k: inner.numbers if k in ("values", "weights") else inner.number for k in keys if k in inner}
        return make(**{key: reader(key) for key, reader in read.items()})


def _from_nodes(table: Table) -> Spectrum:
    """A spectrum as it is, node by node: one that was made by other means and written."""
    table.known("name", "title", "values", "weights", "members", "quantile", "dimension", "stable_rate", "error")
    values, weights = (np.array(table.numbers(key), dtype=float) for key in ("values", "weights"))
    members = np.array(table.numbers("members"), dtype=int) if "members" in table else None
    with table.blame():
        if values.shape != weights.shape or not (weights > 0).all() or abs(weights.sum() - 1) > 1e-9:
            raise ValueError("weights must be > 0 and sum to one, one a value")
        if not ((values >= 0).all() and np.isfinite(values).all()):
            raise ValueError("values must be finite and >= 0")
    return Spectrum(
        values, weights, read_quantile(table.table("quantile")) if "quantile" in table else None,
        name=table.text("title", "spectrum"), members=members, error=float(table.number("error", 0.0)),
        dimension=table.whole("dimension", 1) if "dimension" in table else None,
        stable_rate=float(table.number("stable_rate")) if "stable_rate" in table else None,
    )  # fmt: skip


def read_quantile(table: Table) -> Any:
    """A quantile function of :mod:`symhigh.population.measure`."""
    kind = table.word("kind", ("power", "tabulated", "atom"))
    table.known("kind", *{"power": ("exponent",), "tabulated": ("reached", "edges"), "atom": ("share", "inside")}[kind])
    if kind == "power":
        return Power(float(table.number("exponent")))
    if kind == "atom":
        return WithAtom(float(table.number("share")), read_quantile(table.table("inside")))
    return Tabulated(*(np.array(table.numbers(key), dtype=float) for key in ("reached", "edges")))


def _start(table: Table) -> Start:
    inner = table.table("start")
    if "delta" in inner:
        inner.known("delta")
        with inner.blame():
            return Start.power_law(inner.number("delta"))
    if "X0" in inner or "X_star" in inner:
        inner.known("X0", "X_star")
        with inner.blame():
            return Start.from_vectors(inner.numbers("X0"), inner.numbers("X_star"))
    inner.known("x0", "x_star", "overlap", "random", "delta", "X0", "X_star")
    given = {key: inner.number(key) for key in ("x0", "x_star", "overlap") if key in inner}
    with inner.blame():
        return Start(**given, random=inner.flag("random", False))


