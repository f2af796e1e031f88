"""Smooth averages over three or four variables that do not separate: one trapezoidal rule on a lattice in a ball.

Part of the lowering of quadrature nodes, beside :mod:`symhigh.codegen.nested`, whose rules of one variable inside the
other cost many more points. In whitened coordinates the integrand is analytic and decays as a Gaussian does, so that
the error falls like ``e^{-b/h}`` in the step h (Trefethen and Weideman, SIAM Review 56, 2014): from h to 3h/4 it is
raised to the power 4/3. The lattice is offset by a third of its step, so that neither odd nor even errors hide.
"""

from __future__ import annotations

_REACH = 7.4
"""The radius of the ball in standard deviations; of the law of four normals 4e-11 is outside."""
LEVELS = {3: 8, 4: 6}
"""How many steps are tried, from one standard deviation on, each 3/4 of the one before, by the number of variables."""
MOST = max(LEVELS)

_LATTICE = '''
@njit
def {name}_lattice(step{down}):
    """The sum over the lattice of the weighted integrand, and of its modulus."""
    count = int({reach} / step) + 2
    law = numpy.empty(2 * count + 1)
    for i in range(-count, count + 1):
        law[count + i] = math.exp(-0.5 * (i + 1.0 / 3.0) * step * (i + 1.0 / 3.0) * step)
    room_1 = {reach} * {reach}
    scale = 1.0
    total = 0.0
    size = 0.0
{flats}
{loops}
    return total * scale, size * scale
'''

_FLAT = """    flat_{k} = {flat}
    scale *= math.sqrt(2.0 * math.pi) if flat_{k} else step"""

_LOOP = """low_{k} = 0 if flat_{k} else -int(math.sqrt(room_{k}) / step + 1.0 / 3.0)
high_{k} = 0 if flat_{k} else int(max(math.sqrt(room_{k}) / step - 1.0 / 3.0, 0.0))
for i_{k} in range(low_{k}, high_{k} + 1):
    z{k} = 0.0 if flat_{k} else (i_{k} + 1.0 / 3.0) * step
    w_{k} = {before}(1.0 if flat_{k} else law[count + i_{k}])"""

_KNOWN = '''
@njit
def {name}_within({covariance}{more}, most):
    """The average and its error, in parts of the average of the modulus."""
{factor}
    step = 1.0
    gap = 1.0
    error = 1.0
    result, modulus = {name}_lattice(step{call})
    for level in range({halvings}):
        step *= 0.75
        value, modulus = {name}_lattice(step{call})
        gap = abs(value - result) / (modulus + 1e-300)
        error = gap ** (4.0 / 3.0)
        result = value
        if gap < 3e-8:
            break
{otherwise}    return result * (2.0 * math.pi) ** (-0.5 * {size}), max(error, 1e-16)

'''

_OTHERWISE = """    if gap >= 3e-8:
        left = numpy.empty(1)
        left[0] = most
        value, error, modulus = {name}_1({first_call}, left)
        if left[0] <= 0.0:
            return math.nan, math.inf
        return value * (2.0 * math.pi) ** (-0.5 * {size}), error / modulus if modulus > 0.0 else 0.0
"""


def lattice_source(
    name: str, size: int, point: list[str], entries: list[str], covariance: str, factor: str, more: str
) -> str:
    """Source of ``name_within``; ``point`` are the variables in terms of z, ``entries`` those of the root.

    Of three variables, ``name_1`` is the nested rule that takes over where the lattice does not settle.
    """
    down = ", " + ", ".join(entries) + more
    flats = [
        _FLAT.format(k=k, flat=" and ".join(f"c{i}{k} == 0.0" for i in range(k, size + 1))) for k in range(1, size + 1)
    ]
    lines, indent = [], "    "
    for k in range(1, size + 1):
        before = f"w_{k - 1} * " if k > 1 else ""
        lines += [indent + line for line in _LOOP.format(k=k, before=before).splitlines()]
        indent += "    "
        if k < size:
            lines.append(f"{indent}room_{k + 1} = max(room_{k} - z{k} * z{k}, 0.0)")
    lines += [
        f"{indent}value = w_{size} * {name}_f({', '.join(point)}{more})",
        f"{indent}total += value",
        f"{indent}size += abs(value)",
    ]
    first_call = ", ".join(entries) + more
    return _LATTICE.format(
        name=name, down=down, reach=_REACH, flats="\n".join(flats), loops="\n".join(lines)
    ) + _KNOWN.format(
        name=name,
        covariance=covariance,
        more=more,
        factor=factor,
        call=down,
        size=size,
        halvings=LEVELS[size] - 1,
        otherwise=_OTHERWISE.format(name=name, first_call=first_call, size=size) if size == 3 else "",
    )
