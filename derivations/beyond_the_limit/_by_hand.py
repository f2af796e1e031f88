"""What the claims of this folder are compared with: one step of least squares, averaged over its sample term by term.

Two eigenvalues λ₁, λ₂ of weights w₁, w₂. The residual is ``r = s₁ + s₂ - ε`` with independent ``s_i ~ N(0, q_i)`` and
``ε ~ N(0, ω²)``; a step moves the class sum ``ρ_i = w_i D²_i`` by ``h_i/d``, ``h_i = -2γ r s_i + γ² w_iλ_i r²``, and an
accumulator by ``τr²/d``. Only the moments ``E z^{2k} = (2k - 1)!! v^k`` are used.
"""

import sympy as sp

import symhigh as sh
from symhigh.derivation.fluctuations import deviations
from symhigh.symbols import D2, error_square, gamma, lam, omega, tau

L = sp.symbols("lambda_1:3", positive=True)
W = sp.symbols("w_1:3", positive=True)
RHO = sp.symbols("rho_1:3", positive=True)
S = sp.symbols("s_1:3", real=True)
EPS = sp.Symbol("varepsilon", real=True)
Q = [l * rho for l, rho in zip(L, RHO, strict=True)]
P = Q[0] + Q[1] + omega**2
DOMAIN = {s: (sp.Rational(1, 10), 2) for s in (*L, *W, *RHO, omega, gamma, tau)}


def expected(polynomial):
    """The expectation of a polynomial in s₁, s₂ and ε."""
    variances = {S[0]: Q[0], S[1]: Q[1], EPS: omega**2}
    total = sp.S.Zero
    for powers, coefficient in sp.Poly(sp.expand(polynomial), *variances).terms():
        if all(p % 2 == 0 for p in powers):
            moments = (sp.factorial2(p - 1) * v ** (p // 2) for p, v in zip(powers, variances.values(), strict=True))
            total += coefficient * sp.prod(moments)
    return total


def residual():
    """r."""
    return S[0] + S[1] - EPS


def step(i):
    """h_i, the change of a class sum, times d."""
    return -2 * gamma * residual() * S[i] + gamma**2 * W[i] * L[i] * residual() ** 2


def covariance(first, second):
    """Of two polynomials over a sample."""
    return expected(sp.expand(first * second)) - expected(first) * expected(second)


class Derived:
    """Σ, J and B₁ of the class sums as the library derives them, in the symbols of this file."""

    def __init__(self, rule):
        self.theory = deviations(sh.derive(sh.least_squares(omega), rule))

    def read(self, expr, i):
        """A coefficient of the mode i."""
        for name, value in reversed(self.theory.shared):
            expr = expr.subs(name, value)
        for scalar in reversed(self.theory.system.scalars):
            if scalar.name != gamma:
                expr = expr.subs(scalar.name, scalar.expression)
        return expr.subs({D2: RHO[i] / W[i], lam: L[i]}).subs(error_square, Q[0] + Q[1])

    def sigma(self, i, j):
        """Σ between two class sums."""
        rows = [self.theory.features.applyfunc(lambda e, k=k: self.read(e, k)) for k in (i, j)]
        core = self.theory.core[: rows[0].cols, : rows[0].cols].applyfunc(lambda e: self.read(e, i))
        total = W[i] * W[j] * (rows[0] * core * rows[1].T)[0, 0]
        return total + (W[i] * self.read(self.theory.spread[0, 0], i) if i == j else 0)

    def with_memory(self, i):
        """Σ between a class sum and the accumulator."""
        row, count = self.theory.features.applyfunc(lambda e: self.read(e, i)), self.theory.features.cols
        return W[i] * sum((row[f] * self.read(self.theory.core[f, count], i) for f in range(count)), sp.S.Zero)

    def jacobian(self, i, j):
        """∂F_i/∂ρ_j of the class sums, at a constant rate."""
        place = self.theory.coupling.index(error_square)
        through = W[i] * self.read(self.theory.border[0, place], i) * L[j]
        return through + (self.read(self.theory.block[0, 0], i) if i == j else 0)
