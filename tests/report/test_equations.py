"""Printed limits: SymPy equations that hold along a curve, LaTeX in the field's notation."""

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.notation import latex
from symhigh.report.equations import N_MODES
from tests.scenarios import SCENARIOS


def test_equations_hold_along_the_curve() -> None:
    """The printed algebraic equations, summed over two modes by SymPy, give the curve's risk and learning rate."""
    system = sh.derive(sh.least_squares(0.5), sh.LineSearch())
    spectrum, start = sh.Spectrum.from_eigenvalues([1.0, 0.5], [0.25, 0.75]), sh.Start()
    curve = system.solve(spectrum, start, 1)
    at_start = {"w": spectrum.weights, "lambda": spectrum.values, "D2": np.ones(2)}
    known: dict[sp.Basic, sp.Expr] = {}
    for equation in reversed(system.equations()):
        if isinstance(equation.lhs, sp.Derivative):
            continue
        value = equation.rhs.subs(N_MODES, 2).doit()
        for f in value.atoms(sp.core.function.AppliedUndef):
            if f.func.__name__ in at_start:
                value = value.subs(f, at_start[f.func.__name__][int(f.args[0]) - 1])
        known[equation.lhs] = value.subs(known)
    by_name = {str(k.func if k.args else k): v for k, v in known.items()}
    settled = {k: v.subs(known) for k, v in by_name.items()}
    assert float(settled["risk"].subs(known)) == pytest.approx(curve.risk[0])
    assert float(settled["gamma"].subs(known)) == pytest.approx(curve.learning_rate[0])


@pytest.mark.parametrize("name", SCENARIOS)
def test_latex_is_balanced(name: str) -> None:
    s = SCENARIOS[name]
    text = sh.derive(s.problem, s.rule)._repr_latex_()
    assert text.count("{") == text.count("}")
    assert text.count(r"\left") == text.count(r"\right")


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_average_reads_as_what_it_averages(name: str) -> None:
    s = SCENARIOS[name]
    for line in sh.derive(s.problem, s.rule).latex("brackets").splitlines():
        left, _, right = line.removesuffix(r" \\").partition(" &= ")
        assert right.removeprefix(r"\left\langle ").removesuffix(r" \right\rangle") != left


def test_notation_of_the_field() -> None:
    i = sp.Symbol("i", integer=True, positive=True)
    assert latex(sp.Function("V11")(i, sh.t)) == r"V_{11,i}(t)"
    assert latex(sp.Function("D2")(i, sh.t)) == r"D_{i}^2(t)"
    assert latex(sp.Function("gamma")(sh.t) ** 2) == r"\gamma^{2}(t)"
    assert latex(sp.Function("V1M")(i, sh.t)) == r"V_{1M,i}(t)"
    assert latex(sp.Function("lambda")(i)) == r"\lambda_{i}"
    assert latex(sh.x_star) == r"x_\star"


def test_text_keeps_the_users_names() -> None:
    kappa = sp.Symbol("kappa", positive=True)
    text = str(sh.derive(sh.huber(kappa), sh.Constant(sp.Rational(1, 2))))
    assert "kappa" in text
    assert "gamma(t) = 1/2" in text
