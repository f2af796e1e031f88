"""What a user holds: systems, curves, runs and comparisons with their methods, and the functions that return them.

Stands after all rooms that compute and before the command line. A façade without logic: a class is the data of an inner
room, seen by :func:`seen_as`, and a method is one call of a free function, with its arguments and its documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import sympy as sp

from symhigh import system
from symhigh.closed.formula import Formula
from symhigh.closed.limits import limits
from symhigh.codegen.target import Target
from symhigh.derivation import limit
from symhigh.derivation import network as density
from symhigh.derivation.close import particles as particle
from symhigh.integration import curve as curves
from symhigh.integration import network as network_curves
from symhigh.integration.bands import Fluctuations
from symhigh.integration.fluctuations import fluctuations
from symhigh.integration.network_law import LawCurve, solve_law
from symhigh.integration.particle_system import PARTICLES, solve_by_particles
from symhigh.integration.solve import Progress, solve
from symhigh.integration.stepper import Stepper
from symhigh.ledger import comparison, outcome
from symhigh.population import NetworkClasses, Spectrum, Start
from symhigh.population.spectrum import Array
from symhigh.problem import Problem
from symhigh.report.equations import equations, equations_latex, equations_text
from symhigh.report.figures import COLOURS, plot_bands, plot_comparison, plot_curve
from symhigh.rule import Rule
from symhigh.simulation import runner, runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.random import BitGenerator

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def seen_as(kind: type[T], data: Any) -> T:
    """``data`` of an inner room as the ``kind`` that adds methods to its class; the same fields, not copied."""
    view = object.__new__(kind)
    vars(view).update(vars(data))
    return view


def documented_by(function: Callable[..., Any]) -> Callable[[F], F]:
    """Gives a method the documentation of the function that it calls."""

    def give(method: F) -> F:
        method.__doc__ = function.__doc__
        return method

    return give


# --- systems ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False, repr=False)
class MomentSystem(system.MomentSystem):
    """The exact limit of a problem under a rule, closed by second moments: what :func:`symhigh.derive` returns.

    The other closures are :class:`DensitySystem` and :class:`ParticleSystem`; all answer the same questions, and refuse
    by name, with the reason, those that their closure has no answer to.
    """

    def equations(self) -> list[sp.Eq]:
        """The limit as SymPy equations, the user's parameter values put in.

        A mode's state or coefficient is an undefined function of the index, ``V11(i, t)``, ``lambda(i)``;
        averages are ``Sum(w(i)*…, (i, 1, N))`` with weights that sum to one (``1/d`` each for d modes). Of a
        :class:`DensitySystem`: the SDE of a coordinate, its balance law, the Fokker-Planck equation, the risk.
        """
        return equations(self)

    def latex(self) -> str:
        """The equations as one LaTeX ``aligned`` environment."""
        return equations_latex(self)

    def text(self) -> str:
        """The equations in plain characters, one a line; what ``print`` shows."""
        return equations_text(self)

    def __str__(self) -> str:
        return self.text()

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def limits(self, spectrum: Spectrum | None = None, start: Start | None = None) -> Mapping[str, Formula]:
        """Closed forms for the long time of this system; see :func:`symhigh.limits` for their names."""
        return limits(self, spectrum, start)

    @documented_by(solve)
    def solve(
        self,
        spectrum: Spectrum,
        start: Start,
        t_end: float,
        t: Any = None,
        rtol: float = 1e-8,
        atol: float | None = None,
        target: Target | None = None,
        progress: Progress | None = None,
        stepper: Stepper | None = None,
        events: Mapping[str, sp.Expr] | None = None,
        until: str | Sequence[str] = (),
        steady: float = 1e-8,
        budget: int = 100_000,
    ) -> Curve:
        return seen_as(Curve, solve(
            self, spectrum, start, t_end, t, rtol, atol, target, progress, stepper, events, until, steady, budget
        ))  # fmt: skip

    @documented_by(fluctuations)
    def fluctuations(
        self,
        spectrum: Any,
        start: Any = None,
        t_end: Any = None,
        t: Any = None,
        rtol: float = 1e-5,
        target: Target | None = None,
    ) -> Fluctuations:
        return fluctuations(self, spectrum, start, t_end, t, rtol, target)

    @documented_by(runner.simulate)
    def simulate(
        self,
        spectrum: Any,
        start: Any = None,
        d: Any = None,
        t_end: Any = None,
        seeds: int | Sequence[int] = 10,
        method: str = "auto",
        t: Any = None,
        threads: int | None = None,
        progress: Progress | None = None,
        generator: type[BitGenerator] | None = None,
        *,
        covariance: Any = None,
        observables: Mapping[str, Callable[..., Array] | sp.Expr] | None = None,
    ) -> Runs:
        return simulate(
            self.problem, self.rule, spectrum, start, d, t_end, seeds, method, t, threads, progress, generator,
            covariance=covariance, observables=observables,
        )  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class DensitySystem(MomentSystem, density.DensitySystem):
    """The limit of a network, closed by the density of one coordinate; answers what a :class:`MomentSystem` does.

    It has ``sde``, ``balance``, ``reduction`` and ``fokker_planck`` besides, and is solved on network classes.
    """

    @documented_by(network_curves.solve_network)
    def solve(  # type: ignore[override]
        self,
        classes: NetworkClasses,
        t_end: float,
        t: Any = None,
        *,
        nodes: int | None = None,
        rtol: float | None = None,
        step: float | None = None,
        tolerance: float = 0.01,
    ) -> NetworkCurve:
        return seen_as(NetworkCurve, network_curves.solve_network(
            self, classes, t_end, t, nodes=nodes, rtol=rtol, step=step, tolerance=tolerance
        ))  # fmt: skip

    @documented_by(solve_law)
    def solve_law(
        self,
        t_end: float,
        t: Any = None,
        *,
        law: dict[str, Any],
        tolerance: float = 1e-5,
        least_nodes: int = 2,
        most_classes: int = 4096,
        nodes: int = 161,
        rtol: float | None = None,
        step: float | None = None,
    ) -> LawCurve:
        found = solve_law(
            self, t_end, t, law=law, tolerance=tolerance, least_nodes=least_nodes, most_classes=most_classes,
            nodes=nodes, rtol=rtol, step=step,
        )  # fmt: skip
        return replace(found, curve=seen_as(NetworkCurve, found.curve))


@dataclass(frozen=True, eq=False, repr=False)
class ParticleSystem(MomentSystem, particle.ParticleSystem):
    """A limit that no smaller system closes, solved by particles; answers what a :class:`MomentSystem` does."""

    @documented_by(solve_by_particles)
    def solve(
        self,
        *population: Any,
        t_end: float | None = None,
        t: Any = None,
        particles: int = PARTICLES,
        step: float = 0.02,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Curve:
        return seen_as(Curve, solve_by_particles(
            self, *population, t_end=t_end, t=t, particles=particles, step=step, seed=seed, progress=progress
        ))  # fmt: skip


_SYSTEMS: Mapping[type, type[MomentSystem]] = {
    system.MomentSystem: MomentSystem,
    density.DensitySystem: DensitySystem,
    particle.ParticleSystem: ParticleSystem,
}


# --- results ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False, repr=False)
class Curve(curves.Curve):
    __doc__ = curves.Curve.__doc__

    def plot(self, what: str = "risk", ax: Axes | None = None, **style: Any) -> Axes:
        """Draw one output against time; returns the axes. ``style`` is what ``Axes.plot`` takes."""
        return plot_curve(self, what, ax, **style)


@dataclass(frozen=True, eq=False, repr=False)
class NetworkCurve(network_curves.NetworkCurve):
    __doc__ = network_curves.NetworkCurve.__doc__

    def plot(self, what: str = "risk", ax: Axes | None = None, **style: Any) -> Axes:
        """Draw one output against time; returns the axes. ``style`` is what ``Axes.plot`` takes."""
        return plot_curve(self, what, ax, **style)


@dataclass(frozen=True, eq=False, repr=False)
class Runs(runs.Runs):
    __doc__ = runs.Runs.__doc__

    @documented_by(runner.again)
    def again(
        self, d: int, seeds: int | Sequence[int], t: Any = None, population: Sequence[Any] | None = None
    ) -> Runs:
        return seen_as(Runs, runner.again(self, d, seeds, t, population))

    @documented_by(plot_bands)
    def plot(
        self,
        what: str = "risk",
        ax: Axes | None = None,
        low: float = 0.1,
        high: float = 0.9,
        colour: str = COLOURS[2],
    ) -> Axes:
        return plot_bands(self, what, ax, low, high, colour)


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(outcome.Comparison):
    __doc__ = outcome.Comparison.__doc__

    @documented_by(plot_comparison)
    def plot(self, what: str | None = None, ax: Axes | None = None) -> Axes:
        return plot_comparison(self, what, ax)


# --- functions --------------------------------------------------------------------------------------------
@documented_by(limit.derive)
def derive(problem: Problem, rule: Rule | None = None, reduce: bool = True) -> MomentSystem:
    found = limit.derive(problem, rule, reduce)
    return seen_as(_SYSTEMS[type(found)], found)


@documented_by(runner.simulate)
def simulate(
    problem: Problem | system.MomentSystem,
    rule: Any,
    spectrum: Any = None,
    start: Any = None,
    d: Any = None,
    t_end: Any = None,
    seeds: int | Sequence[int] = 10,
    method: str = "auto",
    t: Any = None,
    threads: int | None = None,
    progress: Progress | None = None,
    generator: type[BitGenerator] | None = None,
    *,
    covariance: Any = None,
    observables: Mapping[str, Callable[..., Array] | sp.Expr] | None = None,
) -> Runs:
    return seen_as(Runs, runner.simulate(
        problem, rule, spectrum, start, d, t_end, seeds, method, t, threads, progress, generator,
        covariance=covariance, observables=observables,
    ))  # fmt: skip


@documented_by(comparison.compare)
def compare(
    curve: curves.Curve | network_curves.NetworkCurve,
    runs: runs.Runs,
    what: str | Sequence[str] | None = None,
    alarm: float = 0.01,
    companions: Sequence[runs.Runs] | None = None,
) -> Comparison:
    return seen_as(Comparison, comparison.compare(curve, runs, what, alarm, companions))
