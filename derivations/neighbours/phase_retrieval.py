"""Phase retrieval at a constant rate, K = I, B22 = 1: fixed points, their stability, and the escape from the saddle.

With ``f' = x³ - x x*²``, Isserlis gives ``c₁ = 3p - 1``, ``c₂ = -2m`` and ``I = 15p³ - 6p² + 3p - 24pm² + 12m²`` for
``p = ‖X‖²``, ``m = <X, X*>``, so that

    ṁ = 3γ(1 - p)m,      ṗ = -2γ((3p - 1)p - 2m²) + γ²I.

ṁ = 0 on p = 1, where ṗ = 0 gives m = ±1, and on m = 0, where p = 0 or ``2(3p - 1) = γ(15p² - 6p + 3)``: the saddle
``p₀ = (3(1 + γ) - √(9 - 12γ - 36γ²))/(15γ)``, near 1/3 for small rates. There an overlap grows at the rate
``3γ(1 - p₀)``, twice the rate γ to first order. At the target the Jacobian has the eigenvalues -6γ and -4γ(1 - 3γ): SGD
stays near it iff γ < 1/3.
"""

from functools import cache

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.closed.fixed_points import RATE, Plane
from symhigh.ledger import (
    Claim,
    Measured,
    asymptotic,
    compare,
    equal,
    iff,
    integrated,
    less,
    simulation,
    symbolic,
)
from symhigh.symbols import B11, B12

g = sp.Symbol("gamma", positive=True)
RULE, ISOTROPIC = sh.Constant(g), sh.Spectrum.isotropic()
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
    return [equal(f.subs(plane.values).subs(RATE, g), h) for f, h in zip(plane.flow, by_hand, strict=True)]


@cache
def points():
    """The fixed points of the library by name, the first of each."""
    return {q.name: q for q in reversed(sh.fixed_points(sh.phase_retrieval(), RULE, ISOTROPIC, sh.Start()))}


@cache
def limits():
    """The limits of the library."""
    return sh.limits(sh.phase_retrieval(), RULE, ISOTROPIC, sh.Start())


@symbolic
def eigenvalues_at_the_target():
    """At p = 1, m = ±1 the Jacobian has the eigenvalues -6γ and -4γ(1 - 3γ)."""
    for name in ("aligned", "opposed"):
        point = points()[name]
        yield equal(point.trace.expr, -6 * g - 4 * g * (1 - 3 * g))
        yield equal(point.determinant.expr, 24 * g**2 * (1 - 3 * g))


@symbolic
def where_it_is_stable():
    """Both eigenvalues are negative iff γ < 1/3, the threshold that the library gives."""
    yield equal(limits()["threshold"].expr, sp.Rational(1, 3))
    yield iff(less(-4 * g * (1 - 3 * g), 0), less(g, sp.Rational(1, 3)))


@symbolic
def saddle_by_hand():
    """At m = 0 the flow rests at p₀, and an overlap grows at the rate 3γ(1 - p₀)."""
    yield equal(points()["no overlap"].B11.expr, P0)
    yield equal(limits()["escape_rate"].expr, 3 * g * (1 - P0))


@symbolic
def escape_to_first_order():
    """For small rates it is 2γ."""
    return asymptotic(limits()["escape_rate"].expr, 2 * g, g, 0)


flow = Claim(
    "The flow of the overlaps",
    id="phase-retrieval/flow",
    evidence=flow_by_hand,
)
target = Claim(
    "Stability of the target",
    "Linear stability: the eigenvalues of the Jacobian.",
    id="phase-retrieval/target",
    evidence=[eigenvalues_at_the_target, where_it_is_stable],
)
saddle = Claim(
    "Escape from the saddle",
    id="phase-retrieval/saddle",
    domain=BELOW,
    evidence=[saddle_by_hand, escape_to_first_order],
)


@integrated(tolerance=1e-6)
def growth_of_an_overlap(trial):
    """d log m/dt along the integrated limit, from the saddle with overlap 1e-8."""
    for rate in trial.rng.uniform(0.02, 0.3, 2 if trial.quick else 5):
        exact = float(limits()["escape_rate"].evaluate(gamma=rate))
        start = sh.Start(x0=float(P0.subs(g, rate)), x_star=1, overlap=1e-8)
        system = sh.derive(sh.phase_retrieval(), sh.Constant(rate), reduce=False)
        curve = system.solve(ISOTROPIC, start, 3 / exact, t=[1 / exact, 3 / exact], rtol=1e-12, atol=1e-18)
        overlap = curve.outputs["overlap"]
        pace = np.log(overlap[1] / overlap[0]) / 2 * exact
        yield Measured("d log m/dt from the saddle", pace), 3 * g * (1 - P0), {g: rate}


@simulation
def sgd_from_the_saddle(trial):
    """SGD from the saddle with a small overlap follows the limit through the escape."""
    rate = 0.1
    start = sh.Start(x0=float(P0.subs(g, rate)), x_star=1, overlap=0.1)
    problem, rule = sh.phase_retrieval(), sh.Constant(rate)
    seeds = range(trial.seed % 10**6, trial.seed % 10**6 + 24)
    runs = sh.simulate(problem, rule, ISOTROPIC, start, 4096, 8.0, list(seeds), t=np.linspace(0, 8, 5))
    return compare(sh.derive(problem, rule).solve(ISOTROPIC, start, 8.0), runs, ("risk", "overlap"), alarm=1e-3)


escape = Claim(
    "The escape, integrated and simulated",
    id="phase-retrieval/escape",
    evidence=[growth_of_an_overlap, sgd_from_the_saddle],
)
