"""How far one run of the heavy ball strays at rest, on isotropic least squares.

With the error D and the momentum M of a run, ``s = <a, D>``, ``m = <a, M>`` and ``r = s - ε`` one step moves
``(u, c, v) = (‖D‖², <D, M>, ‖M‖²)`` by ``h/d``, ``h = (-2γc, r s - δc - γv, 2(r m - δv) + r²)``. At rest
``u = γω²/(2δ - γ)``, ``c = 0``, ``v = u/γ``, and ``JC + CJᵀ + Cov h = 0`` gives d times the variance of u,

    γ²ω⁴ (12δ⁴ - 6δ³γ + 16δ²γ - γ³)/((2δ - γ)³ (3δ³ + 4δγ + γ²)).

As δ → ∞ with γ = γ'δ it is that of SGD at the rate γ', ``4γ'²ω⁴/(2 - γ')²/2``. symhigh's own.
"""

import math

import sympy as sp

import symhigh as sh
from symhigh.ledger import Claim, Measured, asymptotic, equal, integrated, must_fail, symbolic
from symhigh.symbols import gamma, omega

DELTA = sp.Symbol("delta_M", positive=True)
STATES = u, c, v = sp.symbols("u c v", real=True)
SAMPLE = s, m, e = sp.symbols("s m varepsilon", real=True)
LAW = sp.Matrix([[u, c, 0], [c, v, 0], [0, 0, omega**2]])
RESIDUAL = s - e
STEP = sp.Matrix([-2 * gamma * c, RESIDUAL * s - DELTA * c - gamma * v, 2 * (RESIDUAL * m - DELTA * v) + RESIDUAL**2])
REST = {u: gamma * omega**2 / (2 * DELTA - gamma), c: 0, v: omega**2 / (2 * DELTA - gamma)}


def wick(factors):
    """``E`` of a product of Gaussian variables, numbered, by Isserlis' theorem."""
    if not factors:
        return sp.S.One
    first, rest = factors[0], factors[1:]
    return sp.Add(*(LAW[first, k] * wick(rest[:i] + rest[i + 1 :]) for i, k in enumerate(rest)))


def expected(expr):
    """``E`` of a polynomial in s, m and ε."""
    terms = sp.Poly(sp.expand(expr), *SAMPLE).terms()
    return sp.Add(*(k * wick([i for i, n in enumerate(powers) for _ in range(n)]) for powers, k in terms))


def variance(third=16):
    """d times the variance of u at rest; ``third`` may be wrong."""
    above = 12 * DELTA**4 - 6 * DELTA**3 * gamma + third * DELTA**2 * gamma - gamma**3
    below = (2 * DELTA - gamma) ** 3 * (3 * DELTA**3 + 4 * DELTA * gamma + gamma**2)
    return gamma**2 * omega**4 * above / below


def solved():
    """The entry of C of u and u."""
    drift = STEP.applyfunc(expected)
    J = drift.jacobian(STATES).subs(REST)
    noise = sp.Matrix(3, 3, lambda i, j: expected(STEP[i] * STEP[j]) - drift[i] * drift[j]).subs(REST)
    C = sp.Matrix(3, 3, lambda i, j: sp.Symbol(f"C_{min(i, j)}{max(i, j)}"))
    (found,) = sp.solve(list(J * C + C * J.T + noise), sorted(C.free_symbols, key=str), dict=True)
    return found[C[0, 0]]


@symbolic
def by_hand():
    """The step averaged over its sample, and the Lyapunov equation."""
    return equal(solved(), variance())


@symbolic
def without_memory():
    """A momentum that forgets at once leaves SGD."""
    rate = sp.Symbol("rate", positive=True)
    return asymptotic(variance().subs(gamma, rate * DELTA), 2 * rate**2 * omega**4 / (2 - rate) ** 2, DELTA)


@integrated(tolerance=1e-8)
def derived(trial):
    """The library's stationary variance and the same formula in numbers."""
    for _ in range(2 if trial.quick else 6):
        friction, noise = trial.rng.uniform(0.5, 3), trial.rng.uniform(0.2, 1)
        rate = friction * trial.rng.uniform(0.2, 1.5)
        system = sh.derive(sh.least_squares(noise), sh.Momentum(rate, friction))
        bands = system.fluctuations(sh.Spectrum.isotropic(), sh.Start(0.5, 1, 0.3), math.inf)
        stated = float(variance().subs({gamma: rate, DELTA: friction, omega: noise}))
        yield Measured("d times the variance of the squared distance", bands.variance("distance", 1)[0]), Measured(
            "as stated", stated
        ), {"gamma": rate, "friction": friction, "noise": noise}


half = must_fail(symbolic(equal(solved(), variance(8))), title="half of a coefficient")
momentum_at_rest = Claim(
    "The variance of the heavy ball at rest",
    "Isotropic least squares at a constant rate.",
    source="symhigh's own",
    id="beyond/momentum-at-rest",
    domain={gamma: (sp.Rational(1, 10), sp.Rational(1, 2)), DELTA: (sp.Rational(1, 2), 2), omega: (1, 2)},
    evidence=[by_hand, without_memory, derived],
    checks=[half],
)
