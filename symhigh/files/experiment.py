"""An experiment: problem, rule, population, horizon, what to simulate and what to check; read from TOML and written.

Part of the files. A file has the tables ``[problem]``, ``[rule]``, ``[population]``, ``[run]``, ``[checks]`` and
``[sweep]``; :mod:`symhigh.files.starter` shows one.
One file, so that what is read and what is written are seen side by side.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from symhigh.checks import choice, instance, output_times, real, seeds, shown, words
from symhigh.files.document import Table
from symhigh.files.reading import read_population, read_problem, read_rule
from symhigh.files.writing import Tree, population_tree, problem_tree, rule_tree, toml_text
from symhigh.population import NetworkClasses, Population
from symhigh.problem import DiagonalNetwork, Problem, least_squares
from symhigh.registry import described
from symhigh.rule import Constant, Rule

MOST_VARIANTS = 1000
_LEAST_D, _LEAST_RUNS = 8, 3
"""What a comparison needs."""


@dataclass(frozen=True)
class Expected:
    """A check of an output at the end of the horizon, or ``at`` a time: ``equals`` ``within`` an error, or bounds."""

    output: str
    at: float | None = None
    equals: float | None = None
    within: float | None = None
    below: float | None = None
    above: float | None = None

    def __post_init__(self) -> None:
        if (self.equals is None) != (self.within is None):
            raise ValueError(f"Expected(output={self.output!r}): equals and within go together")
        if self.equals is None and self.below is None and self.above is None:
            raise ValueError(f"Expected(output={self.output!r}): give equals and within, below or above")

    def holds(self, value: float) -> bool:
        """Whether ``value`` is as expected; not a number is not."""
        right = self.equals is None or abs(value - self.equals) <= (self.within or 0.0)
        return right and (self.below is None or value < self.below) and (self.above is None or value > self.above)

    def __str__(self) -> str:
        bounds = [] if self.equals is None else [f"= {self.equals:g} ± {self.within:g}"]
        bounds += [f"{sign} {bound:g}" for sign, bound in (("<", self.below), (">", self.above)) if bound is not None]
        return f"{self.output}{'' if self.at is None else f' at t = {self.at:g}'} {', '.join(bounds)}"


@dataclass(frozen=True, eq=False, repr=False)
class Experiment:
    """A problem under a rule on a population up to ``t_end``, with what is simulated and what is checked.

    Parameters
    ----------
    problem, rule
        As for :func:`symhigh.derive`.
    population
        What the limit is solved on: ``(spectrum, start)``, ``(spectrum, overlaps)`` or network ``classes``.
    t_end
        The horizon, in steps/d.
    dimensions, seeds
        Direct SGD is run at each of these dimensions, so many runs each; without dimensions nothing is simulated.
    agree
        Which outputs must agree with the runs at the largest dimension: ``True`` for those that
        :func:`symhigh.compare` takes by default, a list of names, or ``False``. ``alarm`` is its rate of false alarms.
    expected
        Checks of single values of the limit.
    times
        Output times of the limit, by default 201 equal ones.
    method
        How :func:`symhigh.simulate` runs.
    sweep
        Values for keys of the file, ``{"rule.eta": [0.5, 1, 2]}``: one experiment for each combination.
    name
        What reports call it.
    """

    problem: Problem
    rule: Rule | None
    population: Any
    t_end: float
    dimensions: tuple[int, ...] = ()
    seeds: Any = 20
    agree: bool | tuple[str, ...] = True
    alarm: float = 0.01
    expected: tuple[Expected, ...] = ()
    times: Any = None
    method: str = "auto"
    sweep: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    name: str = "experiment"

    def __post_init__(self) -> None:
        owner = "Experiment"
        instance(owner, "problem", self.problem, Problem, "a problem, e.g. least_squares(noise=1)")
        if isinstance(self.problem, DiagonalNetwork) and self.rule is None:
            object.__setattr__(self, "rule", Constant(self.problem.step))
            network = least_squares(self.problem.noise, model=self.problem.parametrization)
            object.__setattr__(self, "problem", network)
        instance(owner, "rule", self.rule, Rule, "a rule, e.g. AdaGradNorm(eta=1, b=1)")
        given = self.population if isinstance(self.population, tuple) else (self.population,)
        object.__setattr__(self, "population", given)
        learnt = self.problem.students if self.problem.model.linear else self.problem.model.coordinates
        try:
            population = Population.of(learnt, self.problem.targets, *given, owner=owner)
        except TypeError as error:
            wanted = str(error).rpartition("): ")[2]
            raise TypeError(f"{owner}(population={shown(self.population)}): for this problem {wanted}") from error
        end = real(owner, "t_end", self.t_end, above=0.0, meaning="the horizon, in steps/d")
        object.__setattr__(self, "t_end", end)
        if self.times is not None:
            output_times(owner, self.times, end, name="times")
        sizes = self.dimensions if isinstance(self.dimensions, Sequence) else (self.dimensions,)
        chosen = tuple(self._dimension(d, population) for d in sizes)
        if len(set(chosen)) < len(chosen):
            raise ValueError(f"{owner}(dimensions={list(chosen)}): dimensions repeat")
        object.__setattr__(self, "dimensions", tuple(sorted(chosen)))
        runs = seeds(owner, self.seeds)
        agree = self.agree if isinstance(self.agree, bool) else words(owner, "agree", self.agree, "True or outputs")
        object.__setattr__(self, "agree", agree)
        if chosen and agree and len(runs) < _LEAST_RUNS:
            raise ValueError(
                f"{owner}(seeds={self.seeds}): a comparison needs {_LEAST_RUNS} runs; give more seeds, or agree = false"
            )
        real(owner, "alarm", self.alarm, above=0.0, below=1.0, meaning="the probability of a false alarm")
        choice(owner, "method", self.method, ("auto", "direct", "gram"))
        object.__setattr__(self, "expected", tuple(self.expected))
        for check in self.expected:
            instance(owner, "expected", check, Expected, "a list of Expected(output, at, …)")
            if check.at is not None and not 0 <= check.at <= end:
                raise ValueError(f"{owner}(at={check.at:g}): at must be within the horizon, 0 to t_end = {end:g}")
        instance(owner, "name", self.name, str, "a string")
        object.__setattr__(self, "sweep", {key: tuple(values) for key, values in self.sweep.items()})

    def __repr__(self) -> str:
        simulated = f", {len(seeds('Experiment', self.seeds))} runs at d = {', '.join(map(str, self.dimensions))}"
        stated = f"{described(self.problem)}; {described(self.rule)}; t_end = {self.t_end:g}"
        swept = f"; a sweep of {', '.join(self.sweep)}" if self.sweep else ""
        return f"Experiment({self.name!r}: {stated}{simulated if self.dimensions else ''}{swept})"

    def _dimension(self, d: Any, population: Population) -> int:
        least = _LEAST_D if self.agree else 2
        if isinstance(self.population[0], NetworkClasses):
            least = max(least, self.population[0].size)
        if isinstance(d, bool) or not isinstance(d, int) or d < least:
            raise ValueError(f"Experiment(dimensions={shown(d)}): a dimension must be a whole number >= {least}")
        return d


# --- reading ----------------------------------------------------------------------------------------------
def read_experiment(text: str, name: str = "TOML") -> tuple[Experiment, Table]:
    """The experiment that a TOML text states, and its table; ``ValueError`` names file, line and key of a mistake."""
    table = Table.of(text, name)
    found = _experiment(table)
    try:
        variants(found)
    except ValueError as error:
        raise ValueError(f"{table.table('sweep').place()}: {error}") from error
    return found, table


def _experiment(table: Table) -> Experiment:
    table.known("name", "problem", "rule", "population", "run", "checks", "sweep")
    for key in ("problem", "rule", "run"):
        if key not in table:
            table.fail(key, f"the table [{key}] is missing")
    problem = read_problem(table.table("problem"))
    rule = read_rule(table.table("rule"))
    population = read_population(table.table("population"), problem)
    run, checks = table.table("run"), table.table("checks")
    run.known("t_end", "times", "dimensions", "seeds", "method")
    checks.known("agree", "alarm", "value")
    dimensions = _wholes(run, "dimensions") if "dimensions" in run else ()
    for key in ("seeds", "method"):
        if key in run and not dimensions:
            run.fail(key, f"{key} has no effect without dimensions to simulate at")
    for key in ("agree", "alarm"):
        if key in checks and not dimensions:
            checks.fail(key, f"{key} has no effect without run.dimensions to simulate at")
    listed = isinstance(run.values.get("seeds"), list)
    with table.blame():
        return Experiment(
            problem, rule, population, float(run.number("t_end")),
            dimensions,
            _wholes(run, "seeds") if listed else run.whole("seeds", 1, 20),
            _agree(checks),
            float(checks.number("alarm", 0.01)),
            tuple(_expected(entry) for entry in checks.tables("value")),
            [float(n) for n in run.numbers("times")] if "times" in run else None,
            run.word("method", ("auto", "direct", "gram"), "auto"),
            _sweep(table),
            table.text("name", "experiment"),
        )  # fmt: skip


def _wholes(table: Table, key: str) -> tuple[int, ...]:
    values = table.values[key]
    entries = values if isinstance(values, list) else [values]
    for entry in entries:
        if isinstance(entry, bool) or not isinstance(entry, int):
            table.fail(key, f"{entry!r} must be a whole number")
    return tuple(entries)


def _agree(table: Table) -> bool | tuple[str, ...]:
    given = table.values.get("agree", True)
    if isinstance(given, bool):
        return given
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        table.fail("agree", 'give true, false or a list of outputs, such as ["risk", "learning_rate"]')
    return tuple(given)


def _expected(table: Table) -> Expected:
    keys = ("at", "equals", "within", "below", "above")
    table.known("output", *keys)
    with table.blame():
        return Expected(table.text("output"), **{k: float(table.number(k)) for k in keys if k in table})


def _sweep(table: Table) -> dict[str, tuple[Any, ...]]:
    inner = table.table("sweep")
    for key, values in inner.values.items():
        if not isinstance(values, list) or not values:
            inner.fail(key, 'give a list of values, as in "rule.eta" = [0.5, 1, 2]')
    return {key: tuple(values) for key, values in inner.values.items()}


# --- writing ----------------------------------------------------------------------------------------------
def experiment_tree(given: Experiment) -> Tree:
    """The tables of an experiment, in canonical form; ``ValueError`` for what no file can state."""
    assert given.rule is not None
    run: Tree = {"t_end": given.t_end}
    if given.times is not None:
        run["times"] = [float(t) for t in given.times]
    checks: Tree = {}
    if given.dimensions:
        chosen = seeds("Experiment", given.seeds)
        run["dimensions"] = list(given.dimensions)
        run["seeds"] = len(chosen) if chosen == tuple(range(len(chosen))) else list(chosen)
        run["method"] = given.method
        checks = {"agree": given.agree if isinstance(given.agree, bool) else list(given.agree), "alarm": given.alarm}
    if given.expected:
        keys = ("output", "at", "equals", "within", "below", "above")
        checks["value"] = [{k: v for k in keys if (v := getattr(e, k)) is not None} for e in given.expected]
    tree: Tree = {
        "name": given.name,
        "problem": problem_tree(given.problem),
        "rule": rule_tree(given.rule),
        "population": population_tree(given.population),
        "run": run,
    }
    more = {"checks": checks, "sweep": {key: list(values) for key, values in given.sweep.items()}}
    return tree | {key: part for key, part in more.items() if part}


def write_experiment(given: Experiment) -> str:
    """The experiment as TOML, read back to make sure that it says the same."""
    text = toml_text(experiment_tree(given))
    back, _ = read_experiment(text)
    if (back.problem, back.rule) != (given.problem, given.rule):
        raise ValueError(f"Experiment({given.name!r}): as a file it would state {back.problem} under {back.rule}")
    return text


def variants(given: Experiment) -> list[tuple[dict[str, Any], Experiment]]:
    """The experiments of a sweep with the values that each takes; the experiment itself where nothing is swept."""
    if not given.sweep:
        return [({}, given)]
    count = 1
    for values in given.sweep.values():
        count *= len(values)
    if count > MOST_VARIANTS:
        raise ValueError(f"the sweep has {count} experiments; at most {MOST_VARIANTS} are run at once")
    tree = experiment_tree(replace(given, sweep={}))
    found: list[tuple[dict[str, Any], Experiment]] = []
    for chosen in product(*given.sweep.values()):
        swept, changed = dict(zip(given.sweep, chosen, strict=True)), copy.deepcopy(tree)
        for key, value in swept.items():
            _put(changed, key, value)
        found.append((swept, _experiment(Table(changed, "sweep"))))
    return found


def _put(tree: Tree, key: str, value: Any) -> None:
    *path, last = key.split(".")
    inner: Any = tree
    for part in path:
        index: Any = int(part) - 1 if isinstance(inner, list) and part.isdecimal() else part
        try:
            inner = inner[index]
        except (KeyError, IndexError, TypeError):
            known = ", ".join(inner) if isinstance(inner, dict) else "no tables"
            raise ValueError(f"{key}: there is no {part!r}; there is {known}") from None
    if not isinstance(inner, dict):
        raise ValueError(f"{key}: {'.'.join(path)} is no table")
    inner[last] = value
