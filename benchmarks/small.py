"""Small curves, one by one and by the thousand, beside Dormand-Prince written by hand in Numba and SciPy."""

from __future__ import annotations

import time

import numpy as np
import sympy as sp
from scipy.integrate import solve_ivp

import symhigh as sh
from benchmarks import hand
from benchmarks.curves import error
from benchmarks.measure import Contest, contest

g, n = sp.symbols("g n", positive=True)
PLACES = {"isotropic, t ≤ 10": ([1.0], 10.0), "three atoms, t ≤ 20": ([0.5, 1.0, 2.0], 20.0)}


def rivals(values: list[float], end: float):
    """Spectrum, start, times, and the same for the code written by hand."""
    spectrum, start, times = sh.Spectrum.from_eigenvalues(values), sh.Start(), np.linspace(0, end, 201)
    return spectrum, start, times, np.ones(len(values)), spectrum.values, spectrum.weights


def curves() -> list[Contest]:
    """Least squares, constant rate, 201 times, relative 1e-9; the same objects again and again."""
    rows, several = [], 100
    for name, (values, end) in PLACES.items():
        spectrum, start, times, y, lam, w = rivals(values, end)
        system, risk = sh.derive(sh.least_squares(0.5), sh.Constant(0.5)), np.empty(201)

        def rhs(t, y, lam=lam, w=w):
            return -lam * y + 0.25 * lam * (0.25 + (w * lam) @ y)

        def ours(system=system, spectrum=spectrum, start=start, end=end, times=times):
            for _ in range(several):
                system.solve(spectrum, start, end, times, rtol=1e-9)

        def by_hand(y=y, lam=lam, w=w, times=times, risk=risk):
            for _ in range(several):
                hand.curve(y, lam, w, 0.5, 0.5, times, 1e-9, risk)

        def scipy(y=y, end=end, times=times, rhs=rhs):
            return solve_ivp(rhs, (0, end), y, method="DOP853", rtol=1e-9, atol=1e-290, t_eval=times)

        exact = system.solve(spectrum, start, end, times, rtol=1e-13).risk
        curve = system.solve(spectrum, start, end, times, rtol=1e-9)
        steps = curve.statistics["steps"]
        taken = hand.curve(y, lam, w, 0.5, 0.5, times, 1e-9, risk)
        note = (
            f"largest relative error of the risk: symhigh {error(curve.risk, exact):.1e} in {steps} "
            f"steps, by hand {error(risk, exact):.1e} in {taken}; ours has {len(curve.outputs)} outputs, by hand one"
        )
        others = {"Numba, by hand": by_hand, "SciPy DOP853": scipy}
        rows.append(contest(
            f"small curve again, {name}", ours, others, turns=15, note=note, unit=several, units={"SciPy DOP853": 1.0}
        ))  # fmt: skip
    return rows


def scans() -> list[Contest]:
    """10⁴ curves over rate and noise, 201 times each, relative 1e-9: a curve, on one core, and on two."""
    rows = []
    rates, noises = np.linspace(0.05, 1.0, 100), np.linspace(0.1, 1.0, 100)
    for name, (values, end) in PLACES.items():
        spectrum, start, times, y, lam, w = rivals(values, end)
        system, risk = sh.derive(sh.least_squares(n), sh.Constant(g)), np.empty((100, 100, 201))

        def ours(threads=1, keep="risk", system=system, spectrum=spectrum, start=start, end=end, times=times):
            over = {g: rates, n: noises}
            return system.solve_many(over, spectrum, start, end, times, rtol=1e-9, threads=threads, keep=keep)

        def by_hand(y=y, lam=lam, w=w, times=times, risk=risk):
            hand.scan(y, lam, w, rates, noises, times, 1e-9, risk)

        by_hand()
        apart = float(np.abs(ours().values["risk"] / risk - 1).max())
        note = f"largest relative difference of the risk {apart:.1e}"
        others = {"Numba, by hand": by_hand, "all outputs": lambda ours=ours: ours(keep=None)}
        rows.append(contest(f"10⁴ curves, {name}, a curve", ours, others, turns=5, note=note, unit=1e4))
        rows.append(contest(
            f"10⁴ curves, {name}, two threads", lambda ours=ours: ours(2), {"one thread": ours}, turns=5, unit=1e4,
            note="wall time", clock=time.perf_counter,
        ))  # fmt: skip
    eta, b = sp.symbols("eta b", positive=True)
    system, over = sh.derive(sh.least_squares(1), sh.AdaGradNorm(eta, b)), {eta: rates, b: noises}

    def adaptive():
        return system.solve_many(over, sh.Spectrum.isotropic(), sh.Start(), 10, threads=1, keep="risk")

    note = "each pair of values checked by the rule"
    return [*rows, contest("10⁴ curves, both parameters of AdaGrad-Norm", adaptive, {}, turns=5, note=note, unit=1e4)]


def diagram() -> Contest:
    """A phase diagram of 200 × 200 points, the risk at t = 20 over rate and noise, three atoms, at 1e-8."""
    spectrum, start, *_ = rivals(*PLACES["three atoms, t ≤ 20"])
    system = sh.derive(sh.least_squares(n), sh.Constant(g))
    axes = (g, np.linspace(0.01, 1.5, 200)), (n, np.linspace(0.01, 1, 200))

    def draw(**given):
        return sh.phase_diagram(system, *axes, "risk", spectrum, start, **given)

    return contest("phase diagram, 200 × 200, three atoms", lambda: draw(t_end=20.0), {"limits, closed form": draw})
