"""Lines of evidence by computation: formulas against integrated limits, and limits against direct simulation.

Stands beside the lines by formula. A formula is given as a SymPy expression with the numbers to put in, so that
what is shown is what is evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import mpmath
import numpy as np
import sympy as sp

from symhigh.checks import callback, flag, real
from symhigh.ledger.evidence import Trial, _caller, _make
from symhigh.ledger.paths import Origin
from symhigh.ledger.shown import Shown, show
from symhigh.ledger.verdict import Finding, Verdict


class Agreement(Protocol):
    """What simulation evidence returns: a :class:`~symhigh.ledger.Comparison`, an error slope, …

    What states something else than that runs agree with the limit says so in an attribute ``stated``.
    """

    @property
    def agrees(self) -> bool: ...

    def summary(self) -> str: ...


@dataclass(frozen=True)
class Measured:
    """A number or array that was computed, under the name by which the ledger shows it."""

    name: str
    value: Any


@dataclass(frozen=True)
class Integrated:
    """Formula against integrated limits, to a tolerance; see :func:`integrated`."""

    kind: ClassVar[str] = "integrated"
    best: ClassVar[Verdict] = Verdict.VERIFIED
    pairs: Callable[[Trial], Iterable[Sequence[Any]]]
    tolerance: float
    title: str
    origin: Origin | None = field(default=None, compare=False)

    def examine(self, trial: Trial) -> Finding:
        """Verified where every pair agrees to the tolerance, refuted by the first that does not."""
        return self.settle(self.pairs(trial))

    def settle(self, pairs: Iterable[Sequence[Any]]) -> Finding:
        """What is found of the pairs together."""
        worst, count = 0.0, 0
        shown: dict[str, Shown] = {}
        for left, right, *where in pairs:
            point = where[0] if where else {}
            stated = self._shown(left, right)
            shown[stated.text] = stated
            a, b = np.broadcast_arrays(_value(left, point), _value(right, point))
            gap = np.abs(a - b) / np.maximum(np.maximum(np.abs(a), np.abs(b)), np.finfo(float).tiny)
            place = np.unravel_index(np.argmax(np.where(np.isfinite(gap), gap, np.inf)), gap.shape)
            if not (gap[place] <= self.tolerance or a[place] == b[place]):
                named = [(str(k), str(v)) for k, v in point.items()]
                sides = (("left", f"{a[place]:.16g}"), ("right", f"{b[place]:.16g}"))
                return Finding(
                    Verdict.REFUTED,
                    f"relative difference {gap[place]:.2g}, above {self.tolerance:.2g}",
                    (*named, *sides),
                    shown=tuple(shown.values()),
                )
            worst, count = max(worst, float(gap[place])), count + gap.size
        if not count:
            raise ValueError(
                f"integrated evidence {self.title!r} gave no pair of numbers; yield (left, right)"
            )
        return Finding(
            Verdict.VERIFIED,
            f"{count} comparisons, largest relative difference {worst:.2g}",
            shown=tuple(shown.values()),
        )

    def _shown(self, left: Any, right: Any) -> Shown:
        """The sides as far as they are formulas or bear names, and the tolerance."""
        sides = [s.name if isinstance(s, Measured) else s if isinstance(s, sp.Expr) else "" for s in (left, right)]
        if not any(sides):
            return Shown(f"two computations of “{self.title}” agree to {self.tolerance:g}")
        one, other = (s or f"“{self.title}”" for s in sides)
        return show(one, "=", other, tail=f" to {self.tolerance:g}")


@dataclass(frozen=True)
class Simulation:
    """Direct simulation against the limit; see :func:`simulation`."""

    kind: ClassVar[str] = "simulation"
    best: ClassVar[Verdict] = Verdict.CONSISTENT
    experiment: Callable[[Trial], Agreement | Sequence[Agreement]]
    title: str
    in_quick: bool = True
    origin: Origin | None = field(default=None, compare=False)

    def examine(self, trial: Trial) -> Finding:
        """Consistent where every comparison agrees, else refuted."""
        stated = f"direct simulation of “{self.title}” agrees with the limit"
        if trial.quick and not self.in_quick:
            return Finding(Verdict.SKIPPED, "left out in quick mode", shown=(Shown(stated),))
        found = self.experiment(trial)
        agreements = list(found) if isinstance(found, Sequence) else [found]
        if not agreements or not all(hasattr(a, "agrees") for a in agreements):
            raise TypeError(
                f"simulation evidence {self.title!r} returned {found!r}; return a Comparison, an ErrorSlope, "
                "or a list of them"
            )
        shown = tuple(dict.fromkeys(Shown(getattr(a, "stated", stated)) for a in agreements))
        bad = [a for a in agreements if not a.agrees]
        verdict = Verdict.REFUTED if bad else Verdict.CONSISTENT
        return Finding(verdict, "; ".join(a.summary() for a in bad or agreements), shown=shown)


def integrated(pairs: Any = None, *, tolerance: float = 1e-9, title: str = "") -> Any:
    """Numeric evidence against integrated limits: a function of a :class:`Trial` yielding pairs.

    A pair is ``(left, right)``, to agree relative to the larger within ``tolerance``. A side is a number, an array, a
    :class:`Measured` number with a name, or a SymPy expression; a third entry, a mapping, names the setting, and
    gives the symbols of an expression their numbers. Expressions and names are shown. ``trial.rng`` draws settings,
    ``trial.quick`` asks for fewer.
    """
    callback("integrated", "pairs", pairs, "a function of a Trial that yields pairs")
    real("integrated", "tolerance", tolerance, above=0.0, meaning="the largest relative difference")
    return _make("integrated", lambda s, name, o: Integrated(s, tolerance, name, o), pairs, title, _caller())


def simulation(experiment: Any = None, *, title: str = "", in_quick: bool = True) -> Any:
    """Simulation evidence: a function of a :class:`Trial` returning a comparison, an error slope, or a list.

    ``trial.quick`` asks for a smaller experiment, or leaves it out altogether where ``in_quick`` is false;
    ``trial.seed`` is the seed to use.
    """
    callback("simulation", "experiment", experiment, "a function of a Trial that returns a comparison")
    flag("simulation", "in_quick", in_quick, meaning="whether quick runs include it")
    return _make("simulation", lambda s, name, o: Simulation(s, name, in_quick, o), experiment, title, _caller())


def _value(side: Any, point: Mapping[Any, Any]) -> Any:
    """A side as numbers, its expression evaluated at the point to 30 digits."""
    if isinstance(side, Measured):
        side = side.value
    if not isinstance(side, sp.Expr):
        return np.asarray(side, dtype=float)
    if missing := sorted(map(str, side.free_symbols - set(point))):
        raise ValueError(
            f"the formula {side} needs numbers for {', '.join(missing)}; yield (left, right, {{symbol: number}})"
        )
    values = {s: sp.Rational(float(point[s])) for s in side.free_symbols}
    with mpmath.workdps(30):
        return np.asarray(float(sp.re(side.xreplace(values).evalf(30))))
