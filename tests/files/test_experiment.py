"""Experiments: read, written back, refused with key and line, run into a folder; nothing of a file is ever executed."""

import copy
import csv
import json
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from click.testing import CliRunner, Result

import symhigh as sh
from symhigh.cli import main
from symhigh.files.document import Table
from symhigh.files.experiment import Expected, _experiment, experiment_tree
from symhigh.files.folder import claim_folder
from symhigh.files.reading import read_problem, read_rule
from symhigh.files.starter import starter
from symhigh.files.writing import population_tree, problem_tree, rule_tree, toml_text
from symhigh.problem.model import Parametrization
from symhigh.problem.network import u, v
from symhigh.registry import EXPRESSION, LOSSES, RULES

PLAIN = """name = "plain"

[problem]
loss = "least-squares"
noise = 0.5

[rule]
name = "adagrad-norm"
eta = 1
b = 0.5

[population]
spectrum = { values = [1, 0.5] }
start = { x_star = 1 }

[run]
t_end = 1
"""


def call(*arguments: str) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


# --- reading and writing ----------------------------------------------------------------------------------
def test_the_starter_is_an_experiment_that_goes_there_and_back() -> None:
    given = sh.Experiment.from_toml(starter("a \"quoted\" name", "file.toml"))
    assert given.problem == sh.least_squares(noise=1)
    assert given.rule == sh.AdaGradNorm(1, sp.Rational(1, 2))
    assert (given.t_end, given.dimensions, given.seeds) == (5.0, (128, 512), 20)
    assert given.name == 'a "quoted" name'
    text = given.to_toml()
    back = sh.Experiment.from_toml(text)
    assert back.to_toml() == text
    assert (back.problem, back.rule, back.expected) == (given.problem, given.rule, given.expected)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_written_and_read(name: str) -> None:
    entry = LOSSES[name]
    given = {p.name: p.kind[1] if isinstance(p.kind, tuple) else 2 if p.kind is int else 0.25 for p in entry.parameters}
    problem = entry.make(**given, **({"noise": sh.StudentT(5, 0.5)} if entry.noisy else {}))
    text = toml_text(problem_tree(problem))
    back = read_problem(Table.of(text, "file"))
    for field in (f for f in fields(sh.Problem) if f.compare):
        assert getattr(back, field.name) == getattr(problem, field.name), text


@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_written_and_read(name: str) -> None:
    entry = RULES[name]
    special = {EXPRESSION: sp.exp(-sh.t) / 3, int: 3}
    given = {
        p.name: p.kind[-1] if isinstance(p.kind, tuple) else special.get(p.kind, 0.25) for p in entry.parameters
    }
    rule = entry.make(**given, **({"inner": sh.WarmUp(sh.Constant(0.5), 2)} if entry.wraps else {}))
    text = toml_text(rule_tree(rule))
    assert read_rule(Table.of(text, "file")) == rule, text


@pytest.mark.parametrize(
    ("rule", "without"), [(sh.StochasticPolyak(damping=1), "cap"), (sh.Averaged(sh.Constant(1)), "decay")]
)
def test_an_argument_that_is_none_is_left_out(rule: sh.Rule, without: str) -> None:
    text = toml_text(rule_tree(rule))
    assert without not in text
    assert read_rule(Table.of(text, "file")) == rule


CLASSES = sh.NetworkClasses([1, 0.5], [1, -1], 1.2, 0.2, [0.25, 0.75])
OVERLAPS = sh.Overlaps([[1, 0, 0.1], [0, 1, 0.1], [0.1, 0.1, 1]])
x1, x2 = sp.symbols("x1 x2", real=True)
K = sp.Symbol("k", positive=True)
SHARE = 1 / (1 + sp.exp(-sh.x_star))
COMMITTEE = sh.Problem(
    (sp.erf(x1) + sp.erf(x2) - sp.erf(sh.x_star) - sh.eps) ** 2 / 2, 0.1, students=(x1, x2), targets=(sh.x_star,)
)


@pytest.mark.parametrize(
    ("problem", "population"),
    [
        (sh.least_squares(0.1, model=sh.PRODUCT), CLASSES),
        (sh.least_squares(0.1, model=sh.powers(3)), CLASSES),
        (COMMITTEE, (sh.Spectrum.from_eigenvalues([1, 2], [0.25, 0.75]), OVERLAPS)),
        (sh.huber(1.5, sh.Contaminated(sh.Gaussian(0.1), sh.Laplace(2), 0.1)),
         (sh.Spectrum.power_law(0.2), sh.Start.power_law(0.4))),
        (sh.least_squares(), (sh.Spectrum.marchenko_pastur(2.5), sh.Start(x0=1, overlap=-0.5, random=True))),
        (sh.least_squares(), (sh.Spectrum.from_histogram([0, 1, 2], [1, 3]), sh.Start())),
        (sh.least_squares(), (sh.Spectrum.from_eigenvalues([1, 2, 2]), sh.Start.from_vectors([1, 0, 1], [0, 1, 1]))),
        (sh.Problem(K * (sh.x - sh.x_star) ** 4, parameters={K: 0.1}),
         (sh.Spectrum.isotropic(2), sh.Start())),
        (sh.Problem(sp.log(1 + sp.exp(-K * sh.x * sh.y)), parameters={K: 0.5}, labels={1: SHARE, -1: 1 - SHARE}),
         (sh.Spectrum.isotropic(2), sh.Start())),
        (sh.logistic_regression(sampled=True), (sh.Spectrum.isotropic(), sh.Start())),
    ],
    ids=lambda v: getattr(v, "name", "population"),
)  # fmt: skip
def test_problems_and_populations_of_every_kind_go_there_and_back(problem: sh.Problem, population: object) -> None:
    given = sh.Experiment(problem, sh.Constant(0.3), population, 2.0)
    back = sh.Experiment.from_toml(given.to_toml())
    assert (back.problem, back.rule) == (problem, given.rule)
    for one, other in zip(given.population, back.population, strict=True):
        for key, value in vars(one).items():
            stated, found = value, getattr(other, key)
            if isinstance(value, np.ndarray | tuple):
                assert np.array_equal(np.asarray(stated, dtype=float), np.asarray(found, dtype=float)), key
            elif key == "quantile" and value is not None:
                p = np.linspace(0.01, 0.99, 50)
                assert np.array_equal(value(p), found(p))
            elif key not in ("matrix", "values"):
                assert stated == found, key
    assert back.to_toml() == given.to_toml()


@pytest.mark.filterwarnings("ignore::symhigh.EffectiveDimensionWarning")
def test_what_no_file_can_state_is_refused_by_name() -> None:
    class Own(sh.Constant):
        pass

    with pytest.raises(ValueError, match="has no name in the registry"):
        sh.Experiment(sh.least_squares(), Own(1), (sh.Spectrum.isotropic(), sh.Start()), 1).to_toml()
    rule = sh.AdaGradNorm(sp.Symbol("eta", positive=True), 1)
    with pytest.raises(ValueError, match="eta is a symbol"):
        sh.Experiment(sh.least_squares(), rule, (sh.Spectrum.isotropic(), sh.Start()), 1).to_toml()
    mixture = sh.Mixture([0.5, 0.5], [x1, -x1], [1, -1])
    with pytest.raises(ValueError, match="files do not state data with classes yet"):
        problem_tree(sh.Problem(sh.x**2 * sh.y**2 / 2, data=mixture))
    with pytest.raises(ValueError, match="with a constant rate"):
        rule_tree(sh.Momentum(sh.AdaGradNorm(1, 1), 0.5))
    rotated = sh.Spectrum.from_covariance([[2, 0.5], [0.5, 1]])
    with pytest.raises(ValueError, match="a spectrum with eigenvectors cannot be written"):
        population_tree((rotated, sh.Start()))
    with pytest.raises(ValueError, match="a population of Start, Spectrum cannot be written"):
        population_tree((sh.Start(), sh.Spectrum.isotropic()))
    own = Parametrization(u**2 + v)
    with pytest.raises(ValueError, match=r"the model .* has no name; linear, product"):
        problem_tree(sh.least_squares(model=own))


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(ValueError, match=r"folder='.*new'\): cannot be written: no permission to write there"):
        claim_folder(tmp_path / "new")


def test_an_experiment_and_its_outcome_are_shown_in_short() -> None:
    given = sh.Experiment.from_toml(starter("mine", "mine.toml"))
    assert repr(given).startswith("Experiment('mine': least squares, label noise Gaussian(sigma=1); AdaGradNorm(")
    assert "20 runs at d = 128, 512" in repr(given)
    outcome = sh.Experiment.from_toml(PLAIN).run()
    assert outcome.passed
    assert repr(outcome).startswith("Outcome(passed; 0 checks; Curve(")
    assert "plain: passed" in outcome._repr_html_()
    table = sh.Spectrum.power_law(0.2)._repr_html_()
    assert "power law" in table
    assert "0.444444" in table
    assert "lam_1" in sh.Spectrum.from_eigenvalues([sp.Symbol("lam_1", positive=True), 2])._repr_html_()


# --- mistakes ---------------------------------------------------------------------------------------------
CANARY = "__import__('pathlib').Path('canary').touch()"
MISTAKES = [
    ("eta = 1", "eat = 1", 9, "rule.eat: there is no key 'eat' here; did you mean eta"),
    ("eta = 1", "eta = true", 9, "rule.eta: True must be a number"),
    ("eta = 1", "eta = -1", 9, "rule.eta: .*eta must be > 0"),
    ("eta = 1", "eta = nan", 9, "rule.eta: .*finite"),
    ("eta = 1", f'eta = "{CANARY}"', 9, "rule.eta.*is not read"),
    ("eta = 1", 'eta = "9**9**9**9"', 9, "a power above 100"),
    ("eta = 1", f'eta = "{"(" * 100_000}1{")" * 100_000}"', 9, "more than 500 characters"),
    ("eta = 1", 'eta = "1\\u0000"', 9, "rule.eta"),
    ("eta = 1", 'eta = "(1).__class__.__mro__"', 9, "is not read"),
    ("adagrad-norm", "adagradnorm", 8, "did you mean 'adagrad-norm'"),
    ("least-squares", "least-square", 4, "did you mean the loss 'least-squares'"),
    ("least-squares", CANARY, 4, "problem.loss: .*is not read"),
    ("least-squares", "(x - x_star).real", 4, "is not read"),
    ("least-squares", "(x - z)**2", 4, "z is not read"),
    ("least-squares", "x_star**2", 4, "must depend on the prediction"),
    ("least-squares", "((x**100)**100)**100", 4, "a power above 100"),
    ("noise = 0.5", "noise = -1", 5, "problem.noise: .*noise must be >= 0"),
    ("noise = 0.5", 'noise = { law = "student" }', 5, "did you mean 'student-t'"),
    ("noise = 0.5", 'noise = { law = "laplace", dof = 3 }', 5, "problem.noise.dof: there is no key"),
    ("noise = 0.5", "nosie = 0.5", 5, "did you mean noise"),
    ("[population]", "[popluation]", 12, "did you mean population"),
    ("values = [1, 0.5]", "values = [1, -0.5]", 13, "values must be >= 0"),
    ("values = [1, 0.5]", "value = [1, 0.5]", 13, "population.spectrum.name: name is missing"),
    ("start = { x_star = 1 }", "start = { x_star = -1 }", 14, "x_star must be >= 0"),
    ("start = { x_star = 1 }", "overlaps = [[1]]", 14, "overlaps has no effect on this problem"),
    ("t_end = 1", "t_end = 0", 17, "run.t_end: .*t_end must be finite and > 0"),
    ("t_end = 1", "t_end = 1\nseeds = 3", 18, "run.seeds: seeds has no effect without dimensions"),
    ("t_end = 1", "t_end = 1\ndimensions = [4]", 18, "run.dimensions: .*whole number >= 8"),
    ("t_end = 1", "t_end = 1\ndimensions = [16]\nseeds = 2", 19, "run.seeds: .*a comparison needs 3 runs"),
    ("t_end = 1", 't_end = 1\n[[checks.value]]\noutput = "risk"', 19, "give equals and within"),
    ("t_end = 1", 't_end = 1\n[[checks.value]]\noutput = "risk"\nat = 3\nbelow = 1', 20, "within the horizon"),
    ("t_end = 1", 't_end = 1\n[sweep]\n"rule.eat" = [1]', 18, "did you mean eta"),
    ("t_end = 1", 't_end = 1\n[sweep]\n"rule.eta" = [-1]', 18, "eta must be > 0"),
    ("t_end = 1", 't_end = 1\n[sweep]\n"rulle.eta" = [1]', 18, "there is no 'rulle'"),
    ("t_end = 1", "t_end = 1\nt_end = 2", 18, "not TOML"),
    ("t_end = 1", "t_end = \x00", 17, "not TOML"),
    ("t_end = 1", "t_end = " + "[" * 5000, None, "nested too deeply|not TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "words"), MISTAKES, ids=[m[1][:30] for m in MISTAKES])
def test_a_mistake_is_one_message_with_file_line_and_key_and_nothing_runs(
    old: str, new: str, line: int | None, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.toml").write_text(PLAIN.replace(old, new))
    result = call("run", "bad.toml")
    assert result.exit_code == 2, result.output
    message = " ".join(result.output.split())
    assert message.count("Error:") == 1
    assert "bad.toml" in message
    assert line is None or f"line {line}," in message or f"line {line}:" in message, message
    assert re.search(words, message), message
    assert [f.name for f in tmp_path.iterdir()] == ["bad.toml"]


def test_mistakes_that_show_only_later_point_to_their_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("late.toml").write_text(PLAIN + '[[checks.value]]\noutput = "rsik"\nbelow = 1\n')
    result = call("run", "late.toml")
    assert result.exit_code == 2
    assert "rsik" in result.output
    assert "late.toml, line" in " ".join(result.output.split())


def test_options_beside_a_file_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "plain.toml"
    file.write_text(PLAIN)
    result = call("run", str(file), "--eta", "2")
    assert result.exit_code == 2
    assert "--eta has no effect beside FILE" in " ".join(result.output.split())
    assert call("run", str(tmp_path / "none.toml")).exit_code == 2
    assert call("run", "--out", str(tmp_path / "x")).exit_code == 2


def test_checks_say_what_they_want() -> None:
    check = Expected("risk", equals=1.0, within=0.1)
    assert check.holds(1.05)
    assert not check.holds(1.2)
    assert not check.holds(float("nan"))
    assert str(Expected("risk", 2, below=3, above=1)) == "risk at t = 2 < 3, > 1"


HOSTILE = [None, -1, 0, 2, "x", "1", CANARY, [], [1, "x"], {}, {"name": "x"}, [[1]], True, float("nan"), 1e400, 10**40,
           "9**9**9"]  # fmt: skip


def keys_of(tree: dict, path: tuple = ()) -> list[tuple]:
    found = []
    for key, value in tree.items():
        found.append((*path, key))
        found += keys_of(value, (*path, key)) if isinstance(value, dict) else []
    return found


GIVEN = [sh.least_squares(sh.StudentT(4)), sh.least_squares(0.1, model=sh.powers(3)), COMMITTEE]


@pytest.mark.parametrize("given", GIVEN)
def test_any_value_at_any_key_is_read_or_refused(given: sh.Problem) -> None:
    """A wrong value is a ``ValueError`` that names the file; nothing else is raised, and no text is run."""
    start = OVERLAPS if given is COMMITTEE else sh.Start()
    population = CLASSES if not given.model.linear else (sh.Spectrum.from_eigenvalues([1, 2], [0.3, 0.7]), start)
    rule = sh.WarmUp(sh.RMSpropNorm(1, 1, 1), 2)
    tree = experiment_tree(sh.Experiment(given, rule, population, 1.0, (16,), expected=(Expected("risk", below=1),)))
    messages = []
    for path in keys_of(tree):
        for value in HOSTILE:
            changed = copy.deepcopy(tree)
            inner = changed
            for key in path[:-1]:
                inner = inner[key]
            if value is None:
                del inner[path[-1]]
            else:
                inner[path[-1]] = value
            try:
                _experiment(Table(changed, "file"))
            except ValueError as error:
                messages.append(f"{path} {value}: {error}")
    assert len(messages) > 100
    assert all(": file" in message for message in messages)


# --- running ----------------------------------------------------------------------------------------------
def test_a_run_leaves_a_folder_that_states_the_experiment_again(tmp_path: Path) -> None:
    text = PLAIN.replace("t_end = 1", "t_end = 1\ndimensions = [16, 32]\nseeds = 6") + (
        '[checks]\nagree = ["risk"]\n[[checks.value]]\noutput = "risk"\nat = 0.5\nbelow = 5\n'
    )
    file, out = tmp_path / "e.toml", tmp_path / "out"
    file.write_text(text)
    result = call("run", str(file), "--out", str(out))
    assert result.exit_code == 0, result.output
    assert "✓ the limit agrees with runs at d = 32" in result.output
    said = [line for line in result.stdout.splitlines() if " so far" not in line]  # a slow machine is told so
    assert "least squares" in said[0]
    names = {"experiment.toml", "equations.txt", "equations.tex", "curve.csv", "verdict.json"}
    names |= {"figure.png", "figure.pdf"}
    names |= {f"runs-d{d}.{end}" for d in (16, 32) for end in ("csv", "npz")}
    assert {f.name for f in out.iterdir()} == names
    verdict = json.loads((out / "verdict.json").read_text())
    assert verdict["passed"]
    assert len(verdict["checks"]) == 2
    again = sh.Experiment.from_toml(out / "experiment.toml")
    curve = again.derive().solve(*again.population, 1.0)
    with (out / "curve.csv").open() as rows:
        table = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(rows)]
    assert [row["risk"] for row in table] == pytest.approx(curve.risk.tolist(), rel=1e-12)
    with np.load(out / "runs-d16.npz", allow_pickle=False) as arrays:
        runs = sh.simulate(again.problem, again.rule, *again.population, d=16, t_end=1.0, seeds=6)
        assert np.array_equal(arrays["risk"], runs.risk)
    assert call("run", str(file), "--out", str(tmp_path)).exit_code == 2  # a folder that holds something else


def test_a_check_that_fails_is_status_1_and_a_sweep_has_a_folder_each(tmp_path: Path) -> None:
    text = PLAIN + '[[checks.value]]\noutput = "risk"\nequals = "1/8"\nwithin = 1e-9\n[sweep]\n"rule.eta" = [1, 2]\n'
    file = tmp_path / "e.toml"
    file.write_text(text)
    result = call("run", str(file), "--out", str(tmp_path / "out"), "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert [entry["sweep"] for entry in found] == [{"rule.eta": 1}, {"rule.eta": 2}]
    assert not any(entry["passed"] for entry in found)
    assert {f.name for f in (tmp_path / "out").iterdir()} == {"001", "002"}
    etas = [sh.Experiment.from_toml(tmp_path / "out" / k / "experiment.toml").rule for k in ("001", "002")]
    assert etas == [sh.AdaGradNorm(1, 0.5), sh.AdaGradNorm(2, 0.5)]


def test_new_writes_a_starter_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("new", "mine").output.strip() == "mine.toml"
    assert sh.Experiment.from_toml("mine.toml").name == "mine"
    again = call("new", "mine")
    assert again.exit_code == 2
    assert "exists already" in again.output


# --- options of the command line --------------------------------------------------------------------------
def test_a_formula_several_directions_and_a_network_from_options() -> None:
    loss = ("--loss", "k*log(cosh(x - x_star - eps))", "--parameter", "k=2", "--noise", "0.1")
    result = call("derive", *loss, "--rule", "constant")
    assert result.exit_code == 0, result.output
    committee = ("--loss", "(x1 + x2 - y1)**2/2", "--students", "x1,x2", "--targets", "y1", "--t-end", "0.5")
    result = call("run", *committee, "--overlaps", "1,0,0;0,1,0;0,0,1")
    assert result.exit_code == 0, result.output
    network = ("--model", "product", "--class", "1,1,1.2,0.2", "--class", "0.4,-0.5,1.2,0.2", "--rule", "constant")
    result = call("derive", *network[:2], *network[-2:], "--gamma", "0.4", "--noise", "0.3")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("derive", "--loss", CANARY), "is not read"),
        (("derive", "--loss", "hubber"), "did you mean the loss 'huber'"),
        (("derive", "--parameter", "k=1"), "--parameter has no effect"),
        (("derive", "--depth", "3"), "depth has no effect"),
        (("run", "--model", "product"), "--class is missing"),
        (("run", "--model", "product", "--x0", "1"), "--x0 has no effect on this problem"),
        (("run", "--model", "product", "--class", "1,1,1"), "λ,θ"),
        (("run", "--class", "1,1,1,1"), "--class has no effect on this problem"),
        (("run", "--loss", "(x1 - y1)**2", "--students", "x1", "--targets", "y1,y2"), "--overlaps is missing"),
    ],
)
def test_wrong_statements_are_status_2(arguments: tuple[str, ...], words: str) -> None:
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert re.search(words, " ".join(result.output.split())), result.output


def test_what_a_file_may_leave_out() -> None:
    plain = _experiment(Table.of(PLAIN, "f"))
    assert (plain.alarm, plain.times, plain.method, plain.agree, plain.expected) == (0.01, None, "auto", True, ())
    assert plain.seeds == 20
    assert plain.name == "plain"
