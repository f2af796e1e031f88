"""The curve of a diagonal network, which draws itself."""

from __future__ import annotations

from dataclasses import dataclass

from symhigh.integration import network
from symhigh.objects.curve import Curve


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class NetworkCurve(Curve, network.NetworkCurve):
    __doc__ = network.NetworkCurve.__doc__
