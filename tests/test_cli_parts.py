"""The command line's parts: what options make, what a line says of an experiment, what tables and JSON hold."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import numpy as np
import pytest
import sympy as sp
from click.testing import CliRunner, Result

import symhigh as sh
from symhigh.cli import console, main, options
from symhigh.cli.console import plain_warnings, writable
from symhigh.cli.shown import line, named, tenths
from symhigh.ledger.record import Replay

PLAIN = dict.fromkeys(("eigenvalues", "beta", "ratio", "x0", "x_star", "overlap", "delta", "overlaps", "classes"))
SQUARE, RULE = sh.least_squares(0.5), sh.Constant(0.25)


def call(*arguments: str) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def population(problem: sh.Problem = SQUARE, **given: Any) -> tuple[Any, ...]:
    return options.read_population(PLAIN | given, problem)


def several() -> sh.Problem:
    x1, y1, y2 = sp.symbols("x1 y1 y2", real=True)
    return sh.MultiIndex((x1,), (y1, y2), (x1 - y1 * y2) ** 2)


def test_populations_are_those_that_the_options_name() -> None:
    spectrum, start = population()
    assert (spectrum.values.tolist(), start.x0, start.x_star, start.overlap) == ([1.0], 0, 1, 0)
    spectrum, start = population(eigenvalues="2, 1,1", x0=3.0, overlap=-1.0)
    assert (sorted(spectrum.values), float(spectrum.weights.max())) == ([1, 2], pytest.approx(2 / 3))
    assert [float(v) for v in (start.x0, start.x_star, start.overlap)] == [3, 1, -1]
    assert "power law" in population(beta=0.3)[0].name
    assert "Marchenko" in population(ratio=2.0)[0].name
    assert population(delta=0.4)[1].exponent == 0.4
    spectrum, overlaps = population(several(), overlaps="1,0,0;0,1,0.5;0,0.5,1", beta=0.3)
    assert overlaps.values[1].tolist() == [0, 1, 0.5]
    (classes,) = population(sh.least_squares(0, sh.PRODUCT), classes=("1,2,3,4", "5,6,7,8"))
    assert [v.tolist() for v in (classes.lam, classes.theta_star, classes.u, classes.v, classes.weight)] == [
        [1, 5], [2, 6], [3, 7], [4, 8], [0.5, 0.5]
    ]  # fmt: skip
    (classes,) = population(sh.least_squares(0, sh.PRODUCT), classes=("1,2,3,4,0.25", "5,6,7,8,0.75"))
    assert classes.weight.tolist() == [0.25, 0.75]


@pytest.mark.parametrize(
    ("problem", "given", "words"),
    [
        (SQUARE, {"overlaps": "1"}, "--overlaps has no effect on this problem, .* by a spectrum and a start"),
        (SQUARE, {"classes": ("1,1,1,1",)}, "--class has no effect"),
        (SQUARE, {"beta": 0.1, "ratio": 1.0}, "give one of --eigenvalues, --power-law, --marchenko-pastur"),
        (SQUARE, {"eigenvalues": "1,x"}, "--eigenvalues: 'x' is not a number; give numbers with commas between"),
        (SQUARE, {"delta": 0.2, "x_star": 2.0}, "--x-star has no effect beside --delta"),
        (several(), {}, "--overlaps is missing: this problem is stated by --eigenvalues"),
        (several(), {"x_star": 1.0}, "--x-star has no effect"),
        (sh.least_squares(0, sh.PRODUCT), {"beta": 0.1}, "--power-law has no effect on this problem.* by --class"),
        (sh.least_squares(0, sh.PRODUCT), {"ratio": 1.0}, "--marchenko-pastur has no effect"),
        (sh.least_squares(0, sh.PRODUCT), {}, "--class is missing"),
        (sh.least_squares(0, sh.PRODUCT), {"classes": ("1,1,1",)}, "--class: give λ,θ"),
        (sh.least_squares(0, sh.PRODUCT), {"classes": ("1,1,1,1", "1,1,1,1,1")}, "--class: give λ,θ"),
        (sh.least_squares(0, sh.PRODUCT), {"classes": ("1,1,1,1,1,1",)}, "--class: give λ,θ"),
    ],
)
def test_populations_that_are_refused(problem: sh.Problem, given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        population(problem, **given)


def statement(*arguments: str, symbolic: bool = False) -> tuple[sh.Problem, sh.Rule]:
    command = options.StatementCommand("s", callback=lambda **given: options.read_statement(given, symbolic))
    return command.main(list(arguments), standalone_mode=False)


def test_statements_are_those_that_the_options_name() -> None:
    assert statement() == (sh.least_squares(0.0), sh.AdaGradNorm(1.0, 1.0))
    omega, eta, b = sp.symbols("omega eta b", positive=True)
    assert statement(symbolic=True) == (sh.least_squares(omega), sh.AdaGradNorm(eta, b))
    problem, rule = statement("--loss", "huber", "--threshold", "2", "--noise", "0.5", "--eta", "3", "--batch", "4")
    assert problem == sh.huber(2.0, 0.5)
    assert rule == sh.MiniBatch(sh.AdaGradNorm(3.0, 1.0), 4)
    _, rule = statement("--warm-up", "3", "--batch", "4", "--weight-decay", "0.1")
    assert rule == sh.WarmUp(sh.WeightDecay(sh.MiniBatch(sh.AdaGradNorm(1.0, 1.0), 4), 0.1), 3.0)
    own, _ = statement("--loss", "(x - x_star)**2 / 3")
    assert (own.loss, own.noise) == ((sh.x - sh.x_star) ** 2 / 3, 0)
    noisy, _ = statement("--loss", "(x - x_star - eps)**2 / 3", "--noise", "0.5")
    assert noisy.noise == 0.5
    law = ("--noise-law", "contaminated", "--noise", "0.5", "--outliers")
    mixed, _ = statement(*law, "laplace", "--share", "0.1", "--scale", "3")
    assert mixed == sh.least_squares(sh.Contaminated(sh.Gaussian(0.5), sh.Laplace(3.0), 0.1))
    for scale, width in (((), 1.0), (("--scale", "3"), 3.0)):
        mixed, _ = statement(*law, "gaussian", "--share", "0.1", *scale)
        assert mixed == sh.least_squares(sh.Contaminated(sh.Gaussian(0.5), sh.Gaussian(width), 0.1))
    own, _ = statement("--loss", "k*(x - x_star - eps)**4", "--parameter", "k = 2", "--noise", "0.5")
    assert [str(s) for s, _ in own.parameters] == ["k"]
    assert own.law == sh.Gaussian(0.5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--noise-law", "contaminated", "--outliers", "laplace"), "give --outliers, the law of the outliers, and"),
        (("--noise-law", "contaminated", "--share", "0.1"), "give --outliers, the law of the outliers, and"),
        (("--loss", "k*x", "--parameter", "k"), "--parameter 'k': give NAME=NUMBER, such as c=1.5"),
        (("--loss", "k*x", "--parameter", "k=z"), "--parameter: 'z' is not a number"),
        (("--depth", "3"), "depth has no effect with model 'linear'; it belongs to 'powers'"),
        (("--friction", "0.5"), r"--friction has no effect with --loss least-squares \(the default\), .* --rule mom"),
        (("--students", "x1"), "--students has no effect .*; it belongs to a --loss that is a formula"),
        (("--loss", "hinge", "--noise", "1"), "--noise has no effect with --loss hinge, "),
        (("--rule", "schedule"), "--schedule is missing: "),
    ],
)
def test_statements_that_are_refused(arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        statement(*arguments)


def test_an_experiment_is_named_in_a_line() -> None:
    many = sh.Spectrum.from_eigenvalues([5, 4, 3, 2, 1])
    assert named(SQUARE, RULE, many)["spectrum"].startswith("eigenvalues ")
    assert named(SQUARE, RULE, many)["spectrum"].endswith(", …")
    assert not named(SQUARE, RULE, sh.Spectrum.from_eigenvalues([4, 3, 2, 1]))["spectrum"].endswith("…")
    assert named(SQUARE, RULE, sh.Spectrum.power_law(0.2))["spectrum"] == sh.Spectrum.power_law(0.2).name
    assert named(SQUARE, RULE, sh.Start(1, 2, 0.5))["start"] == "x0 = 1, x_star = 2, overlap = 0.5"
    assert ", profile " in named(SQUARE, RULE, sh.Start.power_law(0.4))["start"]
    assert named(SQUARE, RULE, sh.Overlaps([[1, 0], [0, 1]]))["overlaps"] == "[[1.0, 0.0], [0.0, 1.0]]"
    assert named(SQUARE, RULE, sh.NetworkClasses(1, 1, 1, 1))["classes"].startswith("NetworkClasses(")
    assert line({"problem": "p", "t_end": 0.5}) == "p; t_end = 0.5"


def test_tables_have_about_ten_lines() -> None:
    assert list(tenths(201)) == list(range(0, 201, 20))
    assert list(tenths(5)) == [0, 1, 2, 3, 4]
    assert list(tenths(19)) == list(range(19))
    assert list(tenths(20)) == list(range(0, 20, 2))


def test_what_cannot_be_written_is_said_before_any_work(tmp_path: Path) -> None:
    writable("--out", tmp_path / "new" / "file")
    assert (tmp_path / "new").is_dir()
    with pytest.raises(ValueError, match=r"--out .* cannot be written: a folder"):
        writable("--out", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"--out .* cannot be written: "):
        writable("--out", tmp_path / "file" / "below")


def test_warnings_are_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    import warnings

    before = warnings.formatwarning
    with plain_warnings():
        assert warnings.formatwarning("beware", UserWarning, "file", 3) == "warning: beware\n"
    assert warnings.formatwarning is before


def test_a_run_is_a_table_with_the_verdict_below() -> None:
    given = ("--rule", "constant", "--gamma", "0.25", "--eigenvalues", "1,0.5", "--t-end", "1")
    result = call("run", *given, "--d", "64", "--seeds", "8")
    rows = [row.split() for row in result.stdout.splitlines()]
    curve = sh.derive(sh.least_squares(0), RULE).solve(sh.Spectrum.from_eigenvalues([1, 0.5]), sh.Start(), 1)
    assert rows[1] == ["t", "risk", "learning", "rate", "distance"]
    numbers = np.array([[float(v) for v in row] for row in rows[2:13]])
    np.testing.assert_allclose(numbers[:, 0], curve.t[::20], rtol=1e-3)
    np.testing.assert_allclose(numbers[:, 1], curve.risk[::20], rtol=1e-7)
    np.testing.assert_allclose(numbers[:, 2], 0.25)
    np.testing.assert_allclose(numbers[:, 3], curve.distance[::20], rtol=1e-7)
    assert "agree" in result.stdout.splitlines()[13]
    assert result.exit_code == 0
    data = json.loads(call("run", *given, "--d", "64", "--seeds", "8", "--json").stdout)
    assert data["comparison"]["agrees"] is True
    assert data["comparison"]["summary"] in result.stdout
    assert "message" not in data
    assert "comparison" not in json.loads(call("run", *given, "--json").stdout)


def test_simulations_are_quantiles_of_the_risk() -> None:
    given = ("--rule", "constant", "--gamma", "0.25", "--t-end", "1", "--d", "16", "--seeds", "5")
    result = call("simulate", *given)
    runs = sh.simulate(sh.least_squares(0), RULE, sh.Spectrum.isotropic(), sh.Start(), d=16, t_end=1, seeds=5)
    low, high = runs.quantiles()
    first, last = ([float(v) for v in result.stdout.splitlines()[k].split()] for k in (2, -1))
    for row, at in ((first, 0), (last, list(tenths(runs.t.size))[-1])):
        assert row == pytest.approx([runs.t[at], low[at], runs.risk[:, at].mean(), high[at]], rel=1e-6, abs=1e-4)
    data = json.loads(call("simulate", *given, "--json").stdout)
    assert np.array_equal(data["risk"], runs.risk)
    assert (data["experiment"]["d"], data["experiment"]["seeds"], data["messages"]) == (16, 5, {})


def test_claims_and_figures_are_listed(tmp_path: Path) -> None:
    (tmp_path / "c.py").write_text(
        "import symhigh as sh, sympy as sp\na = sp.Symbol('a')\n"
        "claims = [sh.Claim('one', 'a', evidence=[sh.symbolic(a + a, 2*a)]),\n"
        "          sh.Claim('two', 'a', id='b', evidence=[sh.symbolic(a + a, 2*a)])]\n"
    )
    result = call("verify", "--list", str(tmp_path / "c.py"))
    assert result.stdout.splitlines()[-1] == "2 claims"
    assert result.stdout.splitlines()[1].endswith("c.py::b  two")
    data = json.loads(call("verify", "--list", "--json", str(tmp_path / "c.py"), "-k", "two").stdout)
    assert [(entry["id"], entry["name"]) for entry in data] == [("b", "two")]
    listed = call("figure", "--list").stdout.splitlines()
    assert any(row.startswith("high-line/1  ") for row in listed)
    assert call("figure").exit_code == 2
    assert "give the names of figures: " in " ".join(call("figure").output.split())


def test_every_option_says_whose_it_is() -> None:
    made = {option.opts[0]: option for option in options.statement_options()}
    assert "[constant, " in (made["--gamma"].help or "")
    assert "Default 1" in (made["--eta"].help or "")
    assert isinstance(made["--model"].type, click.Choice)


def test_a_reduced_system_is_kept_whole_on_request() -> None:
    states = [
        {symbol for symbol in ("D2", "V11", "V12") if symbol in CliRunner().invoke(main, ["derive", *more]).output}
        for more in ([], ["--full"])
    ]
    assert states == [{"D2"}, {"V11", "V12"}]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 1), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command_with_its_status_and_leaves_the_handlers(number: int, status: int) -> None:
    before = signal.getsignal(signal.SIGTERM)
    interrupts = signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it is ignored
    console._came.clear()
    try:
        with pytest.raises(SystemExit) as ended, console.whole_or_nothing():
            signal.raise_signal(number)
    finally:
        signal.signal(signal.SIGINT, interrupts)
    assert ended.value.code == status
    assert signal.getsignal(signal.SIGTERM) == before
    assert console.interrupted()
    console._came.clear()


# --- replays and figures -----------------------------------------------------------------------------------
@pytest.mark.parametrize("same", [True, False])
def test_a_replay_that_differs_is_status_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, same: bool) -> None:
    asked: list[Any] = []
    rows: Any = SimpleNamespace(rows=[1, 2, 3])
    found = Replay(rows, () if same else ("a number",), ("another machine",))

    def replayed(file: Path, jobs: int | None, progress: Any) -> Any:
        asked.append((file, jobs))
        return found

    monkeypatch.setattr("symhigh.ledger.record.replay", replayed)
    file = tmp_path / "record.json"
    told = call("replay", str(file), "-j", "3")
    assert (told.exit_code, told.stdout) == (0 if same else 1, f"{found}\n")
    told = call("replay", str(file), "--json")
    expected = {
        "same": same, "differences": list(found.differences), "surroundings": ["another machine"], "claims": 3
    }  # fmt: skip
    assert told.exit_code == (0 if same else 1)
    assert told.stdout == json.dumps(expected, indent=2) + "\n"
    assert asked == [(file, 3), (file, None)]


def test_figures_are_drawn_in_turn_and_saved_under_their_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log: list[Any] = []

    def recipe(name: str) -> Any:
        def draw(quick: bool, progress: Any) -> Any:
            log.append((name, quick))
            return SimpleNamespace(figure=f"figure of {name}", data=f"data of {name}")

        return SimpleNamespace(name=name, title=f"title of {name}", draw=draw)

    def save(figure: Any, data: Any, path: Path) -> list[Path]:
        log.append((figure, data, path))
        return [path.with_suffix(".png")]

    known = {name: recipe(name) for name in ("some/one", "some/other")}
    monkeypatch.setattr("symhigh.report.gallery.chosen", lambda names: [known[name] for name in names])
    monkeypatch.setattr("symhigh.report.gallery.recipes", lambda: known)
    monkeypatch.setattr("symhigh.report.figures.save", save)
    told = call("figure", "some/other", "some/one", "--quick", "--out", str(tmp_path))
    assert told.exit_code == 0, told.output
    assert told.stdout.split() == [str(tmp_path / "some" / f"{name}.png") for name in ("other", "one")]
    assert log == [
        ("some/other", True), ("figure of some/other", "data of some/other", tmp_path / "some/other"),
        ("some/one", True), ("figure of some/one", "data of some/one", tmp_path / "some/one"),
    ]  # fmt: skip
    log.clear()
    assert call("figure", "--list").stdout == "some/one  title of some/one\nsome/other  title of some/other\n"
    told = call("figure")
    assert told.exit_code == 2
    assert "give the names of figures: some/one, some/other, or all" in " ".join(told.output.split())
    assert log == []
