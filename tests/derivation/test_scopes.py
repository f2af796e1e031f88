"""Name spaces: renaming a user's symbol changes no number and no closed form but by the renaming."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.target import NUMPY
from symhigh.rule import Memory, Rule
from symhigh.symbols import d, sample_loss

TIMES = [0.0, 1.0, 2.0]
NAMES = (
    *(
        "k",
        "eta",
        "b",
        "c",
        "omega",
        "tau",
        "lambda",
        "Q",
        "I",
        "c1",
        "c2",
        "gamma",
        "risk",
        "D2",
        "V11",
        "B11",
        "B12",
    ),
    *(
        "distance",
        "learning_rate",
        "t",
        "d",
        "x",
        "eps",
        "w",
        "moved",
        "S",
        "sigma",
        "p_flip",
        "gamma_0",
        "b_k^2",
    ),
)


def risk(problem: sh.Problem, rule: sh.Rule, start: sh.Start | None = None) -> np.ndarray:
    system = sh.derive(problem, rule)
    return system.solve(sh.Spectrum.isotropic(), start or sh.Start(), 2, t=TIMES, target=NUMPY).risk


class Remembering(Rule):
    """g = C/S with S the running mean loss; every symbol named by the user."""

    def __init__(self, memory: str, parameter: str, **assumptions: bool) -> None:
        self.S, self.C = sp.Symbol(memory, positive=True), sp.Symbol(parameter, **assumptions)

    @property
    def memory(self) -> tuple[Memory, ...]:
        return (Memory(self.S, sample_loss / d, sp.S.One),)

    @property
    def rate(self) -> sp.Expr:
        return self.C / self.S

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {self.C: sp.S.Half}


@pytest.mark.parametrize("name", NAMES)
def test_a_parameter_of_the_loss_may_have_any_name(name: str) -> None:
    k = sp.Symbol(name, positive=True)
    r = sh.x - sh.x_star - sh.eps
    scaled = sh.Problem(k * r**2 / 2, noise=0.5, parameters={k: 3})
    assert risk(scaled, sh.AdaGradNorm(1, 1))[[0, 2]] == pytest.approx([1.875, 0.9492240], abs=1e-6)
    plain = sh.Problem(3 * r**2 / 2, noise=0.5)
    assert risk(scaled, sh.AdaGradNorm(1, 1)) == pytest.approx(risk(plain, sh.AdaGradNorm(1, 1)), rel=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_a_memory_and_a_parameter_of_a_rule_may_have_any_name(name: str) -> None:
    expected = risk(sh.least_squares(0.5), Remembering("M1", "M2", positive=True))
    assert risk(sh.least_squares(0.5), Remembering(name, "M2", positive=True)) == pytest.approx(
        expected, rel=1e-9
    )
    assert risk(sh.least_squares(0.5), Remembering("M1", name, real=True)) == pytest.approx(
        expected, rel=1e-9
    )


def test_a_rule_and_a_loss_of_the_library_share_a_name() -> None:
    class Doubled(sh.Constant):
        @property
        def rate(self) -> sp.Expr:
            return super().rate * sp.Symbol("c", positive=True)

        @property
        def values(self) -> dict[sp.Symbol, sp.Expr]:
            return {**super().values, sp.Symbol("c", positive=True): sp.Integer(2)}

    problem = sh.huber(0.5, 0.5)
    assert risk(problem, Doubled(0.3)) == pytest.approx(risk(problem, sh.Constant(0.6)), rel=1e-9)


def test_a_factor_has_symbols_of_its_own() -> None:
    eta = sp.Symbol("eta", positive=True)
    system = sh.derive(sh.least_squares(0.5), sh.Modulated(sh.AdaGradNorm(1, 1), sp.exp(-eta * sh.t)))
    bound = system.bind({"eta": 0.25})
    other = sh.Modulated(sh.AdaGradNorm(1, 1), sp.exp(-sh.t / 4))
    curve = bound.solve(sh.Spectrum.isotropic(), sh.Start(), 2, t=TIMES)
    assert curve.risk == pytest.approx(risk(sh.least_squares(0.5), other), rel=1e-8)


def test_one_name_for_two_memories_is_refused() -> None:
    class Twice(Remembering):
        @property
        def memory(self) -> tuple[Memory, ...]:
            (one,) = super().memory
            return (one, Memory(sp.Symbol(one.name.name, real=True), one.increment, one.initial))

    with pytest.raises(ValueError, match="named twice"):
        sh.derive(sh.least_squares(0.5), Twice("S", "C", positive=True))


def test_a_users_tau_is_not_the_trace() -> None:
    tau = sp.Symbol("tau", positive=True)
    found = sh.limits(sh.least_squares(noise=1), sh.Constant(tau))["risk"].expr
    assert len(found.free_symbols) == 2
    assert found.subs(tau, 0.5).free_symbols == found.free_symbols - {tau}


def test_a_number_says_what_the_symbol_did_not() -> None:
    """A scale declared without assumptions is known to be positive by its value."""
    c, r = sp.Symbol("c"), sh.x - sh.x_star - sh.eps
    loose = sh.derive(sh.Problem(c**2 * (sp.sqrt(1 + (r / c) ** 2) - 1), parameters={c: 0.7}), sh.Constant(1))
    p = sp.Symbol("c", positive=True)
    strict = sh.derive(
        sh.Problem(p**2 * (sp.sqrt(1 + (r / p) ** 2) - 1), parameters={p: 0.7}), sh.Constant(1)
    )
    assert [str(s) for s in loose.family.states] == [str(s) for s in strict.family.states] == ["D2"]


def test_bind_reaches_the_right_symbol_and_refuses_a_name_that_two_bear() -> None:
    k, mine, other = sp.Symbol("k", positive=True), sp.Symbol("a", positive=True), sp.Symbol("a", real=True)
    problem = sh.Problem(k * (sh.x - sh.x_star) ** 2 / 2, parameters={k: mine})
    system = sh.derive(problem, sh.Constant(other))
    with pytest.raises(ValueError, match=r"different symbols are called 'a', in gamma_0 of Constant and k of Problem"):
        system.bind({"a": 0.5})
    bound = system.bind({mine: 3, other: 0.2})
    assert bound.problem == sh.Problem(k * (sh.x - sh.x_star) ** 2 / 2, parameters={k: 3})
    assert bound.rule == sh.Constant(0.2)
    assert sorted(map(float, bound.parameters.values())) == [0.2, 3]
    with pytest.raises(ValueError, match=r"Constant\(gamma=-1\)"):
        system.bind({mine: 3, other: -1})


def test_bind_reaches_inside_momentum_and_networks() -> None:
    a, s = sp.symbols("a s", positive=True)
    system = sh.derive(sh.least_squares(s), sh.Momentum(a, 1)).bind({"a": 0.5, "s": 0.1})
    assert system.rule == sh.Momentum(0.5, 1)
    assert system.problem == sh.least_squares(0.1)
    network = sh.derive(sh.DiagonalNetwork(a, s)).bind({"a": 0.4, "s": 0.1})
    assert network.numbers() == (0.4, 0.1)
