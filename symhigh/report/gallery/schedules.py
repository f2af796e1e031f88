"""The best schedule against line search, Polyak's rate and the best constant one: what greed costs.

Noiseless least squares on two eigenvalues. Checked: no schedule ends below the optimal one, which keeps to the rate of
the best constant one in between; and the ratio of the exponents of the best constant rate and of line search, which
takes what is best at each moment, that of :func:`~symhigh.closed.best_rate.best_rate` to that of ``limits``.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

from symhigh.closed.best_rate import best_rate
from symhigh.closed.limits import limits
from symhigh.derivation import derive
from symhigh.integration.optimal import optimal_schedule
from symhigh.integration.solve import solve
from symhigh.population import Spectrum, Start
from symhigh.population.spectrum import Array
from symhigh.problem import least_squares
from symhigh.report.figures import legend_above, panels
from symhigh.report.gallery import Drawn, Progress, between, recipe
from symhigh.rule import Constant, LineSearch, Polyak, Rule

NAME = "schedules/greed"
END = 20.0


@recipe(NAME, "The best schedule, and the price of greed")
def figure(quick: bool = False, progress: Progress | None = None) -> Drawn:
    """Risk and learning rate in time."""
    problem, spectrum, start = least_squares(), Spectrum.from_eigenvalues([1, 0.1]), Start()
    times = np.linspace(0, END, 101 if quick else 401)

    def course(rule: Rule) -> tuple[Array, Array]:
        curve = solve(derive(problem, rule), spectrum, start, END, t=times, rtol=1e-9)
        return curve.risk, curve.learning_rate

    last = minimize_scalar(
        lambda rate: np.log(course(Constant(rate))[0][-1]), bounds=(0.05, 3.6), method="bounded"
    )
    best, fastest = optimal_schedule(problem, spectrum, start, END, t=times), best_rate(spectrum)
    shown = {
        "optimal": (best.risk, best.learning_rate),
        "best constant": course(Constant(float(last.x))),
        "Polyak": course(Polyak()),
        "line search": course(LineSearch()),
    }
    if progress is not None:
        progress(0.8)
    for name, (risk, _) in shown.items():
        between(NAME, 1 - 1e-6, risk[-1] / best.value, np.inf, f"{name} ends below the optimal schedule")
    middle = np.interp(END / 2, times, best.learning_rate)
    between(NAME, 1 - 1e-4, middle / fastest.rate, 1 + 1e-4, f"the rate at half time is {middle}, not {fastest.rate}")
    greedy = float(limits(derive(problem, LineSearch()), spectrum, start)["rate"].evaluate())
    late = times > 0.75 * END
    slope = -np.polyfit(times[late], np.log(shown["line search"][0][late]), 1)[0]
    between(NAME, 0.95, slope / greedy, 1.05, f"line search decays at {slope}, not at {greedy}")
    price = fastest.decay / greedy
    picture, axes = panels(2)
    for name, (risk, rate) in shown.items():
        axes[0].semilogy(times, risk, label=name)
        axes[1].plot(times, rate, label=name)
    axes[0].set(xlabel=None, ylabel="risk", title=f"greed costs a factor {price:.3f} in the exponent")
    axes[1].set(xlabel="t = steps/d", ylabel="learning rate")
    legend_above(axes[1], 2)
    if progress is not None:
        progress(1.0)
    data: dict[str, object] = {"t": times, "price": price}
    data |= {f"{name}: risk": risk for name, (risk, _) in shown.items()}
    data |= {f"{name}: learning rate": rate for name, (_, rate) in shown.items()}
    return Drawn(picture, data)
