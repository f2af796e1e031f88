"""Figures of diagonal networks: concentration, the density of a class, the sharpness that SGD sustains, sparsity.

Model and equations: ``derivations/diagonal_networks/README.md``. Every statement that a figure is to show is checked on
its data.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from symhigh.closed.network import linearise
from symhigh.derivation import derive
from symhigh.derivation.close.density import DensitySystem
from symhigh.integration.network import solve_network
from symhigh.integration.network_sde import solve_network_sde
from symhigh.integration.network_values import coordinates
from symhigh.population import NetworkClasses
from symhigh.problem import DiagonalNetwork
from symhigh.report.figures import COLOURS, THEORY, colour_of, legend_above, panels, shades
from symhigh.report.gallery import Drawn, Progress, between, expect, recipe
from symhigh.simulation.runner import simulate

Array = np.ndarray[Any, Any]
FOUR = NetworkClasses([1, 1, 0.4, 0.4], [1, -0.5, 1, -0.5], 1.2, 0.2)


def _limit(network: DiagonalNetwork) -> DensitySystem:
    found = derive(network)
    assert isinstance(found, DensitySystem)
    return found


def _sample_covariance(d: int) -> Array:
    """``FᵀF/2d`` with Gaussian F (2d × d): the Marchenko-Pastur law of ratio 1/2 as d grows."""
    factor = np.random.default_rng(0).standard_normal((2 * d, d))
    return np.asarray(factor.T @ factor / (2 * d))


@recipe("networks/concentration", "Runs around the limit, and around the SDE for a sample covariance")
def concentration(quick: bool = False, progress: Progress | None = None) -> Drawn:
    """Risk of ten runs at growing d: diagonal K around the limit, and a sample covariance around its SDE."""
    name, network, times = "networks/concentration", DiagonalNetwork(0.4, 0.3), np.linspace(0, 5, 26)
    picture, (above, below) = panels(2)
    dims = (16, 64, 256, 1024) if quick else (16, 64, 256, 1024, 4096)
    curve = solve_network(_limit(network), FOUR, 5, t=times)
    spread, data = [], {"t": times, "limit": curve.risk}
    for d in dims:
        runs = simulate(network, None, FOUR, None, d, 5, 10, t=times)
        low, high = runs.quantiles()
        above.fill_between(times, low, high, color=colour_of(d), alpha=0.55, lw=0, label=f"d = {d}")
        spread.append(np.sqrt(np.mean((runs.risk - curve.risk) ** 2)))
        data[f"diagonal, d={d}"] = runs.risk
    above.plot(times, curve.risk, color=THEORY, label="limit")
    order = -np.polyfit(np.log(dims), np.log(spread), 1)[0]
    between(name, 0.35, order, 0.65, f"the error of a run falls like d^(-{order:.2f}), not d^(-1/2)")
    flat = NetworkClasses(1.0, FOUR.theta_star, FOUR.u, FOUR.v)
    for d in dims[:3] if quick else dims[:4]:
        covariance = _sample_covariance(d)
        runs = simulate(network, None, flat, None, d, 5, 10, t=times, covariance=covariance)
        low, high = runs.quantiles()
        below.fill_between(times, low, high, color=colour_of(d), alpha=0.55, lw=0, label=f"d = {d}")
        data[f"sample covariance, d={d}"] = runs.risk
    paths = solve_network_sde(_limit(network), coordinates(flat, d, covariance), times, seeds=10, step=0.05)
    below.plot(times, paths.risk.mean(axis=0), color=THEORY, label="SDE, largest K")
    data["SDE"] = paths.risk
    error = np.sqrt((runs.risk.var(axis=0, ddof=1) + paths.risk.var(axis=0, ddof=1)) / 10)
    gap = np.abs(runs.risk.mean(axis=0) - paths.risk.mean(axis=0))
    far = float((gap / (error + 1e-12)).max())
    between(name, 0, far, 5, "the SDE strays from the runs by more than five standard errors")
    for axes, title in ((above, "diagonal K"), (below, "sample covariance, ratio 1/2")):
        axes.set(xlabel="$t$ = steps/$d$", ylabel="risk", yscale="log", title=title)
        axes.legend(loc="upper right")
    return Drawn(picture, data)


@recipe("networks/density", "The density of one class")
def density(quick: bool = False, progress: Progress | None = None) -> Drawn:
    """The density of ξ of one class: a point, a bell, and with vanishing risk a point again."""
    curve = solve_network(_limit(DiagonalNetwork(0.4)), FOUR, 20, t=[0.05, 0.5, 2, 5, 10, 20])
    picture, (axes,) = panels(1, 2.4)
    points, values = curve.densities.points()[:, 0], curve.densities.density()[:, 0]
    for k, colour in enumerate(shades(len(curve.t))):
        axes.plot(points[k], values[k], color=colour, label=f"t = {curve.t[k]:g}")
    axes.set(xlabel=r"$\xi$", ylabel=r"$p(t, \xi)$", xlim=(-0.4, 1.4), ylim=(0, 12))
    axes.set_title(r"$\lambda = 1$, $\theta_\star = 1$, no label noise")
    axes.legend(loc="upper right")
    area = (values * curve.densities.scale[:, :1] * curve.densities.cells).sum(axis=1)
    expect("networks/density", np.allclose(area, 1, atol=1e-12), "the mass of the density is not one")
    widest = int(curve.densities.scale[:, 0].argmax())
    expect("networks/density", widest not in (0, curve.t.size - 1), "the density does not widen and narrow again")
    return Drawn(picture, {"t": curve.t, "points": points, "density": values})


@recipe("networks/sharpness", "Curvature against 2/η")
def sharpness(quick: bool = False, progress: Progress | None = None) -> Drawn:
    """Below η · curvature = 2 the risk decays, above it noise holds the risk up."""
    picture, (above, below) = panels(2)
    one, times, d = NetworkClasses(1.0, 1.0, 0.98, 0.9), np.linspace(0, 60, 121), 512 if quick else 1024
    data: dict[str, Any] = {"t": times, "d": d}
    for step, colour in zip((0.6, 0.9, 1.1, 1.4), shades(4), strict=True):
        runs = simulate(DiagonalNetwork(step), None, one, None, d, 60, 3, t=times)
        above.plot(times, runs.risk.T, color=colour, lw=0.8)
        lines = below.plot(times, step * runs.curvature.T / 2, color=colour, lw=0.8)
        lines[0].set_label(rf"$\eta = {step}$")
        data[f"eta={step}"] = {"risk": runs.risk, "curvature": runs.curvature}
        decays = bool(runs.risk[:, -1].mean() < 1e-4)
        stable = bool(linearise(_limit(DiagonalNetwork(step)), one).load < 1)
        expect("networks/sharpness", decays == stable, f"η = {step}: decay is {decays}, stability {stable}")
    above.set(xlabel="$t$", ylabel="risk", yscale="log", ylim=(1e-14, 2))
    below.axhline(1, color=THEORY, lw=0.8)
    below.annotate("threshold", (60, 1), ha="right", va="bottom", color=THEORY)
    below.set(xlabel="$t$", ylabel=r"$\eta\,\mathrm{Tr}\nabla^2\mathcal{R}/2$")
    legend_above(below, 4)
    return Drawn(picture, data)


def _flow_limit(covariance: Array, target: Array, first: Array, second: Array) -> Array:
    """Where gradient flow of (u, v) ends: integrated until the risk has gone."""
    size = target.size

    def right(_: float, y: Array) -> Array:
        pull = covariance @ (y[:size] * y[size:] - target)
        return -np.concatenate([pull * y[size:], pull * y[:size]])

    start = np.concatenate([first, second])
    end = solve_ivp(right, (0, 1000), start, method="LSODA", rtol=1e-8, atol=1e-10).y[:, -1]
    return np.asarray(end[:size] * end[size:])


@recipe("networks/sparsity", "SGD's limit is gradient flow's from a shrunken start")
def sparsity(quick: bool = False, progress: Progress | None = None) -> Drawn:
    """Fewer data directions than weights: SGD ends where gradient flow does from a start shrunken by e^{−η²K_ii∫R}."""
    name, rng = "networks/sparsity", np.random.default_rng(4)
    d, n, nonzero, step = 80, 40, 5, 1.1
    factor = rng.standard_normal((n, d))
    covariance, target = factor.T @ factor / n, np.zeros(d)
    target[:nonzero] = 3 * rng.choice([-1, 1], nonzero)
    at = coordinates(NetworkClasses(1.0, target, 0.5, 0.0), d, covariance)
    paths = solve_network_sde(_limit(DiagonalNetwork(step)), at, [150.0], seeds=1, step=0.01)
    sgd = paths.u[0, 0] * paths.v[0, 0]
    flow = _flow_limit(covariance, target, at.u, at.v)
    shrink = np.exp(-(step**2) * at.lam * paths.integral[0, 0])
    shrunken = _flow_limit(covariance, target, at.u * shrink, at.v * shrink)
    picture, (above, below) = panels(2)
    for values, label, colour, mark in ((flow, "gradient flow", COLOURS[1], "s"), (sgd, "SGD", COLOURS[4], "o")):
        text = rf"{label}, $\ell_1 = {np.abs(values).sum():.1f}$"
        above.plot(np.sort(np.abs(values))[::-1], mark, ms=2.5, color=colour, label=text)
    above.set(xlabel="coordinate, sorted", ylabel=r"$|\theta|$", yscale="log", ylim=(1e-4, 8))
    above.legend()
    below.plot(shrunken, sgd, "o", ms=2.5, color=COLOURS[3])
    below.axline((0, 0), slope=1, color=THEORY, lw=0.8)
    below.set(xlabel="gradient flow from the shrunken start", ylabel="limit of SGD")
    between(name, 0, paths.risk[0, 0], 1e-8, "the path has not come to rest")
    apart, sparser = np.abs(sgd - shrunken).max() / np.abs(sgd).max(), np.abs(sgd).sum() / np.abs(flow).sum()
    between(name, 0, apart, 1e-2, "SGD ends elsewhere than the shrunken flow")
    between(name, 0, sparser, 0.98, "SGD's limit is not sparser than gradient flow's")
    return Drawn(picture, {"flow": flow, "sgd": sgd, "shrunken flow": shrunken})
