"""Several directions: two erf units learning two, against the equations of Saad and Solla, and under AdaGrad-Norm.

With g(u) = erf(u/√2), δ_i = g'(x_i)(Σg(y) - Σg(x)) and C the covariance of (x₁, x₂, y₁, y₂), for K = I

    dC_in/dt = γ E δ_i y_n,      dC_ik/dt = γ E(δ_i x_k + δ_k x_i) + γ² E δ_i δ_k        (Saad and Solla, 1995),

where E g'(u) v g(w) and E g'(u) g'(v) g(w) g(z) are elementary. AdaGrad-Norm's memory grows by ‖∇f‖² of both units,
``db²/dt = τ Σ_i E δ_i²``. The reference risks were integrated from these equations by a program of its own.
"""

import itertools
from functools import cache

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.codegen.target import NUMPY
from symhigh.ledger import Claim, Measured, integrated, must_fail, numeric
from symhigh.population import Overlaps
from symhigh.symbols import gamma, lam

X, Y = sp.symbols("x_1 x_2", real=True), sp.symbols("y_1 y_2", real=True)
C = sp.Matrix(4, 4, lambda p, q: sp.Symbol(f"C_{min(p, q) + 1}{max(p, q) + 1}", positive=p == q, real=True))
SIGNS = (-1, -1, 1, 1)
g = sp.Symbol("g", positive=True)


def unit(u):
    return sp.erf(u / sp.sqrt(2))


def committee(noise=0):
    return sh.MultiIndex(X, Y, (sum(map(unit, X)) - sum(map(unit, Y)) - sh.eps) ** 2 / 2, noise)


def three(u, v, w):
    """E g'(u) v g(w)."""
    root = sp.sqrt((1 + C[u, u]) * (1 + C[w, w]) - C[u, w] ** 2)
    return 2 / sp.pi * (C[v, w] * (1 + C[u, u]) - C[u, v] * C[u, w]) / ((1 + C[u, u]) * root)


def four(a, b, c, e):
    """E g'(a) g'(b) g(c) g(e)."""
    A, B = 1 + C[a, a], 1 + C[b, b]
    l4 = A * B - C[a, b] ** 2
    l0 = l4 * C[c, e] - C[b, c] * C[b, e] * A - C[a, c] * C[a, e] * B
    l0 += C[a, b] * (C[a, c] * C[b, e] + C[a, e] * C[b, c])
    l1, l2 = (
        l4 * (1 + C[k, k]) - C[b, k] ** 2 * A - C[a, k] ** 2 * B + 2 * C[a, b] * C[a, k] * C[b, k] for k in (c, e)
    )
    return 4 / sp.pi**2 * sp.asin(l0 / sp.sqrt(l1 * l2)) / sp.sqrt(l4)


def first(i, v):
    """E δ_i v."""
    return sum(s * three(i, v, w) for w, s in enumerate(SIGNS))


def second(i, k):
    """E δ_i δ_k."""
    return sum(SIGNS[c] * SIGNS[e] * four(i, k, c, e) for c, e in itertools.product(range(4), repeat=2))


SYSTEM = sh.derive(committee(), sh.Constant(g), reduce=False)


@cache
def in_entries():
    """All that a right-hand side holds, K = I, in the entries of C."""
    modes = (*SYSTEM.family.states, *SYSTEM.family.coefficients)
    alike = {v: entry(v) for v in modes if v != lam} | {lam: sp.Integer(1)}
    averages = {r.name: r.summand.xreplace(alike) for r in SYSTEM.reductions}
    scalars = {}
    for scalar in SYSTEM.scalars:
        scalars[scalar.name] = scalar.expression.xreplace(scalars | averages)
    return scalars | averages | alike


def derived(state):
    """The derived drift of an overlap, K = I, in the entries of C."""
    rhs = dict(zip(SYSTEM.family.states, SYSTEM.family.rhs, strict=True))[state]
    return rhs.xreplace(in_entries()).subs(gamma, g).xreplace(SYSTEM.parameters)


def directions(state):
    """The two directions that a second moment such as V_1_3 is the product of."""
    return sorted(int(k) - 1 for k in state.name.split("_")[1:])


def entry(state):
    return C[tuple(directions(state))]


def by_hand(state):
    p, q = directions(state)
    if q >= 2:
        return g * first(p, q)
    return g * (first(p, q) + first(q, p)) + g**2 * second(p, q)


DOMAIN = {C[p, p]: (sp.Rational(1, 2), 2) for p in range(4)}
DOMAIN |= {C[p, q]: (sp.Rational(-1, 6), sp.Rational(1, 6)) for p in range(4) for q in range(p + 1, 4)}  # dominant
DOMAIN |= {g: (sp.Rational(1, 10), 1)}


def named(expr, name):
    """An expression as a function of the domain's symbols, shown by its name."""
    function = sp.lambdify(list(DOMAIN), expr, "mpmath")
    function.__name__, function.__doc__ = name, None
    return function


def stated(state, hand, of="by Saad and Solla"):
    name = f"d{entry(state)}/dt"
    sides = named(derived(state), f"derived {name}"), named(hand, f"{name} {of}")
    return numeric(*sides, title="an overlap", points=4, digits=25)


equations = [stated(s, by_hand(s)) for s in SYSTEM.family.states]
STUDENT = SYSTEM.family.states[0]
without_noise = must_fail(
    stated(STUDENT, sp.diff(by_hand(STUDENT), g).subs(g, 0) * g, "of gradient flow"), title="without the noise of SGD"
)


# --- the table ------------------------------------------------------------------------------------------------------
START = Overlaps([[0.25, 0.05, 0.1, 0], [0.05, 0.25, 0, 0.1], [0.1, 0, 1, 0], [0, 0.1, 0, 1]])
TIMES = (1.0, 2.0, 5.0, 20.0)
TABLE = {
    "constant": (sh.Constant(0.5), (0.2082266, 0.1121908, 0.0332021, 0.0207809), None),
    "AdaGrad-Norm": (
        sh.AdaGradNorm(1, 1),
        (0.1769447, 0.0885042, 0.0295520, 0.0219042),
        (0.8046818, 0.7471220, 0.6969336, 0.6145713),
    ),
}


@integrated(tolerance=5e-6)
def table(trial):
    """Risk, and the learning rate of AdaGrad-Norm."""
    for name, (rule, risks, rates) in TABLE.items():
        curve = sh.derive(committee(0.1), rule).solve(
            sh.Spectrum.isotropic(), START, TIMES[-1], t=TIMES, target=NUMPY
        )
        yield Measured("R", curve.risk), Measured(str(list(risks)), np.array(risks)), {"rule": name}
        if rates:
            yield Measured("γ", curve.learning_rate), Measured(str(list(rates)), np.array(rates)), {"rule": name}


saad_solla = Claim(
    "Two units learn two: the equations of Saad and Solla",
    "One eigenvalue; the reference values are those of an independent integration.",
    source="Saad and Solla, Phys. Rev. Lett. 74 (1995); AdaGrad-Norm symhigh",
    id="algorithms/saad-solla",
    domain=DOMAIN,
    evidence=[*equations, table],
    checks=[without_noise],
)
