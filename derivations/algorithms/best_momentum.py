"""The best momentum on noiseless least squares: what it gains on SGD, and what no momentum gains.

While the risk decays like e^{-ρt}, the share λD²/P of a mode is that of the rest with d/dt replaced by -ρ, and the
shares average to one. With r = ρ/2, ``G = γ₂/r``, ``k = δ/r - 1`` and ``C = (γ₃ + γ₂(δ - r))/r²`` the share is rψ,

    ψ(λ) = λ² [G² + C²/(λC - k)]/(2(k - 1 + λG)),      λC > k,  k - 1 + λG > 0,      ρ = 2/∫ψ dμ:

the exponent without a root in it. Four things follow.

*No momentum beats e^{-t}.* 2(k - 1 + λG)(ψ - 2) = (λG - 2)² + (λC - 2k)²/(λC - k) ≥ 0, so ρ ≤ 1, and ρ = 1 only for
one eigenvalue and γ₃ = r²(C - Gk) = 0, SGD at 1/λ. (For any linear rule, of as many vectors as one likes: the response
f of a mode has ∫f dt = 1/λ, and 1/λ² = (∫f)² ≤ ∫f²e^{ρt} dt/ρ by Cauchy and Schwarz; averaged with λ² this is ρ ≤ 1.)

*The heavy ball never beats SGD.* At γ₂ = 0 the ψ of friction k is k/(k - 1) times that of SGD at G = C/k.

*With a direct step momentum beats SGD unless K = λI.* SGD is γ₃ = 0, C = Gk, with any k. There

    ∂ψ/∂C = (G/2) h/(k - 1 + λG),      h = λ²(λG - 2)/(λG - 1)²,
    h/(k - 1 + λG) = h/(k + 1) - λ²(λG - 2)²/((k + 1)(λG - 1)²(k - 1 + λG)),

and at the best rate ∫h dμ = 0. So a small γ₃ > 0 lowers ∫ψ dμ.

*On a Marchenko-Pastur law of ratio r < 1* the gradient of ∫ψ dμ vanishes at γ₂ = 1, γ₃ = r, δ = 1 - r, where ρ = 1 - r.
"""

import numpy as np
import sympy as sp
from momentum import share

import symhigh as sh
from symhigh.closed.marchenko_pastur import MarchenkoPastur
from symhigh.ledger import Claim, Measured, at_least, equal, integrated, must_fail, numeric, symbolic
from symhigh.symbols import lam

G, C, k, half, ratio, above = sp.symbols("G C k rho_half r m", positive=True)
PSI = lam**2 * (G**2 + C**2 / (lam * C - k)) / (2 * (k - 1 + lam * G))
SGD = PSI.subs(C, G * k)
HEAVY = sp.limit(PSI, G, 0)
DOMAIN = {
    **{lam: (1, 2), k: (sp.Rational(11, 10), 3), G: (sp.Rational(3, 2), 3), C: (4, 9)},
    **{half: (0, sp.Rational(1, 2)), above: (0, 3)},
}


# --- the exponent ------------------------------------------------------------------------------------------------
@symbolic
def without_a_root():
    """The share of a mode while the risk decays, from the derived equations."""
    rule = sh.Momentum(half**2 * (C - G * k), half * (k + 1), half * G)
    yield equal(share(rule, 2 * half), half * PSI)
    yield equal(share(sh.Constant(half * G), 2 * half), half * SGD)


@symbolic
def sum_of_squares():
    """What a mode keeps the exponent below its bound by."""
    squares = (lam * G - 2) ** 2 + (lam * C - 2 * k) ** 2 / (lam * C - k)
    yield equal(PSI, 2 + squares / (2 * (k - 1 + lam * G)))
    yield at_least(squares.subs(C, (above + k) / lam), 0)


@integrated(tolerance=1e-9)
def roots_of_the_secular_equation(trial):
    """The exponent of limits, a root, against two over the average."""
    for _ in range(2 if trial.quick else 5):
        values, weights = np.sort(trial.rng.uniform(0.3, 2, 3)), trial.rng.dirichlet(np.ones(3))
        g, c, friction = trial.rng.uniform(1.5, 3) / values[0], trial.rng.uniform(3, 9) / values[0], 1.5
        average = sum(w * PSI.subs({lam: v, G: g, C: c, k: friction}) for v, w in zip(values, weights, strict=True))
        r = 1 / float(average)
        rule = sh.Momentum(r**2 * abs(c - g * friction), r * (friction + 1), r * g)
        if c > g * friction:
            spectrum = sh.Spectrum.from_eigenvalues(values, weights)
            found = sh.limits(sh.least_squares(), rule, spectrum)["rate"].evaluate()
            yield Measured("ρ", float(found)), Measured("2/∫ψ dμ", 2 * r), {"eigenvalues": values}
    best = sh.best_momentum(sh.Spectrum.from_eigenvalues([1.0, 0.1]))
    yield Measured("best ρ on two eigenvalues", best.decay), sp.Float("0.514493534621831"), {}


bound = Claim(
    "No momentum decays faster than the samples come",
    "Noiseless least squares, every spectrum: the exponent as an average over the spectrum, and its bound.",
    source="symhigh's own",
    id="algorithms/momentum-bound",
    domain=DOMAIN,
    evidence=[without_a_root, sum_of_squares],
    checks=[roots_of_the_secular_equation],
)


# --- the heavy ball ----------------------------------------------------------------------------------------------
@symbolic
def heavy_ball_behind_sgd():
    """The heavy ball's average is that of SGD times a number above one, whatever the eigenvalue."""
    rule = sh.Momentum(half**2 * C, half * (k + 1))
    yield equal(share(rule, 2 * half), half * HEAVY)
    yield equal(HEAVY, k / (k - 1) * SGD.subs(G, C / k))


def best_heavy_ball(spectrum, friction):
    """The best exponent of the heavy ball at a friction, in units of r: a minimum over C."""
    x = np.linspace(1.02, 20, 20000)[:, None] * friction / spectrum.values.min()
    psi = spectrum.values**2 * x**2 / ((spectrum.values * x - friction) * 2 * (friction - 1)) @ spectrum.weights
    return 2 / psi.min()


@integrated(tolerance=1e-4)
def best_heavy_balls(trial):
    """The best heavy ball of a friction against the best constant rate, searched on a grid."""
    for values in ([1.0, 0.1], [1.5, 0.5, 0.3]):
        spectrum = sh.Spectrum.from_eigenvalues(values)
        for friction in (1.5, 4.0, 30.0):
            yield Measured("its exponent", best_heavy_ball(spectrum, friction)), (1 - 1 / k) * sp.Float(
                sh.best_rate(spectrum).decay
            ), {k: friction}


@must_fail
@integrated(tolerance=1e-4)
def heavy_ball_as_fast(trial):
    """The exponent of SGD itself."""
    spectrum = sh.Spectrum.from_eigenvalues([1.0, 0.1])
    yield best_heavy_ball(spectrum, 4.0), sh.best_rate(spectrum).decay


heavy_ball = Claim(
    "The heavy ball never beats the best constant rate",
    "Noiseless least squares, every spectrum: slower at each friction, and as fast only as friction grows without end.",
    source="symhigh's own",
    id="algorithms/heavy-ball-exponent",
    domain=DOMAIN,
    evidence=[heavy_ball_behind_sgd],
    checks=[best_heavy_balls, heavy_ball_as_fast],
)


# --- the direct step ---------------------------------------------------------------------------------------------
@symbolic
def slope_at_sgd():
    """The slope in the rate along the momentum at plain SGD; the part that vanishes at the best rate split off."""
    h = lam**2 * (lam * G - 2) / (lam * G - 1) ** 2
    rest = lam**2 * (lam * G - 2) ** 2 / ((k + 1) * (lam * G - 1) ** 2 * (k - 1 + lam * G))
    yield equal(sp.diff(PSI, C).subs(C, G * k), G / 2 * (h / (k + 1) - rest))
    yield equal(sp.diff(SGD, G), G / 2 * h)
    yield at_least(rest.subs(lam, (1 + above) / G), 0)


@integrated(tolerance=1e-12)
def faster_than_the_best_rate(trial):
    """The larger of the two exponents is that of momentum, on random spectra."""
    for _ in range(2 if trial.quick else 5):
        values = trial.rng.uniform(0.1, 2, 3)
        spectrum = sh.Spectrum.from_eigenvalues(values)
        momentum, plain = sh.best_momentum(spectrum).decay, sh.best_rate(spectrum).decay
        yield Measured("max(ρ of momentum, 1.0001 ρ of SGD)", max(momentum, 1.0001 * plain)), momentum, {
            "eigenvalues": values
        }  # fmt: skip


@integrated(tolerance=2e-3)
def decay_of_curves(trial):
    """The exponent of integrated curves at the best momentum of two eigenvalues; gains integrated elsewhere."""
    for low, gain in ((0.1, 1.268), (0.01, 3.1294)):
        spectrum = sh.Spectrum.from_eigenvalues([1.0, low])
        best = sh.best_momentum(spectrum)
        system = sh.derive(sh.least_squares(), sh.Momentum(best.gamma, best.friction, best.direct))
        late = 30 / best.decay
        curve = system.solve(spectrum, sh.Start(1, 0, 0), late, t=[late / 2, late], rtol=1e-11, atol=1e-30)
        measured = np.log(curve.risk[0] / curve.risk[1]) / (late / 2)
        yield Measured("exponent of the curve", measured), Measured("2/min ∫ψ dμ", best.decay), {"λ": low}
        yield Measured("gain", best.decay / sh.best_rate(spectrum).decay), sp.Float(gain), {"λ": low}


direct = Claim(
    "With a direct step momentum beats SGD unless all eigenvalues are equal",
    "Noiseless least squares, every spectrum: the slope of the exponent at the best constant rate.",
    source="symhigh's own",
    id="algorithms/momentum-gain",
    domain=DOMAIN,
    evidence=[slope_at_sgd],
    checks=[faster_than_the_best_rate, decay_of_curves],
)


# --- Marchenko and Pastur ----------------------------------------------------------------------------------------
BEST = {G: 2 / (1 - ratio), C: 2 * (1 + ratio) / (1 - ratio) ** 2, k: sp.Integer(1)}


LAW, POLE, AT_POLE = MarchenkoPastur(ratio), (1 - ratio) ** 2 / (2 * (1 + ratio)), 2 / (1 - ratio)
"""The law; k/C at the best place; ∫dμ/(λ - s) there, where the root in it is a square."""


def over_the_law(expr):
    """The average at the best place of a rational function with one pole, at k/C, of order two at most.

    The slope of m = ∫dμ/(λ - s) follows from its quadratic equation.
    """
    m = AT_POLE
    slope = -(ratio * m**2 + m) / (2 * ratio * POLE * m + POLE + ratio - 1)
    function = sp.cancel(expr.subs(BEST))
    regular, rest = sp.div(*sp.fraction(function), lam)
    polar = sp.cancel(rest / sp.fraction(function)[1] * (lam - POLE) ** 2)
    simple, double = sp.diff(polar, lam), polar.subs(lam, POLE)
    powers = sp.Poly(regular, lam).terms()
    whole = sum((c * (LAW.moment(n) if n else 1) for (n,), c in powers), sp.S.Zero)
    return sp.cancel(whole + simple * m + double * slope)


branch = numeric(LAW.stieltjes(POLE), AT_POLE, title="The average of one pole")


@symbolic
def stationary_on_the_law():
    """The gradient vanishes, and the exponent is twice the inverse of the average."""
    yield equal(ratio * POLE * AT_POLE**2 + (POLE + ratio - 1) * AT_POLE + 1, 0)
    for direction in (G, C, k):
        yield equal(over_the_law(sp.diff(PSI, direction)), 0)
    yield equal(2 / over_the_law(PSI), 1 - ratio)


@symbolic
def constants_on_the_law():
    """Back from G, C and k to the rates and the friction."""
    r = (1 - ratio) / 2
    yield equal((r * G).subs(BEST), 1)
    yield equal((r**2 * (C - G * k)).subs(BEST), ratio)
    yield equal((r * (k + 1)).subs(BEST), 1 - ratio)


@integrated(tolerance=1e-9)
def found_by_search(trial):
    """The search among all momenta, on the law's quadrature."""
    for value in (0.1, 0.3, float(trial.rng.uniform(0.05, 0.7))):
        found = sh.best_momentum(sh.Spectrum.marchenko_pastur(value))
        for name, number, formula in zip(
            ("γ₃", "δ", "γ₂", "ρ"), found, (ratio, 1 - ratio, sp.Integer(1), 1 - ratio), strict=True
        ):
            yield Measured(name, number), formula, {ratio: value}


marchenko_pastur = Claim(
    "The best momentum on a Marchenko-Pastur spectrum",
    "Noiseless least squares; stationary is proved, that no other momentum is faster is verified by search.",
    source="symhigh's own",
    id="algorithms/momentum-marchenko-pastur",
    domain={ratio: (0, sp.Rational(9, 10))},
    evidence=[branch, stationary_on_the_law, constants_on_the_law, found_by_search],
)
