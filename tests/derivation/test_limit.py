"""Derived limits against the equations of The High Line, compared as expressions."""

from dataclasses import dataclass

import pytest
import sympy as sp

import symhigh as sh
from symhigh.derivation.statistics import ONE_DIRECTION, statistics
from symhigh.report.equations import I_MODE as i
from symhigh.report.equations import N_MODES as N
from symhigh.rule import Memory, Rule
from symhigh.symbols import (
    B11,
    B12,
    B22,
    D2,
    V11,
    V12,
    V22,
    d,
    error_square,
    gamma,
    gradient_noise,
    gradient_square,
    kappa2,
    lam,
    omega,
    t,
    tau,
)

ETA, B, OMEGA = sp.symbols("eta b omega", positive=True)


def scalar(system: sh.system.MomentSystem, name: str) -> sp.Expr:
    return system.unfolded(system.scalar(name))


def test_scalars_that_there_are_not_are_named() -> None:
    with pytest.raises(KeyError, match=r"scalar\('gain'\): this system has .*risk"):
        sh.derive(sh.least_squares(), sh.AdaGradNorm(1, 1)).scalar("gain")


def test_least_squares_reduces_itself_to_equation_8() -> None:
    system = sh.derive(sh.least_squares(noise=OMEGA), sh.AdaGradNorm(ETA, B))
    assert system.family.states == (D2,)
    risk = system.scalar("risk")
    by_hand = -2 * gamma * lam * D2 + 2 * gamma**2 * lam * risk
    assert sp.expand(system.family.rhs[0].subs(gradient_noise, system.scalar("I")) - by_hand) == 0
    assert sp.expand(risk - (error_square + omega**2) / 2) == 0


def test_adagrad_norm_is_equation_17() -> None:
    """γ = η/√(b² + τ ∫ I): the memory starts at b² and gathers τ I."""
    system = sh.derive(sh.least_squares(noise=OMEGA), sh.AdaGradNorm(ETA, B))
    (memory,) = system.states
    assert memory.rhs == tau * gradient_noise
    assert memory.initial.subs(system.parameters) == B**2
    assert system.scalar("gamma").subs(system.parameters) == ETA / sp.sqrt(memory.name)


def test_equations_carry_the_users_symbols() -> None:
    equations = sh.derive(sh.least_squares(noise=OMEGA), sh.AdaGradNorm(ETA, B)).equations()
    functions = {f.func.__name__: f for e in equations for f in e.atoms(sp.core.function.AppliedUndef)}
    D, g, I, L, w = (functions[name] for name in ("D2", "gamma", "I", "lambda", "w"))
    mode = next(e for e in equations if e.lhs == sp.Derivative(D, t))
    assert sp.expand(mode.rhs - (-2 * L * g * D + L * g**2 * I)) == 0
    assert sp.Eq(functions["I"], OMEGA**2 + functions["Q"]) in equations
    assert any(e.rhs == sp.Sum(w * L * D, (i, 1, N)) for e in equations)
    assert omega not in set().union(*(e.free_symbols for e in equations)) or omega == OMEGA


def test_full_least_squares_is_equation_9() -> None:
    system = sh.derive(sh.least_squares(noise=OMEGA), sh.AdaGradNorm(ETA, B), reduce=False)
    first, second = system.family.rhs
    noise = B11 - 2 * B12 + B22 + omega**2
    assert (
        sp.expand(
            first.subs(gradient_noise, noise) - (-2 * lam * gamma * (V11 - V12) + lam * gamma**2 * noise)
        )
        == 0
    )
    assert sp.expand(second + lam * gamma * (V12 - V22)) == 0
    assert sp.expand(system.scalar("I") - noise) == 0


def test_polyak_step() -> None:
    """A/(τ I), half of the distance threshold; noiseless least squares 1/τ (12, 89)."""
    system = sh.derive(sh.least_squares(noise=OMEGA), sh.Polyak())
    assert sp.cancel(scalar(system, "gamma") - error_square / (tau * (error_square + omega**2))) == 0
    threshold = system.unfolded(system.outputs["distance_threshold"])
    assert sp.cancel(threshold - 2 * scalar(system, "gamma")) == 0
    assert sp.cancel(scalar(system, "gamma").subs(omega, 0) - 1 / tau) == 0


@pytest.mark.parametrize(
    ("problem", "rule", "right"),
    [
        (sh.least_squares(), sh.Polyak(), 1 / tau),
        (sh.least_squares(noise=OMEGA), sh.Polyak(), error_square / (tau * (error_square + OMEGA**2))),
        (sh.least_squares(noise=2), sh.Constant(ETA), ETA),
        (sh.least_squares(), sh.Schedule(ETA / (1 + t)), ETA / (1 + t)),
    ],
)
def test_expanded_puts_the_users_values_in(problem: sh.Problem, rule: sh.Rule, right: sp.Expr) -> None:
    system = sh.derive(problem, rule)
    assert sp.cancel(system.expanded(system.outputs["learning_rate"]) - right) == 0


def test_line_search() -> None:
    """∫λ²D²dμ/(2κ₂R) for least squares (Table 2, 92)."""
    system = sh.derive(sh.least_squares(noise=OMEGA), sh.LineSearch())
    gradient = next(r.name for r in system.reductions if r.summand == lam**2 * D2)
    assert sp.cancel(scalar(system, "gamma") - gradient / (2 * kappa2 * scalar(system, "risk"))) == 0


def test_line_search_of_any_loss() -> None:
    """‖∇R‖²/((Tr(∇²R K)/d) I) with ∇R = K(c₁X + c₂X*) and Tr(∇²R K)/d → κ₂ c₁ (90-91)."""
    system = sh.derive(sh.phase_retrieval(), sh.LineSearch())
    average = {r.summand: r.name for r in system.reductions}
    c1, c2, noise = (system.scalar(name) for name in ("c1", "c2", "I"))
    m11, m12, m22 = (average[lam**2 * v] for v in (V11, V12, V22))
    square = c1**2 * m11 + 2 * c1 * c2 * m12 + c2**2 * m22
    assert sp.cancel(scalar(system, "gamma") - square / (kappa2 * c1 * noise)) == 0


def test_huber_is_clipped_sgd() -> None:
    """μ = erf(c/(2√P)), I = 2P F(c/√(2P)) + c² erfc(c/(2√P)), 2P = Q + ω² (arXiv 2406.11733)."""
    c = sh.problem.losses.HUBER_THRESHOLD
    system = sh.derive(sh.huber(c, OMEGA), sh.Constant(1))
    assert system.family.states == (D2,)
    P = (error_square + omega**2) / 2
    z = c / sp.sqrt(2 * P)
    F = sp.erf(z / sp.sqrt(2)) - sp.sqrt(2 / sp.pi) * z * sp.exp(-(z**2) / 2)
    clipped = {"c1": sp.erf(c / (2 * sp.sqrt(P))), "I": 2 * P * F + c**2 * sp.erfc(c / (2 * sp.sqrt(P)))}
    point = {error_square: sp.Rational(7, 5), omega: sp.Rational(1, 3), c: sp.Rational(3, 4)}
    for name, by_hand in clipped.items():
        assert abs(sp.N((system.scalar(name) - by_hand).subs(point), 40)) < 1e-30


def test_phase_retrieval_risk() -> None:
    system = sh.derive(sh.phase_retrieval(), sh.Constant(1))
    assert sp.expand(system.scalar("risk") - (3 * B11**2 - 2 * B11 * B22 - 4 * B12**2 + 3 * B22**2) / 4) == 0


@pytest.mark.parametrize(
    "problem",
    [sh.least_squares(1), sh.phase_retrieval(), sh.huber(1, 1), sh.logistic_regression(True)],
    ids=lambda p: p.name,
)
def test_alignment_and_slopes_by_a_second_route(problem: sh.Problem) -> None:
    """A = E (x - x*) f' taken directly equals Stein's form, and c₁ = 2 ∂h/∂B11, c₂ = ∂h/∂B12, at a random point."""
    stats = statistics(problem.outcomes)
    (direct,) = [
        sh.expect(
            sum(o.probability * (sh.x - sh.x_star) * sp.diff(o.loss, sh.x) for o in problem.outcomes),
            ONE_DIRECTION.covariance(omega**2),
            ONE_DIRECTION.variables,
        )
    ]
    stein = stats.c1 * (B11 - B12) + stats.c2 * (B12 - B22)
    point = {
        B11: sp.Rational(6, 5),
        B12: sp.Rational(2, 5),
        B22: sp.Rational(9, 10),
        omega: sp.Rational(1, 2),
        sh.problem.losses.HUBER_THRESHOLD: sp.Rational(4, 5),
    }
    for first, second in [
        (direct, stein),
        (2 * sp.diff(stats.risk, B11), stats.c1),
        (sp.diff(stats.risk, B12), stats.c2),
    ]:
        assert abs(sp.N(first.subs(point) - second.subs(point), 20)) < 1e-15


def test_jumping_slope_uses_predictions_only() -> None:
    """|r| has slope sign(r); with ε = 0, c₁ = E|r|'/… = √(2/π)/√Q, the derivative of E|r| by Q, times two."""
    r = sh.x - sh.x_star
    stats = statistics(sh.Problem(sp.Abs(r)).outcomes)
    Q = B11 - 2 * B12 + B22
    point = {B11: sp.Rational(6, 5), B12: sp.Rational(2, 5), B22: sp.Rational(9, 10)}
    assert abs(sp.N((stats.c1 - sp.sqrt(2 / sp.pi) / sp.sqrt(Q)).subs(point), 20)) < 1e-15
    assert abs(sp.N((stats.c2 + sp.sqrt(2 / sp.pi) / sp.sqrt(Q)).subs(point), 20)) < 1e-15


@dataclass(frozen=True)
class Forgetful(Rule):
    """An average of ‖∇f‖²/d over O(1) steps: no limit on the time scale steps/d."""

    @property
    def memory(self) -> tuple[Memory, ...]:
        m = sp.Symbol("m", positive=True)
        return (Memory(m, (gradient_square / d - m) / 10, sp.S.One),)

    @property
    def rate(self) -> sp.Expr:
        return 1 / sp.sqrt(self.memory[0].name)


def test_memory_of_order_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not O\(1/d\)"):
        sh.derive(sh.least_squares(), Forgetful())


def test_wrong_arguments() -> None:
    with pytest.raises(TypeError, match="problem must be"):
        sh.derive("least squares", sh.Polyak())
    with pytest.raises(TypeError, match="rule must be"):
        sh.derive(sh.least_squares(), 0.1)
    with pytest.raises(ValueError, match="not a parameter of this system"):
        sh.derive(sh.least_squares(), sh.Constant(1)).bind({"nonsense": 1})


def test_bind_says_what_is_left_without_a_value() -> None:
    first, second = sp.symbols("a b", positive=True)
    system = sh.derive(sh.least_squares(first), sh.Constant(second))
    with pytest.raises(ValueError, match=r"not a parameter of this system without a value; it has a, b$"):
        system.bind({"c": 1})
    with pytest.raises(ValueError, match=r"without a value; it has none left$"):
        system.bind({"a": 1, "b": 2}).bind({"a": 1})
