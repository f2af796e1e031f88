"""Fixed points of a limit of several directions, with the eigenvalues of its linearisation there.

Part of the room of closed forms, beside those in the plane of two overlaps (:mod:`symhigh.closed.fixed_points`). The
target and the symmetric plateau are followed from a vanishing rate (:mod:`symhigh.closed.at_rest`); Saad and Solla
(Phys. Rev. Lett. 74, 1995) for the equations of committees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symhigh.closed.at_rest import AtSaddle, EigenvalueAtRest
from symhigh.closed.finder import DoesNotApply
from symhigh.closed.fixed_points import RATE, FixedPoints
from symhigh.closed.flow import Flow, flow_of
from symhigh.closed.formula import Formula
from symhigh.closed.linearised import check_rests, linearised
from symhigh.closed.plateau import SOURCE, alike, apart, coincidence
from symhigh.population import Overlaps, Spectrum
from symhigh.symbols import gamma, risk, t
from symhigh.system import MomentSystem

_OTHERS = "the target stands for those with students permuted; other points may exist"


@dataclass(frozen=True)
class OverlapPoint:
    """A point where the overlaps of several directions stand still, and the linearisation there.

    ``name`` is ``"target"`` or ``"plateau"``. ``overlaps`` gives every state of a mode by its name, as ``V_1_2``, with
    the mode's number behind where there are several. ``eigenvalues`` are the real parts of those of the Jacobian, per
    unit of time, in decreasing order.
    """

    name: str
    overlaps: Mapping[str, Formula]
    risk: Formula
    eigenvalues: tuple[Formula, ...]

    def stable(self, **values: Any) -> bool:
        """Whether small deviations decay: all eigenvalues have negative real parts."""
        names = {s.name for s in self.eigenvalues[0].symbols}
        return bool(self.eigenvalues[0].evaluate(**{name: v for name, v in values.items() if name in names}) < 0)

    @property
    def place(self) -> str:
        """What a list of points shows."""
        return f"{len(self.overlaps)} overlaps"

    @property
    def row(self) -> tuple[sp.Expr | str, ...]:
        """The cells of a table of points."""
        return self.place, "", self.risk.expr, self.eigenvalues[0].expr, self.eigenvalues[-1].expr


def several_points(system: MomentSystem, spectrum: Spectrum | None, start: Overlaps | None) -> FixedPoints:
    """The target, and the symmetric plateau where there is one, at a constant rate; few eigenvalues of K."""
    flow = flow_of(system, spectrum, start)
    rate = dict(flow.layers).get(gamma, RATE).xreplace(flow.numbers)
    moving = {name for name, _ in flow.layers} | set(flow.unknowns) | {t}
    if rate.free_symbols & moving:
        raise DoesNotApply(f"fixed_points: the learning rate {rate} is not constant; use Constant(gamma)")
    near = linearised(flow)
    check_rests(near)
    put = {**dict(system.parameters), **flow.numbers}
    layers = sp.Tuple(*(sp.Tuple(s, (rate if s == gamma else e).xreplace(put)) for s, e in flow.layers))
    velocity = sp.Tuple(*(f.xreplace(put) for f in flow.velocity))
    there = [near.point[u] for u in flow.unknowns]
    points, message = [_point("target", flow, (layers, velocity, there, sp.Tuple()))], _OTHERS
    try:
        meeting = flow.at(alike(flow, coincidence(flow)))
        points.append(_point("plateau", flow, (layers, velocity, *apart(flow, meeting))))
    except DoesNotApply as reason:
        message = f"{_OTHERS}; {reason}"
    return FixedPoints(points, message)


def _point(name: str, flow: Flow, rest: tuple[sp.Tuple, sp.Tuple, list[sp.Expr], sp.Basic]) -> OverlapPoint:
    data = flow.unknowns, *rest
    plain = [u.name.removesuffix("[1]") if len(flow.values) == 1 else u.name for u in flow.unknowns]

    def formula(expr: sp.Expr, what: str) -> Formula:
        return Formula(expr, (), SOURCE, f"{what} at the {name}")

    return OverlapPoint(
        name,
        {s: formula(AtSaddle(u, *data), f"the overlap {s}") for s, u in zip(plain, flow.unknowns, strict=True)},
        formula(AtSaddle(risk, *data), "the risk"),
        tuple(
            formula(EigenvalueAtRest(risk, *data, sp.Integer(k)), "the real part of an eigenvalue")
            for k in range(len(flow.unknowns))
        ),
    )
