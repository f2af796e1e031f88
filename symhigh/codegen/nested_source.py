"""Source texts for integrands with kinks, or in several variables that do not separate: nested adaptive rules.

Used by the lowering of quadrature nodes. Level k integrates over the k-th whitened coordinate, split where a boundary
is crossed: double-exponential rules on the pieces (Takahasi and Mori, 1974), the trapezoidal rule where nothing splits.
Both halve their step until two levels agree to half the digits, so that the finer has them all; the number of halvings
is the budget, and what is still 1e-4 off on the first line then is NaN.
"""

from __future__ import annotations

PIECES = '''
@njit
def {name}_pieces_{k}(cuts{args}):
    """Integral over z{k} of the weighted integrand between consecutive cuts."""
    pieces = cuts.size - 1
    sums = numpy.zeros(pieces)
    sizes = numpy.zeros(pieces)
    values = numpy.zeros(pieces)
    errors = numpy.zeros(pieces)
    done = numpy.zeros(pieces)
    whole = 0.0
    for level in range({levels}):
        reached = 0.0
        busy = False
        for piece in range(pieces):
            half = 0.5 * (cuts[piece + 1] - cuts[piece])
            if half <= 0.0:
                continue
            if done[piece] > 0.0:
                reached += done[piece]
                continue
            busy = True
            sum_ = 0.0
            size = 0.0
            for i in range(NEAR_ENDS[level], NEAR_ENDS[level + 1]):
                gap = half * NEAR[i]
                for side in range(1 if level == 0 and i == 0 else 2):
                    z{k} = cuts[piece] + gap if side == 0 else cuts[piece + 1] - gap
                    if cuts[piece] < z{k} < cuts[piece + 1]:
                        term = NEAR_WEIGHT[i] * math.exp(-0.5 * z{k} * z{k}) * {next}
                        sum_ += term
                        size += abs(term)
            sums[piece] += sum_
            sizes[piece] += size
            fresh = half * sums[piece] * 0.5**level
            errors[piece] = abs(fresh - values[piece])
            values[piece] = fresh
            size = half * sizes[piece] * 0.5**level + 1e-300
            reached += size
            if settled(level, errors[piece], size + 1e-7 * whole):
                done[piece] = size
        whole = reached
        if not busy:
            break
    return numpy.sum(values){unless}


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
    for level in range({levels}):
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

UNLESS = " if numpy.sum(errors) <= 1e-4 * whole + 1e-300 else math.nan"

CURVED_CUT = """    count = {name}_crossings_{edge}_{k}(cuts, count{call})"""

ORDER_CUT = """    count = {name}_changes_{k}(cuts, count{call})"""

CROSSINGS = '''
@njit
def {name}_edge_{edge}_{k}({first_args}):
    return {value}


@njit
def {name}_zero_{edge}_{k}(a, b, left, right{args}):
    """The zero between a and b by the Illinois method, with a bisection where it is slow."""
    for i in range(200):
        if b - a <= 1e-15 * (abs(a) + abs(b)) or left == right:
            break
        z{k} = 0.5 * (a + b) if i % 4 == 3 else (a * right - b * left) / (right - left)
        if not a < z{k} < b:
            z{k} = 0.5 * (a + b)
        at = {name}_edge_{edge}_{k}({edge_args})
        if at == 0.0:
            return z{k}
        if (at > 0.0) == (right > 0.0):
            b, right, left = z{k}, at, 0.5 * left
        else:
            a, left, right = z{k}, at, 0.5 * right
    return 0.5 * (a + b)


@njit
def {name}_crossings_{edge}_{k}(cuts, count{args}):
    """Append where boundary {edge} is crossed along z{k}; close pairs are found at the least value between."""
    values = numpy.empty(97)
    for i in range(97):
        z{k} = {reach} * PLACES[i]
        values[i] = {name}_edge_{edge}_{k}({edge_args})
    for i in range(96):
        a = {reach} * PLACES[i]
        b = {reach} * PLACES[i + 1]
        if values[i] * values[i + 1] < 0.0:
            cuts[count] = {name}_zero_{edge}_{k}(a, b, values[i], values[i + 1]{args})
            count += 1
        elif i > 0 and values[i] == 0.0 and values[i - 1] * values[i + 1] < 0.0:
            cuts[count] = a
            count += 1
        elif i < 95 and values[i] * values[i + 1] > 0.0 and values[i + 1] * values[i + 2] > 0.0:
            if abs(values[i + 1]) > abs(values[i]) or abs(values[i + 1]) >= abs(values[i + 2]):
                continue
            side = 1.0 if values[i] > 0.0 else -1.0
            low = a
            end = {reach} * PLACES[i + 2]
            high = end
            while high - low > 1e-8:
                z{k} = high - 0.6180339887498949 * (high - low)
                middle = z{k}
                first = side * {name}_edge_{edge}_{k}({edge_args})
                if first >= 0.0:
                    z{k} = low + 0.6180339887498949 * (high - low)
                    second = side * {name}_edge_{edge}_{k}({edge_args})
                    if second >= 0.0:
                        if first < second:
                            high = z{k}
                        else:
                            low = middle
                        continue
                    middle, first = z{k}, second
                cuts[count] = {name}_zero_{edge}_{k}(a, middle, values[i], side * first{args})
                cuts[count + 1] = {name}_zero_{edge}_{k}(middle, end, side * first, values[i + 2]{args})
                count += 2
                break
    return count
'''

CHANGES = '''
@njit
def {name}_order_{k}({first_args}):
    """A number that tells in which order the boundaries are crossed along z{inner}."""
    cuts = numpy.empty({room})
    owner = numpy.empty({room}, dtype=numpy.int64)
    count = 0
{owned}
    code = 0
    for i in numpy.argsort(cuts[:count]):
        if abs(cuts[i]) < {reach}:
            code = (code * {base} + owner[i] + 1) % 9007199254740881
    return code


@njit
def {name}_changes_{k}(cuts, count{args}):
    """Append where that order changes, by bisection on a grid."""
    step = 2.0 * {reach} / 48
    z{k} = -{reach}
    before = {name}_order_{k}({order_args})
    for i in range(48):
        end = -{reach} + (i + 1) * step
        z{k} = end
        last = {name}_order_{k}({order_args})
        low = end - step
        for part in range(4):
            if before == last:
                break
            start, high, after = low, end, last
            while high - start > 1e-15 * (abs(start) + abs(high)):
                z{k} = 0.5 * (start + high)
                if not start < z{k} < high:
                    break
                here = {name}_order_{k}({order_args})
                if here == before:
                    start = z{k}
                else:
                    high, after = z{k}, here
            cuts[count] = 0.5 * (start + high)
            count += 1
            low, before = high, after
        before = last
    return count
'''

OWNED_CURVED = """    before = count
    count = {name}_crossings_{edge}_{inner}(cuts, count{inner_call})
    owner[before:count] = {edge}"""

OWNED_PLANE = """    slope = {slope}
    if abs(slope) > 0.0:
        cuts[count] = -({rest}) / slope
        owner[count] = {edge}
        count += 1"""
