"""A ReLU student of a ReLU teacher: risk, Stein coefficients and gradient noise in closed form, and where it rests.

With p = B11, m = B12, q = B22, ρ = m/√(pq), Δ = √(pq - m²) and f = (relu(x) - relu(x*) - ε)²/2,

    E relu(x)relu(x*) = (Δ + m(π - arccos ρ))/(2π),      E relu(x)² = p/2,

so h = (p + q)/4 - (Δ + m(π - arccos ρ))/(2π) + ω²/2. At a constant rate a mode of K = I rests where c₁m + c₂q = 0 and
2(c₁p + c₂m) = γI.
"""

import mpmath
import sympy as sp

import symhigh as sh
from symhigh.codegen.target import NUMPY
from symhigh.ledger import Claim, Measured, equal, integrated, must_fail, numeric
from symhigh.symbols import B11, B12, B22, omega

SYSTEM = sh.derive(sh.relu_student(omega), sh.Constant(sp.Symbol("g", positive=True)), reduce=False)
RHO = B12 / sp.sqrt(B11 * B22)
DELTA = sp.sqrt(B11 * B22 - B12**2)
PRODUCT = (DELTA + B12 * (sp.pi - sp.acos(RHO))) / (2 * sp.pi)
DOMAIN = {B11: (1, 3), B12: (-1, 1), B22: (1, 3), omega: (0, 2)}


def found(name):
    return SYSTEM.scalar(name).xreplace(SYSTEM.parameters)


risk = numeric(equal(found("risk"), (B11 + B22) / 4 - PRODUCT + omega**2 / 2), title="risk")
half_plane = must_fail(
    numeric(equal(found("risk"), (B11 + B22) / 4 - PRODUCT.subs(sp.acos(RHO), 0) + omega**2 / 2)),
    title="without the angle",
)
coefficients = numeric(
    [equal(found("c1"), 2 * sp.diff((B11 + B22) / 4 - PRODUCT, B11)), equal(found("c2"), -sp.diff(PRODUCT, B12))],
    title="Stein coefficients by differentiation of the risk",
)


def by_quadrature(p, m, q, level):
    """E 1{x > 0} (relu(x) - relu(x*) - ε)² in polar coordinates: an integral over the angle alone."""
    size = mpmath.sqrt(q - m**2 / p)

    def ray(angle):  # x = √p r cos, x* = (m/√p) r cos + size r sin; E r² = 2
        x, y = mpmath.sqrt(p) * mpmath.cos(angle), m / mpmath.sqrt(p) * mpmath.cos(angle) + size * mpmath.sin(angle)
        return (x - max(y, mpmath.mpf(0))) ** 2 / mpmath.pi

    kink = mpmath.atan(-(m / mpmath.sqrt(p)) / size)
    return mpmath.quad(ray, [-mpmath.pi / 2, kink, mpmath.pi / 2]) + level**2 / 2


def by_derivation(*at):
    """The derived I at numbers."""
    return sp.lambdify(tuple(DOMAIN), found("I"), "mpmath")(*at)


noise = numeric(by_derivation, by_quadrature, title="gradient noise", points=8, digits=20)


@integrated(tolerance=1e-7)
def rest(trial):
    """Where the integrated limit rests, K = I; the reference values were found by a root finder of their own."""
    curve = sh.derive(sh.relu_student(0.5), sh.Constant(0.5)).solve(
        sh.Spectrum.isotropic(), sh.Start(x0=0.5, x_star=1, overlap=0.3), 150, t=[150], rtol=1e-10, target=NUMPY
    )
    for name, sign, value in (("norm", "‖X‖²", 1.07989991), ("overlap", "<X, X*>", 0.99472275)):
        yield Measured(sign, curve.outputs[name]), Measured(str(value), value)


relu = Claim(
    "A ReLU student",
    "Risk, coefficients and noise by other routes; where it rests at one learning rate.",
    source="symhigh; the kernel of Cho and Saul (2009)",
    id="students/relu",
    domain=DOMAIN,
    evidence=[risk, coefficients, noise, rest],
    checks=[half_plane],
)
