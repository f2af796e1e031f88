"""What generated quadratures call: one text, compiled once for all of them.

Joined with the nodes of :mod:`symhigh.codegen.quadrature`, so that the text of a generated module is complete. Where it
is compiled, the helpers come from a module of their own, which all others import (:mod:`symhigh.codegen.cache`) or are
linked to (:mod:`symhigh.codegen.objects`): a new loss compiles its own functions only.
"""

from __future__ import annotations

import re

GUARDS = '''
@njit
def safe_ratio(a, b):
    """a/b, with 0/0 = 0: the factor that vanishes does so faster."""
    if b == 0.0:
        return 0.0 if a == 0.0 else math.copysign(math.inf, a)
    return a / b


@njit
def safe_root(a):
    return math.sqrt(a) if a > 0.0 else 0.0


@njit
def safe_asin(a):
    return math.asin(min(max(a, -1.0), 1.0))
'''
"""Closed forms at the edge of their domain, see :mod:`symhigh.codegen.guard`."""

INLINED = '''
@njit
def sigmoid(u):
    e = math.exp(-abs(u))
    return (1.0 if u >= 0.0 else e) / (1.0 + e)


@njit
def softplus(u):
    return max(u, 0.0) + math.log1p(math.exp(-abs(u)))


@njit
def safe_exp(u):
    return math.exp(min(u, 709.0))


@njit
def safe_log(u):
    return math.log(u) if u > 0.0 else -math.inf


@njit
def signum(u):
    return 1.0 if u > 0.0 else (-1.0 if u < 0.0 else 0.0)


@njit
def settled(level, gap, size, lack):
    """Whether the error of the finer of two levels, about the square of their difference, is rounding, or below the
    error that the integrand itself has."""
    return level > 1 and gap <= 1e-9 * size + lack


@njit
def safe_sqrt(a):
    """The root where there is one; in Python NaN elsewhere, as in any other target."""
    return math.sqrt(a) if a >= 0.0 else math.nan


@njit
def safe_over_sqrt(a):
    return 1.0 / math.sqrt(a) if a > 0.0 else (math.inf if a == 0.0 else math.nan)


@njit
def safe_power(a, n):
    """The power of a nonnegative number, ∞ at a pole, else NaN."""
    if a > 0.0:
        return a**n
    return (0.0 if n > 0.0 else math.inf) if a == 0.0 else math.nan


@njit
def remaining(gap, before, size):
    """The error of the finest of three levels from the differences between them, however fast they shrink."""
    return gap * min(gap / before, 1.0) + 1e-16 * size if before > 0.0 else gap + 1e-16 * size
'''
"""Functions in the innermost loops. C keeps them inlined for speed, compiled into every module that needs them: called
by address they make a logistic right-hand side 17 % slower. Numba's linker inlines them out of the helpers' module."""

SHARED = '''
@njit
def quadrature_step(width, growth, scale, digits):
    """Largest step of the trapezoidal rule in units of the standard deviation ``scale``, error e^-digits."""
    q = 0.5 + growth * scale * scale
    if width * width * q >= digits * scale * scale:
        return math.pi / math.sqrt(digits * q)
    a = width / scale
    return 2.0 * math.pi * a / (digits + q * a * a)


def hermite_table(n):
    nodes, weights = numpy.polynomial.hermite_e.hermegauss(n)
    return numpy.stack((nodes, weights / weights.sum()))


HERMITE_1 = hermite_table(1)
HERMITE_5 = hermite_table(5)
HERMITE_7 = hermite_table(7)
HERMITE_9 = hermite_table(9)
HERMITE_12 = hermite_table(12)


@njit
def hermite_rule(spread):
    """A Gauss-Hermite rule (nodes, weights) for functions analytic in a strip of half-width 1/``spread`` >= 10."""
    if spread <= 1e-9:
        return HERMITE_1
    if spread <= 0.03:
        return HERMITE_5
    if spread <= 0.05:
        return HERMITE_7
    if spread <= 0.075:
        return HERMITE_9
    return HERMITE_12


@njit
def hazard(u):
    """e^(-u^2)/erfc(u); far to the right by Laplace's continued fraction."""
    if u < 5.0:
        return math.exp(-u * u) / math.erfc(u)
    tail = 0.0
    for k in range(40, 0, -1):
        tail = 0.5 * k / (u + tail)
    return 1.7724538509055160 * (u + tail)


@njit
def log_erfc(u):
    if u < 0.5:
        return math.log1p(-math.erf(u))
    return math.log(math.erfc(u)) if u < 5.0 else -u * u - math.log(hazard(u))


def exponential_table(levels):
    """Nodes as (distance to the nearer end, side), weights, ends of levels: tanh-sinh on [-1, 1], level by level."""
    near, weight, ends = [], [], [0]
    for level in range(levels):
        step = 0.5**level
        for k in range(int(3.2 / step) + 1):
            if level == 0 or k % 2 == 1:
                t = k * step
                inner = 0.5 * math.pi * math.sinh(t)
                near.append(1.0 / (math.exp(inner) * math.cosh(inner)))
                weight.append(0.5 * math.pi * math.cosh(t) / math.cosh(inner) ** 2)
        ends.append(len(near))
    return numpy.array(near), numpy.array(weight), numpy.array(ends)


NEAR, NEAR_WEIGHT, NEAR_ENDS = exponential_table(9)


@njit
def pair_of_signs(rij, km, ki, kj, mi, mj):
    """Plackett's integral for one pair (i, j), by the tanh-sinh rule on (0, 1): t = 0.5 gap or 1 - 0.5 gap."""
    total = 0.0
    for n in range(NEAR_ENDS[6]):
        for side in range(1 if n == 0 else 2):
            t = 0.5 * NEAR[n] if side == 0 else 1.0 - 0.5 * NEAR[n]
            a = t * rij
            lack = 1.0 - abs(rij) * t if side == 0 else 1.0 - abs(rij) + 0.5 * abs(rij) * NEAR[n]
            left = lack * (1.0 + abs(a))
            if left <= 0.0:
                continue
            cov = t * km - (ki * t * mi - a * (ki * mj + t * t * kj * mi) + t * kj * mj) / left
            first = 1.0 - (ki * ki - 2.0 * a * ki * t * kj + t * t * kj * kj) / left
            second = 1.0 - (t * t * mi * mi - 2.0 * a * t * mi * mj + mj * mj) / left
            size = math.sqrt(max(first, 0.0) * max(second, 0.0))
            if size > 0.0:
                total += NEAR_WEIGHT[n] * math.asin(min(max(cov / size, -1.0), 1.0)) / math.sqrt(left)
    return rij * total * 0.5 * 0.5**5


@njit
def four_signs(r12, r13, r14, r23, r24, r34):
    """The mean of a product of four signs (Plackett, 1954)."""
    pairs = pair_of_signs(r13, r24, r12, r23, r14, r34) + pair_of_signs(r14, r23, r12, r24, r13, r34)
    pairs += pair_of_signs(r23, r14, r12, r13, r24, r34) + pair_of_signs(r24, r13, r12, r14, r23, r34)
    first = math.asin(min(max(r12, -1.0), 1.0)) * math.asin(min(max(r34, -1.0), 1.0))
    return (first + pairs) * (2.0 / math.pi) ** 2


PLACES = numpy.sinh(numpy.linspace(-5.0, 5.0, 97)) / math.sinh(5.0)
"""Where sign changes are looked for along a line, in units of its reach: close together near zero."""
'''
"""Rules, tables and special functions."""

TYPES: dict[str, str | tuple[str, ...]] = {
    "quadrature_step": ("d", "d", "d", "d", "d"),
    "hermite_rule": ("d", "a2"),
    "hazard": ("d", "d"),
    "log_erfc": ("d", "d"),
    "four_signs": ("d", "d", "d", "d", "d", "d", "d"),
    "NEAR": "a1",
    "NEAR_WEIGHT": "a1",
    "NEAR_ENDS": "k1",
    "PLACES": "a1",
}
"""What :data:`SHARED` offers: arguments and result of functions, and tables, in the words of the C target."""

HELPERS = GUARDS + INLINED + SHARED

_NAMES = re.findall(r"^def (\w+)|^([A-Z]\w+(?:, [A-Z]\w+)*) = ", HELPERS, re.MULTILINE)


def used(text: str) -> list[str]:
    """The names of helpers that occur in ``text``, sorted."""
    names = {name for function, tables in _NAMES for name in (function, *tables.split(", ")) if name}
    return sorted(names.intersection(re.findall(r"\w+", text)))
