"""Curves: the generated integrators against Euler, ``solve_ivp`` and BDF, with the accuracy of each."""

from __future__ import annotations

import numpy as np

import symhigh as sh
from benchmarks import baselines as base
from benchmarks.measure import Contest, contest
from symhigh.codegen.target import NUMBA, C


def error(found, exact) -> float:
    return float(np.max(np.abs(np.asarray(found) / np.asarray(exact) - 1)))


def adagrad() -> Contest:
    """Least squares, K = I, noise 1, AdaGrad-Norm(1, 0.3), t ≤ 10: 201 times at relative 1e-8."""
    system, spectrum, start = (
        sh.derive(sh.least_squares(1), sh.AdaGradNorm(1, 0.3)),
        sh.Spectrum.isotropic(),
        sh.Start(),
    )
    rhs, times = base.adagrad_lambdified(), np.linspace(0, 10, 201)
    exact, _ = base.adagrad_solve_ivp(rhs, 1, 0.3, 1, times, 1e-11, "DOP853")
    t, euler, _ = base.adagrad_euler(1, 0.3, 1, 10)
    ours = system.solve(spectrum, start, 10, t=times)
    note = (
        f"largest relative error of the risk: symhigh {error(ours.risk, exact):.1e}, "
        f"Euler {error(np.interp(times, t, euler), exact):.1e}"
    )
    return contest("least squares, AdaGrad-Norm, t ≤ 10", lambda: system.solve(spectrum, start, 10, t=times), {
        "Euler, dt = 1/256": lambda: base.adagrad_euler(1, 0.3, 1, 10),
        "solve_ivp, lambdified": lambda: base.adagrad_solve_ivp(rhs, 1, 0.3, 1, times, 1e-8),
    }, turns=9, note=note)  # fmt: skip


def targets() -> list[Contest]:
    """One small curve on each target, warm: least squares and logistic regression, t ≤ 10, relative 1e-9."""
    rows = []
    for name, problem in (("least squares", sh.least_squares(1)), ("logistic", sh.logistic_regression())):
        system, spectrum, start = sh.derive(problem, sh.AdaGradNorm(1, 0.3)), sh.Spectrum.isotropic(), sh.Start()

        def draw(target, system=system, spectrum=spectrum, start=start):
            for _ in range(20):
                system.solve(spectrum, start, 10, rtol=1e-9, target=target)

        others = {"Numba": lambda draw=draw: draw(NUMBA)}
        rows.append(contest(f"{name}, small curve by C", lambda draw=draw: draw(C), others, turns=25, unit=20.0))
    return rows


def logistic() -> Contest:
    """Logistic regression, K = I, AdaGrad-Norm(1, 1), t ≤ 20, at relative 1e-8."""
    from scipy.integrate import solve_ivp

    system, spectrum, start = (
        sh.derive(sh.logistic_regression(), sh.AdaGradNorm(1, 1)),
        sh.Spectrum.isotropic(),
        sh.Start(),
    )
    times, fine = np.arange(21.0), base.Logistic(120)
    found = solve_ivp(
        base.logistic_rhs(fine, fine.exact_slopes, 1),
        (0, 20),
        [0, 0, 1.0],
        method="DOP853",
        rtol=1e-11,
        atol=1e-13,
        t_eval=times,
    )
    exact = np.array([fine.risk(a, c, 1.0) for a, c in found.y[:2].T])
    ours = system.solve(spectrum, start, 20, t=times)
    euler = base.logistic_euler(1, 1, 20)
    note = (
        f"largest relative error of the risk: symhigh {error(ours.risk, exact):.1e}, "
        f"Euler {error(euler, exact):.1e}"
    )
    several = 20  # a call of ours is too short for the clock

    def solve() -> None:
        for _ in range(several):
            system.solve(spectrum, start, 20, t=times)

    rival = "Euler + differences of 50 × 50 Gauss-Hermite"
    return contest("logistic regression, AdaGrad-Norm, t ≤ 20", solve, {
        rival: lambda: base.logistic_euler(1, 1, 20),
    }, turns=3, note=note, unit=float(several), units={rival: 1.0})  # fmt: skip


def power_law() -> Contest:
    """Power law β = 0.2, δ = 1.2, AdaGrad-Norm to t = 10⁷, quadrature spectrum, relative 1e-6."""
    system = sh.derive(sh.least_squares(), sh.AdaGradNorm(1, 1))
    spectrum, start, times = sh.Spectrum.power_law(0.2), sh.Start.power_law(1.2), np.geomspace(0.1, 1e7, 200)
    exact = system.solve(spectrum, start, 1e7, t=times, rtol=1e-11).risk
    ours = system.solve(spectrum, start, 1e7, t=times, rtol=1e-6)
    note = (
        f"{spectrum.values.size} nodes, {ours.statistics['steps']} steps; largest relative difference to rtol 1e-11: "
        f"{error(ours.risk, exact):.1e}"
    )
    return contest(
        "power law to t = 10⁷",
        lambda: system.solve(spectrum, start, 1e7, t=times, rtol=1e-6),
        {},
        turns=9,
        note=note,
    )


def volterra(steps: int = 8000) -> Contest:
    """Least squares, constant rate, Marchenko-Pastur 0.5, t ≤ 100: Volterra's equation without a mode, at 1e-8."""
    from symhigh.integration.volterra import solve_volterra

    spectrum, start, times = sh.Spectrum.marchenko_pastur(0.5), sh.Start(), np.linspace(0, 100, 101)
    system = sh.derive(sh.least_squares(0.5), sh.Constant(0.5))
    exact = system.solve(spectrum, start, 100, t=times, rtol=1e-12).risk
    ours = error(solve_volterra(system, spectrum, start, 100, t=times).risk, exact)

    def trapezoid():
        t, risk = base.volterra_trapezoid(spectrum.values, spectrum.weights, 0.5, 0.5, 100, steps)
        return np.interp(times, t, risk)

    theirs = error(trapezoid(), exact)
    note = (
        f"largest relative error of the risk: symhigh {ours:.1e}, trapezoid {theirs:.1e}; to reach 1e-8 it would need "
        f"×{np.sqrt(theirs / 1e-8):.0f} the steps, ×{theirs / 1e-8:.0f} the time"
    )
    return contest("Volterra route, t ≤ 100", lambda: solve_volterra(system, spectrum, start, 100, t=times), {
        f"O(N²) trapezoid, N = {steps}": trapezoid}, turns=3, note=note)  # fmt: skip


def stiff_modes(n: int = 1500) -> Contest:
    """The same with n explicit modes, against SciPy's BDF at equal accuracy."""
    lam = (np.arange(1, n + 1) / (n + 1)) ** 1.25
    energy, times = lam**-1.2, np.geomspace(0.1, 1e7, 60)
    system, spectrum = (
        sh.derive(sh.least_squares(0.01), sh.AdaGradNorm(1, 1)),
        sh.Spectrum.from_eigenvalues(lam),
    )
    start = sh.Start.from_vectors(np.zeros(n), np.sqrt(energy / n))
    exact = system.solve(spectrum, start, 1e7, t=times, rtol=1e-10).risk
    ours = system.solve(spectrum, start, 1e7, t=times, rtol=1e-6).risk
    bdf = base.power_law_bdf(lam, energy, 1, 1, 0.01, times, 1e-7)
    note = (
        f"largest relative error of the risk: symhigh {error(ours, exact):.1e}, BDF {error(bdf, exact):.1e}"
    )
    return contest(f"power law, {n} modes, to t = 10⁷",
                   lambda: system.solve(spectrum, start, 1e7, t=times, rtol=1e-6), {
        "SciPy BDF": lambda: base.power_law_bdf(lam, energy, 1, 1, 0.01, times, 1e-7),
    }, turns=1, note=note)  # fmt: skip


def derivations() -> list[Contest]:
    """Derivation alone, on a problem not seen before in the process."""
    from symhigh.derivation.close.moments import _parts
    from symhigh.derivation.mean_field import mean_field
    from symhigh.derivation.statistics import statistics

    rows = []
    for problem, rule in (
        (sh.least_squares(1), sh.AdaGradNorm(1, 1)),
        (sh.logistic_regression(), sh.AdaGradNorm(1, 1)),
        (sh.phase_retrieval(), sh.Polyak()),
    ):

        def afresh(problem=problem, rule=rule):
            for known in (_parts, mean_field, statistics):
                known.cache_clear()
            sh.derive(problem, rule)

        rows.append(
            contest(
                f"derive: {problem.name}, {type(rule).__name__}",
                afresh,
                {},
                turns=3,
                note="Gaussian expectations remembered from the first call",
            )
        )
    return rows
