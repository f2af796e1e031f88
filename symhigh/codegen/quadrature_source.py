"""Source texts of quadrature: trapezoidal rules whose step follows the covariance, in plain loops.

Used by the lowering of quadrature nodes. The same text runs in Python and under Numba; ``{name}`` is the node,
``{more}`` its parameters. Lattice: with ``x = s₁(c u + s w)``, ``y = s₂(c u - s w)`` the values of x and y lie on one
lattice when ``c h_u`` is a multiple k of ``s h_w``, so a product f(x) g(y) needs each factor once per lattice point,
not once per pair.
"""

from __future__ import annotations

DIGITS = 27.5
"""Exponent L of the truncation error e^{-L} that steps are chosen for in two dimensions, at simple poles."""
LINE_DIGITS = 36.0
"""The same in one dimension, where it costs little."""
REACH = 8.2
"""Standard deviations kept on each side."""
MOST_POINTS = 4e6
"""The most points of a quarter of a grid in two variables, some hundredths of a second of compiled code."""
NARROW_STRIP = 0.05
"""A strip of analyticity that may take more of them."""

FUNCTION = """
@njit
def {name}({args}):
{body}
"""

KNOWN_STEP = """
@njit
def {name}_step(scale, digits{more}):
    return quadrature_step({width}, {growth}, scale, digits)


@njit
def {name}_reach(scale{more}):
    return {reach} + scale * ({rate})
"""

MEASURED_STEP = '''
@njit
def {name}_level(start, step, scale{more}):
    """Sum and absolute sum of the weighted integrand over one grid."""
    total = 0.0
    size = 0.0
    for side in range(2):
        i = side
        while True:
            z = start + i * step if side == 0 else start - i * step
            value = math.exp(-0.5 * z * z) * {name}(scale * z{more})
            total += value
            size += abs(value)
            if (abs(z) > {reach} and abs(value) <= 1e-16 * size) or abs(z) > 38.0:
                break
            i += 1
    return total, size


@njit
def {name}_step(scale, digits{more}):
    """Halve the step until two sums agree to half the digits: errors like e^(-b/h) are squared.

    Grids are offset by a third of the step, so that neither odd nor even errors hide.
    """
    step = 1.6
    start = step / 3.0
    total, size = {name}_level(start, step, scale{more})
    for level in range(12):
        shifted = start + 0.5 * step if start < 0.5 * step else start - 0.5 * step
        more_total, more_size = {name}_level(shifted, step, scale{more})
        error = abs(total - more_total) / (size + more_size + 1e-300)
        total += more_total
        size += more_size
        start = min(start, shifted)
        step *= 0.5
        if error <= 1e-8:
            break
    return step


@njit
def {name}_reach(scale{more}):
    z = {reach}
    while z < 38.0 and math.exp(-0.5 * z * z) * (abs({name}(scale * z{more})) + abs({name}(-scale * z{more}))) > 1e-17:
        z += 0.5
    return z
'''

LINE = """
@njit
def {name}(v11{more}):
    scale = math.sqrt(max(v11, 0.0))
    step = {name}_f_step(scale, {line_digits}{more})
    reach = {name}_f_reach(scale{more})
    total = {name}_f(0.0{more})
{narrow}    for i in range(1, int(reach / step) + 2):
        z = i * step
        total += math.exp(-0.5 * z * z) * ({name}_f(scale * z{more}) + {name}_f(-scale * z{more}))
    return total * step / math.sqrt(2.0 * math.pi)
"""

NARROW = """    if reach > 500.0 * step:  # features at 0 far narrower than the law: z = width sinh(v) sees both
        width = {width} / scale
        v = 0.1
        z = width * math.sinh(v)
        while z < reach:
            pair = {name}_f(scale * z{more}) + {name}_f(-scale * z{more})
            total += math.cosh(v) * math.exp(-0.5 * z * z) * pair
            v += 0.1
            z = width * math.sinh(v)
        return 0.1 * width * total / math.sqrt(2.0 * math.pi)
"""

PRODUCT = '''
@njit
def {name}_ridge(first, side, ratio, s, step, reach{more}):
    """Strong correlation: x = first u, y = side (ratio u + s w) and a Gauss-Hermite rule in w."""
    nu = int(reach / step) + 1
    total = 0.0
    rule = hermite_rule(s / (4.5 * step))
    for i in range(-nu, nu + 1):
        u = i * step
        row = 0.0
        for j in range(rule.shape[1]):
            row += rule[1, j] * {name}_g(side * (ratio * u + s * rule[0, j]){more})
        total += math.exp(-0.5 * u * u) * {name}_f(first * u{more}) * row
    return total * step / math.sqrt(2.0 * math.pi)


@njit
def {name}(v11, v12, v22{more}):
    first = math.sqrt(max(v11, 0.0))
    second = math.sqrt(max(v22, 0.0))
    step = min({name}_f_step(first, {digits}{more}), {name}_g_step(second, {digits}{more}))
    reach = max({name}_f_reach(first{more}), {name}_g_reach(second{more}))
    largest = {largest}
    product = first * second
    ratio = min(abs(v12) / product, 1.0) if product > 0.0 else 0.0
    side = second if v12 >= 0.0 else -second
    lack = max(v11 * v22 - v12 * v12, 0.0) / (product * product) if product > 0.0 else 1.0
    c = math.sqrt(0.5 * (1.0 + ratio))
    s = math.sqrt(0.5 * lack / (1.0 + ratio))
    step_u = min(largest, {name}_f_step(first * c, {digits}{more}), {name}_g_step(second * c, {digits}{more}))
    nu = int(reach / step_u) + 1
    total = 0.0
    if step > 2.25 * math.sqrt(lack):
        return {name}_ridge(first, side, ratio, math.sqrt(lack), min(largest, step), reach{more})
    step_w = min(largest, {name}_f_step(first * s, {digits}{more}), {name}_g_step(second * s, {digits}{more}))
    k = int(math.ceil(c * step_u / (s * step_w) - 1e-12))
    unit = c * step_u / k
    step_w = unit / s
    nw = int(reach / step_w) + 1
    if float(nu) * nw > {most}:
        return {otherwise}
    last = k * nu + nw
    f = numpy.empty(2 * last + 1)
    g = numpy.empty(2 * last + 1)
    for m in range(-last, last + 1):
        f[last + m] = {name}_f(first * unit * m{more})
        g[last + m] = {name}_g(-side * unit * m{more})
    weight = numpy.empty(2 * nw + 1)
    for j in range(-nw, nw + 1):
        weight[nw + j] = math.exp(-0.5 * (j * step_w) ** 2)
    for i in range(-nu, nu + 1):
        u = i * step_u
        n = int(math.sqrt(max(reach * reach - u * u, 0.0)) / step_w)
        n = min(n, nw)
        row = 0.0
        p = last + k * i - n
        q = last - k * i - n
        f_row = f[p:p + 2 * n + 1]
        g_row = g[q:q + 2 * n + 1]
        w_row = weight[nw - n:nw + n + 1]
        for j in range(2 * n + 1):
            row += w_row[j] * f_row[j] * g_row[j]
        total += math.exp(-0.5 * u * u) * row
    return total * step_u * step_w / (2.0 * math.pi)
'''

STEEP = '''
@njit
def {name}(v11{more}):
    """Trapezoidal where that is cheap; where an error function is nearly a step, split there."""
    if {name}_smooth_f_step(math.sqrt(max(v11, 0.0)), 30.0{more}) > 0.02:
        return {name}_smooth(v11{more})
    return {name}_split(v11{more})
'''
