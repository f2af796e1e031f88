"""Rules through the derivation: their limits by hand, the ten-line rule of a user, refusals."""

from dataclasses import dataclass

import pytest
import sympy as sp

import symhigh as sh
from symhigh.rule import adagrad_norm, rmsprop_norm, stochastic_polyak, thresholds, wrapped
from symhigh.symbols import (
    B11,
    B12,
    D2,
    V10,
    V11,
    V12,
    V20,
    batch_size,
    d,
    error_square,
    gamma,
    gradient_noise,
    gradient_square,
    lam,
    omega,
    sample_loss,
    tau,
)
from symhigh.system import MomentSystem

NOISY = sh.least_squares(1)


def memory_of(system: MomentSystem) -> sp.Expr:
    (memory,) = system.states
    return memory


def test_both_scalings_of_rmsprop_norm() -> None:
    """``db²/dt = τI - αb²`` for the sum (18); an average has α τI."""
    summed, average = (
        memory_of(sh.derive(NOISY, sh.RMSpropNorm(1, 1, 0.5, kind)))
        for kind in (sh.Forgetting.SUM, sh.Forgetting.AVERAGE)
    )
    alpha = rmsprop_norm.ALPHA
    assert sp.expand(summed.rhs - (tau * gradient_noise - alpha * summed.name)) == 0
    assert sp.expand(average.rhs - alpha * (tau * gradient_noise - average.name)) == 0


def test_fixed_alpha_is_refused_with_the_scaling_that_works() -> None:
    with pytest.raises(ValueError, match=r"not O\(1/d\).*Forgetting.SUM or Forgetting.AVERAGE"):
        sh.derive(NOISY, sh.RMSpropNorm(1, 1, 0.5, sh.Forgetting.FIXED))


def test_thresholds_are_twice_the_minimisers() -> None:
    fraction = thresholds.FRACTION
    for threshold, best in ((sh.DistanceThreshold(1), sh.Polyak()), (sh.RiskThreshold(1), sh.LineSearch())):
        found, half = (sh.derive(NOISY, rule).scalar("gamma") for rule in (threshold, best))
        assert sp.cancel(found - 2 * fraction * half) == 0


def test_the_risk_stands_still_at_its_threshold() -> None:
    """dh/dt = c₁ ⟨λ dV11⟩/2 + c₂ ⟨λ dV12⟩ = 0 at fraction 1, by the modes' own equation for least squares."""
    system = sh.derive(NOISY, sh.RiskThreshold(1))
    average = {r.summand: r.name for r in system.reductions}
    rate = system.scalar("gamma").subs(thresholds.FRACTION, 1)
    growth = sp.expand(lam * system.family.rhs[0])
    mean = (
        growth.coeff(D2, 1) / lam**2 * average[lam**2 * D2] + growth.coeff(D2, 0) / lam**2 * average[lam**2]
    )
    assert sp.cancel(mean.subs(gamma, rate)) == 0


def test_batches_divide_the_noise() -> None:
    system = sh.derive(NOISY, sh.MiniBatch(sh.AdaGradNorm(1, 1), 4))
    assert (
        sp.expand(
            system.family.rhs[0] - (-2 * lam * gamma * D2 + lam * gamma**2 * gradient_noise / batch_size)
        )
        == 0
    )
    assert sp.expand(memory_of(system).rhs - tau * gradient_noise / batch_size) == 0
    best = sh.derive(NOISY, sh.MiniBatch(sh.Polyak(), 4)).scalar("gamma")
    assert sp.cancel(best - batch_size * error_square / (tau * gradient_noise)) == 0


def test_weight_decay_shrinks_every_mode() -> None:
    plain, decayed = (
        sh.derive(NOISY, rule, reduce=False).family.rhs
        for rule in (sh.Constant(1), sh.WeightDecay(sh.Constant(1), 0.1))
    )
    assert sp.expand(decayed[0] - plain[0] + 2 * gamma * wrapped.DECAY * V11) == 0
    assert sp.expand(decayed[1] - plain[1] + gamma * wrapped.DECAY * V12) == 0


def test_distance_over_gradients() -> None:
    """One more direction: dV10/dt = -λγ(V10 - V20); the maximum follows ``‖X - X0‖²`` while it leads."""
    system = sh.derive(NOISY, sh.DoG(0.1, 0.1))
    assert sp.expand(system.family.rhs[2] + lam * gamma * (V10 - V20)) == 0
    farthest = system.states[0]
    following = farthest.rhs.args[0].expr.args
    average = {r.summand: r.name for r in system.reductions}
    b10, b20 = average[lam * V10], average[lam * V20]
    speed = 2 * gamma * (b10 - B11 + B12 - b20) + gamma**2 * tau * gradient_noise
    assert any(sp.expand(a - speed) == 0 for a in following)


def test_stochastic_polyak_on_least_squares_is_a_constant() -> None:
    """d f/(c ‖∇f‖²) → 1/(2cτ) whatever the sample, so the capped step is the smaller of two constants."""
    system = sh.derive(NOISY, sh.StochasticPolyak(0.7))
    cap, damping = stochastic_polyak.CAP, stochastic_polyak.DAMPING
    g = sp.Min(cap, 1 / (2 * damping * tau))
    assert sp.simplify(system.scalar("gamma") - g) == 0
    by_hand = -2 * lam * g * D2 + lam * g**2 * (error_square + omega**2)
    assert sp.expand(system.unfolded(system.family.rhs[0]) - by_hand) == 0


def test_wrappers_nest_and_scale() -> None:
    t = sh.t
    rule = sh.WarmUp(sh.Modulated(sh.LineSearch(), sp.exp(-t)), 2)
    ratio = sh.derive(NOISY, rule).scalar("gamma") / sh.derive(NOISY, sh.LineSearch()).scalar("gamma")
    assert sp.cancel(ratio - sp.exp(-t) * sp.Min(1, t / wrapped.WARM_UP)) == 0
    rates = sh.cosine(1.0, 4, 0.2).rate
    assert [float(rates.subs(t, s)) for s in (0, 2, 4, 9)] == pytest.approx([1, 0.6, 0.2, 0.2])


def test_delay_does_not_change_the_limit() -> None:
    plain, delayed = sh.derive(NOISY, sh.AdaGradNorm(1, 1)), sh.derive(NOISY, sh.DelayedAdaGradNorm(1, 1))
    power = adagrad_norm.POWER
    assert plain.states == delayed.states
    assert sp.powdenest(plain.scalar("gamma") - delayed.scalar("gamma").subs(power, sp.S.Half)) == 0


@dataclass(frozen=True)
class LossDriven(sh.Rule):
    """A user's rule: the rate falls with the sum of the losses seen."""

    scale: float = 1.0

    SUM, SCALE = sp.symbols("S sigma_0", positive=True)

    @property
    def memory(self) -> tuple[sh.Memory, ...]:
        return (sh.Memory(self.SUM, sample_loss / d, sp.S.One),)

    @property
    def rate(self) -> sp.Expr:
        return self.SCALE / self.SUM

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {self.SCALE: sp.Float(self.scale)}


def test_a_users_rule() -> None:
    system = sh.derive(NOISY, LossDriven())
    assert sp.expand(memory_of(system).rhs - (error_square + omega**2) / 2) == 0


@dataclass(frozen=True)
class Broken(sh.Rule):
    increment: sp.Expr
    speed: sp.Expr

    @property
    def memory(self) -> tuple[sh.Memory, ...]:
        return (sh.Memory(sp.Symbol("S", positive=True), self.increment, sp.S.One),)

    @property
    def rate(self) -> sp.Expr:
        return self.speed


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            Broken(sp.Symbol("momentum") / d, sp.S.One),
            "increment of S depends on momentum, so the system does not close",
        ),
        (Broken(1 / d, sp.Symbol("S_2")), "its rate depends on S_2"),
        (Broken(1 / d, 1 + sp.Symbol("Z")), "its rate depends on Z"),
        (Broken(1 / d, 1 / d), "depends on d; a step is rate/d times the gradient"),
        *(
            (Broken(i, sp.S.One), r"not O\(1/d\)")
            for i in (gradient_square / d, sample_loss, sp.S.One, d**-0.5)
        ),
        (Broken(1 / d, sample_loss / gradient_square), "no limit other than 0"),
        (sh.MiniBatch(Broken(gradient_square**2 / d**3, sp.S.One), 2), "not linear in gradient_square"),
        (sh.MiniBatch(sh.StochasticPolyak(1), 2), "a batch has several"),
    ],
)
def test_rules_without_a_limit_are_refused(rule: sh.Rule, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sh.derive(NOISY, rule)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: sh.RMSpropNorm(1, 1, 0), ValueError, "alpha must be > 0"),
        (lambda: sh.RMSpropNorm(1, 1, 1, "sum"), TypeError, "forgetting must be one of"),
        (lambda: sh.MiniBatch(sh.Constant(1), 0), ValueError, "m must be >= 1"),
        (lambda: sh.MiniBatch(sh.MiniBatch(sh.Constant(1), 2), 2), ValueError, "has a batch already"),
        (lambda: sh.WeightDecay(1, 1), TypeError, "inner must be a symhigh rule"),
        (lambda: sh.cosine(1, 2, 3), ValueError, "floor must be <= gamma"),
        (lambda: sh.DoG(0, 1), ValueError, "r0 must be > 0"),
        (lambda: sh.StochasticPolyak(-1), ValueError, "cap must be > 0"),
        (lambda: sh.NoisyGradient(sh.ClippedGradient(sh.Constant(1), 2), 0.1), ValueError, r"ClippedGradient\(Noisy"),
        (lambda: sh.WeightDecay(sh.WeightDecay(sh.Constant(1), 1), 2), ValueError, "a weight decay already"),
        (lambda: sh.Modulated(sh.Constant(1), sp.I * sh.t), ValueError, "factor must be real"),
        (lambda: sh.Modulated(sh.Constant(1), -sp.S.One), ValueError, "factor must be >= 0"),
        (lambda: sh.Schedule(sp.I * sh.t), ValueError, "expr must be real, a learning rate"),
        (lambda: sh.Schedule(-sp.S.One), ValueError, "expr must be >= 0"),
        (lambda: sh.Schedule(sp.Symbol("t")), ValueError, "another symbol called t"),
        (lambda: sh.MiniBatch(sh.Constant(1), sp.Symbol("m", negative=True)), ValueError, "a whole number >= 1"),
        (lambda: sh.MiniBatch(sh.Constant(1), sp.Symbol("m", integer=False)), ValueError, "a whole number >= 1"),
    ],
)
def test_refusals(make, error, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=message):
        make()


def test_symbols_of_batches_and_floors() -> None:
    m = sp.Symbol("m", integer=True, positive=True)
    assert sh.MiniBatch(sh.Constant(1), m).m == m
    assert sh.MiniBatch(sh.Constant(1), sp.Symbol("b")).m == sp.Symbol("b")
    assert sh.MiniBatch(sh.Constant(1), 1).m == 1
    assert sh.cosine(2, 4, 2).rate == 2
    rate = sh.cosine(3, 4, 1).rate
    for at, value in ((0, 3), (2, 2), (4, 1), (5, 1), (sp.Rational(4, 3), sp.Rational(5, 2))):
        assert sp.simplify(rate.subs(sh.t, at) - value) == 0
    warm = sh.WarmUp(sh.Schedule(2 * sh.t), 3).rate.subs(wrapped.WARM_UP, 3)
    assert [warm.subs(sh.t, at) for at in (1, 3, 6)] == [sp.Rational(2, 3), 6, 12]
