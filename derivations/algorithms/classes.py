"""Two classes of data with opposite means: equations of the limit, and where least squares rests.

``a ~ N(yμ, K)`` with the label y = ±1 in equal shares, and a loss f(x, y) that depends on yx. In a mode of K, with
``M = d<X, ω><μ, ω>``, ``V = d<X, ω>²`` and ``N = d<μ, ω>²``, ``yx ~ N(m, q)`` with m = avg M and q = avg λV; with
α = E y f' and c = E f'',

    dM/dt = -γ(αN + λcM),      dV/dt = -2γ(αM + λcV) + γ²λ E f'².

Least squares (x - y)²/2 has α = m - 1, c = 1, E f'² = (1 - m)² + q. On K = λI it rests, for γ < 2/λ, at

    m = N/(N + λ),   V = (2N + γλ²)/((N + λ)²(2 - γλ)),   zero-one error Φ(-√(N²(2 - γλ)/(λ(2N + γλ²)))),

which for small rates is the least error of any classifier, Φ(-√(N/λ)).
"""

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.ledger import Claim, Measured, equal, integrated, must_fail, symbolic
from symhigh.symbols import lam

mu = sp.Symbol("mu", real=True)
g, N, level = sp.symbols("g N lambda_", positive=True)
HALF = sp.Rational(1, 2)
OPPOSITE = sh.Mixture([HALF, HALF], [mu, -mu], [1, -1])
SQUARE = sh.Problem((sh.x - sh.y) ** 2 / 2, data=OPPOSITE, name="least squares on two classes")
LOGISTIC = sh.Problem(sp.log(1 + sp.exp(-sh.y * sh.x)), data=OPPOSITE, name="logistic loss on two classes")


def named(system):
    """The system's symbols by name."""
    symbols = (*system.family.states, *system.family.coefficients, *(r.name for r in system.reductions))
    return {s.name: s for s in (*symbols, *(s.name for s in system.scalars))}


@symbolic
def modes():
    """The equations of M and V for least squares, with α, c and E f'² put in."""
    system = sh.derive(SQUARE, sh.Constant(g))
    at = named(system)
    V, M, power, q, m = (at[name] for name in ("V_1_1", "V_1_2", "V_2_2", "B_1_1", "N_1_2"))
    first, second = (system.expanded(rhs) for rhs in system.family.rhs)
    yield equal(second, -g * ((m - 1) * power + lam * M))
    yield equal(first, -2 * g * ((m - 1) * M + lam * V) + g**2 * lam * ((1 - m) ** 2 + q))


M_REST = N / (N + level)
V_REST = (2 * N + g * level**2) / ((N + level) ** 2 * (2 - g * level))
ERROR = sp.erfc(sp.sqrt(N**2 * (2 - g * level) / (level * (2 * N + g * level**2))) / sp.sqrt(2)) / 2


@symbolic
def rest():
    """M and V at rest put into the equations on λI give zero; the margin m/√q there; its limit at small rates."""
    system = sh.derive(SQUARE, sh.Constant(g))
    at = named(system)
    values = {"V_1_1": V_REST, "V_1_2": M_REST, "V_2_2": N, "B_1_1": level * V_REST, "N_1_2": M_REST}
    put = {at[name]: value for name, value in values.items()} | {lam: level}
    for rhs in system.family.rhs:
        yield equal(sp.cancel(system.expanded(rhs).subs(put)), 0)
    margin = M_REST**2 / (level * V_REST)
    yield equal(margin, N**2 * (2 - g * level) / (level * (2 * N + g * level**2)))
    yield equal(sp.limit(margin, g, 0, "+"), N / level)


def curves(error):
    """Zero-one error late on a curve, at three rates, and the formula ``error``."""
    for rate, power, value in ((0.5, 1.0, 1.0), (1.2, 2.0, 0.7), (0.1, 0.5, 1.5)):
        spectrum, start = sh.Spectrum.isotropic(value), sh.Start(0.3, power, 0.1)
        curve = sh.derive(SQUARE, sh.Constant(rate)).solve(spectrum, start, 400.0, [400.0], rtol=1e-11)
        yield Measured("zero-one error at rest", curve.zero_one_error[0]), error, {g: rate, N: power, level: value}


@integrated(tolerance=1e-8)
def late_curves(trial):
    """The error of integrated limits at t = 400."""
    yield from curves(ERROR)


@must_fail
@integrated(tolerance=1e-8)
def without_noise(trial):
    """The least error in its place, which forgets the noise of the gradient."""
    yield from curves(sp.erfc(sp.sqrt(N / level) / sp.sqrt(2)) / 2)


least_squares = Claim(
    "Two classes with opposite means: least squares at a constant rate",
    "Equations of the modes; where the student rests on isotropic data, and how often it then errs.",
    id="classes/least-squares",
    source="symhigh's own",
    evidence=[modes, rest],
    checks=[late_curves, without_noise],
)


@integrated(tolerance=1e-7)
def by_quadrature(trial):
    """Logistic loss, two eigenvalues: the risk at t = 1 and 4 against Runge-Kutta steps with Gauss-Hermite averages."""
    values, w, rate = np.array([1.5, 0.5]), np.array([0.5, 0.5]), float(trial.rng.uniform(0.3, 1.5))
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()

    def margins(state):
        return w @ state[0] + np.sqrt(w @ (values * state[1])) * nodes

    def rhs(state):
        p = 1 / (1 + np.exp(margins(state)))
        alpha, bend, noise = -weights @ p, weights @ (p * (1 - p)), weights @ p**2
        M, V = state
        push = alpha * np.array([np.ones(2), 2 * M]) + bend * values * np.array([M, 2 * V])
        return -rate * push + rate**2 * noise * np.array([np.zeros(2), values])

    state, h, found = np.array([[0.1, 0.1], [0.2, 0.2]]), 1 / 200, {}
    for k in range(800):
        k1 = rhs(state)
        k2 = rhs(state + h / 2 * k1)
        k3 = rhs(state + h / 2 * k2)
        state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + rhs(state + h * k3))
        found[k + 1] = weights @ np.log1p(np.exp(-margins(state)))
    spectrum, system = sh.Spectrum.from_eigenvalues(values, w), sh.derive(LOGISTIC, sh.Constant(rate))
    curve = system.solve(spectrum, sh.Start(0.2, 1, 0.1), 4.0, [1.0, 4.0], rtol=1e-10)
    for k, value in zip((200, 800), curve.risk, strict=True):
        yield Measured("risk of the limit", value), Measured("risk by quadrature", found[k]), {"rate": rate}


logistic = Claim(
    "Two classes with opposite means: logistic loss",
    "The limit against the equations of its modes, integrated with Gauss-Hermite averages.",
    id="classes/logistic",
    source="symhigh's own",
    evidence=by_quadrature,
)
