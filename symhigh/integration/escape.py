"""How long SGD stays at a saddle that its limit never leaves: the law of the time to a given overlap with the target.

A consequence of the linear theory (:mod:`symhigh.integration.fluctuations`). Where the loss does not see the sign of X,
``<X, X*> = 0`` stays in the limit, and the overlaps of a run are ``d^{-1/2}`` times a Gaussian process: along the
growing direction of its drift at rest, of rate μ, they become ``S N e^{μt} d^{-1/2}`` with N standard normal. From
there on the run follows the limit, which takes ``A - log(a)/μ`` from the amplitude a to a level. Together

    T = log(d)/(2μ) - log(S |N|)/μ + A,     E log|N| = -(γ_E + log 2)/2,     Var log|N| = π²/8.

Derived here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.special import ndtri

from symhigh.checks import instance, real, whole
from symhigh.codegen.target import Target, chosen
from symhigh.derivation import derive
from symhigh.derivation.fluctuations import Deviations
from symhigh.integration.deviations import Equations
from symhigh.integration.fluctuations import few, theory_of
from symhigh.integration.lyapunov import march
from symhigh.integration.path import Path
from symhigh.integration.schedules import parameter_values
from symhigh.population import Spectrum, Start
from symhigh.population.spectrum import Array
from symhigh.problem import Problem
from symhigh.rule import Rule
from symhigh.symbols import V12
from symhigh.telling import telling

_LONGEST = 1e5
_HORIZON = 1e3
"""The time for which continuous spectra are resolved."""
_KNOWN = 1e-7
"""The error that averages may have without a word."""
_LOOKS = 21
"""Times on the way out at which they are looked at."""
_SMALL = 1e-6
"""The overlap, against its largest, from which the limit is followed."""


@dataclass(frozen=True, eq=False)
class Escape:
    """The law of the time T, in steps/d, at which ``|<X, X*>|`` first reaches a level.

    ``rate`` is μ and ``spread`` S; ``std`` is the standard deviation ``π/(2√2 μ)`` of T, the same at every d. ``times``
    (K,) and ``levels`` (K,) are the limit from a small overlap on, ``offset`` what makes ``A = times + offset``.
    """

    rate: float
    spread: float
    levels: Array
    times: Array
    offset: float

    @property
    def std(self) -> float:
        """Standard deviation of T, in steps/d."""
        return float(np.pi / (2 * np.sqrt(2) * self.rate))

    def mean(self, d: int, level: float) -> float:
        """The mean of T at dimension d; ``level`` is an absolute overlap."""
        return self._time("Escape.mean", d, level, -(np.euler_gamma + np.log(2)) / 2)

    def quantile(self, p: float, d: int, level: float) -> float:
        """The time by which a share p of all runs has reached ``level``."""
        share = real("Escape.quantile", "p", p, above=0.0, meaning="a probability below one")
        if not share < 1:
            raise ValueError(f"Escape.quantile(p={p}): p must be below one, a probability")
        return self._time("Escape.quantile", d, level, float(np.log(ndtri(1 - share / 2))))

    def _time(self, owner: str, d: int, level: float, log_normal: float) -> float:
        size = whole(owner, "d", d, least=2, meaning="the dimension")
        wanted = real(owner, "level", level, above=0.0, meaning="the absolute overlap to reach")
        if not self.levels[0] < wanted < self.levels[-1]:
            raise ValueError(
                f"{owner}(level={level}): level must lie between {self.levels[0]:.3g} and {self.levels[-1]:.6g}, the "
                "largest overlap on the way out"
            )
        on_the_way = float(CubicSpline(np.log(self.levels), self.times)(np.log(wanted)))
        late = (np.log(size) / 2 - np.log(self.spread) - log_normal) / self.rate
        return late + on_the_way + self.offset

    def __repr__(self) -> str:
        return f"Escape(rate={self.rate:.6g}, std={self.std:.6g}, levels up to {self.levels[-1]:.6g})"


@telling
def escape(problem: Problem, rule: Rule, spectrum: Spectrum, start: Start) -> Escape:
    """When SGD leaves the saddle ``<X, X*> = 0``, where the limit stays for ever.

    ``start`` has overlap zero, exactly or on average (``random=True``, which adds the overlaps of the start). The
    equations must come to rest there: rules whose rate falls for ever are refused.

    Raises ``TypeError`` for other problems, ``ValueError`` where the overlap does not stay zero in the limit, where the
    limit does not rest, and where overlaps do not grow.
    """
    instance("escape", "problem", problem, Problem, "a Problem, such as phase_retrieval()")
    instance("escape", "rule", rule, Rule, "a rule, such as Constant(1)")
    instance("escape", "spectrum", spectrum, Spectrum, "a Spectrum, such as Spectrum.isotropic()")
    if len(problem.directions) > 2:
        raise ValueError(
            f"escape({problem.name}): the law of the time is derived for one learnt direction; the rate at which a "
            "committee leaves its symmetric plateau is limits(…)['escape_rate'], and with one growing direction, two "
            "units, the time has the standard deviation π/(2√2 rate) at every d"
        )
    instance("escape", "start", start, Start, "a Start, such as Start()")
    if start.overlap != 0:
        raise ValueError(f"escape(start with overlap {start.overlap}): the saddle is at overlap 0")
    system = derive(problem, rule, reduce=False)
    if V12 not in system.family.states or system.field.coordinates != system.field.learnt:
        raise ValueError(
            f"escape({problem.name}, {type(rule).__name__}): the law of the escape is derived for one learnt direction "
            "and one target, and rules that move the iterate alone"
        )
    par = parameter_values("escape", system)
    theory = theory_of(system, start.random)
    used = few(theory, spectrum, start, 1e-6, _HORIZON)
    return _law(_Saddle(theory, chosen(), par, used, start))


class NoSaddle(ValueError):
    """There is nothing to escape from; the message says why."""


def _law(saddle: _Saddle) -> Escape:
    with np.errstate(all="ignore"):
        rate, left, right = saddle.growth()
        spread = saddle.spread(rate, left)
        saddle.e.doubts((0.0, saddle.end), _KNOWN, "the law of the time").settle("escape")
        levels, times, amplitude = saddle.way_out(rate, right)
        on_the_way = np.linspace(0.0, saddle.e.path.end, _LOOKS)
        saddle.e.doubts(on_the_way, _KNOWN, "the law of the time").settle("escape")
    return Escape(rate, spread, levels, times, float(np.log(amplitude) / rate))


class _Saddle:
    """The limit held at overlap zero until it rests, and its linear theory there."""

    def __init__(
        self, theory: Deviations, target: Target, par: Array, spectrum: Spectrum, start: Start
    ) -> None:
        system = theory.system
        self.place = system.family.states.index(V12)
        still = tuple(
            sp.S.Zero if s == V12 else f for s, f in zip(system.family.states, system.family.rhs, strict=True)
        )
        held = replace(system, family=replace(system.family, rhs=still))
        with np.errstate(all="ignore"):
            self.e = Equations(theory, target, par, spectrum, start, 1e-9, 1e-9)
        n = self.e.n
        self.at = slice(self.place * n, (self.place + 1) * n)
        y, size = self.e.path.start, self.e.size
        self.end = 20.0
        while True:
            with np.errstate(all="ignore"):
                self.e.path = Path(held, target, y, self.e.data, size, self.end, 1e-10)
            speed = self._speed(self.e.path(self.end))
            moving = np.delete(np.abs(speed) / size, np.arange(self.at.start, self.at.stop))
            if self.e.path.end < self.end or self.end > _LONGEST:
                raise NoSaddle(
                    f"escape: with overlap zero the limit does not come to rest by t = {self.e.path.end:.6g}, so "
                    "there is no saddle with a rate of its own; use a rule that keeps its rate, and a stable one"
                )
            if moving.max(initial=0.0) < 1e-9:
                break
            self.end *= 2
        self.y = self.e.path(self.end)
        for t in (0.0, 0.1 * self.end, self.end):
            if np.abs(self._speed(self.e.path(t))[self.at]).max() > 1e-9 * size.max():
                raise NoSaddle(
                    f"escape: for the loss {theory.system.problem.loss} overlap zero does not stay zero in the limit, "
                    "so a run leaves it as the limit does; solve the limit instead"
                )

    def _speed(self, y: Array) -> Array:
        out = np.empty_like(y)
        self.e.kernels.rhs(0.0, y, out, *self.e.data)
        return out

    def growth(self) -> tuple[float, Array, Array]:
        """μ, and the left and right eigenvectors of the growing direction, with product one; scaled states."""
        J = self.e(self.end).J[self.at, self.at]
        values, right = np.linalg.eig(J)
        k = int(np.argmax(values.real))
        if not values[k].real > 1e-9 or abs(values[k].imag) > 1e-9 * abs(values[k]):
            raise NoSaddle(
                f"escape: overlaps do not grow at rest (rate {values[k].real:.6g}), so SGD does not leave; a smaller "
                "learning rate may make it a saddle"
            )
        left = np.linalg.inv(right)[k].real
        along = right[:, k].real
        sign = 1.0 if along.sum() >= 0 else -1.0
        return float(values[k].real), sign * left, sign * along

    def spread(self, rate: float, left: Array) -> float:
        """S, from the covariance when the limit has come to rest, and the noise from then on."""
        C = self.e.start
        for piece in march(self.e, C, self.end, 1e-7):
            C, _ = piece.at(1.0)
        noise = left @ self.e(self.end).sigma[self.at, self.at] @ left
        variance = left @ C[self.at, self.at] @ left + noise / (2 * rate)
        if not variance > 0:
            raise NoSaddle(
                "escape: no noise reaches the overlap, so SGD stays; start with x0 > 0, or at random"
            )
        return float(np.exp(-rate * self.end) * np.sqrt(variance))

    def way_out(self, rate: float, right: Array) -> tuple[Array, Array, float]:
        """Overlaps, increasing, the limit's times at them, and the amplitude that it starts from."""
        e, system = self.e, self.e.theory.system
        root = np.sqrt(e.w)
        norm = float(e.w @ self.y[: e.n])
        amplitude = _SMALL * np.sqrt(norm) / abs(root @ right)
        y = self.y.copy()
        y[self.at] = amplitude * right / root
        path = e.path = Path(system, e.target, y, e.data, e.size, 40 * -np.log(_SMALL) / rate, 1e-10)
        name = list(system.outputs).index("overlap")

        def overlap(t: float) -> float:
            out: Any = np.zeros(len(system.outputs))
            e.kernels.observe(0.0, path(t), out, *e.data)
            return float(out[name])

        knots = np.array(path.knots)
        values = np.array([overlap(t) for t in knots])
        top = int(np.argmax(np.diff(values, append=-np.inf) <= 0))
        levels = np.geomspace(values[0] * 1.001, values[top] * (1 - 1e-6), 400)
        times = []
        for level in levels:
            k = int(np.searchsorted(values[: top + 1], level))
            times.append(brentq(lambda t, a=level: overlap(t) - a, knots[k - 1], knots[k], xtol=1e-12))
        return levels, np.array(times), float(amplitude)
