"""Source texts for integrands with kinks, or in several variables that do not separate: nested adaptive rules.

Used by the lowering of quadrature nodes. Level k integrates over the k-th whitened coordinate, split where an affine
form changes sign: double-exponential rules on the pieces (Takahasi and Mori, 1974), the trapezoidal rule where nothing
splits. Both halve their step until two levels agree to half the digits, so that the finer has them all.
"""

from __future__ import annotations

SHARED = '''
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


NEAR, NEAR_WEIGHT, NEAR_ENDS = exponential_table(11)


@njit
def settled(level, error, size):
    """Whether the error of the finer of two levels, about the square of their difference, is rounding."""
    return level > 1 and error <= 1e-9 * size
'''

PIECES = '''
@njit
def {name}_pieces_{k}(cuts{args}):
    """Integral over z{k} of the weighted integrand between consecutive cuts."""
    total = 0.0
    for piece in range(cuts.size - 1):
        half = 0.5 * (cuts[piece + 1] - cuts[piece])
        if half <= 0.0:
            continue
        sum_ = 0.0
        size = 0.0
        value = 0.0
        for level in range(NEAR_ENDS.size - 1):
            for i in range(NEAR_ENDS[level], NEAR_ENDS[level + 1]):
                gap = half * NEAR[i]
                for side in range(1 if level == 0 and i == 0 else 2):
                    z{k} = cuts[piece] + gap if side == 0 else cuts[piece + 1] - gap
                    term = NEAR_WEIGHT[i] * math.exp(-0.5 * z{k} * z{k}) * {next}
                    sum_ += term
                    size += abs(term)
            fresh = half * sum_ * 0.5**level
            error = abs(fresh - value)
            value = fresh
            if settled(level, error, half * size * 0.5**level + 1e-300):
                break
        total += value
    return total


@njit
def {name}_{k}({first_args}):
    if {flat}:
        z{k} = 0.0
        return math.sqrt(2.0 * math.pi) * {next}
    cuts = numpy.empty({room})
    cuts[0] = -{reach}
    count = 1
{cuts}
    cuts[count] = {reach}
    return {name}_pieces_{k}(numpy.sort(cuts[:count + 1]){call})
'''

WHOLE = '''
@njit
def {name}_{k}({first_args}):
    """Integral over z{k} of the weighted integrand, which has no kink there."""
    if {flat}:
        z{k} = 0.0
        return math.sqrt(2.0 * math.pi) * {next}
    step = 0.8
    start = step / 3.0
    total = 0.0
    size = 0.0
    value = 0.0
    fresh_start = start
    for level in range(12):
        for side in range(2):
            i = side
            while True:
                z{k} = fresh_start + i * step if side == 0 else fresh_start - i * step
                term = math.exp(-0.5 * z{k} * z{k}) * {next}
                total += term
                size += abs(term)
                if (abs(z{k}) > {reach} and abs(term) <= 1e-16 * size) or abs(z{k}) > 38.0:
                    break
                i += 1
        spacing = step if level == 0 else 0.5 * step
        fresh = total * spacing
        error = abs(fresh - value)
        value = fresh
        if level > 0:
            if settled(level + 1, error, size * spacing + 1e-300):
                break
            step *= 0.5
            start = min(start, fresh_start)
        fresh_start = start + 0.5 * step if start < 0.5 * step else start - 0.5 * step
    return value
'''

CUT = """    slope = {slope}
    if {last} and abs(slope) > 0.0:
        cut = -({rest}) / slope
        if abs(cut) < {reach}:
            cuts[count] = cut
            count += 1"""

ENTRY = """
@njit
def {name}({covariance}{more}):
{factor}
    return {name}_1({factor_call}{more}) * (2.0 * math.pi) ** (-0.5 * {size})
"""
