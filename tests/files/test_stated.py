"""What an experiment takes and refuses, argument by argument; its checks, its tables and its variants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.files import experiment, writing
from symhigh.files.document import Table
from symhigh.files.experiment import Expected, experiment_tree
from symhigh.files.folder import claim_folder
from symhigh.files.reading import read_population, read_problem, read_quantile, read_rule
from symhigh.files.writing import population_tree, problem_tree, quantile_tree, toml_text

LINE = (sh.Spectrum.from_eigenvalues([1, 0.5]), sh.Start(0, 1))
CLASSES = sh.NetworkClasses([1.0] * 12, 1.0, 1.2, 0.2)


def stated(**given: Any) -> sh.Experiment:
    return sh.Experiment(
        **{"problem": sh.least_squares(0.5), "rule": sh.Constant(0.3), "population": LINE, "t_end": 2, **given}
    )


REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "problem": ({"problem": "x"}, TypeError, r"Experiment\(problem='x'\): problem must be a problem"),
    "rule": ({"rule": None}, TypeError, r"Experiment\(rule=None\): rule must be a rule"),
    "population": ({"population": CLASSES}, TypeError, r"Experiment\(population=.*for this problem"),
    "horizon": ({"t_end": 0}, ValueError, "t_end must be finite and > 0"),
    "times": ({"times": [0, 3]}, ValueError, r"\(times=…\): output times must increase within \[0, t_end=2\]"),
    "dimension below 8": ({"dimensions": 7}, ValueError, r"dimensions=7\): .* whole number >= 8"),
    "dimension below 2": ({"dimensions": (1,), "agree": False}, ValueError, r"dimensions=1\): .* whole number >= 2"),
    "no whole dimension": ({"dimensions": (8.0,)}, ValueError, "whole number >= 8"),
    "a truth value": ({"dimensions": (True,), "agree": False}, ValueError, "whole number >= 2"),
    "fewer coordinates than classes": (
        {"problem": sh.least_squares(0.5, sh.PRODUCT), "population": CLASSES, "dimensions": (11,)}, ValueError,
        "whole number >= 12",
    ),
    "dimensions twice": ({"dimensions": (8, 16, 8)}, ValueError, r"dimensions=\[8, 16, 8\]\): dimensions repeat"),
    "two runs": ({"dimensions": 8, "seeds": 2}, ValueError, r"seeds=2\): a comparison needs 3 runs"),
    "seeds": ({"seeds": [1, 1]}, ValueError, "seeds repeat"),
    "agree": ({"agree": 3}, TypeError, "agree must be True or outputs"),
    "alarm 0": ({"alarm": 0}, ValueError, "alarm must be finite and > 0"),
    "alarm 1": ({"alarm": 1}, ValueError, "alarm must be < 1"),
    "method": ({"method": "grams"}, ValueError, "method must be one of 'auto', 'direct', 'gram'"),
    "expected": ({"expected": ["risk"]}, TypeError, r"expected must be a list of Expected\(output, at, …\)"),
    "before": ({"expected": [Expected("risk", -0.1, below=1)]}, ValueError, r"at=-0.1\): at must be within .* 0 to t_"),
    "after": ({"expected": [Expected("risk", 2.1, below=1)]}, ValueError, r"at=2.1\): .* t_end = 2"),
    "name": ({"name": 3}, TypeError, "name must be a string"),
    "equals alone": ({"expected": lambda: Expected("risk", equals=1)}, ValueError, "equals and within go together"),
    "within alone": ({"expected": lambda: Expected("risk", within=1)}, ValueError, "equals and within go together"),
    "nothing expected": ({"expected": lambda: Expected("risk", at=1)}, ValueError, "give equals and within, below or"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    given, kind, words = REFUSED[name]
    with pytest.raises(kind, match=words):
        stated(**{k: v() if callable(v) else v for k, v in given.items()})


def test_ends_of_ranges_are_taken_and_dimensions_are_sorted() -> None:
    found = stated(dimensions=(16, 8), seeds=3, expected=[Expected("risk", 0, above=0), Expected("risk", 2, above=0)])
    assert found.dimensions == (8, 16)
    assert found.t_end == 2.0
    assert stated(dimensions=2, agree=False, seeds=1).dimensions == (2,)
    assert stated(agree="risk").agree == ("risk",)
    network = stated(problem=sh.least_squares(0.5, sh.PRODUCT), population=CLASSES, dimensions=12)
    assert (network.dimensions, network.population) == ((12,), (CLASSES,))
    assert stated(seeds=2).seeds == 2  # nothing is simulated, so nothing is compared


def test_a_diagonal_network_holds_its_rule() -> None:
    found = stated(problem=sh.DiagonalNetwork(0.4, 0.1), rule=None, population=CLASSES)
    assert found.rule == sh.Constant(0.4)
    assert found.problem == sh.least_squares(0.1, model=sh.PRODUCT)


def test_what_is_expected_holds_or_not_up_to_its_ends() -> None:
    near = Expected("risk", equals=1.0, within=0.25)
    assert [near.holds(v) for v in (0.75, 1.25, 0.74, 1.26, float("nan"))] == [True, True, False, False, False]
    between = Expected("risk", above=1.0, below=2.0)
    assert [between.holds(v) for v in (1.5, 1.0, 2.0, float("nan"))] == [True, False, False, False]
    assert Expected("risk", above=1.0).holds(5)
    assert Expected("risk", below=1.0).holds(-5)
    assert not Expected("risk", equals=1.0, within=0.5, below=1.0).holds(1.2)
    assert str(Expected("risk", equals=1, within=0.5)) == "risk = 1 ± 0.5"
    assert str(Expected("risk", at=2, above=1)) == "risk at t = 2 > 1"


def test_repr_says_what_runs() -> None:
    assert repr(stated()).endswith("t_end = 2)")
    assert repr(stated(dimensions=8, seeds=[3, 4, 7])).endswith("t_end = 2, 3 runs at d = 8)")
    assert "a sweep of rule.gamma" in repr(stated(sweep={"rule.gamma": [1]}))


def test_tables_hold_what_was_chosen_and_nothing_else() -> None:
    assert set(experiment_tree(stated())) == {"name", "problem", "rule", "population", "run"}
    tree = experiment_tree(
        stated(dimensions=8, seeds=[3, 4, 7], agree=["risk"], times=[0, 2], expected=[Expected("risk", below=1)])
    )
    assert tree["run"] == {"t_end": 2.0, "times": [0.0, 2.0], "dimensions": [8], "seeds": [3, 4, 7], "method": "auto"}
    assert tree["checks"] == {"agree": ["risk"], "alarm": 0.01, "value": [{"output": "risk", "below": 1}]}
    assert experiment_tree(stated(dimensions=8, seeds=4))["run"]["seeds"] == 4
    assert experiment_tree(stated(dimensions=8, seeds=[0, 1, 2]))["run"]["seeds"] == 3


def test_a_sweep_is_every_combination() -> None:
    given = stated(sweep={"rule.gamma": [0.1, 0.2], "problem.noise": [0, 1]}, dimensions=8)
    found = given.variants()
    assert [v for v, _ in found] == [
        {"rule.gamma": r, "problem.noise": n} for r in (0.1, 0.2) for n in (0, 1)
    ]  # fmt: skip
    assert [e.rule for _, e in found] == [sh.Constant(g) for g in (0.1, 0.1, 0.2, 0.2)]
    assert [e.problem for _, e in found] == [sh.least_squares(n) for n in (0, 1, 0, 1)]
    assert all(e.sweep == {} and e.dimensions == (8,) for _, e in found)
    assert stated().variants()[0][0] == {}


def test_a_sweep_reaches_into_lists_and_has_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    value = {"expected": [Expected("risk", below=1), Expected("risk", below=2)]}
    (_, first), (_, second) = stated(**value, sweep={"checks.value.2.below": [3.0, 4.0]}).variants()
    assert [e.below for e in (*first.expected, *second.expected)] == [1, 3, 1, 4]
    for key, words in (
        ("checks.value.3.below", "there is no '3'; there is no tables"),
        ("rule.gamma.x", "rule.gamma.x: rule.gamma is no table"),
        ("rulle.gamma", "rulle.gamma: there is no 'rulle'; there is name, problem, rule"),
    ):
        with pytest.raises(ValueError, match=words):
            stated(**value, sweep={key: [1]}).variants()
    monkeypatch.setattr(experiment, "MOST_VARIANTS", 4)
    many = {"rule.gamma": [0.1, 0.2], "problem.noise": [0, 1]}
    assert len(stated(sweep=many).variants()) == 4
    with pytest.raises(ValueError, match="the sweep has 8 experiments; at most 4 are run at once"):
        stated(sweep=many | {"run.t_end": [1, 2]}).variants()


# --- reading ----------------------------------------------------------------------------------------------
def read(text: str, reader: Callable[..., Any], *more: Any) -> Any:
    return reader(Table.of(text, "f"), *more)


MISREAD: dict[str, tuple[str, Callable[..., Any], tuple[Any, ...], str]] = {
    "depth": ('loss = "least-squares"\ndepth = 3', read_problem, (), "depth has no effect with model 'linear'; it bel"),
    "depth 1": ('loss = "least-squares"\nmodel = "powers"\ndepth = 1', read_problem, (), "whole number >= 2"),
    "symbol": ('loss = "k*x**2"\nparameters = { "1k" = 1 }', read_problem, (), "'1k' is no name of a symbol"),
    "model": ('loss = "committee"\nmodel = "product"', read_problem, (), "no effect with the loss 'committee'"),
    "learnt": ('loss = "k*x**2"\nlearnt = { "1k" = 1 }', read_problem, (), "'1k' is no name of a symbol"),
    "swept number": ('[sweep]\n"rule.eta" = 3', experiment._sweep, (), "rule.eta.*give a list of values"),
    "swept nothing": ('[sweep]\n"rule.eta" = []', experiment._sweep, (), "rule.eta.*give a list of values"),
    "students": ('loss = "x1**2"\nstudents = "x1"', read_problem, (), "give a list of names, such as"),
    "student": ('loss = "x1**2"\nstudents = ["x 1"]', read_problem, (), "give a list of names, such as"),
    "outliers": ('loss = "least-squares"\nnoise = { law = "contaminated", share = 0.1 }', read_problem, (),
                 "outliers is missing, the law of the outliers"),
    "mixed outliers": ('loss = "least-squares"\nnoise = { law = "contaminated", share = 0.1, '
                       'outliers = { law = "contaminated" } }', read_problem, (), "'contaminated' is not known"),
    "missing": ('name = "constant"\nwrap = [{ name = "warm-up" }]', read_rule, (), "duration is missing: "),
    "wrapping alone": ('name = "warm-up"', read_rule, (), "'warm-up' is not known"),
    "wrapped": ('name = "constant"\ngamma = 1\nwrap = [{ name = "constant" }]', read_rule, (), "'constant' is not kno"),
    "overlaps": ("spectrum = \"isotropic\"", read_population, (sh.MultiIndex(*(sp.symbols(f"{n}1 {n}2", real=True)
                 for n in "xy"), sp.Symbol("x1", real=True) ** 2),), "overlaps is missing: the matrix"),
    "size of overlaps": ("overlaps = [[1, 0], [0, 1]]", read_population, (sh.MultiIndex(*(sp.symbols(f"{n}1 {n}2",
                         real=True) for n in "xy"), sp.Symbol("x1", real=True) ** 2),), "must be 4 × 4"),
    "classes": ("", read_population, (sh.least_squares(0, sh.PRODUCT),), "classes is missing: lam, theta_star, u"),
    "spectrum": ('spectrum = "flat"', read_population, (sh.least_squares(),), "'flat' is not known"),
    "weights": ('spectrum = { name = "nodes", values = [1], weights = [0.5] }', read_population, (sh.least_squares(),),
                "weights must be > 0 and sum to one"),
    "nodes": ('spectrum = { name = "nodes", values = [-1], weights = [1] }', read_population, (sh.least_squares(),),
              "values must be finite and >= 0"),
    "start": ("start = { delta = 1, x0 = 2 }", read_population, (sh.least_squares(),), "no key 'x0' here"),
    "vectors": ("start = { X0 = [1], x0 = 2 }", read_population, (sh.least_squares(),), "no key 'x0' here"),
    "beside": ("classes = { u = 1 }", read_population, (sh.least_squares(),), "stated by spectrum and start"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISREAD)
def test_what_is_not_read(name: str) -> None:
    text, reader, more, words = MISREAD[name]
    with pytest.raises(ValueError, match=words):
        read(text, reader, *more)


def test_defaults_of_what_is_read() -> None:
    spectrum, start = read("", read_population, sh.least_squares())
    assert spectrum.values.tolist() == [1.0]
    assert (start.x0, start.x_star, start.overlap, start.random) == (0, 1, 0, False)
    assert read('name = "constant"\ngamma = "1/3"', read_rule) == sh.Constant(sp.Rational(1, 3))
    own = read('loss = "k*(x - x_star)**4 + q*x**2"\nparameters = { k = 2, q = -1 }', read_problem)
    assert {str(s): (s.is_positive, s.is_real) for s, _ in own.parameters} == {"k": (True, True), "q": (None, True)}
    labelled = read('loss = "log(1 + exp(-y*x))"\nlabels = { "1" = "1/(1+exp(-x_star))", "-1" = "1/(1+exp(x_star))" }',
                    read_problem)  # fmt: skip
    assert [int(k) for k, _ in labelled.labels] == [1, -1]
    assert read('loss = "(x - x_star)**2"\nlabels = {}', read_problem).labels == ()
    one = read('loss = "(x1 - x_star)**2"\nstudents = ["x1"]', read_problem)
    assert (list(map(str, one.students)), one.targets) == (["x1"], (sh.x_star,))
    wrapped = read('name = "constant"\ngamma = 1\nwrap = [{ name = "warm-up", duration = 2 }, '
                   '{ name = "mini-batch", m = 3 }]', read_rule)  # fmt: skip
    assert wrapped == sh.MiniBatch(sh.WarmUp(sh.Constant(1), 2), 3)
    (classes,) = read("classes = { lam = [1, 2], theta_star = 1, u = 0.5, v = 0, weight = [0.25, 0.75] }",
                      read_population, sh.least_squares(0, sh.PRODUCT))  # fmt: skip
    assert (classes.u.tolist(), classes.weight.tolist()) == ([0.5, 0.5], [0.25, 0.75])


def test_scalars_that_learn_are_numbers_or_tables() -> None:
    problem = read('loss = "a*b*x**2"\nlearnt = { a = 0.5, b = { start = 0.25, speed = 2 } }', read_problem)
    learnt = {str(s): (scalar.start, scalar.speed) for s, scalar in problem.learnt}
    assert learnt == {"a": (0.5, 1), "b": (0.25, 2)}
    assert read_problem(Table.of(toml_text(problem_tree(problem)), "f")) == problem


@pytest.mark.parametrize(
    "spectrum",
    [sh.Spectrum.power_law(0.3), sh.Spectrum.marchenko_pastur(2.0), sh.Spectrum.from_histogram([0, 1, 3], [2, 1])],
    ids=lambda s: s.name,
)
def test_quantile_functions_go_there_and_back(spectrum: sh.Spectrum) -> None:
    p = np.linspace(0.001, 0.999, 41)
    back = read(toml_text(quantile_tree(spectrum.quantile)), read_quantile)
    np.testing.assert_array_equal(back(p), spectrum.quantile(p))
    with pytest.raises(ValueError, match="quantile function of one's own cannot be written"):
        quantile_tree(lambda q: q)


def test_what_reads_back_otherwise_is_not_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"the loss = .* cannot be written as a formula: it reads back as"):
        writing._formula("the loss", sp.Mul(2, sp.Add(sh.x, 1), evaluate=False), {})
    monkeypatch.setattr(experiment, "rule_tree", lambda rule: {"name": "constant", "gamma": 7})
    with pytest.raises(ValueError, match=r"\('experiment'\): as a file it would state .* Constant\(gamma=7\)"):
        stated().to_toml()
    assert claim_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "a" / "file").write_text("")
    with pytest.raises(ValueError, match="the folder holds files that are not of an experiment"):
        claim_folder(tmp_path / "a")
    (tmp_path / "a" / "verdict.json").write_text("")
    assert claim_folder(tmp_path / "a") == tmp_path / "a"
    with pytest.raises(ValueError, match=r"Experiment.run\(folder=.*: cannot be written: "):
        claim_folder(tmp_path / "a" / "file")


def test_text_of_tables_is_toml() -> None:
    tree = {"a": True, "b c": [1, 2.5, "q\"x"], "d": {}, "e": {"f": {"g": 1}}, "h": [{"i": False}]}
    text = toml_text(tree)
    assert Table.of(text, "f").values == tree
    assert text.splitlines()[:2] == ["a = true", '"b c" = [1, 2.5, "q\\"x"]']
    assert "[e.f]" in text
    assert "[e]" not in text


def test_problems_and_starts_that_are_equal_to_named_ones_are_written_by_name() -> None:
    assert problem_tree(sh.huber(2, 0.5)) == {"loss": "huber", "c": 2, "noise": 0.5}
    assert problem_tree(sh.least_squares(sp.sqrt(2)))["noise"] == "sqrt(2)"
    big = sh.Constant(sp.Integer(2) ** 60)
    assert read(sh.Experiment(sh.least_squares(), big, LINE, 1).to_toml().split("[rule]")[1].split("[")[0],
                read_rule) == big  # fmt: skip
    assert population_tree((sh.Spectrum.isotropic(), sh.Start(random=True)))["start"]["random"] is True
    assert "random" not in population_tree(LINE)["start"]


def test_spectra_are_written_by_name_only_where_they_are_those_of_the_name() -> None:
    law, edge = sh.Spectrum.power_law(0.2), sh.Spectrum.marchenko_pastur(2.0)
    assert population_tree((law, sh.Start()))["spectrum"] == {"name": "power-law", "beta": 0.2}
    assert population_tree((edge, sh.Start()))["spectrum"] == {"name": "marchenko-pastur", "ratio": 2.0}
    for changed in (replace(law, values=law.values / 2), replace(law, weights=law.weights[::-1].copy())):
        assert population_tree((changed, sh.Start()))["spectrum"]["name"] == "nodes"
    even, uneven = ([1, 0.5], None), ([1, 0.5], [0.25, 0.75])
    spectra = [population_tree((sh.Spectrum.from_eigenvalues(*s), sh.Start()))["spectrum"] for s in (even, uneven)]
    assert [sorted(s) for s in spectra] == [["values"], ["values", "weights"]]
    flat = [population_tree((sh.Spectrum.isotropic(v), sh.Start()))["spectrum"] for v in (1, 2)]
    assert flat == ["isotropic", {"name": "isotropic", "lam": 2.0}]


def test_agreement_is_asked_for_in_names() -> None:
    text = stated(dimensions=8).to_toml()
    for given in ("3", '["risk", 3]', '"risk"'):
        with pytest.raises(ValueError, match="agree: give true, false or a list of outputs"):
            sh.Experiment.from_toml(text.replace("agree = true", f"agree = {given}"))
    assert sh.Experiment.from_toml(text.replace("agree = true", 'agree = ["risk"]')).agree == ("risk",)


@pytest.mark.parametrize("sign", [1, -1])
def test_whole_numbers_that_toml_keeps_exactly_are_numbers_and_others_formulas(sign: int) -> None:
    for value in (0, 1, 2**53 - 1):
        found = writing._number("d", sign * value)
        assert found == sign * value
        assert type(found) is int
    for value in (2**53, 2**53 + 1, 10**30):
        assert writing._number("d", sign * value) == str(sign * value)
    assert writing._number("eta", sign * 0.25) == sign * 0.25
    assert type(writing._number("eta", sp.Float(sign * 2.0))) is float
    assert writing._number("eta", sp.Rational(sign, 3)) == f"{sign}/3"
    with pytest.raises(ValueError, match="eta = eta is a symbol; a file states numbers"):
        writing._number("eta", sp.Symbol("eta"))
