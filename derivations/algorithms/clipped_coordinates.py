"""SGD whose gradient is clipped entry by entry, on least squares: its drift and noise, where it rests, how fast.

For X⁺ = X - (γ/d) φ(∇f), φ(w) = max(-c, min(c, w)) and K diagonal, an entry of the gradient is w = rα with r ~ N(0, P)
and α ~ N(0, λ) independent to leading order, of density K₀(|w|/s)/(πs), s = √(λP). Mehler's formula in (r, α), whose
correlation is of order d^{-1/2}, gives the drift -γλ E[∂_r∂_α φ(rα)]·(entry of X - X*), and so

    dD² = -2γλ A D² + γ² B,      A = E[w φ(w)]/(λP),      B = E φ(w)²,      P = avg λD² + ω².

With h = c/s and u = |w|/s, whose density is (2/π) K₀(u), E u min(u, h) = (2/π) ∫₀ʰ v K₁(v) dv by parts twice, hence

    A = 1 - (2/π)(Ki₁(h) + h K₀(h)),      B = λP (A - (2/π) h² (K₁(h) - Ki₁(h))).

For h → 0 these are those of c sign(w), (2/π)h and c², and for h → ∞ those of SGD. The place of rest solves
1 = ω²/P + (γ/2) avg λ B/(λP A); B/(λP A), the mean of φ(w)/w under weights wφ(w), falls in P.
"""

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.closed.entrywise import Bickley, pull_and_push
from symhigh.derivation.mixture import outermost_means
from symhigh.ledger import Claim, Measured, equal, integrated, must_fail, symbolic

h = sp.symbols("h", positive=True)
VALUES, BOUND, RATE, NOISE = np.array([1.5, 0.5]), 0.5, 0.5, 0.3
SPECTRUM, PROBLEM = sh.Spectrum.from_eigenvalues(VALUES), sh.least_squares(NOISE)
CLIPPED = sh.ClippedCoordinates(sh.Constant(RATE), BOUND)


# --- drift and noise ---------------------------------------------------------------------------------------------
@symbolic
def slope_of_the_drift():
    """dA/dh = (2/π) h K₁(h), the mean of u beyond h."""
    pull, _ = pull_and_push(h)
    return equal(sp.diff(pull, h), 2 / sp.pi * h * Bickley(-1, h))


@symbolic
def slope_of_the_noise():
    """d(B/(λP))/dh = (4/π) h Ki₁(h), twice h times the probability beyond h."""
    _, push = pull_and_push(h)
    moved = sp.diff(push, h).subs(Bickley(-2, h), Bickley(0, h) + Bickley(-1, h) / h)  # K₁' = -K₀ - K₁/h
    return equal(moved, 4 / sp.pi * h * Bickley(1, h))


@integrated(tolerance=1e-9)
def derived_averages(trial):
    """The two averages of the derived system at two eigenvalues and three levels."""
    system = sh.derive(PROBLEM, CLIPPED)
    (rhs,) = system.family.rhs
    pull, push = pull_and_push(h)
    for level in (0.1, 0.5, 3.0):
        for value in VALUES:
            symbols = {s.name: s for s in rhs.free_symbols}
            put = {symbols["Q"]: level - NOISE**2, symbols["lambda"]: value, symbols["c_entry"]: BOUND}
            put |= {symbols["omega"]: NOISE, symbols["gamma"]: 1}
            at = rhs.xreplace({mean: sp.Float(mean.subs(put).evalf(15)) for mean in outermost_means([rhs])}).subs(put)
            there = {h: BOUND / np.sqrt(value * level)}
            yield Measured("A", -float(at.coeff(symbols["D2"]) / (2 * value))), pull, there
            yield Measured("B/(λP)", float(at.subs(symbols["D2"], 0)) / (value * level)), push, there


averages = Claim(
    "Drift and noise of a mode under gradients clipped entry by entry",
    "Least squares, K diagonal, any spectrum, in terms of the bound over the size of a mode's gradient.",
    source="symhigh's own",
    id="algorithms/clipped-coordinates-averages",
    evidence=[slope_of_the_drift, slope_of_the_noise],
    checks=[derived_averages],
)


# --- where it rests ----------------------------------------------------------------------------------------------
def rests(rule):
    """The level of the integrated curve, and of its closed form."""
    late = sh.derive(PROBLEM, CLIPPED).solve(SPECTRUM, sh.Start(), 120.0, t=[120.0], rtol=1e-11).risk[0]
    return Measured("R", late), sh.limits(PROBLEM, rule, SPECTRUM)["risk"].expr, {}


@integrated(tolerance=1e-8)
def curve_at_rest(trial):
    """The integrated risk against the root of the equation of rest."""
    yield rests(CLIPPED)


@integrated(tolerance=1e-4)
def approach(trial):
    """The exponent of the integrated approach against the root of its secular equation."""
    system = sh.derive(PROBLEM, CLIPPED)
    gaps = system.solve(SPECTRUM, sh.Start(), 30.0, t=[24.0, 30.0], rtol=1e-12).risk
    gaps = gaps - system.solve(SPECTRUM, sh.Start(), 120.0, t=[120.0], rtol=1e-11).risk
    yield Measured("ρ", float(np.log(gaps[0] / gaps[1]) / 6)), sh.limits(PROBLEM, CLIPPED, SPECTRUM)["rate"].expr, {}


@must_fail
@integrated(tolerance=1e-8)
def floor_of_sgd(trial):
    """The place of rest without clipping in its place."""
    yield rests(sh.Constant(RATE))


floor = Claim(
    "The floor of gradients clipped entry by entry, and the rate of the approach to it",
    "Least squares with label noise, K diagonal, any spectrum and any constant rate.",
    source="symhigh's own",
    id="algorithms/clipped-coordinates-floor",
    evidence=[curve_at_rest, approach],
    checks=[floor_of_sgd],
)
