"""A second layer that learns: what its norm trades with the first, and where label noise takes both.

``f = (a φ(x) - φ(x*) - ε)²/2`` with φ(u) = u or max(u, 0), and a second layer a that learns s times as fast. Gradient
flow keeps the balance ``s‖X‖² - a²``, since φ is homogeneous; the noise of SGD makes it grow, with τ = Tr(K)/d, by

    d(s‖X‖² - a²)/dt = s γ² τ E f'².

So with label noise nothing rests. For φ(u) = u and K = I, at ``aX = X*`` the norm moves by ``d‖X‖⁴/dt = 2γ²ω²‖X*‖²``:
the second layer fades like ``t^{-1/4}``, and with it the step ``γa²`` of the product aX, at which SGD would stand
``γa²ω²/4`` above the least risk. The excess risk at a constant rate therefore falls for ever, and forgets the rate:

    R - ω²/2 ~ ω‖X*‖/(4√(2t)).
"""

import sympy as sp

import symhigh as sh
from symhigh.closed.linear import total_derivative
from symhigh.ledger import Claim, Measured, equal, integrated, must_fail, symbolic
from symhigh.symbols import gradient_noise, lam, t

a = sp.Symbol("a", real=True)
s, g, omega, rho = sp.symbols("s g omega_ rho", positive=True)


def unit(u):
    return u


def ramp(u):
    return sp.Piecewise((u, u > 0), (0, True))


def limit(phi):
    """The limit in both overlaps of a mode."""
    error = a * phi(sh.x) - phi(sh.x_star) - sh.eps
    return sh.derive(sh.Problem(error**2 / 2, omega, learnt={a: sh.Learnt(1, s)}), sh.Constant(g), reduce=False)


def named(system):
    """The system's symbols by name."""
    symbols = (*system.family.states, *system.family.coefficients, *(r.name for r in system.reductions))
    return {v.name: v for v in (*symbols, *(m.name for m in system.states))}


def balance(phi, growth):
    """The derived speed of ``s‖X‖² - a²``, and what it is said to be."""
    system = limit(phi)
    at = named(system)
    speed = total_derivative(system, s * at["norm"] - at["a"] ** 2)
    return sp.simplify(system.expanded(speed)), sp.simplify(system.expanded(growth(at)))


def by_noise(at):
    return s * g**2 * at["tau"] * gradient_noise


@symbolic
def grows():
    """The balance of a linear unit and of a ramp."""
    for phi in (unit, ramp):
        yield equal(*balance(phi, by_noise))


@must_fail
@symbolic
def is_kept():
    """As by gradient flow."""
    yield equal(*balance(unit, lambda at: sp.S.Zero))


layers = Claim(
    "A second layer that learns: the balance of the layers",
    "For homogeneous units the noise of the gradient moves the balance that gradient flow keeps, always one way.",
    id="algorithms/balance-of-layers",
    source="symhigh's own",
    evidence=grows,
    checks=[is_kept],
)


@symbolic
def slow_motion():
    """Where the product is the target: the second layer's speed, the norm's, and where a mode stands at a fixed one."""
    system = limit(unit)
    at = named(system)
    A = at["a"]
    there = {"V11": rho / A**2, "V12": rho / A, "V22": rho, "B11": rho / A**2, "B12": rho / A, "B22": rho, "tau": 1}
    put = {at[name]: value for name, value in there.items() if name in at} | {lam: 1}
    norm = system.expanded(system.family.rhs[0]).subs(put)
    yield equal(system.expanded(system.states[0].rhs).subs(put), 0)
    yield equal(2 * (rho / A**2) * norm, 2 * g**2 * omega**2 * rho)
    V11, V12, V22, B11, B12, B22 = (at[name] for name in ("V11", "V12", "V22", "B11", "B12", "B22"))
    first, second = (system.expanded(rhs).subs({B11: V11, B12: V12, B22: V22, lam: 1}) for rhs in system.family.rhs)
    D = sp.Symbol("D")
    product = sp.expand(A**2 * first - 2 * A * second).subs(V11, (D + 2 * A * V12 - V22) / A**2)
    yield equal(sp.solve(sp.expand(product), D)[0], g * A**2 * omega**2 / (2 - g * A**2))


def late(excess):
    """The excess risk late on curves from three starts, and the formula ``excess``."""
    system = limit(unit)
    for speed, rate, size in ((2, 0.5, 1.0), (1, 0.3, 2.0), (0.5, 1.0, 0.5)):
        ready, end = system.bind({s: speed, g: rate, omega: 0.7}), 1e8
        curve = ready.solve(sh.Spectrum.isotropic(), sh.Start(0.5, size, 0.1), end, [end], rtol=1e-10)
        values = {s: speed, g: rate, omega: 0.7, rho: size, t: end}
        yield Measured("excess risk", curve.risk[0] - 0.7**2 / 2), excess, values


@integrated(tolerance=1e-3)
def falls_for_ever(trial):
    """The excess risk at a constant rate, which tells neither rate nor speed."""
    yield from late(omega * sp.sqrt(rho) / (4 * sp.sqrt(2 * t)))


@must_fail
@integrated(tolerance=1e-3)
def stands(trial):
    """Where SGD stands whose second layer is fixed."""
    yield from late(g * omega**2 / (2 * (2 - g)))


fading = Claim(
    "A second layer that learns: label noise makes it fade",
    "A linear student on isotropic data at a constant rate: its excess risk falls for ever and forgets the rate.",
    id="algorithms/second-layer-fades",
    source="symhigh's own",
    evidence=[slow_motion, falls_for_ever],
    checks=[stands],
)
