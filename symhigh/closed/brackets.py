"""The one zero of a function in an interval, to any precision.

Used where a closed form is the root of an equation (:class:`symhigh.closed.nodes.Root`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath


def bracketed_root(function: Callable[[Any], Any], lower: Any, upper: Any, bits: int | None = None) -> Any:
    """The zero of a function that changes sign once in ``(lower, upper)``, to ``bits``, by default all that work.

    The ends may be poles or infinite: the bracket is found by walking towards them, then closed by bisection and the
    Illinois variant of false position. The residual at the root is no larger than at the ends of the bracket, else the
    sign changes at a pole. Raises ``ValueError`` if no root is found.
    """

    def inside(k: int, end: Any, other: Any) -> Any:
        if mpmath.isinf(end):
            return other + 2**k
        if mpmath.isinf(other):
            return end + type(end)(2) ** (-k)
        return end + (other - end) * type(end)(2) ** (-k)

    reach = bits or mpmath.mp.prec
    for k in range(1, reach):
        a, b = inside(k, lower, upper), inside(k, upper, lower)
        fa, fb = function(a), function(b)
        if fa == 0:
            return a
        if fb == 0:
            return b
        if a < b and (fa < 0) != (fb < 0):
            break
    else:
        raise ValueError(
            f"no sign change in ({mpmath.nstr(lower, 8)}, {mpmath.nstr(upper, 8)}): there is no such root"
        )
    side, tolerance, largest = 0, type(a)(2) ** (8 - reach), max(abs(fa), abs(fb))
    for step in range(40 * reach):
        middle = (a + b) / 2 if step % 3 == 0 else (a * fb - b * fa) / (fb - fa)
        if not a < middle < b:
            middle = (a + b) / 2
        fm = function(middle)
        if fm == 0 or b - a <= tolerance * max(abs(a), abs(b)):
            if abs(fm) > largest:
                raise ValueError(
                    f"the sign changes at a pole near {mpmath.nstr(middle, 8)}: there is no such root"
                )
            return middle
        if (fm < 0) == (fa < 0):
            a, fa = middle, fm
            fb = fb / 2 if side == 1 else fb
            side = 1
        else:
            b, fb = middle, fm
            fa = fa / 2 if side == -1 else fa
            side = -1
    raise ValueError("the root did not close; this equation is not what its interval promises")
