"""Sign SGD on least squares: where it rests.

For X⁺ = X - (γ/d) sign(∇f) and K diagonal, E sign(a)·(…) brings √(2λ/π) and E ∂ sign(r) = √(2/π)/√P, so a mode obeys

    dD² = -(4γ/π) √λ D²/√P + γ²,      P = avg λD² + ω².

At rest D² = γπ√P/(4√λ), hence P = 2q√P + ω² with q = γπ avg √λ/8: √P = q + √(q² + ω²). The floor is not of order γ
times the noise: for ω = 0 it is P = 4q².
"""

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.ledger import Claim, Measured, equal, integrated, symbolic
from symhigh.symbols import lam, omega

g, root, mean_root = sp.symbols("g p m", positive=True)


@symbolic
def mode_at_rest():
    """D² = γπ√P/(4√λ), from the derived equations."""
    system = sh.derive(sh.least_squares(omega), sh.SignSGD(g), reduce=False)
    V = {str(s): s for s in (*system.family.states, *system.family.coefficients)}
    drift = system.family.rhs[0] - 2 * system.family.rhs[1]
    D = sp.Symbol("D", positive=True)
    known = {x.name: system.unfolded(x.expression) for x in system.scalars}
    closed = drift.subs(known).subs(system.parameters).subs(V["V11"], D + 2 * V["V12"] - V["V22"])
    B = {str(s): s for s in closed.free_symbols}
    closed = sp.simplify(closed.subs(B["B11"], root**2 - omega**2 + 2 * B["B12"] - B["B22"]))
    (rest,) = sp.solve(closed, D)
    return equal(rest, g * sp.pi * root / (4 * sp.sqrt(lam)))


@symbolic
def level_at_rest():
    """√P = q + √(q² + ω²) solves P = ω² + (γπ/4) avg(√λ) √P."""
    q = g * sp.pi * mean_root / 8
    found = q + sp.sqrt(q**2 + omega**2)
    return equal(found**2, omega**2 + g * sp.pi * mean_root * found / 4)


@integrated(tolerance=1e-7)
def curves_at_rest(trial):
    """Risk of integrated curves at t = 200 against P/2, three atoms, with and without noise."""
    values, weights = np.array([1.5, 0.6, 0.3]), np.array([0.2, 0.5, 0.3])
    spectrum, average = sh.Spectrum.from_eigenvalues(values, weights), float(weights @ np.sqrt(values))
    q = g * sp.pi * mean_root / 8
    for noise in (0.5, 0.0):
        curve = sh.derive(sh.least_squares(noise), sh.SignSGD(0.4)).solve(
            spectrum, sh.Start(), 200.0, t=[200.0], rtol=1e-9
        )
        yield Measured("R", curve.risk[0]), (q + sp.sqrt(q**2 + omega**2)) ** 2 / 2, {
            g: 0.4, mean_root: average, omega: noise,
        }  # fmt: skip


floor = Claim(
    "The floor of sign SGD on least squares",
    "K diagonal, any spectrum.",
    source="symhigh's own; signSGD of arXiv 2411.12135",
    id="algorithms/sign-floor",
    evidence=[mode_at_rest, level_at_rest],
    checks=[curves_at_rest],
)
