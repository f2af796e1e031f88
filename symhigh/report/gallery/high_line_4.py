"""Figure 4 of *The High Line* (arXiv 2405.19585): AdaGrad-Norm on power laws, seven orders of magnitude in time.

The spectrum has density ``(1 − β)λ^{−β}`` with β = 0.2, the target ``D²_λ(0) = λ^{−δ}``; the powers of t that R and γ
fall with are those of Prop. 4.4. At β + δ = 2, where the paper's figure ends, the risk at the start is infinite in the
limit, so the curves end at 1.8.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symhigh.derivation import derive
from symhigh.integration.solve import solve
from symhigh.population import Spectrum, Start
from symhigh.problem import least_squares
from symhigh.report.figures import legend_above, panels, shades
from symhigh.report.gallery import Drawn, Progress, between, recipe
from symhigh.rule import AdaGradNorm

NAME, BETA = "high-line/4", 0.2
SUMS = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8)


def slopes(total: float) -> tuple[float, float]:
    """The exponents of t in the risk and in the learning rate, β + δ = ``total`` ≠ 1 (Prop. 4.4)."""
    return (total - 2, 0.0) if total < 1 else (1 - 2 / total, -1 + 1 / total)


@recipe(NAME, "Power laws")
def figure(quick: bool = False, progress: Progress | None = None) -> Drawn:
    """Risk and learning rate with lines of the predicted slopes."""
    picture, (above, below) = panels(2)
    system, times = derive(least_squares(), AdaGradNorm(1, 1)), np.geomspace(0.1, 1e7, 81 if quick else 241)
    data: dict[str, Any] = {"t": times}
    for k, (total, colour) in enumerate(zip(SUMS, shades(len(SUMS)), strict=True)):
        start = Start.power_law(round(total - BETA, 12))
        curve = solve(system, Spectrum.power_law(BETA), start, float(times[-1]), t=times)
        late = times >= 1e6
        found = [_slope(times[late], values[late]) for values in (curve.risk, curve.learning_rate)]
        for axes, values in ((above, curve.risk), (below, curve.learning_rate)):
            axes.plot(times, values, color=colour, label=rf"$\beta + \delta = {total:g}$")
        data[f"{total:g}"] = {"risk": curve.risk, "learning_rate": curve.learning_rate, "slopes": found}
        if progress is not None:
            progress((k + 1) / len(SUMS))
        if total == 1:  # γ ~ 1/log t, R ~ log t/t: the product of R t γ tends to a constant
            product = (curve.risk * times * curve.learning_rate)[late]
            between(NAME, 1, product.max() / product.min(), 1.05, "at β + δ = 1 the risk is not log t/t")
            continue
        risk_slope, rate_slope = slopes(total)
        for axes, values, slope in ((above, curve.risk, risk_slope), (below, curve.learning_rate, rate_slope)):
            axes.plot(times[late], values[-1] * (times[late] / times[-1]) ** slope, color="black", lw=0.8, ls=":")
        off = max(abs(a - b) for a, b in zip(found, slopes(total), strict=True))
        between(NAME, 0, off, 0.06, f"β + δ = {total:g}: the slopes {found} are not {slopes(total)}")
    above.set(xscale="log", yscale="log", xlabel="$t$", ylabel="risk", ylim=(1e-14, 10))
    below.set(xscale="log", yscale="log", xlabel="$t$", ylabel=r"$\gamma$")
    legend_above(above)
    return Drawn(picture, data)


def _slope(times: Any, values: Any) -> float:
    return float(np.polyfit(np.log(times), np.log(values), 1)[0])
