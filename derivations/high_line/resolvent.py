"""The resolvent form (20)-(22): S(t, z) = (1/d) Σ V_i/(λ_i - z) has the averages as residues; its equation closes.

With ``λ/(λ - z) = 1 + z/(λ - z)`` the drift of a mode divided by λ - z is again S, an average, and the Stieltjes
transform of the spectrum; averages are contour integrals, ``(1/d) Σ λ^k V_i = -(1/2πi)∮ z^k S dz``, that is minus the
sum of residues.
"""

import sympy as sp

import symhigh as sh
from symhigh.ledger import Claim, equal, symbolic
from symhigh.symbols import V11, V12, V22, c1, c2, gamma, gradient_noise, lam

z = sp.Symbol("z")
SYSTEM = sh.derive(sh.phase_retrieval(), sh.Constant(sp.Symbol("g", positive=True)), reduce=False)


@symbolic
def residues():
    """Averages of λ^k V over three modes are minus the residues of z^k S."""
    sizes, moments = sp.symbols("lambda_1:4", positive=True), sp.symbols("V_1:4", real=True)
    S = sum(v / (size - z) for v, size in zip(moments, sizes, strict=True)) / 3
    for power in (0, 1, 2):
        left = sum(size**power * v for v, size in zip(moments, sizes, strict=True)) / 3
        yield equal(left, -sum(sp.residue(z**power * S, z, size) for size in sizes))


@symbolic
def closed_equation():
    """Mode by mode, d/dt V/(λ - z) = what the drift of V and z·V/(λ - z) give: no λ is left but in averages and S."""
    S11, S12, S22, S0 = (v / (lam - z) for v in (V11, V12, V22, sp.Integer(1)))
    by_hand_11 = -2 * gamma * (c1 * (V11 + z * S11) + c2 * (V12 + z * S12)) + gamma**2 * gradient_noise * (
        1 + z * S0
    )
    by_hand_12 = -gamma * (c1 * (V12 + z * S12) + c2 * (V22 + z * S22))
    for rhs, by_hand in zip(SYSTEM.family.rhs, (by_hand_11, by_hand_12), strict=True):
        yield equal(rhs / (lam - z), by_hand)


averages = Claim(
    "Averages as residues",
    id="high-line/20",
    source="High Line, (20)-(22)",
    evidence=[residues],
)
closed = Claim(
    "Lemma B.2: the resolvent's equation",
    id="high-line/b.2",
    source="High Line, (20)-(22), Lemma B.2",
    evidence=[closed_equation],
)
