"""Limits, however they were closed, with what can be asked of them; :func:`derive`.

The first objects of the façade. Rooms that a first curve does without are imported by the methods that need them.
One file, since the three kinds repeat one interface, all arguments named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sympy as sp

from symhigh import system
from symhigh.codegen.target import Target
from symhigh.derivation import limit
from symhigh.derivation.close import density
from symhigh.derivation.close import particles as particle
from symhigh.integration.many import ManyCurves
from symhigh.integration.particle_system import PARTICLES, solve_by_particles
from symhigh.integration.scan import solve_each, solve_many
from symhigh.integration.solve import Progress, solve
from symhigh.integration.stepper import Stepper
from symhigh.objects.curve import Curve
from symhigh.objects.view import documented_by, seen_as
from symhigh.population import NetworkClasses, Spectrum, Start
from symhigh.population.spectrum import Array
from symhigh.problem import Problem
from symhigh.report.equations import equations, equations_latex, equations_text
from symhigh.rule import Rule

if TYPE_CHECKING:
    from numpy.random import BitGenerator

    from symhigh.closed.formula import Formula
    from symhigh.integration.network_law import LawCurve
    from symhigh.objects.fluctuations import Fluctuations
    from symhigh.objects.network_curve import NetworkCurve
    from symhigh.objects.runs import Runs
    from symhigh.report.deviations import FluctuationEquations


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

    @documented_by(equations_latex)
    def latex(self, averages: str = "sums", common: bool = False) -> str:
        return equations_latex(self, averages, common)

    def text(self) -> str:
        """The equations in plain characters, one a line; what ``print`` shows."""
        return equations_text(self)

    def __str__(self) -> str:
        return self.text()

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def limits(
        self, spectrum: Spectrum | NetworkClasses | None = None, start: Start | None = None
    ) -> Mapping[str, Formula]:
        """Closed forms for the long time of this system; see :func:`symhigh.limits` for their names.

        Classes stand for spectrum and start of a network.
        """
        from symhigh.closed.limits import limits

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

    @documented_by(solve_many)
    def solve_many(
        self,
        over: Mapping[sp.Symbol | str, Any],
        spectrum: Any,
        start: Any,
        t_end: float,
        t: Any = None,
        rtol: float = 1e-8,
        atol: float | None = None,
        keep: str | Sequence[str] | None = None,
        threads: int | None = None,
        executor: Executor | None = None,
        progress: Progress | None = None,
        target: Target | None = None,
        budget: int = 100_000,
    ) -> ManyCurves:
        return solve_many(
            self, over, spectrum, start, t_end, t, rtol, atol, keep, threads, executor, progress, target, budget
        )

    def fluctuations(
        self,
        spectrum: Any,
        start: Any = None,
        t_end: Any = None,
        t: Any = None,
        rtol: float = 1e-5,
        target: Target | None = None,
        joint: Any = None,
    ) -> Fluctuations:
        """How far one run strays from the limit, and the bias of the mean, to leading order at any dimension d.

        ``t`` are increasing output times in [0, t_end], by default 201 equal ones, and ``rtol`` the relative tolerance
        of variances and biases; a random start adds its own covariance. ``t_end=inf`` asks for the stationary ones,
        where the limit comes to rest. ``joint`` are times, some of ``t`` or ``True`` for all, between which covariances
        are kept too. For systems closed by second moments; see
        :func:`symhigh.integration.fluctuations.fluctuations`.
        """
        from symhigh.integration.fluctuations import fluctuations
        from symhigh.objects.fluctuations import Fluctuations

        return seen_as(Fluctuations, fluctuations(self, spectrum, start, t_end, t, rtol, target, joint))

    def fluctuation_equations(self, random_start: bool = False) -> FluctuationEquations:
        """The equations that :meth:`fluctuations` integrates, written out; no numbers are needed.

        The result has ``equations()``, ``latex()`` and ``text()``. With ``random_start`` what is fixed in a run differs
        between runs. Raises ``ValueError`` where there is no linear theory, with the reason.
        """
        from symhigh.derivation.fluctuations import deviations
        from symhigh.report.deviations import FluctuationEquations

        return FluctuationEquations(deviations(self, random_start))

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
        """Run this problem under this rule at dimension ``d``; the arguments are those of :func:`symhigh.simulate`."""
        from symhigh.objects.runs import simulate

        return simulate(
            self.problem, self.rule, spectrum, start, d, t_end, seeds, method, t, threads, progress, generator,
            covariance=covariance, observables=observables,
        )  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class DensitySystem(MomentSystem, density.DensitySystem):
    """The limit of a network, closed by the density of one coordinate; answers what a :class:`MomentSystem` does.

    It has ``sde``, ``balance``, ``reduction`` and ``fokker_planck`` besides, and is solved on network classes.
    """

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
        outputs: Mapping[str, sp.Expr] | None = None,
    ) -> NetworkCurve:
        """Integrate the Fokker-Planck system of ``classes`` to ``t_end``, at times ``t``, by default 201 equal ones.

        Nodes and time steps are refined until the estimated errors are within ``tolerance``; with ``nodes``, ``rtol``
        or ``step`` the system is solved once. ``outputs`` names further averages over coordinates, expressions in
        ``u, v, theta_star, lam``. See :func:`symhigh.integration.network.solve_network`.
        """
        from symhigh.integration.network import solve_network
        from symhigh.objects.network_curve import NetworkCurve

        return seen_as(NetworkCurve, solve_network(
            self, classes, t_end, t, nodes=nodes, rtol=rtol, step=step, tolerance=tolerance, outputs=outputs
        ))  # fmt: skip

    def solve_many(  # type: ignore[override]
        self,
        over: Mapping[sp.Symbol | str, Any],
        classes: Any,
        t_end: float,
        t: Any = None,
        keep: str | Sequence[str] | None = None,
        executor: Executor | None = None,
        progress: Progress | None = None,
        **options: Any,
    ) -> ManyCurves:
        """Solve at every point of a grid, ``{symbol or name: values}``; ``classes`` may be a list, one more axis.

        Curves are solved one by one, on any ``concurrent.futures.Executor`` that is given; ``options`` are those of
        :meth:`solve`, and the rest is as in :meth:`MomentSystem.solve_many`.
        """
        from symhigh.integration.network import solve_network

        population = {"classes": classes}
        return solve_each(self, over, population, solve_network, options, t_end, t, keep, executor, progress)

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
        """Integrate with continuous laws of (λ, θ*, u, v), and estimate the error of their quadrature.

        ``law`` gives ``lam, theta_star, u, v``, each a number or a quantile function; the nodes of a law double, from
        ``least_nodes``, until the risk changes by at most ``tolerance`` of its largest value. See
        :func:`symhigh.integration.network_law.solve_law`.
        """
        from symhigh.integration.network_law import solve_law
        from symhigh.objects.network_curve import NetworkCurve

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


    def solve_many(  # type: ignore[override]
        self,
        over: Mapping[sp.Symbol | str, Any],
        *population: Any,
        t_end: float,
        t: Any = None,
        keep: str | Sequence[str] | None = None,
        executor: Executor | None = None,
        progress: Progress | None = None,
        **options: Any,
    ) -> ManyCurves:
        """Solve at every point of a grid, ``{symbol or name: values}``; a list in the population is one more axis.

        Curves are solved one by one, on any ``concurrent.futures.Executor`` that is given; ``options`` are those of
        :meth:`solve`, and the rest is as in :meth:`MomentSystem.solve_many`.
        """
        names = ("classes",) if len(population) == 1 else ("spectrum", "start")
        given = dict(zip(names, population, strict=True))
        return solve_each(self, over, given, solve_by_particles, options, t_end, t, keep, executor, progress)


_SYSTEMS: Mapping[type, type[MomentSystem]] = {
    system.MomentSystem: MomentSystem,
    density.DensitySystem: DensitySystem,
    particle.ParticleSystem: ParticleSystem,
}


@documented_by(limit.derive)
def derive(problem: Problem, rule: Rule | None = None, reduce: bool = True) -> MomentSystem:
    found = limit.derive(problem, rule, reduce)
    return seen_as(_SYSTEMS[type(found)], found)
