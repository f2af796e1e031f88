"""The command line: exit statuses without a traceback, JSON, files, and every name of the registry."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import symhigh as sh
from symhigh.cli import main
from symhigh.files.grammar import read_expression
from symhigh.registry import LAWS, LOSSES, RULES
from symhigh.symbols import t


def call(*arguments: str) -> Result:
    """Run a command; a status of 1 or 2 is the command's own, never that of an exception."""
    result = CliRunner().invoke(main, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_derive_prints_symbols_and_latex() -> None:
    text = call("derive", "--noise", "1")
    assert text.exit_code == 0
    assert "eta/sqrt(b_k^2(t))" in text.output
    assert r"\begin{aligned}" in call("derive", "--latex", "--loss", "huber").output
    assert len(json.loads(call("derive", "--json", "--full").output)["equations"]) > 5


SLOW = ("committee", "learning-committee", "squared-hinge")


@pytest.mark.parametrize("loss", [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in LOSSES])
def test_every_loss_is_derived(loss: str) -> None:
    result = call("derive", "--loss", loss, "--rule", "rmsprop-norm")
    assert result.exit_code == 0, result.output
    assert "alpha" in result.output


@pytest.mark.parametrize("rule", [name for name, entry in RULES.items() if not entry.wraps])
def test_every_rule_is_derived(rule: str) -> None:
    more = ("--schedule", "1/(1+t)") if rule == "schedule" else ()
    result = call("derive", "--rule", rule, "--noise", "0.5", *more)
    assert result.exit_code == 0, result.output
    assert "gamma(t)" in result.output or "gamma" in result.output


@pytest.mark.parametrize("law", LAWS)
def test_every_law_is_derived(law: str) -> None:
    result = call("derive", "--loss", "least-squares", "--noise-law", law)
    assert result.exit_code == 0, result.output


def test_wrapped_rules_and_contaminated_noise_reach_the_limit() -> None:
    more = ("--batch", "4", "--warm-up", "2", "--weight-decay", "0.1", "--factor", "exp(-t)")
    result = call("run", "--rule", "constant", "--t-end", "0.5", *more)
    assert result.exit_code == 0, result.output
    assert all(part in result.output for part in ("m=4", "duration=2", "kappa=0.1", "exp(-t)"))
    noise = (
        "--noise-law",
        "contaminated",
        "--outliers",
        "laplace",
        "--share",
        "0.1",
        "--scale",
        "2",
        "--noise",
        "1",
    )
    result = call("derive", *noise)
    assert result.exit_code == 0, result.output
    assert "Contaminated(clean=Gaussian(sigma=1.0), outliers=Laplace(scale=2.0), share=0.1)" in result.output


def test_names_lists_the_registry() -> None:
    shown = call("names").output
    for table in (LOSSES, LAWS, RULES):
        for name, entry in table.items():
            assert f"  {name}" in shown
            assert all(f"--{p.flag}" in shown for p in entry.parameters)


def test_limits_lists_assumptions() -> None:
    shown = json.loads(call("limits", "--rule", "constant", "--json").output)
    assert shown
    assert all({"expression", "assumptions", "source"} <= set(entry) for entry in shown.values())


def test_limits_without_a_closed_form_speaks_of_the_loss_asked() -> None:
    result = call("limits", "--loss", "huber")
    assert result.exit_code == 2
    assert "no closed form is known for Huber loss under AdaGradNorm" in result.output


def test_every_output_names_its_experiment() -> None:
    end = ("--t-end", "0.5")
    for command in (("derive",), ("limits",), ("run", *end), ("simulate", "--d", "20", *end), ("export",)):
        first = call(*command, "--rule", "constant", "--gamma", "0.25").stdout.splitlines()[0]
        assert first.startswith("# ")
        assert "least squares" in first
        assert "Constant(gamma=0.25)" in first
    data = json.loads(call("run", *end, "--json", "--eigenvalues", "1,0.5").stdout)["experiment"]
    assert data == {
        "problem": "least squares, label noise Gaussian(sigma=0.0)",
        "rule": "AdaGradNorm(eta=1.0, b=1.0)",
        "spectrum": "eigenvalues 1, 0.5",
        "start": "x0 = 0, x_star = 1, overlap = 0",
        "t_end": 0.5,
    }


def test_run_as_json() -> None:
    result = call("run", "--t-end", "1", "--json", "--eigenvalues", "1,0.5")
    data = json.loads(result.output)
    assert result.exit_code == 0
    assert data["complete"]
    assert data["t"][-1] == 1.0


DIVERGING = ("--rule", "constant", "--gamma", "3", "--t-end", "1000")


@pytest.mark.filterwarnings("ignore:diverged")
def test_divergence_is_status_1() -> None:
    result = call("run", *DIVERGING)
    assert result.exit_code == 1
    assert "learning rate" in result.output


@pytest.mark.filterwarnings("ignore:.*runs diverged")
def test_json_has_null_where_there_is_no_number() -> None:
    def refuse(name: str) -> float:
        raise AssertionError(f"{name} is not JSON")

    result = call("simulate", *DIVERGING, "--d", "20", "--seeds", "2", "--json")
    assert result.exit_code == 1
    data = json.loads(result.stdout, parse_constant=refuse)
    assert data["risk"][0][-1] is None
    assert "diverged" in data["messages"]["0"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "--rule", "constant", "--gamma", "-1"), "gamma must be > 0"),
        (("run", "--rule", "constant", "--gamma", "nan"), "gamma must be finite"),
        (("run", "--t-end", "0"), "t_end must be finite and > 0"),
        (("run", "--t-end", "inf"), "t_end must be finite"),
        (("run", "--eigenvalues", "1,x"), "--eigenvalues: 'x' is not a number"),
        (("run", "--eigenvalues", "__import__('os')"), "is not a number"),
        (("run", "--power-law", "0.1", "--marchenko-pastur", "1"), "give one of"),
        (("run", "--gamma", ".5"), "--gamma has no effect.*the default.*--rule constant"),
        (("run", "--rule", "constant", "--eta", ".3"), "--eta has no effect"),
        (("run", "--alpha", "nan"), "--alpha has no effect"),
        (("run", "--loss", "hinge", "--noise", "1"), "--noise has no effect"),
        (("run", "--loss", "logistic", "--noise-law", "laplace"), "--noise-law has no effect"),
        (("run", "--noise-law", "laplace", "--noise", "1"), "--noise has no effect"),
        (("run", "--share", ".1"), "--share has no effect"),
        (("run", "--noise-law", "contaminated"), "give --outliers"),
        (("run", "--delta", ".2", "--x0", "1"), "--x0 has no effect"),
        (("run", "--rule", "schedule"), "--schedule is missing"),
        (("run", "--rule", "schedule", "--schedule", "t.__class__"), "not read"),
        (("run", "--d", "4"), "not in the range"),
        (("run", "--d", "100", "--seeds", "2"), "not in the range"),
        (("run", "--seeds", "5"), "--seeds has no effect"),
        (("run", "--plot", __file__ + "/curve"), "--plot.*cannot be written"),
        (("run", "--plot", "/proc/curve"), "--plot.*cannot be written"),
        (("new", ""), "NAME ''"),
        (("new", "/"), "NAME '/'"),
        (("export", "--x0", "1"), "--x0 has no effect without --program"),
        (("export", "--program", "c", "--target", "c"), "--target has no effect with --program"),
        (("simulate", "--d", "1"), "not in the range"),
        (("simulate", "--d", "9" * 40), "d must be <="),
        (("simulate", "--d", "100", "--t-end", "1e300"), "t_end must be <"),
        (("derive", "--loss", "nonsense"), "nonsense"),
        (("verify", "no/such/file.py"), "no such file or folder"),
        (("verify", __file__), "no claims"),
        (
            ("limits", "--loss", "logistic", "--rule", "polyak"),
            "no closed form is known for logistic regression",
        ),
    ],
)
def test_wrong_usage_is_status_2_and_says_what_is_wrong(arguments: tuple[str, ...], words: str) -> None:
    import re

    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert re.search(words, result.output.replace("\n", " ")), result.output


def test_verify_of_an_empty_folder_is_status_2(tmp_path: Path) -> None:
    assert call("verify", str(tmp_path)).exit_code == 2


def test_verify_ends_users_mistakes_with_status_2(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "none.py").write_text("x = 1\n")
    good = tmp_path / "good.py"
    good.write_text(
        "import sympy as sp\nfrom symhigh.ledger import Claim, symbolic\na = sp.Symbol('a')\n"
        "one = Claim('one', evidence=symbolic((a + 1)**2, a**2 + 2*a + 1))\n"
    )
    for arguments in (
        [str(tmp_path / "folder")],
        [str(tmp_path / "none.py")],
        [str(good), "--seed", "-1"],
        [str(good), "--html", str(tmp_path)],
    ):
        result = call("verify", "-j", "1", *arguments)
        assert result.exit_code == 2, (arguments, result.output)
        assert isinstance(result.exception, SystemExit)
        assert "Error:" in result.output
    good.write_text(good.read_text() + "import sys\nsys.exit(0)\n")
    result = call("verify", str(good))
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "must not end the program" in " ".join(result.output.split())


def test_plot_saves_picture_and_data(tmp_path: Path) -> None:
    assert call("run", "--t-end", "1", "--plot", str(tmp_path / "curve")).exit_code == 0
    assert {f.suffix for f in tmp_path.iterdir()} == {".png", ".pdf", ".json"}


def test_export_is_c_too() -> None:
    assert "f_rhs(double v_t_, array1 v_y" in call("export", "--target", "c").output


@pytest.mark.parametrize("language", ["python", "c", "julia"])
def test_export_is_a_program_too(language: str) -> None:
    text = call("export", "--program", language, "--eigenvalues", "1,0.5", "--t-end", "2").output
    assert text == sh.export(
        sh.derive(sh.least_squares(0.0), sh.AdaGradNorm(1.0, 1.0)),
        sh.Spectrum.from_eigenvalues([1, 0.5]), sh.Start(), t_end=2.0, language=language,
    )  # fmt: skip


def test_export_is_python() -> None:
    compile(call("export", "--target", "numpy").output, "generated", "exec")


def heed() -> None:
    """A shell's background jobs ignore interruptions, and what runs under nohup hang-ups; children inherit that."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def start(*arguments: str, program: tuple[str, ...] = ("-m", "symhigh"), **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *program, *arguments], preexec_fn=heed,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment},
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [("--help",), ("limits", "--loss", "nothing")])
def test_python_m_symhigh_is_the_command(arguments: tuple[str, ...]) -> None:
    script = "import sys; sys.argv[0] = 'symhigh'; from symhigh.cli import main; main()"  # as installers write it
    installed = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=120)
    process = start(*arguments)
    out, errors = process.communicate(timeout=120)
    assert (out, errors, process.returncode) == (installed.stdout, installed.stderr, installed.returncode)
    assert out + errors


SOON = ("-c", "import symhigh.telling as it; it.PATIENCE = 0.1; from symhigh.cli import main; main()")


def interrupt(process: subprocess.Popen[str]) -> None:
    """Once it tells that it is among its runs, soon after they began."""
    assert process.stderr is not None
    assert any("% done" in line for line in process.stderr)
    process.send_signal(signal.SIGINT)


def test_an_interruption_ends_without_a_traceback() -> None:
    process = start("simulate", "--d", "100000", "--t-end", "1000", "--power-law", "0.2", "--seeds", "1", program=SOON)
    interrupt(process)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "Traceback" not in errors


SLEEPS = """
import time
import sympy as sp
from symhigh.ledger import Claim, symbolic

a = sp.Symbol("a", positive=True)
first = Claim("first", evidence=symbolic((a + 1)**2, a**2 + 2*a + 1))
second = Claim("second", evidence=symbolic(lambda: time.sleep(300)))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_keeps_the_rows_that_are_done_and_is_the_status(tmp_path: Path, number: int) -> None:
    (tmp_path / "sleeps.py").write_text(SLEEPS)
    process = start("verify", str(tmp_path), "-j", "2", PYTHONUNBUFFERED="1")
    assert process.stdout is not None
    assert "first" in process.stdout.readline()
    begin = time.monotonic()
    process.send_signal(number)
    shown, errors = process.communicate(timeout=120)
    assert time.monotonic() - begin < 60  # a second, on a machine that does nothing else; the row sleeps for 300
    assert (process.returncode, errors) == (128 + number, "")
    assert "interrupted" in shown


@pytest.mark.parametrize("library", ["sh.verify(FOLDER, jobs=2)", "sh.within(300, exec, WORK)"])
def test_helper_processes_end_with_the_process_that_asked_them(tmp_path: Path, library: str) -> None:
    begun = tmp_path / "begun"
    mark = f"print(flush=True) or open({str(begun)!r}, 'w').close()"
    (tmp_path / "sleeps.py").write_text(SLEEPS.replace("time.sleep", f"{mark} or time.sleep"))
    text = f"import symhigh as sh\nFOLDER, WORK = {str(tmp_path)!r}, {f'import time; {mark} or time.sleep(300)'!r}\n"
    process = subprocess.Popen(
        [sys.executable, "-c", text + library], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not begun.exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    shown, errors = process.communicate(timeout=120)  # their ends of the pipes are closed
    complaints = [line for line in errors.splitlines() if line and not line.startswith("symhigh: verify: ")]
    assert (shown.strip(), complaints) == ("", [])


@pytest.mark.parametrize("jobs", [1, 2])
def test_standard_error_may_be_closed(tmp_path: Path, jobs: int) -> None:
    (tmp_path / "claims.py").write_text(SLEEPS.split("second =")[0])
    process = subprocess.run(
        [sys.executable, "-c", "from symhigh.cli import main; main()", "verify", str(tmp_path), "-j", str(jobs)],
        stdout=subprocess.PIPE, text=True, timeout=120, preexec_fn=lambda: os.close(2), check=False,
    )  # fmt: skip
    assert process.returncode == 0
    assert "all as expected" in process.stdout


def test_an_interrupted_figure_is_not_drawn(tmp_path: Path) -> None:
    process = start("figure", "high-line/1", "--out", str(tmp_path), program=SOON, PYTHONUNBUFFERED="1")
    interrupt(process)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "Traceback" not in errors
    assert not list(tmp_path.rglob("*.*"))


def test_a_terminal_without_greek_letters_and_a_warning_without_source() -> None:
    process = start("names", PYTHONIOENCODING="ascii")
    shown, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")
    assert "adagrad-norm" in shown
    process = start("run", *DIVERGING, PYTHONIOENCODING="latin-1")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert errors.startswith("warning: diverged")
    assert errors.count("\n") == 1


@pytest.mark.parametrize("text", ["0.5/(1 + t)", "exp(-t)*2**3 - -1", "min(1, t/3) + Max(0, sqrt(t))"])
def test_expressions_are_read(text: str) -> None:
    import sympy as sp

    expected = eval(text, {"t": t, **vars(sp), "min": sp.Min, "max": sp.Max})
    assert read_expression("--schedule", text) == expected


@pytest.mark.parametrize(
    "text",
    ["__import__('os')", "t.real", "[t]", "lambda: 1", "'t'", "x", "t if t else 1", "exp(t, evaluate=False)", "",
     "9**9**9**9", "1/0", "t" * 600, "(" * 300, "1j", "True", "f'{t}'", "exp()", "(t := 2)"],
)  # fmt: skip
def test_what_is_not_arithmetic_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="--schedule"):
        read_expression("--schedule", text)


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown_on_terminals_only(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from symhigh.cli.console import progress

    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with progress("runs") as report:
        assert callable(report) is terminal


def test_committees_and_softmax_are_stated_by_their_options() -> None:
    """The risk of one erf unit on one target, to the digits printed, as integrated elsewhere."""
    one = ("--units", "1", "--teacher-units", "1", "--rule", "constant")
    overlaps = ("--overlaps", "0.25,0.1;0.1,1")
    shown = call("run", "--loss", "committee", *one, "--gamma", "0.5", "--noise", "0.1", *overlaps)
    assert shown.exit_code == 0, shown.output
    assert next(line for line in shown.output.splitlines() if line.split()[0] == "2").split()[1] == "0.08783589"
    more = call("run", "--loss", "committee", *one[:2], "--rule", "constant", *overlaps)  # and two targets
    assert "give a Spectrum and the Overlaps of all 3 directions" in more.output
    learning = call("derive", "--loss", "learning-committee", *one)
    assert "d/dt a_1(t)" in learning.output
    softmax = call("derive", "--loss", "softmax", "--labels", "9")
    assert softmax.exit_code == 2
    assert "classes must be <= 3" in softmax.output
    model = call("derive", "--loss", "committee", "--model", "product")
    assert "--model product has no effect with --loss committee" in model.output
