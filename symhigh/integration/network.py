"""The curve of a diagonal network: its Fokker-Planck system put in numbers, solved, and read out.

Takes the derived channels (``derivation/close/density.py``) term by term; no drift or noise is written here.
Model and equations: ``derivations/diagonal_networks/README.md``.
One file: the curve refines itself, and the solver returns it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from symhigh.checks import instance, mapping, output_times, real
from symhigh.closed.network import least_threshold, numeric, starts
from symhigh.derivation.close.additive import alpha, side_w, side_z, xi
from symhigh.derivation.close.density import DensitySystem, gradient_noise_is_twice_the_risk
from symhigh.integration.curve import Curve
from symhigh.integration.edges import SingularStart
from symhigh.integration.fokker_planck import Densities, Explosion, solve_fokker_planck
from symhigh.integration.minimum import minimal_risk_at
from symhigh.integration.network_model import density_model
from symhigh.integration.network_values import Statistic, statistic
from symhigh.integration.schedules import parameters_in_plain_time
from symhigh.population import NetworkClasses
from symhigh.problem import Problem
from symhigh.problem.model import LINEAR
from symhigh.problem.network import theta_star, u, v
from symhigh.symbols import lam
from symhigh.telling import telling, warn

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class NetworkCurve(Curve):
    """The limit of a diagonal network at times ``t`` (T,), in steps/d; ``risk`` (T,) includes the label noise.

    Sums over coordinates are per coordinate: ``distance`` is ``‖θ − θ*‖²/d``, ``l1`` is ``‖θ‖₁/d``,
    ``curvature`` is ``Tr ∇²R``. ``densities`` holds the laws of ξ, ``level`` (T, classes) is α; ``u``, ``v``
    (T, classes, n) are the parameters at the nodes. ``observables`` are the outputs asked for beside the system's.
    """

    system: DensitySystem
    densities: Densities
    level: Array
    resolution: Resolution
    observables: Mapping[str, sp.Expr] = field(default_factory=dict)

    @property
    def limit(self) -> DensitySystem:
        """The system that was solved."""
        return self.system

    @property
    def classes(self) -> NetworkClasses:
        """The classes that it was solved on."""
        assert isinstance(self.spectrum, NetworkClasses)
        return self.spectrum

    def __repr__(self) -> str:
        span = f"t = {self.t[0]:g} … {self.t[-1]:g}, {self.t.size} times" if self.t.size else "no times"
        ends = f"; risk {self.risk[0]:.6g} → {self.risk[-1]:.6g}" if self.t.size else ""
        return f"NetworkCurve({self.classes.size} classes; {span}{ends}{'; ' + self.message if self.message else ''})"

    @property
    def memories(self) -> dict[str, Array]:
        """The rule's memories by name, (T,) each."""
        return {s.name.name: self.densities.memory[:, k] for k, s in enumerate(self.system.states)}

    def _parameters_at_nodes(self, which: sp.Symbol) -> Array:
        begin, points = starts(self.limit, self.classes), self.densities.points()
        signs = [side[None, :, None] for side in (begin.side_w, begin.side_z)]
        values = numeric((alpha, xi, side_w, side_z), self.limit.reduction.inverse[which])
        return np.broadcast_to(values(self.level[:, :, None], points, *signs), points.shape)

    @cached_property
    def u(self) -> Array:
        """u at the nodes, (T, classes, n)."""
        return self._parameters_at_nodes(u)

    @cached_property
    def v(self) -> Array:
        """v at the nodes, (T, classes, n)."""
        return self._parameters_at_nodes(v)

    @cached_property
    def coarser(self) -> tuple[NetworkCurve, NetworkCurve]:
        """The same curve with longer time steps, and on half the nodes: what errors are estimated with.

        Steps end at output times, so the first has few of these, for its steps to be longer indeed.
        """
        few = self.t if 9 * self.t.size <= self.densities.steps or self.t.size < 2 else self.t[:0:-3][::-1]
        return (
            _at(self.limit, self.classes, few, self.resolution.longer_steps(), self.observables),
            _at(self.limit, self.classes, self.t, self.resolution.half_the_nodes(), self.observables),
        )

    def error(self, what: str | Statistic | sp.Expr = "risk") -> Array:
        """An estimate of the absolute error of a quantity by name, or of an observable, at the times ``t``, (T,).

        The sum of what longer time steps and half the nodes change: no less than the error where that falls at least
        by a half on refinement (it falls by four in space, by up to ten in time). Infinite where one of these curves
        ends earlier. The two curves are computed when first asked for.
        """
        return np.asarray(sum(self._changes(what)))

    def _changes(self, what: str | Statistic | sp.Expr) -> list[Array]:
        """What each of the coarser curves changes, linear between its times."""
        fine, *others = (
            np.asarray(getattr(c, what) if isinstance(what, str) else c.observable(what))
            for c in (self, *self.coarser)
        )
        found = []
        for other, curve in zip(others, self.coarser, strict=True):
            if not curve.t.size:
                found.append(np.full(fine.shape, np.inf))
                continue
            there = np.abs(fine[np.searchsorted(self.t, curve.t)] - other)
            change = np.interp(self.t, curve.t, there)
            found.append(np.where(self.t <= curve.t[-1], change, np.inf))
        return found

    @cached_property
    def excess_risk(self) -> Array:
        """The risk minus its minimum over θ, ≥ 0."""
        if gradient_noise_is_twice_the_risk(self.limit.field):
            return self.observable(lam * (self.limit.parametrization.effective - theta_star) ** 2) / 2
        given = self.limit.problem
        plain = Problem(given.loss, given.noise, dict(given.labels), dict(given.parameters), given.name, LINEAR)
        variance = float(self.classes.weight @ (self.classes.lam * self.classes.theta_star**2))
        return np.asarray(self.risk - minimal_risk_at(plain, variance))

    @cached_property
    def theta(self) -> Array:
        """Effective weights at the nodes, (T, classes, n)."""
        return np.asarray(numeric((u, v), self.limit.parametrization.effective)(self.u, self.v))

    def observable(self, phi: Statistic | sp.Expr) -> Array:
        """``Σ_classes w E φ(u, v, θ*, λ)`` at the times ``t``, shape (T,).

        ``phi`` is a function of four arrays that broadcast, or a SymPy expression in ``u, v, theta_star,
        lam``.
        """
        function = statistic("NetworkCurve.observable", "phi", phi)
        values = function(
            self.u, self.v, self.classes.theta_star[None, :, None], self.classes.lam[None, :, None]
        )
        mean = np.sum(
            np.broadcast_to(np.asarray(values, dtype=float), self.u.shape) * self.densities.mass, axis=2
        )
        return np.asarray(mean @ self.classes.weight)

    @property
    def balance(self) -> Array:
        """The deterministic balance of every class, ``c(0) exp(2 (α − α(0)))``, (T, classes)."""
        law = self.limit.balance
        if law is None:
            raise ArithmeticError("this parametrization has no balance law")
        start = numeric((u, v), law.function)(self.classes.u, self.classes.v)
        return np.asarray(start * np.exp(2 * (self.level - starts(self.limit, self.classes).alpha)))

    def support(self, threshold: float) -> Array:
        """Fraction of coordinates with ``|θ| > threshold``, (T,); resolved to a cell of the grid."""
        level = real(
            "NetworkCurve.support", "threshold", threshold, least=0.0, meaning="the size that counts as 0"
        )
        return np.asarray(
            np.sum((np.abs(self.theta) > level) * self.densities.mass, axis=2) @ self.classes.weight
        )


@telling
def solve_network(
    limit: DensitySystem, classes: NetworkClasses, t_end: float, t: Any = None, *,
    nodes: int | None = None, rtol: float | None = None, step: float | None = None, tolerance: float = 0.01,
    outputs: Mapping[str, sp.Expr] | None = None,
) -> NetworkCurve:  # fmt: skip
    """Solve the Fokker-Planck system of ``classes`` to ``t_end``; results at ``t`` (default 201 equal times).

    By default nodes and time steps are refined, from 161 nodes and ``rtol=1e-5``, until the estimated errors of excess
    risk (for other losses than the square: risk), learning rate, distance and l1 are within ``tolerance`` of their
    values, or of a hundredth of their largest value; where that
    is not reached within a budget, a ``RuntimeWarning`` and ``message`` say what was. With ``nodes``, ``rtol`` or
    ``step``, options of :func:`~symhigh.integration.fokker_planck.solve_fokker_planck`, the system is
    solved once; :meth:`NetworkCurve.error` estimates the error of either. ``outputs`` names further averages over
    coordinates, expressions in ``u, v, theta_star, lam``.

    Warns where a constant step exceeds the stability threshold of every minimiser that the start can lead to. A limit
    that explodes ends with what it has, and a ``message``. Starts on the boundary ``u = ± v`` stay there: θ keeps its
    sign, and tends to 0 where θ* has the other one. Raises ``ValueError`` on symbols without numbers, times outside
    ``[0, t_end]``, and schedules that are negative or infinite.
    """
    instance("solve", "classes", classes, NetworkClasses, "symhigh.NetworkClasses")
    end = real("solve", "t_end", t_end, above=0.0, meaning="the end of the time interval, in steps/d")
    times = output_times("solve", t, end)
    goal = real("solve", "tolerance", tolerance, above=0.0, meaning="the relative error allowed")
    extra = _observables(limit, outputs)
    _check_rate(limit, end)
    _warn_above_threshold(limit, classes)
    given = Resolution(161 if nodes is None else nodes, 1e-5 if rtol is None else rtol, step)
    curve = _at(limit, classes, times, given, extra)
    if nodes is None and rtol is None and step is None and curve.complete:
        curve = _refined(curve, goal)
    doubts = density_model(limit, classes).doubts(curve.densities, goal)
    if refusal := doubts.refusal():
        raise SingularStart(f"solve: {refusal}")
    for text in (doubts.warning(), curve.message):
        if text:
            warn(text)
    return curve


def _observables(limit: DensitySystem, outputs: Mapping[str, sp.Expr] | None) -> dict[str, sp.Expr]:
    """The outputs asked for, checked."""
    meaning = "{name: expression in u, v, theta_star, lam}"
    given = {} if outputs is None else mapping("solve", "outputs", outputs, meaning)
    for name, expr in given.items():
        instance("solve", "outputs", name, str, "{name: expression}, names being text")
        if name in limit.outputs:
            raise ValueError(f"solve(outputs={{{name!r}: …}}): the curve has an output of this name; choose another")
        statistic("solve", f"outputs[{name!r}]", expr)
    return dict(given)


def _check_rate(limit: DensitySystem, end: float) -> None:
    if limit.plain:
        limit.numbers()
    parameters_in_plain_time(limit, end, "a density moves")


@dataclass(frozen=True)
class Resolution:
    """Nodes of a density, and the tolerance of a step, or its length."""

    nodes: int
    rtol: float
    step: float | None = None

    def longer_steps(self) -> Resolution:
        """About a third of the adaptive steps, half of the fixed ones."""
        return replace(self, rtol=10 * self.rtol, step=None if self.step is None else 2 * self.step)

    def half_the_nodes(self) -> Resolution:
        return replace(self, nodes=max(21, self.nodes // 4 * 2 + 1))


_MOST_NUMBERS, _MOST_WORK = 4e7, 1e7  # numbers kept; steps × nodes × classes, some seconds


def _refined(curve: NetworkCurve, goal: float) -> NetworkCurve:
    """The curve at the first resolution whose estimated errors are within ``goal``; a message where none is."""
    square = gradient_noise_is_twice_the_risk(curve.limit.field)
    rate = () if curve.limit.plain else ("learning_rate",)
    checked = ("excess_risk" if square else "risk", "distance", "l1", *rate)
    while True:
        changes = np.array([_relative_changes(curve, name) for name in checked])
        worst = float(changes.sum(axis=1).max())
        if worst <= goal:
            return curve
        in_time, in_space = (float(c) > goal / 3 for c in changes.max(axis=0))
        at, steps = curve.resolution, curve.densities.steps
        finer = Resolution(2 * at.nodes - 1 if in_space else at.nodes, at.rtol / 10 if in_time else at.rtol)
        size = finer.nodes * curve.classes.size
        if size * curve.t.size > _MOST_NUMBERS or size * steps * (3 if in_time else 1) > _MOST_WORK:
            name = checked[int(changes.sum(axis=1).argmax())]
            return replace(
                curve,
                message=f"solve(tolerance={goal:g}): the estimated error of {name} is {worst:.2g} of it with "
                f"{at.nodes} nodes and rtol={at.rtol:.1g}; raise tolerance, end earlier, or give nodes=… and rtol=…",
            )
        curve = _at(curve.limit, curve.classes, curve.t, finer, curve.observables)
        if not curve.complete:
            return curve


def _relative_changes(curve: NetworkCurve, name: str) -> tuple[float, float]:
    """What longer steps and half the nodes change, relative to the values or to a hundredth of the largest."""
    values = np.abs(getattr(curve, name))
    scale = values + 0.01 * values.max()
    first, second = (float((c / np.where(scale > 0, scale, 1.0)).max()) for c in curve._changes(name))
    return first, second


def _at(
    limit: DensitySystem, classes: NetworkClasses, times: Array, resolution: Resolution,
    observables: Mapping[str, sp.Expr],
) -> NetworkCurve:  # fmt: skip
    """The curve at one resolution, as far as it goes."""
    given = density_model(limit, classes)
    padded = np.union1d(np.append(times, 0.0), given.breaks(float(times[-1])))
    message = ""
    try:
        full = solve_fokker_planck(
            given.model, given.start, padded, nodes=resolution.nodes, rtol=resolution.rtol, step=resolution.step,
            parameters=given.parameters(padded, True),
        )  # fmt: skip
    except Explosion as explosion:
        full, message = explosion.found, str(explosion)
    found = full.at(np.isin(full.t, times))
    curve = NetworkCurve(
        t=found.t, outputs=given.outputs(found), system=limit, spectrum=classes, start=None, rtol=resolution.rtol,
        complete=not message, message=message, statistics={"steps": found.steps, "nodes": resolution.nodes},
        densities=found, level=given.level(found), resolution=resolution, observables=observables,
    )  # fmt: skip
    if not observables:
        return curve
    return replace(curve, outputs={**curve.outputs, **{n: curve.observable(e) for n, e in observables.items()}})


def _warn_above_threshold(limit: DensitySystem, classes: NetworkClasses) -> None:
    if not limit.plain:
        return
    step, bound = limit.numbers()[0], least_threshold(limit.parametrization, classes)
    if step >= bound:
        warn(
            f"step {step:g} is not below {bound:.6g}, the largest step at which a minimiser of these "
            "classes can be stable: "
            "the risk will not tend to its minimum",
        )
