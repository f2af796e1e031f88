"""Averages of iterates on least squares: their excess risk forgets the spectrum and the rule.

Let the iterate's error obey de = A e dt + noise, with its mean square residual P at rest, and let the average's obey
da = (e - a) dt/t. The long-time integral of the noise is ``A⁻¹b √(λP)`` a square root of time, whose first entry is
√(P/λ) for every linear rule, so E a² = P/(λt) and the excess risk of the average is P/(2t) on a K of full rank: plain
SGD and momentum differ by their P alone. For schedule-free SGD x = a feeds back, e = -βa/(1 - β) + noise/(1 - β), and

    d E x² = -2 E x²/((1 - β) t) + P/((1 - β)² λ t²),      E x² = P/((1 - β²) λ t),

with P that of the points where gradients are taken, ω²/(1 - (1 - β)γτ/2).
"""

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.ledger import Claim, Measured, equal, integrated, must_fail, symbolic
from symhigh.symbols import lam

g2, g3, friction, beta, level, t = sp.symbols("gamma_2 gamma_3 delta beta P t", positive=True)
SPECTRUM = sh.Spectrum.from_eigenvalues([1.5, 0.6, 0.3], [0.2, 0.5, 0.3])


@symbolic
def long_time_integral():
    """The first entry of A⁻¹b is -1/λ for momentum with a direct step, as for SGD."""
    A = sp.Matrix([[-g2 * lam, -g3], [lam, -friction]])
    b = sp.Matrix([-g2, 1])
    yield equal(A.LUsolve(b)[0], 1 / lam)


@symbolic
def feedback():
    """P/((1 - β²) λ t) solves the equation of x; β = 0 is the plain average."""
    x2 = level / ((1 - beta**2) * lam * t)
    speed = -2 * x2 / ((1 - beta) * t) + level / ((1 - beta) ** 2 * lam * t**2)
    yield equal(sp.diff(x2, t), speed)


def curves(power):
    """Excess risk of averages at t = 2000 against P/(2 (1 - β²)^power t), with P by hand."""
    tau = float(np.array([0.2, 0.5, 0.3]) @ [1.5, 0.6, 0.3])
    for rule, name, weight, share in (
        (sh.Averaged(sh.Constant(0.6)), "average_risk", 0.0, 0.3 * tau),
        (sh.Averaged(sh.Momentum(0.8, 2)), "average_risk", 0.0, 0.2 * tau),
        (sh.ScheduleFree(0.8, 0.9), "risk", 0.9, 0.04 * tau),
        (sh.ScheduleFree(0.6, 0.5), "risk", 0.5, 0.15 * tau),
    ):
        curve = sh.derive(sh.least_squares(0.5), rule).solve(SPECTRUM, sh.Start(), 2000.0, t=[2000.0], rtol=1e-11)
        yield Measured("excess", curve.outputs[name][0] - 0.125), level / (2 * (1 - beta**2) ** power * t), {
            level: 0.25 / (1 - share), beta: weight, t: 2000.0,
        }  # fmt: skip


@integrated(tolerance=0.05)
def late_averages(trial):
    """Excess risk of averages at t = 2000; what is left is of the order 1/t of it, with a factor 1/(1 - β)."""
    yield from curves(1)


@must_fail
@integrated(tolerance=0.05)
def without_feedback(trial):
    """Schedule-free SGD without the feedback of its average."""
    yield from curves(0)


average = Claim(
    "Averages from the start forget spectrum and rule",
    "Least squares, K of full rank; schedule-free SGD among them, whose average feeds back.",
    source="symhigh's own; of SGD Polyak and Juditsky (1992)",
    id="algorithms/averages",
    domain={beta: (0.1, 0.9)},
    evidence=[long_time_integral, feedback, late_averages],
    checks=[without_feedback],
)
