"""Source texts for integrands with kinks, or in several variables that do not separate: nested adaptive rules.

Used by the lowering of quadrature nodes. Level k integrates over the k-th whitened coordinate, split where a boundary
is crossed: double-exponential rules on the pieces (Takahasi and Mori, 1974), the trapezoidal rule where nothing splits.
Both halve their step until two levels agree to half the digits, so that the finer has them all. A piece that does not
settle is cut in two, again and again, within a budget. Every level returns its value, an estimate of its error, in
which those of the levels below are summed, and the integral of the modulus; an average that is off by more than
``REFUSED`` of the latter is NaN. One that has used up its ``EVALUATIONS``, counted down in ``left``, ends there, and
its error is infinite.
One file: its texts call one another by name.
"""

from __future__ import annotations

REFUSED = 1e-4
"""The error, in parts of the average of the modulus, from which on an average is no number."""

EVALUATIONS = 1e8
"""How often an average may look at its integrand and boundaries: some seconds of compiled code."""

PIECES = '''
@njit
def {name}_pieces_{k}(cuts, beside{args}):
    """Integral over z{k} of the weighted integrand between consecutive cuts, its error and that of the modulus.

    ``beside`` is the size of what it is added to, in parts of which digits are wanted.

    What is not finite counts but for a point rounded onto a boundary, and beyond the reach of the law.
    """
    count = cuts.size - 1
    room = count + {halves}
    low = numpy.zeros(room)
    high = numpy.zeros(room)
    for piece in range(count):
        low[piece] = cuts[piece]
        high[piece] = cuts[piece + 1]
    sums = numpy.zeros(room)
    sizes = numpy.zeros(room)
    lacks = numpy.zeros(room)
    values = numpy.zeros(room)
    gaps = numpy.zeros(room)
    errors = numpy.zeros(room)
    moduli = numpy.zeros(room)
    done = numpy.zeros(room)
    within = numpy.zeros(room)
    whole = beside
    reached = 0.0
    lacking = 0.0
    for turn in range({halves} + 2):
        busy = False
        for level in range({levels} if turn == 0 else 6):
            busy = False
            reached = 0.0
            lacking = 0.0
            for piece in range(count):
                half = 0.5 * (high[piece] - low[piece])
                if half <= 0.0:
                    continue
                if done[piece] > 0.0:
                    reached += moduli[piece]
                    lacking += within[piece]
                    continue
                sum_ = 0.0
                size = 0.0
                lack = 0.0
                for i in range(NEAR_ENDS[level], NEAR_ENDS[level + 1]):
                    gap = half * NEAR[i]
                    for side in range(1 if level == 0 and i == 0 else 2):
                        z{k} = low[piece] + gap if side == 0 else high[piece] - gap
                        if low[piece] < z{k} < high[piece]:
                            value, error, modulus = {next}
                            if (gap > 1e-7 and abs(z{k}) < {reach}) or math.isfinite(value):
                                weight = NEAR_WEIGHT[i] * math.exp(-0.5 * z{k} * z{k})
                                sum_ += weight * value
                                size += weight * modulus
                                lack += weight * error
                sums[piece] += sum_
                sizes[piece] += size
                lacks[piece] += lack
                spacing = half * 0.5**level
                gap = abs(spacing * sums[piece] - values[piece])
                values[piece] = spacing * sums[piece]
                size = spacing * sizes[piece] + 1e-300
                within[piece] = spacing * lacks[piece]
                errors[piece] = remaining(gap, gaps[piece], size)
                gaps[piece] = gap
                moduli[piece] = size
                reached += size
                lacking += within[piece]
                if settled(level, gap, size + 1e-7 * whole, within[piece]):
                    done[piece] = 1.0
                else:
                    busy = True
            whole = max(reached, beside)
            if not busy:
                break
        if not busy:
            break
        for piece in range(count):
            middle = 0.5 * (low[piece] + high[piece])
            if done[piece] > 0.0 or not low[piece] < middle < high[piece]:
                continue
            if count == room or gaps[piece] <= 1e-8 * (moduli[piece] + 1e-7 * whole):
                done[piece] = 1.0
                continue
            low[count] = middle
            high[count] = high[piece]
            high[piece] = middle
            sums[piece] = 0.0
            sizes[piece] = 0.0
            lacks[piece] = 0.0
            values[piece] = 0.0
            gaps[piece] = 0.0
            count += 1
    return numpy.sum(values), numpy.sum(errors) + lacking, reached


@njit
def {name}_{k}({first_args}):
    if left[0] <= 0.0:
        return 0.0, 0.0, 0.0
    if {flat}:
        z{k} = 0.0
        value, error, modulus = {next}
        return math.sqrt(2.0 * math.pi) * value, math.sqrt(2.0 * math.pi) * error, math.sqrt(2.0 * math.pi) * modulus
    cuts = numpy.empty({room})
    cuts[0] = -{reach}
    count = 1
{cuts}
    cuts[count] = {reach}
    total, doubt, size = {name}_pieces_{k}(numpy.sort(cuts[:count + 1]), 0.0{call})
    for side in range(2):  # an integrand that grows as fast as the law decays has its weight further out
        z{k} = {reach} if side == 0 else -{reach}
        value, error, modulus = {next}
        if math.exp(-0.5 * z{k} * z{k}) * modulus > 1e-12 * size:
            cuts[0] = z{k} if side == 0 else -38.0
            cuts[1] = 38.0 if side == 0 else z{k}
            value, error, modulus = {name}_pieces_{k}(cuts[:2], size{call})
            total += value
            doubt += error
            size += modulus
    return total, doubt, size
'''

WHOLE = '''
@njit
def {name}_{k}({first_args}):
    """Integral over z{k} of the weighted integrand, which has no kink there, its error and that of the modulus."""
    if left[0] <= 0.0:
        return 0.0, 0.0, 0.0
    if {flat}:
        z{k} = 0.0
        value, error, modulus = {next}
        return math.sqrt(2.0 * math.pi) * value, math.sqrt(2.0 * math.pi) * error, math.sqrt(2.0 * math.pi) * modulus
    step = 0.8
    start = step / 3.0
    total = 0.0
    size = 0.0
    lack = 0.0
    result = 0.0
    before = 0.0
    rest = 0.0
    fresh_start = start
    for level in range({levels}):
        for side in range(2):
            i = side
            while True:
                z{k} = fresh_start + i * step if side == 0 else fresh_start - i * step
                value, error, modulus = {next}
                weight = math.exp(-0.5 * z{k} * z{k})
                total += weight * value
                size += weight * modulus
                lack += weight * error
                if (abs(z{k}) > {reach} and weight * modulus <= 1e-16 * size) or abs(z{k}) > 38.0:
                    break
                i += 1
        spacing = step if level == 0 else 0.5 * step
        gap = abs(total * spacing - result)
        result = total * spacing
        rest = remaining(gap, before, size * spacing)
        before = gap
        if level > 0:
            step *= 0.5
            start = min(start, fresh_start)
            if settled(level + 1, gap, size * spacing + 1e-300, lack * spacing):
                break
        fresh_start = start + 0.5 * step if start < 0.5 * step else start - 0.5 * step
    return result, rest + lack * step, size * step
'''

AT = """
@njit
def {name}_{k}({args}):
    left[0] -= 1.0
    value = {name}_f({call})
    return value, 0.0, abs(value)
"""

CUT = """    slope = {slope}
    if {last} and abs(slope) > 0.0:
        cut = -({rest}) / slope
        if abs(cut) < {reach}:
            cuts[count] = cut
            count += 1"""

ENTRY = """
@njit
def {name}_within({covariance}{more}, most):
{factor}
    left = numpy.empty(1)
    left[0] = most
    value, error, modulus = {name}_1({factor_call}{more}, left)
    if left[0] <= 0.0:
        return math.nan, math.inf
    return value * (2.0 * math.pi) ** (-0.5 * {size}), error / modulus if modulus > 0.0 else 0.0

"""

NAMED = """
@njit
def {name}_part({covariance}{more}, most):
    value, error = {name}_within({covariance}{more}, most)
    return value if error <= {refused} else math.nan


@njit
def {name}_known({covariance}{more}):
    return {name}_within({covariance}{more}, {most})


@njit
def {name}({covariance}{more}):
    return {name}_part({covariance}{more}, {most})
"""
"""The average and its error, and the average alone; parts of a larger one are given fewer evaluations."""

CURVED_CUT = """    count = {name}_crossings_{edge}_{k}(cuts, count{call})"""

ORDER_CUT = """    count = {name}_changes_{k}(cuts, count{call})"""

CROSSINGS = '''
@njit
def {name}_edge_{edge}_{k}({first_args}):
    left[0] -= 1.0
    return {value}


@njit
def {name}_zero_{edge}_{k}(a, b, below, above{args}):
    """The zero between a and b by the Illinois method, with a bisection where it is slow."""
    for i in range(200):
        if b - a <= 1e-15 * (abs(a) + abs(b)) or below == above:
            break
        z{k} = 0.5 * (a + b) if i % 4 == 3 else (a * above - b * below) / (above - below)
        if not a < z{k} < b:
            z{k} = 0.5 * (a + b)
        at = {name}_edge_{edge}_{k}({edge_args})
        if at == 0.0:
            return z{k}
        if (at > 0.0) == (above > 0.0):
            b, above, below = z{k}, at, 0.5 * below
        else:
            a, below, above = z{k}, at, 0.5 * above
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
