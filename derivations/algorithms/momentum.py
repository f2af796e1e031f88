"""Momentum on least squares: where its modes rest, and the heavy ball against SGD.

With e = X - X*, D² = E e², χ = E e M and ξ = E M² of a mode (entries times √d), P = 2R and the step
M⁺ = M + (∇f - δM)/d, X⁺ = X - (γ₂∇f + γ₃M)/d, one step to order 1/d gives

    dD² = -2γ₂λD² - 2γ₃χ + γ₂²λP,   dχ = -(γ₂λ + δ)χ - γ₃ξ + λD² - γ₂λP,   dξ = -2δξ + 2λχ + λP.

At rest these are linear in (D², χ, ξ)/P; the share λD²/P of a mode in P is a number, and P = ω²/(1 - Φ) where Φ is the
average of the shares: the modes rest at a finite level only where Φ < 1. For the heavy ball, γ₂ = 0, the share is
λγ₃/(2δ), which is SGD's at the rate γ₃/δ: same threshold, same floor, whatever the spectrum.
"""

import sympy as sp

import symhigh as sh
from symhigh.ledger import Claim, Measured, equal, integrated, symbolic
from symhigh.symbols import gradient_noise, lam, omega, tau

g2, g3, friction, level = sp.symbols("gamma_2 gamma_3 delta P", positive=True)
VALUES, WEIGHTS = (1.5, 0.6, 0.3), (0.2, 0.5, 0.3)
D, CHI, XI = sp.symbols("D chi xi", real=True)


def share(rule, decay=0):
    """λD²/P of a mode at rest, or while P decays like ``e^{-decay t}``, from the derived equations of the rule."""
    system = sh.derive(sh.least_squares(omega), rule, reduce=False)
    V = {str(s): s for s in (*system.family.states, *system.family.coefficients)}
    rhs = {str(s): e for s, e in zip(system.family.states, system.family.rhs, strict=True)}
    rates = {x.name: x.expression for x in system.scalars if str(x.name) == "gamma"}
    drifts = [rhs["V11"] - 2 * rhs["V12"]]
    errors = {V["V11"]: D + 2 * V["V12"] - V["V22"]}
    unknown = [D]
    if "V1M" in V:
        drifts += [rhs["V1M"] - rhs["VM2"], rhs["VMM"]]
        errors |= {V["V1M"]: CHI + V["VM2"], V["VMM"]: XI}
        unknown += [CHI, XI]
    closed = [sp.expand(e.subs(errors).subs(rates).subs(system.parameters)).subs(gradient_noise, level) for e in drifts]
    (found,) = sp.linsolve([e + decay * s for e, s in zip(closed, unknown, strict=True)], unknown)
    return sp.factor(lam * found[0] / level)


@symbolic
def share_of_a_mode():
    """λD²/P = λ(δγ₂ + γ₂²λ + γ₃)/(2(δ + γ₂λ)) at rest."""
    derived = share(sh.Momentum(g3, friction, g2))
    return equal(derived, lam * (friction * g2 + g2**2 * lam + g3) / (2 * (friction + g2 * lam)))


@symbolic
def heavy_ball_is_sgd_at_rest():
    """The share of the heavy ball is that of SGD at the rate γ₃/δ: both derived, both the one written by hand."""
    by_hand = lam * g3 / (2 * friction)
    yield equal(share(sh.Momentum(g3, friction)), by_hand)
    yield equal(share(sh.Constant(g3 / friction)), by_hand)


@symbolic
def floor_of_the_heavy_ball():
    """P = ω² + ΦP with Φ = τγ₃/(2δ) gives R = ω²/(2(1 - Φ))."""
    mass = share(sh.Momentum(g3, friction)) / lam * tau
    (rest,) = sp.solve(sp.Eq(level, omega**2 + mass * level, evaluate=False), level)
    return equal(rest / 2, omega**2 / (2 * (1 - tau * g3 / (2 * friction))))


@integrated(tolerance=1e-6)
def floors_of_curves(trial):
    """Risk of integrated curves at t = 150 against ω²/(2(1 - Φ)), three atoms."""
    spectrum = sh.Spectrum.from_eigenvalues(VALUES, WEIGHTS)
    for first, second, delta in ((0.3, 0.4, 1.0), (0.0, 0.8, 2.0)):
        rule = sh.Momentum(second, delta, first)
        curve = sh.derive(sh.least_squares(0.5), rule).solve(spectrum, sh.Start(), 150.0, t=[150.0], rtol=1e-9)
        shares = [lam * (friction * g2 + g2**2 * lam + g3) / (2 * (friction + g2 * lam))] * 3
        total = sum(w * s.subs(lam, v) for w, s, v in zip(WEIGHTS, shares, VALUES, strict=True))
        yield Measured("R", curve.risk[0]), omega**2 / (2 * (1 - total)), {
            omega: 0.5, g2: first, g3: second, friction: delta,
        }  # fmt: skip


@integrated(tolerance=1e-6)
def floors_of_heavy_balls(trial):
    """Risk of integrated curves at t = 150, of the heavy ball and of SGD at the rate over the friction."""
    spectrum = sh.Spectrum.from_eigenvalues(VALUES, WEIGHTS)
    for rate, delta in ((0.8, 2.0), (0.3, 0.5)):
        ball, plain = (
            sh.derive(sh.least_squares(0.5), rule).solve(spectrum, sh.Start(), 150.0, t=[150.0], rtol=1e-9).risk[0]
            for rule in (sh.Momentum(rate, delta), sh.Constant(rate / delta))
        )
        formula = omega**2 / (2 * (1 - tau * g3 / (2 * friction)))
        where = {omega: 0.5, g3: rate, friction: delta, tau: sum(v * w for v, w in zip(VALUES, WEIGHTS, strict=True))}
        yield Measured("R of the heavy ball", ball), formula, where
        yield Measured("R of SGD", plain), formula, where


rest = Claim(
    "Momentum at rest, mode by mode",
    "Least squares, any spectrum: the share of each mode, and the floor that it gives.",
    source="symhigh's own",
    id="algorithms/momentum-at-rest",
    evidence=[share_of_a_mode],
    checks=[floors_of_curves],
)
heavy_ball = Claim(
    "The heavy ball rests where SGD does",
    "The level at rest, and where it ceases to be finite, are those of SGD at the rate over the friction.",
    source="symhigh's own",
    id="algorithms/heavy-ball",
    evidence=[heavy_ball_is_sgd_at_rest, floor_of_the_heavy_ball],
    checks=[floors_of_heavy_balls],
)
