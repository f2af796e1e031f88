"""Results are saved without pickles and loaded as they were; wrong files are refused by name; frames and tables."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.files.archive import load_archive, save_archive
from symhigh.files.results import _derived, _observable, _part
from symhigh.problem.network import u, v
from tests.test_pickle import same

ISOTROPIC, START = sh.Spectrum.isotropic(), sh.Start()
CLASSES = sh.NetworkClasses([1, 0.4], [1, -0.5], 1.2, 0.2)
x1, x2 = sp.symbols("x1 x2", real=True)
COMMITTEE = sh.Problem((x1 + x2 - sh.x_star - sh.eps) ** 2 / 2, 0.1, students=(x1, x2))
OVERLAPS = sh.Overlaps(np.eye(3))


class Own(sh.Constant):
    """A rule that the registry does not know."""


def solved(problem: sh.Problem, rule: sh.Rule, *population: object, reduce: bool = True) -> sh.Curve:
    return sh.derive(problem, rule, reduce).solve(*population, t_end=1.0, t=np.linspace(0, 1, 6))


CURVES = {
    "plain": lambda: solved(sh.least_squares(1), sh.AdaGradNorm(1, 0.3), ISOTROPIC, START),
    "unreduced": lambda: solved(sh.least_squares(1), sh.Constant(0.5), ISOTROPIC, START, reduce=False),
    "power law": lambda: solved(
        sh.least_squares(sh.Laplace(0.1)), sh.Constant(0.5), sh.Spectrum.power_law(0.2), sh.Start.power_law(0.4)
    ),
    "covariance": lambda: solved(
        sh.least_squares(), sh.Constant(0.5), sh.Spectrum.from_covariance([[1, 0.5], [0.5, 1]]),
        sh.Start.from_vectors([1, 0], [0, 1]),
    ),
    "several": lambda: solved(COMMITTEE, sh.Constant(0.2), ISOTROPIC, OVERLAPS),
    "particles": lambda: sh.derive(sh.least_squares(0.3, sh.powers(3)), sh.Constant(0.1)).solve(
        CLASSES, t_end=0.2, t=[0, 0.2], particles=200
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.filterwarnings("ignore::symhigh.population.EffectiveDimensionWarning")
def test_curves_are_loaded_as_they_were(name: str, tmp_path: Path) -> None:
    curve = CURVES[name]()
    path = curve.save(tmp_path / "curve")
    assert path == tmp_path / "curve.npz"
    back = sh.Curve.load(path)
    assert type(back) is sh.Curve
    for key in ("t", "outputs", "rtol", "complete", "message", "statistics", "errors", "events"):
        assert same(getattr(back, key), getattr(curve, key)), key
    assert same(back.start, curve.start)
    kept = ("lam", "u") if name == "particles" else ("values", "basis")
    assert all(same(getattr(back.spectrum, key), getattr(curve.spectrum, key)) for key in kept)
    assert back.system.text() == curve.system.text()
    if name in ("plain", "power law"):
        assert np.array_equal(back.excess_risk, curve.excess_risk)
        assert np.array_equal(back.spectrum.eigenvalues(20), curve.spectrum.eigenvalues(20))


def test_a_curve_of_a_network_keeps_its_densities(tmp_path: Path) -> None:
    system = sh.derive(sh.DiagonalNetwork(0.4, 0.3))
    curve = system.solve(CLASSES, 1.0, t=[0, 0.5, 1], nodes=41, outputs={"second": u**2 * v**2})
    back = sh.NetworkCurve.load(curve.save(tmp_path / "network.npz"))
    assert same(back.outputs, curve.outputs)
    assert np.array_equal(back.observable(u * v), curve.observable(u * v))
    assert np.array_equal(back.excess_risk, curve.excess_risk)
    assert back.observables == curve.observables
    with pytest.raises(ValueError, match=r"holds a NetworkCurve, not a Curve; use NetworkCurve\.load"):
        sh.Curve.load(tmp_path / "network.npz")


@pytest.mark.parametrize(
    ("problem", "rule", "population"),
    [
        (sh.least_squares(1), sh.AdaGradNorm(1, 0.3), (ISOTROPIC, sh.Start(random=True))),
        (COMMITTEE, sh.Constant(0.2), (ISOTROPIC, OVERLAPS)),
        (sh.least_squares(0.1, model=sh.PRODUCT), sh.Constant(0.3), (CLASSES,)),
    ],
    ids=["plain", "several", "network"],
)
def test_runs_are_loaded_as_they_were_and_repeat(
    problem: sh.Problem, rule: sh.Rule, population: tuple, tmp_path: Path
) -> None:
    runs = sh.simulate(problem, rule, *population, d=16, t_end=1.0, seeds=4)
    back = sh.Runs.load(runs.save(tmp_path / "runs"))
    for key in ("t", "outputs", "d", "seeds", "t_end", "target", "messages", "complete", "last", "problem", "rule"):
        assert same(getattr(back, key), getattr(runs, key)), key
    assert same(back.again(8, 3).outputs, runs.again(8, 3).outputs)


def test_a_comparison_is_loaded_as_it_was(tmp_path: Path) -> None:
    curve = CURVES["plain"]()
    runs = sh.simulate(sh.least_squares(1), sh.AdaGradNorm(1, 0.3), ISOTROPIC, START, 16, 1.0, 4)
    comparison = sh.compare(curve, runs)
    back = sh.Comparison.load(comparison.save(tmp_path / "comparison"))
    assert same(back, comparison)
    assert back.summary() == comparison.summary()
    assert sh.compare(sh.Curve.load(curve.save(tmp_path / "c")), sh.Runs.load(runs.save(tmp_path / "r"))).agrees
    lines = comparison.to_latex().splitlines()
    assert lines[0] == r"\begin{tabular}{lrrr}"
    assert len(lines) == 6 + len(comparison.deviations) - 0


def test_a_rule_without_a_name_is_given_to_who_loads(tmp_path: Path) -> None:
    system = sh.derive(sh.least_squares(), Own(0.5))
    curve = system.solve(ISOTROPIC, START, 1.0)
    path = curve.save(tmp_path / "own")
    with pytest.raises(ValueError, match=r"no name in the registry.*give the limit as system="):
        sh.Curve.load(path)
    assert same(sh.Curve.load(path, system=system).outputs, curve.outputs)
    with pytest.raises(ValueError, match="has not the states"):
        sh.Curve.load(path, system=sh.derive(sh.logistic_regression(), sh.Constant(1)))


def test_wrong_files_are_refused_by_name(tmp_path: Path) -> None:
    path = CURVES["plain"]().save(tmp_path / "curve")
    with pytest.raises(ValueError, match="holds a Curve, not a Runs"):
        sh.Runs.load(path)
    with pytest.raises(ValueError, match=r"none\.npz.*no such file"):
        sh.Curve.load(tmp_path / "none")
    np.savez(tmp_path / "foreign.npz", t=np.arange(3))
    (tmp_path / "text.npz").write_text("text")
    (tmp_path / "empty.npz").write_bytes(b"")
    np.savez(tmp_path / "pickled.npz", header=np.array([{}], dtype=object))
    whole = path.read_bytes()
    (tmp_path / "half.npz").write_bytes(whole[: len(whole) // 2])
    for name in ("foreign", "text", "empty", "pickled", "half"):
        with pytest.raises(ValueError, match="no result of symhigh, or it is damaged"):
            sh.Curve.load(tmp_path / f"{name}.npz")
    with pytest.raises(TypeError, match="path must be"):
        sh.Curve.load(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cannot be written"):
        CURVES["plain"]().save(tmp_path / "no" / "folder")


def test_a_later_form_and_a_missing_array_are_refused(tmp_path: Path) -> None:
    path = save_archive("test", tmp_path / "a", "Curve", {"t": np.arange(3.0), "name": "x"})
    with np.load(path) as archive:
        given = {name: archive[name] for name in archive.files}
    header = json.loads(str(given["header"]))
    np.savez(tmp_path / "later.npz", **{**given, "header": np.array(json.dumps({**header, "form": 99}))})
    np.savez(tmp_path / "less.npz", header=given["header"])
    with pytest.raises(ValueError, match="in form 99; this version"):
        load_archive("test", tmp_path / "later.npz", "Curve")
    with pytest.raises(ValueError, match="is missing"):
        load_archive("test", tmp_path / "less.npz", "Curve")


def test_no_archive_holds_a_pickle(tmp_path: Path) -> None:
    path = CURVES["plain"]().save(tmp_path / "curve")
    with zipfile.ZipFile(path) as archive:
        assert all(b"|O" not in archive.read(name)[:128] for name in archive.namelist())


# --- frames and tables ------------------------------------------------------------------------------------
def test_data_frames_hold_every_value() -> None:
    pytest.importorskip("pandas")
    curve = CURVES["plain"]()
    assert curve.to_dataframe()["risk"].tolist() == curve.risk.tolist()
    runs = sh.simulate(sh.least_squares(1), sh.Constant(0.3), ISOTROPIC, START, 16, 1.0, 4)
    frame = runs.to_dataframe()
    assert len(frame) == 4 * runs.t.size
    assert frame[frame.seed == 2].risk.tolist() == runs.risk[2].tolist()
    others = sh.simulate(sh.least_squares(1), sh.AdaGradNorm(1, 0.3), ISOTROPIC, START, 16, 1.0, 4)
    comparison = sh.compare(curve, others)
    frame = comparison.to_dataframe()
    assert frame[frame.output == "risk"].error.tolist() == comparison.deviations["risk"].error.tolist()


def test_without_pandas_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"needs pandas.*pip install 'symhigh\[pandas\]'"):
        CURVES["plain"]().to_dataframe()


def test_a_latex_table_has_a_line_a_time() -> None:
    text = CURVES["plain"]().to_latex(rows=3)
    assert text.splitlines()[0] == r"\begin{tabular}{lrrrr}"
    assert text.count(r"\\") == 4
    assert r"$0.5$" not in text.splitlines()[0]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_tables_compile(tmp_path: Path) -> None:
    body = CURVES["plain"]().to_latex() + "\n\n" + CURVES["power law"]().to_latex(4)
    (tmp_path / "t.tex").write_text(
        "\\documentclass{article}\\usepackage{amsmath}"  # rules of booktabs, where the package is not installed
        "\\newcommand{\\toprule}{\\hline}\\newcommand{\\midrule}{\\hline}\\newcommand{\\bottomrule}{\\hline}"
        "\\begin{document}\n" + body + "\n\\end{document}\n"
    )
    command = ["pdflatex", "-interaction=batchmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True)
    assert done.returncode == 0, (tmp_path / "t.log").read_text()[-2000:]


def test_names_of_outputs_are_listed_and_suggested() -> None:
    curve = CURVES["plain"]()
    assert {"risk", "learning_rate", "distance_threshold", "save"} <= set(dir(curve))
    with pytest.raises(AttributeError, match="did you mean"):
        curve.lerning_rate  # noqa: B018
    with pytest.raises(AttributeError, match="has risk, learning_rate"):
        curve.zzzz  # noqa: B018


def test_what_cannot_be_saved_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="an array of objects cannot be saved"):
        save_archive("test", tmp_path / "a", "Curve", {"a": np.array([{}, None])})
    with pytest.raises(TypeError, match="set cannot be saved"):
        save_archive("test", tmp_path / "a", "Curve", {"a": {1}})
    tree = {"n": np.float64(0.5), "deep": [{"b": (True, None, "x")}, 3], "a": np.array([[1.5, -2.0]])}
    found = load_archive("test", save_archive("test", tmp_path / "a", "Curve", tree), "Curve")
    assert (found["n"], found["deep"], found["a"].tolist()) == (0.5, ({"b": (True, None, "x")}, 3), [[1.5, -2.0]])
    with pytest.raises(ValueError, match="path must name a file"):
        save_archive("test", "", "Curve", {})
    with pytest.raises(TypeError, match=r"Curve\.save: a dict cannot be saved; to_dataframe"):
        _part("Curve.save", {})
    with pytest.raises(ValueError, match="the output 'size' is a function, which cannot be saved"):
        _observable("NetworkCurve.save", "size", lambda u: u)
    assert _observable("NetworkCurve.save", "size", u * v) == "u*v"


def test_a_limit_derived_otherwise_since_is_said() -> None:
    with pytest.raises(ValueError, match="derives a limit of other states than V33, D2"):
        _derived(sh.derive, sh.least_squares(), sh.Constant(1), ("V33", "D2"))
    for states in (("D2",), ("V11", "V12")):
        found = _derived(sh.derive, sh.least_squares(), sh.Constant(1), states)
        assert tuple(map(str, found.family.states)) == states
