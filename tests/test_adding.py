"""A loss, a rule, a closure and a target are added by one file each; loss and rule are then known by name."""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.integrate import solve_ivp

import symhigh as sh
from symhigh.cli import main
from symhigh.codegen.target import NUMPY
from symhigh.derivation.close import registry
from symhigh.registry import LOSSES, RULES

LOSS = '''
"""A tilted square, f = k r²/2."""
import sympy as sp
from symhigh.entries import Parameter, loss
from symhigh.problem import LINEAR, Problem
from symhigh.symbols import eps, x, x_star

K = sp.Symbol("k", positive=True)


@loss("scaled-squares", Parameter("k", "Factor of the loss.", 2.0), noisy=True)
def scaled_squares(k, noise=0, model=LINEAR):
    """A multiple of least squares."""
    return Problem(K * (x - x_star - eps)**2 / 2, noise, parameters={K: k}, name="scaled squares", model=model)
'''
RULE = '''
"""A learning rate that remembers the losses that it has seen: c/S, S += loss/d."""
from dataclasses import dataclass
from typing import Any
import sympy as sp
from symhigh.entries import Parameter, rule
from symhigh.rule import Memory, Rule
from symhigh.symbols import d, sample_loss

C, S = sp.Symbol("c", positive=True), sp.Symbol("S", positive=True)


@rule("over-losses", Parameter("c", "Numerator of the learning rate.", 0.3, option="numerator"))
@dataclass(frozen=True)
class OverLosses(Rule):
    """A learning rate over the sum of the losses."""
    c: Any

    @property
    def memory(self):
        return (Memory(S, sample_loss / d, 1),)

    @property
    def rate(self):
        return C / S

    @property
    def values(self):
        return {C: self.c}
'''


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ModuleType, ModuleType]]:
    """Two modules beside the package, each of one file, imported; the registry is as before at the end."""
    (tmp_path / "scaled_squares_added.py").write_text(LOSS, "utf-8")
    (tmp_path / "over_losses_added.py").write_text(RULE, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    before = dict(LOSSES), dict(RULES)
    yield import_module("scaled_squares_added"), import_module("over_losses_added")
    for table, old in zip((LOSSES, RULES), before, strict=True):
        table.clear()
        table.update(old)
    for name in ("scaled_squares_added", "over_losses_added"):
        del sys.modules[name]


def limit(k: float, noise: float, c: float) -> float:
    """The risk at t = 1 by SciPy from D² and S alone: D²' = -2γk D² + γ²k²(D² + ω²), S' = k(D² + ω²)/2, γ = c/S."""

    def slopes(_: float, y: np.ndarray) -> list[float]:
        level, rate = y[0] + noise**2, c / y[1]
        return [-2 * rate * k * y[0] + (rate * k) ** 2 * level, k * level / 2]

    last = solve_ivp(slopes, (0, 1), [1.0, 1.0], rtol=1e-11, atol=1e-12).y[0, -1]
    return float(k * (last + noise**2) / 2)


def test_a_loss_and_a_rule_of_one_file_each_go_all_the_way(added: tuple[ModuleType, ModuleType]) -> None:
    problem = LOSSES["scaled-squares"].make(k=3, noise=0.5)
    rule = RULES["over-losses"].make(c=0.4)
    assert isinstance(rule, added[1].OverLosses)
    curve = sh.derive(problem, rule).solve(sh.Spectrum.isotropic(), sh.Start(), 1, t=[0, 0.5, 1], target=NUMPY)
    right = limit(3, 0.5, 0.4)
    assert curve.risk[-1] == pytest.approx(right, rel=1e-7)
    runs = sh.simulate(problem, rule, sh.Spectrum.isotropic(), sh.Start(), 200, 1, 12, t=[0, 1])
    spread = runs.risk[:, -1].std(ddof=1)
    assert abs(runs.risk[:, -1].mean() - right) < 5 * spread / np.sqrt(12) + 3 / 200


@pytest.mark.usefixtures("added")
def test_the_command_line_knows_them_with_their_options() -> None:
    words = ["--loss", "scaled-squares", "--k", "3", "--noise", "0.5", "--rule", "over-losses", "--numerator", "0.4"]
    result = CliRunner().invoke(main, ["run", "--t-end", "1", *words])
    assert result.exception is None, result.output
    assert float(result.output.splitlines()[-1].split()[1]) == pytest.approx(limit(3, 0.5, 0.4), rel=1e-6)
    listed = CliRunner().invoke(main, ["names"]).output
    assert all(word in listed for word in ("scaled-squares --k", "over-losses --numerator", "A multiple of"))


def test_they_leave_no_trace_and_a_name_is_given_once() -> None:
    assert "scaled-squares" not in LOSSES
    assert "scaled-squares" not in CliRunner().invoke(main, ["names"]).output
    from symhigh.entries import loss

    with pytest.raises(ValueError, match=r"loss\('huber'\): symhigh.problem.losses.robust.huber and .*rename one"):
        loss("huber")(limit)
    assert LOSSES["huber"].function is sh.huber


CLOSURE = '''
"""Second moments in both overlaps, even where the error alone closes."""
from symhigh.derivation.close.moments import close_by_moments
from symhigh.derivation.close.registry import closure


@closure("both overlaps", place=0.5)
def close_by_overlaps(s, field, problem, rule, values, reduce):
    return close_by_moments(s, field, problem, rule, values, False)
'''
TARGET = '''
"""Plain Python loops, compiled by nobody."""
from symhigh.codegen.target import NUMPY, Target

LOOPS = Target("python loops", NUMPY.header, loops=True)
'''


def test_a_closure_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "CLOSURES", dict(registry.CLOSURES))
    module_of(tmp_path, monkeypatch, "closing_by_overlaps", CLOSURE)
    system = sh.derive(sh.least_squares(0.25), sh.AdaGradNorm(1.25, 1))
    assert system.closure.startswith("closed by both overlaps")
    assert [s.name for s in system.family.states] == ["V11", "V12"]
    curve = system.solve(sh.Spectrum.isotropic(), sh.Start(), 2)
    monkeypatch.undo()
    usual = sh.derive(sh.least_squares(0.25), sh.AdaGradNorm(1.25, 1))
    assert usual.closure.startswith("closed by moments")
    np.testing.assert_allclose(curve.risk, usual.solve(sh.Spectrum.isotropic(), sh.Start(), 2).risk, rtol=1e-7)


def test_a_target_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loops = module_of(tmp_path, monkeypatch, "loops_of_python", TARGET).LOOPS
    system = sh.derive(sh.huber(0.5, 0.3), sh.Constant(0.4))
    line = (sh.Spectrum.from_eigenvalues([1.0, 0.5]), sh.Start())
    found, reference = (system.solve(*line, 2, target=target) for target in (loops, NUMPY))
    np.testing.assert_allclose(found.risk, reference.risk, rtol=1e-12)


def module_of(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> ModuleType:
    """The module ``name`` of that text, from outside the package."""
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    return import_module(name)
