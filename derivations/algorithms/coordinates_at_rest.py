"""RMSprop and Adam on least squares: they rest at one level, whatever they forget by; and AdaGrad's slow descent.

K is diagonal. A cell rests at s = λP, so a coordinate's rate is γ/√(λP) and the heavy ball's theorem holds mode by
mode: with E e² = D², χ = E e M, ξ = E M² and friction δ, Adam's stationary moments are χ = 0 and ξ = δλP/2, hence

    λD² = γ √λ √P/2,      √P = q + √(q² + ω²),      q = γ avg √λ/4,

which holds neither δ nor the rate α at which cells forget, and is RMSprop's level too. AdaGrad's cells grow like λω²t
with label noise, and a mode stands where it would rest at the cell of the moment: its excess risk falls like
ηω avg √λ/(4√t).
"""

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.ledger import Claim, Measured, equal, integrated, must_fail, symbolic
from symhigh.symbols import lam, omega

g, eta, friction, alpha, b, level, mean_root, t = sp.symbols("g eta delta alpha b p m t", positive=True)
D, CHI, XI = sp.symbols("D chi xi", real=True)
VALUES, WEIGHTS = np.array([1.5, 0.6, 0.3]), np.array([0.2, 0.5, 0.3])
SPECTRUM, AVERAGE = sh.Spectrum.from_eigenvalues(VALUES, WEIGHTS), float(WEIGHTS @ np.sqrt(VALUES))


def part_at_rest(rule):
    """λD² of a mode at rest where the mean square of the residual is p², from the derived equations."""
    system = sh.derive(sh.least_squares(omega), rule, reduce=False)
    V = {str(s): s for s in (*system.family.states, *system.family.coefficients)}
    rhs = {str(s): e for s, e in zip(system.family.states, system.family.rhs, strict=True)}
    drifts, unknown = [rhs["V11"] - 2 * rhs["V12"]], [D]
    errors = {V["V11"]: D + 2 * V["V12"] - V["V22"]}
    if "V1M" in V:
        drifts += [rhs["V1M"] - rhs["VM2"], rhs["VMM"]]
        errors |= {V["V1M"]: CHI + V["VM2"], V["VMM"]: XI}
        unknown += [CHI, XI]
    held = {x.name: level**2 if x.name.name == "I" else x.expression for x in system.scalars}
    (cell,) = sp.solve(rhs["s"].subs(held).subs(system.parameters), V["s"])
    closed = [sp.expand(e.subs(errors).subs(held).subs(system.parameters).subs(V["s"], cell)) for e in drifts]
    (rest,) = sp.linsolve(closed, unknown)
    return sp.simplify(lam * rest[0])


@symbolic
def parts():
    """λD² = γ√λ p/2 for both rules."""
    by_hand = g * sp.sqrt(lam) * level / 2
    yield equal(part_at_rest(sh.RMSprop(g, alpha, b)), by_hand)
    yield equal(part_at_rest(sh.Adam(g, friction, alpha, b)), by_hand)


@symbolic
def level_of_both():
    """√P = q + √(q² + ω²) solves P = ω² + (γ/2) avg(√λ) √P."""
    q = g * mean_root / 4
    found = q + sp.sqrt(q**2 + omega**2)
    return equal(found**2, omega**2 + g * mean_root * found / 2)


def curves(factor):
    """Risk of integrated curves at t = 150 against P/2, three atoms; ``factor`` multiplies q."""
    q = factor * g * mean_root / 4
    for noise, rule in ((0.5, sh.RMSprop(0.3, 1, 1)), (0.5, sh.Adam(0.3, 2, 1, 1)), (0.0, sh.Adam(0.3, 3, 0.7, 1))):
        curve = sh.derive(sh.least_squares(noise), rule).solve(SPECTRUM, sh.Start(), 150.0, t=[150.0], rtol=1e-9)
        yield Measured("R", curve.risk[0]), (q + sp.sqrt(q**2 + omega**2)) ** 2 / 2, {
            g: 0.3, mean_root: AVERAGE, omega: noise,
        }  # fmt: skip


@integrated(tolerance=1e-6)
def curves_at_rest(trial):
    """Risk of integrated curves at t = 150 against P/2, three atoms."""
    yield from curves(1)


@must_fail
@integrated(tolerance=1e-6)
def signs_at_rest(trial):
    """The q of sign descent in the place of these rules'."""
    yield from curves(sp.pi / 2)


def falls(power):
    """Excess risk of AdaGrad's curves at late times against ηω avg √λ/(4 t^power)."""
    for noise, late in ((0.5, 1e4), (0.3, 4e4)):
        curve = sh.derive(sh.least_squares(noise), sh.AdaGrad(0.6, 0.3)).solve(
            SPECTRUM, sh.Start(), late, t=[late], rtol=1e-10
        )
        yield Measured("excess", curve.risk[0] - noise**2 / 2), eta * omega * mean_root / (4 * t**power), {
            eta: 0.6, omega: noise, mean_root: AVERAGE, t: late,
        }  # fmt: skip


@integrated(tolerance=0.02)
def late_excess(trial):
    """Excess risk of AdaGrad's curves at t = 1e4 and 4e4, in which it still has a relative error of order 1/√t."""
    yield from falls(sp.S.Half)


@must_fail
@integrated(tolerance=0.02)
def late_excess_of_a_mean(trial):
    """A fall like 1/t."""
    yield from falls(sp.S.One)


rest = Claim(
    "RMSprop and Adam rest at one level",
    "Least squares, K diagonal, any spectrum: neither the friction nor the rate at which cells forget changes it.",
    source="symhigh's own",
    id="algorithms/coordinates-at-rest",
    evidence=[parts, level_of_both],
    checks=[curves_at_rest, signs_at_rest],
)
slow = Claim(
    "AdaGrad with label noise",
    "Least squares, K diagonal, any spectrum: the excess risk for large t.",
    source="symhigh's own",
    id="algorithms/adagrad-late",
    evidence=[late_excess],
    checks=[late_excess_of_a_mean],
)
