"""Four figures of diagonal networks, each with an assertion on the data behind it.

Run: python examples/diagonal_network_figures.py [FOLDER]   (a minute or two; --full for d = 4096, about ten)
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from scipy.integrate import solve_ivp

from symhigh import derive, simulate
from symhigh.closed.network import linearise
from symhigh.integration.network_end import long_time
from symhigh.integration.network_sde import solve_network_sde
from symhigh.integration.network_values import coordinates
from symhigh.population import NetworkClasses
from symhigh.problem.network import DiagonalNetwork
from symhigh.report.figures import COLOURS, THEORY, style

FOUR = NetworkClasses([1, 1, 0.4, 0.4], [1, -0.5, 1, -0.5], 1.2, 0.2)
NETWORK = DiagonalNetwork(0.4, 0.3)
TIMES = np.linspace(0, 5, 26)


def sample_covariance(d, seed=0):
    """``FᵀF/2d`` with Gaussian F (2d × d): the Marchenko-Pastur law of ratio 1/2 as d grows."""
    factor = np.random.default_rng(seed).standard_normal((2 * d, d))
    return factor.T @ factor / (2 * d)


def concentration(folder, full):
    """Risk of ten runs at growing d around the limit: diagonal K, and a sample covariance around its SDE."""
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True)
    dims = (16, 64, 256, 1024, 4096) if full else (16, 64, 256, 1024)
    curve = derive(NETWORK).solve(FOUR, 5, t=TIMES)
    spread = []
    for d, colour in zip(dims, COLOURS, strict=False):
        runs = simulate(NETWORK, None, FOUR, None, d, 5, 10, t=TIMES)
        low, high = np.quantile(runs.risk, [0.1, 0.9], axis=0)
        axes[0].fill_between(TIMES, low, high, color=colour, alpha=0.5, label=f"d = {d}")
        spread.append(np.sqrt(np.mean((runs.risk - curve.risk) ** 2)))
    axes[0].plot(TIMES, curve.risk, color=THEORY, label="limit")
    order = -np.polyfit(np.log(dims), np.log(spread), 1)[0]
    assert 0.35 < order < 0.65, f"the error of a run should shrink like d^(-1/2), found d^(-{order:.2f})"
    flat = NetworkClasses(1.0, FOUR.theta_star, FOUR.u, FOUR.v)
    for d, colour in zip(dims if full else dims[:-1], COLOURS, strict=False):
        covariance = sample_covariance(d)
        runs = simulate(NETWORK, None, flat, None, d, 5, 10, t=TIMES, covariance=covariance)
        low, high = np.quantile(runs.risk, [0.1, 0.9], axis=0)
        axes[1].fill_between(TIMES, low, high, color=colour, alpha=0.5, label=f"d = {d}")
    at = coordinates(flat, d, covariance)
    paths = solve_network_sde(derive(NETWORK), at, TIMES, seeds=10, step=0.05)
    axes[1].plot(TIMES, paths.risk.mean(axis=0), color=THEORY, label="SDE, largest K")
    error = np.sqrt((runs.risk.var(axis=0, ddof=1) + paths.risk.var(axis=0, ddof=1)) / 10)
    gap = np.abs(runs.risk.mean(axis=0) - paths.risk.mean(axis=0))
    assert (gap <= 5 * error + 1e-12).all(), f"{(gap / runs.risk.mean(axis=0)).max():.3f}"
    for ax, title in zip(axes, ("diagonal K", "sample covariance, ratio 1/2"), strict=True):
        ax.set(xlabel="t = steps/d", yscale="log", title=title)
        ax.legend()
    axes[0].set_ylabel("risk")
    fig.savefig(folder / "network_concentration.png")


def densities(folder):
    """The density of ξ of one class: a point, a bell, and with vanishing risk a point again."""
    curve = derive(DiagonalNetwork(0.4)).solve(FOUR, 20, t=[0.05, 0.5, 2, 5, 10, 20])
    fig, ax = plt.subplots(figsize=(5, 3.4))
    points, values = curve.densities.points()[:, 0], curve.densities.density()[:, 0]
    for k, when in enumerate(curve.t):
        ax.plot(points[k], values[k], color=plt.cm.viridis(k / 6), label=f"t = {when:g}")
    ax.set(
        xlabel=r"$\xi$",
        ylabel=r"$p(t, \xi)$",
        xlim=(-0.4, 1.4),
        ylim=(0, 12),
        title="λ = 1, θ* = 1, no noise",
    )
    ax.legend()
    fig.savefig(folder / "network_density.png")
    area = (values * curve.densities.scale[:, :1] * curve.densities.cells).sum(axis=1)
    assert np.allclose(area, 1, atol=1e-12)
    widths = curve.densities.scale[:, 0]
    assert widths.argmax() not in (0, widths.size - 1)


def sharpness(folder):
    """Curvature against 2/η: below it the risk decays, above it noise holds the risk up."""
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.4))
    one = NetworkClasses(1.0, 1.0, 0.98, 0.9)
    times = np.linspace(0, 60, 121)
    last = {}
    for step, colour in zip((0.6, 0.9, 1.1, 1.4), plt.cm.viridis([0.85, 0.6, 0.3, 0.0]), strict=True):
        runs = simulate(DiagonalNetwork(step), None, one, None, 1024, 60, 3, t=times)
        axes[0].plot(times, runs.risk.T, color=colour, lw=0.8)
        axes[1].plot(times, step * runs.curvature.T / 2, color=colour, lw=0.8, label=f"η = {step}")
        last[step] = runs.risk[:, -1].mean()
    axes[0].set(xlabel="t", ylabel="risk", yscale="log", ylim=(1e-14, 2))
    axes[1].axhline(1, color=THEORY)
    axes[1].annotate("threshold", (60, 1), ha="right", va="bottom", color=THEORY)
    axes[1].set(xlabel="t", ylabel="η curvature / 2")
    axes[0].legend(*(x[::3] for x in axes[1].get_legend_handles_labels()), loc="center right")
    fig.savefig(folder / "network_sharpness.png")
    for step, risk in last.items():
        assert (risk < 1e-4) == (linearise(derive(DiagonalNetwork(step)), one).load < 1)


def flow_limit(covariance, target, first, second):
    """Where gradient flow of (u, v) ends: integrated until the risk has gone."""
    size = target.size

    def right(_, y):
        pull = covariance @ (y[:size] * y[size:] - target)
        return -np.concatenate([pull * y[size:], pull * y[:size]])

    end = solve_ivp(
        right, (0, 1000), np.concatenate([first, second]), method="LSODA", rtol=1e-8, atol=1e-10
    ).y[:, -1]
    return end[:size] * end[size:]


def sparsity(folder):
    """Fewer data directions than weights: SGD's limit is gradient flow's from a start shrunken by
    e^{−η²K_ii∫R}."""
    rng = np.random.default_rng(4)
    d, n, nonzero = 80, 40, 5
    factor = rng.standard_normal((n, d))
    covariance = factor.T @ factor / n
    target = np.zeros(d)
    target[:nonzero] = 3 * rng.choice([-1, 1], nonzero)
    start = NetworkClasses(1.0, target, 0.5, 0.0)
    at = coordinates(start, d, covariance)
    step = 1.1
    paths = solve_network_sde(derive(DiagonalNetwork(step)), at, [150.0], seeds=1, step=0.01)
    sgd = paths.u[0, 0] * paths.v[0, 0]
    flow = flow_limit(covariance, target, at.u, at.v)
    shrink = np.exp(-(step**2) * at.lam * paths.integral[0, 0])
    shrunken = flow_limit(covariance, target, at.u * shrink, at.v * shrink)
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.4))
    for values, name, colour in ((flow, "gradient flow", COLOURS[0]), (sgd, "SGD", COLOURS[4])):
        axes[0].plot(
            np.sort(np.abs(values))[::-1], ".", color=colour, label=f"{name}, ℓ₁ = {np.abs(values).sum():.1f}"
        )
    axes[0].set(xlabel="coordinate, sorted", ylabel="|θ|", yscale="log", ylim=(1e-4, 8))
    axes[0].legend()
    axes[1].plot(shrunken, sgd, ".", color=COLOURS[3])
    axes[1].axline((0, 0), slope=1, color=THEORY, lw=0.8)
    axes[1].set(xlabel="gradient flow from the shrunken start", ylabel="limit of SGD")
    fig.savefig(folder / "network_sparsity.png")
    assert paths.risk[0, 0] < 1e-8
    assert np.abs(sgd - shrunken).max() < 1e-2 * np.abs(sgd).max()
    assert np.abs(sgd).sum() < 0.98 * np.abs(flow).sum()


if __name__ == "__main__":
    names = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    where = Path(names[0] if names else "figures")
    where.mkdir(exist_ok=True, parents=True)
    with style():
        sparsity(where)
        densities(where)
        sharpness(where)
        concentration(where, "--full" in sys.argv)
    rate = long_time(derive(DiagonalNetwork(0.4)), FOUR, 60).rate
    print(f"figures in {where}; secular rate of the four classes {rate:.5f}")
