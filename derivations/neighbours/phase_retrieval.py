"""Phase retrieval at a constant rate, K = I, B22 = 1: fixed points, their stability, and the escape from the saddle.

With ``f' = x³ - x x*²``, Isserlis gives ``c₁ = 3p - 1``, ``c₂ = -2m`` and ``I = 15p³ - 6p² + 3p - 24pm² + 12m²`` for
``p = ‖X‖²``, ``m = <X, X*>``, so that

    ṁ = 3γ(1 - p)m,      ṗ = -2γ((3p - 1)p - 2m²) + γ²I.

ṁ = 0 on p = 1, where ṗ = 0 gives m = ±1, and on m = 0, where p = 0 or ``2(3p - 1) = γ(15p² - 6p + 3)``: the saddle
``p₀ = (3(1 + γ) - √(9 - 12γ - 36γ²))/(15γ)``, near 1/3 for small rates. There an overlap grows at the rate
``3γ(1 - p₀)``, twice the rate γ to first order. At the target the Jacobian has the eigenvalues -6γ and -4γ(1 - 3γ): SGD
stays near it iff γ < 1/3.
"""

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.closed.fixed_points import RATE, Plane
from symhigh.ledger import VERIFIED, Claim, compare, integrated, simulation, symbolic
from symhigh.symbols import B11, B12

g = sp.Symbol("gamma", positive=True)
RULE, ISOTROPIC = sh.Constant(g), sh.Spectrum.isotropic()
POINTS = sh.fixed_points(sh.phase_retrieval(), RULE, ISOTROPIC, sh.Start())
LIMITS = sh.limits(sh.phase_retrieval(), RULE, ISOTROPIC, sh.Start())
ROOT = sp.sqrt(9 - 12 * g - 36 * g**2)
P0 = (3 * (1 + g) - ROOT) / (15 * g)
BELOW = {g: (sp.Rational(1, 100), sp.Rational(33, 100))}


@symbolic
def flow_by_hand():
    """The flow that the library derives is the one above."""
    plane = Plane(sh.derive(sh.phase_retrieval(), RULE, reduce=False), ISOTROPIC, sh.Start())
    p, m = B11, B12
    noise = 15 * p**3 - 6 * p**2 + 3 * p - 24 * p * m**2 + 12 * m**2
    by_hand = (-2 * g * ((3 * p - 1) * p - 2 * m**2) + g**2 * noise, 3 * g * (1 - p) * m)
    return [
        sp.expand(f.subs(plane.values).subs(RATE, g) - h) for f, h in zip(plane.flow, by_hand, strict=True)
    ]


flow = Claim("the flow of the overlaps", "ṁ and ṗ as in the docstring.", evidence=flow_by_hand)
target = Claim(
    "stability of the target",
    "Eigenvalues -6γ and -4γ(1 - 3γ) at p = m = 1; threshold 1/3.",
    domain=BELOW,
    evidence=symbolic(
        [
            *(q.trace.expr + 6 * g + 4 * g * (1 - 3 * g) for q in POINTS if q.name in ("aligned", "opposed")),
            *(
                q.determinant.expr - 24 * g**2 * (1 - 3 * g)
                for q in POINTS
                if q.name in ("aligned", "opposed")
            ),
            LIMITS["threshold"].expr - sp.Rational(1, 3),
        ]
    ),
)
saddle = Claim(
    "escape from the saddle",
    "At m = 0 the limit rests at p₀, and an overlap grows at the rate 3γ(1 - p₀) = 2γ + O(γ²).",
    domain=BELOW,
    evidence=symbolic(
        [
            next(q.B11.expr for q in POINTS if q.name == "no overlap") - P0,
            LIMITS["escape_rate"].expr - 3 * g * (1 - P0),
            sp.limit(3 * (1 - P0), g, 0) - 2,
        ]
    ),
)


@integrated(tolerance=1e-6)
def growth_of_an_overlap(trial):
    """d log m/dt along the integrated limit, from the saddle with overlap 1e-8."""
    for rate in trial.rng.uniform(0.02, 0.3, 2 if trial.quick else 5):
        exact = float(LIMITS["escape_rate"].evaluate(gamma=rate))
        start = sh.Start(x0=float(P0.subs(g, rate)), x_star=1, overlap=1e-8)
        system = sh.derive(sh.phase_retrieval(), sh.Constant(rate), reduce=False)
        curve = system.solve(ISOTROPIC, start, 3 / exact, t=[1 / exact, 3 / exact], rtol=1e-12, atol=1e-18)
        overlap = curve.outputs["overlap"]
        yield np.log(overlap[1] / overlap[0]) / 2, 1.0, {"gamma": rate}


@simulation
def sgd_from_the_saddle(trial):
    """SGD from the saddle with a small overlap follows the limit through the escape."""
    rate = 0.1
    start = sh.Start(x0=float(P0.subs(g, rate)), x_star=1, overlap=0.1)
    problem, rule = sh.phase_retrieval(), sh.Constant(rate)
    seeds = range(trial.seed % 10**6, trial.seed % 10**6 + 24)
    runs = sh.simulate(problem, rule, ISOTROPIC, start, 4096, 8.0, list(seeds), t=np.linspace(0, 8, 5))
    return compare(sh.derive(problem, rule).solve(ISOTROPIC, start, 8.0), runs, ("risk", "overlap"))


escape = Claim(
    "the escape, integrated and simulated",
    "From the saddle the overlap of the limit grows at the rate derived; SGD follows the limit.",
    evidence=[growth_of_an_overlap, sgd_from_the_saddle],
    expect=VERIFIED,
)
