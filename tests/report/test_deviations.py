"""The linear theory written out: its equations evaluated by SymPy, against the integrated ones."""

import json
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from sympy.core.function import AppliedUndef

import symhigh as sh
from symhigh.codegen.target import NUMPY
from symhigh.integration.deviations import Equations
from symhigh.integration.fluctuations import theory_of
from symhigh.report.deviations import _Written
from tests.tables import check

PAIR = sh.Spectrum.from_eigenvalues([1.5, 0.5], [0.4, 0.6])
START = sh.Start(0.5, 1, 0.3)
i, j = (sp.Symbol(name, integer=True, positive=True) for name in "ij")
N = sp.Symbol("N", integer=True, positive=True)


class Numbers:
    """Random C and m beside the numbers of a limit at time zero; ``value`` reads a printed expression with them."""

    def __init__(self, system):
        par = np.array([float(v) for v in system.parameters.values()])
        self.theory = theory_of(system, False)
        self.e = e = Equations(self.theory, NUMPY, par, PAIR, START, 1e-3, 1e-9)
        self.at, self.system = e(0.0), self.theory.system
        rng, size = np.random.default_rng(3), e.path(0.0).size
        root = rng.standard_normal((size, size))
        self.C, self.m = root @ root.T, rng.standard_normal(size)
        self.names = [s.name for s in (*self.system.family.states, *(s.name for s in self.system.states))]
        speed = np.empty(size)
        e.kernels.rhs(0.0, e.path(0.0), speed, *e.data)
        self.bent = (self.at.J / e.scale[:, None] * e.scale) @ speed + self.at.in_time / e.scale
        self.scalars = self._scalars(par)

    def _scalars(self, par):
        """Averages, scalars and memories by name."""
        e, s, y = self.e, self.system, self.e.path(0.0)
        rows = [*y[: e.p * e.n].reshape(e.p, e.n), *e.data[1]]
        columns = dict(zip([*s.family.states, *s.family.coefficients], rows, strict=True))
        known = dict(zip(s.parameters, par, strict=True))
        known |= {x.name: v for x, v in zip(s.states, y[e.p * e.n :], strict=True)}
        for r in s.reductions:
            columned = sp.lambdify(list(columns), r.summand)(*columns.values())
            known[r.name] = float(np.broadcast_to(columned, e.n) @ e.w)
        for x in s.scalars:
            known[x.name] = float(x.expression.xreplace({k: sp.Float(v) for k, v in known.items()}))
        self.columns = {k.name: v for k, v in columns.items()} | {"w": e.w}
        return {k.name: v for k, v in known.items()}

    def place(self, name, mode):
        a = self.names.index(name)
        return a * self.e.n + mode if a < self.e.p else self.e.p * self.e.n + a - self.e.p

    def value(self, expr, letters, at):
        """``expr`` for the indices ``at``."""
        while letters and expr.has(*letters):
            expr = expr.xreplace(letters)
        expr = expr.subs(at).subs(N, self.e.n).doit()
        held = {d: self._second(d) for d in expr.atoms(sp.Derivative)}
        expr = expr.xreplace(held)
        while found := expr.atoms(AppliedUndef):
            expr = expr.xreplace({f: self._function(f) for f in found})
        return float(expr.xreplace({s: sp.Float(self.scalars[s.name]) for s in expr.free_symbols}))

    def _second(self, derivative):
        f = derivative.expr
        mode = int(f.args[0]) - 1 if len(f.args) == 2 else 0
        return sp.Float(self.bent[self.place(f.func.__name__, mode)])

    def _function(self, f):
        name, modes = f.func.__name__, [int(k) - 1 for k in f.args if k.is_Integer]
        if name[0] in "Cm" and (name in ("C", "m") or name[1] == "_"):
            own = next(
                ([a, b] for a in self.names for b in self.names if name == f"C_{a}_{b}"), [name.removeprefix("m_")]
            )
            own = [self.names[0]] * {"C": 2, "m": 1}[name] if name in ("C", "m") else own
            modes = modes + [0] * (len(own) - len(modes))
            at = [self.place(a, k) for a, k in zip(own, modes, strict=True)]
            return sp.Float(self.C[tuple(at)] if len(at) == 2 else self.m[at[0]])
        return sp.Float(self.columns[name][modes[0]] if modes else self.scalars[name])


def kept(name, shown):
    """The words of the equations, which values do not see, are what they were, for the SymPy that wrote them."""
    table = Path(__file__).with_suffix(".json")
    written = json.loads(table.read_text("utf-8"))["SymPy"] if table.exists() else sp.__version__
    if written == sp.__version__:
        check(table, "SymPy", sp.__version__)
        check(table, name, [str(e) for e in shown])


CASES = {
    "least squares": (sh.least_squares(0.3), sh.Constant(0.4)),
    "AdaGrad-Norm": (sh.least_squares(0.3), sh.AdaGradNorm(1, 0.5)),
    "phase retrieval": (sh.phase_retrieval(), sh.Constant(0.1)),
    "Huber": (sh.huber(0.8, 0.5), sh.Constant(0.4)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_printed_equations_are_those_that_are_integrated(name):
    system = sh.derive(*CASES[name])
    n = Numbers(system)
    shown = system.fluctuation_equations().equations()
    kept(name, shown)
    letters = {e.lhs: e.rhs for e in shown if e.lhs.is_Function and e.lhs.func.__name__.startswith(("K_", "square_"))}
    scale = np.outer(n.e.scale, n.e.scale)
    J = n.at.J / n.e.scale[:, None] * n.e.scale
    C_speed = J @ n.C + n.C @ J.T + n.at.sigma / scale
    m_speed = J @ n.m + (n.at.bend(n.C * scale) + n.at.force) / n.e.scale
    seen = 0
    for equation in (e for e in shown if isinstance(e.lhs, sp.Derivative)):
        f = equation.lhs.expr
        indices = [k for k in f.args if k in (i, j)]
        called, bias = f.func.__name__, f.func.__name__[0] == "m"
        pairs = {"C": [n.names[0]] * 2, "m": [n.names[0]]}.get(called) or next(
            [a, b] if not bias else [a]
            for a in n.names
            for b in n.names
            if called == (f"m_{a}" if bias else f"C_{a}_{b}")
        )
        for first, second in ((1, 1), (1, 2), (2, 1)):
            at = dict(zip(indices, (first, second), strict=False))
            modes = [at[k] - 1 for k in indices] + [0] * (len(pairs) - len(indices))
            place = [n.place(a, k) for a, k in zip(pairs, modes, strict=True)]
            right = m_speed[place[0]] if bias else C_speed[tuple(place)]
            size = 1e-9 * np.abs(m_speed if bias else C_speed).max()
            assert n.value(equation.rhs, letters, at) == pytest.approx(right, rel=1e-9, abs=size), (called, at)
            seen += 1
    p, memories = n.e.p, n.e.m
    assert seen == 3 * ((p + memories) * (p + memories + 1) // 2 + p + memories)
    by_name = {e.lhs.func.__name__: e.rhs for e in shown if isinstance(e.lhs, AppliedUndef)}
    _, covariance, bias = n.at.outputs(n.C * scale, n.m * n.e.scale)
    for k, output in enumerate(system.outputs):
        if f"Var_{output}" in by_name:
            assert n.value(by_name[f"Var_{output}"], letters, {}) == pytest.approx(covariance[k, k], rel=1e-9)
            assert n.value(by_name[f"bias_{output}"], letters, {}) == pytest.approx(bias[k], rel=1e-9)
    assert "Var_risk" in by_name


@pytest.mark.parametrize("name", ["momentum", "two memories"])
def test_equations_of_several_states_and_memories_are_what_they_were(name):
    batch = sh.MiniBatch(sh.WeightDecay(sh.AdaGradNorm(0.8, 0.9), 0.2), 3)
    rule = {"momentum": sh.Momentum(0.4, 1, 0.2), "two memories": batch}[name]
    kept(name, sh.derive(sh.least_squares(0.3), rule).fluctuation_equations().equations())


def test_least_squares_reads_as_on_paper():
    """Σ of two modes: ``4γ²P D² λ δ/w``, and the rank-two part with 2P in its cross terms and 2P² in its square."""
    g, omega = sp.symbols("g omega", positive=True)
    found = sh.derive(sh.least_squares(omega), sh.Constant(g)).fluctuation_equations()
    text, tex = found.text(), found.latex()
    assert "4*(omega**2 + Q(t))*D2(i, t)*gamma(t)**2*lambda(i)*KroneckerDelta(i, j)/w(i)" in text
    assert r"\frac{d}{d t} C_{i j}(t)" in tex
    assert r"\delta_{i j}" in tex
    assert r"\operatorname{Var}_{\text{risk}}(t)" in tex
    assert len(text.splitlines()) == len(found.equations()) == tex.count("&=")
    assert repr(found) == f"FluctuationEquations({len(found.equations())} equations)"
    assert found._repr_latex_() == f"$\\displaystyle {tex}$"
    assert str(found) == text


def test_what_is_not_derived_is_said():
    without = sh.derive(sh.least_squares(0.3), sh.StochasticPolyak(1)).fluctuation_equations()
    assert "kink" in without.why
    assert "no bias" in repr(without)
    assert not any(str(e.lhs).startswith(("bias", "Derivative(m")) for e in without.equations())
    for refused, reason in (
        (sh.derive(sh.least_squares(0.3), sh.Averaged(sh.Constant(0.1))), "divides by the time"),
        (sh.derive(sh.DiagonalNetwork(0.1)), "closed by density"),
    ):
        with pytest.raises(ValueError, match=reason):
            refused.fluctuation_equations()


def test_an_entry_is_there_where_its_table_has_one_that_is_not_zero() -> None:
    table = sp.Array([[0, 2], [3, 0]])
    assert [_Written._there(table, i, j) for i in (0, 1) for j in (0, 1)] == [False, True, True, False]
    assert not _Written._there(table, 1)
    assert not _Written._there(sp.MutableDenseNDimArray([], (0, 2)), 0, 1)
